"""Smells in the data, said in words: what a number alone hides, and what to do about it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from logloss.evaluation.gathering import weighty
from logloss.evaluation.groups import Groups, Integers
from logloss.evaluation.ranking import Ranking
from logloss.evaluation.scores import has_infinite_losses
from logloss.evaluation.tally import Sum
from logloss.evaluation.verdict import no_rows, percent

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

FEW = 10  # of a class, to say anything of calibration
SOME = 100
_SAMPLED = 30.0  # a change of logits, far beyond what sampling makes


@dataclass(frozen=True)
class Finding:
    """Something that a reader should know before believing the numbers. ``code`` names it for programs."""

    code: str
    words: str

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return {"code": self.code, "words": self.words}


def findings(facts: "Evaluation") -> tuple[Finding, ...]:
    """Every smell there is, the gravest first."""
    if not facts.tally.rows:
        return (Finding("no_rows", no_rows(facts)),)
    if not facts.groups.weight.sum() > 0:
        return (Finding("no_weight", "The weights sum to nothing. Leave the weight out, or give rows one above 0."),)
    smells = (
        _swapped, _classes, _one_class, _one_value, _flipped, _squashed_twice, _saturated, _resampled, _rounded,
        _coarse, _few,
    )  # fmt: skip
    return tuple(finding for smell in smells if (finding := smell(facts)))


def _swapped(facts: "Evaluation") -> Finding | None:
    groups = weighty(facts.groups)
    # Weights of 0 and 1 equal their squares, and then only a soft label adds a part of a row.
    is_unweighted = facts.tally.total(Sum.WEIGHT) == facts.tally.total(Sum.SQUARE)
    are_labels_soft = is_unweighted and bool((groups.weight != np.rint(groups.weight)).any())
    if not (are_labels_soft and np.isin(groups.p, (0.0, 1.0)).all()):
        return None
    return Finding(
        "swapped",
        "Every score is 0 or 1 and labels lie between: labels and scores look swapped. Give them the other way round.",
    )


def _classes(facts: "Evaluation") -> Finding | None:
    if _swapped(facts) or not _are_classes(facts):
        return None
    return Finding(
        "classes",
        "Every score is 0 or 1: these look like decisions, not probabilities, and the log loss of those says nothing. "
        "Give probabilities, such as the second column of predict_proba.",
    )


def _are_classes(facts: "Evaluation") -> bool:
    groups = weighty(facts.groups)
    return not facts.tally.from_logits and len(groups.p) == 2 and not groups.lesser.any()


def _one_class(facts: "Evaluation") -> Finding | None:
    rate = facts.base_rate.value
    if 0 < rate < 1:
        return None
    which = "positive" if rate == 1 else "negative"
    return Finding(
        "one_class",
        f"All labels are {which}: ranking, calibration and skill need both classes. The log loss stands.",
    )


def _one_value(facts: "Evaluation") -> Finding | None:
    groups = weighty(facts.groups)
    if len(groups.p) > 1 or groups.width.any() or _rows(groups).sum() == 1:
        return None
    return Finding(
        "one_value", f"Every score is {groups.p[0]:.6g}: the model tells nothing apart. Was the right column given?"
    )


def _flipped(facts: "Evaluation") -> Finding | None:
    area = facts.roc_auc
    if not area.high < 0.5:
        return None
    return Finding(
        "flipped",
        f"Positives get lower scores than negatives (area under the curve {area.value:.3f}, below one half): the label "
        "may be flipped, or the score be that of the other class. Try 1 - score, or name the positive value.",
    )


def _squashed_twice(facts: "Evaluation") -> Finding | None:
    p, rate, slope = weighty(facts.groups).p, facts.base_rate, facts.calibration_slope
    top = 1 / (1 + math.exp(-1))
    if len(p) < FEW or p[0] < 0.5 or p[-1] > top + 1e-9:
        return None
    # The logit of what was squashed twice is the probability: of true ones the slope is 1 / (p (1 - p)), 4 or more.
    if not (rate.high < 0.5 or rate.low > top or slope.low > 2 or slope.value == math.inf):
        return None
    return Finding(
        "squashed_twice",
        "All scores lie between 0.5 and 0.7311, which is where a sigmoid sends probabilities: they seem squashed "
        "twice. Drop one sigmoid, or undo it: p = log(score / (1 - score)).",
    )


def _saturated(facts: "Evaluation") -> Finding | None:
    if not has_infinite_losses(facts.tally):
        rows = _rows(facts.groups)
        share = rows[facts.groups.lesser == 0].sum() / rows.sum()
        if facts.tally.from_logits or share < 0.01 or _are_classes(facts):
            return None
        return Finding(
            "saturated",
            f"{percent(share)} of the scores are exactly 0 or 1. One of them wrong would make the log loss infinite: "
            "keep scores in float64, or as logits.",
        )
    of_negatives, of_positives = facts.tally.infinite
    wrong = of_negatives + of_positives
    return Finding(
        "infinite_losses",
        f"Rows with a certain prediction that was wrong: {wrong:,} (positives at 0: {of_positives:,}; negatives at 1: "
        f"{of_negatives:,}). That makes the log loss infinite.",
    )


def _resampled(facts: "Evaluation") -> Finding | None:
    ratio, slope, intercept = facts.calibration_ratio, facts.calibration_slope, facts.calibration_intercept
    is_far = ratio.low > 1.25 or ratio.high < 0.8
    if not (is_far and slope.low <= 1.1 and slope.high >= 0.9 and abs(intercept.value) < _SAMPLED):
        return None
    how = "more" if ratio.value > 1 else "fewer"
    return Finding(
        "resampled",
        f"The scores say {ratio.value:.2f} times as many positives as there are, and are spread nearly as they should "
        f"be: as after training on {how} positives than there are, by sampling or by class weights. To mend it, "
        f"multiply the odds by {math.exp(intercept.value):.4g} (add {intercept.value:.4g} to the logit).",
    )


def _rounded(facts: "Evaluation") -> Finding | None:
    groups = weighty(facts.groups)
    if _rows(groups).sum() < 200 or not 5 <= len(groups.p) <= 101 or groups.width.any():
        return None
    hundredths = groups.p * 100
    if np.abs(hundredths - np.rint(hundredths)).max() > 1e-5:
        return None
    return Finding(
        "rounded",
        "Scores are rounded to two digits: rare events cannot be told apart, and a 0 that comes true costs infinity. "
        "Keep all digits.",
    )


def _coarse(facts: "Evaluation") -> Finding | None:
    both = {"ROC AUC": facts.roc_auc_ranking, "average precision": facts.average_precision_ranking}
    off = [f"{name} by up to {ranking.error:.2g}" for name, ranking in both.items() if _is_coarse(ranking)]
    if not off:
        return None
    return Finding(
        "coarse",
        "Scores lie so close together that in fine cells of probability they could not be told apart: that may change "
        f"{' and '.join(off)}, and intervals are wider by as much. To rank them finely, evaluate what keeps their "
        "order and spreads them over [0, 1], such as each one's rank over the number of rows.",
    )


def _is_coarse(ranking: Ranking) -> bool:
    half = (ranking.score.high - ranking.score.low) / 2
    return ranking.error > 1e-4 and not ranking.error <= half / 10  # where no interval is known, too


def _few(facts: "Evaluation") -> Finding | None:
    negatives, positives = _rows(facts.groups).sum(0).tolist()
    fewer, which = min((positives, "positive"), (negatives, "negative"))
    if fewer >= SOME or fewer == 0:
        return None
    what = "Nothing certain can be said of calibration" if fewer < FEW else "Intervals are wide"
    found = f"Only {fewer} of the rows {'is' if fewer == 1 else 'are'} {which}."
    return Finding("few", f"{found} {what}: gather more before deciding by small differences.")


def _rows(groups: Groups) -> Integers:
    """The rows of each probability and label, where these weigh anything."""
    return np.where(groups.weight > 0, groups.rows, 0)
