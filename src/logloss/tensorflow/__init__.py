"""The loss as functions of TensorFlow: two under the names of `tf.nn`, and any member of the family."""

from typing import Any

import numpy as np

from logloss.core import inputs
from logloss.core.errors import MissingPackageError, ParameterError
from logloss.core.family import BinaryCrossEntropy

try:
    import tensorflow as tf
except ModuleNotFoundError as error:
    if error.name != "tensorflow":
        raise
    raise MissingPackageError(
        "logloss.tensorflow needs the package tensorflow. Install it with: pip install 'logloss[tensorflow]'"
    ) from error

from logloss.tensorflow.call import TF_NN, Function, as_it_is, without
from logloss.tensorflow.quantities import Tensor

__all__ = ["as_function", "sigmoid_cross_entropy_with_logits", "weighted_cross_entropy_with_logits"]


@as_it_is  # type: ignore[untyped-decorator]
def sigmoid_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    name: str | None = None,
    *,
    pos_weight: Any = 1.0,
    neg_weight: Any = 1.0,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    reduction: str = "none",
    validate: bool | None = None,
) -> Tensor:
    """The loss of each element, as `tf.nn.sigmoid_cross_entropy_with_logits` gives it, with the options of the family.

    Parameters
    ----------
    labels : tensor, shape s
        Labels in [0, 1]: floating, integers or booleans.
    logits : tensor, shape s
        Any real numbers, infinities included. Their type decides the result's.
    name : str, optional
        Of the scope of the operations.
    pos_weight, neg_weight : float, sequence of float, or tensor that broadcasts to s
        What the positive and the negative side are multiplied by; k entries give one weight a class.
    label_smoothing, gamma, gamma_neg, margin : float
        As for a `BinaryCrossEntropy`.
    sample_weight, mask : tensor that broadcasts to s, or of shape (s[0],)
        What each element is multiplied by, and whether it counts (True) or may hold anything (False). A vector that may
        lie along the first axis and along the last is refused; of open size in a graph, it lies along the first.
    ignore_index : float, optional
        Elements with this label do not count; NaN is one that can be named.
    class_axis : int
        The axis along which per-class weights lie.
    reduction : "none", "mean", "weighted_mean" or "sum"
        As for a `BinaryCrossEntropy`. The mean of nothing, as of a batch that is masked whole, is 0 with gradient 0.
    validate : bool, optional
        Whether values are looked at. Unless it is said they are where that costs nothing: eagerly, in main memory. In a
        graph `tf.errors.InvalidArgumentError` is raised when it runs, and XLA leaves such checks out. Where they are
        not looked at, NaN gives NaN.

    Raises
    ------
    ShapeError
        Shapes differ. Those that are known only when a graph runs are refused there by TensorFlow.
    DtypeError
        ``logits`` are not floating, or ``mask`` not boolean.
    ParameterError
        Something is missing or out of its range.
    LabelError, LogitError, WeightError
        A value is out of range.

    Notes
    -----
    Differentiable in logits, labels and weights, to any order; up to the second, derivatives are written out.
    Eagerly in main memory the compiled kernel makes the loss and its gradient in logits, unless a tape follows labels
    or weights. Elsewhere TensorFlow's own operations do, which flush subnormal results to 0 but for graphs without XLA.

    Examples
    --------
    >>> loss = sigmoid_cross_entropy_with_logits(labels=[1, 0, 255], logits=[0.0, -20.0, 3.0], ignore_index=255)
    >>> print(loss.numpy())
    [6.9314718e-01 2.0611537e-09 0.0000000e+00]
    """
    for given, argument in ((labels, "labels"), (logits, "logits")):
        if given is None:
            raise ParameterError(f"{argument} is missing; expected a tensor. Give both labels and logits.")
    weights = {"pos_weight": pos_weight, "neg_weight": neg_weight}
    tensors = {
        key: inputs.any_array(value, key) if isinstance(value, list | tuple) else value
        for key, value in weights.items()
        if _is_tensor(value)
    }
    bce = BinaryCrossEntropy(
        from_logits=True,
        label_smoothing=label_smoothing,
        gamma=gamma,
        gamma_neg=gamma_neg,
        margin=margin,
        **{key: value for key, value in weights.items() if key not in tensors},
    )
    loss = Function(bce, reduction, class_axis, validate, TF_NN, broadcasts=True)
    with tf.name_scope(name or "logistic_loss"):
        batch = loss.read(labels, logits, sample_weight, mask, tensors)
        return loss.of(without(batch, ignore_index))


@as_it_is  # type: ignore[untyped-decorator]
def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    *,
    neg_weight: Any = 1.0,
    label_smoothing: float = 0.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: float | None = None,
    class_axis: int = -1,
    reduction: str = "none",
    validate: bool | None = None,
) -> Tensor:
    """The loss of each element, as `tf.nn.weighted_cross_entropy_with_logits` gives it, with the options of the family.

    Parameters
    ----------
    labels, logits : tensor, shape s
        Labels in [0, 1] and any real numbers.
    pos_weight : float, sequence of float, or tensor that broadcasts to s
        What the positive side is multiplied by.
    name : str, optional
        Of the scope of the operations.
    neg_weight, label_smoothing, gamma, gamma_neg, margin
        As for `sigmoid_cross_entropy_with_logits`.
    sample_weight, mask, ignore_index, class_axis, reduction, validate
        As for `sigmoid_cross_entropy_with_logits`.

    Raises
    ------
    ShapeError, DtypeError, ParameterError

    Examples
    --------
    >>> print(weighted_cross_entropy_with_logits([1.0, 0.0], [0.0, 0.0], pos_weight=3.0).numpy())
    [2.0794415  0.6931472]
    """
    if pos_weight is None:
        raise ParameterError("pos_weight is missing; expected a number, one a class, or a tensor.")
    return sigmoid_cross_entropy_with_logits(
        labels,
        logits,
        name,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        label_smoothing=label_smoothing,
        gamma=gamma,
        gamma_neg=gamma_neg,
        margin=margin,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        class_axis=class_axis,
        reduction=reduction,
        validate=validate,
    )


def _is_tensor(weight: Any) -> bool:
    """Whether a class weight is more than a number, or one a class, which a `BinaryCrossEntropy` can hold."""
    is_nested = isinstance(weight, list | tuple) and any(map(np.ndim, weight))
    return tf.is_tensor(weight) or isinstance(weight, tf.Variable) or is_nested or getattr(weight, "ndim", 0) > 1


def as_function(
    bce: BinaryCrossEntropy, *, reduction: str = "none", class_axis: int = -1, validate: bool | None = None
) -> Function:
    """A function that is called as ``fn(y_true, y_pred, *, sample_weight=None, mask=None)``.

    Parameters
    ----------
    bce : BinaryCrossEntropy
        The member of the family; its ``from_logits`` and ``epsilon`` are honoured.
    reduction, class_axis, validate
        As for `sigmoid_cross_entropy_with_logits`.

    Raises
    ------
    ParameterError
        ``bce`` is none, or nobody knows the reduction.
    ShapeError, DtypeError, LabelError, LogitError, ProbabilityError, WeightError
        When called, as `sigmoid_cross_entropy_with_logits` does.

    Examples
    --------
    >>> loss = as_function(BinaryCrossEntropy.focal(from_logits=True), reduction="mean")
    >>> z = tf.Variable([0.0, -50.0])
    >>> with tf.GradientTape() as tape:
    ...     value = loss(tf.constant([1.0, 1.0]), z)
    >>> print(tape.gradient(value, z).numpy())
    [-0.03728585 -0.125     ]
    """
    if not isinstance(bce, BinaryCrossEntropy):
        raise ParameterError(
            f'bce={bce!r} is not a BinaryCrossEntropy. Make one, as by BinaryCrossEntropy.parse("focal(gamma=3)").'
        )
    return Function(bce, reduction, class_axis, validate)
