"""Every figure of an evaluation as a table, in text that is ready to be read."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from logloss import __version__
from logloss.evaluation.concentration import Concentration
from logloss.evaluation.decisions import Thresholds
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.reliability import Reliability
from logloss.evaluation.round_thresholds import RoundThresholds
from logloss.evaluation.score_distribution import ScoreDistribution
from logloss.evaluation.slice_scores import SliceScore
from logloss.report import words
from logloss.report.evaluation_facts import EvaluationFacts
from logloss.report.evaluation_words import count, probability
from logloss.report.score_words import interval, number
from logloss.report.words import share

_ROWS = 50  # of a curve: enough to read a value off
_SLICES = 100
_LONGEST = 200  # letters of a value of the data


@dataclass(frozen=True)
class Table:
    """A name, columns, and rows whose first cell names them. ``text`` says which columns hold words, not numbers."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: frozenset[int] = frozenset()


def reliability(kind: str, found: Reliability, smooth: Sequence[float] = (), *, is_weighted: bool = False) -> Table:
    """A row every few grid points; rows of data are counted from there to the next, or their weight summed."""
    smoothed, counted = ["smooth curve"] if smooth else [], "weight" if is_weighted else "rows"
    columns = ("predicted", "observed", "band of chance from", "to", *smoothed, counted)
    step = -(-len(found.predicted) // _ROWS)
    counts = [sum(found.count[i : i + step]) for i in range(0, len(found.count), step)]
    curves = (found.predicted, found.observed, found.low, found.high, *([smooth] if smooth else []))
    lines = zip(*(curve[::step] for curve in curves), strict=True)
    rows = [(*map(probability, line), count(many)) for line, many in zip(lines, counts, strict=True)]
    return Table(f"Reliability diagram ({kind}) as a table", columns, tuple(rows))


def scores(found: ScoreDistribution) -> Table:
    """A row a bin that holds anything."""
    bins = zip(found.edges, found.edges[1:], found.positives, found.negatives, strict=False)
    rows = [
        (f"{probability(low)} to {probability(high)}", _share(positive), _share(negative))
        for low, high, positive, negative in bins
        if positive > 0 or negative > 0
    ]
    columns = ("predicted probability", "share of the positives", "share of the negatives")
    return Table("Scores of each class as a table", columns, tuple(rows))


def ranking(found: Thresholds) -> Table:
    """Some of the thresholds."""
    columns = ("threshold", "positives caught (recall)", "negatives that raise a false alarm", "alarms that are right")
    every = list(
        zip(found.threshold, found.sensitivity, found.specificity, found.precision, strict=True)
    )  # in ascending order
    rows = [
        (probability(threshold), _share(caught), _share(1 - spared), _share(precision))
        for threshold, caught, spared, precision in _some(every)
    ]
    return Table("Both curves as a table", columns, tuple(rows))


def decisions(found: RoundThresholds, *, is_weighted: bool = False) -> Table:
    """A row a threshold: what the slider shows."""
    by_weight = ", by weight" if is_weighted else ""
    columns = (
        "threshold",
        f"positives caught{by_weight}",
        f"positives missed{by_weight}",
        f"false alarms{by_weight}",
        "alarms that are right",
        "cost a row",
        "net benefit",
        "net benefit of acting on every row",
    )
    facts = (found.threshold, found.caught, found.missed, found.false_alarms, found.spared)
    worth = (found.cost, found.net_benefit, found.treat_all)
    rows = []
    for threshold, caught, missed, alarms, spared, cost, benefit, treat_all in zip(*facts, *worth, strict=True):
        rows.append(
            (
                probability(threshold),
                _part(caught, caught + missed),
                _part(missed, caught + missed),
                _part(alarms, alarms + spared),
                share(caught / (caught + alarms)) if caught + alarms > 0 else "no alarm",
                words.loss(cost),
                words.loss(benefit),
                words.loss(treat_all),
            )
        )
    return Table("Every threshold as a table", columns, tuple(rows))


def mistakes(facts: EvaluationFacts) -> Table | None:
    """The costliest rows; None unless identifiers or columns were asked for."""
    found = facts.evaluation.mistakes
    names = list(dict.fromkeys(name for one in found for name in one.shown))
    if not names and all(one.id is None for one in found):
        return None
    cost = "log loss times weight" if facts.is_weighted else "log loss"
    columns = ("row", "label", "probability of what happened", cost, "share of the total", *names)
    rows = [
        (
            "not named" if one.id is None else _short(one.id),
            f"{one.label:g}",
            probability(one.p_actual),
            number(one.loss),
            _share(one.share_of_loss),
            *(_short(one.shown.get(name) or "none") for name in names),
        )
        for one in found
    ]
    return Table("The costliest rows", tuple(map(_short, columns)), tuple(rows), frozenset(range(5, len(columns))))


def slices(found: Sequence[SliceScore], *, is_weighted: bool = False) -> Table:
    """The first hundred slices."""
    part = "share of weight" if is_weighted else "share of rows"
    columns = ("slice", "rows", "log loss", "95 % interval", part, "of the loss", "seen", "said", "")
    rows = [
        (
            words.slice_name(one.by, one.value, _LONGEST),
            f"{one.rows:,}",
            number(one.log_loss.value) if not math.isnan(one.log_loss.value) else "none",
            interval(one.log_loss),
            _share(one.share_of_rows),
            _share(one.share_of_loss),
            _share(one.base_rate),
            _share(one.mean_prediction),
            "uncertain: few rows" if one.is_small else "",
        )
        for one in found[:_SLICES]
    ]
    return Table("Slices as a table", columns, tuple(rows), frozenset({8}))


def concentration(found: Concentration) -> Table:
    """A row a share of the rows."""
    pairs = zip(found.rows, found.carried, strict=True)
    rows = [(_rounded(part), share(carried)) for part, carried in _some(list(pairs), 31)]
    return Table("Concentration as a table", ("the worst", "carry of the loss"), tuple(rows))


def settings(found: Evidence) -> Table:
    """What was evaluated, and by what."""
    rows = [*found.settings.items(), ("logloss version", __version__)]
    shown = tuple((name, _short(value)) for name, value in rows)
    return Table("What was evaluated", ("what", "which"), shown, frozenset({1}))


def _some(rows: Sequence[tuple[float, ...]], most: int = _ROWS) -> Iterable[tuple[float, ...]]:
    """At most so many, evenly, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else share(value)


def _rounded(value: float) -> str:
    return f"{100 * value:.2g} %".replace("1e+02", "100")


def _part(part: float, whole: float) -> str:
    return f"{count(part)} ({share(part / whole)})" if whole > 0 else count(part)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
