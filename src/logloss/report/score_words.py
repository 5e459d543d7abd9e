"""The scores of an evaluation in plain words: what each is called, and what it means in a line."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logloss.evaluation.score import Score
from logloss.report import words

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation


_FIRST = "What the probabilities cost"
_DIGITS = 17  # after the point: more would be of no number


@dataclass(frozen=True)
class Line:
    """A row of the table of scores."""

    name: str
    meaning: str
    value: str
    interval: str


# Names of scores, whether they are shares, what they are called and what they mean.
_PARTS: dict[str, tuple[tuple[str, bool, str, str], ...]] = {
    _FIRST: (
        ("base_rate", True, "Share of positives", "the base rate: what one would say of a row knowing nothing else"),
        ("log_loss", False, "Log loss, in nats", "the mean surprise at what happened; 0 is perfect foresight"),
        ("log_loss_bits", False, "Log loss, in bits", "the same; always saying one half costs 1 bit"),
        ("entropy", False, "Log loss of always saying the base rate, in nats", "what knowing nothing of a row costs"),
        ("normalized_entropy", False, "Normalised entropy", "log loss over that of the base rate; 1 is no better"),
        ("skill", True, "Skill", "the share of the base rate’s loss that the model saves"),
        ("brier", False, "Brier score", "the mean squared distance of the probability from what happened"),
    ),
    "Are they borne out?": (
        (
            "miscalibration",
            False,
            "Miscalibration, in nats",
            "what the best recalibration would save on these rows; its interval is for rows to come",
        ),
        (
            "miscalibration_if_calibrated",
            False,
            "Miscalibration that chance alone makes, in nats",
            "its mean were the probabilities right; the upper end is its 95 % point",
        ),
        ("calibration_ratio", False, "Positives said over positives seen", "above 1 the model says too many"),
        ("calibration_intercept", False, "Calibration intercept", "0 is right; below 0 probabilities are too high"),
        ("calibration_slope", False, "Calibration slope", "1 is right; below 1 the model is too sure of itself"),
        ("ece", False, "Expected calibration error", "mean distance of said and seen, in 15 bins of equal weight"),
        ("smooth_ece", False, "Smooth calibration error", "the same without bins"),
        ("ici", False, "Integrated calibration index", "mean distance of the probabilities from a smooth curve"),
    ),
    "Do they tell rows apart?": (
        ("discrimination", False, "Discrimination, in nats", "what the model, recalibrated, saves on the base rate"),
        ("uncertainty", False, "Uncertainty, in nats", "log loss = miscalibration − discrimination + uncertainty"),
        (
            "roc_auc",
            False,
            "Area under the ROC curve (receiver operating characteristic)",
            "the chance that a positive gets a higher score than a negative; one half is guessing",
        ),
        (
            "average_precision",
            False,
            "Average precision",
            "how many alarms are right, over all thresholds; guessing gives the share of positives",
        ),
        ("accuracy", False, "Accuracy at one half", "rows whose likelier class came out"),
    ),
}  # fmt: skip


_MEANINGS = {
    name: (title, meaning, is_share) for scores in _PARTS.values() for name, is_share, title, meaning in scores
}


def score_table(evaluation: "Evaluation") -> list[tuple[str, list[Line]]]:
    """The parts of the table, each with its heading; scores that are not defined are left out."""
    parts = []
    for heading, scores in _PARTS.items():
        lines = [line for name, *_ in scores if (line := score_line(evaluation, name))]
        if heading == _FIRST and math.isinf(evaluation.log_loss.value):
            found = evaluation.infinite_losses
            lines[2:2] = [
                _line(
                    "Log loss of the other rows",
                    "what all but the infinite ones add to it",
                    found.finite_part,
                ),
                _line("Log loss as Keras clips it", "no probability beyond 1e-7 and 1 − 1e-7", found.keras_clip),
            ]
        if lines:
            parts.append((heading, lines))
    return parts


def short_title(name: str) -> str:
    """What a score is called, without what stands in brackets.

    Examples
    --------
    >>> short_title("roc_auc")
    'Area under the ROC curve'
    """
    return _MEANINGS[name][0].partition(" (")[0]


def meaning(name: str) -> str:
    """What a score says."""
    return _MEANINGS[name][1]


def score_line(evaluation: "Evaluation", name: str) -> Line | None:
    """One row of the table; None if the score is not defined."""
    score, (title, says, is_share) = getattr(evaluation, name), _MEANINGS[name]
    return None if math.isnan(score.value) else _line(title, says, score, is_share)


def _line(title: str, says: str, score: Score, is_share: bool = False) -> Line:
    if is_share:
        return Line(title, says, *shares(score))
    return Line(title, says, number(score.value), interval(score))


def shares(score: Score) -> tuple[str, str]:
    r"""A share and where it lies, with as many digits as tell the value from the ends of its interval.

    Examples
    --------
    >>> shares(Score(0.5)), shares(Score(0.00303, 0.00297, 0.00309))
    (('50.0\xa0%', ''), ('0.3030\xa0%', '0.2970\xa0% to 0.3090\xa0%'))
    """
    apart = [abs(100 * (end - score.value)) for end in (score.low, score.high)]
    known = [distance for distance in apart if math.isfinite(distance) and distance > 0]
    least = min(max(1 - math.floor(math.log10(min(known))), 1), _DIGITS) if known else 0

    def said(value: float) -> str:
        if math.isinf(value):
            return number(value)
        if not least or value in (0, 1):
            return words.share(value)
        rounded = round(100 * value, least) + 0.0  # of -0 makes 0
        return f"{rounded:.{least}f}\N{NO-BREAK SPACE}%".replace("-", "−")

    is_known = not (math.isnan(score.low) or math.isnan(score.high))
    return said(score.value), f"{said(score.low)} to {said(score.high)}" if is_known else ""


def number(value: float) -> str:
    """A score as it is printed, to four digits.

    Examples
    --------
    >>> number(0.41234), number(float("inf")), number(-0.5)
    ('0.4123', 'infinite', '−0.5000')
    """
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinity"
    if value == 0:
        return "0"
    digits = max(3 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(digits, _DIGITS)}f}".replace("-", "−")


def interval(score: Score) -> str:
    """Where it lies with 95 % confidence, or nothing.

    Examples
    --------
    >>> interval(Score(0.412, 0.398, 0.426)), interval(Score(0.412))
    ('0.3980 to 0.4260', '')
    """
    if math.isnan(score.low) or math.isnan(score.high):
        return ""
    return f"{number(score.low)} to {number(score.high)}"
