"""What decisions by a threshold are worth: a row is taken as positive when its probability is at least that."""

from dataclasses import dataclass, replace

import numpy as np

from logloss.core.errors import ParameterError
from logloss.evaluation.groups import Floats, Groups, Integers
from logloss.evaluation.intervals import of_mean, of_proportion
from logloss.evaluation.score import Score

_MOST = 1000
_DEAREST = 1e100  # so that no sum of costs overflows


@dataclass(frozen=True)
class Costs:
    """What a false positive and a false negative cost, in any unit; what is right costs nothing.

    Raises
    ------
    ParameterError
        A cost is negative or above 10^100, or both are 0.

    Examples
    --------
    >>> Costs(false_positive=1, false_negative=4).threshold
    0.2
    """

    false_positive: float = 1.0
    false_negative: float = 1.0

    def __post_init__(self) -> None:
        both = (self.false_positive, self.false_negative)
        if not all(0 <= cost <= _DEAREST for cost in both) or not sum(both) > 0:
            raise ParameterError(
                f"A false positive that costs {both[0]} and a false negative that costs {both[1]} make no threshold. "
                "Both have to lie between 0 and 10^100, and one of them above 0."
            )

    @property
    def threshold(self) -> float:
        """From which probability on a positive is cheaper, if probabilities are right.

        Notes
        -----
        Elkan (2001), "The foundations of cost-sensitive learning".
        """
        return self.false_positive / (self.false_positive + self.false_negative)


@dataclass(frozen=True, repr=False)
class Thresholds:
    """Decisions along a grid of thresholds, in ascending order; each entry of a column belongs to one of them.

    Shares are of weight. ``cost`` is expected per row. ``net_benefit`` is in true positives per row, with a false
    positive worth the threshold's odds of them; ``treat_all`` is that of taking every row as positive, and that of
    taking none is 0. NaN where nothing is divided: the precision of a threshold that no row reaches.
    """

    threshold: tuple[float, ...]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    ppv: tuple[float, ...]
    npv: tuple[float, ...]
    accuracy: tuple[float, ...]
    cost: tuple[float, ...]
    net_benefit: tuple[float, ...]
    treat_all: tuple[float, ...]

    def __repr__(self) -> str:
        ends = f", from {self.threshold[0]:g} to {self.threshold[-1]:g}" if self.threshold else ""
        return f"<Thresholds: {len(self.threshold)}{ends}>"

    @property
    def recall(self) -> tuple[float, ...]:
        """Another word for sensitivity."""
        return self.sensitivity

    @property
    def precision(self) -> tuple[float, ...]:
        """Another word for the positive predictive value."""
        return self.ppv


@dataclass(frozen=True)
class Decision:
    """Decisions at one threshold, with intervals; as in `Thresholds`."""

    threshold: float
    sensitivity: Score
    specificity: Score
    ppv: Score
    npv: Score
    accuracy: Score
    cost: Score
    net_benefit: Score
    treat_all: Score


class Counts:
    """What comes of thresholds, by weight: a row is taken as positive from its threshold on."""

    def __init__(self, groups: Groups, places: Integers) -> None:
        """Of thresholds at places among the groups: what is below is taken as negative."""
        below = np.concatenate([np.zeros((1, 2)), np.cumsum(groups.weight, 0)])[places]
        self.total: Floats = groups.weight.sum(0)
        self.mass = float(self.total.sum())
        self.spared, self.missed = below.T
        # The same weights added up in another order may be less by a rounding.
        self.alarms, self.caught = np.maximum(self.total - below, 0.0).T

    def cost(self, costs: Costs) -> Floats:
        """What decisions cost a row."""
        return np.asarray((costs.false_positive * self.alarms + costs.false_negative * self.missed) / self.mass)

    def net_benefit(self, threshold: Floats) -> Floats:
        """In positives caught, a row; that of taking none as positive is 0."""
        return np.asarray((self.caught - _times(_odds(threshold), self.alarms)) / self.mass)

    def treat_all(self, threshold: Floats) -> Floats:
        """The net benefit of taking every row as positive."""
        return np.asarray((self.total[1] - _times(_odds(threshold), self.total[0])) / self.mass)


def thresholds(groups: Groups, costs: Costs | None = None, most: int = _MOST) -> Thresholds:
    """Decisions at the distinct probabilities, or at ``most`` of them, spread evenly over positives and negatives.

    Notes
    -----
    Vickers and Elkin (2006), "Decision curve analysis: a novel method for evaluating prediction models".

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8]))
    >>> grid = thresholds(counter.tally().groups(), Costs(1, 3))
    >>> grid.threshold, grid.sensitivity
    ((0.2, 0.4, 0.6, 0.8), (1.0, 1.0, 0.5, 0.5))
    >>> grid.cost
    (0.5, 0.25, 1.0, 0.75)
    """
    costs, groups = costs or Costs(), parted(groups)
    if not groups.weight.any():
        return Thresholds(*((),) * 9)
    kept = _kept(groups, most)
    threshold, found = thresholds_of(groups)[kept], Counts(groups, kept)
    columns = (
        threshold,
        over(found.caught, found.total[1]),
        over(found.spared, found.total[0]),
        over(found.caught, found.caught + found.alarms),
        over(found.spared, found.spared + found.missed),
        (found.caught + found.spared) / found.mass,
        found.cost(costs),
        found.net_benefit(threshold),
        found.treat_all(threshold),
    )
    return Thresholds(*(tuple(column.tolist()) for column in columns))


def decision(groups: Groups, threshold: float, costs: Costs | None = None) -> Decision:
    """Decisions at one threshold: Wilson's intervals for shares, corrected for skewness for means.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8]))
    >>> found = decision(counter.tally().groups(), 0.25, Costs(1, 3))
    >>> found.sensitivity.value, found.cost.value
    (1.0, 0.25)
    """
    costs = costs or Costs()
    is_taken = thresholds_of(groups) >= threshold
    none = np.zeros(len(is_taken))
    taken, left = is_taken.astype(np.float64), 1.0 - is_taken
    everything, one = np.ones((len(is_taken), 2)), np.ones(len(is_taken))
    odds = float(_odds(np.array(threshold)))
    harm = np.stack([-_times(np.full(len(taken), odds), taken), taken], -1)
    return Decision(
        threshold,
        sensitivity=_share(groups, np.stack([none, one], -1), np.stack([none, taken], -1)),
        specificity=_share(groups, np.stack([one, none], -1), np.stack([left, none], -1)),
        ppv=_share(groups, np.stack([taken, taken], -1), np.stack([none, taken], -1)),
        npv=_share(groups, np.stack([left, left], -1), np.stack([left, none], -1)),
        accuracy=_share(groups, everything, np.stack([left, taken], -1)),
        cost=mean_of(groups, np.stack([costs.false_positive * taken, costs.false_negative * left], -1), least=0.0),
        net_benefit=mean_of(groups, harm),
        treat_all=mean_of(groups, np.stack([np.full(len(one), -odds), one], -1)),
    )


def thresholds_of(groups: Groups) -> Floats:
    """From which threshold on each group is no longer taken as positive, excluded: its least probability."""
    return np.maximum(groups.p - groups.width / 2, 0.0)


def parted(groups: Groups) -> Groups:
    """The groups that some threshold parts; near 1 the probabilities of many logits are one double."""
    starts = thresholds_of(groups)
    first = np.flatnonzero(np.append(True, starts[1:] != starts[:-1])[: len(starts)])
    if len(first) == len(starts):
        return groups
    added = {name: np.add.reduceat(getattr(groups, name), first) for name in ("rows", "weight", "square")}
    return replace(groups.at(first), **added)


def mean_of(groups: Groups, values: Floats, *, least: float = -np.inf) -> Score:
    """The mean of what each label at each probability, (m, 2), is worth, which is ``least`` at least."""
    total = float(groups.weight.sum())
    if not total > 0:
        return Score(np.nan)
    weighed = groups.weight > 0
    value = float(np.where(weighed, groups.weight * np.where(weighed, values, 0.0), 0.0).sum()) / total
    if not np.isfinite(value):
        return Score(value)
    return of_mean(value, groups, np.where(weighed, values, value) - value, least=least)


def _share(groups: Groups, among: Floats, counted: Floats) -> Score:
    """The share that is counted among some of the rows."""
    some = groups.times(among)
    total = float(some.weight.sum())
    if not total > 0:
        return Score(np.nan)
    return of_proportion(min(float((groups.weight * counted).sum()) / total, 1.0), some, counted)


def _kept(groups: Groups, most: int) -> Integers:
    weighs = np.flatnonzero(groups.mass > 0)
    if len(weighs) <= most:
        return weighs
    chosen = [weighs[[0, -1]]]
    for weight in groups.weight.T:
        cumulated = np.cumsum(weight)
        if cumulated[-1] > 0:
            even = np.linspace(0, cumulated[-1], most // 2)[1:]
            chosen.append(np.minimum(np.searchsorted(cumulated, even), len(cumulated) - 1))
    kept = np.unique(np.concatenate(chosen))
    return kept[groups.mass[kept] > 0]


def _odds(threshold: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return threshold / (1 - threshold)


def _times(odds: Floats, weight: Floats) -> Floats:
    """What is nothing stays so at endless odds."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(weight > 0, odds * weight, 0.0))


def over(part: Floats, whole: Floats | float, otherwise: float = np.nan) -> Floats:
    """A quotient, and what it is where nothing is divided."""
    made: Floats = np.divide(part, whole, out=np.full(part.shape, otherwise), where=np.asarray(whole) > 0)
    return made
