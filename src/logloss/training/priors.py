"""What class weights do to probabilities, and its exact undoing."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from logloss.core.family import BinaryCrossEntropy

Standing = Literal["exact", "corrected", "distorted"]


def shift(bce: BinaryCrossEntropy, n_labels: int) -> npt.NDArray[np.float64]:
    """What to add to each label's logit so that probabilities are those of the unweighted data.

    Weights a and b make the odds of a perfect model a/b times what they are in the data, so ``-log(a / b)`` undoes them
    exactly. No such shift exists for a focused or spared loss, nor for a weight of 0; it is 0 there.

    Examples
    --------
    >>> shift(BinaryCrossEntropy(pos_weight=3), 1)
    array([-1.09861229])
    """
    made = np.zeros(n_labels)
    if is_shape_plain(bce):
        for j in range(n_labels):
            a, b = class_weight(bce.pos_weight, j), class_weight(bce.neg_weight, j)
            if a > 0 and b > 0:
                made[j] = math.log(b) - math.log(a)  # whose quotient may leave the range of a float
    return made


def standing(bce: BinaryCrossEntropy, *, corrected: bool) -> Standing:
    """Whether probabilities trained with the loss mean what they say, do so by correction, or are distorted."""
    weights = (bce.pos_weight, bce.neg_weight)
    n_labels = max(len(weight) if isinstance(weight, tuple) else 1 for weight in weights)
    pairs = [[class_weight(weight, j) for weight in weights] for j in range(n_labels)]
    weighted = any(a != b for a, b in pairs)
    undoable = all(a > 0 and b > 0 for a, b in pairs)
    if not is_shape_plain(bce) or bce.label_smoothing or (weighted and not (corrected and undoable)):
        return "distorted"
    return "corrected" if weighted else "exact"


def is_shape_plain(bce: BinaryCrossEntropy) -> bool:
    """Whether the loss has neither focus nor margin."""
    return bce.gamma == 0 and bce.gamma_neg is None and bce.margin == 0


def class_weight(weight: float | tuple[float, ...], label: int) -> float:
    """The weight of one label."""
    return weight if isinstance(weight, float) else weight[label]
