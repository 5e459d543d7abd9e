"""The mathematics of the family, once, for every array library.

An array library ``xp`` serves if it has ``exp, log, log1p, abs, where, finfo`` and Python's operators; NumPy,
PyTorch and JAX do as they are. Nothing here looks at a shape or a value: `inputs` has done that.

Each label has two sides. For the positive one, ``right = p`` is the probability of what happened and ``wrong = 1 - p``
that of what did not; for the negative one they change places. On its own side an element costs
``wrong**gamma * -log(right)``, and the label's coefficients mix the two sides::

    loss     = positive * L(z) + negative * L(-z)
    gradient = positive * L'(z) - negative * L'(-z)
    hessian  = positive * L''(z) + negative * L''(-z)

So one side is written, and the other is its mirror. What keeps it exact is explained in docs/numerics.md: ``p`` and
``1 - p`` both come from ``e = exp(-|z|)``, every sum has terms of one sign, and nothing is one minus something rounded.
"""

import math
from typing import Any, NamedTuple

Array = Any  # of whichever library `xp` is

LOSS, GRADIENT, HESSIAN = "loss", "gradient", "hessian"

# Beyond it every derivative has reached its limit in every type, and infinity times zero is avoided.
SATURATED = 1e4


class Focus(NamedTuple):
    """The shape of the loss: how strongly each side is focused, and the margin that spares easy negatives."""

    gamma: float
    gamma_neg: float
    margin: float


class Side(NamedTuple):
    """What one side of a label needs: the probabilities, their exact logarithms and the focusing factor."""

    right: Array  # the probability of what happened
    wrong: Array  # the probability of what did not
    surprise: Array  # -log(right)
    bounded_surprise: Array  # the same, finite at an infinite logit
    factor: Array  # wrong ** gamma
    gamma: float


def coefficients(y: Array, label_smoothing: float, pos_weight: Any, neg_weight: Any, weight: Any) -> tuple[Array, Array]:
    """What multiplies the positive and the negative side: ``w·a·ỹ`` and ``w·b·(1 − ỹ)``."""
    positive, negative = y, 1 - y
    if label_smoothing:
        # 1 - ỹ from 1 - y: subtracting a rounded ỹ from 1 costs hundreds of ulp when the smoothing is small.
        positive = positive * (1 - label_smoothing) + label_smoothing / 2
        negative = negative * (1 - label_smoothing) + label_smoothing / 2
    for factor_positive, factor_negative in ((pos_weight, neg_weight), (weight, weight)):
        positive = positive if _is_one(factor_positive) else positive * factor_positive
        negative = negative if _is_one(factor_negative) else negative * factor_negative
    return positive, negative


def from_logits(xp: Any, z: Array, positive: Array, negative: Array, focus: Focus, want: tuple[str, ...]) -> list[Array]:
    """Each wanted quantity, its derivatives being with respect to the logit ``z``."""
    first, second = _sides_of_logits(xp, z, focus, want)
    right_way_up = [_logit_side(first, name) for name in want]
    mirrored = [_spared(xp, second, focus, name) if focus.margin else _logit_side(second, name) for name in want]
    return _mix(xp, positive, negative, right_way_up, mirrored, want)


def from_probabilities(
    xp: Any, p: Array, positive: Array, negative: Array, focus: Focus, want: tuple[str, ...]
) -> list[Array]:
    """Each wanted quantity, its derivatives being with respect to the probability ``p``, already clipped."""
    first = _probability_side(xp, p, 1 - p, lambda: -xp.log(p), 0.0, focus.gamma, want)
    second = _probability_side(xp, 1 - p, p, lambda: -xp.log1p(-p), focus.margin, focus.gamma_neg, want)
    return _mix(xp, positive, negative, first, second, want)


def _mix(xp: Any, positive: Array, negative: Array, first: list[Array], second: list[Array], want: tuple[str, ...]) -> list[Array]:
    mixed = []
    for name, one, other in zip(want, first, second, strict=True):
        sign = -1 if name == GRADIENT else 1
        mixed.append(_times(xp, positive, one) + sign * _times(xp, negative, other))
    return mixed


def _times(xp: Any, coefficient: Array, term: Array) -> Array:
    """A term whose coefficient is 0 is 0, whatever the term: infinity and NaN included."""
    return xp.where(coefficient == 0, 0.0, coefficient * term)


def _is_one(factor: Any) -> bool:
    return isinstance(factor, float) and factor == 1.0


def _sides_of_logits(xp: Any, z: Array, focus: Focus, want: tuple[str, ...]) -> tuple[Side, Side]:
    distance = xp.abs(z)
    e = xp.exp(-distance)
    total = 1 + e
    near, far = 1 / total, e / total
    upper = z >= 0
    p, one_minus_p = xp.where(upper, near, far), xp.where(upper, far, near)
    above, below = xp.where(upper, z, 0.0), xp.where(upper, 0.0, distance)

    u = v = bounded_u = bounded_v = None
    focused = focus.gamma or focus.gamma_neg
    if LOSS in want or focused:
        small = xp.log1p(e)
        u, v = small + below, small + above
        if focused:
            bounded_u, bounded_v = small + _bounded(xp, below), small + _bounded(xp, above)
    lost = e - (total - 1)  # what rounding took from 1 + e, exactly
    return (
        Side(p, one_minus_p, u, bounded_u, _focus_of_logits(xp, above, one_minus_p, total, lost, focus.gamma), focus.gamma),
        Side(one_minus_p, p, v, bounded_v, _focus_of_logits(xp, below, p, total, lost, focus.gamma_neg), focus.gamma_neg),
    )


def _bounded(xp: Any, x: Array) -> Array:
    return xp.where(x > SATURATED, SATURATED, x)


def _focus_of_logits(xp: Any, x: Array, wrong: Array, total: Array, lost: Array, gamma: float) -> Array:
    """``wrong ** gamma`` for ``wrong = exp(-x) / (1 + e)``, to a few ulp whatever gamma is.

    Raising a rounded probability to a power multiplies its error by gamma. Here the exponent's product ``gamma * x`` is
    carried with its rounding error, and so is ``1 + e``.
    """
    if gamma in (0, 1, 2):
        return _power(wrong, gamma)
    x = _bounded(xp, x)
    product, error = _exact_product(xp, x, gamma)
    tail = xp.exp(-product)
    head = total ** (-gamma)
    return (tail - tail * error) * (head - head * (gamma * lost / total))


def _exact_product(xp: Any, x: Array, factor: float) -> tuple[Array, Array]:
    """``x * factor`` rounded, and what the rounding lost (Dekker 1971), without a fused multiply-add."""
    eps = float(xp.finfo(x.dtype).eps)
    splitter = 2.0 ** math.ceil((1 - math.log2(eps)) / 2) + 1
    high = x * splitter
    high = high - (high - x)
    low = x - high
    scaled = factor * splitter
    factor_high = scaled - (scaled - factor)
    factor_low = factor - factor_high
    product = x * factor
    error = ((high * factor_high - product) + high * factor_low + low * factor_high) + low * factor_low
    return product, error


def _power(x: Array, exponent: float) -> Array:
    """``x ** exponent`` without `pow` where none is needed; 0 ** 0 is 1."""
    if exponent == 0:
        return 1.0
    if exponent == 1:
        return x
    if exponent == 2:
        return x * x
    return x**exponent


def _logit_side(side: Side, name: str) -> Array:
    """One quantity of one side without a margin, its derivatives along the side's own logit."""
    right, wrong, surprise, bounded, factor, gamma = side
    if name == LOSS:
        return factor * surprise
    if name == GRADIENT:
        return -factor * (gamma * right * bounded + wrong) if gamma else -wrong
    if not gamma:
        return right * wrong
    return right * factor * (gamma * gamma * right * bounded + (2 * gamma + 1) * wrong - gamma * wrong * bounded)


def _spared(xp: Any, side: Side, focus: Focus, name: str) -> Array:
    """One quantity of the negative side under a margin, its derivatives along the side's own logit."""
    loss, slope, bend = _shifted(xp, side.right, side.wrong, None, focus.margin, side.gamma)
    if name == LOSS:
        return loss()
    spread = side.right * side.wrong
    if name == GRADIENT:
        return -spread * slope()
    return spread * ((side.right - side.wrong) * slope() + spread * bend())


def _probability_side(
    xp: Any, right: Array, wrong: Array, surprise: Any, margin: float, gamma: float, want: tuple[str, ...]
) -> list[Array]:
    """The wanted quantities of one side, their derivatives along the probability of what happened."""
    loss, slope, bend = _shifted(xp, right, wrong, None if margin else surprise, margin, gamma)
    made = {LOSS: loss, GRADIENT: lambda: -slope(), HESSIAN: bend}
    return [made[name]() for name in want]


def _shifted(xp: Any, right: Array, wrong: Array, surprise: Any, margin: float, gamma: float) -> tuple[Any, Any, Any]:
    """``q**gamma * -log(1 - q)`` and its two derivatives in ``q = max(wrong - margin, 0)``, each made when called.

    At and below the margin all three are 0: the derivative is the one from below.
    """
    if margin:
        inside = wrong > margin
        q = xp.where(inside, wrong - margin, 0.5)  # 0.5 stands in where nothing is used
        rest = right + margin
        v = xp.where(q < 0.5, -xp.log1p(-q), -xp.log(rest))
    else:
        inside, q, rest = None, wrong, right
        v = surprise()
    ratio = xp.where(q > 0, v / q, 1.0) if gamma else None  # -log(1 - q) / q, which is 1 at 0

    def kept(x: Array) -> Array:
        return x if inside is None else xp.where(inside, x, 0.0)

    def loss() -> Array:
        return kept(_power(q, gamma) * v)

    def slope() -> Array:
        return kept(_power(q, gamma) * (gamma * ratio + 1 / rest) if gamma else 1 / rest)

    def bend() -> Array:
        if not gamma:
            return kept(1 / (rest * rest))
        # Over rest, because at rest = 0 the summand of -log(rest) vanishes against 1 / rest.
        middle = xp.where(rest > 0, gamma * (gamma - 1) * ratio * rest, 0.0) + 2 * gamma
        return kept((_power(q, gamma - 1) * middle + _power(q, gamma) / rest) / rest)

    return loss, slope, bend
