"""The loss of tensors of PyTorch as Keras gives it, with weights of either sign."""

from torch import Tensor

from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words
from logloss.torch import arguments
from logloss.torch.arguments import Arguments
from logloss.torch.loss import reduced


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
