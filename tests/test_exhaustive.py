"""A sample of what `make exhaustive` does with every float32 logit: all exponents, their edges, and some between."""

import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from tests.paths import KERNELS, kernel
from tests.tolerances import BOUNDS

PER_EXPONENT = 2048
BCE = BinaryCrossEntropy(from_logits=True)


def logits() -> np.ndarray:
    """Of each exponent the first and last three numbers, and others at even steps; then the infinities."""
    digits = np.unique(np.r_[:3, np.linspace(0, 2**23 - 1, PER_EXPONENT, dtype=np.uint32), -3:0] % 2**23)
    patterns = (np.arange(255)[:, None] * 2**23 + digits).ravel()
    size = np.append(patterns, 255 * 2**23).astype(np.uint32).view(np.float32)
    return np.concatenate([size, -size])


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
