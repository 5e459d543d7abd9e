"""How far a result may be from the truth: the one table of bounds, in units in the last place of a type.

docs/numerics.md prints this table. The bounds of a type that is worked out in itself are `BOUNDS`; a type that is worked out
in a wider one and rounded once keeps the wider type's bounds, in its units, and adds `ROUNDED_ONCE` of its own.
"""

from typing import Any, NamedTuple


class Bound(NamedTuple):
    ulp: float
    of: str  # whose units: the result's, or those of the largest of the terms that it is the sum of


BOUNDS: dict[tuple[str, str], Bound] = {
    # quantity, the type that it is worked out in
    ("plain loss", "float64"): Bound(2, "result"),
    ("plain loss", "float32"): Bound(2, "result"),
    ("plain gradient", "float64"): Bound(2, "result"),
    ("plain gradient", "float32"): Bound(2, "result"),
    ("family", "float64"): Bound(8, "largest summand"),
    ("family", "float32"): Bound(8, "largest summand"),
}

ROUNDED_ONCE = 0.5


class Type(NamedTuple):
    digits: int  # binary ones, the leading one included
    lowest: int  # the exponent of the smallest normal number
    highest: int  # the exponent of the largest


TYPES = {
    "float64": Type(53, -1022, 1023),
    "float32": Type(24, -126, 127),
    "float16": Type(11, -14, 15),
    "bfloat16": Type(8, -126, 127),
}


def ulp(x: Any, dtype: str) -> Any:
    """The distance between neighbours of a type at the size of x, an mpmath number; that of subnormals at 0."""
    digits, lowest, _ = TYPES[dtype]
    exponent = max(x.context.mag(x) - 1, lowest) if x else lowest
    return x.context.ldexp(1, exponent - digits + 1)


def is_plain(parameters: Any, y: float) -> bool:
    """Whether the tight bounds hold: no option of the family, and a hard label."""
    return parameters == type(parameters)() and y in (0, 1)
