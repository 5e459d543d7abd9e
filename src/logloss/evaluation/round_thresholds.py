"""Decisions at thresholds that people would name, 0.01, 0.02 and so on, in counts: what one can turn and look at."""

from dataclasses import dataclass

import numpy as np

from logloss.evaluation.decisions import Costs, Counts, thresholds_of
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.log_odds import needs_log_odds

_STEPS = 100
_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_COVERED = 0.99
_TENTHS = 6
_DIGITS = np.array([1.0, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9])


@dataclass(frozen=True)
class RoundThresholds:
    """What comes of each threshold, in ascending order. Counts are of weight.

    A row is taken as positive when its probability is at least the threshold. ``caught`` and ``missed`` are positives,
    ``false_alarms`` and ``spared`` negatives. ``cost`` is per row; ``net_benefit`` too, in positives caught, beside
    that of taking every row as positive; that of taking none is 0. ``cost_all`` and ``cost_none`` are the costs of
    these two. ``chosen`` is the place of the threshold to begin at. ``low`` and ``high`` are where nearly all scores of
    either class lie between; ``in_log_odds`` says that thresholds are spread so, as rare events need.
    """

    threshold: tuple[float, ...]
    caught: tuple[float, ...]
    missed: tuple[float, ...]
    false_alarms: tuple[float, ...]
    spared: tuple[float, ...]
    cost: tuple[float, ...]
    net_benefit: tuple[float, ...]
    treat_all: tuple[float, ...]
    cost_all: float
    cost_none: float
    chosen: int
    low: float
    high: float
    in_log_odds: bool


def round_thresholds(groups: Groups, costs: Costs, chosen: float | None = None) -> RoundThresholds | None:
    """About a hundred thresholds between 0 and where scores end; None if no row weighs anything.

    Among them are the one that the costs call for and the one to begin at, which is the same if none is ``chosen``.

    Notes
    -----
    Vickers and Elkin (2006), "Decision curve analysis: a novel method for evaluating prediction models".

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8]))
    >>> found = round_thresholds(counter.tally().groups(), Costs(1, 3))
    >>> found.threshold[found.chosen], found.caught[found.chosen], found.false_alarms[found.chosen]
    (0.25, 2.0, 1.0)
    """
    if not groups.weight.any():
        return None
    in_log_odds = needs_log_odds(groups)
    chosen = costs.threshold if chosen is None else chosen
    asked = [one for one in (costs.threshold, chosen) if 0 < one < 1]
    low, high = _ends(groups, max(costs.threshold, chosen))
    grid = _grid(*((low, high) if in_log_odds else (0.0, high)), asked, in_log_odds)
    found = Counts(groups, np.searchsorted(thresholds_of(groups), grid))
    negatives, positives = (found.total / found.mass).tolist()
    return RoundThresholds(
        threshold=tuple(grid.tolist()),
        caught=tuple(found.caught.tolist()),
        missed=tuple(found.missed.tolist()),
        false_alarms=tuple(found.alarms.tolist()),
        spared=tuple(found.spared.tolist()),
        cost=tuple(found.cost(costs).tolist()),
        net_benefit=tuple(found.net_benefit(grid).tolist()),
        treat_all=tuple(found.treat_all(grid).tolist()),
        cost_all=costs.false_positive * negatives,
        cost_none=costs.false_negative * positives,
        chosen=int(np.abs(grid - chosen).argmin()),
        low=low,
        high=high,
        in_log_odds=in_log_odds,
    )


def _ends(groups: Groups, asked: float) -> tuple[float, float]:
    """Powers of ten below, and round numbers above, nearly all scores of either class and what is asked for."""
    low, high = 0.1, asked
    for weight in groups.weight.T:
        if weight.sum() > 0:
            cumulated = np.cumsum(weight) / weight.sum()
            first, last = np.searchsorted(cumulated, (1 - _COVERED, _COVERED)).tolist()
            low, high = min(low, float(groups.p[first])), max(high, float(groups.p[min(last, len(groups.p) - 1)]))
    low = next((10.0**-i for i in range(1, _TENTHS) if 10.0**-i <= low), 10.0**-_TENTHS)
    return low, next((end for end in _ENDS if high < end), 1.0)


def _grid(low: float, high: float, asked: list[float], in_log_odds: bool) -> Floats:
    step = high / _STEPS
    grid = step * np.arange(1, _STEPS)
    if in_log_odds:
        exponents = np.arange(-_TENTHS, 0)
        near_0 = (_DIGITS * 10.0 ** exponents[:, None]).ravel()
        grid = np.concatenate([near_0[near_0 < 0.2], np.arange(0.2, 0.81, 0.05), 1 - near_0[near_0 < 0.2]])
        grid = grid[(grid >= low) & (grid < high)]
    grid = np.round(grid, 12)
    # What is asked for stays as it is: rounded, it would be beyond rows whose probability it is.
    for one in asked:
        grid = np.append(grid[np.abs(grid - one) > 1e-12], one)
    return np.unique(grid)
