"""A cell means the same whichever rows stand beside it: codes keep their zeros, text stays text, and is given back."""

import csv
import gzip
import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logloss.core.errors import LogLossError
from logloss.training import read_run
from logloss.training.classifier import BinaryClassifier
from logloss.training.features import Recipe
from logloss.training.tables import read_table, write_table
from logloss.training.tables.leading_zeros import LeadingZeros
from tests.command_line import QUICK, done, logloss

ROWS = 240


def written() -> pd.DataFrame:
    """A table as it is written: every cell is text that looks like something else in some rows."""
    rng = np.random.default_rng(1)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), unit="D")
    frame = pd.DataFrame(
        {
            "code": rng.choice(["007", "008", "12", "A12"], ROWS),
            "flag": rng.choice(["true", "FALSE", "maybe"], ROWS),
            "mark": rng.choice(["2024-01-01", "10:30", "1.50", "x"], ROWS),
            "zip": rng.choice(["00501", "02108", "90210"], ROWS),
            "day": day.strftime("%d/%m/%Y"),
            "when": day.strftime("%d%m%Y"),
            "size": rng.choice(["1,250", "900", "17"], ROWS),
            "member": rng.choice(["true", "False", "?"], ROWS),
            "clock": rng.choice(["10:30", "23:59:59", "NA"], ROWS),
            "age": rng.integers(18, 90, ROWS).astype(str),
        }
    )
    frame["churn"] = ((frame["code"] == "007") ^ (frame["zip"] == "00501") ^ (rng.random(ROWS) < 0.2)).astype(int)
    return frame


TABLE = written()


def save(frame, path, delimiter=","):
    frame.to_csv(path, index=False, sep=delimiter)
    return path


@pytest.fixture(scope="module", params=["mlp", "linear"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    data = save(TABLE, folder / "t.csv")
    options = QUICK if request.param == "mlp" else ()
    said = logloss("train", data, "--target", "churn", "--out", folder / "run", "--model", request.param, *options)
    assert said.code == 0, said
    return folder / "run"


@pytest.fixture(scope="module")
def expected(run):
    out = run.parent / "all.csv"
    done("predict", run, run.parent / "t.csv", "--out", out)
    return pd.read_csv(out)["probability"].to_numpy()


def predicted(run, frame, name="some.csv"):
    path = run.parent / name
    if name.endswith("parquet"):
        frame.to_parquet(path, index=False)
    else:
        save(frame, path)
    done("predict", run, path, "--out", run.parent / "p.csv")
    return pd.read_csv(run.parent / "p.csv")["probability"].to_numpy()


# ---------------------------------------------------------------------------------------------------------------------
# The same row, the same probability
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [name for name in TABLE if name not in ("churn", "age")])
def test_rows_of_one_value_get_the_probability_that_they_get_among_others(run, expected, column):
    for value in TABLE[column].unique()[:4]:
        rows = np.flatnonzero(TABLE[column] == value)
        np.testing.assert_allclose(predicted(run, TABLE.iloc[rows]), expected[rows], rtol=1e-12)


def test_a_row_alone_gets_the_probability_that_it_gets_among_others(run, expected):
    for row in range(0, ROWS, 60):
        np.testing.assert_allclose(predicted(run, TABLE.iloc[[row]]), expected[[row]], rtol=1e-12)


def test_text_in_parquet_is_the_text_in_csv(run, expected):
    missing = TABLE.replace({"?": None, "NA": None})
    np.testing.assert_allclose(predicted(run, missing, "t.parquet"), expected, rtol=1e-12)


def test_truth_values_of_parquet_are_the_levels_that_were_text(run, expected):
    rows = np.flatnonzero(TABLE["flag"] != "maybe")
    frame = TABLE.iloc[rows].assign(flag=TABLE["flag"].iloc[rows] == "true").replace({"?": None, "NA": None})
    np.testing.assert_allclose(predicted(run, frame, "t.parquet"), expected[rows], rtol=1e-12)


@pytest.mark.parametrize("spelling", [("true", "false"), ("True", "FALSE"), (" TRUE", "False "), ("1", "0")])
def test_truth_values_may_be_spelled_as_text(run, expected, spelling):
    values = TABLE["member"].map(dict(zip(["true", "False"], spelling, strict=True)))
    frame = TABLE.replace({"NA": None}).assign(member=values)
    np.testing.assert_allclose(predicted(run, frame, "t.parquet"), expected, rtol=1e-12)


def test_rows_that_validate_are_read_as_those_that_train(tmp_path):
    train, other = save(TABLE, tmp_path / "t.csv"), TABLE[(TABLE["code"] != "A12") & (TABLE["flag"] != "maybe")]
    options = ("--target", "churn", "--model", "linear", "--validation-data", save(other, tmp_path / "v.csv"))
    said = logloss("train", train, "--out", tmp_path / "run", *options)
    assert said.code == 0, said
    done("predict", tmp_path / "run", tmp_path / "v.csv", "--out", tmp_path / "p.csv")
    table = read_table(tmp_path / "v.csv", as_text=read_table(train).texts).frame
    p = read_run(tmp_path / "run").predict_proba(table)
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "p.csv")["probability"], p)
    y = other["churn"].to_numpy()
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    found = re.search(r'"log_loss": ([\d.]+)', (tmp_path / "run" / "metrics.json").read_text())
    assert found is not None
    assert float(found[1]) == pytest.approx(loss, rel=1e-9)


# ---------------------------------------------------------------------------------------------------------------------
# Zeros in front
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["00501", "-01", "+07", " 08", '"007"', "00", "001.10", "00000000000000000000000123"])
@pytest.mark.parametrize("place", ["first", "last", "only"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_a_code_makes_its_column_text(tmp_path, code, place, delimiter, end):
    cells = {"first": [code, "7", ""], "last": ["7", "", code], "only": [code, "7"]}[place]
    rows = [delimiter.join(("1", cell)) for cell in cells]
    path = tmp_path / "t.csv"
    path.write_bytes((end or "\n").join([f"a{delimiter}b", *rows]).encode() + end.encode())
    table = read_table(path)
    assert table.frame["a"].tolist() == [1] * len(cells)
    assert [None if pd.isna(value) else value for value in table.frame["b"]] == [
        cell.strip('"') or None for cell in cells
    ]
    bare = code.strip().strip('"')
    assert table.notes == (f'Column "b" is read as text: a number would lose the zeros in front of "{bare}".',)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("0", "i"), ("0.5", "f"), ("-0", "i"), ("10", "i"), ("05:30", "m"), ("2024-01-05 05:00", "M"), ("0e3", "f")],
)
def test_a_zero_alone_is_a_number(tmp_path, cell, kind):
    (tmp_path / "t.csv").write_text(f"a,b\n1,{cell}\n1,{cell}\n")
    table = read_table(tmp_path / "t.csv")
    assert table.frame["b"].dtype.kind == kind
    assert table.notes == ()


def test_a_code_is_found_wherever_the_blocks_of_the_file_end(tmp_path):
    filler = "123,456789\n"
    for lead in range(24):
        path = tmp_path / "t.csv"
        path.write_text("a,b\n" + "1" * (lead % 9 + 1) + ",2\n" + filler * ((1 << 20) // len(filler) - 3 + lead // 8))
        with path.open("a") as file:
            file.write("1,00501\n" + filler * 3)
        assert "00501" in set(read_table(path).frame["b"])


def test_a_code_is_found_wherever_the_blocks_of_the_search_end(tmp_path):
    for short in range(-8, 80, 3):
        watch = LeadingZeros(",")
        text = b"a\n" + b"x" * ((1 << 17) - short - 2) + b",-00501\n" + b"x" * 99
        watch.over(io.BytesIO(text)).read()
        assert watch.found


CELLS = st.text(alphabet='0015 \t"+-.e:/x', max_size=8)


@example(rows=[["1"], ["01E5"], ["2"]], delimiter=",")
@example(rows=[['"00"']], delimiter=",")
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4), delimiter=st.sampled_from(",;|\t"))
def test_the_quick_look_misses_no_code(rows, delimiter):
    text = "\n".join(map(delimiter.join, rows))
    cells = re.split(f"[{delimiter}\n]", text)
    code = re.compile(r'[ \t]*"?[ \t]*[+-]?0\d+\.?\d*([eE][+-]?\d+)?[ \t]*"?[ \t]*')
    for size in (-1, 1, 2, 3, 5, 8):
        watch = LeadingZeros(delimiter)
        stream = watch.over(io.BytesIO(text.encode()))
        while stream.read(size):
            pass
        assert watch.found == any(map(code.fullmatch, cells))


def test_a_file_that_is_read_anew_is_not_mixed_with_the_first_time():
    watch = LeadingZeros(",")  # Arrow may still read the first when the second is begun
    first, second = watch.over(io.BytesIO(b"first")), watch.over(io.BytesIO(b"second"))
    assert (first.read(), second.read()) == (b"first", b"second")


def test_a_code_without_a_header_and_with_a_mark(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf007,1\n8,2\n")
    assert read_table(tmp_path / "t.csv", header=False).frame["0"].tolist() == ["007", "8"]


def test_decimal_commas_are_no_codes(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n0,5;00,5\n1,25;1,5\n")
    table = read_table(tmp_path / "t.csv")
    assert table.frame["b"].tolist() == [0.5, 1.5]


def test_columns_are_read_as_text_on_demand(tmp_path):
    (tmp_path / "t.csv").write_text("a, b ,c\n1,true,2024-01-01\n?,NA,2\n")
    table = read_table(tmp_path / "t.csv", as_text=["a", "b", "c", "nothing"])
    assert table.frame.astype(object).where(table.frame.notna(), None).to_numpy().tolist() == [
        ["1", "true", "2024-01-01"],
        [None, None, "2"],
    ]
    assert table.texts == ("a", "b", "c")
    named = read_table(tmp_path / "t.csv", header=False, as_text=["1"]).frame
    assert named["1"].dropna().str.strip().tolist() == ["b", "true"]


# ---------------------------------------------------------------------------------------------------------------------
# Own columns
# ---------------------------------------------------------------------------------------------------------------------

OWN = (
    ["zip", "day", "unknown", "flag", "price", "large", "text", "space"],
    ["00000", "2024-01-01", "?", "TRUE", "23.50", "1e3", 'say "a", b', " x"],
    ["", "2024-01-01T00:00", "NA", "false", "1", "12345678901234567890.0", "two\nlines", "y "],
    ["7", "2024-01-02", "null", "True", "-0.0", "1", "a;b|c\td", "'"],
)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz"])
@pytest.mark.parametrize("out", ["p.csv", "p.tsv", "p.csv.gz"])
def test_own_columns_come_out_as_they_went_in(run, tmp_path, name, out):
    rows = len(OWN) - 1
    features = TABLE.drop(columns=["day", "zip"]).iloc[:rows]
    given = pd.DataFrame(OWN[1:], columns=[f"own {key}" for key in OWN[0]])
    frame = pd.concat([given, TABLE.iloc[:rows].reset_index(drop=True)], axis=1)
    assert features.shape[0] == rows
    path = save(frame, tmp_path / name, "\t" if "tsv" in name else ",")
    said = logloss("predict", run, path, "--out", tmp_path / out)
    assert said.code == 0, said
    raw = (tmp_path / out).read_bytes()
    text = (gzip.decompress(raw) if out.endswith("gz") else raw).decode()
    back = list(csv.reader(text.splitlines(keepends=True), delimiter="\t" if "tsv" in out else ","))
    assert back[0] == [*frame.columns, "probability"]
    assert [line[:-1] for line in back[1:]] == frame.astype(str).to_numpy().tolist()


def test_a_plain_file_gains_a_column_and_changes_in_no_byte(run, tmp_path):
    frame = TABLE.drop(columns="size")
    path = save(frame.assign(size="17"), tmp_path / "t.csv")
    done("predict", run, path, "--out", tmp_path / "p.csv")
    lines, before = (tmp_path / "p.csv").read_text().split("\n"), path.read_text().split("\n")
    assert [line.rpartition(",")[0] for line in lines[:-1]] == before[:-1]


def test_parquet_comes_out_as_it_was(run, tmp_path):
    table = pa.Table.from_pandas(TABLE.replace({"?": None, "NA": None}), preserve_index=False)
    own = {
        "gaps": pa.array([1, None] * (ROWS // 2), pa.int16()),
        "kind": pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
        "price": pa.array([1, 2] * (ROWS // 2), pa.int64()).cast(pa.decimal128(21, 2)),
        "date": pa.array([0, 1] * (ROWS // 2), pa.int32()).cast(pa.date32()),
        "fine": pa.array([1, 10**9 + 1] * (ROWS // 2), pa.timestamp("ns", "Europe/Berlin")),
    }
    for name, column in own.items():
        table = table.append_column(name, column)
    pq.write_table(table, tmp_path / "t.parquet")
    for out in ("p.parquet", "p.csv"):
        assert logloss("predict", run, tmp_path / "t.parquet", "--out", tmp_path / out).code == 0
    back = pq.read_table(tmp_path / "p.parquet")
    assert back.drop_columns("probability").equals(pq.read_table(tmp_path / "t.parquet"))
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[1].split(",")[-6:-2] == ["1", "a", "1.00", "1970-01-01"]
    assert lines[2].split(",")[-6:-2] == ["", "b", "2.00", "1970-01-02"]


def test_durations_are_spelled_alike_in_every_row(tmp_path):
    clock = pd.Series(pd.to_timedelta(np.full(70_000, 60), unit="s"))
    clock.iloc[-1] = pd.Timedelta("2 days")
    write_table(pd.DataFrame({"a": clock, "b": 1}), tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").frame["a"].iloc[[0, -1]].tolist() == ["0 days 00:01:00", "2 days 00:00:00"]


@pytest.mark.parametrize("cells", [["a", "", None], ["", ""], [None]])
def test_a_column_alone_keeps_its_rows(tmp_path, cells):
    write_table(pa.table({"a": pa.array(cells, pa.string())}), tmp_path / "t.csv")
    assert len(read_table(tmp_path / "t.csv").frame) == len(cells)


# ---------------------------------------------------------------------------------------------------------------------
# Unseen levels
# ---------------------------------------------------------------------------------------------------------------------


def test_values_that_training_never_saw_are_said_and_no_others(run, tmp_path):
    frame = TABLE.assign(code=TABLE["code"].where(TABLE.index > 2, "B7"), zip=TABLE["zip"].where(TABLE.index > 0, None))
    said = logloss("predict", run, save(frame, tmp_path / "t.csv"), "--out", tmp_path / "p.csv")
    assert said.code == 0
    first, second = said.err.splitlines()
    assert first.startswith('Column "code": 3 rows hold values never seen in training, such as "B7"; they ')
    assert second.startswith('Column "zip": 1 row holds a value never seen in training, such as a missing one; it ')
    linear = run.parent.name.startswith("linear")
    assert first.endswith(", the commonest." if linear else "say nothing.")


@pytest.mark.parametrize(
    ("values", "embed", "drop_first", "words"),
    [
        (
            ["a"] * 40 + ["b"] * 20,
            False,
            True,
            'never seen in training, such as "new"; they count as "a", the commonest',
        ),
        (["a"] * 40 + ["b"] * 20, True, False, 'never seen in training, such as "new"; they say nothing'),
        ([None] * 40 + ["b"] * 20, False, True, 'in training, such as "new"; they count as missing, the commonest'),
        (["a"] * 40 + [*"bcdefghijk"], False, True, 'rare in training or new, such as "new"; they count as rare'),
        ([*"abcdefghijklmn"] * 6, True, False, 'never seen in training, such as "new"; they say nothing'),
        (
            [*"abcdefghijklmn"] * 6 + [*"uvwxyz"],
            True,
            False,
            'rare in training or new, such as "new"; they count as rare',
        ),
    ],
)
def test_what_unseen_values_count_as_is_said(values, embed, drop_first, words):
    frame = pd.DataFrame({"x": values, "y": np.arange(len(values)) % 3})
    recipe = Recipe.learn(frame, embed=embed, standardize=embed, drop_first=drop_first)
    common = values[0]
    new = pd.DataFrame({"x": ["new"] * 20 + [common], "y": 0})
    notes = recipe.transform(new).notes
    assert len(notes) == 1
    assert notes[0].startswith('Column "x": 20 rows hold values ')
    assert notes[0].endswith(f"{words}.")
    assert recipe.transform(new.iloc[[20]]).notes == ()


def test_rare_values_are_said_only_where_training_had_fewer():
    frame = pd.DataFrame({"x": ["a"] * 50 + ["b"] * 50 + [f"rare {i}" for i in range(50)], "y": np.arange(150) % 3})
    recipe = Recipe.learn(frame, embed=False, standardize=False, drop_first=True)
    assert recipe.transform(frame).notes == ()
    assert recipe.transform(frame.iloc[[*range(30), *range(140, 150)]]).notes == ()
    assert len(recipe.transform(frame.assign(x="atlantis")).notes) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Arrays
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_whole_numbers_of_an_array_are_features(model):
    y = np.arange(100) % 7 > 2
    classifier = BinaryClassifier(model=model, epochs=1 if model == "mlp" else None)
    assert classifier.fit(np.arange(100)[:, None], y).feature_names_out_.tolist() == ["0"]
    assert classifier.fit(np.random.default_rng(0).permutation(100)[:, None], y).n_features_in_ == 1
    with pytest.raises(LogLossError, match="rise from row to row"):
        classifier.fit(pd.DataFrame({"n": np.arange(100)}), y)
