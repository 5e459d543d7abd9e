"""The linear model by maximum likelihood: Newton's method on the family's own gradient and Hessian."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import linalg

from logloss.core.family import BinaryCrossEntropy
from logloss.training.priors import class_weight

Array = npt.NDArray[np.float64]

_ITERATIONS = 100
# Newton's decrement, in nats: where the quadratic model promises less, the optimum is reached to rounding.
_CONVERGED = 1e-15
# Where so little is left to win and the logits still move by so much, they move towards infinity.
_LITTLE_LEFT = 1e-6
_STILL_MOVING = 0.5
# Where every row is on its right side no finite coefficients are best, and there is no use in going on to certainty.
_SURE_ENOUGH = 1e-2
_HIGHEST_CONDITION = 1e10


@dataclass(frozen=True)
class Design:
    """The features centred and scaled, which makes the Hessian well conditioned, with a first column of ones."""

    matrix: Array
    centre: Array
    scale: Array

    @classmethod
    def of(cls, features: Array, weight: Array | None) -> Self:
        """The design of features of shape (n, d), for rows of weights (n,)."""
        centre = np.average(features, axis=0, weights=weight)
        scale = np.sqrt(np.average((features - centre) ** 2, axis=0, weights=weight))
        scale[scale == 0] = 1.0
        matrix = np.empty((len(features), features.shape[1] + 1))
        matrix[:, 0] = 1.0
        np.divide(features - centre, scale, out=matrix[:, 1:])
        return cls(matrix, centre, scale)

    def in_units(self, beta: Array) -> tuple[Array, float]:
        """Coefficients and intercept for the features as they were given."""
        coefficients = beta[1:] / self.scale
        return coefficients, float(beta[0] - coefficients @ self.centre)


@dataclass(frozen=True)
class LinearFit:
    """How Newton's method ended for one label."""

    iterations: int
    separating: tuple[int, ...]  # features along which the likelihood rises without end
    dependent: bool  # whether some features are linear combinations of others
    converged: bool


def newton(
    design: Design, labels: Array, weight: Array | None, bce: BinaryCrossEntropy, label: int
) -> Generator[tuple[Array, float], None, LinearFit]:
    """Minimise the mean loss of ``intercept + features @ coefficients``, yielding both after every iteration.

    Parameters
    ----------
    design : Design
        The features.
    labels : array, shape (n,)
        0 or 1.
    weight : array, shape (n,), optional
        Weights of the rows.
    bce : BinaryCrossEntropy
        Taken on logits.
    label : int
        Whose class weights apply.
    """
    a, b = class_weight(bce.pos_weight, label), class_weight(bce.neg_weight, label)
    loss = replace(bce, from_logits=True, pos_weight=a, neg_weight=b)
    matrix = design.matrix
    total = float(len(labels) if weight is None else weight.sum())
    beta = np.zeros(matrix.shape[1])
    logits = np.zeros(len(labels))
    value = _mean(loss, labels, logits, weight)
    dependent = False
    for iteration in range(1, _ITERATIONS + 1):
        gradient, hessian = loss.gradient_hessian(labels, logits, sample_weight=weight)
        slope = matrix.T @ gradient / total
        step, dependent = _newton_step((matrix.T * (hessian / total)) @ matrix, slope)
        promised = -float(slope @ step) / 2
        move = matrix @ step
        separated = value < _SURE_ENOUGH and _all_right(logits, labels, weight)
        if separated or (promised < _LITTLE_LEFT and _is_separating(move, labels, weight)):
            return LinearFit(iteration, _features_of(step), dependent, converged=False)
        if promised < _CONVERGED * max(1.0, abs(value)):
            # The last step costs nothing and squares what error is left.
            yield design.in_units(beta + step)
            return LinearFit(iteration, (), dependent, converged=True)
        length, value = _line_search(loss, labels, logits, move, weight, value, promised)
        if length == 0:  # nothing that can be represented is better
            return LinearFit(iteration, (), dependent, converged=True)
        beta, logits = beta + length * step, logits + length * move
        yield design.in_units(beta)
    return LinearFit(_ITERATIONS, (), dependent, converged=False)


def _newton_step(hessian: Array, slope: Array) -> tuple[Array, bool]:
    """A descent step, and whether the Hessian leaves some direction undetermined."""
    try:
        factor = linalg.cho_factor(hessian)
        diagonal = np.abs(np.diag(factor[0]))
        if diagonal.min() * np.sqrt(_HIGHEST_CONDITION) > diagonal.max():
            return -linalg.cho_solve(factor, slope), False
    except linalg.LinAlgError:
        pass  # dependent features, or a focused loss where it is not convex
    values, vectors = linalg.eigh(hessian)
    size = np.abs(values)
    kept = size > size.max() / _HIGHEST_CONDITION
    # Downhill along negative curvature as well; nothing along what is undetermined.
    step = -vectors[:, kept] @ ((vectors[:, kept].T @ slope) / size[kept])
    return step, bool(not kept.all())


def _line_search(
    loss: BinaryCrossEntropy,
    labels: Array,
    logits: Array,
    move: Array,
    weight: Array | None,
    value: float,
    promised: float,
) -> tuple[float, float]:
    length = 1.0
    while length > 1e-10:
        reached = _mean(loss, labels, logits + length * move, weight)
        if reached <= value - 1e-4 * length * promised:
            return length, reached
        length /= 2
    return 0.0, value


def _mean(loss: BinaryCrossEntropy, labels: Array, logits: Array, weight: Array | None) -> float:
    value: float = loss(labels, logits, sample_weight=weight, reduction="weighted_mean")
    return value


def _all_right(logits: Array, labels: Array, weight: Array | None) -> bool:
    """Whether every row that weighs anything is on the side of its label, and no label is smoothed away from it."""
    right = np.where(labels > 0.5, logits, -logits)
    return bool(np.all((right > 0) if weight is None else (right > 0) | (weight == 0)))


def _is_separating(move: Array, labels: Array, weight: Array | None) -> bool:
    """Whether the step moves some logits far, and none of them the wrong way (Albert and Anderson 1984)."""
    if weight is not None:
        move, labels = move[weight > 0], labels[weight > 0]
    right_way = np.where(labels > 0.5, move, -move)
    return bool(right_way.max() > _STILL_MOVING and right_way.min() > -1e-3 * right_way.max())


def _features_of(step: Array) -> tuple[int, ...]:
    size = np.abs(step[1:])
    order = np.argsort(-size, kind="stable")
    return tuple(int(i) for i in order if size[i] > 0.1 * size.max())
