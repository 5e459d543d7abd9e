"""An evaluation in words and a small table, as it is printed."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from logloss.core.printable import printable
from logloss.evaluation.evidence import LEAST_ROWS
from logloss.evaluation.score import Score
from logloss.evaluation.verdict import percent

if TYPE_CHECKING:
    from logloss.evaluation.best_threshold import BestThreshold
    from logloss.evaluation.evaluation import Evaluation

_NAMES = {
    "log_loss": "Log loss, in nats",
    "normalized_entropy": "Normalised entropy",
    "brier": "Brier score",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "calibration_ratio": "Said over seen (Σp / Σy)",
    "calibration_slope": "Calibration slope",
    "miscalibration": "Miscalibration, in nats",
    "miscalibration_if_calibrated": "  were it calibrated",
    "discrimination": "Discrimination, in nats",
    "accuracy": "Accuracy at one half",
}
_WIDTH = 100
_FEW = 5  # slices, and rows


def text(facts: "Evaluation") -> str:
    """The verdict, the scores that matter most with their 95 % intervals, and what was found and asked for."""
    rows = [(label, number(score.value), ends) for label, score, ends in _scores(facts)]
    wide, space = max((len(label) for label, *_ in rows), default=0), max([10, *(len(value) for _, value, _ in rows)])
    table = [f"{label:<{wide}}  {value:>{space}}  {ends}".rstrip() for label, value, ends in rows]
    found = [line for finding in facts.findings for line in wrapped(f"! {finding.words}")]
    notes = [line for note in facts.notes for line in wrapped(note)]
    asked = [wrapped(costs(facts)), _slices(facts), small_slices(facts), _mistakes(facts)]
    told = [wrapped(without_logit(facts)), found, *asked]
    parts: list[Sequence[str]] = [wrapped(facts.verdict), [counts(facts)], notes, table, *told]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _scores(facts: "Evaluation") -> list[tuple[str, Score, str]]:
    """Those that matter most, and their intervals; where the log loss is infinite, what is left of it too."""
    found = [(label, score := getattr(facts, name), _ends(name, score)) for name, label in _NAMES.items()]
    if math.isinf(facts.log_loss.value):
        left = {"  of the other rows": facts.infinite_losses.finite_part}
        left["  as Keras clips it"] = facts.infinite_losses.keras_clip
        found[1:1] = [(label, score, interval(score)) for label, score in left.items()]
    return [one for one in found if not math.isnan(one[1].value)]


def _ends(name: str, score: Score) -> str:
    """The interval, and of which rows: recalibration seems better on those that it is tried on than on others."""
    ends = interval(score)
    return f"{ends} for rows to come" if ends and name in ("miscalibration", "discrimination") else ends


def without_logit(facts: "Evaluation") -> str:
    """How many rows calibration intercept and slope leave out; nothing if there are none."""
    count = facts.recalibration.excluded
    if not count:
        return ""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return f"Calibration intercept and slope leave out {rows} at a probability of 0 or 1, where log-odds are infinite."


def counts(facts: "Evaluation") -> str:
    """How many rows there are, how many of them are positive, and how many are in no score."""
    said = f"{facts.n:,} rows, {facts.n_positive:,} positive ({percent(facts.base_rate.value)})"
    if facts.pending:
        said += f"; {facts.pending:,} more wait for their label"
    if facts.skipped:
        said += f"; {facts.skipped:,} more have no score and were left out"
    return said


def costs(facts: "Evaluation") -> str:
    """From where on to decide, what that costs and what speaks for another threshold; nothing without costs."""
    given, best = facts.costs, facts.best_threshold
    if given is None or best is None or math.isnan(best.cost.value):
        return ""
    said = f"A false positive costs {given.false_positive:g} and a false negative {given.false_negative:g}:"
    theory = number(best.cost_by_theory.value)
    if best.is_worth_it:
        said += (
            f" {_decision(best)}, which costs {number(best.cost.value)} a row where {best.by_theory:.4g}, "
            f"right for calibrated probabilities, costs {theory}."
        )
    else:
        said += f" {_decision(best)}, which costs {theory} a row. {_why_theory(best)}"
    return said


def _decision(best: "BestThreshold") -> str:
    return "act on no row" if best.takes_none else f"decide from {best.threshold:.4g} on"


def _why_theory(best: "BestThreshold") -> str:
    """Why the threshold that cost least on these rows is not the one to use."""
    if best.empirical == best.by_theory:
        return "On these rows no other would have cost less."
    return (
        f"On these rows {best.empirical:.4g} would have cost least, {number(best.apparent_cost)}; but so chosen on "
        f"other rows it costs {number(best.cost.value)}, which is not shown to be less."
    )


def _slices(facts: "Evaluation") -> list[str]:
    found = facts.slices
    if not found:
        return []
    rows = [["slice, the costliest first", "rows", "log loss", "95 % interval", "said", "seen", ""]]
    for one in found[:_FEW]:
        name = f"{one.by} {'missing' if one.value is None else one.value}"
        scores = [number(one.log_loss.value), interval(one.log_loss)]
        shares = [percent(one.mean_prediction), percent(one.base_rate)]
        rows.append([name[:40], f"{one.rows:,}", *scores, *shares, "few rows" if one.is_small else ""])
    rest = len(found) - _FEW
    return [*aligned(rows), *([f"and {rest:,} more"] if rest > 0 else [])]


def small_slices(facts: "Evaluation") -> list[str]:
    """A line for each column of which some values have too few rows to be shown."""
    shown = {one.by for one in facts.slices}
    return [
        line
        for by, count in facts.evidence.suppressed.items()
        if count
        for line in wrapped(_few_rows(by, count) if by in shown else _none_shown(by, count))
    ]


def _few_rows(by: str, count: int) -> str:
    values = "1 value" if count == 1 else f"{count:,} values"
    return f"Not shown: {values} of {by} with fewer than {LEAST_ROWS} rows{'' if count == 1 else ' each'}."


def _none_shown(by: str, count: int) -> str:
    return f"No value of {by} has {LEAST_ROWS} rows, so no slice by it is shown; it has {count:,}."


def _mistakes(facts: "Evaluation") -> list[str]:
    """The rows that cost most, if they were to be named."""
    found = [one for one in facts.mistakes if one.id is not None or one.shown][:_FEW]
    if not found:
        return []
    names = list(dict.fromkeys(name for one in found for name in one.shown))
    loss = "loss times weight" if facts.tally.is_weighted else "loss"
    are_named = any(one.id is not None for one in found)
    rows = [["row", "label", "said of it", loss, "share of loss", *names]]
    for one in found:
        cells = [one.id or "not named", f"{one.label:g}", f"{one.p_actual:.3g}", number(one.loss)]
        cells.append("" if math.isnan(one.share_of_loss) else percent(one.share_of_loss))
        rows.append([cell[:40] for cell in (*cells, *(one.shown.get(name) or "none" for name in names))])
    rows = rows if are_named else [row[1:] for row in rows]
    return ["The costliest rows:", *aligned(rows)]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell.

    Examples
    --------
    >>> aligned([["model", "loss"], ["old", "0.5"]])
    ['model  loss', 'old    0.5']
    """
    rows = [[printable(cell, lines=False) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


def number(x: float) -> str:
    """Four digits of a number.

    Examples
    --------
    >>> number(0.412345), number(-12.0), number(float("inf")), number(float("-inf")), number(float("nan"))
    ('0.4123', '−12', 'infinite', 'minus infinity', 'unknown')
    """
    if math.isnan(x):
        return "unknown"
    if math.isinf(x):
        return "infinite" if x > 0 else "minus infinity"
    return f"{'−' if x < 0 else ''}{abs(x):.4g}"


def interval(score: Score) -> str:
    """Where a score lies with 95 % confidence; nothing if that is not known.

    Examples
    --------
    >>> interval(Score(0.412, 0.398, 0.426)), interval(Score(0.412))
    ('0.398 to 0.426', '')
    """
    return "" if math.isnan(score.low) else f"{number(score.low)} to {number(score.high)}"


def wrapped(words: str) -> list[str]:
    """The words in lines of some hundred letters; no line if there are none.

    Examples
    --------
    >>> wrapped(""), [len(line) for line in wrapped("word " * 30)]
    ([], [99, 49])
    """
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + 1 + len(word) <= _WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
