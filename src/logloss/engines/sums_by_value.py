"""Sums for every value of a column: in bounded memory, and to the bit the same for any order and partition of rows."""

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.errors import TableError
from logloss.evaluation.cells import Floats
from logloss.evaluation.groups import Integers
from logloss.tables.wording import quoted

MOST_VALUES = 1 << 18

# A sum of floats is one of whole numbers, in units of 2^-52 and limbs of 26 bits. A block of rows then adds up in
# doubles without rounding, and 2^37 rows fit in the limbs.
_LIMBS, _BITS, _UNIT = 5, 26, 52
GREATEST = 2.0 ** ((_LIMBS * _BITS - _UNIT) // 2)  # of what is squared: 2^37 such squares fit too
_BLOCK = 1 << 15  # rows that stay in the cache


@dataclass(frozen=True)
class Sums:
    """The values of a column that were seen, in their order, and what was counted and added up of each."""

    by: str
    values: pa.Array  # text, null for a row without a value
    counts: Integers  # (values, counts)
    limbs: Integers  # (values, terms, 5)

    def __add__(self, other: "Sums") -> "Sums":
        values, place = _encoded(pa.concat_arrays([self.values, other.values]))
        _refuse_many(self.by, len(values))
        both = [(self.counts, other.counts), (self.limbs, other.limbs)]
        counts, limbs = (_added(np.concatenate(pair), place, len(values)) for pair in both)
        return Sums(self.by, values, counts, _settled(limbs)).ordered()

    def ordered(self) -> "Sums":
        """In the order of the values."""
        order = pc.array_sort_indices(self.values)
        place = order.to_numpy()
        return Sums(self.by, self.values.take(order), self.counts[place], self.limbs[place])

    def rounded(self, start: int = 0, stop: int | None = None) -> list[list[float]]:
        """The sums of the values from ``start`` to ``stop``, each rounded once."""
        made: list[list[float]] = _rounded(self.limbs[start:stop]).tolist()
        return made

    def to_bytes(self) -> bytes:
        """For another machine."""
        file = io.BytesIO()
        table = pa.table({"value": self.values}).replace_schema_metadata({"by": self.by})
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        np.save(file, self.counts)
        np.save(file, self.limbs)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` made."""
        file = io.BytesIO(content)
        with pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
        by = table.schema.metadata[b"by"].decode()
        values = table.column("value").combine_chunks()
        return cls(by, values, np.load(file, allow_pickle=False), np.load(file, allow_pickle=False))


class Summing:
    """Rows in, sums out: so many counts and so many sums of terms for each value."""

    def __init__(self, by: str, counts: int, terms: int) -> None:
        self._by = by
        self._known = pa.array([], pa.string())
        self._counts = np.zeros((0, counts), np.int64)
        self._limbs = np.zeros((0, terms, _LIMBS), np.int64)

    @property
    def block(self) -> int:
        """How many rows are worth a call."""
        return max(_BLOCK, 4 * len(self._known))

    def places(self, values: pa.Array) -> Integers:
        """Where the sums of each row's value are; there is room for new values afterwards."""
        found, place = _encoded(values)
        at = pc.index_in(found, value_set=self._known)
        if at.null_count:
            seen = np.bincount(place, minlength=len(found)) > 0  # a dictionary may hold what no row has
            fresh = found.filter(pc.and_(pc.is_null(at), pa.array(seen))).unique()
            self._known = pa.concat_arrays([self._known, fresh])
            _refuse_many(self._by, len(self._known))
            self._counts, self._limbs = (_longer(one, len(fresh)) for one in (self._counts, self._limbs))
            at = pc.index_in(found, value_set=self._known)
        where: npt.NDArray[np.int64] = at.fill_null(0).to_numpy().astype(np.int64)
        return where[place]

    def count(self, which: int, place: Integers) -> None:
        """Count rows at these places."""
        self._counts[:, which] += np.bincount(place, minlength=len(self._known))

    def add(self, which: int, place: Integers, term: Floats) -> None:
        """Add terms, from 0 to the square of ``GREATEST`` and rounded to the unit, to the sums of their places."""
        limbs, rest = self._limbs[:, which], term
        top = float(term.max(initial=0.0))
        scale = 2.0 ** (_BITS * (_LIMBS - 1) - _UNIT)
        for limb in range(_LIMBS - 1, -1, -1):
            if top >= scale or limb == 0:
                part = np.floor(rest / scale) if limb else np.floor(rest / scale + 0.5)
                if part.any():
                    limbs[:, limb] += np.bincount(place, part, len(limbs)).astype(np.int64)
                    rest = rest - part * scale
            scale *= 2.0**-_BITS

    def add_ones(self, which: int, place: Integers) -> None:
        """Add 1 to the sums of these places."""
        self._limbs[:, which, _UNIT // _BITS] += np.bincount(place, minlength=len(self._known))

    def sums(self) -> Sums:
        """All that was counted."""
        return Sums(self._by, self._known, self._counts, _settled(self._limbs)).ordered()


def text_of(values: pa.Array) -> pa.Array:
    """Values as text; not a number counts as no value."""
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return pc.cast(values, pa.string())


def _encoded(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The values as text, null among them, and which of them each row has; one that had two spellings comes twice."""
    if pa.types.is_dictionary(values.type):
        place = values.indices.cast(pa.int64()).fill_null(len(values.dictionary))
        none = pa.nulls(1, pa.string())
        return pa.concat_arrays([text_of(values.dictionary), none]), place.to_numpy()
    coded = values.dictionary_encode(null_encoding="encode")
    return text_of(coded.dictionary), coded.indices.to_numpy().astype(np.int64)


def _added(numbers: Integers, place: Integers, count: int) -> Integers:
    made = np.zeros((count, *numbers.shape[1:]), np.int64)
    np.add.at(made, place, numbers)
    return made


def _longer(numbers: Integers, by: int) -> Integers:
    return np.concatenate([numbers, np.zeros((by, *numbers.shape[1:]), np.int64)])


def _settled(limbs: Integers) -> Integers:
    """The same sums, in place: each limb within its bits but the highest."""
    for i in range(_LIMBS - 1):
        limbs[..., i + 1] += limbs[..., i] >> _BITS
        limbs[..., i] &= (1 << _BITS) - 1
    return limbs


def _rounded(limbs: Integers) -> Floats:
    """The numbers, each rounded once, from three parts that a double holds.

    Notes
    -----
    Knuth (1969), "The art of computer programming", volume 2, for sums and their errors. What is left in the end only
    matters half way between two doubles.
    """
    parts = limbs[..., 4], (limbs[..., 3] << _BITS) + limbs[..., 2], (limbs[..., 1] << _BITS) + limbs[..., 0]
    most, more, total = (np.ldexp(part, place * _BITS - _UNIT) for part, place in zip(parts, (4, 2, 0), strict=True))
    total, small = _with_error(more, total)
    total, large = _with_error(most, total)
    large, small = _with_error(large, small)
    total, half = _with_error(total, large)
    beyond = total + 2 * half
    is_beyond = (half * small > 0) & (beyond - total == 2 * half)
    return np.where(is_beyond, beyond, total)


def _with_error(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """A sum, and what it lacks."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def _refuse_many(by: str, count: int) -> None:
    if count > MOST_VALUES:
        raise TableError(
            f"The column {quoted(by)} has more than {MOST_VALUES:,} different values; expected groups of rows, not "
            "names of single ones. Group by a coarser column."
        )
