"""Eager tensors in main memory go to the compiled kernel, with its numbers and refusals, and keep all derivatives."""

import math
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf

from logloss import BinaryCrossEntropy
from logloss.core import native as kernels
from logloss.core.errors import LabelError, LogitError, ProbabilityError, ShapeError, WeightError
from logloss.tensorflow import as_function, call, native, quantities, sigmoid_cross_entropy_with_logits
from tests.paths import array, kernel
from tests.reference import Parameters, in_logit, mp, mpf

pytestmark = pytest.mark.skipif(kernels.name == "numpy", reason="no kernel was built")

DTYPES = ("float16", "bfloat16", "float32", "float64")
FAMILY = {
    "plain": {},
    "focal": {"gamma": 2.0, "pos_weight": 0.25},
    "one weight a class": {"pos_weight": (1.0, 2.0, 3.7), "label_smoothing": 0.1},
    "beyond float32": {"pos_weight": (1e-30, 2.0, 1e30), "gamma_neg": 2.5, "margin": 0.1},
}
REDUCTIONS = ("mean", "weighted_mean", "sum", "none")
PLAIN = as_function(BinaryCrossEntropy(from_logits=True))


@pytest.fixture
def without_the_formula(monkeypatch):
    """The formula is out of reach."""
    for module in (call, native, quantities):
        monkeypatch.setattr(module, "quantity", None)


def gradient(loss: Any, x: Any) -> tuple[Any, Any]:
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    return value, tape.gradient(value, x)


def batch(dtype: str, from_logits: bool) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 4, (20, 3))
    weight, mask = rng.choice([0.0, 0.5, 1.0, 3.0], z.shape), rng.random(z.shape) < 0.7
    return rng.integers(0, 2, z.shape), array(z if from_logits else 1 / (1 + np.exp(-z)), dtype), weight, mask


def tensor(x: Any) -> Any:
    return tf.cast(tf.constant(x.astype(np.float64)), x.dtype.name)


# The kernel's numbers


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("from_logits", [True, False], ids=["logits", "probabilities"])
@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_value_and_gradient_are_the_cores_to_the_bit(dtype, from_logits, name, reduction):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    loss = as_function(bce, reduction=reduction)
    y, x, weight, mask = batch(dtype, from_logits)
    for given in ({}, {"sample_weight": weight, "mask": mask}, {"sample_weight": weight[:, 0], "mask": mask[:, 0]}):
        value, slope = gradient(lambda x: loss(y, x, **given), tensor(x))  # noqa: B023
        expected, expected_slope = bce.value_and_gradient(y, x, reduction=reduction, **given)
        assert value.dtype == slope.dtype == dtype
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(value.numpy(), np.asarray(expected).astype(x.dtype))
        np.testing.assert_array_equal(slope, expected_slope)
        np.testing.assert_array_equal(loss(y, tensor(x), **given).numpy(), value.numpy())  # no tape asks for a gradient


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize(
    "dtype", [*DTYPES, "bool", *(f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64))]
)
def test_labels_and_weights_may_be_of_every_type(dtype):
    y, x, _, _ = batch("float32", True)
    labels = tf.cast(y, dtype)
    given = {} if dtype == "bool" else {"sample_weight": tf.cast(y + 1, dtype)}
    expected = BinaryCrossEntropy(from_logits=True).loss(y, x, **({"sample_weight": y + 1.0} if given else {}))
    np.testing.assert_array_equal(PLAIN(labels, x, **given), expected)


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2,) * 8])
def test_tensors_may_have_any_shape(dtype, shape):
    value, slope = gradient(lambda x: PLAIN(tf.zeros(shape), x), tf.zeros(shape, dtype))
    assert value.shape == slope.shape == shape
    assert (tf.cast(value, tf.float32).numpy() == np.float32(array(math.log(2), dtype))).all()
    assert (slope.numpy() == 0.5).all() if shape else float(slope) == 0.5


def test_more_axes_than_tensorflow_has_are_refused():
    with pytest.raises(ShapeError, match="y_pred has 9 axes, and TensorFlow's eager operations take 8"):
        PLAIN(tf.zeros((1,) * 9), tf.zeros((1,) * 9))


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize("weight", [tf.constant(3.7), tf.constant([3, 1, 2]), tf.fill([20, 3], 1e-30), tf.ones(3)])
def test_class_weights_may_be_tensors(weight):
    y, x, _, _ = batch("float64", True)
    made = sigmoid_cross_entropy_with_logits(y, x, pos_weight=weight, neg_weight=0.0)
    alone = BinaryCrossEntropy(from_logits=True, neg_weight=0.0).loss(y, x)
    np.testing.assert_allclose(made, np.broadcast_to(weight, x.shape) * alone, rtol=1e-15)


@pytest.mark.usefixtures("without_the_formula")
def test_weights_whose_product_float32_cannot_hold_are_multiplied_wider():
    y, z, small = [1.0], tf.constant([-(2.0**120)]), tf.constant([2.0**-100])
    made = sigmoid_cross_entropy_with_logits(y, z, pos_weight=small, sample_weight=[2.0**-50])
    assert made.numpy().tolist() == [2.0**-30]


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum"])
@pytest.mark.parametrize("hidden_by", ["mask", "sample_weight"])
def test_nothing_that_counts_costs_nothing_and_pulls_nowhere(reduction, hidden_by):
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction)
    hidden = {hidden_by: tf.zeros(3, tf.bool if hidden_by == "mask" else tf.float32)}
    nothing = [math.nan] * 3
    value, slope = gradient(lambda x: loss(nothing, x, **hidden), tf.constant(nothing))
    assert value.numpy() == 0
    assert slope.numpy().tolist() == [0, 0, 0]


def test_without_a_kernel_the_formula_gives_the_numbers():
    y, x, weight, _ = batch("float64", True)
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction="weighted_mean")
    by_kernel = gradient(lambda x: loss(y, x, sample_weight=weight), tf.constant(x))
    with kernel("numpy"):
        by_formula = gradient(lambda x: loss(y, x, sample_weight=weight), tf.constant(x))
    for one, other in zip(by_kernel, by_formula, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_graphs_do_not_go_to_the_kernel(monkeypatch):
    monkeypatch.setattr(native, "loss", None)
    y, x, _, _ = batch("float64", True)
    made = tf.function(PLAIN)(tf.constant(y), tf.constant(x))
    np.testing.assert_allclose(made, BinaryCrossEntropy(from_logits=True).loss(y, x), rtol=1e-14)


# The way back


@pytest.mark.usefixtures("without_the_formula")
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_tape_may_be_asked_twice(reduction):
    y, x, _, _ = batch("float32", True)
    loss, z = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction), tf.constant(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        value = loss(y, z)
        twice = 2 * value
    first, doubled, again = (tape.gradient(of, z).numpy() for of in (value, twice, value))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(doubled, 2 * first)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_second_derivatives_are_the_cores(reduction):
    bce = BinaryCrossEntropy.focal(from_logits=True)
    y, x, weight, _ = batch("float64", True)
    loss, z = as_function(bce, reduction=reduction), tf.constant(x)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(z)
        with tf.GradientTape() as inner:
            inner.watch(z)
            value = loss(y, z, sample_weight=weight)
        slope = inner.gradient(value, z)
        within = outer.gradient(value, z)  # of a tape that still records
    divisor = {"mean": x.size, "weighted_mean": weight.sum()}.get(reduction, 1)
    expected = bce.hessian(y, x, sample_weight=weight) / divisor
    np.testing.assert_allclose(outer.gradient(slope, z), expected, rtol=1e-12)
    np.testing.assert_allclose(outer.gradient(within, z), expected, rtol=1e-12)
    np.testing.assert_allclose(within, slope, rtol=1e-12)


FOCUSED = [{}, {"gamma": 2.0}, {"gamma": 1.5, "gamma_neg": 2.5, "margin": 0.1}]


@pytest.mark.parametrize("options", FOCUSED)
def test_forward_derivatives_of_the_gradient_are_the_cores(options):
    bce = BinaryCrossEntropy(**options, from_logits=True, label_smoothing=0.1)
    y, z = tf.constant([1.0, 0.0, 1.0, 0.0], tf.float64), tf.constant([-0.5, 2.0, 0.0, 0.0], tf.float64)
    with tf.autodiff.ForwardAccumulator(z, tf.ones_like(z)) as forward:
        value, slope = gradient(lambda z: as_function(bce)(y, z), z)
    np.testing.assert_allclose(forward.jvp(value), bce.gradient(y.numpy(), z.numpy()), rtol=1e-13)
    np.testing.assert_allclose(forward.jvp(slope), bce.hessian(y.numpy(), z.numpy()), rtol=1e-13)


@pytest.mark.parametrize("options", FOCUSED)
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_third_derivatives_are_those_of_the_definition(options, mode):
    parameters = Parameters(**{"gamma_neg": options.get("gamma", 0.0)} | options)
    bce = BinaryCrossEntropy(**options, from_logits=True)
    y, z = tf.constant([1.0, 0.0] * 3, tf.float64), tf.constant([0.0, 0.0, 0.7, 0.7, -1.3, -1.3], tf.float64)

    def third(y: Any, z: Any) -> Any:
        with tf.GradientTape() as outer:
            outer.watch(z)
            with tf.GradientTape() as middle:
                middle.watch(z)
                _, slope = gradient(lambda z: as_function(bce)(y, z), z)
            curvature = middle.gradient(slope, z)
        return outer.gradient(curvature, z)

    made = (third if mode == "eager" else tf.function(third))(y, z)
    for label, point, number in zip(y.numpy().tolist(), z.numpy().tolist(), made.numpy(), strict=True):
        exact = mp.diff(lambda x: in_logit(parameters, x, label)["hessian"].exact, mpf(point))  # noqa: B023
        assert number == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("is_known", [True, False], ids=["tapes can be asked", "tapes cannot be asked"])
def test_labels_that_are_followed_keep_their_slope(is_known, monkeypatch):
    if not is_known:
        monkeypatch.setattr(native, "PossibleTapeGradientTypes", None)
    y, z = tf.constant([0.25, 1.0], tf.float64), tf.constant([-0.5, 2.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([y, z])
        value = PLAIN(y, z)
    in_label, in_logit = tape.gradient(value, [y, z])
    np.testing.assert_allclose(in_label, -z, rtol=1e-15)
    np.testing.assert_allclose(in_logit, tf.sigmoid(z) - y, rtol=1e-14)


def test_labels_that_are_followed_later_have_a_slope_in_the_gradient():
    y, z = tf.constant([0.25, 1.0], tf.float64), tf.constant([-0.5, 2.0], tf.float64)
    with tf.GradientTape() as inner:
        inner.watch(z)
        value = PLAIN(y, z)
    with tf.GradientTape() as outer:
        outer.watch(y)
        slope = inner.gradient(value, z)
    np.testing.assert_allclose(outer.gradient(slope, y), -1, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_a_gradient_too_small_for_its_type_comes_back_when_the_loss_was_scaled_up(dtype, reduction):
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction)
    scale = 2.0**15
    _, slope = gradient(lambda z: scale * loss([0.0, 1.0], z), tf.constant([-18.0, 18.0], dtype))
    exact = scale / (1 + math.exp(18))
    np.testing.assert_array_equal(slope, array([exact, -exact], dtype))


def test_whatever_is_zero_stays_zero_beside_an_infinite_incoming_gradient():
    for reduction in ("sum", "none"):
        loss = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction)
        shown = tf.constant([True, False])
        _, slope = gradient(lambda z: math.inf * loss(tf.zeros(2), z, mask=shown), tf.zeros(2))  # noqa: B023
        assert slope.numpy().tolist() == [math.inf, 0]


# What is refused


BAD = {
    "label": ([0.5, 2.0], [0.0, 0.0], {}, LabelError, r"labels\[1\] = 2.0"),
    "missing label": ([0.5, math.nan], [0.0, 0.0], {}, LabelError, r"mask=~tf.math.is_nan\(labels\)"),
    "logit": ([0.5, 1.0], [0.0, math.nan], {}, LogitError, r"mask=~tf.math.is_nan\(logits\)"),
    "weight": ([0.5, 1.0], [0.0, 0.0], {"sample_weight": [1.0, -1.0]}, WeightError, r"sample_weight\[1\] = -1.0"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_values_that_are_out_of_range_are_refused_by_the_names_of_the_caller(name, reduction, dtype):
    y, z, options, error, words = BAD[name]
    y, z = tf.constant(y), tf.constant(z, dtype)
    for validate in (None, True):
        with pytest.raises(error, match=words):
            sigmoid_cross_entropy_with_logits(y, z, reduction=reduction, validate=validate, **options)
    made = sigmoid_cross_entropy_with_logits(y, z, reduction=reduction, validate=False, **options)
    assert np.isnan(made.numpy().astype(float)).any() == ("missing" in name or name == "logit")


def test_probabilities_out_of_range_are_refused():
    with pytest.raises(ProbabilityError, match=r"y_pred\[0\] = 1.5. If these are logits, say from_logits=True."):
        as_function(BinaryCrossEntropy())([1.0], [1.5])


def test_values_are_looked_at_where_the_formula_works_too():
    y, z = tf.constant([2.0]), tf.constant([0.0])
    with tf.GradientTape() as tape:
        tape.watch(y)
        with pytest.raises(LabelError):
            PLAIN(y, z)
