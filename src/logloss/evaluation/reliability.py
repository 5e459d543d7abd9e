"""The reliability diagram: how often it happened, for each probability that was said."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import isotonic_regression

from logloss.core.errors import ShapeError

Array = npt.NDArray[np.float64]

_GRID = 101
_CELLS = 1000
_RESAMPLES = 200


@dataclass(frozen=True)
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


def reliability(y_true: Any, y_pred: Any, sample_weight: Any = None, *, seed: int = 0) -> Reliability:
    """The reliability diagram of labels and probabilities, each of shape (n,), with consistency bands.

    Notes
    -----
    Dimitriadis, Gneiting and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers". Above 1,000
    distinct probabilities the rows are first gathered in 1,000 cells of equal count. Bands come from 200 redraws of
    the labels.

    Examples
    --------
    >>> diagram = reliability([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.8])
    >>> diagram.predicted[0], diagram.predicted[-1], len(diagram.observed)
    (0.1, 0.8, 101)
    """
    y = np.asarray(y_true, np.float64)
    p = np.asarray(y_pred, np.float64)
    w = np.ones_like(p) if sample_weight is None else np.asarray(sample_weight, np.float64)
    order = np.lexsort((w, y, p))  # sums then do not depend on the order of the rows
    order = order[w[order] > 0]
    if not len(order):
        raise ShapeError("A reliability diagram of no rows is undefined. Give some that weigh anything.")
    p, y, w = p[order], y[order], w[order]
    centre, rate, weight, rows = _cells(p, y, w / w.max())
    grid = np.linspace(centre[0], centre[-1], _GRID)
    curve = _on_grid(centre, isotonic_regression(rate, sample_weight=weight), grid)

    rng = np.random.default_rng(seed)
    redrawn = np.empty((_RESAMPLES, _GRID))
    for i in range(_RESAMPLES):
        drawn = rng.binomial(rows.astype(np.int64), np.clip(centre, 0, 1)) / rows
        redrawn[i] = _on_grid(centre, isotonic_regression(drawn, sample_weight=weight), grid)
    low, high = np.quantile(redrawn, [0.025, 0.975], axis=0)
    # What lies beyond the outermost cells' centres is counted at the ends of the grid.
    count = np.bincount(np.maximum(np.searchsorted(np.unique(grid), p, side="right") - 1, 0), w, _GRID)
    return Reliability(*(tuple(map(float, column)) for column in (grid, curve, low, high, count)))


def _cells(p: Array, y: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    """Probability, frequency, weight and effective number of rows of each cell, from rows in order of probability.

    Rows of unequal weights tell as much as (Σw)² / Σw² equal ones (Kish 1965, "Survey sampling").
    """
    centre, cell = np.unique(p, return_inverse=True)
    gathered = len(centre) > _CELLS
    if gathered:
        # Equal probabilities share a cell.
        _, cell = np.unique(np.searchsorted(p, p) * _CELLS // len(p), return_inverse=True)
    weight = np.asarray(np.bincount(cell, w), np.float64)
    if gathered:
        centre = np.bincount(cell, w * p) / weight
    rows = np.maximum(np.rint(1 / np.bincount(cell, (w / weight[cell]) ** 2)), 1)
    return centre, np.bincount(cell, w * y) / weight, weight, rows


def _on_grid(centre: Array, values: Array, grid: Array) -> Array:
    return np.interp(grid, centre, values)
