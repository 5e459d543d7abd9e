"""Whatever holds a table, as a stream of Arrow's record batches of the columns that are needed."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from logloss.core.errors import SpellingError, TableError, nearest
from logloss.engines.files import File, files_of, refuse_twice
from logloss.engines.reading import ROWS, Piece, Reader, no_rows, reader_of, rows_in
from logloss.tables.contents import first_line
from logloss.tables.wording import listed, quoted

Batches = Generator[pa.RecordBatch]
Read = Callable[[Sequence[str], Sequence[str]], Batches]

_SCORES = ("probability", "score", "p", "prob", "prediction")  # as columns of scores are often called


class Stretch(NamedTuple):
    """Rows that follow one another, the first of which is number ``first``, counted from 0, if rows are counted."""

    first: int
    read: Read


@dataclass(frozen=True)
class Source:
    """A table that can be read in batches.

    ``read`` takes the columns wanted and those of them that are to be text where the source leaves that open.
    """

    name: str  # as it stands in sentences
    columns: tuple[str, ...]
    read: Read
    is_text: Callable[[str], bool | None]  # None where the first batch tells
    rows: int | None = None
    is_once: bool = False  # whether it can be read but once
    empty: TableError | None = None  # what to raise when there are no rows
    files: int = 0  # that it is read from
    hint: str = ""  # what more there is to say where a column is not there
    stretches: tuple[Stretch, ...] = ()  # all rows of files, in parts that can be read by themselves

    @property
    def is_parted(self) -> bool:
        """Whether it can be read side by side, each row in its place."""
        return bool(self.stretches) and self.rows is not None

    def need(self, column: str, *, is_score: bool = False) -> str:
        """The column, if it is there.

        Raises
        ------
        SpellingError, TableError
            It is not, and the nearest name is said, or those there are, for a score those first that are called like
            one; or several columns have that name.
        """
        if self.columns.count(column) > 1:
            raise several_named(self.name, column)
        if column not in self.columns:
            known = sorted(self.columns, key=lambda name: name.lower() not in _SCORES) if is_score else self.columns
            hint = nearest(column, self.columns) or f" It has {listed(known, limit=12)}."
            raise SpellingError(f"{self.name} has no column {quoted(column)}.{hint}{self.hint}")
        return column


def several_named(name: str, column: str) -> TableError:
    """What to say of a table in which one name is that of several columns."""
    return TableError(f"{name} has more than one column named {quoted(column)}. Give each a name of its own.")


def source_of(data: Any) -> Source:
    """What reads ``data``: a path or several, or a table of Arrow, pandas, Polars, DuckDB, a dict or a dataset.

    Raises
    ------
    TableError
        It is nothing that is known, or a file that cannot be read.
    """
    if isinstance(data, str | Path):
        return _of_files(str(data), files_of(data))
    if isinstance(data, list | tuple) and data and all(isinstance(one, str | Path) for one in data):
        files = [file for one in data for file in files_of(one)]
        refuse_twice(file.name for file in files)
        return _of_files(str(data[0]) if len(data) == 1 else "The data", files)
    if isinstance(data, dict):
        data = _of_dict(data)
    if isinstance(data, pa.Table | pa.RecordBatch):
        table = data if isinstance(data, pa.Table) else pa.Table.from_batches([data])
        return _again("The table", table.column_names, table.num_rows, lambda names: _cut(table.select(names)))
    if isinstance(data, pa.RecordBatchReader):
        return _once("The stream", data)
    package = type(data).__module__.partition(".")[0]
    made = _BY_PACKAGE[package](data) if package in _BY_PACKAGE else None
    made = made or _of_stream(data)
    if made is None:
        raise TableError(
            f"A {type(data).__name__} is no table that is known here; expected a path, or a table of Arrow, pandas, "
            "Polars, DuckDB, Spark or Dask, or a dataset of PyArrow. For arrays say evaluate(y_true, y_pred)."
        )
    return made


def _of_stream(data: Any) -> Source | None:
    """Of what hands out Arrow's record batches; a series, which hands out one column, is no table."""
    if not hasattr(data, "__arrow_c_stream__"):
        return None
    try:
        return _once(f"The {type(data).__name__}", pa.RecordBatchReader.from_stream(data))
    except pa.ArrowInvalid:
        return None


def _of_dict(columns: dict[Any, Any]) -> pa.Table:
    try:
        return pa.table({str(name): values for name, values in columns.items()})
    except (pa.ArrowException, TypeError, ValueError) as error:
        said = first_line(error)
        raise TableError(f"The dict is no table: {said}. Expected columns of one length by their names.") from error


def _of_files(name: str, files: Sequence[File]) -> Source:
    readers = [reader_of(file) for file in files]
    keys = {key for file in files for key, _ in file.keys}
    columns = dict.fromkeys(column for reader in readers for column in reader.names)

    def read(wanted: Sequence[str], texts: Sequence[str]) -> Batches:
        for file, reader in zip(files, readers, strict=True):
            yield from _rows_of(file, reader, wanted, texts)

    def stretches() -> Iterator[Stretch]:
        first = 0
        for file, reader in zip(files, readers, strict=True):
            pieces: Sequence[Piece | None] = reader.pieces() or [None]
            for piece in pieces:
                yield Stretch(first, partial(_rows_of, file, reader, piece=piece))
                first += piece.rows if piece else 0

    def is_text(column: str) -> bool:
        found = {reader.is_text(column): file.name for file, reader in _holding(files, readers, column)}
        if {True, False} <= found.keys():
            raise TableError(
                f"The column {quoted(column)} is text in {found[True]} and numbers in {found[False]}; expected one "
                "type in all files. Write these files anew."
            )
        return True in found or not found

    both = tuple(dict.fromkeys([*columns, *sorted(keys)]))
    rows, empty = rows_in(readers), no_rows(name, len(files))
    hint = "".join({one.hint for one in readers})
    parts = tuple(stretches())
    return Source(name, both, read, is_text, rows, empty=empty, files=len(files), hint=hint, stretches=parts)


def _rows_of(
    file: File, reader: Reader, wanted: Sequence[str], texts: Sequence[str], piece: Piece | None = None
) -> Batches:
    """A file's batches, or those of a piece of it."""
    own = dict(file.keys)
    stored = [column for column in wanted if column in reader.names]
    for column in wanted:
        if column not in stored and column not in own:
            has = f" It has {listed(reader.names, limit=12)}."
            hint = nearest(column, reader.names) or has
            raise SpellingError(f"{file.name} has no column {quoted(column)}, which other files have.{hint}")
    for batch in reader.batches(stored, [column for column in texts if column in stored], piece):
        yield _with_keys(batch, wanted, own)


def _holding(files: Sequence[File], readers: Sequence[Reader], column: str) -> Iterator[tuple[File, Reader]]:
    return ((file, reader) for file, reader in zip(files, readers, strict=True) if column in reader.names)


def _with_keys(batch: pa.RecordBatch, wanted: Sequence[str], keys: dict[str, str | None]) -> pa.RecordBatch:
    if batch.num_columns == len(wanted):
        return batch
    stored = batch.schema.names
    columns = [batch.column(n) if n in stored else _constant(keys[n], batch.num_rows) for n in wanted]
    return pa.RecordBatch.from_arrays(columns, names=list(wanted))


def _constant(value: str | None, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value], pa.string()))


def _again(name: str, columns: Sequence[Any], rows: int | None, read: Callable[[list[str]], Batches]) -> Source:
    return Source(name, tuple(map(str, columns)), lambda wanted, _: read(list(wanted)), lambda _: None, rows)


def _once(name: str, stream: Any) -> Source:
    def read(wanted: Sequence[str], _: Sequence[str]) -> Batches:
        try:
            for batch in stream:
                yield batch.select(list(wanted))
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{name} cannot be read to its end: {first_line(error)}.") from error

    return Source(name, tuple(stream.schema.names), read, lambda _: None, None, is_once=True)


def _cut(table: pa.Table) -> Batches:
    yield from table.combine_chunks().to_batches() if table.num_rows < ROWS else table.to_batches(ROWS)


def _pandas(data: Any) -> Source | None:
    if not hasattr(data, "iloc") or not hasattr(data, "columns"):
        return None
    names = [str(column) for column in data.columns]

    def read(wanted: list[str]) -> Batches:
        columns = [data.iloc[:, names.index(name)] for name in wanted]
        for at in range(0, len(data), ROWS):
            arrays = [_array(column.iloc[at : at + ROWS], name) for name, column in zip(wanted, columns, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=wanted)

    return _again("The frame", names, len(data), read)


def _array(series: Any, name: str) -> pa.Array:
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise TableError(f"The column {quoted(name)} holds values of several types: {first_line(error)}.") from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _polars(data: Any) -> Source | None:
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):

        def stream(wanted: list[str]) -> Batches:
            lazy = data.select(wanted)
            with _scanning():
                collected = hasattr(lazy, "collect_batches")
                frames = lazy.collect_batches(chunk_size=ROWS) if collected else [lazy.collect()]
                for frame in frames:
                    yield from _cut(frame.to_arrow())

        with _scanning():
            names = data.collect_schema().names()
        return _again("The frame", names, None, stream)
    if not hasattr(data, "get_columns"):
        return None
    return _again("The frame", data.columns, data.height, lambda names: _cut(data.select(names).to_arrow()))


@contextlib.contextmanager
def _scanning() -> Iterator[None]:
    """Say of a lazy frame of Polars what it could not read."""
    from polars.exceptions import PolarsError

    try:
        yield
    except (PolarsError, OSError) as error:
        raise TableError(f"The lazy frame cannot be read: {first_line(error)}. Check what it reads.") from error


def _duckdb(data: Any) -> Source | None:
    if not hasattr(data, "project"):
        return None

    def read(wanted: list[str]) -> Batches:
        some = data.project(", ".join('"' + name.replace('"', '""') + '"' for name in wanted))
        reader = some.to_arrow_reader(ROWS) if hasattr(some, "to_arrow_reader") else some.fetch_arrow_reader(ROWS)
        with reader:  # a connection has but one result open
            yield from reader

    return _again("The relation", data.columns, None, read)


def _dataset(data: Any) -> Source | None:
    if not hasattr(data, "scanner") or not hasattr(data, "schema"):
        return None

    def read(wanted: list[str]) -> Batches:
        options = {"batch_size": ROWS, "batch_readahead": 2, "fragment_readahead": 1}
        try:
            yield from data.to_batches(columns=wanted, **options)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise TableError(f"The dataset cannot be read: {first_line(error)}. Copy or make it again.") from error

    return _again("The dataset", data.schema.names, None, read)


_BY_PACKAGE: dict[str, Callable[[Any], Source | None]] = {
    "pandas": _pandas,
    "polars": _polars,
    "duckdb": _duckdb,
    "_duckdb": _duckdb,
    "pyarrow": _dataset,
}
