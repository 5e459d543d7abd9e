"""Tables from files: what is read means what was written, and each bad file gets one sentence that helps."""

import bz2
import contextlib
import datetime as dt
import decimal
import errno
import gzip
import hashlib
import io
import lzma
import math
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logloss.core.errors import RunError, TableError
from logloss.tables.atomic import atomic_path, write_atomically
from logloss.tables.csv_dialect import Dialect
from logloss.training.tables import read_table, refuse_infinite, write_table

# ---------------------------------------------------------------------------------------------------------------------
# What is read
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    """A file of that name and content."""

    def make(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def parquet(**columns) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


PACKINGS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zip": lambda data: zipped(inside=data),
}
PLAIN = b"age,plan\n41,basic\n?,gold\n"


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table", "table.parquet"])
@pytest.mark.parametrize("packing", [None, *PACKINGS])
@pytest.mark.parametrize("content", [PLAIN, parquet(age=[41, None], plan=["basic", "gold"])], ids=["csv", "parquet"])
def test_content_decides_what_a_file_is(file, content, packing, name):
    stored = PACKINGS[packing](content) if packing else content
    table = read_table(file(stored, name))
    expected = pd.DataFrame({"age": [41.0, np.nan], "plan": pd.Series(["basic", "gold"], dtype="str")})
    pd.testing.assert_frame_equal(table.frame, expected)
    assert table.sha256 == hashlib.sha256(stored).hexdigest()
    assert table.notes == ()


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_delimiters_line_breaks_and_byte_order_marks(file, delimiter, line_break, mark):
    rows = [["a", "b", "Größe"], ["1", "x y", "2.5"], ["3", '"z"', "4"]]
    frame = read_table(file(mark + line_break.join(map(delimiter.join, rows)))).frame
    assert frame.to_dict("list") == {"a": [1, 3], "b": ["x y", "z"], "Größe": [2.5, 4.0]}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a;b\n1,5;2,5\n3,5;x\n", ["a", "b"]),
        ("a,b\nx;y,1\nx;y,2\n", ["a", "b"]),
        ('a,b\n"x;y;z",1\n"x;y;z",2\n', ["a", "b"]),
        ("text\none; two\nthree; four\n", ["text"]),
        ("name|note\nx|1, 2, 3\ny|4, 5, 6\n", ["name", "note"]),
    ],
)
def test_the_delimiter_is_the_one_that_parts_the_header_too(file, text, columns):
    assert list(read_table(file(text)).frame.columns) == columns


def test_without_a_header_columns_are_named_by_position(file):
    frame = read_table(file("1,x\n2,y\n"), header=False).frame
    assert frame.to_dict("list") == {"0": [1, 2], "1": ["x", "y"]}
    frame = read_table(file("1,5;2,5;3,5\n"), header=False).frame
    assert frame.to_dict("list") == {"0": [1.5], "1": [2.5], "2": [3.5]}


@pytest.mark.parametrize(
    "word", ["", "?", "NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "None", '"NA"', '""']
)
@pytest.mark.parametrize("value", ["3", "2.5", "true", "word", "2020-01-01", "12:30"])
def test_each_spelling_of_missing_is_missing_in_every_type(file, word, value):
    frame = read_table(file(f"a,b\n{value},1\n{word},2\n{value},3\n")).frame
    assert frame["a"].isna().tolist() == [False, True, False]


def test_a_dash_is_a_value(file):
    assert read_table(file("a,b\n-,1\nx,2\n")).frame["a"].tolist() == ["-", "x"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "2"], "int64"),
        (["1", ""], "float64"),
        (["1", "2.5"], "float64"),
        (["1e3", "-.5"], "float64"),
        (["true", "FALSE"], "bool"),
        (["True", "fAlSe"], "bool"),
        (["true", ""], "boolean"),
        (["", "NA"], "float64"),
        (["2020-01-01", "0001-12-31"], "datetime64[us]"),
        (["2020-01-01 10:00", "2020-01-01T10:00:00.5"], "datetime64[us]"),
        (["2020-01-01T10:00:00Z", "2020-01-01T10:00:00+02:00"], "datetime64[us, UTC]"),
        (["12:30", "23:59:59"], "timedelta64[us]"),
        (["01/02/2020", "03/04/2020"], "str"),
        (["1,000", "2"], "str"),
        (["x", "1"], "str"),
    ],
)
def test_types(file, values, dtype):
    text = "a;b\n" + "".join(f'"{value}";1.5\n' for value in values)
    assert str(read_table(file(text)).frame["a"].dtype) == dtype


def test_a_type_is_that_of_the_whole_column(file):
    rows = 300_000  # over a megabyte, so Arrow has read a block of integers before the word comes
    table = read_table(file("a,b\n" + "123,4.5\n" * rows + "word,6.5\n"))
    assert table.frame["a"].iloc[[0, -1]].tolist() == ["123", "word"]
    assert table.frame["b"].dtype == np.float64
    (note,) = table.notes
    assert note == 'Column "a" is read as text: 1 value of 300,001 is not a number, the first in row 300,001.'
    assert "word" not in note  # a note may end up in a report, which holds no value of a row


def test_text_that_begins_with_a_number_gets_no_note_when_it_is_text(file):
    assert read_table(file("a,b\n12,1\n3a,2\n4b,3\n")).notes == ()


def test_line_breaks_within_quotes_belong_to_the_value(file):
    text = 'a,b\n1,"x\ny"\n2,"z\r\n"\n'
    assert read_table(file(text)).frame["b"].tolist() == ["x\ny", "z\r\n"]
    big = "a,b\n" + '1,"x\ny"\n' * 300_000  # quotes across the edges of Arrow's blocks
    frame = read_table(file(big)).frame
    assert len(frame) == 300_000
    assert frame["b"].unique().tolist() == ["x\ny"]


def test_a_value_may_be_longer_than_a_block(file):
    frame = read_table(file("a,b\n1," + "x" * 3_000_000 + "\n2,y\n")).frame
    assert frame["b"].str.len().tolist() == [3_000_000, 1]


def test_a_space_after_each_delimiter_is_not_part_of_the_values(file):
    text = "39, State-gov, 13.5, ?, True, <=50K\n50, ?, 8, x, False, >50K\n"
    frame = read_table(file(text), header=False).frame
    assert frame["1"].isna().tolist() == [False, True]
    assert frame["2"].tolist() == [13.5, 8.0]
    assert frame["4"].dtype == bool
    assert frame["5"].tolist() == ["<=50K", ">50K"]


def test_decimal_commas_are_read_and_said(file):
    table = read_table(file("a;b\n1,5;2\n2,25;3\n"))
    assert table.frame["a"].tolist() == [1.5, 2.25]
    assert table.notes == ("Commas are read as decimal signs.",)
    assert read_table(file("a;b\n1,500;2\n2,250;3\n")).frame["a"].tolist() == ["1,500", "2,250"]  # thousands, or not


GERMAN = Dialect(";", ",")
SPACED = Dialect(",", spaced=True)


@pytest.mark.parametrize(
    ("text", "known", "cells"),
    [
        ("a\n1,5\n2,25\n", GERMAN, [[1.5], [2.25]]),  # by itself a row of two cells under a header of one
        ("a;b\n1,234;x\n", GERMAN, [[1.234, "x"]]),  # by itself a thousand and more
        ("a;b\n1,234;12.30 h\n", GERMAN, [[1.234, "12.30 h"]]),
        ("a;b\n1,234;12.5\n", GERMAN, [[1.234, "12.5"]]),
        ("a, b;c, d\nx, y;z, w\n", GERMAN, [["x, y", "z, w"]]),  # by itself three columns
        ("a|b;c\nx|y;z\n", Dialect("|"), [["x", "y;z"]]),
        ("a,b\n1, x\n", Dialect(","), [[1, " x"]]),
        ("a,b\n1,x\n", SPACED, [[1, "x"]]),
        ("a,b\n1, x\n2,\n", SPACED, [[1, "x"], [2, None]]),
    ],
)
def test_a_dialect_that_is_known_decides_what_a_text_leaves_open(file, text, known, cells):
    table = read_table(file(text), dialect=known)
    assert table.frame.astype(object).where(table.frame.notna(), None).to_numpy().tolist() == cells
    assert table.dialect == known
    assert table.as_written().num_rows == len(cells)


@pytest.mark.parametrize(
    ("text", "known", "cells"),
    [
        ("a,b\n0.5,2\n", GERMAN, [[0.5, 2]]),
        ("a,b\n1,2\n", GERMAN, [[1, 2]]),
        ("a\tb\n0,5\t2\n", GERMAN, [[0.5, 2]]),
        ("a;b\n0.5;2\n", GERMAN, [[0.5, 2]]),
        ("a;b\n0,5;2\n", Dialect(";"), [[0.5, 2]]),
        ("a;b\n0,5;2\n", Dialect(","), [[0.5, 2]]),
        ("a, b\n1, x\n", Dialect(","), [[1, "x"]]),
        ("a;b\n1; x\n", SPACED, [[1, "x"]]),
        ('"a;b",c\n1,2\n', GERMAN, [[1, 2]]),
        ('a,b\n"0,5",2\n', GERMAN, [["0,5", 2]]),
        ("a\tb\n1,234\t2\n", GERMAN, [["1,234", 2]]),
    ],
)
def test_a_dialect_that_is_known_does_not_count_where_the_text_speaks_another(file, text, known, cells):
    table = read_table(file(text), dialect=known)
    assert table.frame.to_numpy().tolist() == cells
    assert table.dialect != known


def test_a_thousand_columns(file):
    rows = [",".join(f"c{i}" for i in range(1000)), *[",".join(str(i * j) for i in range(1000)) for j in range(5)]]
    frame = read_table(file("\n".join(rows))).frame
    assert frame.shape == (5, 1000)
    assert (frame.dtypes == np.int64).all()
    frame["new"] = 1  # a frame of a thousand blocks would warn of fragmentation here


def test_the_frame_can_be_written_to(file):
    frame = read_table(file("a,b\n1,2.5\n3,4.5\n")).frame
    frame.loc[0, "b"] = 7.0
    assert frame["b"].tolist() == [7.0, 4.5]


def test_a_header_of_numbers_is_asked_about(file):
    (note,) = read_table(file("5.1,3.5,setosa\n4.9,3.0,setosa\n")).notes
    assert "--no-header" in note
    assert read_table(file("0,1,2\n4.9,3.0,x\n")).notes == ()  # names by position, as read_table gives them itself


def test_a_missed_header_is_asked_about(file):
    (note,) = read_table(file("age,plan\n4,x\n"), header=False).notes
    assert "--no-header" in note


def test_one_column_and_unnamed_columns_are_noted(file):
    (note,) = read_table(file("a\n1\n2\n")).notes
    assert "one column" in note
    table = read_table(file(",a\n0,1\n1,2\n"))
    assert list(table.frame.columns) == ["0", "a"]
    assert table.notes == ('1 column without a name in the header, called by position: "0".',)


def test_types_of_parquet_become_those_of_csv(tmp_path):
    noon = dt.datetime(2020, 1, 1, 12)
    columns = {
        "int8": pa.array([1, 2], pa.int8()),
        "gap": pa.array([1, None], pa.int64()),
        "bool gap": pa.array([True, None]),
        "decimal": pa.array([decimal.Decimal("1.25"), None]),
        "half": pa.array([1.5, None], pa.float16()),
        "category": pa.array(["x", None]).dictionary_encode(),
        "bytes": pa.array([b"x", None]),
        "date": pa.array([noon.date(), None]),
        "time": pa.array([dt.time(12, 30), None]),
        "ns": pa.array([noon, None], pa.timestamp("ns", "Europe/Paris")),
        "duration": pa.array([dt.timedelta(days=2), None], pa.duration("ms")),
        "nothing": pa.nulls(2),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet").frame
    assert frame.dtypes.astype(str).to_dict() == {
        "int8": "int8",
        "gap": "float64",
        "bool gap": "boolean",
        "decimal": "float64",
        "half": "float32",
        "category": "str",
        "bytes": "str",
        "date": "datetime64[us]",
        "time": "timedelta64[us]",
        "ns": "datetime64[us, Europe/Paris]",
        "duration": "timedelta64[us]",
        "nothing": "float64",
    }
    assert frame.drop(columns="int8").iloc[1].isna().all()
    assert frame["time"].iloc[0] == pd.Timedelta(hours=12, minutes=30)
    assert frame["decimal"].iloc[0] == 1.25


def test_an_unnamed_index_of_pandas_is_no_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3]}).iloc[[2, 0, 1]]
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.frame.to_dict("list") == {"a": [3, 1, 2]}
    assert len(table.notes) == 1


# ---------------------------------------------------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------------------------------------------------

LONG = "1,2\n" * 300_000
REFUSED = {
    "empty": ("", "t.csv", ["is empty", "expected a table"]),
    "blank lines": ("\n\n\n", "t.csv", ["blank lines"]),
    "header only": ("a,b\n", "t.csv", ["header and no rows"]),
    "header without a line break": ("a,b", "t.csv", ["header and no rows"]),
    "latin-1": (b"a,b\n1,\xe9\n", "t.csv", ["not UTF-8", "byte 6", "line 2", "0xE9", "iconv"]),
    "latin-1 in the header": (b"a,\xe9\n1,2\n", "t.csv", ["not UTF-8", "byte 2", "line 1", "iconv"]),
    "latin-1 far down": (b"a,b\n" + LONG.encode() + b"3,\xe9\n", "t.csv", ["byte 1,200,006", "line 300,002"]),
    "cut within a character": ("a,b\n1,é".encode()[:-1], "t.csv", ["not UTF-8", "byte 6"]),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "t.csv", ["UTF-16", "iconv -f UTF-16"]),
    "Excel": (
        zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
        "t.csv",
        ["Excel", "Save the sheet as CSV"],
    ),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1", "t.csv", ["Excel", "CSV"]),
    "PDF": (b"%PDF-1.7\nstuff", "t.csv", ["PDF", "expected CSV"]),
    "PNG": (b"\x89PNG\r\n\x1a\n", "t.csv", ["image"]),
    "pickle": (pickle.dumps({"a": [1]}), "t.csv", ["pickle", "never opened"]),
    "Arrow": (b"ARROW1\0\0", "t.csv", ["Arrow"]),
    "web page": ("<!DOCTYPE html><html>", "t.csv", ["web page"]),
    "JSON": ('[\n  {"a": 1, "b": 2}]', "t.csv", ["JSON", "pandas.read_json"]),
    "JSON lines": ('{"a": 1, "b": 2}\n', "t.csv", ["JSON"]),
    "LFS pointer": ("version https://git-lfs.github.com/spec/v1\n", "t.csv", ["git lfs pull"]),
    "NUL": (b"a,b\n1,\0\n", "t.csv", ["binary", "byte 6", "NUL"]),
    "NUL far down": (b"a,b\n" + LONG.encode() + b"1,\0\n", "t.csv", ["byte 1,200,006", "NUL"]),
    "zeros where a crash cut the file": (b"a,b\n" + LONG.encode() + bytes(99), "t.csv", ["line 300,002", "NUL"]),
    "two files in a zip": (zipped(a=b"a,b\n1,2\n", b=b"x"), "t.zip", ["2 files", '"a", "b"', "Unpack"]),
    "empty zip": (zipped(), "t.zip", ["no file"]),
    "packed twice": (gzip.compress(gzip.compress(PLAIN)), "t.csv.gz", ["compressed twice", "Unpack"]),
    "cut gzip": (gzip.compress(PLAIN)[:-9], "t.csv.gz", ["damaged or cut off", "gzip", "again"]),
    "cut xz": (lzma.compress(PLAIN)[:-9], "t.csv.xz", ["damaged or cut off", "xz"]),
    "cut bz2": (bz2.compress(PLAIN)[:-9], "t.csv.bz2", ["damaged or cut off", "bz2"]),
    "cut zstd": (zstd(PLAIN)[:-3], "t.csv.zst", ["damaged or cut off", "zstd"]),
    "damaged gzip": (gzip.compress(PLAIN)[:-8] + bytes(8), "t.csv.gz", ["damaged or cut off"]),
    "too few fields": ("a,b\n1,2\n3\n", "t.csv", ["line 3", "2 fields expected", "1 found", "quotes"]),
    "too many fields": ("a,b\n1,2\n3,4,5\n", "t.csv", ["line 3", "2 fields expected", "3 found", "comma"]),
    "ragged far down": ("a;b\n" + "1;2\n" * 300_000 + "\n3;4;5\n", "t.csv", ["line 300,003", "semicolon"]),
    "ragged after a value of two lines": ('a,b\n1,"x\ny"\n3\n', "t.csv", ["line 4", "2 fields expected"]),
    "open quote": ('a,b\n1,"2\n3,4\n5,6\n', "t.csv", ["line 2", "quote", "never closed"]),
    "open quote in the middle": ('a,b\n1,2\n"3,4\n5,6\n', "t.csv", ["line 3", "never closed"]),
    "same name twice": ("a,b,a\n1,2,3\n", "t.csv", ["more than one column", '"a"', "a name of its own"]),
    "same number twice": ("5,3,5\n1,2,3\n", "t.csv", ['"5"', "--no-header"]),
    "large integer": ("a,id\n1,7\n2,12345678901234567890\n", "t.csv", ['column "id"', "row 2", "64 bits", "letter"]),
    "large negative": ("a,id\n1,-9223372036854775809\n", "t.csv", ['column "id"', "row 1", "64 bits"]),
    "1e400": ("a,x\n1,0.5\n2,1e400\n", "t.csv", ['column "x"', "row 2", "1e400", "too large"]),
    "Parquet without rows": (parquet(a=pa.array([], pa.int64())), "t.parquet", ["1 column and no rows"]),
    "cut Parquet": (parquet(a=[1, 2])[:-20], "t.parquet", ["damaged or incomplete Parquet", "again"]),
    "nested Parquet": (parquet(x=[1], l=[[1]], s=[{"a": 1}]), "t.parquet", ['"l", "s"', "one value a cell"]),
    "bytes in Parquet": (parquet(x=[1], raw=[b"\xff"]), "t.parquet", ['column "raw"', "Leave the column out"]),
    "raw bytes in Parquet": (
        parquet(x=[1], raw=pa.array([b"abcd"], pa.binary(4))),
        "t.parquet",
        ['"raw"', "leave them out"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_bad_file_gets_a_sentence(file, case):
    content, name, words = REFUSED[case]
    path = file(content, name)
    with pytest.raises(TableError) as refusal:
        read_table(path)
    sentence = str(refusal.value)
    assert str(path) in sentence
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert sentence.endswith((".", "?"))


def test_the_first_row_may_be_the_bad_one_without_a_header(file):
    with pytest.raises(TableError, match=r"line 2: 2 fields expected, as in the first line, and 3 found"):
        read_table(file("1,2\n3,4,5\n"), header=False)


def test_integers_at_the_edge_of_64_bits_are_read(file):
    frame = read_table(file("a,b\n9223372036854775807,1\n-9223372036854775808,2\n")).frame
    assert frame["a"].tolist() == [2**63 - 1, -(2**63)]


def test_large_measurements_are_numbers(file):
    frame = read_table(file("a,b\n12345678901234567890,1\n1.5,2\n1e300,3\n")).frame
    assert frame["a"].tolist() == [12345678901234567890.0, 1.5, 1e300]


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "flights.csv").touch()
    with pytest.raises(TableError, match=r'no file .*flihgts\.csv\. Did you mean "flights\.csv"\?'):
        read_table(tmp_path / "flihgts.csv")
    with pytest.raises(TableError, match=r'no file .*zebra\.txt\. Its folder holds "flights\.csv"\.'):
        read_table(tmp_path / "zebra.txt")
    with pytest.raises(TableError, match=r"nor a folder .*nowhere"):
        read_table(tmp_path / "nowhere" / "t.csv")
    with pytest.raises(TableError, match=r"nor a folder .*flights\.csv"):
        read_table(tmp_path / "flights.csv" / "t.csv")
    with pytest.raises(TableError, match="cannot be the name of a file"):
        read_table("a\0b")


def test_a_folder_and_a_device(tmp_path):
    (tmp_path / "part-0.parquet").touch()
    with pytest.raises(TableError, match=r'is a folder; expected a file.* It holds "part-0\.parquet"\.'):
        read_table(tmp_path)
    with pytest.raises(TableError, match="device or a pipe"):
        read_table(os.devnull)


def test_a_file_that_may_not_be_read(file, monkeypatch):
    path = file(PLAIN)

    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(TableError, match=r"may not read .*table\.csv.*permissions"):
        read_table(path)


def test_a_table_that_does_not_fit_into_memory(file, monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr("pyarrow.csv.read_csv", exhausted)
    with pytest.raises(TableError, match=r"table\.csv does not fit into memory"):
        read_table(file(PLAIN))


def test_a_name_in_a_sentence_cannot_steer_the_terminal(file):
    with pytest.raises(TableError) as refusal:
        read_table(file("a\x1b[31m,a\x1b[31m\n1,2\n"))
    assert "\x1b" not in str(refusal.value)


SAMPLES = {
    "csv": b'a,b,c\n1,"x\ny",2020-01-01\n2.5,\xc3\xa9,\n' * 3,
    "parquet": parquet(a=[1, None], b=["x", "y"]),
} | {name: pack(PLAIN * 20) for name, pack in PACKINGS.items()}


@pytest.mark.parametrize("kind", SAMPLES)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_anywhere_is_read_or_refused(file, kind, data):
    whole = SAMPLES[kind]
    path = file(whole[: data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(TableError):
        read_table(path)


@given(
    start=st.sampled_from(
        [b"", b"PAR1", b"\x1f\x8b\x08", b"BZh91AY&SY", b"PK\x03\x04", b"\xfd7zXZ\x00", b"a,b\n1,", b'"']
    ),
    rest=st.binary(max_size=60) | st.text(alphabet='ab1,;|\t\n\r" .-', max_size=60).map(str.encode),
    header=st.booleans(),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(file, start, rest, header):
    with contextlib.suppress(TableError):
        read_table(file(start + rest), header=header)


@pytest.mark.parametrize("number", [math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64", "Float64"])
def test_infinite_values_are_refused_by_name_and_count(number, dtype):
    frame = pd.DataFrame({"a": pd.array([1.0, number, number], dtype=dtype), "b": ["x"] * 3, "c": [0.0, math.nan, 1.0]})
    with pytest.raises(TableError, match=r'^Column "a" holds 2 infinite values, the first in row 2\. .*empty'):
        refuse_infinite(frame, ["a", "b", "c"])
    refuse_infinite(frame, ["b", "c"])


def test_infinite_words_in_csv_are_infinite(file):
    frame = read_table(file("a,b\n1,inf\n2,-Infinity\n3,0.5\n")).frame
    with pytest.raises(TableError, match=r'Column "b" holds 2 infinite values'):
        refuse_infinite(frame, frame.columns)


# ---------------------------------------------------------------------------------------------------------------------
# What is written
# ---------------------------------------------------------------------------------------------------------------------

# Text that cannot be taken for a number, a date or a gap, but holds whatever may break a line or a cell.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).map("x{}".format)
names = st.text(alphabet='abü ,;|"\t\n', min_size=1, max_size=6).map(str.strip).filter(bool)
moments = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
KINDS = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "str": st.none() | words,
    "datetime64[us]": st.none() | moments,
}


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 6))
    columns = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    kinds = [draw(st.sampled_from(list(KINDS))) for _ in columns]
    return pd.DataFrame(
        {
            name: pd.Series(draw(st.lists(KINDS[kind], min_size=rows, max_size=rows)), dtype=kind)
            for name, kind in zip(columns, kinds, strict=True)
        }
    )


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.tsv", "t.csv.gz", "t.tsv.zst", "t.csv.bz2"])
@given(frame=frames())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path, name, frame):
    path = tmp_path / name
    write_table(frame, path)
    back = read_table(path).frame
    if "parquet" in name:
        pd.testing.assert_frame_equal(back, frame)
        return
    assert list(back.columns) == list(frame.columns)
    for column in frame:
        if frame[column].isna().all():  # nothing tells the type of nothing
            assert back[column].isna().all()
        else:
            pd.testing.assert_series_equal(back[column], frame[column], check_dtype=frame[column].dtype.kind != "f")


def test_times_of_day_and_categories_are_written_as_they_are_spelled(tmp_path):
    day = pd.to_timedelta(["12:30:00", None])
    long = pd.to_timedelta(["2 days 12:30:00", None])
    frame = pd.DataFrame({"day": day, "long": long, "kind": pd.Categorical(["x", None])})
    write_table(frame, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "day,long,kind\n12:30:00,2 days 12:30:00,x\n,,\n"
    assert read_table(tmp_path / "t.csv").frame["day"].tolist() == day.tolist()


@pytest.mark.parametrize("name", ["t", "t.xlsx", "t.gz", "t.parquet.gz", "t.csv.xz"])
def test_a_name_that_does_not_say_how_to_write(tmp_path, name):
    with pytest.raises(TableError, match=r"Name it \.parquet, \.csv"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_frames_that_are_no_table(tmp_path):
    with pytest.raises(TableError, match='more than one column named "a"'):
        write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "t.csv")
    with pytest.raises(TableError, match="one type"):
        write_table(pd.DataFrame({"a": [1, "x"]}), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_same_table_is_the_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    for name in ["t.parquet", "t.csv.gz", "t.csv"]:
        write_table(frame, tmp_path / name)
        write_table(frame, tmp_path / f"again-{name}")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()


# ---------------------------------------------------------------------------------------------------------------------
# Whole or not at all
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["line\r\nGrüße\n", b"\0\xff", "", b""])
def test_a_file_holds_what_was_written(tmp_path, data):
    path = tmp_path / "file"
    for _ in range(2):  # new, then in place of an older one
        write_atomically(path, data)
        assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_what_fails_half_way_leaves_the_old_file_and_no_other(tmp_path, failure):
    path = tmp_path / "file.json"
    path.write_text("old")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            assert temporary.parent == path.parent
            assert temporary.suffix == path.suffix
            raise failure

    with pytest.raises(failure):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


SYSTEM_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EROFS: "can only be read",
    errno.EACCES: "you may not write to",
    errno.EIO: "Input/output error",
}


@pytest.mark.parametrize("number", SYSTEM_ERRORS)
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_errors_of_the_system_become_sentences(tmp_path, monkeypatch, number, step):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(
            *{"open": ("os.open", fail), "fsync": ("os.fsync", fail), "replace": (Path, "replace", fail)}[step]
        )
        with pytest.raises(RunError) as refusal:
            write_atomically(path, "new")
    sentence = str(refusal.value)
    assert str(path) in sentence
    assert SYSTEM_ERRORS[number] in sentence
    assert "Nothing was lost" in sentence
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_within_the_block(tmp_path):
    path = tmp_path / "file"

    def fill() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(RunError, match="the disk is full"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_an_error_at_another_file_is_left_to_its_owner(tmp_path):
    def read_elsewhere() -> None:
        with atomic_path(tmp_path / "file"):
            (tmp_path / "elsewhere").read_text()

    with pytest.raises(FileNotFoundError):
        read_elsewhere()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_the_full_device(tmp_path, name, monkeypatch):
    # Arrow deletes a path that it failed to write to. Run as root, a slip here would take the machine's device away.
    monkeypatch.setattr("os.remove", lambda path: pytest.fail(f"{path} would be deleted"))
    with pytest.raises(RunError, match="/dev/full could not be written: the disk is full"):
        write_atomically("/dev/full", "x")
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(RunError, match=rf"{name} could not be written: the disk is full"):
        write_table(pd.DataFrame({"a": range(100_000)}), tmp_path / name)


def test_a_device_stays_a_device(tmp_path):
    link = tmp_path / "null.csv"
    link.symlink_to(os.devnull)
    write_table(pd.DataFrame({"a": [1]}), link)
    assert not Path(os.devnull).is_file()
    assert link.is_symlink()


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_places_that_cannot_be_written_to(tmp_path):
    with pytest.raises(RunError, match=r"there is no folder .*nowhere\. .*Make it first"):
        write_atomically(tmp_path / "nowhere" / "file", "x")
    with pytest.raises(RunError, match=r"it is a folder"):
        write_atomically(tmp_path, "x")
    with pytest.raises(RunError, match=r"name is too long"):
        write_atomically(tmp_path / ("x" * 300), "x")
    assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.parent.glob(f".*-{tmp_path.name}")) == []


def test_a_new_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
