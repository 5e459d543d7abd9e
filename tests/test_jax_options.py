"""What the functions for JAX take beside predictions and labels; which code makes the numbers does not matter here."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
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


SHAPES = [(), (1,), (4,), (1, 4), (60, 1), (60, 4), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, lambda array: array.tolist()])
def test_a_class_weight_broadcasts(shape, kind):
    z, y, weight, mask = batch()
    positive, negative = np.random.default_rng(1).random((2, *shape))
    one, other = (BinaryCrossEntropy(from_logits=True, **{zeroed: 0}) for zeroed in ("neg_weight", "pos_weight"))
    expected = positive * one.loss(y, z, sample_weight=weight, mask=mask)
    expected = expected + negative * other.loss(y, z, sample_weight=weight, mask=mask)
    if kind is np.asarray or shape != (1,):  # one entry of a list is one class
        made = sigmoid_binary_cross_entropy(
            *map(jnp.asarray, (z, y)), pos_weight=kind(positive), neg_weight=kind(negative), weights=weight, mask=mask
        )
        np.testing.assert_allclose(made, expected, rtol=2e-5, atol=1e-30)


# A vector of 60 has one entry a row, one of 4 one of the last axis, as optax' `where` and products by hand.
@pytest.mark.parametrize("shape", [*SHAPES, (60,)])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_weights_and_masks_broadcast_without_enlarging(shape, reduction, transform):
    z, y, _, _ = batch()
    rng = np.random.default_rng(1)
    weight, mask = rng.random(shape).astype(np.float32), rng.random(shape) < 0.7
    whole = [np.broadcast_to(a[:, None] if a.shape == (60,) else a, z.shape) for a in (weight, mask)]
    bce = BinaryCrossEntropy(from_logits=True)
    if reduction in ("mean", "weighted_mean") and not mask.any():
        expected = 0.0
    else:
        expected = bce(y, z, sample_weight=whole[0], mask=whole[1], reduction=reduction)
    loss = transform(lambda z, y, w, m: sigmoid_binary_cross_entropy(z, y, weights=w, where=m, reduction=reduction))
    np.testing.assert_allclose(loss(*map(jnp.asarray, (z, y, weight, mask))), expected, rtol=2e-5)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_alpha_may_be_an_array(reduction):
    z, y, weight, mask = (jnp.asarray(array) for array in batch())
    alpha = jnp.array([0.1, 0.25, 0.5, 1.0])
    options = {"weights": weight, "mask": mask, "reduction": reduction, "label_smoothing": 0.1, "gamma_neg": 1.5}
    expected = sigmoid_focal_loss(z, y, pos_weight=alpha.tolist(), neg_weight=(1 - alpha).tolist(), **options)
    for given in (alpha, alpha.tolist(), np.broadcast_to(alpha, z.shape)):
        np.testing.assert_allclose(sigmoid_focal_loss(z, y, given, **options), expected, rtol=1e-5)
    along = sigmoid_focal_loss(z.T, y.T, alpha[:, None], **options | {"weights": weight.T, "mask": mask.T})
    np.testing.assert_allclose(along.T, expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (50, 3), (3,), (50, 1)])
def test_an_array_of_alpha_costs_what_it_does_in_optax(shape):
    rng = np.random.default_rng(0)
    z, y = jnp.asarray(rng.normal(0, 2, (50, 3))), jnp.asarray(rng.integers(0, 2, (50, 3)))
    alpha = jnp.asarray(rng.random(shape))

    def both(function, z, alpha):
        return function(z, y, alpha=alpha), jax.grad(lambda z, a: function(z, y, alpha=a).mean(), (0, 1))(z, alpha)

    ours, theirs = (
        jax.jit(both, static_argnums=0)(f, z, alpha) for f in (sigmoid_focal_loss, optax.sigmoid_focal_loss)
    )
    np.testing.assert_allclose(ours[0], theirs[0], rtol=2e-5)
    for one, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=1e-7)


def test_class_weights_may_be_traced_and_mapped_over():
    z, y, *_ = (jnp.asarray(array) for array in batch())
    weights = jnp.array([[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, 1.0, 2.0]])
    expected = [sigmoid_binary_cross_entropy(z, y, pos_weight=weight.tolist(), reduction="mean") for weight in weights]
    made = jax.vmap(lambda weight: sigmoid_binary_cross_entropy(z, y, pos_weight=weight, reduction="mean"))(weights)
    np.testing.assert_allclose(made, jnp.array(expected), rtol=1e-6)


def test_numbers_may_come_as_arrays_that_are_known():
    z, y, *_ = (jnp.asarray(array) for array in batch())
    given = sigmoid_binary_cross_entropy(z, y, pos_weight=jnp.array([1.0, 2.0, 3.0, 4.0]), gamma=jnp.float32(2))
    plain = sigmoid_binary_cross_entropy(z, y, pos_weight=[1, 2, 3, 4], gamma=2)
    assert (given == plain).all()
