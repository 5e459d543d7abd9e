"""The functions of TensorFlow give the numbers of the core: eagerly, in graphs and under XLA."""

import inspect
import math
import os
import subprocess
import sys
from pathlib import Path as File
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf

from logloss import BinaryCrossEntropy
from logloss.core.errors import (
    DtypeError,
    LabelError,
    LogitError,
    LogLossError,
    ParameterError,
    ShapeError,
    WeightError,
)
from logloss.tensorflow import as_function, sigmoid_cross_entropy_with_logits, weighted_cross_entropy_with_logits
from tests.reference import QUANTITIES, Parameters, truth_of_probabilities
from tests.test_truth import LOGITS, MEMBERS, exact, family, sweep
from tests.tolerances import excess

MODES = ("eager", "graph", "xla")
FAMILY = {
    "bce": {},
    "one weight a class": {"pos_weight": (1.0, 2.0, 3.0), "neg_weight": 0.5},
    "all at once": {
        "gamma": 1.5,
        "gamma_neg": 2.5,
        "margin": 0.1,
        "label_smoothing": 0.2,
        "pos_weight": (1.0, 2.0, 3.0),
    },
}
REDUCTIONS = ("mean", "weighted_mean", "sum", "none")
modes = pytest.mark.parametrize("mode", MODES)
members = pytest.mark.parametrize("name", FAMILY)
domains = pytest.mark.parametrize("from_logits", [True, False], ids=["logits", "probabilities"])


def run(mode: str, function: Any, *arguments: Any, signature: Any = None) -> Any:
    """What a function gives in that mode."""
    if mode != "eager":
        function = tf.function(function, jit_compile=mode == "xla", input_signature=signature)
    return function(*arguments)


def slopes(loss: Any, y: Any, x: Any, **others: Any) -> Any:
    """The loss, its gradient in x, and the derivative of the sum of that."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = loss(y, x, **others)
        gradient = inner.gradient(value, x)
    return value, gradient, outer.gradient(gradient, x)


def batch(dtype: Any = np.float64, from_logits: bool = True, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 4, (20, 3))
    x = (z if from_logits else 1 / (1 + np.exp(-z))).astype(dtype)
    y = rng.choice([0.0, 1.0, 0.3], x.shape, p=[0.5, 0.4, 0.1])
    return y, x, rng.choice([0.0, 0.5, 1.0, 3.0], x.shape), rng.random(x.shape) < 0.7


# Truth


def assert_true(mode: str, dtype: str, parameters: Parameters, y: Any, x: Any, from_logits: bool = True) -> None:
    y, x = np.asarray(y, dtype), np.asarray(x, dtype)
    loss = as_function(family(parameters, from_logits))
    made = run(mode, lambda y, x: slopes(loss, y, x), tf.constant(y), tf.constant(x))
    for quantity, numbers in zip(QUANTITIES, made, strict=True):
        assert numbers.dtype == dtype
        for label, point, number in zip(y.tolist(), x.tolist(), numbers.numpy().tolist(), strict=True):
            value = exact(parameters, point, label, from_logits)[quantity]
            over = excess(number, quantity, parameters, label, value, dtype, f"{dtype} in TensorFlow")
            assert over <= 1, f"{quantity} at y = {label!r}, x = {point!r} is {number!r}: {over:.3g} times the bound"


types = pytest.mark.parametrize("dtype", ["float32", "float64"])


# Compiling takes most of the time here, and test_same_number compiles the most common members in every type.
@pytest.mark.parametrize(
    ("mode", "dtype"), [("eager", "float32"), ("eager", "float64"), ("graph", "float32"), ("xla", "float64")]
)
@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_logits_agree_with_the_truth(mode, dtype, rows):
    assert_true(mode, dtype, rows[0].parameters, [row.y for row in rows], [row.x for row in rows])


@modes
@types
def test_probabilities_agree_with_the_truth(mode, dtype):
    y, p = (np.asarray([row[i] for row in truth_of_probabilities()], dtype) for i in (3, 2))
    inside = (p >= np.finfo(dtype).tiny) & (p < 1)
    assert_true(mode, dtype, Parameters(), y[inside], p[inside], from_logits=False)


@modes
@types
def test_the_plain_loss_keeps_its_bounds_in_a_sweep(mode, dtype):
    z = np.random.default_rng(3).normal(0, 1, 400) * np.repeat([1, 5, 20, 1e-3], 100)
    assert_true(mode, dtype, Parameters(), np.arange(400) % 2, z)


@pytest.mark.parametrize(
    ("mode", "dtype", "from_logits"),
    [
        ("eager", "float64", True),
        ("eager", "float64", False),
        ("graph", "float32", True),
        ("graph", "float32", False),
        ("xla", "float32", True),
    ],
)
@pytest.mark.parametrize("name", [name for name in MEMBERS if name not in LOGITS])
def test_the_family_keeps_its_bounds_in_a_sweep(mode, dtype, from_logits, name):
    y, x = sweep("logits" if from_logits else "probabilities", 12)
    x = x.astype(dtype).astype(float)
    inside = np.isfinite(x) if from_logits else (x >= np.finfo(dtype).tiny) & (x < 1)
    assert_true(mode, dtype, MEMBERS[name], y[inside], x[inside], from_logits)


# The core's numbers, with weights and masks


@pytest.mark.parametrize(
    ("mode", "reduction"),
    [*(("eager", reduction) for reduction in REDUCTIONS), ("graph", "weighted_mean"), ("xla", "mean")],
)
@members
@domains
def test_value_gradient_and_hessian_are_the_cores(mode, name, from_logits, reduction):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    y, x, weight, mask = batch(from_logits=from_logits)
    loss = as_function(bce, reduction=reduction)
    made = run(
        mode,
        lambda y, x, weight, mask: slopes(loss, y, x, sample_weight=weight, mask=mask),
        *map(tf.constant, (y, x, weight, mask)),
    )
    options = {"sample_weight": weight, "mask": mask}
    divisor = {"mean": mask.sum(), "weighted_mean": weight[mask].sum()}.get(reduction, 1)
    expected = (
        *bce.value_and_gradient(y, x, reduction=reduction, **options),
        bce.hessian(y, x, **options) / divisor,
    )
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-12, atol=1e-300)


@members
@domains
def test_weights_and_masks_of_rows_are_those_of_their_elements(name, from_logits):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    y, x, weight, mask = batch(from_logits=from_logits)
    for reduction in REDUCTIONS:
        loss = as_function(bce, reduction=reduction)
        by_row = loss(y, x, sample_weight=weight[:, 0], mask=mask[:, 0])
        expected = bce(y, x, sample_weight=weight[:, 0], mask=mask[:, 0], reduction=reduction)
        np.testing.assert_allclose(by_row.numpy(), expected, rtol=1e-12)


@modes
@members
@domains
def test_slopes_in_labels_and_weights_are_differences_of_the_loss(mode, name, from_logits):
    # The loss is linear in them, so that a difference of any size is the slope.
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    y, x, weight, mask = batch(from_logits=from_logits)
    loss = as_function(bce)

    def derivatives(y: Any, x: Any, weight: Any) -> Any:
        with tf.GradientTape(persistent=True) as outer:
            outer.watch([y, weight])
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = loss(y, x, sample_weight=weight, mask=mask)
            gradient = inner.gradient(value, x)
        return [outer.gradient(quantity, by) for quantity in (value, gradient) for by in (y, weight)]

    made = run(mode, derivatives, *map(tf.constant, (y, x, weight)))
    ones = np.ones_like(y)
    expected = [
        difference
        for method in (bce.loss, bce.gradient)
        for difference in (
            method(ones, x, sample_weight=weight, mask=mask) - method(0 * ones, x, sample_weight=weight, mask=mask),
            method(y, x, mask=mask),
        )
    ]
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-11, atol=1e-13)


def test_the_slope_in_a_weight_of_rows_or_classes_adds_up_what_it_multiplies():
    y, x, _, _ = batch()
    rows, classes = tf.ones(20, tf.float64), tf.constant([1.0, 2.0, 3.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([rows, classes])
        value = weighted_cross_entropy_with_logits(y, x, classes, sample_weight=rows, reduction="sum")
    by_row, by_class = tape.gradient(value, [rows, classes])
    losses = BinaryCrossEntropy(from_logits=True, pos_weight=(1.0, 2.0, 3.0)).loss(y, x)
    np.testing.assert_allclose(by_row.numpy(), losses.sum(axis=1), rtol=1e-12)
    positive = BinaryCrossEntropy(from_logits=True, neg_weight=0.0).loss(y, x)
    np.testing.assert_allclose(by_class.numpy(), positive.sum(axis=0), rtol=1e-12)


@modes
def test_a_weighted_mean_has_the_slope_of_a_quotient_in_its_weights(mode):
    y, x, weight, _ = batch()
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction="weighted_mean")

    def slope(weight: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weight)
            value = loss(y, x, sample_weight=weight)
        return value, tape.gradient(value, weight)

    value, made = run(mode, slope, tf.constant(weight))
    losses = BinaryCrossEntropy(from_logits=True).loss(y, x)
    np.testing.assert_allclose(made.numpy(), (losses - value.numpy()) / weight.sum(), rtol=1e-9, atol=1e-15)


@modes
def test_second_derivatives_at_labels_of_one_half_do_not_vanish(mode):
    # There the gradient is 0, and "0 stays 0" must not be differentiated.
    loss = as_function(BinaryCrossEntropy(from_logits=True))
    half, zero = tf.constant([0.5], tf.float64), tf.constant([0.0], tf.float64)
    _, gradient, hessian = run(mode, lambda y, x: slopes(loss, y, x), half, zero)
    assert (gradient.numpy(), hessian.numpy()) == (0, 0.25)


def test_jacobians_hessians_and_third_derivatives():
    bce = BinaryCrossEntropy.focal(from_logits=True)
    loss = as_function(bce)
    y, z = tf.constant([1.0, 0.0, 0.3], tf.float64), tf.constant([-0.5, 2.0, 1.0], tf.float64)
    with tf.GradientTape(persistent=True) as outermost:
        outermost.watch(z)
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(z)
            with tf.GradientTape(persistent=True) as inner:
                inner.watch(z)
                losses = loss(y, z)
            gradient = inner.gradient(losses, z)
        hessian = outer.jacobian(gradient, z)
        bend = outer.gradient(gradient, z)
    np.testing.assert_allclose(inner.jacobian(losses, z), np.diag(bce.gradient(y.numpy(), z.numpy())), rtol=1e-13)
    np.testing.assert_allclose(hessian, np.diag(bce.hessian(y.numpy(), z.numpy())), rtol=1e-12)
    h = 1e-5
    difference = (bce.hessian(y.numpy(), z.numpy() + h) - bce.hessian(y.numpy(), z.numpy() - h)) / (2 * h)
    np.testing.assert_allclose(outermost.gradient(bend, z), difference, rtol=1e-6)


def test_forward_derivatives():
    bce = BinaryCrossEntropy.focal(from_logits=True)
    y, z = tf.constant([1.0, 0.0], tf.float64), tf.constant([-0.5, 2.0], tf.float64)
    with tf.autodiff.ForwardAccumulator(z, tf.ones_like(z)) as forward:
        losses = as_function(bce)(y, z)
    np.testing.assert_allclose(forward.jvp(losses), bce.gradient(y.numpy(), z.numpy()), rtol=1e-13)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_vectorized_map_gives_what_a_loop_does(reduction):
    y, x, weight, mask = map(tf.constant, batch())
    loss = as_function(BinaryCrossEntropy.focal(from_logits=True), reduction=reduction)

    def both(row: Any) -> Any:
        y, x, weight, mask = row
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(y, x, sample_weight=weight, mask=mask)
        return value, tape.gradient(value, x)

    at_once = tf.vectorized_map(both, (y, x, weight, mask))
    in_turn = [both(row) for row in zip(y, x, weight, mask, strict=True)]
    for i, made in enumerate(at_once):
        np.testing.assert_allclose(made, np.stack([row[i] for row in in_turn]), rtol=1e-13)


# Types


@pytest.mark.parametrize("mode", ["eager", "xla"])
@pytest.mark.parametrize(("dtype", "digits"), [("float16", 1e-3), ("bfloat16", 8e-3)])
@domains
def test_narrow_types_are_rounded_once(mode, dtype, digits, from_logits):
    bce = BinaryCrossEntropy.focal(from_logits=from_logits)
    y, x, _, _ = batch(from_logits=from_logits)
    narrow = tf.cast(x, dtype)
    for reduction in ("none", "mean"):
        loss = as_function(bce, reduction=reduction)
        value, gradient, _ = run(mode, lambda y, x: slopes(loss, y, x), tf.constant(y), narrow)  # noqa: B023
        assert value.dtype == gradient.dtype == narrow.dtype
        worked_in = tf.cast(narrow, tf.float32).numpy()  # where a probability is clipped
        expected, slope = bce.value_and_gradient(y, worked_in, reduction=reduction)
        np.testing.assert_allclose(tf.cast(value, tf.float64), expected, rtol=digits, atol=1e-7)
        np.testing.assert_allclose(tf.cast(gradient, tf.float64), slope, rtol=digits, atol=1e-7)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool", "float16", "float64"])
def test_labels_of_any_type_are_taken_as_they_are(dtype):
    y, z = tf.constant([0.0, 1.0, 1.0]), tf.constant([1.0, -2.0, 3.0])
    loss = sigmoid_cross_entropy_with_logits(tf.cast(y, dtype), z)
    assert loss.dtype == tf.float32
    np.testing.assert_array_equal(loss, sigmoid_cross_entropy_with_logits(y, z))


@modes
def test_sums_are_accumulated_wide(mode):
    z = tf.fill([3_000_001], -10.0)
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction="mean")
    expected = BinaryCrossEntropy(from_logits=True).loss([0.0], np.float32([-10.0]))[0]
    assert run(mode, loss, tf.zeros_like(z), z).numpy() == pytest.approx(float(expected), rel=5e-7)


# Edges


@modes
@pytest.mark.parametrize("gamma", [0.0, 2.0, 2.5])
def test_infinite_logits_give_the_limits(mode, gamma):
    loss = as_function(BinaryCrossEntropy(from_logits=True, gamma=gamma))
    z = tf.constant([math.inf, -math.inf, -math.inf, math.inf])
    losses, gradient, hessian = run(mode, lambda y, x: slopes(loss, y, x), tf.constant([1.0, 0.0, 1.0, 0.0]), z)
    assert losses.numpy().tolist() == [0, 0, math.inf, math.inf]
    assert gradient.numpy().tolist() == [0, 0, -1, 1]
    assert hessian.numpy().tolist() == [0, 0, 0, 0]


@modes
def test_a_margin_gives_an_infinite_mistake_a_finite_cost(mode):
    loss = as_function(BinaryCrossEntropy.asymmetric(from_logits=True))
    value, gradient, _ = run(
        mode, lambda y, x: slopes(loss, y, x), tf.constant([0.0], tf.float64), tf.constant([math.inf], tf.float64)
    )
    assert value.numpy() == pytest.approx(-(0.95**4) * math.log(0.05))
    assert gradient.numpy() == 0


@modes
def test_the_slope_in_the_label_at_an_infinite_logit_is_infinite(mode):
    loss = as_function(BinaryCrossEntropy(from_logits=True, label_smoothing=0.1))

    def slope(y: Any, z: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y)
            value = loss(y, z)
        return tape.gradient(value, y)

    made = run(mode, slope, tf.constant([0.0, 1.0]), tf.constant([math.inf, -math.inf]))
    assert made.numpy().tolist() == [-math.inf, math.inf]


@modes
@domains
@pytest.mark.parametrize("hidden_by", ["mask", "weight"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_what_does_not_count_may_hold_anything(mode, from_logits, hidden_by, reduction):
    bce = BinaryCrossEntropy.focal(from_logits=from_logits)
    bad = [math.nan, math.inf, -math.inf, 7.0]
    y = tf.constant([1.0, 0.0, 1.0, math.nan, *[0.0] * 4])
    x = tf.constant([0.3, 0.7, 0.9, 0.2, *bad])
    shown = np.array([True, True, True, *[False] * 5])
    hidden = {"mask": shown} if hidden_by == "mask" else {"sample_weight": shown.astype("float32")}
    loss = as_function(bce, reduction=reduction)
    value, gradient, hessian = run(mode, lambda y, x: slopes(loss, y, x, **hidden), y, x)
    assert np.isfinite(value.numpy()).all()
    for slope in (gradient.numpy(), hessian.numpy()):
        assert np.isfinite(slope).all()
        assert (slope[3:] == 0).all()
        assert (slope[:3] != 0).all()


@modes
def test_what_does_not_count_has_no_slope_beside_an_infinite_one(mode):
    def slope(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            losses = as_function(BinaryCrossEntropy(from_logits=True))(tf.zeros(2), x, mask=tf.constant([True, False]))
            value = tf.reduce_sum(losses * tf.constant([1.0, math.inf]))
        return tape.gradient(value, x)

    assert run(mode, slope, tf.zeros(2)).numpy().tolist() == [0.5, 0.0]


@modes
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum"])
@pytest.mark.parametrize("n", [0, 4])
def test_the_mean_of_nothing_is_zero_and_pulls_nowhere(mode, reduction, n):
    loss = as_function(BinaryCrossEntropy(from_logits=True), reduction=reduction)
    hidden = {"mask": tf.zeros(n, tf.bool), "sample_weight": tf.ones(n)}
    value, gradient, _ = run(mode, lambda y, x: slopes(loss, y, x, **hidden), tf.ones(n), tf.ones(n))
    assert value.numpy() == 0
    assert gradient.numpy().tolist() == [0] * n


@modes
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_saturated_mistake_keeps_its_gradient(mode, dtype):
    loss = as_function(BinaryCrossEntropy())
    y, p = tf.constant([1.0, 0.0], dtype), tf.constant([0.0, 1.0], dtype)
    value, gradient, _ = run(mode, lambda y, x: slopes(loss, y, x), y, p)
    np.testing.assert_allclose(value.numpy(), -math.log(1e-7), rtol=2e-2)
    assert (gradient.numpy() * [-1, 1] > 6e4).all()  # in float16 infinite


@modes
def test_an_ignored_label_does_not_count(mode):
    z = tf.constant([[0.5, -1.0], [2.0, 0.1]])
    expected = BinaryCrossEntropy(from_logits=True)([1, 0], [0.5, 2.0])
    for y, ignored in (
        (tf.constant([[1, 255], [0, 255]], tf.uint8), 255),
        (tf.constant([[1.0, math.nan], [0.0, math.nan]]), math.nan),
        (tf.constant([[1, -1], [0, -1]]), -1),
    ):
        value = run(
            mode,
            lambda y, z: sigmoid_cross_entropy_with_logits(y, z, ignore_index=ignored, reduction="mean"),  # noqa: B023
            y,
            z,
        )
        assert value.numpy() == pytest.approx(expected, rel=1e-6)


def test_class_weights_lie_along_the_axis_that_is_named():
    rng = np.random.default_rng(0)
    y, z = (rng.random((2, 3, 4, 5)) < 0.5).astype(float), rng.normal(size=(2, 3, 4, 5))
    for axis, weight in ((1, (1.0, 2.0, 3.0)), (-1, (1.0, 2.0, 3.0, 4.0, 5.0))):
        expected = BinaryCrossEntropy(from_logits=True, pos_weight=weight).loss(y, z, class_axis=axis)
        for given in (weight, tf.constant(weight, tf.float64)):
            made = sigmoid_cross_entropy_with_logits(y, z, pos_weight=given, class_axis=axis)
            np.testing.assert_allclose(made, expected, rtol=1e-12)


BROADCAST = [(), (1,), (1, 1), (3, 1), (1, 2), (3, 2)]


@modes
@pytest.mark.parametrize("shape", BROADCAST)
@pytest.mark.parametrize("kind", ["tensor", "array", "list"])
def test_a_class_weight_broadcasts_as_in_tensorflow(mode, shape, kind):
    rng = np.random.default_rng(0)
    y, z, weight = tf.constant(rng.random((3, 2))), tf.constant(rng.normal(size=(3, 2))), rng.random(shape)
    given = {"tensor": tf.constant(weight), "array": weight, "list": weight.tolist()}[kind]
    expected = tf.nn.weighted_cross_entropy_with_logits(y, z, weight)
    made = run(mode, lambda y, z: weighted_cross_entropy_with_logits(y, z, given), y, z)
    np.testing.assert_allclose(made, expected, rtol=1e-12)
    negative = run(mode, lambda y, z: sigmoid_cross_entropy_with_logits(y, z, neg_weight=given), 1 - y, -z)
    np.testing.assert_allclose(negative, expected, rtol=1e-12)


@modes
@pytest.mark.parametrize("shape", [*BROADCAST, (4, 1, 2), (2, 1), (1, 1, 1)])
def test_a_class_weight_that_broadcasts_has_its_slope(mode, shape):
    rng = np.random.default_rng(0)
    y, z = (tf.constant(rng.normal(size=(4, 3, 2) if len(shape) == 3 else (3, 2))) for _ in range(2))
    if shape == (2, 1):  # of fewer axes than predictions have
        y, z = (tf.constant(rng.normal(size=(4, 2, 5))) for _ in range(2))

    def slope(loss: Any) -> Any:
        def of(weight: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(weight)
                value = loss(tf.sigmoid(y), z, weight)
            return tape.gradient(value, weight)

        return run(mode, of, tf.constant(rng.random(shape)))

    np.testing.assert_allclose(
        slope(weighted_cross_entropy_with_logits), slope(tf.nn.weighted_cross_entropy_with_logits), rtol=1e-12
    )


@pytest.mark.parametrize("shape", [(4,), (2, 2), (3, 3), (1, 3, 2), (3, 1, 1), (3, 0)])
@pytest.mark.parametrize("kind", [tf.ones, np.ones])
def test_a_class_weight_that_would_enlarge_the_result_is_refused(shape, kind):
    words = (
        "pos_weight has .* entries, one a class, and axis -1 of logits has 2"
        if len(shape) == 1
        else (r"pos_weight has shape \(.*\), which does not broadcast to that of logits, \(3, 2\)\. Give one number")
    )
    with pytest.raises(ShapeError, match=words):
        weighted_cross_entropy_with_logits(tf.zeros((3, 2)), tf.zeros((3, 2)), kind(shape))


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("weight_shape", [None, [None, None], [None, 1]])
@pytest.mark.parametrize("rows", [1, 3, 5])
def test_class_weights_of_open_shape_never_enlarge_the_result(mode, weight_shape, rows):
    signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2]), tf.TensorSpec(weight_shape)]
    arguments = tf.ones((3, 2)), tf.zeros((3, 2)), tf.fill((rows, 1), 2.0)
    if rows in (1, 3):
        made = run(mode, weighted_cross_entropy_with_logits, *arguments, signature=signature)
        np.testing.assert_allclose(made, np.full((3, 2), 2 * math.log(2)), rtol=1e-6)
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(mode, weighted_cross_entropy_with_logits, *arguments, signature=signature)


# TensorFlow's own


@modes
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(8,), (2, 2, 2)])
@pytest.mark.parametrize("pos_weight", [1.0, 3.0, 0.0])
def test_hard_and_soft_labels_cost_what_they_do_in_tensorflow(mode, dtype, shape, pos_weight):
    z = tf.reshape(tf.constant([-100.0, -2, -2, 0, 2, 2, 2, 100], dtype), shape)
    y = tf.reshape(tf.constant([0.0, 0, 1, 0, 0, 1, 0.5, 1], dtype), shape)
    theirs = tf.nn.weighted_cross_entropy_with_logits(labels=y, logits=z, pos_weight=pos_weight)
    ours = run(mode, lambda y, z: weighted_cross_entropy_with_logits(y, z, pos_weight, "mine"), y, z)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-30)
    if pos_weight == 1:
        np.testing.assert_allclose(sigmoid_cross_entropy_with_logits(y, z), theirs, rtol=2e-6, atol=1e-30)


def test_the_gradient_at_zero_is_half():
    z = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
        loss = sigmoid_cross_entropy_with_logits(labels=tf.constant([0.0, 1.0]), logits=z)
    assert tape.gradient(loss, z).numpy().tolist() == [0.5, -0.5]


def test_a_name_is_that_of_the_scope_of_the_operations():
    function = tf.function(lambda y, z: sigmoid_cross_entropy_with_logits(y, z, name="mine"))
    names = [op.name for op in function.get_concrete_function(tf.ones(2), tf.ones(2)).graph.get_operations()]
    assert any(name.startswith("mine/") for name in names)


# What is refused


@pytest.mark.parametrize(
    ("labels", "logits"),
    [((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3, 2)), ((1, 3), (2, 3)), ((), (1,))],
)
def test_shapes_that_differ_are_refused_eagerly_and_while_tracing(labels, logits):
    y, z = tf.zeros(labels), tf.zeros(logits)
    with pytest.raises(ShapeError, match="labels has shape") as caught:
        sigmoid_cross_entropy_with_logits(y, z)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ShapeError, match="y_true has shape"):
        tf.function(as_function(BinaryCrossEntropy(from_logits=True)))(y, z)


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize(
    ("labels", "logits", "open_labels", "open_logits"),
    [
        ((5,), (1,), [None], [None]),
        ((1, 3), (5, 3), [None, 3], [None, 3]),
        ((5, 1), (5, 3), [5, None], [5, None]),
        ((5,), (5, 1), None, None),
        ((5,), (5, 5), None, None),
        ((5, 3), (5, 3), [None, None], [None, None]),
        ((5, 3), (5, 3), None, None),
    ],
)
def test_shapes_that_are_known_only_at_run_time_never_broadcast(mode, labels, logits, open_labels, open_logits):
    loss = as_function(BinaryCrossEntropy(from_logits=True))
    signature = [tf.TensorSpec(open_labels), tf.TensorSpec(open_logits)]
    if labels == logits:
        assert run(mode, loss, tf.zeros(labels), tf.zeros(logits), signature=signature).shape == logits
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(mode, loss, tf.zeros(labels), tf.zeros(logits), signature=signature)


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("which", ["sample_weight", "mask", "pos_weight"])
@pytest.mark.parametrize("length", [1, 3, 4])
def test_vectors_of_open_length_never_broadcast(mode, which, length):
    def loss(y: Any, z: Any, vector: Any) -> Any:
        vector = tf.cast(vector, tf.bool) if which == "mask" else vector
        return sigmoid_cross_entropy_with_logits(y, z, class_axis=0, **{which: vector})

    signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2]), tf.TensorSpec([None])]
    arguments = tf.zeros((3, 2)), tf.zeros((3, 2)), tf.ones(length)
    if length == 3:
        np.testing.assert_allclose(run(mode, loss, *arguments, signature=signature), np.log(2), rtol=1e-6)
    else:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(mode, loss, *arguments, signature=signature)


@pytest.mark.parametrize("mode", ["graph", "xla"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_open_shapes_give_the_same_numbers(mode, reduction):
    bce = BinaryCrossEntropy(from_logits=True, **FAMILY["one weight a class"], label_smoothing=0.2)
    y, x, weight, mask = batch()
    loss = as_function(bce, reduction=reduction)
    shapes = [(y, [None, None]), (x, [None, None]), (weight[:, 0], [None]), (mask, [None, None])]
    signature = [tf.TensorSpec(shape, array.dtype) for array, shape in shapes]
    made = run(
        mode,
        lambda y, x, weight, mask: slopes(loss, y, x, sample_weight=weight, mask=mask)[:2],
        *(tf.constant(array) for array, _ in shapes),
        signature=signature,
    )
    options = {"sample_weight": weight[:, 0], "mask": mask, "reduction": reduction}
    for one, other in zip(made, bce.value_and_gradient(y, x, **options), strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((None, [0.0]), {}, ParameterError, "labels is missing"),
        (([1.0], None), {}, ParameterError, "logits is missing"),
        (([1], [0]), {}, DtypeError, "logits has dtype int32; expected a floating type"),
        ((["a"], [0.0]), {}, DtypeError, "labels has dtype string"),
        (([[1.0], [1.0, 2.0]], [0.0]), {}, DtypeError, "labels could not be read"),
        (([1.0], [0.0]), {"mask": [1]}, DtypeError, "mask has dtype int32; expected booleans"),
        (([1.0], [0.0]), {"sample_weight": [1.0, 2.0]}, ShapeError, "sample_weight has shape"),
        (([[1.0, 1.0]], [[0.0, 0.0]]), {"mask": [True, True, True]}, ShapeError, "or one entry a row"),
        (([[1.0, 1.0]], [[0.0, 0.0]]), {"pos_weight": (1.0, 2.0, 3.0)}, ShapeError, "3 entries, one a class"),
        (([[1.0, 1.0]], [[0.0, 0.0]]), {"pos_weight": tf.ones(3)}, ShapeError, "3 entries, one a class"),
        (([[1.0, 1.0]], [[0.0, 0.0]]), {"pos_weight": tf.ones(3)}, ShapeError, "and axis -1 of logits has 2"),
        (([1.0], [0.0]), {"class_axis": 2, "pos_weight": (1.0,)}, ShapeError, "is not an axis of logits"),
        (([1.0], [0.0]), {"pos_weight": -1.0}, ParameterError, "pos_weight=-1.0 is out of range"),
        (([1.0], [0.0]), {"gamma": -1.0}, ParameterError, "gamma=-1.0 is out of range"),
        (([1.0], [0.0]), {"reduction": "meen"}, ParameterError, 'Did you mean "mean"'),
        (([1.0], [0.0]), {"ignore_index": "x"}, ParameterError, "ignore_index='x' is not a number"),
        (([1.0], [0.0]), {"class_axis": 2, "pos_weight": (1.0,)}, ShapeError, "class_axis=2 is not an axis"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, options, error, words):
    with pytest.raises(error, match=words) as caught:
        sigmoid_cross_entropy_with_logits(*arguments, **options)
    assert isinstance(caught.value, LogLossError)
    assert isinstance(caught.value, ValueError | TypeError)


def test_a_weighted_loss_without_a_weight_is_refused():
    with pytest.raises(ParameterError, match="pos_weight is missing"):
        weighted_cross_entropy_with_logits([1.0], [0.0])


def test_what_is_no_loss_is_refused():
    with pytest.raises(ParameterError, match="is not a BinaryCrossEntropy"):
        as_function("focal")


VALUES = [
    ([2.0], [0.0], {}, True, LabelError),
    ([math.nan], [0.0], {}, True, LabelError),
    ([1.0], [math.nan], {}, True, LogitError),
    ([1.0], [1.5], {}, False, ValueError),
    ([1.0], [0.5], {"sample_weight": [-1.0]}, True, WeightError),
    ([1.0], [0.5], {"sample_weight": [math.inf]}, True, WeightError),
]


@pytest.mark.parametrize(("y", "x", "options", "from_logits", "error"), VALUES)
def test_values_are_looked_at_eagerly_unless_it_is_said_and_in_graphs_when_asked(y, x, options, from_logits, error):
    bce = BinaryCrossEntropy(from_logits=from_logits)
    y, x, options = tf.constant(y), tf.constant(x), {name: tf.constant(value) for name, value in options.items()}
    as_function(bce, validate=False)(y, x, **options)
    for validate in (None, True):
        with pytest.raises(error):
            as_function(bce, validate=validate)(y, x, **options)
    run("graph", lambda y, x: as_function(bce)(y, x, **options), y, x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Values in"):
        run("graph", lambda y, x: as_function(bce, validate=True)(y, x, **options), y, x)


@pytest.mark.parametrize("name", ["pos_weight", "neg_weight"])
@pytest.mark.parametrize("bad", [math.nan, -1.0, math.inf])
@pytest.mark.parametrize(("shape", "place"), [((), ""), ((2,), r"\[1\]"), ((3, 1), r"\[2, 0\]"), ((3, 2), r"\[2, 1\]")])
def test_class_weights_in_tensors_are_looked_at_as_numbers_are(name, bad, shape, place):
    weight = np.ones(shape, np.float32)
    weight[tuple(size - 1 for size in shape)] = bad
    y, z = tf.ones((3, 2)), tf.zeros((3, 2))
    for given in (tf.constant(weight), tf.cast(weight, tf.bfloat16), tf.Variable(weight)):
        for validate in (None, True):
            with pytest.raises(
                ParameterError, match=rf"{name}{place}={bad} is out of range; expected .* finite and at"
            ):
                sigmoid_cross_entropy_with_logits(y, z, **{name: given}, validate=validate)
        sigmoid_cross_entropy_with_logits(y, z, **{name: given}, validate=False)

    def loss(y: Any, z: Any, weight: Any, validate: bool | None = None) -> Any:
        return sigmoid_cross_entropy_with_logits(y, z, **{name: weight}, validate=validate)

    run("graph", loss, y, z, tf.constant(weight))
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Values in {name} are negative, infinite or not"):
        run("graph", lambda *tensors: loss(*tensors, validate=True), y, z, tf.constant(weight))


def test_many_class_weights_are_looked_at_when_asked():
    y, z = tf.ones((2, 2000)), tf.zeros((2, 2000))
    weight = tf.concat([tf.ones(1999), [math.nan]], 0)
    assert np.isnan(sigmoid_cross_entropy_with_logits(y, z, pos_weight=weight)[0, -1])
    with pytest.raises(ParameterError, match=r"pos_weight\[1999\]=nan is out of range"):
        sigmoid_cross_entropy_with_logits(y, z, pos_weight=weight, validate=True)


@pytest.mark.parametrize(("y", "z", "name"), [(2.0, 0.0, "labels"), (1.0, math.nan, "logits")])
def test_a_graph_refuses_values_by_the_names_of_the_caller(y, z, name):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Values in {name} "):
        run(
            "graph",
            lambda y, z: sigmoid_cross_entropy_with_logits(y, z, validate=True),
            tf.constant([y]),
            tf.constant([z]),
        )


@pytest.mark.parametrize(
    ("y", "z", "from_logits", "words"),
    [
        ([2.0, 7.0, math.nan, 1.0], [0.0] * 4, True, "Values in y_true.*How many.*3.*largest.*7"),
        ([0.0] * 4, [math.nan, math.nan, 1.0, 0.0], True, "Values in y_pred are not a number.*How many.*2"),
        ([0.0] * 4, [1.5, 0.0, 1.0, 9.0], False, "Values in y_pred lie.*say from_logits=True.*How many.*2.*largest.*9"),
    ],
)
def test_a_graph_says_how_many_values_it_refuses_and_which_is_the_largest(y, z, from_logits, words):
    loss = as_function(BinaryCrossEntropy(from_logits=from_logits), validate=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        run("graph", loss, tf.constant(y), tf.constant(z))
    empty = tf.zeros(0)
    assert run("graph", loss, empty, empty).shape == (0,)


@pytest.mark.parametrize("mark", [255, -1, -100])
def test_a_label_that_marks_what_does_not_count_is_refused_with_the_option_for_it(mark):
    arrays = tf.constant([0, 1, mark]), tf.zeros(3)
    with pytest.raises(LabelError, match=f"If {mark} marks what does not count, say ignore_index={mark}."):
        sigmoid_cross_entropy_with_logits(*arrays)
    with pytest.raises(LabelError, match="first is y_true") as refusal:  # which has no such option
        as_function(BinaryCrossEntropy(from_logits=True))(*arrays)
    assert "ignore_index" not in str(refusal.value)


@pytest.mark.parametrize(
    ("of_labels", "of_logits", "mend"),
    [
        ((9, 3), (12, 3), "Give both the same shape."),
        ((5,), (5, 1), r"Use logits\[:, 0\], or labels\[:, None\]."),
        ((5, 2, 1), (5, 2), r"Use labels\[..., 0\]."),
        ((5,), (5, 2), r"that of the positive one, logits\[..., 1\]."),
        ((5,), (5, 3), "Give both the same shape."),
        ((3, 2), (2, 3), "Give both the same shape."),
    ],
)
def test_shapes_are_refused_with_what_makes_them_match(of_labels, of_logits, mend):
    with pytest.raises(ShapeError, match=f"{mend}$"):
        sigmoid_cross_entropy_with_logits(tf.zeros(of_labels), tf.zeros(of_logits))
    opened = [tf.TensorSpec((None, *shape[1:])) for shape in (of_labels, of_logits)]
    if of_labels[1:] != of_logits[1:]:
        with pytest.raises(ShapeError, match=f"{mend}$"):
            tf.function(sigmoid_cross_entropy_with_logits).get_concrete_function(*opened)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["1", "0"], "has dtype string; expected real numbers"),
        (tf.ragged.constant([[1.0], [0.0, 1.0]]), r"is a RaggedTensor; expected a dense.*\.to_tensor\(\) and a mask"),
        (tf.sparse.from_dense([1.0, 0.0]), "is a SparseTensor; expected a dense.*tf.sparse.to_dense"),
    ],
    ids=["text", "ragged", "sparse"],
)
def test_what_is_no_dense_tensor_of_numbers_is_refused(wrong, words):
    with pytest.raises(DtypeError, match=f"labels {words}"):
        sigmoid_cross_entropy_with_logits(wrong, tf.zeros(2))
    with pytest.raises(DtypeError, match=f"y_pred {words}"):
        as_function(BinaryCrossEntropy())(tf.zeros(2), wrong)
    with pytest.raises(DtypeError, match="y_true is None; expected a tensor"):
        as_function(BinaryCrossEntropy())(None, tf.zeros(2))


def test_axes_and_switches_are_looked_at_when_a_loss_is_made():
    for wrong in (0.5, "0", True, None):
        with pytest.raises(ParameterError, match=r"class_axis=.* is not a whole number"):
            as_function(BinaryCrossEntropy(), class_axis=wrong)
    with pytest.raises(ParameterError, match="validate='no' is not True, False or None"):
        as_function(BinaryCrossEntropy(), validate="no")


def test_a_misspelt_keyword_of_a_loss_is_refused_by_the_name_of_what_made_it():
    with pytest.raises(TypeError, match=r"logloss\.tensorflow\.as_function .*'masks'.*Did you mean .mask."):
        as_function(BinaryCrossEntropy())([1.0], [0.5], masks=[True])


# A vector of 20 has one entry a row, one of 3 one of the last axis, as products by hand.
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (20, 1), (20,), (20, 3)])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("mode", ["eager", "graph", "open graph"])
def test_weights_and_masks_broadcast_without_enlarging(shape, reduction, mode):
    y, x, _, _ = batch()
    rng = np.random.default_rng(1)
    weight, mask = rng.random(shape), rng.random(shape) < (0.7 if np.prod(shape) > 1 else 1)
    whole = [np.broadcast_to(a[:, None] if a.shape == (20,) else a, x.shape) for a in (weight, mask)]
    options = {"sample_weight": whole[0], "mask": whole[1], "reduction": reduction}
    expected = BinaryCrossEntropy(from_logits=True)(y, x, **options)

    def loss(y: Any, x: Any, weight: Any, mask: Any) -> Any:
        return sigmoid_cross_entropy_with_logits(y, x, sample_weight=weight, mask=mask, reduction=reduction)

    tensors = tuple(map(tf.constant, (y, x, weight, mask)))
    opened = [tf.TensorSpec([None if n == 20 else n for n in tensor.shape], tensor.dtype) for tensor in tensors]
    made = run("eager" if mode == "eager" else "graph", loss, *tensors, signature=opened if "open" in mode else None)
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "mend"),
    [
        ((3, 3), "{0}[:, None] for rows, or {0}[None, :] for"),
        ((3, 2, 3), "{0}[:, None, None] for rows, or {0}[None, None, :] for"),
    ],
)
@pytest.mark.parametrize("name", ["sample_weight", "mask"])
def test_a_vector_that_may_lie_along_two_axes_is_refused_with_both_ways_to_say_it(shape, mend, name):
    vector = {name: tf.ones(3) if name == "sample_weight" else tf.fill([3], True)}
    with pytest.raises(ShapeError) as refusal:
        sigmoid_cross_entropy_with_logits(tf.zeros(shape), tf.zeros(shape), **vector)
    assert mend.format(name) in str(refusal.value)
    rows = as_function(BinaryCrossEntropy(from_logits=True))(tf.zeros(shape), tf.zeros(shape), **vector)
    assert rows.shape == shape


def test_a_signature_names_every_option_and_a_misspelt_one_is_that_functions_own():
    for function, theirs in (
        (sigmoid_cross_entropy_with_logits, tf.nn.sigmoid_cross_entropy_with_logits),
        (weighted_cross_entropy_with_logits, tf.nn.weighted_cross_entropy_with_logits),
    ):
        mine, own = (inspect.signature(one).parameters for one in (function, theirs))
        assert list(mine)[: len(own)] == list(own)
        assert {"pos_weight", "neg_weight", "gamma", "gamma_neg", "margin", "mask", "ignore_index"} <= set(mine)
        assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in mine.values())
        with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) got an unexpected keyword .*'gama'"):
            function([1.0], [0.0], pos_weight=1.0, gama=2.0)


@modes
def test_values_that_are_hidden_are_not_looked_at(mode):
    loss = as_function(BinaryCrossEntropy(from_logits=True), validate=True, reduction="sum")
    y, z = tf.constant([math.nan, 7.0, 1.0]), tf.constant([0.0, math.nan, 0.0])
    hidden = {"mask": tf.constant([False, True, True]), "sample_weight": tf.constant([-1.0, 0.0, 1.0])}
    assert run(mode, lambda y, z: loss(y, z, **hidden), y, z).numpy() == pytest.approx(math.log(2))


# Graphs

PLAIN_GRAPHS = """
import logging, math
import keras, numpy as np, tensorflow as tf
from logloss import BinaryCrossEntropy
from logloss.keras import BinaryCrossentropy, BinaryFocalCrossentropy
from logloss.tensorflow import as_function, sigmoid_cross_entropy_with_logits, weighted_cross_entropy_with_logits

heard = []
handler = logging.Handler()
handler.emit = heard.append
tf.get_logger().addHandler(handler)

@tf.function
def plain(y, z):
    return sigmoid_cross_entropy_with_logits(y, z)

@tf.function
def options(y, z):
    return sigmoid_cross_entropy_with_logits(
        y, z, pos_weight=[1.0, 2.0], neg_weight=tf.constant([1.0, 2.0]), sample_weight=tf.ones(3), mask=y > 0,
        label_smoothing=0.1, gamma=1.5, margin=0.1, ignore_index=math.nan, reduction="weighted_mean", validate=True,
    )

@tf.function
def weighted(y, z):
    return weighted_cross_entropy_with_logits(y, z, 3.0)

@tf.function
def objects(y, z):
    focal = as_function(BinaryCrossEntropy.focal(), reduction="mean")(y, tf.sigmoid(z))
    return focal, BinaryCrossentropy()(y, tf.sigmoid(z)), BinaryFocalCrossentropy(from_logits=True)(y, z)

@tf.function(jit_compile=True)
def compiled(y, z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = sigmoid_cross_entropy_with_logits(y, z, reduction="mean")
    return tape.gradient(value, z)

@tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
def unknown(y, z):
    return sigmoid_cross_entropy_with_logits(y, z)

for function in (plain, options, weighted, objects, compiled, unknown):
    function(tf.ones((3, 2)), tf.zeros((3, 2)))
print([record.getMessage() for record in heard])
"""


def test_nothing_is_logged_where_graphs_are_made(tmp_path: File):
    # In a process of its own, because AutoGraph says everything once; in a file, because it reads the source.
    (tmp_path / "graphs.py").write_text(PLAIN_GRAPHS)
    done = subprocess.run([sys.executable, tmp_path / "graphs.py"], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


# Saved models


class Trained(tf.Module):
    """A module whose function gives the loss and its gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = as_function(BinaryCrossEntropy.focal(from_logits=True), reduction="mean")
        self.scale = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
    def step(self, y: Any, z: Any) -> Any:
        with tf.GradientTape() as tape:
            value = self.loss(y, self.scale * z)
        return value, tape.gradient(value, self.scale)

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
    def value(self, y: Any, z: Any) -> Any:
        return self.loss(y, self.scale * z)


def test_a_saved_module_gives_the_same_numbers_and_gradients(tmp_path: File):
    module = Trained()
    y, z = tf.constant([1.0, 0.0, 1.0]), tf.constant([0.3, -0.5, -math.inf])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for made, expected in zip(loaded.step(y[:2], z[:2]), module.step(y[:2], z[:2]), strict=True):
        assert made.numpy() == expected.numpy()
    scale = loaded.scale
    with tf.GradientTape() as tape:
        value = loaded.value(y[:2], z[:2])
    np.testing.assert_allclose(tape.gradient(value, scale), module.step(y[:2], z[:2])[1], rtol=1e-6)


def test_graphs_of_tensorflow_1_are_refused_and_those_of_functions_are_not():
    with tf.Graph().as_default(), pytest.raises(ParameterError, match=r"graph of TensorFlow 1.*Use tf.function\."):
        sigmoid_cross_entropy_with_logits(labels=tf.ones(3), logits=tf.zeros(3), ignore_index=-1)
    mapped = tf.data.Dataset.from_tensors((tf.ones(3), tf.zeros(3))).map(
        lambda y, z: sigmoid_cross_entropy_with_logits(labels=y, logits=z)
    )
    np.testing.assert_allclose(next(iter(mapped)).numpy(), np.full(3, math.log(2)), rtol=1e-6)
