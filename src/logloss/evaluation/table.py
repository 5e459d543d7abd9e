"""An evaluation in words and a small table, as it is printed."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from logloss.evaluation.score import Score
from logloss.evaluation.verdict import percent

if TYPE_CHECKING:
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


def text(facts: "Evaluation") -> str:
    """The verdict, the scores that matter most with their 95 % intervals, and what was found."""
    counts = f"{facts.n:,} rows, {facts.n_positive:,} positive ({percent(facts.base_rate.value)})"
    if facts.pending:
        counts += f"; {facts.pending:,} more wait for their label"
    rows = [(label, getattr(facts, name)) for name, label in _NAMES.items()]
    wide = max(len(label) for label, _ in rows)
    table = [
        f"{label:<{wide}}  {number(score.value):>10}  {interval(score)}".rstrip()
        for label, score in rows
        if not math.isnan(score.value)
    ]
    found = [line for finding in facts.findings for line in _wrapped(f"! {finding.words}")]
    parts: list[Sequence[str]] = [_wrapped(facts.verdict), [counts], table, found]
    return "\n\n".join("\n".join(part) for part in parts if part)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, each column as wide as its widest cell.

    Examples
    --------
    >>> print(aligned([["model", "loss"], ["old", "0.5"]]))
    model  loss
    old    0.5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def number(x: float) -> str:
    """Four digits of a number.

    Examples
    --------
    >>> number(0.412345), number(12.0), number(float("inf"))
    ('0.4123', '12', 'infinite')
    """
    return "infinite" if math.isinf(x) else f"{x:.4g}"


def interval(score: Score) -> str:
    """Where a score lies with 95 % confidence; nothing if that is not known.

    Examples
    --------
    >>> interval(Score(0.412, 0.398, 0.426)), interval(Score(0.412))
    ('0.398 to 0.426', '')
    """
    return "" if math.isnan(score.low) else f"{number(score.low)} to {number(score.high)}"


def _wrapped(words: str) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
