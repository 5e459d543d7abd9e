"""Intervals of what has no formula for one: the parts of the log loss, and calibration errors."""

from dataclasses import replace

from logloss.evaluation.bootstrap import Statistic, interval
from logloss.evaluation.calibration_error import expected_calibration_error
from logloss.evaluation.decomposition import Decomposition, decomposition_of
from logloss.evaluation.gathering import gathered
from logloss.evaluation.loess import integrated_calibration_index
from logloss.evaluation.score import Score
from logloss.evaluation.smooth_calibration_error import smooth_calibration_error
from logloss.evaluation.tally import Groups

_CELLS = 2000  # smooth curves do not change with more of them, and take long

ERRORS: dict[str, Statistic] = {
    "ece": expected_calibration_error,
    "smooth_ece": smooth_calibration_error,
    "ici": integrated_calibration_index,
}


def part_of_loss(name: str, groups: Groups, parts: Decomposition, chance: float) -> Score:
    """A part of the log loss with its interval; ``chance`` is what miscalibration may be by chance."""

    def statistic(again: Groups) -> float:
        part: float = getattr(decomposition_of(again), name)
        return part

    chances = {"chance": chance} if name == "miscalibration" else {}
    return replace(interval(groups, statistic, least=0.0, **chances), value=getattr(parts, name))


def calibration_error(name: str, groups: Groups, value: float) -> Score:
    """A calibration error with its interval."""
    return replace(interval(gathered(groups, _CELLS), ERRORS[name], least=0.0, most=1.0), value=value)
