"""Intervals of what has no formula for one: the parts of the log loss, and calibration errors."""

import math
from collections.abc import Sequence
from dataclasses import replace

from logloss.evaluation.bootstrap import Statistic, about, bias_shown, interval, values
from logloss.evaluation.calibration_error import expected_calibration_error
from logloss.evaluation.decomposition import Decomposition, decomposition_of
from logloss.evaluation.gathering import coarser
from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.loess import integrated_calibration_index
from logloss.evaluation.redrawing import if_calibrated
from logloss.evaluation.score import Score
from logloss.evaluation.smooth_calibration_error import smooth_calibration_error

ERRORS: dict[str, Statistic] = {
    "ece": expected_calibration_error,
    "smooth_ece": smooth_calibration_error,
    "ici": integrated_calibration_index,
}
_REPEATS = 100  # a standard error needs no more
_CELLS = {"parts": 1 << 14, "ece": 2000, "smooth_ece": 200, "ici": 200}  # with more of them each hardly changes


def parts_of_loss(groups: Groups, parts: Decomposition, chance: Score) -> dict[str, Score]:
    """Miscalibration and discrimination with intervals; ``chance`` is what chance alone makes of the first.

    Recalibrated on the rows that it is tried on, a model of any calibration seems to gain what a calibrated one does.
    Resamples, which are of those same rows, show but half of that.
    """

    def again(groups: Groups) -> Sequence[float]:
        found = decomposition_of(groups, are_endless=math.isinf(parts.miscalibration))
        return found.miscalibration, found.discrimination

    (_, drawn), (told, told_again) = values(coarser(groups, _CELLS["parts"]), again)
    bias = 2 * bias_shown(told, told_again)
    return {
        "miscalibration": about(parts.miscalibration, drawn, [chance.value], least=0.0, chance=chance.high),
        "discrimination": about(parts.discrimination, told_again, [bias], least=0.0, most=math.log(2)),
    }


def calibration_error(name: str, groups: Groups, value: float) -> Score:
    """A calibration error with its interval."""
    few, error = coarser(groups, _CELLS[name]), ERRORS[name]

    def redrawn(weight: Floats) -> float:
        return error(replace(few, weight=weight))

    chance = if_calibrated(few, redrawn).point_95  # what is above 0 by chance too
    return _holding(value, interval(few, error, least=0.0, most=1.0, chance=chance, repeats=_REPEATS))


def _holding(value: float, resampled: Score) -> Score:
    """The interval about the exact value, which cells and coarser groups hit but nearly."""
    return Score(value, min(value, resampled.low), max(value, resampled.high))
