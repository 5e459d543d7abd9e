"""What is kept of rows to evaluate them: a function of the rows as a multiset, in bounded memory.

Sums are exact. The rows themselves are kept, each distinct one once, as long as these are at most ``MOST``; after that
they are counted in cells of probability. So any order of rows, and any partition whose parts are merged in any order,
gives the same tally to the bit: chunks, threads, files, machines and days.
"""

import io
import zipfile
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from logloss.core.errors import LogLossError
from logloss.evaluation.cells import cells_of, ends_of
from logloss.evaluation.groups import Floats, Groups, Integers

MOST = 1 << 17
KERAS_CLIP = 1e-7  # probabilities as Keras takes them lie within it and 1 less it
_VERSION = 1
_LIMBS, _LOWEST = 72, -1152  # of native/exact_sum.hpp
_PART = 48  # the bits of the lower part of a weight


class Sum(IntEnum):
    """What is added up, in the order of native/tally.hpp."""

    WEIGHT = 0  # of all rows
    SQUARE = auto()  # of weights
    POSITIVE = auto()  # weight times label
    SAID = auto()  # weight times probability
    LOSS = auto()  # weight times loss, where that is finite
    BRIER = auto()  # weight times squared error
    RIGHT = auto()  # weight of the label that the greater probability says, from one half on the positive
    OUTSIDE = auto()  # of the loss, what lies outside of Keras' clip
    OUTSIDE_CLIPPED = auto()  # and with the clip
    INFINITE_POSITIVE = auto()  # weight of positives at 0
    INFINITE_NEGATIVE = auto()  # and of negatives at 1


class TallyError(LogLossError):
    """A tally that cannot be read, or two that do not belong together."""


@dataclass(frozen=True)
class Rows:
    """Distinct rows in order of score, label and weight."""

    score: Floats  # a probability, or a logit where logits were given
    label: Floats
    weight: Floats
    lesser: Floats  # of the probability and what that leaves of 1
    count: Integers


@dataclass(frozen=True)
class CellCounts:
    """Occupied cells in their order; a column for negatives and one for positives.

    Weights, and weights times weights, are in units of 2^-64: a column for what is above 2^-16 and one for the rest.
    """

    cell: npt.NDArray[np.int32]
    rows: Integers  # (m, 2)
    weights: Integers  # (m, 2, 2)
    squares: Integers  # (m, 2, 2)


@dataclass(frozen=True)
class Tally:
    """The rows that were seen. Made by `counting.Counter`, merged by ``+``.

    ``pending`` counts rows whose label is not known yet: they are in nothing else.
    """

    from_logits: bool
    sums: Integers  # (11, 72): limbs of 32 bits, the lowest first
    rows: int
    infinite: tuple[int, int]  # negatives at 1, positives at 0
    pending: int
    kept: Rows | CellCounts

    def __add__(self, other: "Tally") -> "Tally":
        if self.from_logits != other.from_logits:
            raise TallyError(
                "One tally is of logits and the other of probabilities. Take both of the same, from the rows."
            )
        return Tally(
            self.from_logits,
            settled(self.sums + other.sums),
            self.rows + other.rows,
            (self.infinite[0] + other.infinite[0], self.infinite[1] + other.infinite[1]),
            self.pending + other.pending,
            _merged(self.kept, other.kept, self.from_logits),
        )

    @classmethod
    def empty(cls, *, from_logits: bool = False) -> Self:
        """Of no rows."""
        sums, none = np.zeros((len(Sum), _LIMBS), np.int64), np.empty(0)
        return cls(from_logits, sums, 0, (0, 0), 0, Rows(none, none, none, none, np.empty(0, np.int64)))

    def total(self, which: Sum, divisor: float = 1.0) -> float:
        """A sum over a positive number, rounded once."""
        whole = sum(int(limb) << 32 * i for i, limb in enumerate(self.sums[which]))
        above, below = divisor.as_integer_ratio()
        try:
            return whole * below / (above << -_LOWEST)  # Python divides integers with one rounding
        except OverflowError:
            return float("inf")

    def groups(self) -> Groups:
        """The rows by probability."""
        if isinstance(self.kept, CellCounts):
            return _groups_of_cells(self.kept)
        return _groups_of_rows(self.kept, self.from_logits)

    def to_bytes(self) -> bytes:
        """A file's content; the same for the same rows."""
        file = io.BytesIO()
        numbers = [_VERSION, self.from_logits, self.rows, *self.infinite, self.pending, isinstance(self.kept, Rows)]
        np.savez_compressed(file, numbers=np.array(numbers, np.int64), sums=self.sums, **vars(self.kept))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The tally of a file's content.

        Raises
        ------
        TallyError
            It is not a tally, or is cut off, or of another version.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                version, *numbers = arrays["numbers"].tolist()
                if version != _VERSION:
                    raise TallyError(f"This is a tally of version {version}; expected {_VERSION}. Take it anew.")
                from_logits, rows, negatives, positives, pending, are_rows = numbers
                kind: Any = Rows if are_rows else CellCounts
                kept = kind(**{name: arrays[name] for name in kind.__dataclass_fields__})
                return cls(bool(from_logits), arrays["sums"], rows, (negatives, positives), pending, kept)
        except (KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise TallyError(f"This is not a whole tally ({error}). Take it anew from the rows.") from None


def settled(sums: Integers) -> Integers:
    """The same sums, each limb within its 32 bits but the highest: equal sums have equal limbs."""
    made = sums.copy()
    for i in range(_LIMBS - 1):
        made[:, i + 1] += made[:, i] >> 32
        made[:, i] &= 0xFFFFFFFF
    return made


def _merged(one: Rows | CellCounts, other: Rows | CellCounts, from_logits: bool) -> Rows | CellCounts:
    if isinstance(one, Rows) and isinstance(other, Rows):
        pairs = zip(vars(one).values(), vars(other).values(), strict=True)
        both = sorted_rows(*map(np.concatenate, pairs))
        return both if len(both.count) <= MOST else gathered(both, from_logits)
    first, second = (gathered(kept, from_logits) if isinstance(kept, Rows) else kept for kept in (one, other))
    cell, place = np.unique(np.concatenate([first.cell, second.cell]), return_inverse=True)
    return CellCounts(
        cell,
        _added(place, np.concatenate([first.rows, second.rows]), len(cell)),
        carried(_added(place, np.concatenate([first.weights, second.weights]), len(cell))),
        carried(_added(place, np.concatenate([first.squares, second.squares]), len(cell))),
    )


def _added(place: Integers, values: Integers, count: int) -> Integers:
    made = np.zeros((count, *values.shape[1:]), np.int64)
    np.add.at(made, place, values)
    return made


def carried(parts: Integers) -> Integers:
    """Two-part numbers whose lower part stays within its bits."""
    return np.stack([parts[..., 0] + (parts[..., 1] >> _PART), parts[..., 1] & ((1 << _PART) - 1)], -1)


def sorted_rows(score: Floats, label: Floats, weight: Floats, lesser: Floats, count: Integers) -> Rows:
    """Rows in their order, equal ones together."""
    order = np.lexsort((weight, label, score))
    rows = Rows(score[order], label[order], weight[order], lesser[order], count[order])
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = np.logical_or.reduce([c[1:] != c[:-1] for c in (rows.score, rows.label, rows.weight)])
    at = np.flatnonzero(is_new)
    total = np.add.reduceat(rows.count, at) if len(at) else rows.count
    return Rows(rows.score[at], rows.label[at], rows.weight[at], rows.lesser[at], total)


def gathered(rows: Rows, from_logits: bool) -> CellCounts:
    """Rows in cells."""
    is_upper = rows.score >= (0.0 if from_logits else 0.5)
    cell, place = np.unique(cells_of(rows.lesser, is_upper), return_inverse=True)
    is_positive = rows.label > 0.5
    count = np.stack([np.where(is_positive, 0, rows.count), np.where(is_positive, rows.count, 0)], -1)
    shares = np.stack([rows.weight * (1 - rows.label), rows.weight * rows.label], -1)
    weights, squares = (times(fixed(part), rows.count) for part in (shares, shares * rows.weight[:, None]))
    made = (_added(place, values, len(cell)) for values in (count, weights, squares))
    total, weight, square = made
    return CellCounts(cell, total, carried(weight), carried(square))


def fixed(weight: Floats) -> Integers:
    """A weight in units of 2^-64 in two parts, rounded half up."""
    upper = np.floor(weight * 2.0**16)
    lower = np.floor((weight - upper * 2.0**-16) * 2.0**64 + 0.5)
    return carried(np.stack([upper.astype(np.int64), lower.astype(np.int64)], -1))


def times(parts: Integers, count: Integers) -> Integers:
    """Two-part numbers, (m, 2, 2), times counts below 2^38."""
    count = count[:, None]
    upper, lower = parts[..., 0] * count, parts[..., 1]
    high, low = (lower >> 24) * count, (lower & 0xFFFFFF) * count  # each within 64 bits
    high += low >> 24
    return carried(np.stack([upper + (high >> 24), ((high & 0xFFFFFF) << 24) + (low & 0xFFFFFF)], -1))


def _groups_of_rows(kept: Rows, from_logits: bool) -> Groups:
    starts = np.flatnonzero(np.r_[True, kept.score[1:] != kept.score[:-1]][: len(kept.score)])
    is_positive = kept.label > 0.5
    shares = np.stack([kept.weight * (1 - kept.label), kept.weight * kept.label], -1)
    count = kept.count[:, None]

    def added(values: Floats | Integers) -> Floats:
        return np.add.reduceat(values, starts).astype(np.float64) if len(starts) else values.astype(np.float64)

    lesser = kept.lesser[starts]
    p = np.where(kept.score[starts] >= (0.0 if from_logits else 0.5), 1 - lesser, lesser)
    return Groups(
        p=p,
        lesser=lesser,
        rows=added(count * np.stack([~is_positive, is_positive], -1)).astype(np.int64),
        weight=added(shares * count),
        square=added(shares * kept.weight[:, None] * count),
        width=np.zeros(len(starts)),
    )


def _groups_of_cells(kept: CellCounts) -> Groups:
    least, greatest, is_upper = ends_of(kept.cell)
    middle = (least + greatest) / 2
    order = np.lexsort((np.where(is_upper, -middle, middle), is_upper))
    lesser, is_upper = middle[order], is_upper[order]
    return Groups(
        p=np.where(is_upper, 1 - lesser, lesser),
        lesser=lesser,
        rows=kept.rows[order],
        weight=_number(kept.weights[order]),
        square=_number(kept.squares[order]),
        width=(greatest - least)[order],
    )


def _number(parts: Integers) -> Floats:
    return parts[..., 0] * 2.0**-16 + parts[..., 1] * 2.0**-64
