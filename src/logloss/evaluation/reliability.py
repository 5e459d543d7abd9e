"""The reliability diagram: how often it happened, for each probability that was said."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import isotonic_regression

Array = npt.NDArray[np.float64]

_GRID = 101
_CELLS = 1000
_RESAMPLES = 200


@dataclass(frozen=True)
class Reliability:
    """Observed frequency against predicted probability, on a grid that no single row can be read from.

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
    p, y, w = p[w > 0], y[w > 0], w[w > 0]
    centre, rate, weight, rows = _cells(p, y, w)
    grid = np.linspace(centre[0], centre[-1], _GRID)
    curve = _on_grid(centre, isotonic_regression(rate, sample_weight=weight), grid)

    rng = np.random.default_rng(seed)
    redrawn = np.empty((_RESAMPLES, _GRID))
    for i in range(_RESAMPLES):
        drawn = rng.binomial(rows, np.clip(centre, 0, 1)) / rows
        redrawn[i] = _on_grid(centre, isotonic_regression(drawn, sample_weight=weight), grid)
    low, high = np.quantile(redrawn, [0.025, 0.975], axis=0)
    edges = np.append(grid, np.inf)
    count, _ = np.histogram(p, edges, weights=w) if grid[-1] > grid[0] else (np.eye(1, _GRID)[0] * w.sum(), edges)
    return Reliability(*(tuple(map(float, column)) for column in (grid, curve, low, high, count)))


def _cells(p: Array, y: Array, w: Array) -> tuple[Array, Array, Array, npt.NDArray[np.intp]]:
    """Mean probability, frequency, weight and number of rows of each cell, in order of probability."""
    distinct, cell = np.unique(p, return_inverse=True)
    if len(distinct) > _CELLS:
        # Equal probabilities share a cell, so the order of the rows does not matter.
        rank = np.searchsorted(np.sort(p), p)
        _, cell = np.unique(rank * _CELLS // len(p), return_inverse=True)
    rows = np.bincount(cell)
    weight = np.asarray(np.bincount(cell, w), np.float64)
    return np.bincount(cell, w * p) / weight, np.bincount(cell, w * y) / weight, weight, rows


def _on_grid(centre: Array, values: Array, grid: Array) -> Array:
    return np.interp(grid, centre, values)
