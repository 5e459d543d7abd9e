"""The reliability diagram: how often it happened, for each probability that was said."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from logloss.core.errors import ProbabilityError, ShapeError
from logloss.evaluation.counting import Counter
from logloss.evaluation.gathering import coarser
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.isotonic import recalibrated
from logloss.evaluation.loess import smooth_curve
from logloss.evaluation.log_odds import log_odds, probability_at
from logloss.evaluation.redrawing import redrawn

_GRID = 101
_CELLS = 1000
_RESAMPLES = 200
_FEW = 500


@dataclass(frozen=True, repr=False)
class Reliability:
    """Observed frequency against predicted probability, on a grid that does not grow with the rows.

    ``observed`` is the isotonic regression of the labels on the probabilities; ``low`` and ``high`` bound it at 95 %
    for probabilities that are perfectly calibrated. ``count`` says how many predictions (by weight) fall between a
    grid point and the next.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    count: tuple[float, ...]

    def __repr__(self) -> str:
        return f"<Reliability: {len(self.predicted)} places>"


def reliability(y_true: Any, y_pred: Any, sample_weight: Any = None, *, seed: int = 0) -> Reliability:
    """The reliability diagram of labels and probabilities, each of shape (n,), with consistency bands.

    Raises
    ------
    ShapeError
        No row weighs anything.
    ProbabilityError
        A label or a probability lies outside [0, 1], or a weight is negative or not finite.

    Examples
    --------
    >>> diagram = reliability([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.8])
    >>> diagram.predicted[0], diagram.predicted[-1], len(diagram.observed)
    (0.1, 0.8, 101)
    """
    y, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    w = np.ones_like(p) if sample_weight is None else np.asarray(sample_weight, np.float64)
    heaviest = float(w.max(initial=0.0)) or 1.0  # weights may be in any unit
    counter = Counter()
    if counter.add(y, p, w / heaviest) is None:
        raise ProbabilityError(
            "A reliability diagram needs labels and probabilities within [0, 1], and finite weights of at least 0. "
            "If these are logits, give their sigmoid."
        )
    diagram = reliability_of(counter.tally().groups(), seed=seed)
    return replace(diagram, count=tuple(count * heaviest for count in diagram.count))


def reliability_of(groups: Groups, *, in_log_odds: bool = False, seed: int = 0) -> Reliability:
    """The reliability diagram of groups, with consistency bands; with ``in_log_odds`` on a grid that is even in these.

    Raises
    ------
    ShapeError
        No row weighs anything.

    Notes
    -----
    Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers". Above 1,000
    distinct probabilities, neighbours are first gathered in 1,000 cells of equal weight. Bands come from 200 redraws of
    the labels.
    """
    cells = coarser(groups, _CELLS)
    if not len(cells.p):
        raise ShapeError("A reliability diagram of no rows is undefined. Give some that weigh anything.")
    place, places = (log_odds(some) if in_log_odds else some.p for some in (cells, groups))
    grid = np.linspace(place[0], place[-1], _GRID)
    curves = [
        np.interp(grid, place, recalibrated(weight.sum(1), weight[:, 1]))
        for weight in (cells.weight, *redrawn(cells, _RESAMPLES, seed))
    ]
    low, high = np.quantile(curves[1:], [0.025, 0.975], axis=0)
    # What lies beyond the outermost cells' centres is counted at the ends of the grid.
    before = np.maximum(np.searchsorted(np.unique(grid), places, side="right") - 1, 0)
    count = np.bincount(before, groups.mass, _GRID)
    predicted = probability_at(grid) if in_log_odds else grid
    return Reliability(*(tuple(map(float, column)) for column in (predicted, curves[0], low, high, count)))


def smooth_beside(groups: Groups, diagram: Reliability) -> tuple[float, ...]:
    """A smooth calibration curve at the diagram's probabilities, where events or non-events are few; else nothing.

    Isotonic regression has steps, and few of them below some 500 events or non-events: what lies between them is then
    better seen from local regression.

    Notes
    -----
    Van Calster et al. (2016), "A calibration hierarchy for risk models was defined", on flexible calibration curves.

    Examples
    --------
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.6, 0.8]))
    >>> groups = counter.tally().groups()
    >>> len(smooth_beside(groups, reliability_of(groups)))
    101
    """
    square = groups.square.sum(0)
    rows = np.divide(groups.weight.sum(0) ** 2, square, out=np.zeros(2), where=square > 0)
    if rows.min() >= _FEW:
        return ()
    curve: Floats = smooth_curve(groups, np.array(diagram.predicted))
    return tuple(curve.tolist())
