"""CSV and its kin, read by Arrow; what Arrow passes over in silence is looked for here."""

import codecs
import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from logloss.core.errors import TableError
from logloss.training.contents import Source, first_line, reading, refuse_foreign
from logloss.training.csv_dialect import (
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
from logloss.training.wording import counted, listed, quoted

_HEAD = 1 << 18  # bytes to tell the dialect from; longer only if the first line is
_LONGEST_HEAD = 1 << 26
_BLOCKS = (1 << 20, 1 << 26, 1 << 30)  # a row must fit into a block; the first is quickest
_INT64_LIMIT = 2.0**63


def read_csv(source: Source, *, header: bool) -> tuple[pa.Table, list[str]]:
    """A table of text, its types inferred over whole columns, and notes about it.

    Raises
    ------
    TableError
        The text is not a table, or not one without guessing.
    """
    path = source.path
    start, whole = _start(source)
    dialect, records = sniff(start, whole=whole, hint="\t" if ".tsv" in path.name.lower() else ",")
    if not records:
        raise TableError(f"{path} is empty but for blank lines; expected a table with a header and rows.")
    names = [name.strip() for name in records[0]] if header else [str(i) for i in range(len(records[0]))]
    names, notes = _named(path, names, header_hint(names) if header else "")
    if not header:
        notes += filter(None, [names_hint(records)])
    if len(names) == 1:
        notes.append("The table has one column: no comma, tab, semicolon or bar parts its lines.")
    if dialect.decimal == ",":
        notes.append("Commas are read as decimal signs.")

    table = _parse(source, dialect, header).rename_columns(names)
    if table.num_rows == 0:
        raise TableError(f"{path} holds a header and no rows. Expected rows; was its writing interrupted?")
    _refuse_bytes(source, table)
    _refuse_open_quote(source, dialect, table)
    _refuse_too_large(source, dialect, header, table)
    if dialect.spaced:
        table = _trimmed(table)
    return table, notes + _nearly_numbers(table)


def _start(source: Source) -> tuple[str, bool]:
    """The first lines as text, and whether they are all."""
    size = _HEAD
    while True:
        head = source.head(size)
        refuse_foreign(source.path, head)
        whole = len(head) < size
        if whole or re.search(rb"[\r\n].*[\r\n]", head, re.DOTALL) or size >= _LONGEST_HEAD:
            break
        size *= 16
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole), whole
    except UnicodeDecodeError:
        raise TableError(not_utf8(source)) from None


def _named(path: Any, names: list[str], hint: str) -> tuple[list[str], list[str]]:
    nameless = [i for i, name in enumerate(names) if not name]
    names = [name or str(i) for i, name in enumerate(names)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise TableError(
            f"{path} has more than one column named {listed(twice)}. Give every column a name of its own.{' ' + hint if hint else ''}"
        )
    notes = [hint] if hint else []
    if nameless:
        called = listed(names[i] for i in nameless)
        notes.append(f"{counted(len(nameless), 'column')} without a name in the header, called by position: {called}.")
    return names, notes


def _parse(source: Source, dialect: Dialect, header: bool, text: Sequence[int] = ()) -> pa.Table:
    """The table as Arrow reads it, or the columns at the places ``text`` alone, as text."""
    missing = [pad + word for word in MISSING for pad in ("", " ")[: 1 + dialect.spaced]]
    options: dict[str, Any] = {
        "null_values": missing,
        "true_values": _any_case("true"),
        "false_values": _any_case("false"),
        "strings_can_be_null": True,
        "decimal_point": dialect.decimal,
    }
    for block_size in _BLOCKS:
        layout = pyarrow.csv.ReadOptions(block_size=block_size, autogenerate_column_names=not header)
        if text:
            raw = _names_in_arrow(source, dialect, layout)
            chosen = [raw[i] for i in text]
            options |= {"include_columns": chosen, "column_types": dict.fromkeys(chosen, pa.string())}
        try:
            with reading(source), source.open() as stream:
                return pyarrow.csv.read_csv(
                    stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r"),
                    read_options=layout,
                    parse_options=_parsing(dialect),
                    convert_options=pyarrow.csv.ConvertOptions(**options),
                )
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block_size != _BLOCKS[-1]:
                continue
            sentence = not_utf8(source) or explain(source, dialect)
            raise TableError(sentence or f"{source.path} cannot be read as CSV: {first_line(error)}.") from error
    raise AssertionError("the last block size returns or raises")
