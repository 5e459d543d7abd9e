"""Tables into files, whole or not at all."""

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from logloss.core.errors import TableError
from logloss.tables.atomic import atomic_path
from logloss.tables.contents import first_line
from logloss.tables.wording import listed, repeated

_ROWS = 1 << 16  # are spelled at once


def write_table(table: pd.DataFrame | pa.Table, path: str | Path) -> None:
    """Write a table as its name says: .parquet, .csv or .tsv, the last two also with .gz, .bz2 or .zst.

    The index is left out. In CSV, a missing value is an empty cell, so text that spells one (see `read_table`) comes
    back missing; Parquet keeps every value and type but categories, which come back as their values.

    Parameters
    ----------
    table : pandas.DataFrame or pyarrow.Table
        The table.
    path : str or Path
        The file; its folder must exist.

    Raises
    ------
    TableError
        The name ends in something else, two columns share a name, or a column mixes types.
    RunError
        The disk is full, the folder may not be written to, and the like; an earlier file is untouched.

    Examples
    --------
    >>> import tempfile
    >>> from logloss.training.tables import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pd.DataFrame({"row": [0, 1], "p": [0.25, 0.5]}), Path(folder) / "p.csv.gz")
    ...     read_table(Path(folder) / "p.csv.gz").frame
       row     p
    0    0  0.25
    1    1  0.50
    """
    path = Path(path)
    endings = [ending.lower() for ending in path.suffixes]
    codec = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}.get(endings[-1]) if endings else None
    kind = (endings[:-1] if codec else endings)[-1:]
    if kind not in ([".csv"], [".tsv"], [".parquet"], [".pq"]) or (codec and kind[0] in (".parquet", ".pq")):
        raise TableError(f"{path} does not say how to write the table. Name it .parquet, .csv, .tsv or .csv.gz.")
    names = [str(name) for name in (table.column_names if isinstance(table, pa.Table) else table.columns)]
    if twice := repeated(names):
        raise TableError(f"The table for {path} has more than one column named {listed(twice)}. Rename them.")
    made = table if isinstance(table, pa.Table) else _to_arrow(table.set_axis(names, axis=1), path)
    made = made.replace_schema_metadata()  # which may speak of other columns than these
    # Arrow is given a stream, not a path: when it fails at a path, it deletes what is there, were it /dev/stdout.
    with atomic_path(path) as temporary, _sink(temporary, codec) as stream:
        if kind[0] in (".parquet", ".pq"):
            pyarrow.parquet.write_table(made, stream, compression="zstd")
        else:
            write_text(made, stream, "\t" if kind[0] == ".tsv" else ",")


def is_text(path: str | Path) -> bool:
    """Whether `write_table` writes text to a file of that name."""
    return not {".parquet", ".pq"} & {ending.lower() for ending in Path(path).suffixes[-1:]}


def _to_arrow(frame: pd.DataFrame, path: Path) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"{path} cannot be written: {first_line(error)}. Give each column one type.") from error


@contextlib.contextmanager
def _sink(path: Path, codec: str | None) -> Iterator[Any]:
    if codec == "gzip":  # Arrow would pack at the slowest level; without a time, the same table is the same bytes
        with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            yield pa.PythonFile(packed, mode="w")
    else:
        with pa.output_stream(str(path), compression=codec) as stream:
            yield stream


def write_text(table: pa.Table, stream: Any, delimiter: str) -> None:
    """Write CSV as Python's own writer does: quotes stand only where they must.

    Arrow's writer puts quotes around all text or around none, and the cells of a text file are text.
    """
    alone = table.num_columns == 1
    columns = [_in_words(column) for column in table.columns]
    names = pa.chunked_array([pa.array([name], pa.large_string()) for name in table.column_names])
    stream.write(delimiter.join(_quoted(names, alone=alone).to_pylist()).encode() + b"\n")
    for start in range(0, table.num_rows, _ROWS):
        cells = [_spelled(column.slice(start, _ROWS), alone=alone) for column in columns]
        lines = pc.binary_join_element_wise(*cells, pa.scalar(delimiter, pa.large_string()), null_handling="replace")
        stream.write("\n".join([*lines.to_pylist(), ""]).encode())


def _in_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """What CSV can hold: categories as their values, durations as times of day or in pandas' words."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    return _spelled_duration(column) if pa.types.is_duration(column.type) else column


def _spelled(column: pa.ChunkedArray, *, alone: bool) -> pa.ChunkedArray:
    text = column.cast(pa.large_string())
    if alone:  # an empty cell would be an empty line, and that is no row
        text = pc.fill_null(text, "NA")
    is_plain = pa.types.is_primitive(column.type) or pa.types.is_decimal(column.type)
    return text if is_plain else _quoted(text, alone=alone)


def _quoted(text: pa.ChunkedArray, *, alone: bool) -> pa.ChunkedArray:
    # Any delimiter counts, so that whoever guesses it from the text finds one that parts every row alike.
    needed = pc.match_substring_regex(text, r'[",;|\t\r\n]' + ("|^$" if alone else ""))
    if not pc.any(needed).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    mark = pa.scalar('"', pa.large_string())
    return pc.if_else(needed, pc.binary_join_element_wise(mark, doubled, mark, pa.scalar("", pa.large_string())), text)


def _spelled_duration(column: pa.ChunkedArray) -> pa.ChunkedArray:
    with contextlib.suppress(pa.ArrowInvalid):  # fractions of a second
        seconds = column.cast(pa.duration("s")).cast(pa.int64())
        ends = pc.min_max(seconds).as_py()
        if ends["min"] is None or (ends["min"] >= 0 and ends["max"] < 24 * 60 * 60):
            return seconds.cast(pa.int32()).cast(pa.time32("s"))
    return pa.chunked_array([pa.array(column.to_pandas().astype(str), from_pandas=True)])
