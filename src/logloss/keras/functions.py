"""Keras' two functions, with the options of the family."""

from typing import Any

from keras.saving import register_keras_serializable

from logloss.core import parameters
from logloss.core.errors import ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.keras.call import Call, Tensor


@register_keras_serializable(package="logloss")  # type: ignore[untyped-decorator]
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
    *,
    pos_weight: Any = 1.0,
    neg_weight: Any = 1.0,
    gamma: float = 0.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    ignore_index: float | None = None,
    class_axis: int = -1,
    validate: bool | None = None,
) -> Tensor:
    """The mean over an axis of the loss of each element, as `keras.losses.binary_crossentropy` gives it.

    Parameters
    ----------
    y_true : tensor, shape s
        Labels in [0, 1].
    y_pred : tensor, shape s
        Probabilities, or logits with ``from_logits=True``. Either tensor may lack a trailing axis of 1.
    from_logits : bool
        Whether predictions are logits.
    label_smoothing : float in [0, 1]
        0.1 turns the labels 0 and 1 into 0.05 and 0.95. With focus the smoothed loss is the mean of the two focused
        losses; Keras focuses by the distance to the smoothed label, which plays down the wrong ones.
    axis : int
        The axis that the mean is over, of those elements that count.
    pos_weight, neg_weight : float or sequence of float
        What the positive and the negative side are multiplied by; a sequence gives one weight a class.
    gamma, gamma_neg, margin : float
        As for a `BinaryCrossEntropy`.
    ignore_index : float, optional
        Elements with this label do not count; NaN is one that can be named.
    class_axis : int
        The axis along which per-class weights lie.
    validate : bool, optional
        Whether values are looked at. Unless it is said they are where that costs nothing, which is eagerly in main
        memory in TensorFlow and PyTorch; elsewhere NaN gives NaN. In a graph it is TensorFlow that refuses, and XLA
        leaves that out. On JAX ``True`` is refused in what is compiled, as in `fit`.

    Raises
    ------
    ShapeError, DtypeError, ParameterError
    LabelError, LogitError, ProbabilityError, WeightError
        A value is out of range.

    Notes
    -----
    Probabilities are clipped to [epsilon, 1 - epsilon] for `keras.config.epsilon()` as it is when the loss is called,
    and the gradient beyond the clip is that at the clip. On TensorFlow, as in Keras, the loss of what a sigmoid made is
    that of its logits, without a clip; with ``from_logits=True`` too, with a warning. On PyTorch it is where a layer's
    activation was the sigmoid. Tensors of a functional model are taken too, and the loss is then a part of the model.

    Examples
    --------
    >>> loss = binary_crossentropy([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])
    >>> [f"{row:.3f}" for row in loss]
    ['0.916', '0.714']
    """
    bce = BinaryCrossEntropy(
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        gamma=gamma,
        gamma_neg=gamma_neg,
        margin=margin,
    )
    loss: Tensor = Call(bce, axis, class_axis, ignore_index, validate)(y_true, y_pred)
    return loss


@register_keras_serializable(package="logloss")  # type: ignore[untyped-decorator]
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
    *,
    pos_weight: Any = 1.0,
    neg_weight: Any = 1.0,
    gamma_neg: float | None = None,
    margin: float = 0.0,
    ignore_index: float | None = None,
    class_axis: int = -1,
    validate: bool | None = None,
) -> Tensor:
    """The mean over an axis of the focal loss, as `keras.losses.binary_focal_crossentropy` gives it.

    Parameters
    ----------
    y_true, y_pred : tensor, shape s
        As for `binary_crossentropy`.
    apply_class_balancing : bool
        Whether positives weigh alpha, and negatives 1 - alpha.
    alpha : float in [0, 1]
        The weight of positives then.
    gamma : float
        How strongly easy elements are played down.
    from_logits, label_smoothing, axis
        As for `binary_crossentropy`.
    pos_weight, neg_weight, gamma_neg, margin, ignore_index, class_axis, validate
        As for `binary_crossentropy`.

    Raises
    ------
    ShapeError, DtypeError, ParameterError

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection".

    Examples
    --------
    >>> loss = binary_focal_crossentropy([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])
    >>> [f"{row:.3f}" for row in loss]
    ['0.330', '0.206']
    """
    return binary_crossentropy(
        y_true,
        y_pred,
        from_logits,
        label_smoothing,
        axis,
        **class_weights(apply_class_balancing, alpha, pos_weight, neg_weight),
        gamma=gamma,
        gamma_neg=gamma_neg,
        margin=margin,
        ignore_index=ignore_index,
        class_axis=class_axis,
        validate=validate,
    )


def class_weights(apply_class_balancing: bool, alpha: float, pos_weight: Any, neg_weight: Any) -> dict[str, Any]:
    """The class weights that were given, or those that balancing sets, beside which there may be no others."""
    given = {"pos_weight": pos_weight, "neg_weight": neg_weight}
    weights = {name: parameters.weight(name, weight) for name, weight in given.items()}
    if not apply_class_balancing:
        return weights
    for name, weight in weights.items():
        if weight != 1.0:
            raise ParameterError(
                f"apply_class_balancing sets the class weights and {name} was given too. Leave one of them out."
            )
    alpha = parameters.number("alpha", alpha)
    return {"pos_weight": alpha, "neg_weight": 1 - alpha}
