"""Members of the family that compiled kernels work out in different ways, and data for them."""

from typing import Any

import numpy as np

from logloss import BinaryCrossEntropy

MEMBERS = {
    "plain": BinaryCrossEntropy(from_logits=True),
    "weighted": BinaryCrossEntropy(from_logits=True, pos_weight=3.7, neg_weight=0.3),
    "smoothed": BinaryCrossEntropy(from_logits=True, label_smoothing=0.1),
    "focal": BinaryCrossEntropy.focal(from_logits=True),
    "focal by one": BinaryCrossEntropy(from_logits=True, gamma=1, gamma_neg=2),
    "focal by fractions": BinaryCrossEntropy(from_logits=True, gamma=0.7, gamma_neg=2.5),
    "asymmetric": BinaryCrossEntropy.asymmetric(from_logits=True),
    "probabilities": BinaryCrossEntropy(),
    "focal, of probabilities": BinaryCrossEntropy.focal(),
    "asymmetric, of probabilities": BinaryCrossEntropy.asymmetric(epsilon=0),
}


def data(bce: BinaryCrossEntropy, n: int, dtype: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels of 0 and 1, and predictions of every size."""
    rng = np.random.default_rng(seed)
    if bce.from_logits:
        x = rng.normal(0, 1, n) * 10.0 ** rng.uniform(-2, 3, n)
    else:
        x = np.where(rng.random(n) < 0.5, rng.random(n), 10.0 ** -rng.uniform(1, 9, n))
    return rng.integers(0, 2, n).astype(dtype), x.astype(dtype)


def results(bce: BinaryCrossEntropy, y: np.ndarray, x: np.ndarray) -> list[Any]:
    """Everything that can be asked for."""
    return [
        bce(y, x, reduction="sum"),
        *bce.value_and_gradient(y, x),
        *bce.loss_gradient(y, x),
        *bce.gradient_hessian(y, x),
    ]


def assert_same_bits(one: list[Any], other: list[Any]) -> None:
    for a, b in zip(one, other, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
