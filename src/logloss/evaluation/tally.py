"""What is kept of rows to evaluate them: a function of the rows as a multiset, in bounded memory.

Sums are exact. Rows and weights are counted by score, as long as distinct scores are at most ``MOST``; after that by
cells of probability. So any order of rows, and any partition whose parts are merged in any order, gives the same tally
to the bit: chunks, threads, files, machines and days.
"""

from dataclasses import dataclass, replace
from enum import IntEnum, auto
from typing import Any, Self

import numpy as np

from logloss.core.errors import LogLossError
from logloss.evaluation import fixed_point
from logloss.evaluation.archive import packed, unpacked
from logloss.evaluation.cells import A_SIDE, Cells, cells_of, ends_of
from logloss.evaluation.fixed_point import LIMBS, Limbs
from logloss.evaluation.groups import Floats, Groups, Integers

MOST = 1 << 17
KERAS_CLIP = 1e-7  # probabilities as Keras takes them lie within it and 1 less it
_VERSION = 2
_LIMBS, _LOWEST = 72, -1152  # of native/exact_sum.hpp


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
class Scores:
    """Distinct scores in ascending order, and what was counted at each; a column for negatives and one for positives.

    ``weights`` are sums of weights and ``squares`` of weights times weights, as `fixed_point` has them; None as long as
    every row weighs 1 and has a label of 0 or 1, and then both are the number of rows. A soft label weighs in both
    columns, and is counted as a row of the nearer.
    """

    score: Floats  # a probability, or a logit where logits were given
    lesser: Floats  # of the probability and what that leaves of 1
    rows: Integers  # (m, 2)
    weights: Limbs | None  # (m, 2, 6)
    squares: Limbs | None


@dataclass(frozen=True)
class CellCounts:
    """Occupied cells in their order, and what was counted in each, as in `Scores`."""

    cell: Cells
    rows: Integers
    weights: Limbs | None
    squares: Limbs | None


Kept = Scores | CellCounts


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
    kept: Kept

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
        return cls(from_logits, sums, 0, (0, 0), 0, Scores(none, none, np.empty((0, 2), np.int64), None, None))

    @property
    def is_weighted(self) -> bool:
        """Whether any row weighs other than 1: only then do weights or their squares not sum to the number of rows."""
        return not self.total(Sum.WEIGHT) == self.total(Sum.SQUARE) == self.rows

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
        return _groups_of_scores(self.kept, self.from_logits)

    def coarser(self, most: int) -> "Tally":
        """The tally, its scores in cells if they are more than so many."""
        if isinstance(self.kept, CellCounts) or len(self.kept.score) <= most:
            return self
        return replace(self, kept=in_cells(self.kept, self.from_logits))

    def to_bytes(self) -> bytes:
        """A file's content; the same for the same rows."""
        numbers = [_VERSION, self.from_logits, self.rows, *self.infinite, self.pending, isinstance(self.kept, Scores)]
        kept = {name: column for name, column in vars(self.kept).items() if column is not None}
        return packed({"numbers": np.array(numbers, np.int64), "sums": self.sums, **kept})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The tally of a file's content.

        Raises
        ------
        TallyError
            It is not a tally, or is cut off or damaged, or of another version.
        """
        try:
            arrays = unpacked(content, _KINDS)
            version, *numbers = arrays.pop("numbers").tolist()
            if version != _VERSION:
                raise TallyError(f"This is a tally of version {version}; expected {_VERSION}. Take it anew.")
            from_logits, rows, negatives, positives, pending, are_scores = numbers
            sums = arrays.pop("sums")
            kind: Any = Scores if are_scores else CellCounts
            kept = kind(**{"weights": None, "squares": None} | arrays)
            made = cls(bool(from_logits), sums, rows, (negatives, positives), pending, kept)
            made._check()
        except (ValueError, TypeError, KeyError) as error:
            raise TallyError(f"This is not a whole tally ({error}). Take it anew from the rows.") from None
        return made

    def _check(self) -> None:
        """Refuse, with a ValueError, what no rows lead to."""
        kept, counts = self.kept, (self.rows, *self.infinite, self.pending)
        if self.sums.shape != (len(Sum), _LIMBS) or not (settled(self.sums) == self.sums).all():
            raise ValueError("its sums are none")
        key = kept.score if isinstance(kept, Scores) else kept.cell
        size = (len(key), 2)
        shapes = [None if limbs is None else limbs.shape for limbs in (kept.weights, kept.squares)]
        fits = kept.rows.shape == size and shapes in ([None] * 2, [(*size, LIMBS)] * 2)
        if key.ndim != 1 or not fits:
            raise ValueError("its columns are not of one length")
        if min(counts) < 0 or (kept.rows < 0).any() or int(kept.rows.sum()) != self.rows:
            raise ValueError("its counts do not add up")
        if not (key[1:] > key[:-1]).all():
            raise ValueError("its columns are not in order")
        if isinstance(kept, CellCounts):
            fit = (key >= 0) & (key < 2 * A_SIDE)
        else:
            fit = np.isfinite(key) | self.from_logits & ~np.isnan(key)
            fit &= self.from_logits | (key >= 0) & (key <= 1)
            fit &= (kept.lesser >= 0) & (kept.lesser <= 0.5) if kept.lesser.shape == key.shape else False
        if not fit.all():
            raise ValueError("its scores are none")


_KINDS = {
    "numbers": "<i8", "sums": "<i8", "score": "<f8", "lesser": "<f8", "cell": "<i4", "rows": "<i8",
    "weights": "<u4", "squares": "<u4",
}  # fmt: skip


def settled(sums: Integers) -> Integers:
    """The same sums, each limb within its 32 bits but the highest: equal sums have equal limbs."""
    made = sums.copy()
    for i in range(_LIMBS - 1):
        made[:, i + 1] += made[:, i] >> 32
        made[:, i] &= 0xFFFFFFFF
    return made


def _merged(one: Kept, other: Kept, from_logits: bool) -> Kept:
    if isinstance(one, Scores) and isinstance(other, Scores):
        score, first, place = np.unique(
            np.concatenate([one.score, other.score]), return_index=True, return_inverse=True
        )
        lesser = np.concatenate([one.lesser, other.lesser])[first]
        both = Scores(score, lesser, *_together(one, other, place, len(score)))
        return both if len(score) <= MOST else in_cells(both, from_logits)
    first_cells, second_cells = (
        in_cells(kept, from_logits) if isinstance(kept, Scores) else kept for kept in (one, other)
    )
    cell, place = np.unique(np.concatenate([first_cells.cell, second_cells.cell]), return_inverse=True)
    return CellCounts(cell, *_together(first_cells, second_cells, place, len(cell)))


def _together(one: Kept, other: Kept, place: Integers, count: int) -> tuple[Integers, Limbs | None, Limbs | None]:
    """Rows, weights and squares of both at each of so many places, of which each has no more than one of either."""
    first, second = np.split(place, [len(one.rows)])

    def added(numbers: Integers | Limbs, others: Integers | Limbs) -> Integers:
        made = np.zeros((count, *numbers.shape[1:]), np.int64)
        made[first] = numbers
        made[second] += others
        return made

    rows = added(one.rows, other.rows)
    if one.weights is None and other.weights is None:
        return rows, None, None
    weights, squares = (fixed_point.settled(added(a, b)) for a, b in zip(_limbs(one), _limbs(other), strict=True))
    return rows, weights, squares


def _limbs(kept: Kept) -> tuple[Limbs, Limbs]:
    if kept.weights is None or kept.squares is None:
        ones = fixed_point.ones(kept.rows)
        return ones, ones
    return kept.weights, kept.squares


def _added(numbers: Integers, place: Integers, count: int) -> Integers:
    made = np.zeros((count, *numbers.shape[1:]), np.int64)
    np.add.at(made, place, numbers)
    return made


def in_order(score: Floats, lesser: Floats, rows: Integers, weights: Limbs | None, squares: Limbs | None) -> Scores:
    """Distinct scores, put in order."""
    order = np.argsort(score)
    limbs = (None if column is None else column[order] for column in (weights, squares))
    return Scores(score[order], lesser[order], rows[order], *limbs)


def in_cells(kept: Scores, from_logits: bool) -> CellCounts:
    """What was counted by score, by cell."""
    is_upper = kept.score >= (0.0 if from_logits else 0.5)
    cell, place = np.unique(cells_of(kept.lesser, is_upper), return_inverse=True)
    limbs = (None if c is None else fixed_point.summed(c, place, len(cell)) for c in (kept.weights, kept.squares))
    return CellCounts(cell, _added(kept.rows, place, len(cell)), *limbs)


def _groups_of_scores(kept: Scores, from_logits: bool) -> Groups:
    is_upper = kept.score >= (0.0 if from_logits else 0.5)
    weight, square = _weights(kept)
    return Groups(
        p=np.where(is_upper, 1 - kept.lesser, kept.lesser),
        lesser=kept.lesser,
        rows=kept.rows,
        weight=weight,
        square=square,
        width=np.zeros(len(kept.score)),
    )


def _groups_of_cells(kept: CellCounts) -> Groups:
    least, greatest, is_upper = ends_of(kept.cell)
    middle = (least + greatest) / 2
    order = np.lexsort((np.where(is_upper, -middle, middle), is_upper))
    lesser, is_upper = middle[order], is_upper[order]
    weight, square = _weights(kept)
    return Groups(
        p=np.where(is_upper, 1 - lesser, lesser),
        lesser=lesser,
        rows=kept.rows[order],
        weight=weight[order],
        square=square[order],
        width=(greatest - least)[order],
    )


def _weights(kept: Kept) -> tuple[Floats, Floats]:
    if kept.weights is None or kept.squares is None:
        rows = kept.rows.astype(np.float64)
        return rows, rows
    return fixed_point.floats(kept.weights), fixed_point.floats(kept.squares)
