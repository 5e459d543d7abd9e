"""The loss of tensors of PyTorch as Keras gives it, with weights of either sign."""

from typing import Any

from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words
from logloss.torch import arguments
from logloss.torch.arguments import Arguments
from logloss.torch.loss import reduced

Tensor = Any  # of PyTorch, which its own adapter alone imports


def logits_of(y_pred: Tensor) -> Tensor | None:
    """What a sigmoid made the tensor from; None where it made it not, or nobody knows."""
    logits = getattr(y_pred, "_keras_logits", None)  # Keras keeps those of a softmax under the same name
    if logits is None or logits.shape != y_pred.shape or logits.dtype != y_pred.dtype:
        return None
    if y_pred.grad_fn is not None:  # which knows what made it, and a device need not be waited for
        return logits if y_pred.grad_fn.name() == "SigmoidBackward0" else None
    return logits if (logits.sigmoid() == y_pred).all() else None


def loss(
    bce: BinaryCrossEntropy,
    reduction: str,
    class_axis: int,
    validate: bool | None,
    words: Words,
    y_true: Tensor,
    y_pred: Tensor,
    weight: Tensor | None,
    shown: Tensor | None,
) -> Tensor:
    """The reduced loss; weight and mask have y_pred's shape."""
    arguments.check_pair(y_pred, y_true, words)
    sides = [
        None
        if isinstance(side, float)
        else arguments.along_class_axis(arguments.class_weights(side, y_pred, name), y_pred, class_axis, name)
        for name, side in (("pos_weight", bce.pos_weight), ("neg_weight", bce.neg_weight))
    ]
    given = Arguments(y_pred, y_true, weight, shown, *sides)
    return reduced(given, bce, reduction, words, validate, is_weight_signed=True)
