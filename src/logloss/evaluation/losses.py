"""What each label costs at each probability."""

import numpy as np

from logloss.evaluation.groups import Floats, Groups

_FARTHEST = 745.0  # the greatest loss of a probability that a double can hold


def losses(groups: Groups) -> Floats:
    """Log loss of a negative and of a positive at each probability, in nats, (m, 2). Infinite where it was certain.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0]), np.array([0.5, 1.0]))
    >>> losses(counter.tally().groups()).tolist()
    [[0.6931471805599453, 0.6931471805599453], [inf, 0.0]]
    """
    with np.errstate(divide="ignore"):
        wrong, right = -np.log(groups.lesser), 0.0 - np.log1p(-groups.lesser)
    return _by_label(groups, wrong, right)


def finite_losses(groups: Groups, *, are_endless: bool) -> Floats:
    """The same, finite, with what was certain: endless losses, if there are any, count nothing.

    Else the probability was 0 in doubles only, as that of logits beyond ±745 is, and costs as the least above it.
    """
    cost = losses(groups)
    return np.where(np.isinf(cost), 0.0 if are_endless else _FARTHEST, cost)


def squared_errors(groups: Groups) -> Floats:
    """The Brier score of a negative and of a positive at each probability, (m, 2)."""
    return _by_label(groups, (1 - groups.lesser) ** 2, groups.lesser**2)


def _by_label(groups: Groups, wrong: Floats, right: Floats) -> Floats:
    is_upper = groups.p > 0.5
    return np.stack([np.where(is_upper, wrong, right), np.where(is_upper, right, wrong)], -1)


def entropy_of(rate: Floats) -> Floats:
    """Of a coin, in nats: what always saying its rate costs a toss. NaN for NaN."""
    rate = np.clip(rate, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(share > 0, share * np.log(share), 0.0) for share in (rate, 1 - rate)]
    return np.where(np.isnan(rate), np.nan, 0.0 - parts[0] - parts[1])
