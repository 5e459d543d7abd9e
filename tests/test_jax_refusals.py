"""What the core refuses JAX has refused too: shapes and types while tracing, values where that is asked for."""

import math
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import checkify, sparse

from logloss import BinaryCrossEntropy
from logloss.core.errors import (
    DtypeError,
    LabelError,
    LogitError,
    ParameterError,
    ProbabilityError,
    ShapeError,
    SpellingError,
    WeightError,
)
from logloss.jax import as_function, sigmoid_binary_cross_entropy, sigmoid_focal_loss


def call(y_pred, y_true, **others):
    return as_function(BinaryCrossEntropy(pos_weight=(1.0, 2.0), from_logits=True))(y_pred, y_true, **others)


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        ({"y_pred": (3, 1), "y_true": (3,)}, ShapeError, ["(3, 1)", "(3,)", "(3, 3)", "y_pred[:, 0]"]),
        ({"y_pred": (3,), "y_true": (3, 1)}, ShapeError, ["(3, 1)", "(3,)", "y_true[:, 0]"]),
        ({"y_pred": (3, 2), "y_true": ()}, ShapeError, ["()", "(3, 2)"]),
        ({"y_pred": (3, 2), "y_true": (2, 3)}, ShapeError, ["(3, 2)", "(2, 3)"]),
        ({"y_pred": (3, 4), "y_true": (3, 4)}, ShapeError, ["pos_weight has 2 entries", "has 4"]),
        ({"y_pred": (3, 2), "y_true": (3, 2), "sample_weight": (2,)}, ShapeError, ["sample_weight", "one entry a row"]),
        ({"y_pred": (3, 2), "y_true": (3, 2), "mask": (3, 1)}, ShapeError, ["mask has shape (3, 1)"]),
        ({"y_pred": (3, 2), "y_true": (3, 2), "where": (2, 3)}, ShapeError, ["where has shape (2, 3)"]),
    ],
)
@pytest.mark.parametrize("transform", [lambda f: f, jax.jit, jax.make_jaxpr], ids=["eager", "jit", "jaxpr"])
def test_shapes_are_refused_while_tracing(arrays, error, words, transform):
    given = {name: jnp.zeros(shape, bool if name in ("mask", "where") else float) for name, shape in arrays.items()}
    positional = [given.pop("y_pred"), given.pop("y_true")]
    with pytest.raises(error) as refusal:
        transform(call)(*positional, **given)
    for word in words:
        assert word in str(refusal.value)


def test_the_names_are_those_of_the_function_that_was_called():
    with pytest.raises(ShapeError, match=r"labels has shape \(3,\) and logits has shape \(3, 1\).*Use logits\[:, 0\]"):
        sigmoid_binary_cross_entropy(jnp.zeros((3, 1)), jnp.zeros(3))
    with pytest.raises(ShapeError, match=r"weights has shape \(2,\), which does not broadcast to that of logits"):
        sigmoid_focal_loss(jnp.zeros(3), jnp.zeros(3), weights=jnp.zeros(2))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (([1, 0], [1, 0]), {}, DtypeError, "logits has dtype int32; expected a floating type"),
        (([True], [1]), {}, DtypeError, "logits has dtype bool"),
        (([1j], [1]), {}, DtypeError, "complex64"),
        (([1.0], [1j]), {}, DtypeError, "labels has dtype complex64"),
        (([1.0], [1]), {"mask": [1]}, DtypeError, r"mask\.astype\(bool\)"),
        (([1.0], [1]), {"mask": [True], "where": [True]}, ParameterError, "two names for one thing"),
        (([1.0], [1]), {"ignore_index": "x"}, ParameterError, "ignore_index='x' is not a number"),
        (([1.0], [1]), {"reduction": "meen"}, ParameterError, 'Did you mean "mean"'),
        (([1.0], [1]), {"gamma": -1}, ParameterError, "gamma=-1 is out of range"),
    ],
)
@pytest.mark.parametrize("function", [sigmoid_binary_cross_entropy, sigmoid_focal_loss])
def test_what_does_not_fit_is_refused_in_a_sentence(function, arguments, options, error, words):
    with pytest.raises(error, match=words):
        function(*(jnp.array(argument) for argument in arguments), **options)


def test_alpha_and_class_weights_exclude_each_other():
    with pytest.raises(ParameterError, match="alpha sets the class weights and pos_weight was given too"):
        sigmoid_focal_loss(jnp.zeros(1), jnp.zeros(1), alpha=0.25, pos_weight=2.0)


def test_an_option_that_is_traced_is_refused_with_the_way_out():
    with pytest.raises(ParameterError, match=r'gamma is traced.*static_argnames="gamma"'):
        jax.jit(sigmoid_focal_loss)(jnp.zeros(1), jnp.zeros(1), gamma=2.0)
    named = jax.jit(sigmoid_focal_loss, static_argnames=("gamma", "alpha"))
    assert named(jnp.zeros(1), jnp.zeros(1), gamma=0.0) == pytest.approx(math.log(2))


@pytest.mark.parametrize("wrong", ["focal", BinaryCrossEntropy, None])
def test_only_a_loss_becomes_a_function(wrong):
    with pytest.raises(ParameterError, match=r"is not a BinaryCrossEntropy\. Make one"):
        as_function(wrong)


def test_an_unknown_reduction_is_refused_before_there_are_arrays():
    with pytest.raises(ParameterError, match="reduction='average'"):
        as_function(BinaryCrossEntropy(), reduction="average")
    with pytest.raises(SpellingError):
        as_function(BinaryCrossEntropy.parse("focul"))


NAN = math.nan
BAD = [
    ({}, [0.5, NAN], [1, 0], {}, LogitError, "logits are not a number"),
    ({}, [0.5, 0.1], [2.0, 0], {}, LabelError, "labels lie outside"),
    ({}, [0.5, 0.1], [NAN, NAN], {}, LabelError, "labels lie outside"),
    ({}, [0.5, 0.1], [1, 0], {"sample_weight": [-1.0, 1.0]}, WeightError, "weights are negative"),
    ({}, [0.5, 0.1], [1, 0], {"sample_weight": [1.0, math.inf]}, WeightError, "weights are negative"),
    ({"from_logits": False}, [0.5, 1.5], [1, 0], {}, ProbabilityError, "probabilities lie outside"),
]


@pytest.mark.parametrize(("parameters", "pred", "y", "others", "error", "words"), BAD)
def test_validation_refuses_values_now_or_when_compiled_code_runs(parameters, pred, y, others, error, words):
    bce = BinaryCrossEntropy(**{"from_logits": True} | parameters)
    pred, y, others = jnp.array(pred), jnp.array(y), {name: jnp.array(v) for name, v in others.items()}
    loss = as_function(bce, reduction="mean", validate=True)
    for eager in (loss, jax.grad(loss), jax.value_and_grad(loss)):
        with pytest.raises(error):
            eager(pred, y, **others)
    good = (jnp.clip(jnp.nan_to_num(pred), 0, 1), jnp.clip(jnp.nan_to_num(y), 0, 1))
    weights = {name: jnp.ones(2) for name in others}
    for traced in (jax.jit(loss), jax.jit(jax.grad(loss))):
        failure, _ = checkify.checkify(traced)(pred, y, **others)
        with pytest.raises(checkify.JaxRuntimeError, match=words):
            failure.throw()
        failure, _ = checkify.checkify(traced)(*good, **weights)
        failure.throw()
    hidden = jnp.zeros(2, bool)
    assert loss(pred, y, **others, mask=hidden) == 0
    failure, value = checkify.checkify(jax.jit(loss))(pred, y, **others, mask=hidden)
    failure.throw()
    assert value == 0


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 4)])
@pytest.mark.parametrize("which", ["weights", "mask"])
@pytest.mark.parametrize("function", [sigmoid_binary_cross_entropy, sigmoid_focal_loss, None])
def test_validation_takes_one_weight_or_mask_a_row_and_names_what_it_refuses(shape, which, function):
    z, y = jnp.zeros(shape), jnp.ones(shape)
    names = ("logits", "labels", "weights")
    if function is None:
        function = as_function(BinaryCrossEntropy(from_logits=True), validate=True)
        names, validate = ("y_pred", "y_true", "sample_weight"), {}
    else:
        validate = {"validate": True}
    rows = {"mask": jnp.array([True, False, True])} if which == "mask" else {names[2]: jnp.array([1.0, 0.0, 2.0])}
    assert function(z, y, **rows, **validate).shape == shape
    hidden, last = (1,) + (0,) * (len(shape) - 1), tuple(size - 1 for size in shape)
    place = re.escape(f"[{', '.join(map(str, last))}]")
    bad_labels, bad_logits = y.at[hidden].set(7.0), z.at[hidden].set(NAN)
    assert jnp.isfinite(function(bad_logits, bad_labels, **rows, **validate)).all()
    with pytest.raises(LabelError, match=rf"{names[1]}{place} = 2.0"):
        function(z, bad_labels.at[last].set(2.0), **rows, **validate)
    with pytest.raises(LabelError, match=rf"mask=~jnp\.isnan\({names[1]}\)"):
        function(z, y.at[last].set(NAN), **rows, **validate)
    with pytest.raises(LogitError, match=rf"{names[0]}{place} = nan.*mask=~jnp\.isnan\({names[0]}\)"):
        function(bad_logits.at[last].set(NAN), y, **rows, **validate)
    if which == "weights":
        with pytest.raises(WeightError, match=rf"{names[2]}\[2\] = -1.0"):
            function(z, y, **{names[2]: jnp.array([1.0, 0.0, -1.0])}, **validate)


@pytest.mark.parametrize("name", ["weights", "mask", "where"])
@pytest.mark.parametrize(
    ("shape", "mend"),
    [
        ((3, 3), "{0}[:, None] for rows, or {0}[None, :] for"),
        ((3, 2, 3), "{0}[:, None, None] for rows, or {0}[None, None, :] for"),
    ],
)
def test_a_vector_that_may_lie_along_two_axes_is_refused_with_both_ways_to_say_it(shape, mend, name):
    vector = {name: jnp.ones(3, float if name == "weights" else bool)}
    with pytest.raises(ShapeError) as refusal:
        jax.jit(sigmoid_binary_cross_entropy)(jnp.zeros(shape), jnp.zeros(shape), **vector)
    assert mend.format(name) in str(refusal.value)


def test_a_mask_is_refused_by_the_name_that_was_written():
    with pytest.raises(DtypeError, match=r"^where has dtype float32.*Use where\.astype\(bool\)"):
        sigmoid_focal_loss(jnp.zeros(3), jnp.zeros(3), where=jnp.ones(3))


@pytest.mark.parametrize(
    "wrong", [None, ["1", "0"], sparse.BCOO.fromdense(jnp.ones(2))], ids=["None", "text", "sparse"]
)
def test_what_is_no_dense_array_of_numbers_is_refused(wrong):
    for function in (sigmoid_binary_cross_entropy, as_function(BinaryCrossEntropy())):
        with pytest.raises(DtypeError, match=r"(?i)expected a"):
            function(jnp.zeros(2), wrong)
        with pytest.raises(DtypeError, match=r"(?i)expected a"):
            function(wrong, jnp.zeros(2))


def test_axes_and_switches_are_looked_at_when_a_loss_is_made():
    for wrong in (0.5, "0", True, None):
        with pytest.raises(ParameterError, match=r"class_axis=.* is not a whole number"):
            as_function(BinaryCrossEntropy(), class_axis=wrong)
    with pytest.raises(ParameterError, match="validate='no' is not True, False or None"):
        as_function(BinaryCrossEntropy(), validate="no")


def test_a_misspelt_keyword_of_a_loss_is_refused_by_the_name_of_what_made_it():
    with pytest.raises(TypeError, match=r"logloss\.jax\.as_function .*'sample_weights'.*Did you mean .sample_weight."):
        as_function(BinaryCrossEntropy())(jnp.zeros(2), jnp.zeros(2), sample_weights=jnp.ones(2))


@pytest.mark.parametrize("mark", [255, -1, -100])
def test_a_label_that_marks_what_does_not_count_is_refused_with_the_option_for_it(mark):
    arrays = jnp.zeros(3), jnp.array([0, 1, mark])
    with pytest.raises(LabelError, match=f"If {mark} marks what does not count, say ignore_index={mark}."):
        sigmoid_binary_cross_entropy(*arrays, validate=True)
    with pytest.raises(LabelError, match="first is y_true") as refusal:  # which has no such option
        as_function(BinaryCrossEntropy(from_logits=True), validate=True)(*arrays)
    assert "ignore_index" not in str(refusal.value)


@pytest.mark.parametrize("function", [sigmoid_binary_cross_entropy, sigmoid_focal_loss])
def test_class_weights_and_their_axis_are_refused_by_the_names_of_the_caller(function):
    z = y = jnp.zeros((3, 2))
    with pytest.raises(ShapeError, match="pos_weight has 3 entries, one a class, and axis -1 of logits has 2"):
        function(z, y, pos_weight=[1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="class_axis=2 is not an axis of logits"):
        function(z, y, neg_weight=[1.0, 2.0], class_axis=2)
    for shape in ((2, 2), (4, 1), (1, 3, 2), (3, 1, 1)):
        with pytest.raises(
            ShapeError, match=r"pos_weight has shape .*, which does not broadcast to that of logits, \(3"
        ):
            function(z, y, pos_weight=jnp.ones(shape))
    with pytest.raises(ShapeError, match="pos_weight has 3 entries"):
        jax.jit(lambda weight: function(z, y, pos_weight=weight))(jnp.ones(3))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pos_weight": [[1.0], [NAN], [1.0]]}, r"pos_weight\[1, 0\]=nan is out of range"),
        ({"neg_weight": jnp.array([[1.0, -1.0]])}, r"neg_weight\[0, 1\]=-1.0 is out of range"),
        ({"alpha": [0.5, 1.5]}, r"alpha\[1\]=1.5 is out of range; expected a number that is between 0 and 1"),
        ({"alpha": jnp.array([0.5, 0.5]), "pos_weight": 2.0}, "alpha sets the class weights and pos_weight was given"),
        ({"alpha": 0.5, "neg_weight": jnp.ones((3, 2))}, "alpha sets the class weights and neg_weight was given"),
        (
            {"alpha": [0.5, 0.5], "neg_weight": jnp.ones((3, 2))},
            "alpha sets the class weights and neg_weight was given",
        ),
    ],
)
def test_class_weights_in_arrays_are_looked_at(options, words):
    with pytest.raises(ParameterError, match=words):
        sigmoid_focal_loss(jnp.zeros((3, 2)), jnp.zeros((3, 2)), **options)


@pytest.mark.parametrize(("name", "bad"), [("pos_weight", NAN), ("neg_weight", -1.0), ("alpha", 1.5)])
def test_traced_class_weights_are_looked_at_when_asked(name, bad):
    def loss(weight):
        return sigmoid_focal_loss(jnp.zeros(2), jnp.ones(2), **{name: weight}, validate=True)

    with pytest.raises(ParameterError, match=f"{name}={bad} is out of range"):
        jax.grad(lambda weight: loss(weight).sum())(bad)
    for value in (bad, 0.5):
        failure, _ = checkify.checkify(jax.jit(loss))(jnp.array(value))
        if value is bad:
            with pytest.raises(checkify.JaxRuntimeError, match=f"values in {name} are out of range"):
                failure.throw()
        else:
            failure.throw()


def test_validation_that_nothing_can_report_is_refused_and_the_optax_names_have_it_too():
    loss = as_function(BinaryCrossEntropy(from_logits=True), validate=True)
    with pytest.raises(ValueError, match="checkify"):
        jax.jit(loss)(jnp.zeros(2), jnp.zeros(2))
    for function in (sigmoid_binary_cross_entropy, sigmoid_focal_loss):
        with pytest.raises(LabelError):
            function(jnp.zeros(2), jnp.full(2, 3.0), validate=True)


def test_without_jax_the_missing_package_is_named():
    code = "import sys; sys.modules['jax'] = None\nimport logloss.jax"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "logloss.jax needs the package jax. Install it with: pip install 'logloss[jax]'" in done.stderr
