"""From tables to evidence: the same rows say the same whatever holds them, and bad tables are refused in a sentence."""

import gzip
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from logloss.core.errors import LogLossError
from logloss.engines import reading, sources, tables
from logloss.engines.front_door import evaluate
from logloss.engines.saved import save_tally
from logloss.engines.tables import from_table

N = 3000


def evidence_of(*data, **options):
    return evaluate(*data, **options).evidence


def frame(n=N, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 2, n).round(3)
    return pd.DataFrame(
        {
            "row": [f"r{i:05}" for i in rng.permutation(n)],
            "y": (rng.random(n) < p).astype(np.int64),
            "p": p,
            "w": rng.exponential(size=n).round(3),
            "site": rng.choice(["north", "south", "é, east"], n),
            "note": rng.integers(0, 10**6, n).astype(str),
        }
    )


COLUMNS = {"label": "y", "score": "p", "weight": "w", "by": ["site"], "id": "row"}


def content(evidence):
    return evidence.tally.to_bytes(), evidence.mistakes, evidence.slices, evidence.suppressed


@pytest.fixture(scope="module")
def table():
    return frame()


@pytest.fixture(scope="module")
def expected(table):
    return content(from_table(table, **COLUMNS))


def as_csv(table, path, **options):
    table.to_csv(path, index=False, **options)
    return path


def as_parquet(table, path, **options):
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path, **options)
    return path


def in_folder(table, folder):
    folder.mkdir()
    for i, part in enumerate(np.array_split(np.arange(len(table)), 3)):
        as_parquet(table.iloc[part], folder / f"part-{i}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.parquet.crc").write_bytes(b"crc")
    return folder


def partitioned(table, folder):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    pa.dataset.write_dataset(arrow, folder, format="parquet", partitioning=["site"], partitioning_flavor="hive")
    return folder


def gzipped(table, path):
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return path


SOURCES = {
    "csv": lambda t, at: as_csv(t, at / "t.csv"),
    "csv under another name": lambda t, at: as_csv(t, at / "t.parquet"),
    "tsv": lambda t, at: as_csv(t, at / "t.tsv", sep="\t"),
    "decimal commas": lambda t, at: as_csv(t, at / "t.csv", sep=";", decimal=","),
    "packed": lambda t, at: gzipped(t, at / "t.csv.gz"),
    "parquet": lambda t, at: as_parquet(t, at / "t.parquet"),
    "parquet in small groups": lambda t, at: as_parquet(t, at / "t", row_group_size=100),
    "a folder": lambda t, at: in_folder(t, at / "data"),
    "a pattern": lambda t, at: str(in_folder(t, at / "data")) + "/part-*.parquet",
    "several": lambda t, at: sorted(in_folder(t, at / "data").glob("part*")),
    "partitions": lambda t, at: partitioned(t, at / "data"),
    "a dataset": lambda t, at: pa.dataset.dataset(in_folder(t, at / "data"), exclude_invalid_files=True),
    "remote": lambda t, at: as_csv(t, at / "t.csv").as_uri(),
    "a remote folder": lambda t, at: partitioned(t, at / "data").as_uri(),
    "fsspec": lambda t, at: "simplecache::" + as_parquet(t, at / "t.parquet").as_uri(),
    "arrow": lambda t, at: pa.Table.from_pandas(t, preserve_index=False),
    "categories": lambda t, at: t.astype({"site": "category", "row": "category"}),
    "categories that are numbers": lambda t, at: t.astype({"p": "category", "w": "category"}),
    "polars": lambda t, at: pl.from_pandas(t),
    "polars, lazy": lambda t, at: pl.scan_parquet(as_parquet(t, at / "t.parquet")),
    "duckdb": lambda t, at: duckdb.from_arrow(pa.Table.from_pandas(t, preserve_index=False)),
    "booleans": lambda t, at: t.assign(y=t.y == 1),
    "words": lambda t, at: t.assign(y=np.where(t.y == 1, " Yes", "no")),
    "decimals": lambda t, at: pa.Table.from_pandas(t.astype({"y": str}), preserve_index=False),
    "float labels": lambda t, at: t.assign(y=t.y.astype(float)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_rows_say_the_same_whatever_holds_them(kind, table, expected, tmp_path):
    assert content(from_table(SOURCES[kind](table, tmp_path), **COLUMNS)) == expected


@pytest.mark.parametrize("size", [1, 100, 2999])
def test_batches_of_any_size_say_the_same(size, table, expected, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", size)
    some = table if size > 1 else table.iloc[:200]
    whole = content(from_table(pa.Table.from_pandas(some), **COLUMNS)) if size == 1 else expected
    assert content(from_table(some, **COLUMNS)) == whole


def test_a_stream_that_can_be_read_but_once(table):
    stream = pa.Table.from_pandas(table).to_reader(max_chunksize=100)
    once = from_table(stream, label="y", score="p", weight="w", id="row")
    assert once.tally.to_bytes() == from_table(table, label="y", score="p", weight="w").tally.to_bytes()
    with pytest.raises(LogLossError, match="can be read but once"):
        from_table(pa.Table.from_pandas(table).to_reader(), **COLUMNS)


def test_columns_in_groups_too_long_to_hold_are_read_in_pieces(table, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_CHUNK", 100)
    assert content(from_table(as_parquet(table, tmp_path / "t.parquet"), **COLUMNS)) == expected


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_side_by_side_say_the_same(workers, table, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 900)
    monkeypatch.setattr(tables.native, "threads_for", lambda _: workers)
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(3):
        as_parquet(table[i::3], folder / f"{i}.parquet", row_group_size=400)
    columns = (
        {"label": "y", "score": "p", "weight": "w", "id": "row"} if "row" in table else {"label": "y", "score": "p"}
    )
    expected = from_table(pd.concat([table[i::3] for i in range(3)]), **columns)
    seen = []
    found = from_table(folder, **columns, progress=lambda rows, of: seen.append((rows, of)))
    assert content(found) == content(expected)
    assert seen[-1] == (len(table), len(table))
    assert [rows for rows, _ in seen] == sorted(rows for rows, _ in seen)


def test_what_goes_wrong_beside_others_is_said_with_its_first_place(table, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 100)
    monkeypatch.setattr(tables.native, "threads_for", lambda _: 3)
    wrong = table.copy()
    wrong.loc[[777, 801, N - 1], "p"] = 1.5
    path = as_parquet(wrong, tmp_path / "wrong.parquet", row_group_size=50)
    with pytest.raises(LogLossError, match=rf'"p", 3 values of {N:,} lie outside .* the first in row 778 = 1\.5'):
        from_table(path, label="y", score="p")
    whole = as_parquet(table, tmp_path / "whole.parquet", row_group_size=50).read_bytes()
    path.write_bytes(whole[:3000] + bytes(2000) + whole[5000:])
    with pytest.raises(LogLossError, match="damaged or incomplete"):
        from_table(path, label="y", score="p")


def test_arrays_say_the_same_as_a_table(table):
    arrays = evidence_of(table.y, table.p, sample_weight=table.w, by=table.site)
    columns = evidence_of(table, label="y", score="p", weight="w", by="site")
    assert content(arrays) == content(columns)


def test_rows_are_shown_only_when_asked_for(table, tmp_path):
    for data in (table, as_parquet(table, tmp_path / "t.parquet"), as_csv(table, tmp_path / "t.csv")):
        shown = from_table(data, **COLUMNS, show_rows=["note", "site"])
        by_id = table.set_index("row")
        assert [table.row[one.row] for one in shown.mistakes] == [one.id for one in shown.mistakes]
        assert [one.shown for one in shown.mistakes] == [
            {"note": by_id.note[one.id], "site": by_id.site[one.id]} for one in shown.mistakes
        ]
        assert all(one.shown == {} for one in from_table(data, **COLUMNS).mistakes)


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas"])
def test_of_equal_rows_those_are_shown_that_come_first_by_what_is_shown(kind, tmp_path):
    n = 2000
    table = pd.DataFrame({"y": [0, 1] * (n // 2), "p": [0.75, 0.5] * (n // 2), "note": [f"{i:05}" for i in range(n)]})
    table.loc[7, "p"] = 0.1  # costs more than all others
    table.loc[n - 2, "note"] = None
    for seed in (0, 1):
        shuffled = table.sample(frac=1, random_state=seed)
        data = {"csv": as_csv, "parquet": as_parquet}[kind](shuffled, tmp_path / kind) if kind != "pandas" else shuffled
        found = from_table(data, label="y", score="p", show_rows=["p", "note"]).mistakes
        assert [one.shown["note"] for one in found] == ["00007", *(f"{2 * i:05}" for i in range(19))]
        assert [one.shown["p"] for one in found] == ["0.1", *["0.75"] * 19]


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas"])
def test_rows_without_a_label_are_pending_and_nothing_else(kind, table, tmp_path):
    gaps = table.assign(y=table.y.where(table.index % 7 > 0).astype("Int64"))
    data = {
        "csv": lambda: as_csv(gaps, tmp_path / "t.csv"),
        "parquet": lambda: as_parquet(gaps, tmp_path / "t"),
        "pandas": lambda: gaps,
    }[kind]()
    evidence = from_table(data, **COLUMNS)
    known = from_table(table[table.index % 7 > 0], **COLUMNS)
    assert evidence.tally.pending == (table.index % 7 == 0).sum()
    assert evidence.tally.rows == known.tally.rows
    assert (evidence.mistakes, [one.loss for one in evidence.slices]) == (
        known.mistakes,
        [one.loss for one in known.slices],
    )


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("kind", ["csv", "arrow"])
def test_rows_without_a_score_are_refused_or_left_out_and_counted(kind, missing, table, tmp_path):
    p = [missing if i % 100 == 5 else one for i, one in enumerate(table.p)]
    gaps = pa.Table.from_pandas(table).set_column(2, "p", pa.array(p))
    if kind == "csv":
        pa.csv.write_csv(gaps, tmp_path / "t.csv")
        gaps = tmp_path / "t.csv"
    with pytest.raises(LogLossError, match=r'"p", 30 values of 3,000 are missing, the first in row 6\. .*--skip-nulls'):
        from_table(gaps, **COLUMNS)
    evidence = from_table(gaps, **COLUMNS, skip_nulls=True)
    rest = from_table(table[table.index % 100 != 5], **COLUMNS)
    assert evidence.skipped == 30
    assert content(evidence) == content(rest)


def test_labels_of_two_values():
    p = [0.9, 0.1, 0.8, 0.3]

    def labels(y, positive=None):
        evidence = from_table(pa.table({"y": y, "p": p}), label="y", score="p", positive=positive)
        return evidence.tally.total(2), evidence.positive, evidence.notes

    assert labels([1, 0, 1, 0])[:2] == (2.0, None)
    assert labels([0.25, 0.5, 1.0, 0.25])[:2] == (2.0, None)
    assert labels(["Y", "n", "y ", "N"]) == (2.0, "y", ())
    assert labels([-1, 1, 1, 1]) == (3.0, "1", ())
    assert labels([1, 2, 2, 2])[:2] == (3.0, "2")
    count, positive, (note,) = labels(["basic", "gold", "gold", "gold"])
    assert (count, positive) == (3.0, "gold")
    assert 'In "y", "gold" counts as positive and "basic" as negative' in note
    assert labels(["basic", "gold", "gold", "gold"], "basic")[0] == 1.0
    assert labels(["a", "b", "c", None], "c")[0] == 1.0
    assert labels([1, 0, 1, 0], 0)[0] == 2.0
    assert labels([3, 4, 5, 5], "5.0")[0] == 2.0


@pytest.mark.parametrize("positive", [False, np.False_, "False", 0, np.int64(0), 0.0])
def test_a_positive_value_that_is_false_is_given(positive):
    y = np.arange(40) % 3 == 0
    if positive not in (False, "False") or str(positive) in ("0", "0.0"):
        y = y.astype(int)
    table = pd.DataFrame({"y": y, "p": np.linspace(0.1, 0.9, 40) ** 2})
    turned = evaluate(table, label="y", score="p", positive=positive)
    assert turned.roc_auc == evaluate(table, label="y", score="p", positive=str(positive).lower()).roc_auc
    assert turned.n_positive == (y == 0).sum()


LABELS = {
    "-1 late": ([1] * 20 + [-1] * 20, "1"),
    "2 late": ([1] * 20 + [2] * 20, "2"),
    "0 after -1": ([-1] * 20 + [0] * 20, "0"),
    "text": (["1"] * 20 + ["-1"] * 20, "1"),
    "text of two": (["1"] * 20 + ["2"] * 20, "2"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_no_order_of_rows_changes_how_labels_are_understood(kind, monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "ROWS", 10)
    monkeypatch.setattr(reading, "ROWS", 10)
    y, positive = LABELS[kind]
    table = pa.table({"y": y, "p": np.linspace(0.1, 0.9, 40), "w": np.ones(40), "q": np.full(40, 0.5)})
    found = []
    for order in (np.arange(40), np.arange(40)[::-1], np.random.default_rng(0).permutation(40)):
        some = table.take(pa.array(order))
        pq.write_table(some, tmp_path / "t", row_group_size=10)
        found += [from_table(data, label="y", score="p", weight="w") for data in (some, tmp_path / "t")]
        both = evaluate(some, label="y", score=["p", "q"])
        assert both["p"].evidence.tally.to_bytes() == from_table(some, label="y", score="p").tally.to_bytes()
    assert {(one.tally.to_bytes(), one.positive, one.notes) for one in found} == {
        (found[0].tally.to_bytes(), positive, found[0].notes)
    }


def test_three_words_are_refused_in_any_order(monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 10)
    y = ["yes", "no"] * 10 + ["maybe"] * 10
    said = {refusal(pa.table({"y": some, "p": [0.5] * 30})) for some in (y, y[::-1])}
    assert len(said) == 1
    assert 'holds "maybe", "no", "yes"' in said.pop()


def test_a_stream_whose_labels_turn_out_otherwise_is_refused():
    table = pa.table({"y": [1] * 20 + [-1] * 20, "p": [0.5] * 40})
    assert "20 values of 40 lie outside [0, 1]" in refusal(table.to_reader(max_chunksize=10))


def test_categories_that_no_row_has_are_no_labels():
    y = pd.Categorical(["basic", "gold"] * 5, categories=["basic", "gold", "platinum"])
    assert from_table(pd.DataFrame({"y": y, "p": 0.5}), label="y", score="p").positive == "gold"


def test_the_second_value_of_a_label_may_come_late(tmp_path):
    y = ["basic"] * 2000 + ["gold"] * 10
    t = pd.DataFrame({"y": y, "p": 0.5})
    evidence = from_table(as_parquet(t, tmp_path / "t", row_group_size=100), label="y", score="p")
    assert (evidence.positive, evidence.tally.total(2)) == ("gold", 10.0)


def test_progress_is_told(table, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 1000)
    told = []
    from_table(table, label="y", score="p", progress=lambda *said: told.append(said))
    assert told == [(1000, N), (2000, N), (3000, N)]


# ---------------------------------------------------------------------------------------------------------------------
# Bad tables
# ---------------------------------------------------------------------------------------------------------------------


def refusal(data, **columns):
    with pytest.raises(LogLossError) as caught:
        from_table(data, **{"label": "y", "score": "p", **columns})
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


VALUES = {
    "column": ({"score": "pp"}, {}, 'The frame has no column "pp". Did you mean "p"?'),
    "no column": ({"by": "nosuch"}, {}, 'no column "nosuch"'),
    "column unlike": ({"weight": "zebra"}, {}, 'no column "zebra". It has "row", "y"'),
    "the same twice": ({"score": "y"}, {}, 'The column "y" is named as label and as score'),
    "labels": ({}, {"y": lambda t: t.y * 2 + t.y.index % 2}, 'The label "y" holds "0", "1", "2", "3"; expected'),
    "classes": ({}, {"y": lambda t: t.note}, "holds more than 20 values"),
    "one class of unknown sign": ({}, {"y": "spam"}, 'is "spam" wherever it was looked at'),
    "no such value": (
        {"positive": "gold"},
        {"y": lambda t: np.where(t.y, "god", "b")},
        'is "gold", .* Did you mean "god"',
    ),
    "logits": (
        {},
        {"p": lambda t: t.p * 8 - 4},
        r"values of 3,000 lie outside \[0, 1\], the first in row .* If these are logits",
    ),
    "percentages": ({}, {"p": lambda t: t.p * 100}, "If these are percentages, divide them by 100"),
    "text": ({"score": "site"}, {}, 'The column "site" holds .*string, such as .*expected numbers'),
    "categories of text": (
        {},
        {"p": lambda t: pd.Categorical(t.site)},
        'The column "p" holds .*string, such as .*expected numbers',
    ),
    "weights": (
        {"weight": "w"},
        {"w": lambda t: t.w.where(t.index != 7, -1)},
        '"w", 1 value of 3,000 is missing, negative or infinite, the first in row 8 = -1',
    ),
    "missing weights": ({"weight": "w"}, {"w": lambda t: t.w.where(t.index != 7)}, '"w", 1 value of 3,000 is missing'),
    "light": ({"weight": "w"}, {"w": lambda t: t.w.where(t.index != 7, 1e-13)}, "Multiply all weights by one number"),
    "heavy": ({"weight": "w"}, {"w": lambda t: t.w.where(t.index != 7, 1e9)}, "Divide all weights by one number"),
    "empty": ({}, None, "The frame holds no rows"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_bad_columns_and_values_are_refused_in_a_sentence(kind, table):
    columns, changes, words = VALUES[kind]
    bad = table.iloc[:0] if changes is None else table.assign(**changes)
    assert re.search(words, refusal(bad, **columns)), refusal(bad, **columns)


OPTIONS = {
    "no name": ({"by": ""}, "by names ''; expected the name of a column"),
    "no name of a weight": ({"weight": ""}, "weight names ''"),
    "a number": ({"score": 3}, "score names 3; expected the name of a column"),
    "numbers": ({"score": ["p", 3]}, "score names 3"),
    "an array": ({"by": np.arange(3)}, "by names np.int64(0)"),
    "three costs": ({"costs": (1, 2, 3)}, "costs=(1, 2, 3) is not usable; expected two numbers"),
    "costs of letters": ({"costs": "ab"}, "costs='ab' is not usable"),
    "one cost": ({"costs": 1.0}, "costs=1.0 is not usable"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_of_the_wrong_type_are_refused_in_a_sentence_before_the_read(kind, table):
    options, words = OPTIONS[kind]
    with pytest.raises(LogLossError, match=re.escape(words)):
        evaluate(table, **{"label": "y", "score": "p", **options}, progress=lambda *_: pytest.fail("read"))


def test_a_name_of_two_columns_is_refused(table):
    twice = pd.concat([table, table.p], axis=1)
    arrow = pa.Table.from_arrays([pa.array(table[c]) for c in "ypp"], names=["y", "p", "p"])
    for data in (twice, arrow, arrow.to_batches()[0], arrow.to_reader()):
        assert 'has more than one column named "p". Give each a name of its own.' in refusal(data)
    assert from_table(twice, label="y", score="w", from_logits=True).tally.rows == N  # whose name is its own


def test_a_lazy_frame_that_cannot_be_read_is_named(table, tmp_path):
    assert "The lazy frame cannot be read: " in refusal(pl.scan_parquet(tmp_path / "none.parquet"))
    path = as_parquet(table, tmp_path / "t.parquet")
    lazy = pl.scan_parquet(path)
    lazy.collect_schema()
    path.unlink()
    assert "The lazy frame cannot be read: " in refusal(lazy)


def test_types_of_arrow_that_few_use_are_read(table, expected):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    ends = [pc.run_end_encode(arrow[name].combine_chunks()) for name in ("y", "w", "site")]
    views = arrow["row"].cast(pa.binary()).cast(pa.binary_view())
    data = pa.table({"y": ends[0], "p": arrow["p"], "w": ends[1], "site": ends[2], "row": views})
    assert content(from_table(data, **COLUMNS)) == expected
    small = pa.array([Decimal("1.50")] * N, pa.decimal32(5, 2))
    assert [one.value for one in from_table(data.append_column("d", small), **{**COLUMNS, "by": "d"}).slices] == ["1.5"]
    spans = data.append_column("d", pa.array([(1, 2, 3)] * N, pa.month_day_nano_interval()))
    for columns in ({"by": "d"}, {"id": "d"}):
        assert 'The column "d" holds' in refusal(spans, **columns)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 17), pa.decimal256(60, 17)], ids=str)
def test_decimals_are_the_doubles_that_their_text_is(kind):
    rng = np.random.default_rng(0)
    columns = {name: [f"{one:.17f}" for one in rng.random(N)] for name in ("y", "p", "w")}
    decimals = pa.table({name: pa.array(map(Decimal, text), kind) for name, text in columns.items()})
    doubles = pa.table({name: pa.array(map(float, text)) for name, text in columns.items()})
    for weight in ({}, {"weight": "w"}):
        made = [evaluate(table, label="y", score="p", **weight).to_dict() for table in (decimals, doubles)]
        assert made[0] == made[1]


def test_a_column_named_twice_makes_its_slices_once(table):
    for models in ("p", ["p", "w"]):
        some = table.assign(w=table.p**2)
        once, twice = (evaluate(some, label="y", score=models, by=by) for by in ("site", ["site", "site"]))
        assert once.to_dict() == twice.to_dict()


HELD = {
    "float": lambda v: v.astype(float),
    "float32": lambda v: v.astype(np.float32),
    "half": lambda v: v.astype(np.float16),
    "int": lambda v: v,
    "decimal": lambda v: [Decimal(f"{one}.00") for one in v.tolist()],
    "text": lambda v: v.astype(str),
    "negative zero": lambda v: np.where(v == 0, -0.0, v),
    "categories": lambda v: pd.Categorical(v.astype(float)),
}


@pytest.mark.parametrize("kind", HELD)
def test_a_number_names_the_same_slice_in_every_type(kind, table, tmp_path):
    value = np.arange(N) % 3
    held = table.assign(site=HELD[kind](value))
    columns = {"label": "y", "score": "p", "by": "site"}
    expected = content(from_table(table.assign(site=value), **columns))
    data = [held, pa.Table.from_pandas(held), as_parquet(held, tmp_path / "t")]
    if kind not in ("half", "decimal", "categories"):
        data.append(pl.from_pandas(held))
    for one in data:
        assert content(from_table(one, **columns)) == expected
    arrays = evidence_of(table.y, table.p, by={"site": held.site})
    assert content(arrays) == expected


def test_booleans_and_times_name_the_same_slice_whatever_holds_them(table, tmp_path):
    columns = {"label": "y", "score": "p", "by": ["flag", "day"]}
    held = table.assign(flag=table.w > 1, day=pd.to_datetime("2024-01-01 12:00:00.5") + pd.to_timedelta(N // 2, "s"))
    expected = content(from_table(held, **columns))
    assert {one.value for one in from_table(held, **columns).slices} >= {"true", "false"}
    arrow = pa.Table.from_pandas(held, preserve_index=False)
    stored = arrow.set_column(arrow.schema.get_field_index("day"), "day", arrow["day"].cast(pa.timestamp("ms")))
    for data in (as_parquet(held, tmp_path / "t"), pl.from_pandas(held), stored):
        assert content(from_table(data, **columns)) == expected
    flags = {"label": "y", "score": "p", "by": "flag"}
    expected = content(from_table(held, **flags))
    pl.from_pandas(held).write_csv(tmp_path / "polars.csv")
    for path in (as_csv(held, tmp_path / "pandas.csv"), tmp_path / "polars.csv"):  # "True" in one, "true" in the other
        assert content(from_table(path, **flags)) == expected


def test_a_label_outside_in_a_later_batch_is_refused_with_its_place(table, monkeypatch):
    monkeypatch.setattr(sources, "ROWS", 1000)
    bad = table.assign(y=table.y.where(table.index < 2500, 7))
    assert '"y", 500 values of 3,000 lie outside [0, 1], the first in row 2,501 = 7' in refusal(bad)


def damaged(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\0" * 64 + whole[len(whole) // 2 + 64 :])
    return path


def test_bad_files_are_named_in_a_sentence(table, tmp_path):
    good = as_parquet(table, tmp_path / "good.parquet")
    assert "There is no file" in refusal(tmp_path / "god.parquet")
    (tmp_path / "cut.parquet").write_bytes(good.read_bytes()[:1000])
    assert "cut.parquet is a damaged or incomplete Parquet file" in refusal(tmp_path / "cut.parquet")
    one = damaged(as_parquet(table[["y", "p"]], tmp_path / "hurt.parquet", compression="zstd", write_statistics=False))
    assert "hurt.parquet is a damaged or incomplete Parquet file" in refusal(one)
    assert "No file fits the pattern" in refusal(f"{tmp_path}/none*.csv")
    (tmp_path / "bare").mkdir()
    assert "bare is a folder without data" in refusal(tmp_path / "bare")
    (tmp_path / "bad.csv").write_text("y,p\n1,0.5\n0,half\n" * 3)
    assert refusal(tmp_path / "bad.csv").endswith(
        'bad.csv: the column "p" holds "half"; expected numbers. Mend that value, or leave it empty.'
    )
    (tmp_path / "bad.csv").write_text("name,p,y\nana,0.5,1\n")
    with pytest.raises(LogLossError, match='the column "name" holds "ana"'):
        from_table(tmp_path / "bad.csv", label="y", score="name")
    (tmp_path / "none.csv").write_text("y,p\n")
    assert "none.csv holds no rows" in refusal(tmp_path / "none.csv")
    (tmp_path / "ragged.csv").write_text("y,p\n1,0.5\n0,0.5,1\n")
    assert "ragged.csv, line 3: 2 fields expected" in refusal(tmp_path / "ragged.csv")
    assert "A int is no table" in refusal(3)


def test_remote_patterns_are_those_of_files_here(table, tmp_path):
    for place in ("a/g=1", "a/g=2", "b"):
        (tmp_path / place).mkdir(parents=True)
    for i, place in enumerate(("top", "a/one", "a/g=1/two", "a/g=2/three", "b/four")):
        as_parquet(table.iloc[i::5], tmp_path / f"{place}.parquet")
    (tmp_path / "a" / "g=1" / "_SUCCESS").touch()
    columns = {**COLUMNS, "by": None}
    for pattern in ("**/*.parquet", "*", "a/g=*", "[!b]/*.parquet", "a/**/t*.parquet"):
        here, there = (from_table(f"{at}/{pattern}", **columns) for at in (tmp_path, tmp_path.as_uri()))
        assert content(here) == content(there), pattern


def test_a_file_without_any_label_is_pending_whatever_the_others_hold(table, tmp_path):
    for kind, labels in (("numbers", table.y), ("words", np.where(table.y, "yes", "no"))):
        folder = tmp_path / kind
        folder.mkdir()
        as_parquet(table.assign(y=labels), folder / "a.parquet")
        late = pa.Table.from_pandas(table.drop(columns="y")).append_column("y", pa.nulls(len(table)))
        pq.write_table(late, folder / "b.parquet")
        evidence = from_table(folder, **COLUMNS)
        assert (evidence.tally.rows, evidence.tally.pending) == (len(table), len(table))
        as_csv(table.assign(y=labels), folder / "a.parquet")
        as_csv(table.assign(y=None), folder / "b.parquet")
        assert content(from_table(folder, **COLUMNS)) == content(evidence)


def test_a_dict_of_columns_is_a_table(table):
    columns = ["y", "p", "w", "site", "row"]
    whole = evidence_of(table, **COLUMNS)
    assert content(evidence_of({name: table[name] for name in columns}, **COLUMNS)) == content(whole)
    with pytest.raises(LogLossError, match="The dict is no table"):
        from_table({"y": [1, 0], "p": [0.5]}, label="y", score="p")


def test_a_file_that_is_named_twice_is_refused(table, tmp_path, monkeypatch):
    path = as_csv(table, tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    for twice in (["t.csv", "t.csv"], ["t.csv", "./t.csv"], ["t.csv", "t*.csv"]):
        with pytest.raises(LogLossError, match=r"t.csv is named twice: its rows would count twice"):
            from_table(twice, **COLUMNS)
    (tmp_path / "link.csv").symlink_to(path)
    for again in (path, str(path), tmp_path / "link.csv", tmp_path):
        with pytest.raises(LogLossError, match=r"named twice.*would count twice"):
            from_table([path, again], **COLUMNS)


def test_files_of_a_folder_that_do_not_agree_are_named(table, tmp_path):
    folder = in_folder(table, tmp_path / "data")
    as_parquet(table.assign(y=np.where(table.y, "yes", "no")), folder / "part-1.parquet")
    assert '"y" is text in ' in refusal(folder)
    assert "part-1.parquet and numbers in " in refusal(folder)
    as_parquet(table.assign(p=table.p.astype(str)), folder / "part-1.parquet")
    assert '"p" is text in ' in refusal(folder)
    as_parquet(table.drop(columns="p"), folder / "part-1.parquet")
    assert 'part-1.parquet has no column "p", which other files have' in refusal(folder)


def test_numbers_of_several_types_go_together(table, expected, tmp_path):
    folder = in_folder(table, tmp_path / "data")
    part = pq.read_table(folder / "part-1.parquet").to_pandas()
    as_parquet(part.assign(y=part.y.astype(float)), folder / "part-1.parquet")
    assert content(from_table(folder, **COLUMNS)) == expected


def test_a_file_that_vanishes_midway_is_named(table, tmp_path, monkeypatch):
    folder = in_folder(table, tmp_path / "data")

    def vanish(rows, _):
        for path in folder.glob("part-2*"):
            path.unlink()

    with pytest.raises(LogLossError, match=r"part-2\.parquet is no longer there"):
        from_table(folder, label="y", score="p", progress=vanish)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("file:///nowhere/at/all.csv", "There is no file:///nowhere/at/all.csv"),
        ("nosuch://bucket/key", "cannot be reached: "),
        ("memory://empty/none.csv", "There is no memory://empty/none.csv"),
    ],
)
def test_a_remote_path_without_access_is_named(uri, words):
    assert words in refusal(uri)


def test_what_belongs_to_arrays_is_refused_of_tables_and_the_other_way_round(table):
    for call, words in (
        (lambda: evidence_of([1, 0], [0.5, 0.5], label="y"), "label is said of tables"),
        (lambda: evidence_of(table, sample_weight=table.w, label="y", score="p"), "Name its column"),
        (lambda: evidence_of(table, label="y"), "There is no score"),
        (lambda: evidence_of([1, 0]), "There is no label"),
    ):
        with pytest.raises(LogLossError, match=words):
            call()


STREAM = """
import resource, sys
import numpy as np, pyarrow as pa
from logloss.engines.tables import from_table

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
schema = pa.schema({"y": pa.int8(), "p": pa.float32()})
p = np.random.default_rng(0).random(2**20, dtype=np.float32)
y = (np.random.default_rng(1).random(2**20) < p).astype(np.int8)

def rows(n):
    for at in range(0, n, 2**19):
        some = slice(at % 2**20, at % 2**20 + min(2**19, n - at))
        yield pa.RecordBatch.from_arrays([pa.array(y[some]), pa.array(p[some])], schema=schema)

before = peak()
for n in (10**6, 3 * 10**7):
    stream = pa.RecordBatchReader.from_batches(schema, rows(n))
    assert from_table(stream, label="y", score="p").tally.rows == n
    print((peak() - before) // 1024)
"""


def test_memory_does_not_grow_with_the_rows():
    said = subprocess.run([sys.executable, "-c", STREAM], capture_output=True, text=True, check=True).stdout
    few, many = map(int, said.split())
    assert many < few + 64, said
    assert many < 300, said


@pytest.mark.parametrize("series", [pd.Series([1, 0]), pl.Series([1, 0])], ids=["pandas", "polars"])
def test_a_series_is_no_table(series):
    assert "A Series is no table that is known here; expected a path, or a table" in refusal(
        series, label="y", score="p"
    )


def test_a_file_without_names_and_percentages_are_told_how_to_mend(tmp_path):
    (tmp_path / "t.csv").write_text("0,0.5\n1,0.7\n")
    assert "Its first line seems to hold data" in refusal(tmp_path / "t.csv")
    pd.DataFrame({"0": [1, 0], "1": [0.5, 0.7]}).to_parquet(tmp_path / "t.parquet")
    assert "Its first line" not in refusal(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("y,p\n0,50%\n1,70%\n")
    with pytest.raises(LogLossError, match="Write shares, such as"):
        from_table(tmp_path / "t.csv", label="y", score="p")


def test_a_folder_below_that_may_not_be_read_is_named(table, tmp_path, monkeypatch):
    folder = in_folder(table, tmp_path / "data")
    (folder / "private").mkdir()
    look = os.scandir

    def scandir(path="."):
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(LogLossError, match=r"You may not read .*private"):
        evaluate(folder, label="y", score="p")
    save_tally(evaluate([1, 0], [0.6, 0.4]), folder / "day.tally")
    for part in folder.glob("*.parquet"):
        part.unlink()
    with pytest.raises(LogLossError, match=r"You may not read .*private"):  # there may be tallies in it, too
        evaluate(folder)
    assert refusal(folder) == f"You may not read {folder / 'private'}. Change its permissions, or copy it."
