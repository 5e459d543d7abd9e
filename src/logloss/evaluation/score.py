"""A number with its interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A value and the ends of its 95 % interval; NaN where there is none.

    Examples
    --------
    >>> Score(0.412, 0.398, 0.426).to_dict()
    {'value': 0.412, 'low': 0.398, 'high': 0.426}
    >>> Score(math.inf).to_dict()
    {'value': 'inf', 'low': None, 'high': None}
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def to_dict(self) -> dict[str, float | str | None]:
        """As JSON has it."""
        return {"value": json_number(self.value), "low": json_number(self.low), "high": json_number(self.high)}


def json_number(x: float) -> float | str | None:
    """A number for JSON (RFC 8259): infinities are "inf" and "-inf", NaN is null."""
    if math.isnan(x):
        return None
    return str(x) if math.isinf(x) else x
