"""A number with its interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A value and the ends of its 95 % interval; NaN where there is none.

    Examples
    --------
    >>> Score(0.412, 0.398, 0.426).value
    0.412
    """

    value: float
    low: float = math.nan
    high: float = math.nan
