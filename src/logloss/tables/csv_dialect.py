"""How a text file writes a table (its delimiter, its decimal sign), and where it breaks its own rules."""

import codecs
import collections
import contextlib
import csv
import io
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from logloss.tables.contents import Source, reading
from logloss.tables.wording import counted

# "-" is missing from the list on purpose: it is a value in many tables.
MISSING = ("", "?", "NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "None")
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"

_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_NUMBER = re.compile(rf"\s*({NUMBER})\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+\s*")
_SAMPLE = 1000  # records are enough to tell a delimiter


@dataclass(frozen=True)
class Dialect:
    """How a file writes a table."""

    delimiter: str = ","
    decimal: str = "."
    spaced: bool = False  # a space follows each delimiter, as in the tables of the UCI archive

    @property
    def spoken(self) -> str:
        """The delimiter in a word."""
        return _DELIMITERS[self.delimiter]


def sniff(
    start: str, *, whole: bool = True, hint: str = ",", known: Dialect | None = None
) -> tuple[Dialect, list[list[str]]]:
    r"""The dialect of a text, told from its start, and the first records.

    Parameters
    ----------
    start : str
        The first lines.
    whole : bool
        Whether this is all of the text; else the last record is taken as cut off.
    hint : str
        The delimiter when the text speaks for none.
    known : Dialect, optional
        The dialect of a table of the same kind: it decides what this text, perhaps of a single row, leaves open.

    Examples
    --------
    >>> sniff("a;b\n1,5;2,25\n")
    (Dialect(delimiter=';', decimal=',', spaced=False), [['a', 'b'], ['1,5', '2,25']])
    >>> sniff("a\n1,5\n", known=Dialect(";", ","))
    (Dialect(delimiter=';', decimal=',', spaced=False), [['a'], ['1,5']])
    """
    read = {delimiter: _sample(start, delimiter, whole) for delimiter in _DELIMITERS}
    expected = None if known is None else known.delimiter
    scores = {}
    for delimiter, sample in read.items():
        *parting, numbers, length = _agreement(*sample)
        scores[delimiter] = (*parting, delimiter == expected, numbers, length, delimiter == hint)
    best = max(scores, key=scores.__getitem__)
    known = known if best == expected else None
    records, _ = read[best]
    commas, are_sure, points = _signs(records)
    decimal = known.decimal if known is not None and commas >= points else "."
    if are_sure and best != "," and not points:
        decimal = ","
    # One row of a table without these spaces may start its texts with some; the names then hold none.
    rows = records if known is not None else records[1:] or records
    inner = [value for record in rows for value in record[1:] if value]
    spaced = bool(inner) and all(value.startswith(" ") for value in inner)
    return Dialect(best, decimal, spaced or (known is not None and known.spaced)), records


def is_number(value: str) -> bool:
    """Whether a number is written there, with a decimal point if any.

    Examples
    --------
    >>> is_number("-1.5e3"), is_number("1e"), is_number("x1")
    (True, False, False)
    """
    return _NUMBER.fullmatch(value) is not None


def _sample(start: str, delimiter: str, whole: bool) -> tuple[list[list[str]], bool]:
    """The first records under a delimiter, and whether their quotes stand where they should."""
    with _any_length():
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
        records = [record for record in itertools.islice(reader, _SAMPLE) if record]
        try:
            list(
                itertools.islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True), _SAMPLE)
            )
            proper = True
        except csv.Error as error:
            proper = not whole and "unexpected end" in str(error)  # the sample ends within quotes, the file may not
    return (records if whole or len(records) in (1, _SAMPLE) else records[:-1]), proper


def _agreement(records: list[list[str]], proper: bool) -> tuple[bool, bool, float, float, int]:
    """How well a delimiter explains records; greater is better.

    Whether it parts anything, whether quotes stand where they should, the share of records of the same length, the
    share of values that are numbers, and that length.
    """
    length, agree = collections.Counter(map(len, records)).most_common(1)[0] if records else (0, 0)
    if length < 2 or len(records[0]) < 2:  # what does not part the names is a part of the text below them
        return False, False, 0.0, 0.0, 0
    values = _values(records)
    # Decimal commas count as numbers, or "1,5;2,5;3,5" would be four columns of a table without a header.
    numbers = sum(is_number(value) or _DECIMAL_COMMA.fullmatch(value) is not None for value in values)
    return True, proper, agree / len(records), numbers / len(values), length


def _signs(records: list[list[str]]) -> tuple[bool, bool, bool]:
    """Whether a column is of numbers with a comma, whether one must be, and whether one is of numbers with a point.

    "1,234" alone may be a thousand and more; one "0,5" settles it. A column that holds other text too, such as versions
    or names, says nothing.
    """
    commas = are_sure = points = False
    for column in itertools.zip_longest(*_some(records), fillvalue=""):
        values = [value for value in column if value.strip() not in MISSING]
        if values and not _may_be_number(values[0]):
            values = values[1:]  # without its name
        signs = {sign for sign in ",." if any(sign in value for value in values)}
        if len(signs) != 1 or not all(map(_may_be_number, values)):
            continue
        points = points or "." in signs
        commas = commas or "," in signs
        are_sure = are_sure or any("," in value and not _THOUSANDS.fullmatch(value) for value in values)
    return commas, are_sure, points


def _may_be_number(value: str) -> bool:
    return is_number(value.replace(",", "."))


def _some(records: list[list[str]]) -> list[list[str]]:
    """As many as hold some ten thousand values."""
    return records[: max(10 * _SAMPLE // len(records[0]), 2)] if records else []


def _values(records: list[list[str]]) -> list[str]:
    return list(itertools.islice(itertools.chain.from_iterable(records), 10 * _SAMPLE))


@contextlib.contextmanager
def _any_length() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a value, which is the process's, and put it back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def explain(source: Source, dialect: Dialect) -> str:
    """The first line that breaks the table's own rules, in a sentence; nothing if there is none.

    The whole file is read by Python's own reader, which is slow but knows its lines: for files that are refused anyway.
    """
    with reading(source), source.open() as stream, _any_length():
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(itertools.chain(lines, [_END]), delimiter=dialect.delimiter)
        expected, line = 0, 1
        for record in reader:
            if record == [_END]:
                break
            if record and record[-1].endswith(_END):
                return (
                    f'{source.path}, line {line:,}: a quote (") opens a value in this row and is never closed. '
                    'Close it, or write quotes within a value twice ("").'
                )
            expected = expected or len(record)
            if "\0" in "".join(record):
                return (
                    f"{source.path}, line {line:,}, holds NUL bytes, which no text does: the file is binary or "
                    "damaged. Copy or make it again."
                )
            if len(record) not in (0, expected):
                return (
                    f"{source.path}, line {line:,}: {counted(expected, 'field')} expected, as in the first line, "
                    f"and {len(record):,} found. Mend that line; a value that holds a {dialect.spoken} needs quotes."
                )
            line = reader.line_num + 1
    return ""


# A line of its own after the last one; where it ends up within a value, a quote is still open.
_END = "\0end"


def not_utf8(source: Source) -> str:
    """Where a file stops being UTF-8, in a sentence; nothing if it is UTF-8 throughout."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, line = 0, 1
    with reading(source), source.open() as stream:
        while True:
            block = bytes(stream.read(1 << 20))
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                bad = error.start - pending
                line += block[: max(bad, 0)].count(b"\n")
                byte = f"byte {place + bad:,} (line {line:,}) is 0x{error.object[error.start]:02X}"
                return (
                    f"{source.path} is not UTF-8: {byte}. Save it as UTF-8, or, if it comes from Windows, say: "
                    "iconv -f WINDOWS-1252 -t UTF-8."
                )
            if not block:
                return ""
            place += len(block)
            line += block.count(b"\n")


def header_hint(names: Sequence[str]) -> str:
    """The question whether a header is data, if half its names are numbers; nothing else.

    Examples
    --------
    >>> header_hint(["5.1", "3.5", "setosa"])
    '2 of the 3 names in the header are numbers: if the first row is data, say header=False (--no-header).'
    >>> header_hint(["0", "1", "2"]), header_hint(["age", "2019", "sex"])
    ('', '')
    """
    numbers = sum(map(is_number, names))
    counting = any(list(names) == [str(start + i) for i in range(len(names))] for start in (0, 1))
    if 2 * numbers < len(names) or not numbers or (counting and len(names) > 1):
        return ""
    several = "All" if numbers == len(names) else f"{numbers:,} of the {len(names):,}"
    return f"{several} names in the header are numbers: if the first row is data, say header=False (--no-header)."


def names_hint(records: Sequence[Sequence[str]]) -> str:
    """The question whether the first row is a header, if it holds words alone and the next one numbers."""
    if len(records) < 2 or any(is_number(value) or value.strip() in MISSING for value in records[0]):
        return ""
    if len(set(records[0])) < len(records[0]) or not any(map(is_number, records[1])):
        return ""
    return "The first row looks like the names of the columns: if it is, leave out header=False (--no-header)."
