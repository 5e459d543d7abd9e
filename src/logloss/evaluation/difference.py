"""By how much two models differ on the same rows, and where either of them wins.

What they have in common cancels, so that a difference may be sure though the intervals of both scores overlap.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logloss.evaluation.evidence import LEAST_ROWS
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.intervals import effective_rows, student
from logloss.evaluation.score import Score

PROBABILITY = "mean probability"
SMALL = 2.0**-9  # squares of differences are summed in its square, as they may be tiny
_LOST = 2.0**-53 * SMALL**2  # of a row's square at most, where the units that squares are summed in end
_CLOSE = 2.0**-51  # of a score, by which two of them may differ for their rounding alone
_EDGES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
BANDS = tuple(f"{low:g} to {high:g}" for low, high in zip((0.0, *_EDGES), (*_EDGES, 1.0), strict=True))
_LEAST_OF_A_CLASS = 5  # of one that is won: of one class alone, losses look more alike than they are


class Apart(NamedTuple):
    """Sums over some rows, of by how much the loss of the second model is above that of the first, d.

    Rows at which a loss is infinite are counted, and in no sum of differences.
    """

    rows: int
    positives: int  # among them
    first_infinite: int  # where the second's loss is finite
    second_infinite: int
    weight: float
    square: float  # weights times weights
    more: float  # weight · d, where d is above 0
    less: float  # and below, as a positive number
    squares: float  # (weight · d)² / SMALL²
    square_more: float  # weight² · d, where d is above 0
    square_less: float
    better: float  # weight of the rows where the second's loss is less


class Errors(NamedTuple):
    """Sums of squares: of each row's part in the errors of the differences of two scores, over SMALL."""

    brier: float
    auc_negatives: float
    auc_positives: float


@dataclass(frozen=True)
class Region:
    """Some of the rows; ``difference`` is the second model's log loss less the first's.

    ``winner`` has the lower loss there beyond chance, with as many regions looked at as there are; None if neither, or
    if too few rows of one class are there to judge: then ``is_judged`` is False.
    """

    by: str
    value: str | None
    rows: int
    share_of_rows: float
    difference: Score
    winner: str | None
    is_judged: bool = True


@dataclass(frozen=True)
class Difference:
    """How a model differs from the best one, on the same rows: its scores less those of the best."""

    model: str
    best: str
    log_loss: Score
    brier: Score
    roc_auc: Score
    share_better: float  # of the rows, by weight, at which its loss is less
    regions: tuple[Region, ...]


def is_sure(difference: Score) -> bool:
    """Whether a difference is beyond chance."""
    return math.isinf(difference.value) or difference.low > 0 or difference.high < 0


class Sides(NamedTuple):
    """A score of each model."""

    first: float
    second: float

    @property
    def difference(self) -> float:
        """Of the second from the first, 0 if it may be their rounding; NaN where both are infinite."""
        if self.first == self.second:
            return 0.0 * self.first
        difference = self.second - self.first
        return difference if abs(difference) > _CLOSE * min(abs(self.first), abs(self.second)) else 0.0


def difference_of(
    models: tuple[str, str],
    scores: Mapping[str, Sides],
    groups: Groups,
    errors: Errors,
    everywhere: Apart,
    bands: Mapping[str | None, Apart],
    slices: Sequence[tuple[str, Mapping[str | None, Apart]]],
) -> Difference:
    """From what was summed of the rows.

    Parameters
    ----------
    models : (str, str)
        The best and the other one.
    scores : mapping
        ``log_loss``, ``brier`` and ``roc_auc`` of both.
    groups : Groups
        Of either: how the weight is shared out over the classes.
    errors, everywhere, bands, slices
        The sums: over all rows, in each band, and for each value of some columns.

    Notes
    -----
    Student's interval of the mean of paired differences; for the area, DeLong, DeLong and Clarke-Pearson (1988),
    "Comparing the areas under two or more correlated receiver operating characteristic curves". Regions are judged at
    5 % over all of them together (Bonferroni), shown at 95 % each.
    """
    best, model = models
    rows, weight = effective_rows(groups), float(groups.weight.sum())
    loss, brier, area = (scores[name].difference for name in ("log_loss", "brier", "roc_auc"))
    regions: list[tuple[str, str | None, Apart]] = [(PROBABILITY, band, bands[band]) for band in BANDS if band in bands]
    regions += [(by, value, apart) for by, values in slices for value, apart in sorted(values.items(), key=_telling)]
    shown = [region for region in regions if region[2].rows >= LEAST_ROWS]
    return Difference(
        model,
        best,
        log_loss=_with_error(loss, _error(everywhere, loss), rows - 1),
        brier=_with_error(brier, _root(_at_most(errors.brier, everywhere.rows, brier), rows) / weight, rows - 1),
        roc_auc=_area(area, groups, errors, everywhere.rows),
        share_better=everywhere.better / everywhere.weight if everywhere.weight else math.nan,
        regions=tuple(_region(by, value, apart, everywhere, models, len(shown)) for by, value, apart in shown),
    )


def band_of(p: Floats) -> npt.NDArray[np.int32]:
    """Which of the bands each probability is in.

    Examples
    --------
    >>> [BANDS[i] for i in band_of(np.array([0.0, 0.1, 0.9995]))]
    ['0 to 0.001', '0.1 to 0.2', '0.999 to 1']
    """
    return np.searchsorted(np.array(_EDGES), p, "right").astype(np.int32)


def _telling(one: tuple[str | None, Apart]) -> tuple[float, bool, str]:
    """What puts slices in order: first those that make the greatest difference."""
    value, apart = one
    return -abs(apart.more - apart.less), value is None, value or ""


def _region(
    by: str, value: str | None, apart: Apart, everywhere: Apart, models: tuple[str, str], looked_at: int
) -> Region:
    difference = _score(apart)
    strict = _with_error(difference.value, _error(apart, difference.value), _rows(apart) - 1, share=0.05 / looked_at)
    share = apart.weight / everywhere.weight if everywhere.weight else math.nan
    is_judged = _is_judged(apart, strict)
    return Region(by, value, apart.rows, share, difference, _winner(strict, models) if is_judged else None, is_judged)


def _is_judged(apart: Apart, strict: Score) -> bool:
    is_mixed = min(apart.positives, apart.rows - apart.positives) >= _LEAST_OF_A_CLASS
    return is_mixed or math.isinf(strict.value)


def _winner(strict: Score, models: tuple[str, str]) -> str | None:
    if math.isinf(strict.value):
        return models[strict.value < 0]
    return models[0] if strict.low > 0 else models[1] if strict.high < 0 else None


def _score(apart: Apart) -> Score:
    if apart.first_infinite or apart.second_infinite:
        both = apart.first_infinite and apart.second_infinite
        return Score(math.nan if both else math.inf if apart.second_infinite else -math.inf)
    value = (apart.more - apart.less) / apart.weight if apart.weight else math.nan
    return _with_error(value, _error(apart, value), _rows(apart) - 1)


def _error(apart: Apart, value: float) -> float:
    """The standard error of the mean difference, which is ``value``."""
    rows = _rows(apart)
    if not rows > 1:
        return math.nan
    mean = (apart.more - apart.less) / apart.weight
    squares = _at_most(apart.squares, apart.rows, value, apart.more, apart.less)
    squares += mean**2 * apart.square - 2 * mean * (apart.square_more - apart.square_less)
    return _root(squares, rows) / apart.weight


def _at_most(squares: float, rows: int, *differences: float) -> float:
    """The greatest that a sum of so many squares may be without its rounding; of what is nowhere apart it is 0."""
    return squares * SMALL**2 + (rows * _LOST if squares or any(differences) else 0.0)


def _root(squares: float, rows: float) -> float:
    return math.sqrt(max(squares, 0.0) * rows / (rows - 1)) if rows > 1 else math.nan


def _rows(apart: Apart) -> float:
    return apart.weight**2 / apart.square if apart.square else 0.0


def _area(value: float, groups: Groups, errors: Errors, count: int) -> Score:
    weight, square = groups.weight.sum(0), groups.square.sum(0)
    if not (weight > 0).all():
        return Score(math.nan)
    rows = weight**2 / square
    squares = [_at_most(each, count, value) for each in (errors.auc_negatives, errors.auc_positives)]
    parts = [_root(each, n) / w for each, n, w in zip(squares, rows.tolist(), weight.tolist(), strict=True)]
    return _with_error(value, math.hypot(*parts), float(rows.min()) - 1)


def _with_error(value: float, error: float, degrees: float, share: float = 0.05) -> Score:
    if not (math.isfinite(value) and math.isfinite(error)):
        return Score(value)
    reach = student(degrees, share) * error
    return Score(value, value - reach, value + reach)
