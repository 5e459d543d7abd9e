"""What native/tally_loop.hpp does, in NumPy, for where there is no compiled kernel."""

import math
from typing import Any

import numpy as np

from logloss.core import formula
from logloss.core.formula import LOSS, Ends, Focus
from logloss.core.inputs import Array
from logloss.evaluation import fixed_point
from logloss.evaluation.cells import Floats
from logloss.evaluation.groups import Integers
from logloss.evaluation.tally import KERAS_CLIP, Scores, Sum, Tally, settled

_BLOCK = 1 << 13
HEAVIEST, LIGHTEST = 2.0**20, 2.0**-40  # of rows that weigh anything


class Counts:
    """Rows in, the state of a tally out."""

    def __init__(self, from_logits: bool) -> None:
        self._tally = Tally.empty(from_logits=from_logits)

    def add(
        self,
        score: Array,
        label: Array,
        weight: Array | None,
        shown: Array | None,
        worst: int,
        floor: float,
        threads: int,
    ) -> tuple[float, Floats, Integers] | bool:
        """As the kernel's: the rows that cost most; False if a value may have to be refused."""
        del threads  # there is one
        losses, places = [np.empty(0)], [np.empty(0, np.int64)]
        for at in range(0, len(score), _BLOCK):
            part = slice(at, at + _BLOCK)
            place = np.arange(at, min(at + _BLOCK, len(score)))
            columns = [np.asarray(c[part], np.float64) for c in (score, label)]
            columns.append(np.ones(len(place)) if weight is None else np.asarray(weight[part], np.float64))
            if shown is not None:
                place = place[shown[part]]
                columns = [column[shown[part]] for column in columns]
            z, y, w = columns
            z, y = z + 0.0, y + 0.0  # of -0 makes 0
            low, high = (-math.inf, math.inf) if self._tally.from_logits else (0.0, 1.0)
            fit = (z >= low) & (z <= high) & (y >= 0) & (y <= 1) & ((w >= LIGHTEST) | (w == 0)) & (w <= HEAVIEST)
            if not fit.all():
                return False
            loss = self._count(z, y, w)
            losses.append(loss[loss >= floor])
            places.append(place[loss >= floor])
        loss, place = np.concatenate(losses), np.concatenate(places)
        if worst and len(loss) > worst:
            floor = float(np.partition(loss, len(loss) - worst)[len(loss) - worst])
            loss, place = loss[loss >= floor], place[loss >= floor]
        return (floor, loss, place) if worst else (floor, loss[:0], place[:0])

    def state(self) -> dict[str, Any]:
        """What `counting.Counter` makes a tally of."""
        tally = self._tally
        counts = np.array([tally.rows, *tally.infinite])
        return {"sums": tally.sums, "counts": counts, **vars(tally.kept)}

    def _count(self, z: Floats, y: Floats, w: Floats) -> Floats:
        from_logits = self._tally.from_logits
        is_upper = z >= (0.0 if from_logits else 0.5)
        with np.errstate(all="ignore"):
            if from_logits:
                e = np.exp(-np.abs(z))
                lesser = e / (1 + e)
                (loss,) = formula.from_logits(np, z, y, 1 - y, Focus(0, 0, 0), (LOSS,), are_shares=True)
            else:
                lesser = np.minimum(z, 1 - z)
                (loss,) = formula.from_probabilities(np, z, y, 1 - y, Focus(0, 0, 0), Ends(0.0, 1.0), (LOSS,))
            is_endless = loss == math.inf
            finite = np.where(is_endless, 0.0, loss * w)
            costs = np.where(is_endless & (w > 0), math.inf, finite)
        p, q = np.where(is_upper, 1 - lesser, lesser), np.where(is_upper, lesser, 1 - lesser)
        wrong = np.where(is_upper, 1 - y, y)
        outside = lesser < KERAS_CLIP
        clipped = wrong * -math.log(KERAS_CLIP) + (1 - wrong) * -math.log1p(-KERAS_CLIP)
        terms = {
            Sum.WEIGHT: w,
            Sum.SQUARE: w * w,
            Sum.POSITIVE: w * y,
            Sum.SAID: w * p,
            Sum.LOSS: finite,
            Sum.BRIER: w * (y * (q * q) + (1 - y) * (p * p)),
            Sum.RIGHT: w * np.where(is_upper, y, 1 - y),
            Sum.OUTSIDE: finite[outside],
            Sum.OUTSIDE_CLIPPED: (w * clipped)[outside],
            Sum.INFINITE_POSITIVE: (w * wrong)[is_endless & ~is_upper],
            Sum.INFINITE_NEGATIVE: (w * wrong)[is_endless & is_upper],
        }
        is_felt = is_endless & (w > 0)
        infinite = int((is_felt & is_upper).sum()), int((is_felt & ~is_upper).sum())
        sums = settled(np.stack([_limbs(terms[which]) for which in Sum]))
        self._tally += Tally(from_logits, sums, len(z), infinite, 0, _by_score(z, lesser, y, w))
        return costs


def _by_score(z: Floats, lesser: Floats, y: Floats, w: Floats) -> Scores:
    score, first, place = np.unique(z, return_index=True, return_inverse=True)
    size, is_positive = len(score), y > 0.5
    rows = np.stack([np.bincount(place, which, size) for which in (~is_positive, is_positive)], -1).astype(np.int64)
    if ((w == 1) & ((y == 0) | (y == 1))).all():
        return Scores(score, lesser[first], rows, None, None)
    share = np.stack([w * (1 - y), w * y], -1)
    limbs = (fixed_point.summed(fixed_point.fixed(each), place, size) for each in (share, share * w[:, None]))
    return Scores(score, lesser[first], rows, *limbs)


def _limbs(terms: Floats) -> Integers:
    """At most 8,192 numbers, added up as native/exact_sum.hpp does: in thirds of their digits, not to overflow."""
    made = np.zeros(72, np.int64)
    mantissa, exponent = np.frexp(terms)
    whole = (mantissa * 2.0**53).astype(np.int64)
    for third in range(3):
        at = exponent.astype(np.int64) - 53 + 1152 + 18 * third
        np.add.at(made, at >> 5, (whole >> 18 * third & 0x3FFFF) << (at & 31))
    return made
