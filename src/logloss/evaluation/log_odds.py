"""Log-odds of probabilities: the axis on which rare and near-certain events have as much room as the middle."""

import numpy as np

from logloss.evaluation.groups import Floats, Groups

FARTHEST = 16.0  # about 1e-7 from 0 or 1: beyond that nothing is left to see
_CORNER, _MOST = 0.1, 0.75


def log_odds(groups: Groups) -> Floats:
    """Of each group's probability, to ±16."""
    with np.errstate(divide="ignore"):
        z = np.log1p(-groups.lesser) - np.log(groups.lesser)
    return np.clip(np.where(groups.p > 0.5, z, -z), -FARTHEST, FARTHEST)


def probability_at(z: Floats) -> Floats:
    """The probability with these log-odds.

    Examples
    --------
    >>> probability_at(np.array([0.0, np.log(3)])).tolist()
    [0.5, 0.75]
    """
    return chances(z)[0]


def chances(z: Floats) -> tuple[Floats, Floats]:
    """The probabilities of a positive and of a negative with these log-odds: neither as 1 less the other.

    Examples
    --------
    >>> [float(p) for p in chances(np.array(-40.0))]
    [4.248354255291589e-18, 1.0]
    """
    e = np.exp(-np.abs(z))
    lesser, greater = e / (1 + e), 1 / (1 + e)
    is_upper = z > 0
    return np.where(is_upper, greater, lesser), np.where(is_upper, lesser, greater)


def needs_log_odds(groups: Groups) -> bool:
    """Whether most rows, by weight, have a probability within a tenth of 0 or 1: a linear axis would show a corner."""
    weight = groups.mass
    return bool(weight[groups.lesser < _CORNER].sum() > _MOST * weight.sum())
