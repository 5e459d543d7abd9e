"""How a text file begins: its first lines, its dialect, the names in its header, and how Arrow is to read it."""

import codecs
import itertools
import re
from collections.abc import Sequence
from typing import Any

import pyarrow.csv

from logloss.core.errors import TableError
from logloss.tables.contents import Source, refuse_foreign
from logloss.tables.csv_dialect import MISSING, Dialect, not_utf8
from logloss.tables.wording import counted, listed, repeated

_HEAD = 1 << 18  # bytes to tell the dialect from; longer only if the first line is
_LONGEST_HEAD = 1 << 26


def start_of(source: Source) -> tuple[str, bool]:
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


def hint_of(source: Source) -> str:
    """The delimiter that a file's name speaks for."""
    return "\t" if ".tsv" in source.path.name.lower() else ","


def names_in(record: Sequence[str], *, header: bool) -> list[str]:
    """The names in the first record, or numbers where it holds none."""
    return [name.strip() for name in record] if header else [str(i) for i in range(len(record))]


def named(path: Any, names: list[str], hint: str) -> tuple[list[str], list[str]]:
    """A name of its own for every column, and notes; ``hint`` asks whether the header is one."""
    nameless = [i for i, name in enumerate(names) if not name]
    names = [name or str(i) for i, name in enumerate(names)]
    if twice := repeated(names):
        mend = f"Give every column a name of its own. {hint}".rstrip()
        raise TableError(f"{path} has more than one column named {listed(twice)}. {mend}")
    notes = [hint] if hint else []
    if nameless:
        called = listed(names[i] for i in nameless)
        notes.append(f"{counted(len(nameless), 'column')} without a name in the header, called by position: {called}.")
    return names, notes


def conversion(dialect: Dialect, null_words: Sequence[str] = MISSING, **others: Any) -> pyarrow.csv.ConvertOptions:
    """How Arrow is to take the values of a text file."""
    pads = ("", " ") if dialect.spaced else ("",)
    return pyarrow.csv.ConvertOptions(
        null_values=[pad + word for pad in pads for word in null_words],
        true_values=[pad + word for pad in pads for word in _in_any_case("true")],
        false_values=[pad + word for pad in pads for word in _in_any_case("false")],
        strings_can_be_null=bool(null_words),
        decimal_point=dialect.decimal,
        **others,
    )


def _in_any_case(word: str) -> list[str]:
    return ["".join(letters) for letters in itertools.product(*zip(word.lower(), word.upper(), strict=True))]
