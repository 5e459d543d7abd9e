"""A cluster says what one machine does, to the bit, also after a worker was lost."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from logloss.core.errors import LogLossError
from logloss.engines import partitions
from logloss.engines.front_door import evaluate
from logloss.engines.tables import from_table

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # of the connections that both keep
]
COLUMNS = {"label": "y", "score": "p", "weight": "w", "by": ["site"], "id": "row", "show_rows": ["note"]}
N, PARTITIONS = 6000, 5


def evidence_of(*data, **options):
    return evaluate(*data, **options).evidence


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 2, N).round(3)
    return pd.DataFrame(
        {
            "row": [f"r{i:05}" for i in rng.permutation(N)],
            "y": (rng.random(N) < p).astype(float),
            "p": p,
            "w": rng.exponential(size=N).round(3),
            "site": rng.choice(["north", "south", "é, east"], N),
            "note": rng.integers(0, 10**6, N),
        }
    )


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2,3]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    session = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


def content(evidence):
    return evidence.tally.to_bytes(), evidence.skipped, evidence.mistakes, evidence.slices, evidence.suppressed


@pytest.fixture(params=["spark", "dask"])
def spread(request):
    """What makes a frame of the cluster of one of pandas."""
    session = request.getfixturevalue("spark" if request.param == "spark" else "client")
    if request.param == "dask":
        return lambda frame: dask.dataframe.from_pandas(frame, npartitions=PARTITIONS)

    def to_spark(frame):
        return session.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(PARTITIONS)

    return to_spark


def test_a_cluster_says_what_one_machine_does(spread, table, monkeypatch):
    from logloss.engines import dask, spark

    for engine in (spark, dask):
        monkeypatch.setattr(engine, "BRANCHES", 2)
    assert content(evidence_of(spread(table), **COLUMNS)) == content(from_table(table, **COLUMNS))


@pytest.mark.parametrize("words", [False, True])
def test_models_are_compared_as_on_one_machine(spread, table, words):
    other = np.sqrt(table.p).where(table.index % 7 > 0)
    frame = table.assign(q=other, y=np.where(table.y, "late", "soon") if words else table.y)
    columns = {**COLUMNS, "score": ["p", "q"], "skip_nulls": True, "positive": "late" if words else None}
    assert evaluate(spread(frame), **columns).to_dict() == evaluate(frame, **columns).to_dict()


def test_labels_without_a_value_and_scores_without_one(spread, table):
    gaps = table.assign(y=table.y.where(table.index % 5 > 0), p=table.p.where(table.index % 7 > 0))
    expected = from_table(gaps, **COLUMNS, skip_nulls=True)
    assert content(evidence_of(spread(gaps), **COLUMNS, skip_nulls=True)) == content(expected)
    with pytest.raises(LogLossError, match=r'"p", \d+ values are missing\. Fill them in'):
        evidence_of(spread(gaps), **COLUMNS)


@pytest.mark.parametrize("kind", ["words", "classes", "positive", "booleans"])
def test_labels_of_two_values(spread, table, kind):
    y, positive = {
        "words": (np.where(table.y, "gold", "basic"), None),
        "classes": (table.y + 1, None),
        "positive": (np.where(table.y, "a", np.where(table.w > 1, "b", "c")), "a"),
        "booleans": (table.y == 1, None),
    }[kind]
    frame = table.assign(y=y)[["y", "p"]]
    one = from_table(frame, label="y", score="p", positive=positive)
    other = evidence_of(spread(frame), label="y", score="p", positive=positive)
    assert (content(other), other.positive, other.notes) == (content(one), one.positive, one.notes)


def test_bad_tables_are_refused_in_a_sentence(spread, table):
    frame = spread(table)
    for columns, words in (
        ({"score": "pp"}, 'no column "pp". Did you mean "p"'),
        ({"score": "y"}, "named as label and as score"),
        ({"score": "site"}, "expected numbers"),
        ({"score": "note"}, "lie outside"),
        ({"label": "note"}, "more than 20 values"),
        ({"positive": "7"}, 'No label in "y" is "7"'),
    ):
        with pytest.raises(Exception, match=words) as caught:
            evidence_of(frame, **{"label": "y", "score": "p", **columns})
        assert isinstance(caught.value, LogLossError), caught.value


def test_partitions_without_rows_say_nothing(spread, table):
    few = table.iloc[:3]
    assert content(evidence_of(spread(few), **COLUMNS)) == content(from_table(few, **COLUMNS))
    frame = spread(table)
    with pytest.raises(LogLossError, match="The table holds no rows"):
        evidence_of(frame[frame.p > 2], **COLUMNS)


def test_a_spark_table_without_partitions_holds_no_rows(spark, table):
    kinds = spark.createDataFrame(table.iloc[:1]).schema
    frame = spark.createDataFrame(spark.sparkContext.emptyRDD(), kinds)
    with pytest.raises(LogLossError, match="The table holds no rows"):
        evidence_of(frame, **COLUMNS)


def test_names_of_columns_may_be_numbers_in_dask(client, table):
    frame = table[["y", "p"]].set_axis([0, 1], axis=1)
    one = from_table(frame, label="0", score="1")
    assert content(evidence_of(dask.dataframe.from_pandas(frame, npartitions=2), label="0", score="1")) == content(one)


def test_a_node_without_answers_says_nothing():
    from logloss.engines.spark import _answering

    for merge in (partitions.merged_parts, partitions.merged_tallies, partitions.merged_pairs):
        assert list(_answering(lambda batches, merge=merge: merge(batches))(iter([]))) == []
        assert merge([]) == b""


def test_a_name_of_two_columns_is_refused_on_a_cluster():
    with pytest.raises(LogLossError, match='more than one column named "p"'):
        partitions.need(["y", "p"], ["y", "p", "p"])


class DiesOnce:
    """What a partition is asked; the first to ask of the last rows is killed."""

    def __init__(self, mark, ask):
        self._mark, self._ask = Path(mark), ask

    def __call__(self, batches):
        answer = self._ask(batches)
        try:
            self._mark.touch(exist_ok=False)
        except FileExistsError:
            return answer
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("this process is gone")


@pytest.mark.parametrize("engine", ["spark", "dask"])
def test_a_killed_worker_changes_nothing(engine, request, table, tmp_path, monkeypatch):
    expected = content(from_table(table, **COLUMNS))
    ask = partitions.Task.part_of
    mark = tmp_path / "killed"
    frame = request.getfixturevalue("spread_by")(engine)(table)
    monkeypatch.setattr(partitions.Task, "part_of", property(lambda task: DiesOnce(mark, lambda b: ask(task, b))))
    assert content(evidence_of(frame, **COLUMNS)) == expected
    assert mark.exists()


@pytest.fixture
def spread_by(request):
    def of(engine):
        if engine == "dask":
            request.getfixturevalue("client")
            return lambda frame: dask.dataframe.from_pandas(frame, npartitions=2)
        session = request.getfixturevalue("spark")
        return lambda frame: session.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False)).repartition(2)

    return of


def in_files(kind, table, folder):
    """A table as files, of kinds that Spark and Dask have ways of their own with."""
    folder.mkdir()
    halves = {"a": table.iloc[: N // 2], "b": table.iloc[N // 2 :]}
    if kind == "partitioned":
        for name, half in halves.items():
            (folder / f"day=00{name}").mkdir()
            pq.write_table(pa.Table.from_pandas(half, preserve_index=False), folder / f"day=00{name}" / "t.parquet")
    else:
        ending, options = {
            "csv": ("csv", {}),
            "tsv": ("tsv", {"sep": "\t", "decimal": ","}),
            "gaps": ("csv", {"na_rep": "NA"}),
        }[kind]
        for name, half in halves.items():
            half.to_csv(folder / f"{name}.{ending}", index=False, **options)
    return folder


@pytest.mark.parametrize("engine", ["spark", "dask"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "gaps", "partitioned"])
def test_files_say_the_same_wherever_they_are_read(engine, kind, request, table, tmp_path):
    request.getfixturevalue("spark" if engine == "spark" else "client")
    note = [f'a,{i} "b"\nc' if i % 2 else f"{i:04}" for i in range(N)]
    odd = table.assign(note=note, zip=[f"{i % 7:05}" for i in range(N)], y=table.y.where(table.index % 9 > 0))
    path = in_files(kind, odd, tmp_path / "data")
    columns = {**COLUMNS, "by": ["zip", "day" if kind == "partitioned" else "site"]}
    scattered = import_module(f"logloss.engines.{engine}").read_files([str(path)])
    assert content(evidence_of(scattered, **columns)) == content(from_table(path, **columns))


@pytest.mark.parametrize("engine", ["spark", "dask"])
def test_files_that_cannot_be_read_are_refused_on_a_cluster_as_elsewhere(engine, request, table, tmp_path):
    request.getfixturevalue("spark" if engine == "spark" else "client")
    read_files = import_module(f"logloss.engines.{engine}").read_files
    path = in_files("partitioned", table, tmp_path / "data")
    damaged = path / "day=00b" / "t.parquet"
    whole = damaged.read_bytes()
    for held in (whole[:500], whole[:100] + bytes(len(whole) // 2) + whole[100 + len(whole) // 2 :]):
        damaged.write_bytes(held)
        with pytest.raises(LogLossError, match="damaged or incomplete") as caught:
            evidence_of(read_files([str(path)]), label="y", score="p")
        assert str(damaged) in str(caught.value)


@pytest.mark.parametrize("engine", ["spark", "dask"])
def test_models_in_files_are_compared_as_on_one_machine(engine, request, table, tmp_path):
    request.getfixturevalue("spark" if engine == "spark" else "client")
    frame = table.assign(q=np.sqrt(table.p), y=np.where(table.y, "late", "soon"))
    path = in_files("csv", frame, tmp_path / "data")
    scattered = import_module(f"logloss.engines.{engine}").read_files([str(path)])
    columns = {"label": "y", "score": ["p", "q"], "weight": "w", "by": "site"}
    assert evaluate(scattered, **columns).to_dict() == evaluate(str(path), **columns).to_dict()


def test_what_a_cluster_cannot_read_is_told_in_a_sentence(spark, table, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
    for frame in (spark.read.parquet(str(path)), dask.dataframe.read_parquet(path)):
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(LogLossError, match="could not read the table: "):
            evidence_of(frame, label="y", score="p")
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)


def test_what_crosses_the_network_is_small(table):
    task = partitions.Task(partitions.Columns("y", "p"), partitions.Labels())
    batches = pa.Table.from_pandas(table).to_batches(100)
    answer = task.part_of(batches)
    assert len(answer) < 20_000
    halves = [task.part_of(batches[:7]), task.part_of(batches[7:])]
    assert partitions.merged_parts(halves) == partitions.merged_parts([answer])
