"""A file's rows, as a stream of batches of only the columns that are needed."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from logloss.core.errors import LogLossError, TableError
from logloss.engines.files import File, Remote
from logloss.tables.contents import Source, first_line, is_parquet, reading
from logloss.tables.csv_dialect import MISSING, Dialect, explain, is_number, not_utf8, sniff
from logloss.tables.csv_start import conversion, hint_of, named, names_in, start_of
from logloss.tables.wording import counted, listed, repeated

ROWS = 1 << 19  # of a batch
_ROWS_OF_PIECE = 1 << 20  # of a batch where columns are few
_CHUNK = 1 << 26  # bytes of a column in a row group, beyond which it is read piece by piece
_BLOCK = 1 << 22


class Piece(NamedTuple):
    """Some of a file's rows: a range of its groups of rows."""

    rows: int
    groups: tuple[int, ...]


class Reader:
    """A file that was recognised, its columns' names, and the number of rows where that is known without reading."""

    names: tuple[str, ...]
    rows: int | None = None
    hint: str = ""  # what there is to say where a column is not there

    def batches(
        self, columns: Sequence[str], texts: Sequence[str] = (), piece: "Piece | None" = None
    ) -> Iterator[pa.RecordBatch]:
        """The columns, in that order; those of a text file are numbers but for those named in ``texts``."""
        raise NotImplementedError

    def pieces(self) -> list["Piece"]:
        """Into what the rows are parted that can be read side by side; nothing if they cannot."""
        return []

    def is_text(self, column: str) -> bool | None:
        """Whether a column holds text, as far as its start tells; None where there is no value to tell by."""
        raise NotImplementedError


def reader_of(file: File) -> Reader:
    """What reads a file, by its content.

    Raises
    ------
    TableError
        It is not CSV, TSV or Parquet, or is damaged.
    """
    return Parquet(file) if is_parquet(file.source.head(512)) else Text(file.source)


class Parquet(Reader):
    """A Parquet file."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._metadata: Any = None
        with self._opened() as opened:
            self._schema, self._metadata = opened.schema_arrow, opened.metadata
            self.names = tuple(self._schema.names)
            self.rows = self._metadata.num_rows
        if twice := repeated(self.names):
            raise TableError(
                f"{file.name} has more than one column named {listed(twice)}. Give each a name of its own."
            )

    def batches(
        self,
        columns: Sequence[str],
        texts: Sequence[str] = (),  # noqa: ARG002
        piece: Piece | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """As they are stored; columns of few texts as dictionaries."""
        coded = [name for name in columns if pa.types.is_string(self._schema.field(name).type)]
        options: dict[str, Any] = {"batch_size": ROWS, "use_threads": True}
        if piece is not None:
            options = {"batch_size": _ROWS_OF_PIECE, "use_threads": False, "row_groups": list(piece.groups)}
        with self._opened(coded) as opened:
            for batch in opened.iter_batches(columns=list(columns), **options):
                yield batch.select(columns)

    def pieces(self) -> list[Piece]:
        """Groups of rows, small ones together."""
        made = [Piece(0, ())]
        for i in range(self._metadata.num_row_groups):
            rows, groups = made[-1]
            if rows >= ROWS:
                made.append(Piece(0, ()))
                rows, groups = made[-1]
            made[-1] = Piece(rows + self._metadata.row_group(i).num_rows, (*groups, i))
        return [piece for piece in made if piece.rows]

    def is_text(self, column: str) -> bool | None:
        """As its type says."""
        kind = self._schema.field(column).type
        return None if pa.types.is_null(kind) else not _is_numeric(kind)

    @contextlib.contextmanager
    def _opened(self, coded: Sequence[str] = ()) -> Iterator[Any]:
        source = self._file.source
        # Buffering beforehand would hold the whole file; what was read at its end is not read again.
        options = {"read_dictionary": list(coded), "pre_buffer": False, "metadata": self._metadata}
        try:
            with contextlib.ExitStack() as held:
                opened = held.enter_context(
                    pyarrow.parquet.ParquetFile(held.enter_context(_seekable(source)), **options)
                )
                if _longest_chunk(opened.metadata) > _CHUNK:
                    plain = held.enter_context(_seekable(source))
                    opened = held.enter_context(pyarrow.parquet.ParquetFile(plain, buffer_size=_BLOCK, **options))
                yield opened
        except (LogLossError, MemoryError):
            raise
        except FileNotFoundError:
            raise TableError(f"{source.path} is no longer there. Run again when nothing changes the data.") from None
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = first_line(error)
            raise TableError(
                f"{source.path} is a damaged or incomplete Parquet file ({reason}). Copy or make it again."
            ) from error


class Text(Reader):
    """A CSV or TSV file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        start, whole = start_of(source)
        self._dialect, records = sniff(start, whole=whole, hint=hint_of(source))
        if not records:
            raise TableError(f"{source.path} is empty but for blank lines; expected a table with a header and rows.")
        names, _ = named(source.path, names_in(records[0], header=True), "")
        self.names, self._own, self._sample = tuple(names), list(records[0]), records[1:]
        if all(map(is_number, self.names)):
            self.hint = " Its first line seems to hold data: put a line with names above it."

    @property
    def delimiter(self) -> str:
        """What parts the columns."""
        return self._dialect.delimiter

    def is_text(self, column: str) -> bool | None:
        """Whether any of its first values is not a number."""
        at = self.names.index(column)
        values = {record[at].strip() for record in self._sample if at < len(record)} - set(MISSING)
        return not all(is_number(value.replace(self._dialect.decimal, ".", 1)) for value in values) if values else None

    def batches(
        self,
        columns: Sequence[str],
        texts: Sequence[str] = (),
        piece: Piece | None = None,  # noqa: ARG002 -- there are none
    ) -> Iterator[pa.RecordBatch]:
        """Numbers, and texts as they are written."""
        source, dialect = self._source, self._dialect
        own = {name: self._own[self.names.index(name)] for name in columns}
        kinds = {own[name]: pa.string() if name in texts else pa.float64() for name in columns}
        options = conversion(dialect, include_columns=list(own.values()), column_types=kinds)
        parsing = pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
        layout = pyarrow.csv.ReadOptions(block_size=_BLOCK)
        try:
            with reading(source), source.open() as stream:
                arrow = stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r")
                with pyarrow.csv.open_csv(arrow, layout, parsing, options) as batches:
                    for batch in batches:
                        yield batch.rename_columns(list(columns))
        except pa.ArrowInvalid as error:
            raise TableError(self._why(error, dialect)) from error

    def _why(self, error: Exception, dialect: Dialect) -> str:
        said = first_line(error)
        path = self._source.path
        if found := re.search(r"CSV column #(\d+).*invalid value '(.*)'", said):
            held = f'the column "{self.names[int(found[1])]}" holds "{found[2]}"'
            is_percentage = found[2].rstrip().endswith("%")
            mend = "Write shares, such as 0.5 for 50%." if is_percentage else "Mend that value, or leave it empty."
            return f"{path}: {held}; expected numbers. {mend}"
        return not_utf8(self._source) or explain(self._source, dialect) or f"{path} cannot be read as CSV: {said}."


@contextlib.contextmanager
def _seekable(source: Source) -> Iterator[Any]:
    if source.packing:
        with reading(source), source.open() as stream:
            yield pa.BufferReader(stream.read())
    elif isinstance(source, Remote):
        with source.filesystem.open_input_file(source.address) as file:
            yield file
    else:
        with pa.OSFile(str(source.path)) as file:
            yield file


def _longest_chunk(metadata: Any) -> int:
    if not metadata.num_row_groups:
        return 0
    group = metadata.row_group(0)
    return max((group.column(i).total_compressed_size for i in range(group.num_columns)), default=0)


def _is_numeric(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def rows_in(readers: Sequence[Reader]) -> int | None:
    """How many rows there are in all, if that is known without reading them."""
    each = [reader.rows for reader in readers]
    return None if None in each else sum(rows or 0 for rows in each)


def no_rows(name: str, files: int) -> TableError:
    """What to say of data without rows."""
    held = f"{name} holds" if files == 1 else f"The {counted(files, 'file')} of {name} hold"
    return TableError(f"{held} no rows. Expected at least one; was the writing interrupted?")
