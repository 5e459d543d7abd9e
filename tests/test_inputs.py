"""What is refused, by which type, and that the sentence says what came, what was expected and how to mend it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from logloss import BinaryCrossEntropy
from logloss.core import errors
from logloss.core.errors import (
    DtypeError,
    LabelError,
    LogitError,
    LogLossError,
    ParameterError,
    ProbabilityError,
    ShapeError,
    SpellingError,
    WeightError,
    nearest,
)
from tests.paths import METHODS

P = BinaryCrossEntropy()
Z = BinaryCrossEntropy(from_logits=True)
NAN, INF = math.nan, math.inf


@contextmanager
def refused(error: type[LogLossError], *words: str) -> Iterator[None]:
    """What stands within is refused with this very type, in a sentence that has these words."""
    with pytest.raises(error) as caught:
        yield
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)


# The tree


def test_refusals_are_errors_of_value_or_of_type():
    builtin = {"DtypeError": TypeError, "MissingPackageError": ImportError}
    tree = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, LogLossError)]
    assert len(tree) > 10
    for error in tree:
        if error is not LogLossError:
            assert issubclass(error, builtin.get(error.__name__, ValueError))
        assert error.__name__ in errors.__doc__
        assert error.__doc__


# Shapes


@pytest.mark.parametrize(
    ("of_labels", "of_predictions", "words"),
    [
        ((32,), (32, 1), ("(32,)", "(32, 1)", "(32, 32)", "y_pred[:, 0]", "y_true[:, None]")),
        ((32, 1), (32,), ("(32, 1)", "(32,)", "(32, 32)", "y_true[:, 0]", "y_pred[:, None]")),
        ((4, 2, 1), (4, 2), ("(4, 2, 1)", "(4, 2)", "y_true[..., 0]")),
        ((4, 2), (4, 2, 1), ("(4, 2)", "(4, 2, 1)", "y_pred[..., 0]")),
        ((3,), (4,), ("(3,)", "(4,)", "same shape")),
        ((4,), (4, 2), ("(4,)", "(4, 2)", "y_pred[..., 1]")),
        ((1,), (4,), ("(1,)", "(4,)", "never meant", "same shape")),
        ((), (4,), ("()", "(4,)", "same shape")),
        ((4,), (), ("(4,)", "()", "same shape")),
        ((2, 3), (3,), ("(2, 3)", "(3,)", "same shape")),
        ((2, 3), (3, 2), ("(2, 3)", "(3, 2)", "same shape")),
        ((0,), (1,), ("(0,)", "(1,)")),
    ],
)
@pytest.mark.parametrize("method", ["__call__", *METHODS])
def test_shapes_that_differ_are_never_broadcast(of_labels, of_predictions, words, method):
    y, p = np.zeros(of_labels), np.full(of_predictions, 0.5)
    with refused(ShapeError, "y_true has shape", "y_pred has shape", *words):
        getattr(P, method)(y, p)


@pytest.mark.parametrize("name", ["sample_weight", "mask"])
@pytest.mark.parametrize(
    ("shape", "of_predictions", "words"),
    [
        ((3, 1), (3,), ("(3, 1)", "(3,)", "[:, 0]")),
        ((3, 1), (3, 2), ("(3, 1)", "(3, 2)", "one entry a row", "[:, 0]")),
        ((2,), (3, 2), ("(2,)", "(3, 2)", "(3,), one entry a row")),
        ((), (3,), ("()", "(3,)")),
        ((1,), (3,), ("(1,)", "(3,)")),
        ((4,), (3,), ("(4,)", "(3,)")),
        ((3, 2), (3,), ("(3, 2)", "(3,)")),
    ],
)
def test_weights_and_masks_have_the_predictions_shape_or_one_entry_a_row(name, shape, of_predictions, words):
    given = {name: np.ones(shape, np.bool_ if name == "mask" else np.float64)}
    y, p = np.zeros(of_predictions), np.full(of_predictions, 0.5)
    with refused(ShapeError, f"{name} has shape", "y_pred's", *words):
        P(y, p, **given)


def test_rows_of_different_lengths_are_refused():
    for arguments, options in (
        (([[0, 1], [1]], [0.5, 0.5]), {}),
        (([0, 1], [[0.5], [0.5, 0.5]]), {}),
        (([0, 1], [0.5, 0.5]), {"sample_weight": [[1], [1, 2]]}),
        (([0, 1], [0.5, 0.5]), {"mask": [[True], [True, False]]}),
    ):
        with refused(ShapeError, "could not be read", "rows of one length"):
            P(*arguments, **options)


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
def test_the_mean_of_nothing_is_refused(reduction):
    for y, p, options in (
        ([], [], {}),
        (np.zeros((3, 0)), np.zeros((3, 0)), {}),
        ([1], [0.5], {"mask": [False]}),
        ([[1, 0]], [[0.5, 0.5]], {"mask": [False], "sample_weight": [1.0]}),
    ):
        for call in (P, P.value_and_gradient):
            with refused(ShapeError, f"{reduction} of nothing", "no element counts", 'reduction="sum"'):
                call(y, p, reduction=reduction, **options)
    assert P([], [], reduction="sum") == 0


def test_the_weighted_mean_needs_a_weight():
    with refused(ShapeError, "weights sum to 0", 'reduction="mean"'):
        P([1, 0], [0.5, 0.5], sample_weight=[0, 0], reduction="weighted_mean")
    assert P([1, 0], [0.5, 0.5], sample_weight=[0, 0]) == 0
    with refused(WeightError, "sum to more than float64 can hold", "Divide"):
        P([1, 0], [0.5, 0.5], sample_weight=[1e308, 1e308], reduction="weighted_mean")


# Types


class Reluctant:
    """Something like a tensor on another device."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert to numpy.")


WRONG = {
    "object": np.array([0.5, None], object),
    "strings": np.array(["0.5", "1"]),
    "bytes": np.array([b"0", b"1"]),
    "complex": np.array([0.5, 1j]),
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "records": np.zeros(2, [("a", float)]),
    "eighths": np.array([0.5, 1], ml_dtypes.float8_e4m3),
}
if np.dtype(np.longdouble).name != "float64":  # which it is on some machines
    WRONG["long double"] = np.array([0.5, 1], np.longdouble)


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", ["y_true", "y_pred", "sample_weight"])
def test_only_real_numbers_and_booleans_are_taken(values, name):
    given = {"y_true": [0, 1], "y_pred": [0.5, 0.5], "sample_weight": [1, 1]} | {name: values}
    with refused(
        DtypeError,
        f"{name} has dtype {values.dtype}",
        "expected float16, bfloat16, float32, float64, integers or booleans",
        f"{name}.astype(float)",
    ):
        P(given["y_true"], given["y_pred"], sample_weight=given["sample_weight"])


@pytest.mark.parametrize("name", ["y_true", "y_pred", "sample_weight", "mask"])
def test_what_numpy_cannot_read_is_refused_with_its_reason(name):
    given = {"y_true": [0, 1], "y_pred": [0.5, 0.5], "sample_weight": [1, 1], "mask": [True, True]}
    tensors = [torch.tensor([0.5, 0.5], requires_grad=True), torch.tensor([0.5, 0.5], dtype=torch.bfloat16)]
    for values in (*tensors, Reluctant()):
        y, p, w, mask = (given | {name: values}).values()
        with refused(
            DtypeError,
            f"{name} could not be read as an array",
            "an array of numbers",
            f"{name}.detach().cpu().float().numpy()",
        ):
            P(y, p, sample_weight=w, mask=mask)


def test_tensors_without_a_gradient_are_arrays():
    y, p = torch.tensor([0, 1]), torch.tensor([0.5, 0.25], dtype=torch.float64)
    assert P(y, p, sample_weight=torch.tensor([1.0, 2.0]), mask=torch.tensor([True, True])) == P(
        [0, 1], [0.5, 0.25], sample_weight=[1, 2]
    )


@pytest.mark.parametrize("name", ["y_true", "y_pred", "sample_weight", "mask"])
def test_masked_arrays_are_refused_lest_their_mask_be_lost(name):
    given = {"y_true": [0, 1], "y_pred": [0.5, 0.5], "sample_weight": [1, 1], "mask": [True, True]}
    y, p, w, mask = (given | {name: np.ma.array(given[name], mask=[True, False])}).values()
    with refused(DtypeError, f"{name} is a masked array", f"{name}.data", f"mask=~np.ma.getmaskarray({name})"):
        P(y, p, sample_weight=w, mask=mask)


@pytest.mark.parametrize("mask", [[1, 0], [1.0, 0.0], ["a", "b"], [None, True], [NAN, 1]])
def test_masks_are_boolean(mask):
    with refused(DtypeError, "mask has dtype", "booleans", "mask.astype(bool)"):
        P([0, 1], [0.5, 0.5], mask=mask)


# Values


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0, 1, 2], ("1 of 3 values in y_true", "y_true[2] = 2", "0, 1 or anything between")),
        ([0.5, -0.1, 1.1], ("2 of 3 values", "y_true[1] = -0.1")),
        ([-1, 1, -1], ("2 of 3 values", "y_true[0] = -1", "(y_true + 1) / 2")),
        ([[0, NAN, 1]], ("1 of 3 values", "y_true[0, 1] = nan", "mask=~np.isnan(y_true)")),
        ([0, INF, 1], ("1 of 3 values", "y_true[1] = inf")),
        (np.array([0, 255, 1], np.uint8), ("1 of 3 values", "y_true[1] = 255")),
        (2.0, ("1 of 1 values", "y_true = 2.0")),
        (np.array([-1, 1], ml_dtypes.bfloat16), ("1 of 2 values", "y_true[0] = -1", "(y_true + 1) / 2")),
        (np.full((300, 7), 3), ("2,100 of 2,100 values", "y_true[0, 0] = 3")),
    ],
)
@pytest.mark.parametrize("method", ["__call__", *METHODS])
def test_labels_outside_their_range_are_refused(y, words, method):
    p = np.full(np.shape(y), 0.5)
    for bce in (P, Z):
        with refused(LabelError, "lie outside [0, 1]", *words):
            getattr(bce, method)(y, p)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        ([-3.0, 0.5, 4.0], ("2 of 3 values in y_pred", "y_pred[0] = -3.0", "logits", "from_logits=True")),
        ([0.5, 1.0000001, 0.2], ("1 of 3 values", "y_pred[1] = 1.0000001", "from_logits=True")),
        ([0.5, -1e-300, 0.2], ("1 of 3 values", "y_pred[1] = -1e-300")),
        ([0.5, NAN, 0.2], ("1 of 3 values", "y_pred[1] = nan", "mask=~np.isnan(y_pred)")),
        ([0.5, INF, 0.2], ("1 of 3 values", "y_pred[1] = inf")),
        ([0, 1, 2], ("1 of 3 values", "y_pred[2] = 2")),
    ],
)
@pytest.mark.parametrize("method", ["__call__", *METHODS])
def test_probabilities_outside_their_range_are_refused(p, words, method):
    with refused(ProbabilityError, "lie outside [0, 1]", *words):
        getattr(P, method)([0, 1, 1], p)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("method", ["__call__", *METHODS])
def test_logits_are_any_number_but_not_a_number(dtype, method):
    z = np.array([-INF, NAN, INF, NAN], dtype)
    words = ("2 of 4 values in y_pred are not a number", "y_pred[1] = nan", "mask=~np.isnan(y_pred)")
    with refused(LogitError, *words):
        getattr(Z, method)([0, 1, 1, 0], z)


@pytest.mark.parametrize(
    ("w", "words"),
    [
        ([1, -1, 1], ("1 of 3 values in sample_weight", "sample_weight[1] = -1")),
        ([1, 1, INF], ("1 of 3 values", "sample_weight[2] = inf")),
        ([NAN, 1, -INF], ("2 of 3 values", "sample_weight[0] = nan")),
        (np.array([1, -1, NAN], ml_dtypes.bfloat16), ("2 of 3 values", "sample_weight[1] = -1")),
    ],
)
def test_weights_are_finite_and_not_negative(w, words):
    for shape in ((3,), (3, 2)):
        y, p = np.zeros(shape), np.full(shape, 0.5)
        with refused(WeightError, "negative, infinite or not a number", "finite and at least 0", *words):
            P(y, p, sample_weight=w)
    dirty = np.stack([np.ones(3), np.asarray(w, float)], axis=1)
    with refused(WeightError, ", 1] = "):
        P(np.zeros((3, 2)), np.full((3, 2), 0.5), sample_weight=dirty)


def test_a_function_without_ignore_index_does_not_offer_it():
    for mark in (255, -100):
        with pytest.raises(LabelError) as refusal:
            P([0, mark], [0.5, 0.5])
        assert "ignore_index" not in str(refusal.value)


def test_only_what_is_in_plain_view_is_counted_and_named():
    y, mask = np.array([7, 7, 0, 7]), np.array([False, True, True, True])
    w = [1, 0, 1, 1]
    with refused(LabelError, "1 of 4", "y_true[3] = 7"):
        P(y, np.full(4, 0.5), mask=mask, sample_weight=w)
    assert P([0, 0], [0.5, 0.5], mask=[True, False], sample_weight=[1, -1]) == math.log(2)
    with refused(WeightError, "1 of 2 values in sample_weight", "sample_weight[0] = -1"):
        P(np.zeros((2, 2)), np.full((2, 2), 0.5), mask=[[False, True], [False, False]], sample_weight=[-1, -1])


# Buffers, axes, reductions


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        ([0.0, 0.0], DtypeError, ("is a list", "NumPy array")),
        (torch.zeros(2), DtypeError, ("is a Tensor", "NumPy array")),
        (np.empty(3), ShapeError, ("(3,)", "(2,)")),
        (np.empty((2, 1)), ShapeError, ("(2, 1)", "(2,)")),
        (np.empty(2, np.float32), DtypeError, ("float32", "expected float64")),
        (np.empty(2, np.int64), DtypeError, ("int64", "expected float64")),
        (np.broadcast_to(0.0, 2), ParameterError, ("read-only",)),
    ],
)
@pytest.mark.parametrize(
    ("method", "quantity"), [(method, quantity) for method, made in METHODS.items() for quantity in made]
)
def test_buffers_have_the_results_shape_and_type(out, error, words, method, quantity):
    if (method, quantity) == ("value_and_gradient", "loss"):
        quantity = "gradient"  # its value is a number
    with refused(error, f"{quantity}_out", *words):
        getattr(P, method)([0, 1], [0.5, 0.5], **{f"{quantity}_out": out})


def test_two_results_need_two_buffers():
    buffer = np.empty(3)
    for one, other in ((buffer, buffer), (buffer[:2], buffer[1:])):
        y, p = np.zeros(len(one)), np.full(len(one), 0.5)
        with refused(ParameterError, "loss_out and gradient_out share memory", "two separate arrays"):
            P.loss_gradient(y, p, loss_out=one, gradient_out=other)
    pairs = np.empty((2, 2))
    loss, gradient = P.loss_gradient([0, 1], [0.5, 0.25], loss_out=pairs[:, 0], gradient_out=pairs[:, 1])
    np.testing.assert_array_equal(pairs.T, P.loss_gradient([0, 1], [0.5, 0.25]))
    assert loss.base is pairs
    assert gradient.base is pairs


@pytest.mark.parametrize(
    ("shape", "axis", "error", "words"),
    [
        ((4, 3), -1, ShapeError, ("pos_weight has 2 entries", "axis -1", "has 3", "(4, 3)", "class_axis")),
        ((2, 3), 1, ShapeError, ("pos_weight has 2 entries", "axis 1", "has 3")),
        ((4, 2), 2, ShapeError, ("class_axis=2 is not an axis", "(4, 2)")),
        ((4, 2), -3, ShapeError, ("class_axis=-3 is not an axis", "(4, 2)")),
        ((), -1, ShapeError, ("class_axis=-1 is not an axis", "()")),
        ((4, 2), 1.0, ParameterError, ("class_axis=1.0", "whole number")),
        ((4, 2), None, ParameterError, ("class_axis=None", "whole number")),
    ],
)
@pytest.mark.parametrize("method", ["__call__", *METHODS])
def test_weights_of_classes_need_their_axis(shape, axis, error, words, method):
    bce = BinaryCrossEntropy(pos_weight=(1.0, 2.0))
    y, p = np.zeros(shape), np.full(shape, 0.5)
    with refused(error, *words):
        getattr(bce, method)(y, p, class_axis=axis)


@pytest.mark.parametrize(
    ("reduction", "words"),
    [
        ("avg", ("'avg'", "mean, weighted_mean, sum, none")),
        ("weighted", ("'weighted'", 'Did you mean "weighted_mean"?')),
        ("Mean", ("'Mean'", 'Did you mean "mean"?')),
        ("", ("''", "mean, weighted_mean, sum, none")),
        (None, ("None", 'Did you mean "none"?')),
        (["mean"], ("['mean']",)),
    ],
)
def test_a_reduction_nobody_knows_is_refused(reduction, words):
    for call in (P, P.value_and_gradient):
        with refused(ParameterError, *words):
            call([0, 1], [0.5, 0.5], reduction=reduction)


# Spellings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("focl", ('"focl" is not a loss', "bce, weighted, smoothed, focal, asymmetric", 'Did you mean "focal"?')),
        ("Focal", ('"Focal" is not a loss', 'Did you mean "focal"?')),
        ("assymetric(margin=0)", ('Did you mean "asymmetric"?',)),
        ("hinge", ('"hinge" is not a loss', "known are")),
        ("focal(gama=2)", ('focal has no option "gama"', 'Did you mean "gamma"?')),
        ("focal(alpa=0.3)", ('focal has no option "alpa"', 'Did you mean "alpha"?')),
        ("focal(cls=3)", ('focal has no option "cls"',)),
        ("asymmetric(gamma_poss=2)", ('Did you mean "gamma_pos"?',)),
        ("smoothed(smoothing=0.1)", ('Did you mean "label_smoothing"?',)),
        ("weighted(posweight=3)", ('weighted has no option "posweight"', 'Did you mean "pos_weight"?')),
        ("weighted(y_true=3)", ('weighted has no option "y_true"',)),
        ("bce(alpha=0.3)", ('bce has no option "alpha"',)),
        ("weighted", ("balances", "weighted(pos_weight=3)", "BinaryCrossEntropy.balanced(y_true)")),
        ("focal(gamma)", ("'gamma' is not an option", "name=value: focal(gamma=3)")),
        ("focal(gamma=high)", ("'high' is not a number", "name=value")),
        ("focal(gamma=1e)", ("'1e' is not a number",)),
        ("focal(gamma=nan)", ("'nan' is not a number",)),
        ("focal(gamma=)", ("'' is not a number",)),
        ("focal(gamma=1, gamma=2)", ("gamma is given twice",)),
        ("focal(gamma=1", ("'focal(gamma=1' is not the spelling of a loss", "focal(gamma=3)")),
        ("focal gamma=1", ("is not the spelling of a loss",)),
        ("", ("'' is not the spelling of a loss",)),
        (None, ("None is not the spelling of a loss", "focal(gamma=3)")),
        ("weighted(pos_weight=(1, a))", ("'a' is not a number",)),
    ],
)
def test_a_misspelt_loss_or_option_is_refused_with_the_nearest(text, words):
    with refused(SpellingError, *words):
        BinaryCrossEntropy.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("focal(gamma=-1)", ("gamma=-1.0", "between 0 and 1e6")),
        ("focal(gamma=1e7)", ("gamma=10000000.0", "between 0 and 1e6")),
        ("focal(alpha=2)", ("alpha=2.0", "between 0 and 1")),
        ("focal(pos_weight=3)", ("alpha sets the class weights", "pos_weight was given too", "alpha=None")),
        ("asymmetric(gamma=3)", ("gamma_pos", "gamma_neg")),
        ("smoothed(label_smoothing=3)", ("label_smoothing=3.0", "between 0 and 1")),
        ("bce(gamma=true)", ("gamma=True is not a number",)),
        ("bce(from_logits=1)", ("from_logits=1.0 is not True or False",)),
        ("weighted(pos_weight=())", ("pos_weight is empty",)),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(text, words):
    with refused(ParameterError, *words):
        BinaryCrossEntropy.parse(text)


def test_a_config_that_is_no_mapping_is_refused():
    with refused(ParameterError, "config=None is not a mapping", "get_config()"):
        BinaryCrossEntropy.from_config(None)


def test_a_hint_cannot_steer_a_terminal():
    assert nearest("churn", ["chur\x1b[31mn"]) == ' Did you mean "chur\\u001b[31mn"?'


def test_misspelt_keywords_are_refused_with_the_nearest():
    for call in (BinaryCrossEntropy.focal, BinaryCrossEntropy.asymmetric):
        with refused(SpellingError, '"margn"', 'Did you mean "margin"?'):
            call(margn=0.1)
    with refused(SpellingError, 'Did you mean "alpha"?'):
        BinaryCrossEntropy.focal(alfa=0.1)
    with refused(SpellingError, 'Did you mean "gamma"?'):
        BinaryCrossEntropy.balanced([0, 1], gama=1)
    with refused(SpellingError, '"gama"', 'Did you mean "gamma"?'):
        BinaryCrossEntropy.from_config({"gama": 1})
    with pytest.raises(TypeError, match="gama"):
        BinaryCrossEntropy(gama=1)  # type: ignore[call-arg]


def test_weights_are_not_given_twice():
    for name in ("pos_weight", "neg_weight"):
        with refused(ParameterError, name, "alpha=None"):
            BinaryCrossEntropy.focal(**{name: 2})
        with refused(ParameterError, name, "Leave it out"):
            BinaryCrossEntropy.balanced([0, 1], **{name: 2})


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([1, 1], LabelError, ("both classes", "y_true holds only one")),
        ([0, 0], LabelError, ("both classes", "y_true holds only one")),
        ([], LabelError, ("both classes",)),
        ([[1, 0], [0, 0]], LabelError, ("both classes", "column 1 of y_true holds only one")),
        ([1, 2], LabelError, ("y_true[1] = 2",)),
        ([1, NAN], LabelError, ("y_true[1] = nan",)),
        (["a", "b"], DtypeError, ("y_true has dtype",)),
        (1, ShapeError, ("y_true has shape ()", "(n,), or (n, k)")),
        (np.zeros((2, 2, 2)), ShapeError, ("(2, 2, 2)", "(n,), or (n, k)")),
    ],
)
def test_classes_that_cannot_be_balanced_are_refused(y, error, words):
    with refused(error, *words):
        BinaryCrossEntropy.balanced(y)
