"""How far a result may lie from the truth: the one table of bounds, in units in the last place. The docs print it.

`BOUNDS` says how exact a quantity is in the type that it is worked out in. A result of a narrower type is rounded once
from there, and that adds `ROUNDED_ONCE` of its own units. Derivatives in a probability, and in a clipped one, keep the
same bounds. They hold for gamma up to `GAMMA`: beyond, the rounding of exp(-|z|) shows, multiplied by half of gamma.
"""

from typing import Any, NamedTuple

from tests.reference import Parameters, Value, mp


class Bound(NamedTuple):
    ulp: float
    of: str


RESULT = "the result"
SUMMAND = "the largest summand, or the result if that is larger"  # near the margin more: `reference` says how much

BOUNDS: dict[tuple[str, str], Bound] = {
    ("plain loss", "float64"): Bound(2, RESULT),
    ("plain loss", "float32"): Bound(2, RESULT),
    ("plain gradient", "float64"): Bound(2, RESULT),
    ("plain gradient", "float32"): Bound(2, RESULT),
    ("family", "float64"): Bound(8, SUMMAND),
    ("family", "float32"): Bound(8, SUMMAND),
    # XLA's own log1p errs by up to 2.5 ulp on processors.
    ("plain loss", "float64 in XLA"): Bound(3, RESULT),
    ("plain loss", "float32 in XLA"): Bound(3, RESULT),
    ("plain gradient", "float64 in XLA"): Bound(2, RESULT),
    ("plain gradient", "float32 in XLA"): Bound(2, RESULT),
    ("family", "float64 in XLA"): Bound(8, SUMMAND),
    ("family", "float32 in XLA"): Bound(8, SUMMAND),
    # TensorFlow's logarithm errs by up to 2 ulp in float32, and its graphs divide by an approximate reciprocal.
    ("plain loss", "float64 in TensorFlow"): Bound(3, RESULT),
    ("plain loss", "float32 in TensorFlow"): Bound(4, RESULT),
    ("plain gradient", "float64 in TensorFlow"): Bound(2, RESULT),
    ("plain gradient", "float32 in TensorFlow"): Bound(4, RESULT),
    ("family", "float64 in TensorFlow"): Bound(8, SUMMAND),
    ("family", "float32 in TensorFlow"): Bound(8, SUMMAND),
}
ROUNDED_ONCE = 0.5
FLUSHED = 4  # smallest normal numbers: libraries make subnormal ones 0, results and summands before they are weighted
GAMMA = 5


def table() -> str:
    """The bounds as docs/numerics.md shows them."""
    header = "| quantity | worked out in | ulp, at most | of |\n| --- | --- | --- | --- |\n"
    rows = (f"| {name} | {work} | {bound.ulp:g} | {bound.of} |\n" for (name, work), bound in BOUNDS.items())
    return header + "".join(rows)


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
    """The distance between neighbours of a type at the size of x; among subnormals, the smallest of them."""
    digits, lowest, _ = TYPES[dtype]
    exponent = max(mp.mag(x) - 1, lowest) if x else lowest
    return mp.ldexp(1, int(exponent) - digits + 1)


def allowed(quantity: str, parameters: Parameters, y: float, value: Value, dtype: str, worked_in: str) -> Any:
    """How far a result of a type may lie from its exact value, as a number."""
    plain = parameters == Parameters() and y in (0, 1) and quantity != "hessian"
    bound = BOUNDS[f"plain {quantity}" if plain else "family", worked_in]
    size = abs(value.exact) if bound.of == RESULT else max(abs(value.exact), value.largest)
    work, _, library = worked_in.partition(" in ")
    error = bound.ulp * ulp(size, work)
    if library:
        error += FLUSHED * mp.ldexp(1, TYPES[work].lowest)
    if dtype != work:
        error += ROUNDED_ONCE * ulp(abs(value.exact) + error, dtype)
    return error


def excess(
    result: float, quantity: str, parameters: Parameters, y: float, value: Value, dtype: str, worked_in: str
) -> float:
    """The error of a result over what is allowed: at most 1, or the law is broken."""
    error = allowed(quantity, parameters, y, value, dtype, worked_in)
    digits, _, highest = TYPES[dtype]
    overflow = mp.ldexp(2 - mp.ldexp(1, -digits), highest)  # rounds to infinity
    if mp.isinf(result):
        return 0.0 if abs(value.exact) + error >= overflow and (result > 0) == (value.exact > 0) else float("inf")
    if mp.isnan(result):
        return float("inf")
    return float(abs(mp.mpf(result) - value.exact) / error)
