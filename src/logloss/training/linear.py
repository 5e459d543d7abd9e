"""The linear model by maximum likelihood: Newton's method on the family's own gradient and Hessian."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import linalg

from logloss.core.family import BinaryCrossEntropy
from logloss.training.priors import class_weight

Array = npt.NDArray[np.float64]

_ITERATIONS = 100
# Newton's decrement, in nats: where the quadratic model promises less, the optimum is reached to rounding.
_CONVERGED = 1e-15
# Where so little is left to win, and some logits still move by so much and all others hardly, they may have no end.
_LITTLE_LEFT = 1e-6
_STILL_MOVING = 0.1
_HARDLY_MOVING = 1e-3
# Where every row is on its right side no finite coefficients are best, and there is no use in going on to certainty.
_SURE_ENOUGH = 1e-2
_HIGHEST_CONDITION = 1e10
_AS_GOOD_AS_CONSTANT = 1e-300  # a coefficient in such units would leave the range of a float


@dataclass(frozen=True)
class Design:
    """The features centred and scaled, which makes the Hessian well conditioned, with a first column of ones."""

    matrix: Array
    centre: Array
    scale: Array

    @classmethod
    def of(cls, features: Array, weight: Array | None) -> Self:
        """The design of features of shape (n, d), for rows of weights (n,)."""
        matrix = np.empty((len(features), features.shape[1] + 1))
        matrix[:, 0] = 1.0
        centre = np.average(features, axis=0, weights=weight)
        centred = np.subtract(features, centre, out=matrix[:, 1:])
        farthest = np.abs(centred).max(axis=0)
        farthest[farthest < _AS_GOOD_AS_CONSTANT] = 1.0
        centred /= farthest  # so that no square overflows
        spread = np.sqrt(np.average(centred**2, axis=0, weights=weight))
        spread[spread == 0] = 1.0
        centred /= spread
        return cls(matrix, centre, farthest * spread)

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
    counted = np.ones(len(labels), np.bool_) if weight is None else weight > 0
    total = float(counted.sum() if weight is None else weight.sum())
    beta = np.zeros(design.matrix.shape[1])
    logits = np.zeros(len(labels))
    value = _mean(loss, labels, logits, weight)
    dependent = False
    for iteration in range(1, _ITERATIONS + 1):
        gradient, hessian = loss.gradient_hessian(labels, logits, sample_weight=weight)
        step = _newton_step(design, gradient / total, hessian / total)
        dependent = step.free is not None and bool(np.abs(step.free[counted]).max() < _HARDLY_MOVING)
        # A smoothed label has a best logit; any other is the better the farther it goes.
        endless = None
        if bce.label_smoothing:
            pass
        elif value < _SURE_ENOUGH and _right_way(labels, logits)[counted].min() > 0:
            endless = beta
        elif step.promised < _LITTLE_LEFT:
            endless = _endless(design.matrix[counted], _right_way(labels, step.move)[counted], step.beta)
        if endless is not None:
            separating = _features_of(endless, design.matrix[counted], labels[counted] > 0.5)
            return LinearFit(iteration, separating, dependent, converged=False)
        if step.promised < _CONVERGED * max(1.0, abs(value)):
            # The last step costs nothing and squares what error is left.
            yield design.in_units(beta + step.beta)
            return LinearFit(iteration, (), dependent, converged=True)
        length, value = _line_search(loss, labels, logits, step, weight, value)
        if length == 0:  # nothing that can be represented is better
            return LinearFit(iteration, (), dependent, converged=True)
        beta, logits = beta + length * step.beta, logits + length * step.move
        yield design.in_units(beta)
    return LinearFit(_ITERATIONS, (), dependent, converged=False)


class _Step(NamedTuple):
    beta: Array
    move: Array  # of every logit
    promised: float  # by how much the quadratic model falls
    free: Array | None  # how the logits move along the directions that the Hessian leaves undetermined


def _newton_step(design: Design, gradient: Array, hessian: Array) -> _Step:
    """A descent step, from the derivatives of the mean loss in every logit."""
    matrix = design.matrix
    slope = matrix.T @ gradient
    try:
        factor = linalg.cho_factor((matrix.T * hessian) @ matrix)
        diagonal = np.abs(np.diag(factor[0]))
        if diagonal.min() * np.sqrt(_HIGHEST_CONDITION) > diagonal.max():
            beta = -linalg.cho_solve(factor, slope)
            return _Step(beta, matrix @ beta, -float(slope @ beta) / 2, None)
    except linalg.LinAlgError:
        pass  # dependent features, or a focused loss where it is not convex
    # Where some rows are settled the others decide, and beside an absurd value these may lie so close together that
    # only a design of their own tells them apart.
    nearer = Design.of(matrix[:, 1:], np.abs(hessian) + np.finfo(np.float64).tiny)
    slope = nearer.matrix.T @ gradient
    values, vectors = linalg.eigh((nearer.matrix.T * hessian) @ nearer.matrix)
    size = np.abs(values)
    kept = size > size.max() / _HIGHEST_CONDITION
    # Downhill along negative curvature as well; nothing along what is undetermined.
    beta = -vectors[:, kept] @ ((vectors[:, kept].T @ slope) / size[kept])
    coefficients, intercept = nearer.in_units(beta)
    free = None if kept.all() else nearer.matrix @ vectors[:, ~kept]
    return _Step(np.append(intercept, coefficients), nearer.matrix @ beta, -float(slope @ beta) / 2, free)


def _line_search(
    loss: BinaryCrossEntropy, labels: Array, logits: Array, step: _Step, weight: Array | None, value: float
) -> tuple[float, float]:
    length = 1.0
    while length > 1e-10:
        reached = _mean(loss, labels, logits + length * step.move, weight)
        if reached <= value - 1e-4 * length * step.promised:
            return length, reached
        length /= 2
    return 0.0, value


def _mean(loss: BinaryCrossEntropy, labels: Array, logits: Array, weight: Array | None) -> float:
    value: float = loss(labels, logits, sample_weight=weight, reduction="weighted_mean")
    return value


def _right_way(labels: Array, logits: Array) -> Array:
    """Logits turned so that more is better for every row."""
    return np.where(labels > 0.5, logits, -logits)


def _endless(matrix: Array, right_way: Array, step: Array) -> Array | None:
    """The part of a step that can go on for ever: it moves some logits the right way and none the wrong way.

    Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression models". A step
    that only looks so, as one does that moves an outlier far and all other rows a little, is not enough: the rows that
    hardly move must be able to stand still.
    """
    moving = right_way > _STILL_MOVING
    if not moving.any() or np.abs(right_way[~moving]).max(initial=0) > _HARDLY_MOVING:
        return None
    still = matrix[~moving]
    _, size, directions = np.linalg.svd(np.linalg.qr(still, mode="r"))
    rank = int((size > size.max(initial=0) * max(still.shape) * np.finfo(np.float64).eps).sum())
    free = directions[rank:]
    endless: Array = free.T @ (free @ step)
    return endless if np.all((matrix[moving] @ endless) * (matrix[moving] @ step) > 0) else None


def _features_of(endless: Array, matrix: Array, positive: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """The features that separate the classes by themselves, or else those of most weight in separating them."""
    yes, no = matrix[positive, 1:], matrix[~positive, 1:]
    above, below = yes.min(axis=0) >= no.max(axis=0), yes.max(axis=0) <= no.min(axis=0)
    alone = above ^ below  # both are true of a constant
    size = np.abs(endless[1:])
    named = alone if alone.any() else size > 0.1 * size.max()
    return tuple(int(i) for i in np.argsort(-size, kind="stable") if named[i])
