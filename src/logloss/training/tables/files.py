"""Tables in files: read with their types, refused in a sentence, written whole or not at all."""

import contextlib
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from logloss.core.errors import TableError
from logloss.training.files import atomic_path
from logloss.training.tables.columns import refuse_nested, to_frame
from logloss.training.tables.contents import Source, find, first_line, is_parquet, reading, refuse_nul
from logloss.training.tables.csv_reading import read_csv
from logloss.training.tables.wording import counted, listed, quoted, repeated


@dataclass(frozen=True, eq=False)
class Table:
    """A table, where it came from, and what its reader should be told."""

    frame: pd.DataFrame
    path: Path
    sha256: str  # of the file's bytes, as `sha256sum` prints it
    notes: tuple[str, ...] = ()


def read_table(path: str | Path, *, header: bool = True) -> Table:
    r"""Read a table from CSV, TSV or Parquet, packed (gzip, bzip2, xz, zstd, zip) or not.

    What the file is, is told by its content; its name is asked only where the content leaves it open. Types are
    inferred over whole columns. In text, missing are empty cells and ``?``, ``NA``, ``N/A``, ``n/a``, ``na``, ``NaN``,
    ``nan``, ``null``, ``NULL``, ``None``, in quotes too. Dates and times in ISO 8601 become times; other spellings stay
    text.

    Parameters
    ----------
    path : str or Path
        The file.
    header : bool
        Whether the first row of a text file holds the names; else they are "0", "1" and so on.

    Returns
    -------
    Table
        Integers with gaps are float64, booleans with gaps ``boolean``, times ``datetime64[us]`` or ``timedelta64[us]``.

    Raises
    ------
    TableError
        The file is not a table; the sentence names the file, the place and the mend.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "people.csv"
    ...     _ = path.write_text("age;smokes\n41;true\n?;FALSE\n")
    ...     table = read_table(path)
    >>> table.frame
        age  smokes
    0  41.0    True
    1   NaN   False
    """
    source = find(path)
    with ThreadPoolExecutor(1) as beside:  # hashing does not hold Python's lock, so it costs the reader little
        mark = beside.submit(_fingerprint, source.path)
        parquet = is_parquet(source.head(512))
        arrow, notes = _read_parquet(source) if parquet else read_csv(source, header=header)
        with reading(source):
            sha256, nul = mark.result()
    if not parquet and not source.packing:
        refuse_nul(source.path, nul)
    with reading(source):
        return Table(to_frame(arrow, source.path), source.path, sha256, tuple(notes))


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table as its name says: .parquet, .csv or .tsv, the last two also with .gz, .bz2 or .zst.

    The index is left out. In CSV, a missing value is an empty cell, so text that spells one (see `read_table`) comes
    back missing; Parquet keeps every value and type but categories, which come back as their values.

    Parameters
    ----------
    frame : pandas.DataFrame
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
    names = [str(name) for name in frame.columns]
    if twice := repeated(names):
        raise TableError(f"The table for {path} has more than one column named {listed(twice)}. Rename them.")
    try:
        table = pa.Table.from_pandas(frame.set_axis(names, axis=1), preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"{path} cannot be written: {first_line(error)}. Give each column one type.") from error
    # Arrow is given a stream, not a path: when it fails at a path, it deletes what is there, were it /dev/stdout.
    with atomic_path(path) as temporary, _sink(temporary, codec) as stream:
        if kind[0] in (".parquet", ".pq"):
            pyarrow.parquet.write_table(table, stream, compression="zstd")
        else:
            options = pyarrow.csv.WriteOptions(delimiter="\t" if kind[0] == ".tsv" else ",")
            pyarrow.csv.write_csv(_spelled(table), stream, options)


def refuse_infinite(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse infinite numbers in the columns named.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    columns : iterable of str
        Columns of it; those without numbers are passed over.

    Raises
    ------
    TableError
        Names the columns and counts the values.

    Examples
    --------
    >>> refuse_infinite(pd.DataFrame({"a": [1.0, float("inf")]}), ["a"])
    Traceback (most recent call last):
    logloss.core.errors.TableError: Column "a" holds 1 infinite value, the first in row 2. Expected finite numbers: ...
    """
    found = []
    for name in columns:
        if pd.api.types.is_float_dtype(frame[name].dtype):
            places = np.flatnonzero(np.isinf(frame[name].to_numpy(dtype=np.float64, na_value=np.nan)))
            if places.size:
                several = counted(places.size, "infinite value")
                found.append(f"column {quoted(name)} holds {several}, the first in row {places[0] + 1:,}")
    if found:
        more = f" (and {counted(len(found) - 3, 'more column')})" if len(found) > 3 else ""
        what = f"C{'; '.join(found[:3])[1:]}{more}"
        raise TableError(f"{what}. Expected finite numbers: leave such cells empty, or mend them.")


def _fingerprint(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file's bytes, and the place of its first NUL byte or −1."""
    digest, read, nul = hashlib.sha256(), 0, -1
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            if nul < 0 and (place := block.find(b"\0")) >= 0:
                nul = read + place
            read += len(block)
    return digest.hexdigest(), nul


def _read_parquet(source: Source) -> tuple[pa.Table, list[str]]:
    path = source.path
    plain: Any = path
    if source.packing:
        with reading(source), source.open() as stream:
            plain = pa.BufferReader(stream.read())
    try:
        with pyarrow.parquet.ParquetFile(plain) as file:
            schema = file.schema_arrow
            if twice := repeated(schema.names):
                raise TableError(f"{path} has more than one column named {listed(twice)}. Give each a name of its own.")
            refuse_nested(schema, path)
            # What pandas writes of an index without a name is no column of the table.
            index = [name for name in schema.names if name.startswith("__index_level_")]
            names = [name for name in schema.names if name not in index]
            if not names or file.metadata.num_rows == 0:
                raise TableError(f"{path} holds {counted(len(names), 'column')} and no rows. Expected rows.")
            notes = [f"The index that pandas stored is left out: {listed(index)}."] if index else []
            return file.read(columns=names), notes
    except (MemoryError, TableError):
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = first_line(error)
        raise TableError(
            f"{path} is a damaged or incomplete Parquet file ({reason}). Copy or make it again."
        ) from error


@contextlib.contextmanager
def _sink(path: Path, codec: str | None) -> Iterator[Any]:
    if codec == "gzip":  # Arrow would pack at the slowest level; without a time, the same table is the same bytes
        with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            yield pa.PythonFile(packed, mode="w")
    else:
        with pa.output_stream(str(path), compression=codec) as stream:
            yield stream


def _spelled(table: pa.Table) -> pa.Table:
    """What CSV can hold: categories as their values, durations as times of day or in pandas' words."""
    columns = []
    for column in table.columns:
        spelled = column
        if pa.types.is_dictionary(column.type):
            spelled = column.cast(column.type.value_type)
        elif pa.types.is_duration(column.type):
            spelled = _spelled_duration(column)
        if table.num_columns == 1 and column.null_count:  # an empty cell would be an empty line, and that is no row
            spelled = pc.fill_null(spelled.cast(pa.string()), "NA")
        columns.append(spelled)
    return pa.table(columns, names=table.column_names)


def _spelled_duration(column: pa.ChunkedArray) -> pa.ChunkedArray:
    with contextlib.suppress(pa.ArrowInvalid):  # fractions of a second
        seconds = column.cast(pa.duration("s")).cast(pa.int64())
        ends = pc.min_max(seconds).as_py()
        if ends["min"] is None or (ends["min"] >= 0 and ends["max"] < 24 * 60 * 60):
            return seconds.cast(pa.int32()).cast(pa.time32("s"))
    return pa.chunked_array([pa.array(column.to_pandas().astype(str), from_pandas=True)])
