"""Tables in files: read with their types, or as they are written, and refused in a sentence."""

import hashlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from logloss.core.errors import TableError
from logloss.tables.contents import Source, find, first_line, is_parquet, reading, refuse_nul
from logloss.tables.csv_dialect import Dialect
from logloss.tables.wording import counted, listed, quoted, repeated
from logloss.training.tables.columns import refuse_nested, to_frame
from logloss.training.tables.csv_reading import read_csv, read_written


@dataclass(frozen=True, eq=False)
class Table:
    """A table, where it came from, and what its reader should be told."""

    frame: pd.DataFrame
    path: Path
    sha256: str  # of the file's bytes, as `sha256sum` prints it
    notes: tuple[str, ...] = ()
    header: bool = True  # how a text file was read
    dialect: Dialect | None = None  # how a text file writes; None of Parquet

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet."""
        return self.dialect is None

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that were read as text, for ``read_table(..., as_text=…)`` of a table of the same kind."""
        return tuple(str(name) for name, dtype in self.frame.dtypes.items() if pd.api.types.is_string_dtype(dtype))

    def as_written(self) -> pa.Table:
        r"""The file once more, nothing lost of its cells: those of text are what stands there, Parquet is as it is.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "t.csv"
        ...     _ = path.write_text("price,known\n23.50,TRUE\n?,false\n")
        ...     read_table(path).as_written().to_pylist()
        [{'price': '23.50', 'known': 'TRUE'}, {'price': '?', 'known': 'false'}]
        """
        source = find(self.path)
        if self.dialect is None:
            written, _ = _read_parquet(source)
        else:
            written = read_written(source, header=self.header, known=self.dialect)
        if written.column_names != [*map(str, self.frame.columns)] or written.num_rows != len(self.frame):
            raise TableError(f"{self.path} changed while it was read. Try again.")
        return written


def read_table(
    path: str | Path,
    *,
    header: bool = True,
    as_text: Collection[str] | None = None,
    dialect: Dialect | None = None,
) -> Table:
    r"""Read a table from CSV, TSV or Parquet, packed (gzip, bzip2, xz, zstd, zip) or not.

    What the file is, is told by its content; its name is asked only where the content leaves it open. Types are
    inferred over whole columns. In text, missing are empty cells and ``?``, ``NA``, ``N/A``, ``n/a``, ``na``, ``NaN``,
    ``nan``, ``null``, ``NULL``, ``None``, in quotes too. Dates and times in ISO 8601 become times; other spellings stay
    text, and so do columns with a code such as 00501, whose zeros a number would lose.

    Parameters
    ----------
    path : str or Path
        The file.
    header : bool
        Whether the first row of a text file holds the names; else they are "0", "1" and so on.
    as_text : names of columns, optional
        What an earlier table held as text, and a text file is to be read as text again: 007 where the other rows are
        A12, or true where they are maybe. Names that the table lacks are passed over.
    dialect : Dialect, optional
        How an earlier table was written, `Table.dialect`: it decides what the few rows of a text file may leave open,
        such as whether 1,234 is a fraction. A file that plainly has another dialect is read in its own.

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
        if is_parquet(source.head(512)):
            (arrow, notes), own = _read_parquet(source), None
        else:
            arrow, notes, own = read_csv(source, header=header, as_text=as_text, known=dialect)
        with reading(source):
            sha256, nul = mark.result()
    if own is not None and not source.packing:
        refuse_nul(source.path, nul)
    with reading(source):
        return Table(to_frame(arrow, source.path), source.path, sha256, tuple(notes), header, own)


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
