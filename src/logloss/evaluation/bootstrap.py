"""A bootstrap over groups: seeded, and a function of the groups alone.

Each group's rows of each label come again as often as a Poisson draw of their number says, which is how often they come
when rows are drawn from endlessly many. Rows of unequal weight are drawn as their effective number of equal ones.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from logloss.evaluation.gathering import weighty
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.intervals import student
from logloss.evaluation.score import Score
from logloss.evaluation.thinning import alike

REPEATS = 200

Statistic = Callable[[Groups], float]


def interval(
    groups: Groups,
    statistic: Statistic,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    chance: float = -math.inf,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Score:
    """A statistic and its interval, from its values on resampled groups.

    Parameters
    ----------
    groups : Groups
        What the statistic is of.
    statistic : callable
        Groups in, a number out. It gets only groups that weigh anything.
    least, most : float
        The interval is kept between these.
    chance : float
        What chance alone may make of the statistic, as its 95 % point were the probabilities calibrated. If the value
        is no greater, the interval begins at ``least``.
    repeats, seed : int
        How often rows are drawn anew, and from where the draws start.

    Notes
    -----
    Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 10: the normal interval about the value
    less its bias, as far as resamples show one. A distance between frequencies and probabilities is above 0 by chance,
    and more so in a resample, so that percentiles would leave the truth out below; and no resampling finds out that it
    may be 0 (Andrews 2000, "Inconsistency of the bootstrap when a parameter is on the boundary"), hence ``chance``. How
    large the bias is remains unsure, and so the interval reaches from the normal one without it to that with it.
    Standard errors need fewer resamples than percentiles.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1] * 50), np.array([0.3, 0.6] * 50))
    >>> score = interval(counter.tally().groups(), lambda groups: float(groups.weight[:, 1].sum()))
    >>> score.value, 30 < score.low < 40, 60 < score.high < 70
    (50.0, True, True)
    """
    if not groups.weight.any():
        return Score(math.nan)
    value, drawn = values(groups, lambda again: (statistic(again),), repeats, seed)[0]
    biases = (0.0, bias_shown(value, drawn))
    return about(value, drawn, biases, least=least, most=most, chance=chance)


def values(
    groups: Groups, statistics: Callable[[Groups], Sequence[float]], repeats: int = REPEATS, seed: int = 0
) -> list[tuple[float, Floats]]:
    """Each of some statistics, and its values on the same resampled groups, (repeats,); no such without groups."""
    groups = weighty(groups)
    again = (weighty(each) for each in resampled(groups, repeats, seed)) if len(groups.p) else ()
    found, *drawn = (statistics(each) for each in (groups, *again))
    return [(found[i], np.array([each[i] for each in drawn])) for i in range(len(found))]


def bias_shown(value: float, drawn: Floats) -> float:
    """By how much resamples are higher than what they were drawn from, on average; 0 without any."""
    drawn = drawn[np.isfinite(drawn)]
    return float(drawn.mean()) - value if len(drawn) else 0.0


def about(
    value: float,
    drawn: Floats,
    biases: Sequence[float],
    *,
    least: float = -math.inf,
    most: float = math.inf,
    chance: float = -math.inf,
) -> Score:
    """A value with its interval, as `interval` has it, from its values on resampled groups, (repeats,).

    ``biases`` are by how much the value may be too high on average: the interval is right for all of them.
    """
    repeats, drawn = len(drawn), drawn[np.isfinite(drawn)]
    if not math.isfinite(value) or len(drawn) < max(repeats / 2, 2):
        return Score(value)
    reach = student(len(drawn) - 1) * float(drawn.std(ddof=1))
    ends = value - max(biases) - reach, value - min(biases) + reach
    low, high = (min(max(end, least), most) for end in ends)
    low = least if value <= chance else low
    return Score(value, min(low, value), max(high, value))


def resampled(groups: Groups, repeats: int, seed: int) -> Iterator[Groups]:
    """Groups with their rows drawn anew, once a repeat; some may be left without any."""
    for share in _drawn(groups, repeats, seed):
        yield groups.times(share)


def _drawn(groups: Groups, repeats: int, seed: int) -> Iterator[Floats]:
    """By what each group's rows of each label, (m, 2), are multiplied."""
    rows = alike(groups)
    some = np.flatnonzero(rows)
    expected = rows.ravel()[some].astype(np.float64)
    random = np.random.default_rng(seed)
    for _ in range(repeats):
        share = np.zeros(rows.size)
        share[some] = random.poisson(expected) / expected
        yield share.reshape(rows.shape)
