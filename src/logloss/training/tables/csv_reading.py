"""CSV and its kin, read by Arrow; what Arrow passes over in silence is looked for here."""

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from logloss.core.errors import TableError
from logloss.tables.contents import Source, first_line, reading
from logloss.tables.csv_dialect import (
    MISSING,
    NUMBER,
    Dialect,
    explain,
    header_hint,
    is_number,
    names_hint,
    not_utf8,
    sniff,
)
from logloss.tables.csv_start import conversion, hint_of, named, names_in, start_of
from logloss.tables.wording import counted, quoted
from logloss.training.tables.leading_zeros import LeadingZeros, may_lose_zeros, with_zeros, zeros_note

_BLOCKS = (1 << 20, 1 << 26, 1 << 30)  # a row must fit into a block; the first is quickest
_INT64_LIMIT = 2.0**63


def read_csv(
    source: Source, *, header: bool, as_text: Collection[str] | None = None, known: Dialect | None = None
) -> tuple[pa.Table, list[str], Dialect]:
    """A table of text, its types inferred over whole columns but of those ``as_text``, notes about it, its dialect.

    Where ``as_text`` is given, the columns' types are known to the reader, and no notes are made of them. A ``known``
    dialect is preferred where it fits.

    Raises
    ------
    TableError
        The text is not a table, or not one without guessing.
    """
    path = source.path
    start, whole = start_of(source)
    dialect, records = sniff(start, whole=whole, hint=hint_of(source), known=known)
    if not records:
        raise TableError(f"{path} is empty but for blank lines; expected a table with a header and rows.")
    names = names_in(records[0], header=header)
    names, notes = named(path, names, header_hint(names) if header else "")
    if not header:
        notes += filter(None, [names_hint(records)])
    if len(names) == 1:
        notes.append("The table has one column: no comma, tab, semicolon or bar parts its lines.")
    if dialect.decimal == ",":
        notes.append("Commas are read as decimal signs.")

    if whole and len(records) <= header:
        raise TableError(_no_rows(path))
    first = _arrow_names(records[0], header=header)
    given = [old for old, new in zip(first, names, strict=True) if as_text is not None and new in as_text]
    watch = LeadingZeros(dialect.delimiter)
    raw = _parse(source, dialect, header=header, as_text=given, watch=watch)
    if raw.num_rows == 0:
        raise TableError(_no_rows(path))
    if any(pa.types.is_binary(kind) for kind in raw.schema.types):  # so Arrow calls text that is not UTF-8
        raise TableError(not_utf8(source))
    _refuse_open_quote(source, dialect, raw)
    codes = {}
    if watch.found and (asked := may_lose_zeros(raw, dialect.decimal)):
        codes = with_zeros(_parse(source, dialect, header=header, as_text=asked, only=True))
        for name, column in codes.items():
            raw = raw.set_column(raw.column_names.index(name), name, column)
    _refuse_too_large(source, dialect, raw, names, header=header)
    table = raw.rename_columns(names)
    if dialect.spaced:
        table = _trimmed(table)
    if as_text is not None:
        return table, notes, dialect
    own = dict(zip(raw.column_names, names, strict=True))
    notes += [zeros_note(own[name], column) for name, column in codes.items()]
    return table, notes + _nearly_numbers(table), dialect


def read_written(source: Source, *, header: bool, known: Dialect) -> pa.Table:
    """The same rows and columns, each cell the text that stands there, missing ones too.

    Raises
    ------
    TableError
        As `read_csv` does.
    """
    start, whole = start_of(source)
    dialect, records = sniff(start, whole=whole, hint=hint_of(source), known=known)
    names, _ = named(source.path, names_in(records[0], header=header), "")
    arrow_names = _arrow_names(records[0], header=header)
    return _parse(source, dialect, header=header, as_text=arrow_names, null_words=()).rename_columns(names)


def _arrow_names(record: Sequence[str], *, header: bool) -> list[str]:
    """The columns' names as Arrow knows them."""
    return list(record) if header else [f"f{i}" for i in range(len(record))]


def _no_rows(path: Any) -> str:
    return f"{path} holds a header and no rows. Expected rows; was its writing interrupted?"


def _parse(
    source: Source,
    dialect: Dialect,
    *,
    header: bool,
    as_text: Sequence[str] = (),
    only: bool = False,
    null_words: Sequence[str] = MISSING,
    watch: LeadingZeros | None = None,
) -> pa.Table:
    """The table as Arrow reads it, some columns (perhaps those only) as they are written; ``watch`` sees the bytes."""
    options = conversion(
        dialect,
        null_words,
        include_columns=list(as_text) if only else [],
        column_types=dict.fromkeys(as_text, pa.string()),
    )
    # Quoted line breaks cost a quarter of the speed; without them, a break at the edge of a block would be misread.
    parsing = pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
    for block_size in _BLOCKS:
        layout = pyarrow.csv.ReadOptions(block_size=block_size, autogenerate_column_names=not header)
        try:
            with reading(source), source.open() as stream:
                if watch is not None:
                    stream = watch.over(stream)
                arrow = stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r")
                return pyarrow.csv.read_csv(arrow, layout, parsing, options)
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block_size != _BLOCKS[-1]:
                continue
            sentence = not_utf8(source) or explain(source, dialect)
            raise TableError(sentence or f"{source.path} cannot be read as CSV: {first_line(error)}.") from error
    raise AssertionError("the last size of block returns or raises")


def _refuse_open_quote(source: Source, dialect: Dialect, table: pa.Table) -> None:
    """Arrow takes a quote that is never closed as a value up to the end of the file: rows would vanish."""
    last = table.column(table.num_columns - 1)[table.num_rows - 1].as_py()
    if isinstance(last, str) and re.search(r"[\r\n]", last) and (sentence := explain(source, dialect)):
        raise TableError(sentence)


def _refuse_too_large(source: Source, dialect: Dialect, table: pa.Table, names: Sequence[str], *, header: bool) -> None:
    """Arrow rounds integers beyond 64 bits and makes 1e400 infinite; both say nothing, and neither is meant."""
    large = [i for i, column in enumerate(table.columns) if pa.types.is_floating(column.type) and _exceeds(column)]
    if not large:
        return
    written = _parse(source, dialect, header=header, as_text=[table.column_names[i] for i in large], only=True)
    for i, text in zip(large, written.columns, strict=True):
        values = table.column(i).to_numpy()
        rows = np.flatnonzero(np.abs(values) >= _INT64_LIMIT)
        whole = pc.all(pc.match_substring_regex(text, r"^\s*[+-]?\d+\s*$")).as_py()
        for row, word in zip(rows.tolist(), text.take(pa.array(rows)).to_pylist(), strict=True):
            cell = f"{source.path}, column {quoted(names[i])}, row {row + 1:,} (the header not counted): {quoted(word)}"
            if whole and not -(2**63) <= int(word) < 2**63:
                raise TableError(
                    f"{cell} is too large for an integer of 64 bits. If these are codes, write a letter before each, "
                    "so that they are text; if they are measurements, write them as 1.5e20; or leave the column out."
                )
            if np.isinf(values[row]) and is_number(word.replace(dialect.decimal, ".")):
                raise TableError(
                    f"{cell} is too large for a number, the largest being 1.8e308. Mend it, or leave the cell empty."
                )


def _exceeds(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and (ends["max"] >= _INT64_LIMIT or ends["min"] <= -_INT64_LIMIT)


def _trimmed(table: pa.Table) -> pa.Table:
    columns = [pc.utf8_trim_whitespace(c) if pa.types.is_string(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


def _nearly_numbers(table: pa.Table) -> list[str]:
    """Columns that are text for the sake of a few entries: what a look at the first rows would not show."""
    notes = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        first = next((value for value in column.slice(0, 1000).to_pylist() if value is not None), "")
        if not is_number(first):
            continue  # most columns of text end here, without a look at every value
        words = pc.invert(pc.match_substring_regex(column, rf"^\s*({NUMBER})\s*$"))
        count, total = pc.sum(words).as_py() or 0, len(column) - column.null_count
        if 0 < 10 * count <= total:
            are = "is not a number" if count == 1 else "are not numbers"
            place = f"the first in row {pc.index(words, True).as_py() + 1:,}"
            notes.append(
                f"Column {quoted(name)} is read as text: {counted(count, 'value')} of {total:,} {are}, {place}."
            )
    return notes
