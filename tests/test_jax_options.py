"""What the functions for JAX take beside predictions and labels; which code makes the numbers does not matter here."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.jax import as_function, sigmoid_binary_cross_entropy, sigmoid_focal_loss
from tests.test_jax import batch


def test_where_and_mask_are_one_thing_and_ignored_labels_join_them():
    z, y = jnp.array([1.0, 2.0, math.nan, 0.5]), jnp.array([1.0, 0.0, 255.0, math.nan])
    kept = sigmoid_binary_cross_entropy(z[:2], y[:2], reduction="mean")
    shown = jnp.array([True, True, False, False])
    for options in ({"mask": shown}, {"where": shown}, {"mask": jnp.array([True] * 3 + [False]), "ignore_index": 255}):
        assert sigmoid_binary_cross_entropy(z, y, reduction="mean", **options) == kept
    assert sigmoid_binary_cross_entropy(z, y, mask=y != 255, ignore_index=math.nan, reduction="mean") == kept
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction="mean")
    assert loss(z, y, where=shown) == loss(z, y, mask=shown) == kept


@pytest.mark.parametrize(
    ("dtype", "ignored"), [("uint8", 255), ("int8", -1), ("int32", -100), ("uint8", -1), ("bool", 1), ("int32", 0.5)]
)
def test_an_ignored_label_may_be_of_any_type(dtype, ignored):
    y = np.array([0, 1, 0, 1]).astype(dtype)
    if np.array(ignored).astype(dtype) == ignored:
        y[2:] = ignored
    z = np.array([0.5, -1.0, 2.0, 3.0], np.float32)
    kept = y.astype(float) != ignored
    expected = BinaryCrossEntropy(from_logits=True)(y[kept].astype(float), z[kept])
    assert sigmoid_binary_cross_entropy(z, y, ignore_index=ignored, reduction="mean") == pytest.approx(expected)


def test_both_functions_take_the_whole_family():
    z, y, weight, mask = (jnp.asarray(array) for array in batch())
    options = {"pos_weight": (1.0, 2.0, 3.0, 4.0), "label_smoothing": 0.2, "margin": 0.1, "gamma_neg": 2.5}
    arrays = {"weights": weight, "mask": mask, "reduction": "weighted_mean"}
    bce = BinaryCrossEntropy(from_logits=True, gamma=2.0, neg_weight=0.5, **options)
    expected = as_function(bce, reduction="weighted_mean")(z, y, sample_weight=weight, mask=mask)
    assert sigmoid_binary_cross_entropy(z, y, gamma=2.0, neg_weight=0.5, **options, **arrays) == expected
    assert sigmoid_focal_loss(z, y, neg_weight=0.5, **options, **arrays) == expected
    halves = BinaryCrossEntropy.focal(gamma=3, alpha=0.4, from_logits=True)
    assert sigmoid_focal_loss(z, y, 0.4, 3, reduction="sum") == as_function(halves, reduction="sum")(z, y)


def test_numbers_may_come_as_arrays_that_are_known():
    z, y, *_ = (jnp.asarray(array) for array in batch())
    given = sigmoid_binary_cross_entropy(z, y, pos_weight=jnp.array([1.0, 2.0, 3.0, 4.0]), gamma=jnp.float32(2))
    plain = sigmoid_binary_cross_entropy(z, y, pos_weight=[1, 2, 3, 4], gamma=2)
    assert (given == plain).all()
