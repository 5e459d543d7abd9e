"""A sample of what `make exhaustive` does with every float32 logit: all exponents, their edges, and some between."""

import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from tests.paths import KERNELS, kernel
from tests.tolerances import BOUNDS

PER_EXPONENT = 2048
BCE = BinaryCrossEntropy(from_logits=True)
OF_PROBABILITIES = BinaryCrossEntropy(epsilon=0)


def every_exponent() -> np.ndarray:
    """Of each exponent the first and last three numbers, and others at even steps; then infinity."""
    digits = np.unique(np.r_[:3, np.linspace(0, 2**23 - 1, PER_EXPONENT, dtype=np.uint32), -3:0] % 2**23)
    patterns = (np.arange(255)[:, None] * 2**23 + digits).ravel()
    return np.append(patterns, 255 * 2**23).astype(np.uint32).view(np.float32)


def logits() -> np.ndarray:
    size = every_exponent()
    return np.concatenate([size, -size])


def probabilities() -> np.ndarray:
    """Close to 0 and close to 1."""
    small = every_exponent()
    small = small[(small > 0) & (small <= 0.5)]
    return np.concatenate([small, (1 - small)[small > 2**-24], np.linspace(0.25, 0.75, 10**6, dtype=np.float32)])


def ulp(x: np.ndarray) -> np.ndarray:
    """The distance of neighbouring floats at each number."""
    _, exponent = np.frexp(np.where(np.isinf(x), 1, x))
    return np.ldexp(1.0, np.maximum(exponent, -125) - 24)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("label", [0, 1])
def test_every_exponent_keeps_the_bounds(name, label):
    z = logits()
    size = np.abs(z.astype(np.float64))
    with np.errstate(under="ignore"):
        e = np.exp(-size)
    is_right = np.signbit(z) == (label == 0)
    sign = 1 if label == 0 else -1
    with kernel(name):
        loss, gradient = BCE.loss_gradient(np.full(z.shape, label, np.float32), z)
    assert not np.signbit(loss).any()
    for quantity, made, exact in (
        ("loss", loss, np.where(is_right, 0, size) + np.log1p(e)),
        ("gradient", sign * gradient, np.where(is_right, e, 1) / (1 + e)),
    ):
        with np.errstate(invalid="ignore"):
            error = np.where(made == exact, 0, np.abs(made - exact)) / ulp(exact)
        worst = int(np.argmax(error))
        assert not (made < 0).any()
        assert error[worst] <= BOUNDS[f"plain {quantity}", "float32"].ulp, (quantity, float(z[worst]).hex())


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("label", [0, 1])
def test_every_exponent_of_a_probability_keeps_the_bounds(name, label):
    p = probabilities()
    exact = p.astype(np.float64)
    with kernel(name):
        loss, gradient = OF_PROBABILITIES.loss_gradient(np.full(p.shape, label, np.float32), p)
    for quantity, made, truth in (
        ("loss", loss, -np.log(exact) if label else -np.log1p(-exact)),
        ("gradient", gradient, -1 / exact if label else 1 / (1 - exact)),
    ):
        finite = np.abs(truth) < float(np.finfo(np.float32).max)
        assert np.isinf(made[~finite]).all()
        error = np.abs(made[finite] - truth[finite]) / ulp(truth[finite])
        worst = int(np.argmax(error))
        assert error[worst] <= BOUNDS[f"plain {quantity}", "float32"].ulp, (quantity, float(p[finite][worst]).hex())
