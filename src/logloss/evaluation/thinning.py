"""Rows dealt into folds: seeded, and a function of the groups alone."""

import numpy as np

from logloss.evaluation.groups import Floats, Groups, Integers


def alike(groups: Groups) -> Integers:
    """As how many rows of equal weight each group's rows of each label are dealt and drawn, (m, 2).

    (Σw)² / Σw² (Kish 1965, "Survey sampling"), rounded; at least one where there is any weight.
    """
    rows = np.zeros_like(groups.weight)
    np.divide(groups.weight**2, groups.square, out=rows, where=groups.square > 0)
    return np.where(groups.weight > 0, np.maximum(np.rint(rows), 1), 0).astype(np.int64)


def dealt(groups: Groups, folds: int, seed: int) -> list[Floats]:
    """The weight of each group and label, (m, 2), in each fold: rows fall into any with the same probability.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 0, 0, 1]), np.array([0.5, 0.5, 0.5, 0.7]))
    >>> sum(dealt(counter.tally().groups(), 2, seed=0)).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    rows, left = alike(groups), alike(groups)
    a_row = groups.weight / np.maximum(rows, 1)
    random = np.random.default_rng(seed)
    made: list[Floats] = []
    for fold in range(folds):
        count = random.binomial(left, 1 / (folds - fold))
        left = left - count
        made.append(count * a_row)
    return made
