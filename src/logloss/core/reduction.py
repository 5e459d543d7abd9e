"""The four reductions, reproducible: a sum is the same number for any order and any partition of its terms."""

import math
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from logloss.core.errors import ParameterError, ShapeError, WeightError, nearest

Reduction = Literal["mean", "weighted_mean", "sum", "none"]
REDUCTIONS: tuple[str, ...] = get_args(Reduction)


def check_reduction(reduction: str) -> None:
    """Refuse a reduction that nobody knows."""
    if reduction not in REDUCTIONS:
        raise ParameterError(
            f"reduction={reduction!r} is not one of {', '.join(REDUCTIONS)}.{nearest(str(reduction), REDUCTIONS)}"
        )


def denominator(reduction: str, count: int, total_weight: float) -> float:
    """What the sum is divided by: nothing, the number of elements that count, or the sum of their weights."""
    if reduction == "sum":
        return 1.0
    if count == 0:
        raise ShapeError(
            f"The {reduction} of nothing is undefined: no element counts (y_pred is empty, or the mask hides it all). "
            'Use reduction="sum", which is 0 then.'
        )
    if reduction == "mean":
        return float(count)
    if total_weight == math.inf:
        raise WeightError("The weights sum to more than float64 can hold. Divide them all by the largest.")
    if total_weight == 0:
        raise ShapeError('The weighted mean is undefined: the weights sum to 0. Use reduction="mean", which is 0 then.')
    return total_weight


class ExactSum:
    """A sum of float64 numbers without rounding, rounded once when it is read.

    Every term is cut into two integers and a power of two. Terms of one exponent are added as integers, which is exact
    and associative, so neither order nor partition changes a bit, and tiny terms survive beside huge ones
    (superaccumulators: Neal 2015, arXiv:1505.05571). Exact for up to 2**36 terms.

    Examples
    --------
    >>> total = ExactSum()
    >>> total.add(np.array([1e16, 1.0, -1e16, 1e-300]))
    >>> total.value
    1.0
    """

    _LOWEST = -1073  # the least exponent that frexp gives, of the smallest subnormal
    _BINS = 1024 - _LOWEST + 1

    def __init__(self) -> None:
        self._high = np.zeros(self._BINS, np.int64)
        self._low = np.zeros(self._BINS, np.int64)
        self._special = 0.0  # the sum of infinities and NaN

    def add(self, terms: npt.NDArray[np.float64]) -> None:
        """Add an array of at most 65,536 terms, any shape."""
        terms = terms.ravel()
        finite = np.isfinite(terms)
        if not finite.all():
            with np.errstate(invalid="ignore"):
                self._special += float(terms[~finite].sum())
            terms = terms[finite]
        mantissa, exponent = np.frexp(terms)
        bins = exponent.astype(np.int64) - self._LOWEST
        scaled = mantissa * 2.0**26
        high = np.trunc(scaled)
        low = (scaled - high) * 2.0**27
        self._high += np.bincount(bins, high, self._BINS).astype(np.int64)
        self._low += np.bincount(bins, low, self._BINS).astype(np.int64)

    @property
    def value(self) -> float:
        """The sum, correctly rounded; infinite or NaN if a term was."""
        return self.divided_by(1.0)

    def divided_by(self, divisor: float) -> float:
        """The sum over a positive number, rounded once: a mean is finite where its sum is beyond float64."""
        if self._special != 0:  # NaN differs from 0 too
            return self._special
        total = 0
        for i in np.flatnonzero(self._high | self._low):
            total += ((int(self._high[i]) << 27) + int(self._low[i])) << int(i)
        above, below = divisor.as_integer_ratio()
        try:
            return total * below / (above << (53 - self._LOWEST))  # Python divides integers with one rounding
        except OverflowError:
            return float("inf") if total > 0 else float("-inf")


def exact_sum(values: npt.NDArray[Any], shape: tuple[int, ...], where: npt.NDArray[np.bool_] | None = None) -> float:
    """The sum of ``values`` broadcast to ``shape``, of those that ``where`` shows, correctly rounded to float64."""
    total = ExactSum()
    operands = [np.broadcast_to(values, shape), np.broadcast_to(True if where is None else where, shape)]
    blocks = np.nditer(
        operands,
        ["external_loop", "buffered", "zerosize_ok"],
        [["readonly"]] * 2,
        [np.float64, np.bool_],
        casting="unsafe",
        buffersize=1 << 14,
    )
    with blocks:
        for block, shown in blocks:
            total.add(block if where is None else block[shown])
    return total.value
