"""The mathematics of the family, once, for every array library.

An array library ``xp`` serves if it has ``exp, log, log1p, abs, where, finfo`` and Python's operators; NumPy
and PyTorch do as they are. One whose compiler regroups sums and quotients has ``settled`` too, which gives back what it
is given, as it was rounded. Nothing here looks at a shape or a value: `inputs` has done that.

Each label has two sides. For the positive one, ``right = p`` is the probability of what happened and ``wrong = 1 - p``
that of what did not; for the negative one they change places. On its own side an element costs
``wrong**gamma * -log(right)``, and the label's coefficients mix the two sides::

    loss     = positive * L(z) + negative * L(-z)
    gradient = positive * L'(z) - negative * L'(-z)
    hessian  = positive * L''(z) + negative * L''(-z)

So one side is written, and the other is its mirror. What keeps it exact is explained in docs/numerics.md: ``p`` and
``1 - p`` both come from ``e = exp(-|z|)``, no sum cancels that need not, and nothing is one minus something rounded.
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


class Ends(NamedTuple):
    """How probabilities near 0 and 1 are taken."""

    low: float  # probabilities are clipped to [low, high]
    high: float
    largest_surprise: float = math.inf  # -log of a probability is taken for that at most
    smallest_divisor: float = 0.0  # and derivatives divide by that at least


class Side(NamedTuple):
    """What one side of a label needs: the probabilities, their exact logarithms and the focusing factor."""

    right: Array  # the probability of what happened
    wrong: Array  # the probability of what did not
    surprise: Array  # -log(right)
    bounded_surprise: Array  # the same, finite at an infinite logit
    factor: Array  # wrong ** gamma
    gamma: float
    parts: tuple[Array, Array]  # two factors of right, which keep the digits that it loses where it is subnormal


class Shifted(NamedTuple):
    """A probability less the margin, on the side where there is one."""

    q: Array  # wrong - margin
    rest: Array  # 1 - q
    surprise: Array  # -log(1 - q)
    spared: Array | None  # where the margin makes everything 0


def of_family(
    xp: Any,
    family: Any,
    y: Array,
    y_pred: Array,
    weight: Array | None,
    shown: Array | None,
    class_weights: tuple[Any, Any],
    ends: Ends,
    want: tuple[str, ...],
) -> list[Array]:
    """Each wanted quantity of a member of the family; all arrays are of the type that is worked in, or boolean.

    What ``shown``, the mask, hides and what weighs nothing may hold anything.
    """
    weights = (*class_weights, 1.0 if weight is None else weight)
    positive, negative = coefficients(xp, y, family.label_smoothing, *weights)
    counted = shown
    if weight is not None:
        counted = weight != 0 if shown is None else shown & (weight != 0)
    if counted is not None:
        y_pred = xp.where(counted, y_pred, 0.5)
        positive, negative = (xp.where(counted, coefficient, 0.0) for coefficient in (positive, negative))
    if family.from_logits:
        are_shares = counted is None and all(map(_is_one, weights))
        return from_logits(xp, y_pred, positive, negative, family.focus, want, are_shares=are_shares)
    return from_probabilities(xp, y_pred, positive, negative, family.focus, ends, want)


def coefficients(
    xp: Any, y: Array, label_smoothing: float, pos_weight: Any, neg_weight: Any, weight: Any
) -> tuple[Array, Array]:
    """What multiplies the positive and the negative side: ``w·a·ỹ`` and ``w·b·(1 − ỹ)``."""
    positive, negative = y, 1 - y
    if label_smoothing:
        # 1 - ỹ from 1 - y: subtracting a rounded ỹ from 1 costs hundreds of ulp when the smoothing is small.
        positive = positive * (1 - label_smoothing) + label_smoothing / 2
        negative = _settled(xp, negative) * (1 - label_smoothing) + label_smoothing / 2
    for factor_positive, factor_negative in ((pos_weight, neg_weight), (weight, weight)):
        positive = positive if _is_one(factor_positive) else positive * factor_positive
        negative = negative if _is_one(factor_negative) else negative * factor_negative
    return positive, negative


def from_logits(
    xp: Any,
    z: Array,
    positive: Array,
    negative: Array,
    focus: Focus,
    want: tuple[str, ...],
    *,
    are_shares: bool = False,
) -> list[Array]:
    """Each wanted quantity, its derivatives being with respect to the logit ``z``.

    With ``are_shares`` the two coefficients are known to add up to 1, which spares some of the work.
    """
    if not any(focus):
        return _plain_from_logits(xp, z, positive, negative, want, are_shares)
    if focus.gamma == focus.gamma_neg and not focus.margin:
        return _even_from_logits(xp, z, positive, negative, focus, want)
    first, second = _sides_of_logits(xp, z, z >= 0, focus, want)
    right_way_up = [_logit_side(first, name) for name in want]
    mirrored = [_spared(xp, second, focus, name) if focus.margin else _logit_side(second, name) for name in want]
    return _mix(xp, positive, negative, right_way_up, mirrored, want)


def from_probabilities(
    xp: Any, p: Array, positive: Array, negative: Array, focus: Focus, ends: Ends, want: tuple[str, ...]
) -> list[Array]:
    """Each wanted quantity, its derivatives being with respect to the probability ``p``.

    Outside the clip they are those at the clip, so that a saturated mistake can still be learnt from.
    """
    p = xp.where(p <= ends.low, ends.low, p)  # and -0 is 0
    p = _at_most(xp, p, ends.high)
    logarithms = LOSS in want or focus.gamma or focus.gamma_neg
    first = Shifted(1 - p, p, -xp.log(p) if logarithms else None, None)
    if focus.margin:
        second = _shift(xp, _settled(xp, 1 - p), p, focus.margin)
    else:
        second = Shifted(p, 1 - p, -xp.log1p(-p) if logarithms else None, None)
    first, second = _bounded(xp, first, ends), _bounded(xp, second, ends)
    right_way_up = [_probability_side(xp, first, focus.gamma, name) for name in want]
    mirrored = [_probability_side(xp, second, focus.gamma_neg, name) for name in want]
    return _mix(xp, positive, negative, right_way_up, mirrored, want)


def _plain_from_logits(
    xp: Any, z: Array, positive: Array, negative: Array, want: tuple[str, ...], are_shares: bool
) -> list[Array]:
    """Cross-entropy without focus, by what the logit votes for and what it votes against: fewer operations."""

    def of_both(price: Array) -> Array:
        return price if are_shares else positive * price + negative * price

    distance = xp.abs(z)
    e = xp.exp(-distance)
    upper = z >= 0
    against = xp.where(upper, negative, positive)
    near: Array = None
    far: Array = None
    if want != (LOSS,):
        near, far = _near_and_far(e, 1 + e)
    made = []
    for name in want:
        if name == LOSS:
            made.append(_times(xp, against, distance) + of_both(xp.log1p(e)))  # compilers prefer it so
        elif name == GRADIENT:
            push = against * near - xp.where(upper, positive, negative) * far
            made.append(xp.where(upper, push, -push))
        else:
            made.append(of_both(near * far))
    return made


def _even_from_logits(
    xp: Any, z: Array, positive: Array, negative: Array, focus: Focus, want: tuple[str, ...]
) -> list[Array]:
    """With the same focus on both sides, a negative logit is the mirror of a positive one: fewer operations."""
    upper, distance = z >= 0, xp.abs(z)
    voted, against = xp.where(upper, positive, negative), xp.where(upper, negative, positive)
    near, far = _sides_of_logits(xp, distance, None, focus, want)
    made = []
    for name in want:
        if name == LOSS:
            surprise = _times(xp, against, distance) + against * near.surprise
            made.append(surprise * far.factor + voted * (near.factor * near.surprise))
        elif name == GRADIENT:
            push = voted * _logit_side(near, name) - against * _logit_side(far, name)
            made.append(xp.where(upper, push, -push))
        else:
            made.append(voted * _logit_side(near, name) + against * _logit_side(far, name))
    return made


def _near_and_far(e: Array, total: Array) -> tuple[Array, Array]:
    """The probabilities of what a logit votes for, and of the other, from ``e = exp(-|z|)`` and ``1 + e``."""
    return 1 / total, e - e * (e / total)  # as e / total, but the roundings of sum and quotient hardly count


def _mix(
    xp: Any, positive: Array, negative: Array, first: list[Array], second: list[Array], want: tuple[str, ...]
) -> list[Array]:
    mixed = []
    for name, one, other in zip(want, first, second, strict=True):
        sign = -1 if name == GRADIENT else 1
        mixed.append(_times(xp, positive, one) + sign * _times(xp, negative, other))
    return mixed


def _times(xp: Any, coefficient: Array, term: Array) -> Array:
    """A term whose coefficient is 0 is 0, whatever the term: infinity and NaN included."""
    return xp.where(coefficient == 0, 0.0, coefficient * term)


def _settled(xp: Any, x: Array) -> Array:
    """What must not be regrouped with what follows: ``(1 - y) + c`` is not ``(1 + c) - y`` in rounded numbers."""
    return xp.settled(x) if hasattr(xp, "settled") else x


def _is_one(factor: Any) -> bool:
    return isinstance(factor, float) and factor == 1.0


def _sides_of_logits(xp: Any, z: Array, upper: Array | None, focus: Focus, want: tuple[str, ...]) -> tuple[Side, Side]:
    """The two sides of a label, for logits that are at least 0 where ``upper``; everywhere if that is None."""

    def picked(above: Array, below: Array) -> Array:
        return above if upper is None else xp.where(upper, above, below)

    distance = z if upper is None else xp.abs(z)
    e = xp.exp(-distance)
    total = 1 + e
    near = 1 / total
    far = e * near
    p, one_minus_p = picked(near, far), picked(far, near)
    parts, parts_neg = (p, 1.0), (one_minus_p, 1.0)

    u = v = bounded_u = bounded_v = factor = factor_neg = None
    focused = focus.gamma or focus.gamma_neg
    if LOSS in want or focused:
        small = xp.log1p(e)
        above, below = (z, None) if upper is None else (xp.where(upper, z, 0.0), xp.where(upper, 0.0, distance))
        u, v = small if below is None else small + below, small + above
    if focused:
        bounded_u = small if below is None else small + _at_most(xp, below, SATURATED)
        bounded_v = small + _at_most(xp, above, SATURATED)
        factor = _focus_of_logits(xp, above, one_minus_p, e, small, focus.gamma)
        factor_neg = _focus_of_logits(xp, below, p, e, small, focus.gamma_neg)
    if focus.margin or (focused and HESSIAN in want):
        root = xp.exp(-0.5 * distance)
        parts, parts_neg = _parts(xp, p, root, total), _parts(xp, one_minus_p, root, total)
    return (
        Side(p, one_minus_p, u, bounded_u, factor, focus.gamma, parts),
        Side(one_minus_p, p, v, bounded_v, factor_neg, focus.gamma_neg, parts_neg),
    )


def _parts(xp: Any, right: Array, root: Array, total: Array) -> tuple[Array, Array]:
    """A probability in two factors: a subnormal one has lost digits, and a product with it would magnify that."""
    subnormal = right < float(xp.finfo(right.dtype).tiny)
    return xp.where(subnormal, root / total, right), xp.where(subnormal, root, 1.0)


def _at_most(xp: Any, x: Array, bound: float) -> Array:
    return xp.where(x > bound, bound, x)


def _focus_of_logits(xp: Any, x: Array | None, wrong: Array, e: Array, small: Array, gamma: float) -> Array:
    """``wrong ** gamma`` for ``wrong = exp(-x) / (1 + e)`` and ``small = log(1 + e)``, to a few ulp; no x is 0.

    Raising a rounded probability to a power multiplies its error by gamma. So three roundings are made good: those of
    the product ``gamma * x``, of ``1 + e``, and of gamma itself where the type is narrower than Python's.
    """
    if gamma in (0, 1):
        return _power(xp, wrong, gamma)
    if gamma == 2:
        factor = 1 / (1 + e * (2 + e))
        return factor if x is None else factor * xp.exp(-x) ** 2
    total = _settled(xp, 1 + e)
    lost = e - (total - 1)  # what rounding took from 1 + e, exactly
    exponent, remainder = _rounded(gamma, _digits(xp, e))
    error = gamma * (lost / total)
    factor = total**-exponent
    if x is not None:
        product, missed = _exact_product(xp, _at_most(xp, x, SATURATED / max(gamma, 1.0)), gamma)
        error, factor = missed + error, xp.exp(-product) * factor
    if remainder:
        error = error + remainder * small
    return factor - factor * _at_most(xp, error, 1.0)


def _digits(xp: Any, x: Array) -> int:
    """The binary digits of an array's type, the leading one included."""
    return 1 - round(math.log2(float(xp.finfo(x.dtype).eps)))


def _rounded(number: float, digits: int) -> tuple[float, float]:
    """A number to so many binary digits, and what the rounding left."""
    mantissa, exponent = math.frexp(number)
    high = math.ldexp(round(math.ldexp(mantissa, digits)), exponent - digits)
    return high, number - high


def _exact_product(xp: Any, x: Array, factor: float) -> tuple[Array, Array]:
    """``x * factor`` rounded, and what the rounding lost (Dekker 1971), without a fused multiply-add."""
    digits = _digits(xp, x)
    high = x * (2.0 ** (digits - digits // 2) + 1)
    high = high - (high - x)
    low = x - high
    factor_high, factor_low = _rounded(factor, digits // 2)
    product = x * factor
    error = ((high * factor_high - product) + high * factor_low + low * factor_high) + low * factor_low
    return product, error


def _power(xp: Any, x: Array, exponent: float) -> Array:
    """``x ** exponent`` without `pow` where none is needed; 0 ** 0 is 1."""
    if exponent == 0:
        return 1.0
    if exponent == 1:
        return x
    if exponent == 2:
        return x * x
    exponent, remainder = _rounded(exponent, _digits(xp, x))
    power = x**exponent
    if remainder:
        power = xp.where(power > 0, power * xp.exp(remainder * xp.log(x)), power)
    return power


def _power_times(xp: Any, x: Array, exponent: float, other: Array) -> Array:
    """``x ** exponent * other``, by halves: a subnormal power has lost digits, and a product would magnify that."""
    if exponent == 1:
        return x * other
    half = _power(xp, x, exponent / 2)
    return half * (half * other)


def _logit_side(side: Side, name: str) -> Array:
    """One quantity of one side without a margin, its derivatives along the side's own logit."""
    right, wrong, surprise, bounded, factor, gamma, parts = side
    if name == LOSS:
        return factor * surprise if gamma else surprise
    if name == GRADIENT:
        return -factor * (gamma * right * bounded + wrong) if gamma else -wrong
    if not gamma:
        return right * wrong
    bend = gamma * gamma * right * bounded + (2 * gamma + 1) * wrong - gamma * wrong * bounded
    return parts[0] * (factor * bend) * parts[1]


def _spared(xp: Any, side: Side, focus: Focus, name: str) -> Array:
    """One quantity of the negative side under a margin, its derivatives along the side's own logit."""
    right, wrong, gamma = side.right, side.wrong, side.gamma
    q, rest, surprise, spared = _shift(xp, right, wrong, focus.margin)
    power = _power(xp, q, gamma)
    if name == LOSS:
        return xp.where(spared, 0.0, power * surprise)
    pull = gamma * (surprise / q) * rest
    slope = wrong * power
    if name == GRADIENT:
        made = -slope * (pull + 1)
    else:
        bend = right / rest * (rest / q) * ((gamma - 1) * pull + 2 * gamma)
        made = slope * (right - wrong * (focus.margin / rest) + (right - wrong) * pull + wrong * bend)
    return xp.where(spared, 0.0, side.parts[0] * made / rest * side.parts[1])


def _shift(xp: Any, right: Array, wrong: Array, margin: float) -> Shifted:
    """At and below the margin everything is 0: the derivative is the one from below."""
    spared = wrong <= margin
    q = xp.where(spared, 0.5, wrong - margin)  # 0.5 stands in where nothing is used
    rest = right + margin
    return Shifted(q, rest, xp.where(q < 0.5, -xp.log1p(-q), -xp.log(rest)), spared)


def _bounded(xp: Any, side: Shifted, ends: Ends) -> Shifted:
    if side.surprise is not None and ends.largest_surprise < math.inf:
        side = side._replace(surprise=_at_most(xp, side.surprise, ends.largest_surprise))
    if ends.smallest_divisor:
        side = side._replace(rest=xp.where(side.rest < ends.smallest_divisor, ends.smallest_divisor, side.rest))
    return side


def _probability_side(xp: Any, side: Shifted, gamma: float, name: str) -> Array:
    """One quantity of one side, its derivatives along the probability of what happened."""
    q, rest, surprise, spared = side
    if name == LOSS:
        made = _power(xp, q, gamma) * surprise
    elif name == GRADIENT:
        made = -_power_times(xp, q, gamma, gamma * _ratio(xp, side) + 1 / rest) if gamma else -1 / rest
    elif not gamma:
        made = _settled(xp, 1 / rest) / rest
    else:
        # Over rest, because at rest = 0 the summand of -log(rest) vanishes against 1 / rest.
        middle = xp.where(rest > 0, gamma * (gamma - 1) * _ratio(xp, side) * rest, 0.0) + 2 * gamma
        if gamma < 0.5:  # gamma - 1 would be rounded
            first = xp.where(q == 0, math.inf, _power(xp, q, gamma) * middle / q)
        else:
            first = _power_times(xp, q, gamma - 1, middle)
        made = (first + _power(xp, q, gamma) / rest) / rest
    return made if spared is None else xp.where(spared, 0.0, made)


def _ratio(xp: Any, side: Shifted) -> Array:
    """``-log(1 - q) / q``, which is 1 at 0."""
    return xp.where(side.q == 0, 1.0, side.surprise / side.q)
