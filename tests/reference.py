"""The family at 80 digits, written from its definition in docs/numerics.md and from nothing in the package.

Each quantity comes as its exact value and its largest summand, against which a rounding error is measured: a sum of
terms of both signs can be no more exact than the largest of them. Near the margin, where the definition itself is
ill-conditioned, a summand counts (1 + gamma_neg) p / |p - margin| times.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import mpmath

mp = mpmath.MPContext()
mp.dps = 80
mpf = mp.mpf

QUANTITIES = ("loss", "gradient", "hessian")
TRUTH = Path(__file__).parent / "truth"


class Value(NamedTuple):
    exact: mpf
    largest: mpf


class Parameters(NamedTuple):
    """What the definition is made of; as `BinaryCrossEntropy` takes it by ``**parameters._asdict()``."""

    pos_weight: float = 1.0
    neg_weight: float = 1.0
    label_smoothing: float = 0.0
    gamma: float = 0.0
    gamma_neg: float = 0.0
    margin: float = 0.0


class Row(NamedTuple):
    """One row of a truth file: a case of the family, an input, and what is true of it."""

    case: str
    parameters: Parameters
    x: float  # a logit or a probability
    y: float
    truth: dict[str, mpf]


class Side(NamedTuple):
    """One side of a label: the probabilities of what did and did not happen, and what the loss takes for the second."""

    right: mpf
    wrong: mpf
    gamma: mpf
    margin: mpf
    shifted: mpf  # wrong - margin
    rest: mpf  # 1 - shifted
    surprise: mpf  # -log(rest)


def in_logit(parameters: Parameters, z: float, y: float, weight: float = 1.0) -> dict[str, Value]:
    """Loss, gradient and hessian in a finite logit."""
    x = mpf(z)
    e = mp.exp(-abs(x))
    near, far = 1 / (1 + e), e / (1 + e)
    p, rest = (near, far) if x >= 0 else (far, near)
    surprise, surprise_neg = mp.log1p(e) + max(-x, mpf(0)), mp.log1p(e) + max(x, mpf(0))
    return _mix(parameters, y, weight, p, rest, surprise, surprise_neg, _TERMS_IN_LOGIT)


def in_probability(parameters: Parameters, p: float, y: float, weight: float = 1.0) -> dict[str, Value]:
    """Loss, gradient and hessian in a probability strictly between 0 and 1, without a clip."""
    x = mpf(p)
    return _mix(parameters, y, weight, x, 1 - x, -mp.log(x), -mp.log1p(-x), _TERMS_IN_PROBABILITY)


def _mix(parameters, y, weight, p, rest, surprise, surprise_neg, terms) -> dict[str, Value]:
    s = mpf(parameters.label_smoothing)
    soft = mpf(y) * (1 - s) + s / 2
    positive = mpf(weight) * mpf(parameters.pos_weight) * soft
    negative = mpf(weight) * mpf(parameters.neg_weight) * (1 - soft)
    one = Side(p, rest, mpf(parameters.gamma), mpf(0), rest, p, surprise)
    margin = mpf(parameters.margin)
    other = Side(rest, p, mpf(parameters.gamma_neg), margin, p, rest, surprise_neg)
    condition = mpf(1)
    if margin:
        q = p - margin
        condition = max(condition, (1 + other.gamma) * p / abs(q)) if q else mp.inf
        surprise_neg = -mp.log1p(-q) if q < 0.5 else -mp.log(rest + margin)
        other = other._replace(shifted=q, rest=rest + margin, surprise=surprise_neg)
    values = {}
    for name in QUANTITIES:
        mirror = -1 if name == "gradient" else 1
        first = [positive * term for term in terms[name](one)] if positive else []
        second = [mirror * negative * term for term in terms[name](other)] if negative else []
        exact = mp.fsum(first) + (mp.fsum(second) if other.shifted > 0 else 0)
        largest = max([mpf(0), *map(abs, first), *(condition * abs(term) for term in second)])
        values[name] = Value(exact, largest)
    return values


def _power(x: mpf, exponent: mpf) -> mpf:
    return mpf(1) if exponent == 0 else abs(x) ** exponent


def _loss(side: Side) -> list[mpf]:
    return [_power(side.shifted, side.gamma) * side.surprise]


def _slope_in_probability(side: Side) -> list[mpf]:
    """Of shifted**gamma * -log(1 - shifted), along the probability of what happened."""
    _, _, g, _, q, r, v = side
    return [-_power(q, g) / r, -g * _power(q, g - 1) * v]


def _bend_in_probability(side: Side) -> list[mpf]:
    _, _, g, _, q, r, v = side
    return [_power(q, g) / r**2, 2 * g * _power(q, g - 1) / r, g * (g - 1) * _power(q, g - 2) * v]


def _slope_in_logit(side: Side) -> list[mpf]:
    return [side.right * side.wrong * term for term in _slope_in_probability(side)]


def _bend_in_logit(side: Side) -> list[mpf]:
    """(pw)² h''(p) + pw (w - p) h'(p) for p wrong and w right, written out so that no two terms cancel of necessity."""
    w, p, g, m, q, r, v = side
    terms = [
        _power(q, g) * w / r,
        -_power(q, g) * p * m / r**2,
        2 * g * _power(q, g - 1) * p * w / r,
        g * g * _power(q, g - 1) * v * w,
        -g * _power(q, g - 1) * v * p,
        g * (g - 1) * _power(q, g - 2) * v * m * w,
    ]
    return [p * w * term for term in terms]


_TERMS_IN_LOGIT = {"loss": _loss, "gradient": _slope_in_logit, "hessian": _bend_in_logit}
_TERMS_IN_PROBABILITY = {"loss": _loss, "gradient": _slope_in_probability, "hessian": _bend_in_probability}


@cache
def truth_of_logits() -> tuple[Row, ...]:
    """The rows of truth/logits.csv."""
    with (TRUTH / "logits.csv").open() as file:
        return tuple(
            Row(
                row["case"],
                Parameters(*(float(row[name]) for name in Parameters._fields)),
                float.fromhex(row["z"]),
                float.fromhex(row["y"]),
                {name: mpf(row[name]) for name in QUANTITIES},
            )
            for row in csv.DictReader(file)
        )


@cache
def truth_of_probabilities() -> tuple[Row, ...]:
    """The rows of truth/probabilities.csv, which are of the plain loss."""
    with (TRUTH / "probabilities.csv").open() as file:
        return tuple(
            Row(
                "bce",
                Parameters(),
                float.fromhex(row["p"]),
                float.fromhex(row["y"]),
                {name: mpf(row[name]) for name in ("loss", "gradient")},
            )
            for row in csv.DictReader(file)
        )
