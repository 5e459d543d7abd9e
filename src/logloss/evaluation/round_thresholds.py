"""Decisions at thresholds that people would name, 0.01, 0.02 and so on, in counts: what one can turn and look at."""

import math
from dataclasses import dataclass

import numpy as np

from logloss.evaluation.decisions import Costs, thresholds_of
from logloss.evaluation.tally import Floats, Groups

_STEPS = 100
_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_COVERED = 0.99


@dataclass(frozen=True)
class RoundThresholds:
    """What comes of each threshold, in ascending order. Counts are of weight.

    A row is taken as positive when its probability is at least the threshold. ``caught`` and ``missed`` are positives,
    ``false_alarms`` and ``spared`` negatives. ``cost`` is per row; ``net_benefit`` too, in positives caught, beside
    that of taking every row as positive; that of taking none is 0. ``cost_all`` and ``cost_none`` are the costs of
    these two. ``chosen`` is the place of the threshold that the costs call for, and ``reach`` where nearly all scores
    of either class end.
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
    reach: float


def round_thresholds(groups: Groups, costs: Costs) -> RoundThresholds | None:
    """About a hundred thresholds between 0 and where scores end; None if no row weighs anything.

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
    total = groups.weight.sum(0)
    mass = float(total.sum())
    if not mass > 0:
        return None
    reach = _reach(groups, costs)
    grid = _grid(reach, costs)
    below = np.concatenate([np.zeros((1, 2)), np.cumsum(groups.weight, 0)])
    spared, missed = below[np.searchsorted(thresholds_of(groups), grid)].T
    alarms, caught = np.maximum(total[0] - spared, 0.0), np.maximum(total[1] - missed, 0.0)
    odds = grid / (1 - grid)
    columns = (
        grid,
        caught,
        missed,
        alarms,
        spared,
        (costs.false_positive * alarms + costs.false_negative * missed) / mass,
        (caught - odds * alarms) / mass,
        (total[1] - odds * total[0]) / mass,
    )
    chosen = int(np.abs(grid - costs.threshold).argmin())
    without = (costs.false_positive * float(total[0]) / mass, costs.false_negative * float(total[1]) / mass)
    return RoundThresholds(*(tuple(map(float, column)) for column in columns), *without, chosen, reach)


def _reach(groups: Groups, costs: Costs) -> float:
    far = costs.threshold
    for weight in groups.weight.T:
        if weight.sum() > 0:
            cumulated = np.cumsum(weight)
            place = np.searchsorted(cumulated, _COVERED * cumulated[-1])
            far = max(far, float(groups.p[min(place, len(groups.p) - 1)]))
    return next((end for end in _ENDS if far < end), 1.0)


def _grid(reach: float, costs: Costs) -> Floats:
    step = reach / _STEPS
    even = [step * i for i in range(1, _STEPS)]
    power = math.floor(math.log10(step))
    small = [float(f"{digit}e{exponent}") for exponent in range(power - 3, power + 1) for digit in (1, 2, 5)]
    named = [small for small in small if small < step]
    asked = [costs.threshold] if 0 < costs.threshold < 1 else []
    return np.unique(np.round([*named, *even, *asked], 12))
