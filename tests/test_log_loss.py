"""scikit-learn's log loss and what each library makes of the same probabilities, held to the libraries themselves."""

import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch

from logloss import BinaryCrossEntropy, conventions, log_loss
from logloss.core.errors import DtypeError, LabelError, ParameterError, ProbabilityError, ShapeError, WeightError

# A few units in the last place of the type; scikit-learn sums in the type of the probabilities.
TOLERANCE = {np.float64: 1e-14, np.float32: 2e-6}

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def data(dtype: type, n: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities with a few of 0 and 1, and weights."""
    rng = np.random.default_rng(0)
    p = rng.random(n).astype(dtype)
    y, w = rng.integers(0, 2, n), rng.random(n)
    p[:6] = [0, 0, 1, 1, 1e-12, 0.5]
    y[:6] = [0, 1, 0, 1, 1, 0]
    return y, p, w


# scikit-learn


@dtypes
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_is_scikit_learns_number(dtype, columns, weighted, normalize):
    y, p, w = data(dtype)
    p = np.stack([1 - p, p], axis=1) if columns == 2 else p
    options = {"sample_weight": w if weighted else None, "normalize": normalize}
    expected = sklearn.metrics.log_loss(y, p, **options)
    assert log_loss(y, p, **options) == pytest.approx(expected, rel=TOLERANCE[dtype], abs=0)
    assert isinstance(log_loss(y, p, **options), float)


LABELS = {
    "integers": lambda y: y,
    "unsigned": lambda y: y.astype(np.uint8),
    "floats": lambda y: y.astype(float),
    "booleans": lambda y: y == 1,
    "signs": lambda y: 2 * y - 1,
    "signs as floats": lambda y: 2.0 * y - 1,
    "other integers": lambda y: 5 + 2 * y,
    "strings": lambda y: np.array(["ham", "spam"])[y],
    "objects": lambda y: np.array(["ham", "spam"], object)[y],
    "list": lambda y: y.tolist(),
    "list of strings": lambda y: np.array(["ham", "spam"])[y].tolist(),
    "series": lambda y: pd.Series(np.array(["no", "yes"])[y]),
    "categories": lambda y: pd.Series(np.array(["no", "yes"])[y]).astype("category"),
}


@pytest.mark.parametrize("make", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("columns", [1, 2])
def test_any_two_classes_are_labels(make, columns):
    y, p, _ = data(np.float64)
    p = np.stack([1 - p, p], axis=1) if columns == 2 else p
    labels = make(y)
    assert log_loss(labels, p) == log_loss(y, p)
    assert log_loss(labels, p) == pytest.approx(sklearn.metrics.log_loss(labels, p), rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (["spam", "spam"], ["ham", "spam"]),
        (["ham", "ham"], ["ham", "spam"]),
        ([1, 1], [0, 1]),
        ([0, 0], [0, 1]),
        ([3, 7], [3, 7]),
        ([3, 3], [3, 7]),
        ([2.0, 1.0], [1.0, 2.0]),
        ([True, True], [False, True]),
    ],
)
def test_labels_name_the_classes(y, labels):
    p = [0.25, 0.875]
    assert log_loss(y, p, labels=labels) == pytest.approx(sklearn.metrics.log_loss(y, p, labels=labels), rel=1e-14)
    assert log_loss(y, p, labels=labels[::-1]) == log_loss(y, p, labels=labels)


def test_one_class_of_zeros_ones_or_signs_needs_no_labels():
    p = [0.25, 0.875]
    for y in ([1, 1], [True, True], [1.0, 1.0]):
        assert log_loss(y, p) == pytest.approx(-(math.log(0.25) + math.log(0.875)) / 2, rel=1e-15)
    for y in ([0, 0], [False, False], [-1, -1]):
        assert log_loss(y, p) == pytest.approx(-(math.log(0.75) + math.log(0.125)) / 2, rel=1e-15)


def test_a_tiny_probability_in_its_own_column_is_not_lost():
    for y, pairs in ((1, [[1.0, 1e-30]]), (0, [[1e-30, 1.0]])):
        assert log_loss([y], pairs, epsilon=0) == pytest.approx(30 * math.log(10), rel=1e-15)


def test_epsilon_zero_is_exact_and_another_epsilon_clips():
    assert log_loss([1, 0], [0.0, 0.5], epsilon=0) == math.inf
    assert log_loss([1, 0], [1.0, 0.0], epsilon=0) == 0
    assert log_loss([1], [1e-300], epsilon=0) == pytest.approx(300 * math.log(10), rel=1e-15)
    assert log_loss([1], [0.0], epsilon=0.125) == math.log(8)
    y, p, w = data(np.float64)
    exact = BinaryCrossEntropy(epsilon=0)(y, p, sample_weight=w, reduction="weighted_mean")
    assert log_loss(y, p, sample_weight=w, epsilon=0) == exact


@dtypes
def test_the_clip_is_the_machine_epsilon_of_the_type(dtype):
    wrong = log_loss([1, 0], np.array([0, 1], dtype))
    assert wrong == pytest.approx(-math.log(np.finfo(dtype).eps), rel=1e-7)
    assert log_loss([0, 1], [0, 1]) == log_loss([0, 1], [0.0, 1.0])  # integers are float64


REFUSED = {
    "three classes": (LabelError, [0, 1, 2], [0.5] * 3, {}, r"3 classes, such as 0, 1, 2\..*categorical"),
    "soft labels": (LabelError, [0.2, 0.5, 1.0], [0.5] * 3, {}, r"soft labels.*BinaryCrossEntropy"),
    "two soft labels": (LabelError, [0.2, 0.8], [0.5] * 2, {}, r"\[0.2, 0.8\].*soft labels.*BinaryCrossEntropy"),
    "one unknown class": (LabelError, ["a", "a"], [0.5] * 2, {}, r"one class, \['a'\].*labels=\[...\] with both"),
    "missing labels": (LabelError, [0, math.nan], [0.5] * 2, {}, r"1 of 2 values.*y_true\[1\].*isnan"),
    "missing strings": (LabelError, np.array(["a", None], object), [0.5] * 2, {}, r"y_true holds values.*order"),
    "a label not named": (LabelError, ["a", "c"], [0.5] * 2, {"labels": ["a", "b"]}, r"'c', which is not among"),
    "labels of one class": (LabelError, [1, 1], [0.5] * 2, {"labels": [1]}, r"labels holds one class, \[1\]"),
    "labels of three": (LabelError, [1, 1], [0.5] * 2, {"labels": [1, 2, 3]}, r"labels holds 3 classes"),
    "ragged labels": (ShapeError, [[0], [1, 0]], [0.5] * 2, {}, r"y_true could not be read"),
    "logits": (ProbabilityError, [0, 1], [-2.0, 3.0], {}, r"2 of 2 values in y_pred.*from_logits"),
    "missing probabilities": (ProbabilityError, [0, 1], [0.5, math.nan], {}, r"y_pred\[1\] = nan"),
    "pairs that are no pairs": (
        ProbabilityError,
        [0, 1],
        [[0.5, 0.5], [0.5, 0.4]],
        {},
        r"Row 1 of y_pred, \[0.5, 0.4\], sums to 0.9; .*y_pred\[:, 1\]",
    ),
    "pairs beyond [0, 1]": (ProbabilityError, [0, 1], [[0.5, 0.5], [-1.0, 2.0]], {}, r"outside \[0, 1\]"),
    "strings for probabilities": (DtypeError, [0, 1], ["a", "b"], {}, r"y_pred has dtype"),
    "too few labels": (ShapeError, [0], [0.5, 0.5], {}, r"\(1,\).*\(2,\)"),
    "a column of predictions": (ShapeError, [0, 1], [[0.5], [0.5]], {}, r"\(2,\).*\(2, 1\).*y_pred\[:, 0\]"),
    "too few labels for pairs": (ShapeError, [0], [[0.5, 0.5]] * 2, {}, r"\(1,\).*2 rows"),
    "labels in two columns": (ShapeError, [[0, 1]] * 2, [[0.5, 0.5]] * 2, {}, r"\(2, 2\).*2 rows"),
    "three columns": (ShapeError, [0, 1], [[0.5, 0.25, 0.25]] * 2, {}, r"\(2,\).*\(2, 3\)"),
    "nothing": (ShapeError, [], [], {}, r"mean of nothing"),
    "weights of 0": (ShapeError, [0, 1], [0.5] * 2, {"sample_weight": [0, 0]}, r"sum to 0.*normalize=False"),
    "an epsilon that is none": (ParameterError, [0, 1], [0.5] * 2, {"epsilon": [1]}, r"epsilon=\[1\]"),
    "negative weights": (WeightError, [0, 1], [0.5] * 2, {"sample_weight": [1, -1]}, r"sample_weight\[1\] = -1"),
    "an epsilon of a half": (ParameterError, [0, 1], [0.5] * 2, {"epsilon": 0.5}, r"epsilon=0.5"),
    "a misspelt epsilon": (ParameterError, [0, 1], [0.5] * 2, {"epsilon": "eps"}, r"epsilon='eps'"),
}


@pytest.mark.parametrize(("error", "y", "p", "options", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_two_classes_or_no_probability_is_refused(error, y, p, options, sentence):
    with pytest.raises(error, match=sentence) as caught:
        log_loss(y, p, **options)
    assert type(caught.value) is error


def test_the_sum_over_nothing_is_zero():
    assert log_loss([], [], normalize=False) == 0


# Conventions


def test_the_table_of_conventions():
    table = conventions([1, 0, 1], [0.0, 0.0, 1.0])
    assert table["exact"] == math.inf
    assert round(table["Keras 3"], 5) == 5.37270
    assert round(table["tf.keras 2"], 5) == 5.14165
    assert round(table["PyTorch BCELoss"], 4) == 33.3333
    assert round(table["scikit-learn"], 2) == 12.01
    narrow = conventions([1, 0, 1], np.array([0, 0, 1], np.float32))
    assert round(narrow["scikit-learn"], 2) == 5.31
    assert round(narrow["PyTorch BCELoss"], 4) == 33.3333
    assert round(narrow["Keras 3"], 5) == 5.37270


def test_conventions_print_as_a_table_and_read_as_a_mapping():
    table = conventions([1, 0], [0.5, 0.25])
    lines = repr(table).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [row.name for row in table] == list(table.to_dict())
    for row, line in zip(table, lines[1:], strict=True):
        assert line.startswith(row.name)
        assert row.rule in line
        assert table[row.name] == row.value
        assert f"{row.value:.6g}" in line


@dtypes
def test_conventions_are_what_the_libraries_say(dtype):
    y, p, _ = data(dtype)
    table = conventions(y, p)
    assert table["scikit-learn"] == pytest.approx(sklearn.metrics.log_loss(y, p), rel=TOLERANCE[dtype])
    criterion = torch.nn.BCELoss()
    said = criterion(torch.from_numpy(p), torch.from_numpy(y.astype(dtype))).item()
    assert table["PyTorch BCELoss"] == pytest.approx(said, rel=TOLERANCE[dtype])


@dtypes
def test_conventions_of_keras_are_as_keras_writes_them(dtype):
    y, p, _ = data(dtype)
    epsilon = dtype(1e-7)
    clipped = np.clip(p, epsilon, 1 - epsilon).astype(np.float64)
    table = conventions(y, p)
    keras_3 = -np.mean(np.where(y == 1, np.log(clipped), np.log1p(-clipped)))
    keras_2 = -np.mean(np.where(y == 1, np.log(clipped + 1e-7), np.log(1 - clipped + 1e-7)))
    assert table["Keras 3"] == pytest.approx(keras_3, rel=1e-12 if dtype == np.float64 else 1e-7)
    assert table["tf.keras 2"] == pytest.approx(keras_2, rel=1e-12)


def test_conventions_agree_where_nothing_is_near_zero_or_one():
    rng = np.random.default_rng(0)
    y, p = rng.random(100), rng.uniform(0.1, 0.9, 100)
    values = list(conventions(y, p).to_dict().values())
    np.testing.assert_allclose(values, values[0], rtol=1e-5)
    assert conventions(y, p)["exact"] == BinaryCrossEntropy(epsilon=0)(y, p)


def test_conventions_refuse_what_a_loss_refuses():
    with pytest.raises(ProbabilityError, match=r"logits.*np\.exp\(-y_pred\)"):
        conventions([0, 1], [-2.0, 3.0])
    with pytest.raises(ShapeError, match="nothing"):
        conventions([], [])
    with pytest.raises(ShapeError, match=r"\(2,\).*\(2, 1\)"):
        conventions([0, 1], [[0.5], [0.5]])


def test_pairs_that_were_rounded_or_made_in_a_narrower_type_are_pairs():
    rng = np.random.default_rng(0)
    y, z = rng.integers(0, 2, 1000), rng.normal(0, 2, (1000, 2)).astype(np.float32)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    pairs = e / e.sum(axis=1, keepdims=True)
    for given in (pairs, pairs.astype(np.float64), pairs.astype(np.float64).round(3)):
        right = np.clip(given[np.arange(1000), y].astype(np.float64), np.finfo(given.dtype).eps, 1)
        assert log_loss(y, given) == pytest.approx(-np.log(right).mean(), rel=1e-6)
