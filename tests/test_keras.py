"""The losses of Keras: its numbers and names with our options, on the backend that KERAS_BACKEND names.

tests/test_keras_backends.py runs this file on the others.
"""

import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from keras import ops
from keras.src.backend.common.masking import set_keras_mask

from logloss import BinaryCrossEntropy
from logloss.core.errors import DtypeError, LogLossError, ParameterError, ShapeError
from logloss.keras import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    as_loss,
    binary_crossentropy,
    binary_focal_crossentropy,
)
from tests.test_truth import LOGITS, exact, family
from tests.tolerances import excess

WORKED_IN = {"tensorflow": " in TensorFlow", "jax": " in XLA", "torch": ""}  # as the table of bounds has it
BACKEND = keras.backend.backend()
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")
reductions = pytest.mark.parametrize("reduction", REDUCTIONS)
domains = pytest.mark.parametrize("from_logits", [True, False], ids=["logits", "probabilities"])


def numbers(value: Any) -> np.ndarray:
    return ops.convert_to_numpy(ops.cast(value, "float32"))


def gradient(function: Any, x: Any) -> np.ndarray:
    """The derivative of a function of one array, by the backend."""
    x = ops.convert_to_tensor(x)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x).numpy()
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: function(x).sum())(x))
    x.requires_grad_()
    function(x).sum().backward()
    return x.grad.numpy()


def batch(from_logits: bool = True, hard: bool = False, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, (12, 4)).astype("float32")
    y = (rng.random(z.shape) < 0.4).astype("float32")
    if not hard:
        y[0] = 0.3
    x = z if from_logits else (1 / (1 + np.exp(-z))).astype("float32")
    return y, x, rng.choice([0.0, 0.5, 2.0], z.shape).astype("float32"), rng.random(z.shape) < 0.7


# The core's numbers


@domains
@reductions
@pytest.mark.parametrize("hidden", [False, True], ids=["all", "some hidden"])
def test_value_and_gradient_are_the_cores(from_logits, reduction, hidden):
    bce = BinaryCrossEntropy(
        from_logits=from_logits, pos_weight=(1.0, 2.0, 3.0, 4.0), gamma=1.5, gamma_neg=2.0, margin=0.1
    )
    y, x, weight, mask = batch(from_logits)
    mask = mask if hidden else np.ones_like(mask)
    given = np.where(mask, y, np.nan)
    loss = as_loss(bce, reduction=reduction, ignore_index=math.nan)
    losses, slopes = bce.loss_gradient(y.astype(float), x, sample_weight=weight, mask=mask)
    divisor = {"sum_over_batch_size": mask.sum(), "mean_with_sample_weight": weight[mask].sum()}.get(
        reduction, np.maximum(mask.sum(axis=1, keepdims=True), 1)
    )
    expected = losses / divisor
    expected = expected.sum(axis=1) if reduction == "none" else expected.sum()
    np.testing.assert_allclose(numbers(loss(given, x, sample_weight=weight)), expected, rtol=3e-6, atol=1e-9)
    made = gradient(lambda x: loss(given, x, sample_weight=weight), x)
    np.testing.assert_allclose(made, slopes / divisor, rtol=1e-5, atol=1e-8)


# JAX has float64 only where it is switched on for all.
@pytest.mark.parametrize("dtype", ["float32"] if BACKEND == "jax" else ["float32", "float64"])
@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_logits_agree_with_the_truth(dtype, rows):
    y, z = (np.asarray([[row[i]] for row in rows], dtype) for i in (3, 2))
    parameters = rows[0].parameters
    loss = as_loss(family(parameters, from_logits=True), reduction="none", dtype=dtype)
    made = {"loss": ops.convert_to_numpy(loss(y, z)), "gradient": gradient(lambda z: loss(y, z), z)[:, 0]}
    for quantity, numbers in made.items():
        for label, point, number in zip(y.ravel().tolist(), z.ravel().tolist(), numbers.tolist(), strict=True):
            value = exact(parameters, point, label, True)[quantity]
            assert excess(number, quantity, parameters, label, value, dtype, dtype + WORKED_IN[BACKEND]) <= 1


def test_infinite_logits_give_the_limits():
    loss = BinaryCrossentropy(from_logits=True, reduction="none")
    y, z = np.float32([[1], [0], [1], [0]]), np.float32([[math.inf], [-math.inf], [-math.inf], [math.inf]])
    assert numbers(loss(y, z)).tolist() == [0, 0, math.inf, math.inf]
    assert gradient(lambda z: loss(y, z), z).ravel().tolist() == [0, 0, -1, 1]


# Keras' own


PAIRS = [
    (BinaryCrossentropy, keras.losses.BinaryCrossentropy, {}),
    (BinaryCrossentropy, keras.losses.BinaryCrossentropy, {"label_smoothing": 0.1}),
    (BinaryFocalCrossentropy, keras.losses.BinaryFocalCrossentropy, {}),
    (BinaryFocalCrossentropy, keras.losses.BinaryFocalCrossentropy, {"apply_class_balancing": True, "gamma": 3.0}),
]


WEIGHTED = list(itertools.product([None, 2.3, (12,), (12, 1)], [*REDUCTIONS, "mean", None]))


@pytest.mark.parametrize(("ours", "theirs", "options"), PAIRS)
@domains
# One weight for all under "mean_with_sample_weight" divides the sum of all in Keras.
@pytest.mark.parametrize(
    ("weight", "reduction"),
    [pair for pair in WEIGHTED if pair != (2.3, "mean_with_sample_weight")],
)
def test_hard_labels_cost_what_they_do_in_keras(ours, theirs, options, from_logits, reduction, weight):
    y, x, _, _ = batch(from_logits, hard=True)
    if isinstance(weight, tuple):
        weight = np.random.default_rng(1).random(weight).astype("float32")
    options = options | {"from_logits": from_logits, "reduction": reduction}
    value, expected = (loss(**options)(y, x, sample_weight=weight) for loss in (ours, theirs))
    # Keras keeps the trailing axis of such weights.
    assert value.shape == (expected.shape[:1] if np.shape(weight) == (12, 1) else expected.shape)
    np.testing.assert_allclose(numbers(value), numbers(expected).reshape(value.shape), rtol=2e-5, atol=1e-6)


@domains
def test_functions_cost_what_they_do_in_keras(from_logits):
    y, x, _, _ = batch(from_logits, hard=True)
    for axis in (-1, 0):
        np.testing.assert_allclose(
            numbers(binary_crossentropy(y, x, from_logits, 0.1, axis)),
            numbers(keras.losses.binary_crossentropy(y, x, from_logits, 0.1, axis)),
            rtol=2e-5,
        )
        np.testing.assert_allclose(
            numbers(binary_focal_crossentropy(y, x, True, 0.3, 2.5, from_logits, 0.0, axis)),
            numbers(keras.losses.binary_focal_crossentropy(y, x, True, 0.3, 2.5, from_logits, 0.0, axis)),
            rtol=2e-5,
            atol=1e-7,
        )


def test_numbers_that_can_be_worked_out_by_hand():
    y, p = np.float32([[1, 0], [1, 0]]), np.float32([[1, 0], [0.25, 0.25]])
    loss = BinaryCrossentropy()
    assert float(numbers(loss(y, y))) == pytest.approx(0, abs=2e-7)
    assert float(numbers(loss(y, p))) == pytest.approx((math.log(4) - math.log(0.75)) / 4, rel=1e-5)
    z = np.float32([[100, -100, 100], [100, 100, -100]])
    y = np.float32([[1, 0, 1], [0, 1, 1]])
    loss = BinaryCrossentropy(from_logits=True)
    assert float(numbers(loss(y, z))) == pytest.approx(200 / 6)
    assert float(numbers(loss(y, z, sample_weight=2.3))) == pytest.approx(2.3 * 200 / 6)
    assert float(numbers(loss(y, z, sample_weight=np.float32([4, 3])))) == pytest.approx(3 * 200 / 6)
    assert numbers(BinaryCrossentropy(from_logits=True, reduction="none")(y, z)).tolist() == pytest.approx([0, 200 / 3])
    focal = BinaryFocalCrossentropy(from_logits=True, apply_class_balancing=True, gamma=2.0)
    e = 1 / (1 + math.exp(0.5))
    expected = 0.25 * e**2 * -math.log(1 - e)
    assert float(numbers(focal(np.float32([[1]]), np.float32([[0.5]])))) == pytest.approx(expected, rel=1e-5)


@reductions
@pytest.mark.parametrize("ours", [BinaryCrossentropy, BinaryFocalCrossentropy])
@pytest.mark.parametrize("validate", [None, True])
def test_weights_may_be_negative_as_in_keras(ours, reduction, validate):
    theirs = getattr(keras.losses, ours.__name__)
    y, z, _, _ = batch(hard=True)
    y, z, weight = (ops.convert_to_tensor(a) for a in (y, z, np.linspace(-2, 1, 12, dtype="float32")))
    own = theirs(from_logits=True, reduction=reduction)(y, z, sample_weight=weight)
    loss = ours(from_logits=True, reduction=reduction, validate=validate)
    for take in (lambda f: f, compiled) if validate is None or BACKEND != "jax" else (lambda f: f,):
        made = take(lambda y, z, weight: loss(y, z, sample_weight=weight))(y, z, weight)
        np.testing.assert_allclose(numbers(made), numbers(own), rtol=1e-4)


def test_a_policy_is_trained_with_weights_of_either_sign():
    X, y = table()
    histories = []
    for loss in (BinaryCrossentropy, keras.losses.BinaryCrossentropy):
        model = network()
        model.compile(optimizer="sgd", loss=loss(from_logits=True))
        rewards = np.random.default_rng(1).normal(size=len(X)).astype("float32")
        histories.append(model.fit(X, y, sample_weight=rewards, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-4)


def test_the_clip_is_keras_epsilon_as_it_is_when_a_loss_is_called():
    y, p = np.float32([[1.0]]), np.float32([[0.0]])
    ours = BinaryCrossentropy(), BinaryFocalCrossentropy(gamma=0.0), binary_crossentropy
    fixed = as_loss(BinaryCrossEntropy(epsilon=1e-5))
    try:
        for epsilon in (1e-3, 1e-7):
            keras.config.set_epsilon(epsilon)
            own = float(numbers(keras.losses.BinaryCrossentropy()(y, p)))
            assert own == pytest.approx(-math.log(epsilon), rel=1e-5)
            for loss in ours:
                assert float(numbers(ops.mean(loss(y, p)))) == pytest.approx(own, rel=1e-5)
            assert float(numbers(fixed(y, p))) == pytest.approx(-math.log(1e-5), rel=1e-5)
    finally:
        keras.config.set_epsilon(1e-7)


@pytest.mark.parametrize(("ours", "theirs", "options"), PAIRS)
def test_losses_show_what_those_of_keras_show(ours, theirs, options):
    loss, own = ours(**options), theirs(**options)
    shown = [name for name in vars(own) if not name.startswith("_") and name != "fn"]
    assert {"from_logits", "label_smoothing", "axis"} <= set(shown)
    assert {name: getattr(loss, name) for name in shown} == {name: getattr(own, name) for name in shown}


@reductions
@pytest.mark.parametrize("weight", [None, (12,)])
@pytest.mark.parametrize("masked", [False, True])
def test_a_call_of_a_subclass_is_used_as_in_keras(reduction, weight, masked):
    y, z, _, _ = batch(hard=True)
    weight = None if weight is None else np.random.default_rng(1).random(weight).astype("float32")

    def made(kind: Any) -> np.ndarray:
        class Doubled(kind):
            def call(self, y_true: Any, y_pred: Any) -> Any:
                return 2 * super().call(y_true, y_pred) + 1

        x = ops.convert_to_tensor(z)
        if masked:
            set_keras_mask(x, ops.convert_to_tensor(np.arange(12) < 7))
        return numbers(Doubled(from_logits=True, reduction=reduction)(y, x, weight))

    np.testing.assert_allclose(made(BinaryCrossentropy), made(keras.losses.BinaryCrossentropy), rtol=1e-5)


# Where Keras is left behind


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_saturated_mistake_keeps_its_gradient(dtype):
    loss = BinaryCrossentropy(dtype=dtype)
    y, p = np.float32([[1.0], [0.0]]), np.float32([[0.0], [1.0]])
    value = loss(y, p)
    assert keras.backend.standardize_dtype(value.dtype) == dtype
    assert float(numbers(value)) == pytest.approx(-math.log(1e-7), rel=1e-2)
    slope = gradient(lambda p: ops.cast(loss(y, p), "float32"), p)
    assert (slope.ravel() * [-1, 1] > 3e4).all()  # in float16 infinite


def test_a_mistake_beyond_every_clip_keeps_its_gradient():
    focal = BinaryFocalCrossentropy(from_logits=True)
    assert gradient(lambda z: focal(np.float32([[1.0]]), z), np.float32([[-50.0]])).item() == pytest.approx(-1)


def test_weights_multiply_elements_before_the_axis_is_averaged():
    y, z, weight, _ = batch()
    expected = BinaryCrossEntropy(from_logits=True, pos_weight=(1, 2, 3, 4)).loss(y, z, sample_weight=weight)
    loss = BinaryCrossentropy(from_logits=True, pos_weight=[1, 2, 3, 4], reduction="none")
    np.testing.assert_allclose(numbers(loss(y, z, sample_weight=weight)), expected.mean(axis=1), rtol=1e-5)
    image = (2, 5, 6, 1)
    y, z = np.zeros(image, "float32"), np.random.default_rng(0).normal(size=image).astype("float32")
    pixels = np.random.default_rng(1).random(image[:3]).astype("float32")
    expected = BinaryCrossEntropy(from_logits=True).loss(y, z, sample_weight=pixels[..., None])
    for weight in (pixels, pixels[..., None]):
        made = numbers(BinaryCrossentropy(from_logits=True)(y, z, sample_weight=weight))
        np.testing.assert_allclose(made, expected.mean(), rtol=1e-5)


def test_class_weights_lie_along_the_axis_that_is_named():
    y, z, _, _ = batch()
    loss = BinaryCrossentropy(from_logits=True, pos_weight=[1, 2, 3, 4], class_axis=0, axis=0, reduction="none")
    expected = BinaryCrossEntropy(from_logits=True, pos_weight=(1, 2, 3, 4)).loss(y, z).mean(axis=1)
    np.testing.assert_allclose(numbers(loss(y.T, z.T)), expected, rtol=1e-5)


def test_an_ignored_label_does_not_count():
    z = np.float32([[0.5, -1.0], [2.0, 0.1]])
    expected = BinaryCrossEntropy(from_logits=True)([1, 0], [0.5, 2.0])
    for y, ignored in (
        (np.uint8([[1, 255], [0, 255]]), 255),
        (np.float32([[1, math.nan], [0, math.nan]]), math.nan),
        (np.int32([[1, -1], [0, -1]]), -1),
    ):
        for loss in (
            BinaryCrossentropy(from_logits=True, ignore_index=ignored),
            as_loss(BinaryCrossEntropy(from_logits=True), ignore_index=ignored),
        ):
            assert float(numbers(loss(y, z))) == pytest.approx(expected, rel=1e-6)
        rows = numbers(binary_crossentropy(y, z, True, ignore_index=ignored))
        np.testing.assert_allclose(rows, BinaryCrossEntropy(from_logits=True).loss([1, 0], [0.5, 2.0]), rtol=1e-6)


@reductions
def test_what_a_mask_of_keras_hides_may_hold_anything(reduction):
    y, z = np.float32([[1, 0, math.nan], [0, math.nan, math.nan]]), np.float32([[0.5, 2, math.nan], [-1, math.inf, 7]])
    mask = np.array([[True, True, False], [True, False, False]])
    loss = BinaryCrossentropy(from_logits=True, reduction=reduction)

    def masked(z: Any) -> Any:
        z = ops.expand_dims(z, -1)
        set_keras_mask(z, ops.convert_to_tensor(mask))
        return loss(y[..., None], z)

    losses = BinaryCrossEntropy(from_logits=True).loss(np.nan_to_num(y), np.nan_to_num(z), mask=mask)
    divisor = 1 if reduction in ("sum", "none") else 3
    made = numbers(masked(ops.convert_to_tensor(z)))
    np.testing.assert_allclose(made, losses if reduction == "none" else losses.sum() / divisor, rtol=1e-5)
    slope = gradient(masked, z)
    assert (slope[~mask] == 0).all()
    assert (np.isfinite(slope) & (slope != 0))[mask].all()


@reductions
def test_the_mean_of_nothing_is_zero_and_pulls_nowhere(reduction):
    loss = BinaryCrossentropy(from_logits=True, ignore_index=-1, reduction=reduction)
    y, z = np.full((3, 2), -1.0, "float32"), np.ones((3, 2), "float32")
    assert (numbers(loss(y, z)) == 0).all()
    assert (gradient(lambda z: loss(y, z), z) == 0).all()


def test_labels_of_any_type_are_taken_as_they_are():
    y, z, _, _ = batch(hard=True)
    expected = float(numbers(BinaryCrossentropy(from_logits=True)(y, z)))
    for dtype in ("bool", "uint8", "int32", "int64", "float16"):
        assert float(numbers(BinaryCrossentropy(from_logits=True)(y.astype(dtype), z))) == pytest.approx(expected)


# Tensors that a model has yet to make


SYMBOLIC = {
    "binary_crossentropy": lambda losses: lambda y, p: losses.binary_crossentropy(y, p, label_smoothing=0.1),
    "over another axis": lambda losses: lambda y, p: losses.binary_crossentropy(y, p, axis=0),
    "binary_focal_crossentropy": lambda losses: losses.binary_focal_crossentropy,
    # Keras makes no mean of rows whose number is open.
    "class": lambda losses: losses.BinaryCrossentropy(reduction="sum"),
    "class of rows": lambda losses: losses.BinaryFocalCrossentropy(True, reduction="none"),
    "in operations": lambda losses: lambda y, p: ops.mean(3 * losses.binary_crossentropy(y, p)),
}


@pytest.mark.parametrize("way", SYMBOLIC)
def test_a_loss_may_be_part_of_a_model(way, tmp_path):
    import logloss.keras

    X, y = np.random.default_rng(0).normal(size=(6, 3)).astype("float32"), np.eye(6, 4, dtype="float32")
    made, specs = [], []
    for losses in (logloss.keras, keras.losses):
        keras.utils.set_random_seed(0)
        x, labels = keras.Input((3,)), keras.Input((4,))
        loss = SYMBOLIC[way](losses)(labels, keras.layers.Dense(4, activation="sigmoid")(x))
        specs.append((loss.shape, loss.dtype))
        made.append(keras.Model([x, labels], loss))
    assert isinstance(loss, keras.KerasTensor)
    assert specs[0] == specs[1]
    made[0].save(tmp_path / "model.keras")
    value, own, again = (numbers(model([X, y])) for model in (*made, keras.models.load_model(tmp_path / "model.keras")))
    np.testing.assert_allclose(value, own, rtol=1e-5)
    np.testing.assert_array_equal(again, value)


def test_a_loss_in_a_model_keeps_all_its_options(tmp_path):
    bce = BinaryCrossEntropy(from_logits=True, pos_weight=(1, 2, 3, 4), gamma=1.5, gamma_neg=2.0, margin=0.1)
    y, z, weight, mask = batch()
    y = np.where(mask, y, np.nan)
    loss = as_loss(bce, reduction="weighted_mean", axis=(0, -1), ignore_index=math.nan)
    given = [keras.Input((4,)) for _ in range(3)]
    keras.Model(given, loss(*given)).save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    expected = bce(np.nan_to_num(y), z, sample_weight=weight, mask=mask, reduction="weighted_mean")
    assert float(numbers(model([y, z, weight]))) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ShapeError, match="axis=2 is not an axis of y_pred"):
        BinaryCrossentropy(axis=2)(given[0], given[1])


# Shapes


@pytest.mark.parametrize("true", [(5,), (5, 1)])
@pytest.mark.parametrize("pred", [(5,), (5, 1)])
@reductions
def test_a_trailing_axis_of_one_is_aligned_as_in_keras(true, pred, reduction):
    rng = np.random.default_rng(0)
    y, z = (rng.random(true) < 0.5).astype("float32"), rng.normal(size=pred).astype("float32")
    value, expected = (
        loss(from_logits=True, reduction=reduction)(y, z)
        for loss in (BinaryCrossentropy, keras.losses.BinaryCrossentropy)
    )
    assert value.shape == expected.shape
    np.testing.assert_allclose(numbers(value), numbers(expected), rtol=1e-5)


@pytest.mark.parametrize(
    ("true", "pred"), [((5, 1), (5, 3)), ((5,), (5, 5)), ((1, 3), (5, 3)), ((3, 5), (5, 3)), ((5,), (4, 1))]
)
def test_nothing_else_is_broadcast(true, pred):
    with pytest.raises(ShapeError):
        BinaryCrossentropy(from_logits=True)(np.zeros(true, "float32"), np.zeros(pred, "float32"))


@pytest.mark.parametrize("shape", [(4,), (1,), (1, 3), (3,), (5, 1, 1), (5, 2)])
def test_weights_of_other_shapes_are_refused(shape):
    zeros = np.zeros((5, 3), "float32")
    with pytest.raises(ShapeError, match="sample_weight has shape"):
        BinaryCrossentropy(from_logits=True)(zeros, zeros, sample_weight=np.ones(shape, "float32"))


# Names, configs, refusals


class Reduction:
    """As the enumeration of Keras 2."""

    def __init__(self, value: str) -> None:
        self.value = value


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("auto", "sum_over_batch_size"),
        ("AUTO", "sum_over_batch_size"),
        (Reduction("auto"), "sum_over_batch_size"),
        (Reduction("sum_over_batch_size"), "sum_over_batch_size"),
        (Reduction("sum"), "sum"),
        (Reduction("none"), "none"),
        (None, "none"),
        ("weighted_mean", "mean_with_sample_weight"),
        ("mean", "mean"),
    ],
)
def test_reductions_go_by_the_names_of_keras_3_and_2(given, means):
    assert BinaryCrossentropy(reduction=given).reduction == means


LOSSES = [
    BinaryCrossentropy(),
    BinaryCrossentropy(True, 0.1, 0, "sum", "mine", "float16", pos_weight=[1, 2], neg_weight=0.5, gamma=1.5),
    BinaryCrossentropy(gamma_neg=2.0, margin=0.1, ignore_index=math.nan, class_axis=1, reduction=None),
    BinaryCrossentropy(ignore_index=255, dtype=keras.DTypePolicy("mixed_bfloat16")),
    BinaryFocalCrossentropy(),
    BinaryFocalCrossentropy(True, 0.4, 3.0, True, 0.1, -1, "auto", "mine", "bfloat16", ignore_index=-1),
    BinaryFocalCrossentropy(pos_weight=2.0, gamma_neg=1.0),
    as_loss(BinaryCrossEntropy.asymmetric(from_logits=True, epsilon=1e-3), reduction="weighted_mean", name="mine"),
    as_loss(BinaryCrossEntropy(pos_weight=(1, 2)), axis=0, class_axis=0, ignore_index=-1, dtype="float32"),
    BinaryCrossentropy(ignore_index=np.uint8(255), axis=np.int64(-1), class_axis=np.int64(0)),
    BinaryCrossentropy(ignore_index=np.float32("nan")),
    BinaryCrossentropy(ignore_index=math.inf, axis=(0, 1)),
    as_loss(BinaryCrossEntropy(), ignore_index=-math.inf, axis=None),
    BinaryFocalCrossentropy(np.True_, np.float32(0.5), pos_weight=np.array(1)),
    BinaryCrossentropy(validate=True),
    BinaryFocalCrossentropy(validate=False),
    as_loss(BinaryCrossEntropy(), validate=False),
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_config_loses_nothing(loss):
    config = json.loads(json.dumps(loss.get_config(), allow_nan=False))
    twin = type(loss).from_config(config)
    assert twin.get_config() == loss.get_config()
    assert repr(twin._of) == repr(loss._of)
    assert (twin.name, twin.reduction, twin.dtype) == (loss.name, loss.reduction, loss.dtype)
    for again in (
        keras.losses.deserialize(keras.losses.serialize(loss)),
        keras.losses.get({"class_name": f"logloss>{type(loss).__name__}", "config": config}),
    ):
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()


def test_defaults_and_orders_are_those_of_keras():
    import inspect

    for ours, theirs in (
        (BinaryCrossentropy, keras.losses.BinaryCrossentropy),
        (BinaryFocalCrossentropy, keras.losses.BinaryFocalCrossentropy),
        (binary_crossentropy, keras.losses.binary_crossentropy),
        (binary_focal_crossentropy, keras.losses.binary_focal_crossentropy),
    ):
        mine, keras_own = (list(inspect.signature(function).parameters.values()) for function in (ours, theirs))
        named = [(parameter.name, parameter.default) for parameter in keras_own]
        assert [(parameter.name, parameter.default) for parameter in mine[: len(named)]] == named


@pytest.mark.parametrize(
    ("ours", "required"),
    [
        (BinaryCrossentropy, ()),
        (BinaryFocalCrossentropy, ()),
        (binary_crossentropy, ([1.0], [0.5])),
        (binary_focal_crossentropy, ([1.0], [0.5])),
    ],
)
def test_a_signature_names_every_option_and_a_misspelt_one_is_that_functions_own(ours, required):
    import inspect

    named = inspect.signature(ours).parameters
    assert {"pos_weight", "neg_weight", "gamma", "gamma_neg", "margin", "ignore_index", "validate"} <= set(named)
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in named.values())
    name = f"{ours.__name__}.__init__" if isinstance(ours, type) else ours.__name__
    with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword argument 'pos_wieght'"):
        ours(*required, pos_wieght=3)


def of_keras_2(name: str) -> Any:
    return type(name, (), {"__module__": "tf_keras.src.engine.keras_tensor"})()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: BinaryCrossentropy(reduction="meen"), ParameterError, 'Did you mean "mean"'),
        (lambda: BinaryCrossentropy(label_smoothing=2), ParameterError, "label_smoothing=2 is out of range"),
        (lambda: BinaryCrossentropy(ignore_index="x"), ParameterError, "ignore_index='x' is not a number"),
        (lambda: BinaryFocalCrossentropy(True, alpha=2), ParameterError, "alpha=2 is out of range"),
        (lambda: BinaryFocalCrossentropy(True, pos_weight=2.0), ParameterError, "pos_weight was given too"),
        (lambda: BinaryFocalCrossentropy(True, pos_weight=np.array([1.0, 2.0])), ParameterError, "was given too"),
        (
            lambda: binary_focal_crossentropy([1.0], [0.5], True, neg_weight=[1.0, 2.0]),
            ParameterError,
            "neg_weight was given too",
        ),
        (lambda: as_loss("focal"), ParameterError, "is not a BinaryCrossEntropy"),
        (lambda: BinaryCrossentropy(dtype=of_keras_2("Policy")), DtypeError, "expected Keras 3"),
        (lambda: BinaryCrossentropy()(np.zeros(1), of_keras_2("KerasTensor")), DtypeError, "expected Keras 3"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert isinstance(caught.value, LogLossError)


def test_axes_and_switches_are_looked_at_when_a_loss_is_made_and_axes_again_when_called():
    for name in ("axis", "class_axis"):
        for wrong in (0.5, "0", True):
            for make in (BinaryCrossentropy, BinaryFocalCrossentropy, lambda **o: as_loss(BinaryCrossEntropy(), **o)):
                with pytest.raises(ParameterError, match=rf"{name}=.* is not a whole number"):
                    make(**{name: wrong})
    with pytest.raises(ParameterError, match="validate='no' is not True, False or None"):
        BinaryCrossentropy(validate="no")
    y = p = np.full((2, 2), 0.5, "float32")
    for axis in (2, -3, (0, 2)):
        for reduction in REDUCTIONS:
            with pytest.raises(ShapeError, match=r"axis=-?\d is not an axis of y_pred, whose shape is \(2, 2\)"):
                BinaryCrossentropy(axis=axis, reduction=reduction)(y, p)
    with pytest.raises(ShapeError, match="class_axis=2 is not an axis of"):
        BinaryCrossentropy(class_axis=2, pos_weight=[1.0, 2.0])(y, p)


@pytest.mark.parametrize("wrong", [None, np.array(["1", "0"])], ids=["None", "text"])
def test_what_is_no_dense_tensor_of_numbers_is_refused(wrong):
    half = np.float32([0.5, 0.5])
    for loss in (BinaryCrossentropy(), BinaryCrossentropy(ignore_index=-1), binary_crossentropy):
        with pytest.raises(DtypeError, match=r"y_true .*(?i:expected)"):
            loss(wrong, half)
        with pytest.raises(DtypeError, match=r"y_pred .*(?i:expected)"):
            loss(half, wrong)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others have none")
def test_ragged_and_sparse_tensors_are_refused_with_what_makes_them_dense():
    import tensorflow as tf

    half = np.float32([[0.5, 0.5]])
    with pytest.raises(DtypeError, match=r"y_true is a RaggedTensor.*y_true\.to_tensor\(-1\).*ignore_index"):
        BinaryCrossentropy()(tf.ragged.constant([[1.0, 0.0]]), half)
    with pytest.raises(DtypeError, match=r"y_pred is a SparseTensor.*tf\.sparse\.to_dense\(y_pred\)"):
        BinaryCrossentropy()(half, tf.sparse.from_dense(half))


@pytest.mark.parametrize("kind", [ops.ones, np.ones, lambda n: [1.0] * n])
@pytest.mark.parametrize("make", [BinaryCrossentropy, BinaryFocalCrossentropy])
def test_class_weights_may_be_tensors(make, kind):
    y, z, _, _ = batch()
    loss = make(from_logits=True, pos_weight=kind(4))
    expected = float(numbers(make(from_logits=True)(y, z)))
    assert float(numbers(loss(y, z))) == pytest.approx(expected)
    assert json.loads(json.dumps(loss.get_config()))["pos_weight"] == [1.0] * 4


@pytest.mark.parametrize("make", [BinaryCrossentropy, BinaryFocalCrossentropy])
def test_a_misspelt_keyword_of_a_call_is_refused_by_the_name_of_the_class(make):
    with pytest.raises(TypeError, match=rf"^{make.__name__} got .*'sample_weights'.*Did you mean .sample_weight."):
        make()(np.zeros(1), np.zeros(1), sample_weights=np.ones(1))


def test_labels_without_the_classes_axis_are_refused_with_the_positive_class():
    if BACKEND == "torch":
        pytest.skip("its sentence is PyTorch's own")
    with pytest.raises(ShapeError, match=r"y_pred\[\.\.\., 1\]"):
        BinaryCrossentropy()(np.zeros(3, "float32"), np.zeros((3, 2), "float32"))


# Training


def network(k: int = 1, activation: str | None = None, **options: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(k, activation=activation, **options)])


def table(k: int | None = None, n: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).astype("float32")
    return X, (X[:, :1] + rng.normal(size=(n, k or 1)) > 0).astype("float32")[:, slice(k) if k else 0]


@pytest.mark.parametrize("activation", [None, "sigmoid"])
@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 3.0}], ids=["alike", "class_weight"])
def test_a_network_trains_as_with_keras_own_loss(activation, class_weight):
    X, y = table()
    histories = []
    for loss in (BinaryCrossentropy, keras.losses.BinaryCrossentropy):
        model = network(activation=activation)
        model.compile(optimizer="adam", loss=loss(from_logits=activation is None), metrics=["accuracy"])
        fitted = model.fit(X, y, epochs=2, batch_size=24, verbose=0, class_weight=class_weight)
        histories.append([*fitted.history["loss"], *model.evaluate(X, y, verbose=0)])
    np.testing.assert_allclose(*histories, rtol=1e-5)


def test_a_model_whose_output_is_its_loss_trains_as_one_that_is_compiled_with_it():
    X, y = table(1)
    histories = []
    for is_inside in (False, True):
        model, labels = network(activation="sigmoid"), keras.Input((1,))
        inputs, loss = X, BinaryCrossentropy(pos_weight=3.0)
        if is_inside:
            inputs, model = [X, y], keras.Model([*model.inputs, labels], loss(labels, *model.outputs))
            loss = lambda _, value: value  # noqa: E731
        model.compile(optimizer="adam", loss=loss)
        histories.append(model.fit(inputs, y, epochs=2, batch_size=len(X), verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_many_labels_train_with_weights_of_their_own():
    X, y = table(4)
    y[:5, 0] = math.nan
    model = network(4)
    loss = BinaryCrossentropy(from_logits=True, pos_weight=[1, 2, 3, 4], ignore_index=math.nan)
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=loss)
    losses = model.fit(X, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_masked_sequence_trains_though_what_it_hides_is_nan():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(16, 5, 3)).astype("float32")
    y = (X[..., :1] > 0).astype("float32")
    X[:, 3:] = 0
    y[:, 3:] = math.nan
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            keras.layers.Masking(),
            keras.layers.SimpleRNN(4, return_sequences=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss=BinaryCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(X, y, epochs=2, verbose=0).history["loss"]).all()


LAYERS = {"Dense": ("sigmoid", lambda z: z), "Activation": (None, keras.layers.Activation("sigmoid"))}
FUNCTIONS = {"activations": (None, keras.activations.sigmoid), "ops": (None, ops.sigmoid)}


@pytest.mark.parametrize("way", LAYERS | FUNCTIONS)
def test_a_saturated_sigmoid_learns_where_keras_keeps_its_logits(way):
    activation, sigmoid = (LAYERS | FUNCTIONS)[way]
    dense = keras.layers.Dense(1, activation=activation, bias_initializer=keras.initializers.Constant(-200.0))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, sigmoid(dense(inputs)))
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=BinaryCrossentropy())
    X, _ = table()
    model.fit(X, np.ones(len(X)), epochs=1, batch_size=64, verbose=0)
    # Arrays of JAX hold no attributes; on PyTorch only layers leave the logits where they can be found.
    keeps_logits = {"tensorflow": True, "torch": way in LAYERS, "jax": False}[BACKEND]
    assert (float(numbers(dense.bias)[0]) > -200) == keeps_logits


# What made the probabilities


Z, Y = np.float32([[2, 1], [0, 3]]), np.eye(2, dtype="float32")
WAYS = {
    "class": (BinaryCrossentropy(), 0.0),
    "function": (lambda y, p: ops.mean(binary_crossentropy(y, p)), 0.0),
    "focal class": (BinaryFocalCrossentropy(), 2.0),
    "focal function": (lambda y, p: ops.mean(binary_focal_crossentropy(y, p)), 2.0),
}
ACTIVATIONS = {
    "softmax": keras.activations.softmax,
    "sigmoid": keras.activations.sigmoid,
    "a sigmoid of ops": ops.sigmoid,
    "one by hand": lambda z: 0.9 * keras.activations.sigmoid(z) + 0.05,
    "sigmoid and softmax": lambda z: keras.activations.softmax(keras.activations.sigmoid(z)),
}
ways = pytest.mark.parametrize("way", WAYS)
activations = pytest.mark.parametrize("activation", ACTIVATIONS)


def compiled(function: Any) -> Any:
    """The function as a graph of the backend, where it has graphs."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


@ways
@activations
def test_probabilities_cost_the_same_whatever_made_them(way, activation):
    loss, gamma = WAYS[way]
    z = ops.convert_to_tensor(Z)
    p = numbers(ACTIVATIONS[activation](z))
    expected = BinaryCrossEntropy(gamma=gamma)(Y, p)
    for take in (lambda f: f, compiled):
        made = take(lambda z: loss(Y, ACTIVATIONS[activation](z)))(z)
        assert float(numbers(made)) == pytest.approx(expected, rel=1e-5)
    assert float(numbers(loss(Y, p))) == pytest.approx(expected, rel=1e-5)


def test_a_softmax_costs_what_it_does_in_keras_without_its_logits():
    p = keras.activations.softmax(ops.convert_to_tensor(Z))
    assert float(numbers(BinaryCrossentropy()(Y, p))) == pytest.approx(0.1809, abs=1e-4)


@ways
def test_a_network_with_a_softmax_costs_the_log_loss_of_what_it_predicts(way):
    loss, gamma = WAYS[way]
    X, y = table()
    y = np.stack([1 - y, y], axis=1)
    model = network(2, "softmax")
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=loss)
    losses = model.fit(X, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    true = BinaryCrossEntropy(gamma=gamma)(y, model.predict(X, verbose=0))
    assert model.evaluate(X, y, verbose=0) == pytest.approx(true, rel=1e-5)
    assert float(numbers(loss(y, model(X)))) == pytest.approx(true, rel=1e-5)


@activations
def test_a_mistake_beyond_the_clip_costs_the_same_eagerly_and_in_evaluate(activation):
    X, y = np.float32([[60.0, -60.0]]), np.float32([[0.0, 1.0]])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Activation(ACTIVATIONS[activation])])
    model.compile(loss=BinaryCrossentropy())
    evaluated = model.evaluate(X, y, verbose=0)
    assert float(numbers(BinaryCrossentropy()(y, model(X)))) == pytest.approx(evaluated, rel=1e-5)
    own = float(numbers(keras.losses.BinaryCrossentropy()(y, model(X))))
    if BACKEND == "torch" and activation == "sigmoid":  # whose logits Keras keeps, and clips the loss all the same
        assert evaluated == pytest.approx(60, rel=1e-6)
    elif "softmax" not in activation:  # whose logits Keras takes for a sigmoid's on TensorFlow
        assert evaluated == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize(
    "function", [BinaryCrossentropy(from_logits=True), lambda y, s: binary_crossentropy(y, s, True)]
)
def test_the_logits_of_a_sigmoid_are_not_squashed_twice_where_keras_sees_them(function):
    y, z = np.float32([[1.0, 0.0]]), ops.convert_to_tensor(np.float32([[2.0, 2.0]]))
    for take in (lambda f: f, compiled):
        if BACKEND == "tensorflow":
            with pytest.warns(UserWarning, match="y_pred was made by a sigmoid"):
                value = take(lambda z: function(y, keras.activations.sigmoid(z)))(z)
            with pytest.warns(UserWarning, match="Was this intended"):
                own = keras.losses.binary_crossentropy(y, keras.activations.sigmoid(z), from_logits=True)
        else:
            value = take(lambda z: function(y, keras.activations.sigmoid(z)))(z)
            own = keras.losses.binary_crossentropy(y, keras.activations.sigmoid(z), from_logits=True)
        assert float(numbers(ops.mean(value))) == pytest.approx(float(numbers(own)[0]), rel=1e-5)
        take(lambda z: function(y, keras.activations.softmax(z)))(z)  # of which nothing is known: no warning


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = network()
        model.compile(optimizer="adam", loss=BinaryCrossentropy(from_logits=True))
        X, y = table()
        assert np.isfinite(model.fit(X, y, epochs=2, verbose=0).history["loss"]).all()
        scales = type(model.optimizer).__name__ == "LossScaleOptimizer"
        assert scales == (policy == "mixed_float16")
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_compiled_model_is_saved_and_loaded(tmp_path: Path):
    X, y = table(4)
    for loss in (
        BinaryCrossentropy(from_logits=True, pos_weight=[1, 2, 3, 4], ignore_index=math.nan, label_smoothing=0.1),
        BinaryFocalCrossentropy(True, from_logits=True),
        as_loss(BinaryCrossEntropy.asymmetric(from_logits=True)),
        # Keras takes such a dict in `compile` for one loss an output, its own too.
        keras.losses.get({"class_name": "logloss>BinaryCrossentropy", "config": {"from_logits": True}}),
    ):
        model = network(4)
        model.compile(optimizer="adam", loss=loss)
        model.fit(X, y, epochs=1, verbose=0)
        before = model.evaluate(X, y, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert type(loaded.loss).__module__.startswith("logloss.keras")
        assert loaded.evaluate(X, y, verbose=0) == pytest.approx(before, rel=1e-6)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_model_compiled_with_a_function_loads_with_the_same(tmp_path: Path, name, suffix):
    import logloss.keras

    file = tmp_path / f"model.{suffix}"
    own = getattr(keras.losses, name)
    for loss, expected in ((getattr(logloss.keras, name), getattr(logloss.keras, name)), (own, own), (name, own)):
        model = network(activation="sigmoid")
        model.compile(loss=loss)
        model.fit(*table(), verbose=0)
        model.save(file)
        assert keras.losses.get(keras.models.load_model(file).loss) is expected
    assert keras.losses.deserialize(name) is own
    assert keras.losses.get(name) is own
