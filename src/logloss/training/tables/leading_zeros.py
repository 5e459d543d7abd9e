"""Codes such as 00501, which look like numbers and are none: their zeros would be lost."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from logloss.tables.wording import quoted

_CODE = r"^\s*[+-]?0\d"
_LONGEST_CELL = 64  # bytes; a number that is longer is refused anyway, or is no code
_PIECE = 1 << 17  # bytes that are compared at once: what fits into the processor's cache takes a third of the time
_MARK = b"\xef\xbb\xbf"  # of byte order, at the start of a file


class LeadingZeros:
    r"""Looks for a cell that may be such a code among the bytes of a file, while Arrow reads them.

    Almost every file is cleared of them by this alone, for less than a tenth of the work of reading it; the others have
    their columns of numbers read once more, as text.

    Examples
    --------
    >>> import io
    >>> watch = LeadingZeros(",")
    >>> _ = watch.over(io.BytesIO(b"city,zip\nBoston,02108\n")).read()
    >>> watch.found
    True
    """

    def __init__(self, delimiter: str) -> None:
        edge = rf"[{delimiter}\r\n]"
        self._pattern = rf"{edge}[ \t]*\"?[ \t]*[+-]?0[0-9]+[.]?[0-9]*([eE][+-]?[0-9]+)?[ \t]*\"?[ \t]*{edge}"
        self._delimiter = ord(delimiter)
        self._may_follow = np.isin(np.arange(256), list(f'{delimiter}\r\n\t "0123456789.eE'.encode()))
        self.found = False

    def over(self, stream: Any) -> "_Watched":
        """Watch a stream from its start."""
        return _Watched(stream, self)

    def see(self, text: bytes | memoryview) -> None:
        """Look through a part of the file."""
        if not self.found:
            self.found = self._may_match(np.frombuffer(text, np.uint8)) and _matches(text, self._pattern)

    def _may_match(self, letters: npt.NDArray[np.uint8]) -> bool:
        """Whether a 0 and a digit stand where a code would: a question that few blocks of most files pass."""
        for start in range(0, len(letters), _PIECE):
            piece = letters[start : start + _PIECE + 4]
            edge = piece == self._delimiter
            low = piece < ord(".")  # so are blanks, quotes, signs and most delimiters, but no digit
            low |= edge
            edge |= piece < ord(" ")
            likely = low[:-4] & low[1:-3]  # a sign or blank behind a blank or edge, unlike in 2024-01-31 05:00
            likely |= edge[1:-3]
            likely &= piece[2:-2] == ord("0")
            likely &= piece[3:-1] >= ord("0")
            if self._may_follow[piece[4:][likely]].any():  # unlike in 05:30 and 01/31/2024
                return True
        return False


class _Watched:
    """A stream whose bytes are looked through on their way to Arrow, which may read on after it has given up."""

    closed = False  # Arrow asks

    def __init__(self, stream: Any, watch: LeadingZeros) -> None:
        # Arrow uses its memory again from block to block; Python fetches its own anew, which alone costs a twentieth.
        self._read = getattr(stream, "read_buffer", stream.read)
        self._watch, self._tail = watch, b"\n\n"

    def read(self, size: int = -1) -> Any:
        """The next bytes of the stream, looked through."""
        block = self._read(size)
        text = memoryview(block)
        if bytes(text[: len(_MARK)]) == _MARK:
            text = text[len(_MARK) :]
        # What lies across two blocks; the end of the file ends a cell.
        self._watch.see(self._tail + (bytes(text[:_LONGEST_CELL]) or b"\n"))
        self._watch.see(text)
        self._tail = (self._tail + bytes(text[-_LONGEST_CELL:]))[-_LONGEST_CELL:]
        return block

    def readable(self) -> bool:
        """For Arrow."""
        return True

    def close(self) -> None:
        """For Arrow; the stream is closed by whoever opened it."""


def _matches(text: bytes | memoryview, pattern: str) -> bool:
    """What `re.search` says, five times as fast and without holding Python's lock."""
    offsets = pa.array([0, len(text)], pa.int64()).buffers()[1]
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(text)])
    return bool(pc.match_substring_regex(whole, pattern)[0].as_py())


def may_lose_zeros(table: pa.Table, decimal: str) -> list[str]:
    """The columns that were read as numbers. With decimal commas, those with a fraction are no codes."""
    return [
        field.name
        for field in table.schema
        if kinds.is_integer(field.type) or (kinds.is_floating(field.type) and decimal == ".")
    ]


def with_zeros(written: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Those columns, given as text, that hold a code."""
    return {
        name: column
        for name, column in zip(written.column_names, written.columns, strict=True)
        if pc.any(pc.match_substring_regex(column, _CODE)).as_py()
    }


def zeros_note(name: str, column: pa.ChunkedArray) -> str:
    """What a person should know of such a column."""
    first = column[pc.index(pc.match_substring_regex(column, _CODE), True).as_py()].as_py().strip()
    return f"Column {quoted(name)} is read as text: a number would lose the zeros in front of {quoted(first)}."
