"""How a model does on each slice: its log loss with an interval, beside what was said and what was seen there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from logloss.evaluation.evidence import Slice
from logloss.evaluation.intervals import student
from logloss.evaluation.score import Score
from logloss.evaluation.tally import Sum, Tally

_FEW = 100  # rows, below which a slice's loss is mostly chance


@dataclass(frozen=True)
class SliceScore:
    """One slice. Shares are of all rows' weight and loss; ``is_small`` where fewer than a hundred rows speak."""

    by: str
    value: str | None
    rows: int
    share_of_rows: float
    share_of_loss: float
    base_rate: float
    mean_prediction: float
    log_loss: Score
    is_small: bool


def slice_scores(slices: Sequence[Slice], tally: Tally) -> tuple[SliceScore, ...]:
    """The slices in their order, each with its scores."""
    weight, loss = tally.total(Sum.WEIGHT), tally.total(Sum.LOSS)
    return tuple(
        SliceScore(
            one.by,
            one.value,
            one.rows,
            _over(one.weight, weight),
            _over(one.loss, loss),
            _over(one.positives, one.weight),
            _over(one.said, one.weight),
            _log_loss(one),
            _effective_rows(one) < _FEW,
        )
        for one in slices
    )


def _log_loss(one: Slice) -> Score:
    """The mean, and Student's interval on the logarithmic scale, since a loss is never below 0."""
    rows = _effective_rows(one)
    if any(one.infinite):
        return Score(math.inf)
    mean = _over(one.loss, one.weight)
    if not (rows > 1 and mean > 0):
        return Score(mean)
    spread = one.loss_square - 2 * mean * one.weight_loss + mean * mean * one.square
    error = math.sqrt(max(spread, 0.0) * rows / (rows - 1)) / one.weight
    factor = math.exp(min(student(rows - 1) * error / mean, 300.0))
    return Score(mean, mean / factor, mean * factor)


def _effective_rows(one: Slice) -> float:
    return _over(one.weight**2, one.square)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
