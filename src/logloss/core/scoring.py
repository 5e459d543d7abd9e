"""scikit-learn's `log_loss`: its call and its number."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from logloss.core import inputs, kernel
from logloss.core.errors import LabelError, ProbabilityError, ShapeError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Array
from logloss.core.work import machine_epsilon


def log_loss(
    y_true: Any,
    y_pred: Any,
    *,
    epsilon: float | Literal["auto"] = "auto",
    sample_weight: Any = None,
    normalize: bool = True,
    labels: Sequence[Any] | None = None,
) -> float:
    """Mean negative log-likelihood of labels under predicted probabilities, in nats.

    Parameters
    ----------
    y_true : array, shape (n,)
        Labels of two classes: 0 and 1, booleans, -1 and 1, or any two values, of which the greater is the positive one.
    y_pred : array, shape (n,) or (n, 2)
        Probability of the positive class, or of both classes in their sorted order, as scikit-learn takes them.
    epsilon : float or "auto"
        Probabilities are clipped to [epsilon, 1 - epsilon]. "auto" is scikit-learn's clip, the machine epsilon of
        y_pred's type; 0 is exact, infinities included.
    sample_weight : array, shape (n,), optional
        Weights of the rows.
    normalize : bool
        Divide by the sum of the weights; False gives the sum.
    labels : sequence of two, optional
        The two classes in any order, for labels that are neither 0/1 nor -1/1 nor both present.

    Raises
    ------
    LabelError
        The labels are not of two classes.
    ProbabilityError
        A value lies outside [0, 1], or the two columns do not sum to 1 within 0.001.

    Notes
    -----
    Good (1952), "Rational decisions". Unlike scikit-learn's, a batch of one class needs no ``labels``.

    Examples
    --------
    >>> log_loss([1, 0, 1, 0], [0.8, 0.2, 0.7, 0.3])
    0.2899092476264711
    >>> log_loss(["spam", "ham"], [[0.1, 0.9], [0.8, 0.2]])
    0.164252033486018
    >>> log_loss([1, 0], [1.0, 1.0], epsilon=0)
    inf
    """
    try:
        return _log_loss(y_true, y_pred, epsilon, sample_weight, normalize, labels)
    except ShapeError:
        if normalize and sample_weight is not None and np.size(sample_weight) and not np.any(sample_weight):
            mend = "The sum, normalize=False, is 0."
            raise ShapeError(f"The weights sum to 0, and so the mean is undefined. {mend}") from None
        raise


def _log_loss(
    y_true: Any, y_pred: Any, epsilon: Any, sample_weight: Any, normalize: bool, labels: Sequence[Any] | None
) -> float:
    probability = inputs.real_array(y_pred, "y_pred")
    if probability.dtype.kind in "biu":
        probability = probability.astype(np.float64)
    if isinstance(epsilon, str) and epsilon == "auto":
        epsilon = machine_epsilon(probability.dtype)
    bce = _clipping_at(epsilon) if isinstance(epsilon, float) else BinaryCrossEntropy(epsilon=epsilon)
    reduction = "weighted_mean" if normalize else "sum"
    if normalize and probability.size == 0:
        raise ShapeError("y_pred is empty, and the mean of nothing is undefined. The sum, normalize=False, is 0.")
    label = inputs.any_array(y_true, "y_true")
    if labels is None and label.dtype.kind in "biuf" and label.ndim == 1 and label.shape == probability.shape:
        # Labels of 0 and 1, as most are, can be told in the same pass.
        value = kernel.of_hard_labels(bce, inputs.read(label, probability, sample_weight), reduction)
        if value is not None:
            return value
    positive = _positive(label, labels)
    if probability.ndim == 2 and probability.shape[1] == 2:
        # The column of the class that happened, so that a tiny probability is not lost in 1 minus the other.
        if positive.shape != probability.shape[:1]:
            raise ShapeError(
                f"y_true has shape {positive.shape} and y_pred has {len(probability)} rows. Expected one label a row."
            )
        _check_pairs(probability)
        probability = np.where(positive, probability[:, 1], probability[:, 0])
        positive = np.broadcast_to(np.True_, positive.shape)
    data = inputs.read(positive, probability, sample_weight)
    inputs.check_values(data, from_logits=False, words=_WORDS)
    return kernel.reduced(bce, data, reduction, {})


_WORDS = inputs.Words(
    logits="If these are logits, use BinaryCrossEntropy(from_logits=True).",
    missing_predictions="Leave missing predictions out of every array with ~np.isnan(y_pred).",
)


@lru_cache
def _clipping_at(epsilon: float) -> BinaryCrossEntropy:
    return BinaryCrossEntropy(epsilon=epsilon)


def _positive(label: Array, labels: Sequence[Any] | None) -> Array:
    """Which labels are of the positive class, as booleans."""
    if labels is None and (label.dtype == np.bool_ or label.size == 0):
        return label.astype(np.bool_)
    if label.dtype.kind == "f" and np.isnan(label).any():
        raise LabelError(
            f"{int(np.isnan(label).sum()):,} of {label.size:,} values in y_true are not a number; the first is "
            f"y_true[{int(np.argmax(np.isnan(label)))}]. Leave missing labels out with y_true[~np.isnan(y_true)]."
        )
    if labels is None and label.dtype.kind in "iuf":
        for negative in (0, -1):
            if np.all((label == negative) | (label == 1)):
                return np.equal(label, 1)
    name, source = ("y_true", label) if labels is None else ("labels", inputs.any_array(labels, "labels"))
    try:
        classes = np.unique(source)
    except TypeError as error:
        raise LabelError(
            f"{name} holds values that cannot be told apart by order, such as missing ones: {error}."
        ) from error
    if len(classes) > 2:
        soft = label.dtype.kind == "f" and np.all((label >= 0) & (label <= 1))
        few = ", ".join(map(repr, classes[:3].tolist()))
        mend = "This is the loss of two classes; for more, use categorical cross-entropy."
        if soft:
            mend = "For soft labels use BinaryCrossEntropy()(y_true, y_pred)."
        raise LabelError(f"{name} holds {len(classes)} classes, such as {few}. {mend}")
    if len(classes) < 2:
        raise LabelError(
            f"{name} holds one class, {classes.tolist()}. Say labels=[...] with both; the greater is the positive one."
        )
    if labels is None and label.dtype.kind == "f":
        raise LabelError(
            f"y_true holds {classes.tolist()}. Say labels={classes.tolist()} if these are classes; "
            "for soft labels use BinaryCrossEntropy()(y_true, y_pred)."
        )
    unknown = ~np.isin(label, classes)
    if unknown.any():
        raise LabelError(f"y_true holds {label[unknown].tolist()[0]!r}, which is not among labels={classes.tolist()}.")
    return np.asarray(label == classes[1])  # of strings too, which np.equal does not take


# Rows that are rounded to three digits, or made in a narrower type, sum to 1 within it.
_SLACK = 1e-3


def _check_pairs(probability: Array) -> None:
    for begin in range(0, len(probability), 1 << 16):  # in blocks, so that memory does not grow
        block = probability[begin : begin + (1 << 16)]
        with np.errstate(invalid="ignore"):
            total = block[:, 0].astype(np.float64) + block[:, 1]
        wrong = ~(np.abs(total - 1) <= _SLACK)  # NaN is not within it
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ProbabilityError(
                f"Row {begin + row} of y_pred, {block[row].tolist()}, sums to {total[row]:.6g}; expected the "
                "probabilities of both classes, which sum to 1. Give those, or that of the positive class alone: "
                "y_pred[:, 1]."
            )
