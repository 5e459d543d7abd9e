"""The functions for JAX give the core's numbers, whatever is masked, weighted or of whichever type."""

import math
import warnings
from functools import cache

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.core import native
from logloss.jax import as_function, kernel, sigmoid_binary_cross_entropy, sigmoid_focal_loss
from tests import paths

# The other members, and the other pairs of type and reduction, are held to the truth by tests/test_same_number.py and
# tests/test_jax_truth.py. Compiling takes nearly all the time here, so cases share what is compiled where they can.
FAMILY = {
    "bce": {},
    "one weight a class": {"pos_weight": (1.0, 2.0, 3.0, 0.0), "neg_weight": (0.5, 1.0, 1.5, 2.0)},
    "all at once": {
        "gamma": 1.5,
        "gamma_neg": 2.5,
        "margin": 0.1,
        "label_smoothing": 0.2,
        "pos_weight": (1.0, 2.0, 3.0, 4.0),
    },
}
means = pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])


@pytest.fixture(autouse=True, params=["formula", *(["kernel"] if kernel.is_here() else [])])
def way(request):
    """Everything holds where JAX compiles the formula, and where it calls the compiled kernel."""
    with paths.kernel("numpy" if request.param == "formula" else native.name):
        yield


def batch(dtype="float64", from_logits=True, n=60, k=4, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 4, (n, k))
    pred = (z if from_logits else 1 / (1 + np.exp(-z))).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    y = rng.choice([0.0, 1.0, 0.3], (n, k), p=[0.5, 0.4, 0.1])
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], (n, k))
    mask = rng.random((n, k)) < 0.7
    return pred, y, weight, mask


@cache
def compiled(_, bce, reduction, options):
    loss = as_function(bce, reduction=reduction, **dict(options))

    def total(z, y, weight, mask):
        value = loss(z, y, sample_weight=weight, mask=mask)
        return value.astype(jnp.float64).sum(), value

    return jax.jit(jax.value_and_grad(total, has_aux=True))


def by_jax(bce, pred, y, weight, mask, reduction, **options):
    """Value, and gradient of the summed value, in the types that JAX gives them."""
    with jax.enable_x64(True):
        (_, value), gradient = compiled(native.name, bce, reduction, tuple(options.items()))(pred, y, weight, mask)
    return np.asarray(value), np.asarray(gradient)


def by_core(bce, pred, y, weight, mask, reduction, **options):
    return bce.value_and_gradient(
        y, pred.astype(float), sample_weight=weight, mask=mask, reduction=reduction, **options
    )


@pytest.mark.parametrize("name", ["one weight a class", "all at once"])
@pytest.mark.parametrize(("from_logits", "hides", "reduction"), [(True, True, "none"), (False, False, "mean")])
def test_value_and_gradient_are_the_cores(name, from_logits, hides, reduction):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    pred, y, weight, mask = batch(from_logits=from_logits)
    weight, mask = (weight, mask) if hides else (None, None)
    value, gradient = by_jax(bce, pred, y, weight, mask, reduction)
    expected, slope = by_core(bce, pred, y, weight, mask, reduction)
    assert value.dtype == gradient.dtype == np.float64
    np.testing.assert_allclose(value, expected, rtol=2e-13, atol=1e-300)
    np.testing.assert_allclose(gradient, slope, rtol=2e-13, atol=1e-300)


@pytest.mark.parametrize(
    ("dtype", "label", "from_logits", "reduction"),
    [
        ("float32", "float32", False, "none"),
        ("float32", "bool", True, "mean"),
        ("float16", "uint8", True, "sum"),
        ("bfloat16", "int64", False, "weighted_mean"),
    ],
)
def test_the_type_of_predictions_decides_whatever_the_labels_are(dtype, label, from_logits, reduction):
    bce = BinaryCrossEntropy(**FAMILY["all at once"], from_logits=from_logits, epsilon=1e-7 if from_logits else 1e-3)
    pred, y, weight, mask = batch(dtype, from_logits)
    digits = {"float32": 2e-5, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
    given = y.astype(label) if label == "float32" else (y > 0.5).astype(label)
    value, gradient = by_jax(bce, pred, given, weight.astype(np.float32), mask, reduction)
    expected, slope = by_core(bce, pred, given.astype(float), weight, mask, reduction)
    assert value.dtype == gradient.dtype == pred.dtype
    np.testing.assert_allclose(value.astype(float), expected, rtol=digits, atol=1e-7)
    np.testing.assert_allclose(gradient.astype(float), slope, rtol=digits, atol=1e-7)


def test_without_x64_float64_becomes_float32_as_everywhere_in_jax():
    assert not jax.config.jax_enable_x64
    pred, y, *_ = batch()
    assert sigmoid_binary_cross_entropy(pred, y).dtype == jnp.float32


@pytest.mark.parametrize(("dtype", "reduction"), [("float16", "weighted_mean"), ("bfloat16", "none")])
def test_halves_are_rounded_once(dtype, reduction):
    pred, y, weight, _ = batch(dtype, n=1000)
    bce = BinaryCrossEntropy(from_logits=True)
    for ours, exact in zip(
        by_jax(bce, pred, y, weight, None, reduction), by_core(bce, pred, y, weight, None, reduction), strict=True
    ):
        assert (ours == np.asarray(exact).astype(pred.dtype)).mean() > 0.99


@pytest.mark.parametrize(
    ("dtype", "reduction", "masked"),
    [("float16", "mean", True), ("float16", "weighted_mean", False), ("bfloat16", "mean", False)],
)
def test_a_mean_of_many_halves_does_not_overflow(dtype, reduction, masked):
    z, y, weight = jnp.full(100_000, 9.0, dtype), jnp.zeros(100_000), jnp.full(100_000, 2.0, dtype)
    mask = jnp.arange(100_000) < 99_999 if masked else None
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction)
    value, gradient = jax.value_and_grad(loss)(z, y, sample_weight=weight, mask=mask)
    expected = 9 if reduction == "weighted_mean" else 18
    assert value.dtype == gradient.dtype == dtype
    assert float(value) == pytest.approx(expected, rel=0.01)
    assert float(gradient[0]) == pytest.approx(expected / 9 / 100_000, rel=0.01)


def test_a_sum_of_many_keeps_its_digits():
    z = jnp.asarray(np.random.default_rng(0).normal(0, 3, 3_000_000), jnp.float32)
    value = as_function(BinaryCrossEntropy(from_logits=True), reduction="mean")(z, jnp.zeros_like(z))
    assert float(value) == pytest.approx(np.logaddexp(0, np.asarray(z, float)).mean(), rel=1e-6)


@pytest.mark.parametrize(("name", "reduction"), [("all at once", "none"), ("bce", "mean"), ("bce", "weighted_mean")])
def test_masked_places_may_hold_anything(name, reduction):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=True)
    pred, y, weight, mask = batch()
    clean, slope = by_jax(bce, pred, y, weight, mask, reduction)
    for junk in (math.nan, math.inf, -math.inf):
        dirty = (np.where(mask, array, junk) for array in (pred, y, weight))
        value, gradient = by_jax(bce, *dirty, mask, reduction)
        np.testing.assert_array_equal(value, clean)
        np.testing.assert_array_equal(gradient, slope)
        assert (gradient[~mask] == 0).all()


def test_a_weight_of_0_hides_too():
    pred, y, weight, _ = batch()
    bce = BinaryCrossEntropy(from_logits=True)
    clean, slope = by_jax(bce, pred, y, weight, None, "mean")
    dirty = (np.where(weight == 0, math.nan, array) for array in (pred, y))
    value, gradient = by_jax(bce, *dirty, weight, None, "mean")
    np.testing.assert_array_equal(value, clean)
    np.testing.assert_array_equal(gradient, slope)
    assert (gradient[weight == 0] == 0).all()


@means
def test_a_batch_that_is_hidden_whole_is_0_with_gradient_0(reduction):
    pred, y, weight, mask = batch()
    bce = BinaryCrossEntropy(from_logits=True)
    hidden, weightless = np.zeros_like(mask), np.zeros_like(weight)
    for given, shown in ((weight, hidden), (weightless, mask), (weight[:, 0], hidden[:, 0]), (weightless, None)):
        value, gradient = by_jax(bce, np.full_like(pred, math.nan), y, given, shown, reduction)
        assert value == 0
        assert (gradient == 0).all()


@pytest.mark.parametrize(
    ("shape", "reduction"), [((0,), "mean"), ((0, 4), "none"), ((3, 0), "weighted_mean"), ((0, 4), "sum")]
)
def test_the_mean_of_nothing_is_0(shape, reduction):
    value, gradient = by_jax(
        BinaryCrossEntropy(from_logits=True), np.zeros(shape), np.zeros(shape), None, None, reduction
    )
    assert value.shape == (shape if reduction == "none" else ())
    assert value.sum() == 0
    assert gradient.shape == shape


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_weights_lie_along_the_axis_that_is_named(axis):
    bce = BinaryCrossEntropy(**FAMILY["one weight a class"], from_logits=True)
    pred, y, weight, mask = (array.reshape(4, 15, 4)[:, :4] for array in batch())
    value, gradient = by_jax(bce, pred, y, weight, mask, "mean", class_axis=axis)
    expected, slope = by_core(bce, pred, y, weight, mask, "mean", class_axis=axis)
    np.testing.assert_allclose(value, expected, rtol=2e-13)
    np.testing.assert_allclose(gradient, slope, rtol=2e-13, atol=1e-300)


@means
def test_one_weight_or_mask_a_row(reduction):
    pred, y, weight, mask = batch()
    bce = BinaryCrossEntropy(from_logits=True)
    rows = by_jax(bce, pred, y, weight[:, 0], mask[:, 0], reduction)
    spread = by_jax(
        bce, pred, y, np.broadcast_to(weight[:, :1], y.shape), np.broadcast_to(mask[:, :1], y.shape), reduction
    )
    for one, other in zip(rows, spread, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_the_clip_of_probabilities_is_honoured():
    p, y = np.array([0.0, 1.0], np.float32), np.array([1.0, 0.0])
    bce = BinaryCrossEntropy(epsilon=1e-7)
    value, gradient = by_jax(bce, p, y, None, None, "sum")
    expected, slope = bce.value_and_gradient(y, p, reduction="sum")
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6)
    assert by_jax(BinaryCrossEntropy(epsilon=0), p, y, None, None, "mean")[0] == math.inf


# Edges


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_confident_mistake_keeps_its_gradient(dtype):
    z, y = np.array([-50.0, 50.0, -math.inf, math.inf], dtype), np.array([1.0, 0.0, 1.0, 0.0])
    bce = BinaryCrossEntropy(gamma=1.5, gamma_neg=2.5, label_smoothing=0.2, from_logits=True)
    _, gradient = by_jax(bce, z, y, None, None, "none")
    assert (gradient.astype(float) * [-1, 1, -1, 1] >= 0.9 * (1 - 0.2 / 2)).all()


def test_infinities_are_what_they_mean():
    z, y = jnp.array([math.inf, -math.inf, -math.inf, math.inf]), jnp.array([1, 0, 1, 0])
    value, pull = jax.vjp(lambda z: sigmoid_binary_cross_entropy(z, y), z)
    assert value.tolist() == [0, 0, math.inf, math.inf]
    assert pull(jnp.ones(4))[0].tolist() == [0, 0, -1, 1]
    value, pull = jax.vjp(lambda z: sigmoid_focal_loss(z, y, label_smoothing=0.5), z)
    assert value.tolist() == [math.inf] * 4
    assert pull(jnp.ones(4))[0].tolist() == [0.25, -0.25, -0.75, 0.75]


def test_a_margin_saturates_at_its_limit():
    value, gradient = jax.value_and_grad(sigmoid_binary_cross_entropy)(math.inf, 0.0, margin=0.05)
    assert float(value) == pytest.approx(-math.log(0.05))
    assert float(gradient) == 0


def test_a_tiny_loss_is_not_rounded_to_nothing():
    z, y = jnp.array([20.0, -20.0, 80.0]), jnp.array([1.0, 0.0, 1.0])
    value, pull = jax.vjp(lambda z: sigmoid_binary_cross_entropy(z, y), z)
    np.testing.assert_allclose(value, np.exp([-20, -20, -80]), rtol=1e-5)
    np.testing.assert_allclose(pull(jnp.ones(3))[0], np.exp([-20, -20, -80]) * [-1, 1, -1], rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_what_is_no_number_gives_no_number_and_spares_the_others(reduction):
    z, y = jnp.array([math.nan, 0.0]), jnp.zeros(2)
    loss = jax.jit(as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction))
    value, gradient = loss(z, y), jax.grad(lambda z: loss(z, y).sum())(z)
    assert jnp.isnan(value).any()
    assert jnp.isnan(gradient).tolist() == [True, False]
    if reduction == "none":
        assert value[1] == pytest.approx(math.log(2))


@pytest.mark.parametrize("label", [1.5, -0.25])
def test_unless_asked_nothing_is_looked_at_and_the_loss_stays_linear_in_the_label(label):
    z = jnp.array([0.3, -2.0])
    loss = jax.jit(lambda z, y: sigmoid_binary_cross_entropy(z, y))  # a new one, for jit remembers what it traced
    zero, one, beyond = (loss(z, jnp.full(2, y)) for y in (0.0, 1.0, label))
    np.testing.assert_allclose(beyond, (1 - label) * zero + label * one, rtol=1e-5)


def test_no_warning_whatever_is_given():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pred, y, weight, mask = batch()
        for dtype in (np.float64, np.float32, np.float16):
            value = sigmoid_binary_cross_entropy(pred.astype(dtype), y.astype(int), weights=weight, mask=mask)
            assert jnp.isfinite(value).all()


def test_a_jaxlib_that_does_not_take_the_kernel_compiles_the_formula(monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("the handler's API version (0.3) is incompatible with the framework's API version (0.1)")

    monkeypatch.setattr(kernel, "_is_registered", cache(kernel._is_registered.__wrapped__))
    monkeypatch.setattr(jax.ffi, "register_ffi_target", refused)
    assert not kernel.is_here()
    loss = as_function(BinaryCrossEntropy(from_logits=True))
    np.testing.assert_allclose(loss(jnp.array([0.5, -0.5]), jnp.array([1.0, 0.0])), np.log1p(np.exp(-0.5)), rtol=1e-6)
