"""A number with its interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A value and the ends of its 95 % interval; NaN where there is none.

    As a number, and where a format is given, it is its value.

    Examples
    --------
    >>> score = Score(0.412, 0.398, 0.426)
    >>> score.value, float(score), f"{score:.2f}"
    (0.412, 0.412, '0.41')
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def __float__(self) -> float:
        return self.value

    def __format__(self, form: str) -> str:
        return format(self.value, form) if form else str(self)
