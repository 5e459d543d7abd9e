"""The figures of a comparison as tables, in text that is ready to be read."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from logloss.evaluation.difference import Difference
from logloss.evaluation.evaluation import InfiniteLosses
from logloss.evaluation.scores import MORE_IS_BETTER
from logloss.report import words
from logloss.report.comparison_facts import Split
from logloss.report.comparison_words import heading, region_name, standing, told_apart
from logloss.report.evaluation_tables import Table
from logloss.report.evaluation_words import probability
from logloss.report.score_words import interval, meaning, number, score_line, short_title

if TYPE_CHECKING:
    from logloss.evaluation.comparison import Comparison

_BOARD = ("log_loss", "normalized_entropy", "brier", "miscalibration", "roc_auc", "average_precision")
_DOUBTS = {"worse": "beyond chance", "cannot be told": ""}  # a difference of areas may be for the better
_NAME, _LONGEST = 120, 200  # letters


class Cell(NamedTuple):
    """A score and its interval, and whether no model has a better one."""

    value: str
    interval: str
    is_best: bool = False


class Board(NamedTuple):
    """The scores of the models, the best first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def board(comparison: "Comparison") -> Board:
    """The main scores of each model."""
    rows = []
    best = {score: _best(comparison, score) for score in _BOARD}
    for name, evaluation in comparison.evaluations.items():
        lines = [(score_line(evaluation, score), getattr(evaluation, score).value == best[score]) for score in _BOARD]
        cells = tuple(Cell(one.value, one.interval, is_best) if one else Cell("unknown", "") for one, is_best in lines)
        if math.isinf(evaluation.log_loss.value):
            cells = (Cell(cells[0].value, _but(evaluation.infinite_losses)), *cells[1:])
        rows.append((words.shortened(name, _NAME), cells))
    return Board(tuple(map(short_title, _BOARD)), tuple(rows))


def _best(comparison: "Comparison", score: str) -> float:
    """The best value that any of several models has."""
    every: list[float] = [getattr(one, score).value for one in comparison.evaluations.values()]
    known = [value for value in every if math.isfinite(value)]
    if len(every) < 2 or not known:
        return math.nan
    return max(known) if score in MORE_IS_BETTER else min(known)


def costs(comparison: "Comparison") -> Table | None:
    """From where on to decide by each model, and what that costs; None unless costs were given."""
    rows = []
    for name, one in comparison.evaluations.items():
        best = one.best_threshold
        if best is None or math.isnan(best.cost.value):
            continue
        cost = best.expected_cost
        why = "chosen by these rows" if best.is_worth_it else "right for calibrated probabilities"
        cells = (probability(best.threshold), number(cost.value), interval(cost), why)
        rows.append((words.shortened(name, _NAME), *cells))
    if not rows:
        return None
    columns = ("model", "decide from", "cost a row", "95 % interval", "")
    return Table("What deciding costs", columns, tuple(rows), frozenset({4}))


def apart(comparison: "Comparison") -> list[Cell]:
    """By how much the log loss of each model is above that of the best, which has nothing there."""
    cells = [
        Cell("unknown" if math.isnan(one.log_loss.value) else number(one.log_loss.value), interval(one.log_loss))
        for one in comparison.differences
    ]
    return [Cell("", ""), *cells]


def meanings() -> Table:
    """What the scores on the board mean."""
    rows = [(short_title(name), meaning(name)) for name in _BOARD]
    return Table("What the scores mean", ("score", "what it says"), tuple(rows), frozenset({1}))


def differences(found: Sequence[Difference]) -> Table:
    """Three rows for each model but the best."""
    columns = ("model", "score", "above that of the best", "95 % interval", "")
    rows = []
    for one in found:
        scores = {"log_loss": one.log_loss, "brier": one.brier, "roc_auc": one.roc_auc}
        for name, score in scores.items():
            value = "unknown" if math.isnan(score.value) else number(score.value)
            doubt = _DOUBTS.get(standing(score), standing(score))
            rows.append((words.shortened(one.model, _NAME), short_title(name), value, interval(score), doubt))
    return Table("Differences as a table", columns, tuple(rows), frozenset({1, 4}))


def regions(one: Split, models: tuple[str, str]) -> Table:
    """The first regions."""
    best, other = told_apart(models)
    names = {models[0]: best, models[1]: other}
    columns = ("part", "rows", "share of rows", f"log loss of {other} less that of {best}, in nats", "95 % interval")
    rows = [
        (
            words.shortened(region_name(region), _LONGEST),
            f"{region.rows:,}",
            _share(region.share_of_rows),
            "unknown" if math.isnan(region.difference.value) else number(region.difference.value),
            interval(region.difference),
            names[region.winner] if region.winner else "neither" if region.is_judged else "too few to judge",
        )
        for region in one.regions[: one.listed]
    ]
    name = f"{other} beside {best}, {heading(one.by)}, as a table"
    return Table(name, (*columns, "wins"), tuple(rows), frozenset({5}))


def _but(found: InfiniteLosses) -> str:
    """What stands beside a log loss that is infinite."""
    return f"other rows: {number(found.finite_part.value)}; as Keras clips it: {number(found.keras_clip.value)}"


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else words.share(value)
