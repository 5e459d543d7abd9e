"""The functions under optax' names: the facts that optax' own tests state, and its numbers where both are right."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from logloss.jax import sigmoid_binary_cross_entropy, sigmoid_focal_loss

LOGITS = np.array([[2.0, 0.1, -2.0], [0.3, -0.1, 1.2]], np.float32)
LABELS = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
LIKELY = np.log(np.array([0.9, 0.98, 0.3, 0.99]) / np.array([0.1, 0.02, 0.7, 0.01])).astype(np.float32)
UNLIKELY = np.log(np.array([0.1, 0.02, 0.09, 0.15]) / np.array([0.9, 0.98, 0.91, 0.85])).astype(np.float32)
LN2 = 0.6931472


@pytest.mark.parametrize("signs", [(-1, -1), (1, 1), (-1, 1), (1, -1)])
@pytest.mark.parametrize("labels", [(1.0, 0.0), (0.0, 1.0)])
def test_of_a_huge_and_a_tiny_logit_each_costs_what_it_should(signs, labels):
    logits = np.array([1e9, 1e-9]) * signs
    is_wrong = (signs[0] > 0) != (labels[0] > 0)
    expected = (1e9 * is_wrong + LN2) / 2
    np.testing.assert_allclose(sigmoid_binary_cross_entropy(logits, np.array(labels)).mean(), expected, rtol=1e-6)


@pytest.mark.parametrize("labels", [(1.0, 0.0), (0.0, 1.0)])
def test_who_knows_nothing_pays_the_logarithm_of_2(labels):
    np.testing.assert_allclose(sigmoid_binary_cross_entropy(np.zeros(2), np.array(labels)), LN2, rtol=1e-6)


focal = jax.jit(sigmoid_focal_loss, static_argnames=("alpha", "gamma"))


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (LOGITS, LABELS),
        (np.array([[-1.0, 0.0, 1.0], [2.0, -2.0, 0.5]]), np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])),
    ],
)
def test_without_focus_it_is_cross_entropy(logits, labels):
    plain = sigmoid_binary_cross_entropy(logits, labels)
    np.testing.assert_allclose(focal(logits, labels, gamma=0.0), plain, rtol=1e-6)


def test_focus_multiplies_by_the_power_of_what_was_missed():
    p = jax.nn.sigmoid(LOGITS)
    missed = 1 - (p * LABELS + (1 - p) * (1 - LABELS))
    ratio = focal(LOGITS, LABELS, gamma=2) / sigmoid_binary_cross_entropy(LOGITS, LABELS)
    np.testing.assert_allclose(ratio, missed**2, rtol=2e-6)


@pytest.mark.parametrize(("logits", "alpha", "share"), [(LIKELY, 0.5, 0.5), (UNLIKELY, None, 1.0)])
def test_likely_positives_are_played_down_and_unlikely_ones_hardly(logits, alpha, share):
    ones = np.ones(4)
    ratio = sigmoid_binary_cross_entropy(logits, ones) / focal(logits, ones, alpha, 2)
    np.testing.assert_allclose(ratio, 1 / share / (1 - jax.nn.sigmoid(logits)) ** 2, rtol=2e-5)


def test_alpha_weighs_one_side_and_what_is_left_of_1_the_other():
    plain = sigmoid_binary_cross_entropy(LOGITS, LABELS)
    np.testing.assert_allclose(focal(LOGITS, LABELS, gamma=0.0, alpha=1), plain * LABELS, rtol=1e-6)
    assert (plain > 0).all()
    assert (focal(LOGITS, LABELS, alpha=0)[LABELS == 1] == 0).all()
    assert (focal(LOGITS, LABELS, alpha=1)[LABELS == 0] == 0).all()


def test_a_small_gamma_far_out_leaves_everything_finite():
    logits = jnp.array([100.0, -100.0, 75.0, -75.0, 50.0, -50.0])
    labels = jnp.array([0.9, 0.1, 0.8, 0.2, 1.0, 0.0])

    def total(logits):
        return focal(logits, labels, gamma=0.5).sum()

    for function in (total, jax.grad(total), jax.hessian(total)):
        assert jnp.isfinite(jax.jit(function)(logits)).all()


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float32", {}),
        ("float32", {"gamma": 0.7}),
        ("float32", {"alpha": 0.4, "gamma": 3.0}),
        ("float16", {"alpha": 0.25}),
        ("bfloat16", {}),
    ],
)
def test_of_moderate_logits_both_give_the_same_numbers_and_gradients(dtype, options):
    rng = np.random.default_rng(0)
    logits, labels = jnp.asarray(rng.normal(0, 2, (50, 3)), dtype), jnp.asarray(rng.integers(0, 2, (50, 3)), dtype)
    digits = {"float32": 2e-5, "float16": 2e-2, "bfloat16": 1e-1}[dtype]
    pairs = [(focal, optax.sigmoid_focal_loss, options)]
    if not options:
        pairs.append((sigmoid_binary_cross_entropy, optax.sigmoid_binary_cross_entropy, {}))
    for ours, theirs, given in pairs:

        def both(z, f, given=given):
            value_and_gradient = jax.value_and_grad(lambda z: f(z, labels, **given).astype(float).mean())
            return value_and_gradient(z), f(z, labels, **given)

        (one, made), (other, expected) = (jax.jit(both, static_argnums=1)(logits, f) for f in (ours, theirs))
        np.testing.assert_allclose(one[0], other[0], rtol=digits)
        np.testing.assert_allclose(one[1].astype(float), other[1].astype(float), rtol=digits, atol=digits / 100)
        assert made.dtype == expected.dtype == dtype
        np.testing.assert_allclose(made.astype(float), expected.astype(float), rtol=digits, atol=digits / 10)


def test_where_optax_broadcasts_and_where_it_knows_no_infinity_we_differ():
    column, row = jnp.zeros((3, 1)), jnp.zeros(3)
    assert optax.sigmoid_binary_cross_entropy(column, row).shape == (3, 3)
    with pytest.raises(ValueError, match="almost never meant"):
        sigmoid_binary_cross_entropy(column, row)
    assert jnp.isnan(optax.sigmoid_binary_cross_entropy(jnp.array(jnp.inf), 1.0))
    assert sigmoid_binary_cross_entropy(jnp.inf, 1.0) == 0
