"""Fewer groups: those that weigh anything, or neighbours together where a smooth curve needs no more."""

import numpy as np

from logloss.evaluation.groups import Groups


def weighty(groups: Groups) -> Groups:
    """The groups that weigh anything."""
    some = (groups.weight[:, 0] > 0) | (groups.weight[:, 1] > 0)
    if some.all():
        return groups
    places = np.flatnonzero(some)
    return groups.at(places)


def coarser(groups: Groups, most: int) -> Groups:
    """Groups that weigh anything; above ``most`` of them, neighbours together, so that each weighs about the same.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 1, 0]), np.array([0.1, 0.3, 0.5, 0.7]))
    >>> coarser(counter.tally().groups(), 2).p.tolist()
    [0.2, 0.6]
    """
    groups = weighty(groups)
    if len(groups.p) <= most:
        return groups
    weight = groups.mass
    cumulated = np.cumsum(weight)
    middle = (cumulated - weight / 2) / cumulated[-1]
    _, starts = np.unique((middle * most).astype(np.int64), return_index=True)
    last = np.append(starts[1:], len(weight)) - 1
    total = np.add.reduceat(weight, starts)
    # From the first, so that groups of one probability keep it to the last digit.
    away = np.add.reduceat(weight * (groups.p - np.repeat(groups.p[starts], last - starts + 1)), starts) / total
    p = np.minimum(groups.p[starts] + away, groups.p[last])
    return Groups(
        p=p,
        lesser=np.minimum(p, 1 - p),
        rows=np.add.reduceat(groups.rows, starts),
        weight=np.add.reduceat(groups.weight, starts),
        square=np.add.reduceat(groups.square, starts),
        width=groups.p[last] - groups.p[starts] + np.maximum(groups.width[starts], groups.width[last]),
    )
