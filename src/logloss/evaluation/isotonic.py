"""The best that an increasing function of the probabilities can do: pool adjacent violators."""

import numpy as np

from logloss.evaluation.groups import Floats, Integers


def pooled(weight: Floats, positives: Floats) -> tuple[Floats, Floats]:
    """Weights and frequencies of the blocks of an isotonic regression, from groups in ascending order.

    Parameters
    ----------
    weight, positives : arrays, shape (m,)
        Each group's weight, which is above 0, and how much of it is of positives.

    Returns
    -------
    arrays, shape (blocks,)
        The weight of each block, and its frequency, in ascending order.

    Notes
    -----
    Ayer et al. (1955), "An empirical distribution function for sampling with incomplete information"; the algorithm is
    SciPy's. A block's frequency is worked out from its sums, so that a block of one label has exactly 0 or 1.

    Examples
    --------
    >>> weight, frequency = pooled(np.array([1.0, 1.0, 2.0]), np.array([1.0, 0.0, 2.0]))
    >>> weight.tolist(), frequency.tolist()
    ([2.0, 2.0], [0.5, 1.0])
    """
    weight, frequency, _ = _blocks(weight, positives)
    return weight, frequency


def recalibrated(weight: Floats, positives: Floats) -> Floats:
    """The isotonic regression at each group, (m,)."""
    _, frequency, sizes = _blocks(weight, positives)
    return np.repeat(frequency, sizes)


def _blocks(weight: Floats, positives: Floats) -> tuple[Floats, Floats, Integers]:
    from scipy.optimize import isotonic_regression

    if not len(weight):
        return weight, weight, np.empty(0, np.int64)
    edges = isotonic_regression(positives / weight, weights=weight).blocks
    total = np.add.reduceat(weight, edges[:-1])
    share = np.add.reduceat(positives, edges[:-1])
    return total, np.minimum(share / total, 1.0), np.diff(edges)
