"""Intervals at 95 %, from groups: of means, of proportions, and of what is smooth in them.

A score is a function of the weighted rows; ``psi``, (m, 2), is its influence function: by how much one more row of each
label and probability would move it, times the weight of all rows. Its weighted mean over the rows is 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.score import Score

_NORMAL = 1.959963984540054  # its 97.5 % point
_BLOCK = 1 << 12  # groups that are worked on while they are in the cache
_LARGEST = 300.0  # exponent, so that nothing overflows


@dataclass(frozen=True)
class Spread:
    """What the rows say of a score's error.

    ``reach`` is the quantile to go to both sides by, in standard errors: Student's, with as many degrees of freedom as
    the variance is known by (Satterthwaite 1946, "An approximate distribution of estimates of variance components").
    With few positives, or a few heavy rows, these are few. ``acceleration`` is a sixth of the skewness (Efron 1987,
    "Better bootstrap confidence intervals").
    """

    error: float
    reach: float
    acceleration: float


def spread_of(groups: Groups, psi: Floats, *, by_class: bool = False) -> Spread:
    """The spread of a score with that influence function, of one that compares classes or not.

    NaN below two effective rows.
    """
    rows = effective_rows(groups)
    if not rows > 1:
        return Spread(math.nan, math.nan, math.nan)
    moved = np.where(groups.weight > 0, psi, 0.0) * (groups.pull_in_class if by_class else groups.pull)
    scale = max(float(moved.max()), -float(moved.min())) or 1.0
    blocks = [slice(at, at + _BLOCK) for at in range(0, len(moved), _BLOCK)]
    moments = [_moments(groups.square[some], groups.heaviness[some], moved[some] / scale) for some in blocks]
    second, third, fourth = (math.fsum(column) for column in zip(*moments, strict=True))
    if not second > 0:
        return Spread(0.0, _NORMAL, 0.0)
    error = math.sqrt(second)
    third, fourth = third / error**3, fourth / error**4
    unsure = fourth - 1 / rows
    return Spread(scale * error, student(2 / unsure if unsure > 0 else math.inf), third / 6)


def _moments(square: Floats, heaviness: Floats, moved: Floats) -> tuple[float, float, float]:
    """Sums of squares, cubes and fourth powers of what each row moves a score by.

    In a group the last two are at least these, and equal where all rows weigh the same.
    """
    squares, heavy = square * (moved * moved), heaviness * moved
    cubes = squares * heavy
    return float(squares.sum()), float(cubes.sum()), float((cubes * heavy).sum())


def effective_rows(groups: Groups) -> float:
    """As many rows of equal weight would tell as much: (Σw)² / Σw² (Kish 1965, "Survey sampling")."""
    square = float(groups.square.sum())
    return float(groups.weight.sum()) ** 2 / square if square > 0 else 0.0


def student(degrees: float, share: float = 0.05) -> float:
    """From where on, to both sides, Student's distribution has that share.

    Examples
    --------
    >>> round(student(30), 3), round(student(math.inf), 3)
    (2.042, 1.96)
    """
    from scipy.special import ndtri, stdtrit

    if degrees > 1e6:
        return _NORMAL if share == 0.05 else -float(ndtri(share / 2))
    return -float(stdtrit(max(degrees, 1.0), share / 2))


def of_mean(value: float, groups: Groups, psi: Floats, *, least: float = -math.inf, most: float = math.inf) -> Score:
    """A mean's interval, corrected for skewness, and kept between the least and the most that the mean may be.

    Losses are skewed: a few rows carry much of them, and an interval that reaches as far down as up misses the truth
    above it too often.

    Notes
    -----
    DiCiccio and Efron (1992), "More accurate confidence intervals in exponential families": ABC, which for a mean needs
    no more than its third moment.
    """
    spread = spread_of(groups, psi)
    ends = []
    for reach in (-spread.reach, spread.reach):
        shifted = spread.acceleration + reach
        slack = max(1 - spread.acceleration * shifted, 0.5)  # below it too few rows tell for its theory
        ends.append(value + spread.error * shifted / slack**2)
    low, high = ends
    return Score(value, min(max(low, least), value), max(min(high, most), value))


def on_log_scale(value: float, groups: Groups, psi: Floats) -> Score:
    """The interval of a positive ratio: symmetric in its logarithm."""
    spread = spread_of(groups, psi)
    if not value > 0 or math.isnan(spread.error):
        return Score(value)
    factor = math.exp(min(spread.reach * spread.error / value, _LARGEST))
    return Score(value, value / factor, value * factor)


def on_logit_scale(value: float, spread: Spread) -> Score:
    """The interval of what lies between 0 and 1: symmetric in its logit, so that it stays between them.

    Examples
    --------
    >>> on_logit_scale(0.5, Spread(0.0, 1.96, 0.0))
    Score(value=0.5, low=0.5, high=0.5)
    """
    if not 0 < value < 1 or math.isnan(spread.error):
        return Score(value)
    odds = value / (1 - value)
    factor = math.exp(min(spread.reach * spread.error / (value * (1 - value)), _LARGEST))
    return Score(value, odds / factor / (1 + odds / factor), odds * factor / (1 + odds * factor))


def of_proportion(value: float, groups: Groups, is_counted: Floats) -> Score:
    """A proportion's interval, where ``is_counted``, (m, 2), is 1 for what is counted and 0 for the rest.

    Notes
    -----
    Wilson (1927), "Probable inference", with the number of equal rows that would be as uncertain: with unequal weights
    that depends on which rows are counted, unless there are none or all.
    """
    rows = effective_rows(groups)
    if not rows > 0:
        return Score(value)
    spread = spread_of(groups, is_counted - value)
    if not (0 < value < 1 and spread.error > 0):
        return Score(value, *wilson(value, rows, _NORMAL))
    alike = value * (1 - value) / spread.error**2
    return Score(value, *wilson(value, alike, spread.reach))


def wilson(value: float, rows: float, reach: float = _NORMAL) -> tuple[float, float]:
    """The ends of a proportion's interval.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(0.3, 100)]
    [0.2189, 0.3958]
    """
    widened = 1 + reach**2 / rows
    middle = (value + reach**2 / (2 * rows)) / widened
    half = reach * math.sqrt(value * (1 - value) / rows + reach**2 / (4 * rows**2)) / widened
    return (0.0 if value == 0 else max(middle - half, 0.0)), (1.0 if value == 1 else min(middle + half, 1.0))
