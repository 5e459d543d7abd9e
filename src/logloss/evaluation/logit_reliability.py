"""The reliability diagram on a grid of log-odds, where rare events keep their resolution."""

import numpy as np

from logloss.evaluation.gathering import gathered
from logloss.evaluation.isotonic import recalibrated
from logloss.evaluation.redrawing import redrawn
from logloss.evaluation.reliability import Reliability
from logloss.evaluation.score_distribution import log_odds
from logloss.evaluation.tally import Groups

_GRID = 101
_CELLS = 1000
_REDRAWS = 200


def logit_reliability(groups: Groups, *, seed: int = 0) -> Reliability | None:
    """As `reliability`, on a grid that is even in log-odds; None if no row weighs anything.

    Notes
    -----
    Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers".

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    >>> diagram = logit_reliability(counter.tally().groups())
    >>> round(diagram.predicted[25], 4), sum(diagram.count)  # a quarter of the way from odds of 1/9 to odds of 9
    (0.25, 4.0)
    """
    groups = gathered(groups, _CELLS)
    if not len(groups.p):
        return None
    z, weight = log_odds(groups), groups.weight.sum(1)
    grid = np.linspace(z[0], z[-1], _GRID)
    curve = np.interp(grid, z, recalibrated(weight, groups.weight[:, 1]))
    lines = [np.interp(grid, z, recalibrated(drawn.sum(1), drawn[:, 1])) for drawn in redrawn(groups, _REDRAWS, seed)]
    low, high = np.quantile(lines, [0.025, 0.975], axis=0)
    count = np.bincount(np.maximum(np.searchsorted(np.unique(grid), z, side="right") - 1, 0), weight, _GRID)
    columns = (1 / (1 + np.exp(-grid)), curve, low, high, count)
    return Reliability(*(tuple(map(float, column)) for column in columns))
