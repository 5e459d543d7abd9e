"""An axis of probabilities, linear or in log-odds: where a probability stands on it, and how it is labelled."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from logloss.evaluation.log_odds import FARTHEST

_LABEL_ROOM = 40  # pixels a label
_MANY_NINES = 8.0
_TENTHS = [10.0**-i for i in range(6, 0, -1)]


@dataclass(frozen=True)
class Axes:
    """``place`` takes a probability to its coordinate; ``domain`` are the axis's ends there, if they are given."""

    place: Callable[[float], float]
    domain: tuple[float, float] | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)


_P = "1 / (1 + exp(-datum.value))"
_LABEL = f"datum.value < -9 ? format({_P}, '.0e') : format({_P}, '.6~r')"

LINEAR = Axes(float, labels={"format": "~g"})


def logit(p: float, low: float = -FARTHEST, high: float = FARTHEST) -> float:
    """Log-odds, not beyond the ends.

    Examples
    --------
    >>> logit(0.5), logit(0.0), logit(1.0, -5, 5)
    (0.0, -16.0, 5)
    """
    if not 0 < p < 1:
        return low if p <= 0 else high
    return min(max(math.log(p) - math.log1p(-p), low), high)


def log_odds_between(least: float, most: float, length: float) -> Axes:
    """An axis in log-odds from one probability to another, of at least two units, and as long in pixels."""
    low, high = logit(least), logit(most)
    spare = max(1 - (high - low) / 2, 0.0)
    low, high = low - spare, high + spare
    return Axes(
        partial(logit, low=low, high=high),
        (low, high),
        {"values": _ticks(low, high, int(length / _LABEL_ROOM)), "labelExpr": _LABEL},
    )


def _ticks(low: float, high: float, most: int) -> list[float]:
    every: Sequence[float] = [*_TENTHS, 0.5, *(1 - p for p in reversed(_TENTHS))]
    marks = [logit(p) for p in every if low <= logit(p) <= high]
    if len(marks) < 3:
        marks = [logit(i / 20) for i in range(1, 20) if low <= logit(i / 20) <= high]
    if high > _MANY_NINES:
        most = most * 2 // 3  # their labels are long
    # One half stays where some have to go.
    step = max(-(-len(marks) // max(most, 2)), 1)
    middle = marks.index(0.0) if 0.0 in marks else 0
    return marks[middle % step :: step]
