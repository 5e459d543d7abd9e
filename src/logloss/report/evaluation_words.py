"""The sentences around the charts and tables of an evaluation, also for somebody who cannot see them."""

import math
from collections.abc import Sequence

from logloss.evaluation.best_threshold import BestThreshold
from logloss.evaluation.concentration import Concentration
from logloss.evaluation.decisions import Costs, Thresholds
from logloss.evaluation.round_thresholds import RoundThresholds
from logloss.evaluation.score import Score
from logloss.evaluation.score_distribution import ScoreDistribution
from logloss.evaluation.slice_scores import SliceScore
from logloss.evaluation.tally import Sum, Tally
from logloss.report import words
from logloss.report.score_words import interval, number
from logloss.report.words import loss, share

LOG_ODDS = (
    "On axes of log-odds, near-certain and rare events get as much room as the middle: look here if most "
    "probabilities are near 0 or 1."
)
SCORES = (
    "Each class’s rows by what the model said of them, as shares of that class. The less the two overlap, the better "
    "the model tells them apart."
)
ROC = (
    "A row is taken as positive when its probability reaches a threshold; each point of the curve is one threshold. "
    "The dashed line is guessing. This is the receiver operating characteristic; the area under it is in the table "
    "above."
)
PRECISION_RECALL = (
    "The same thresholds: of the rows taken as positive, how many are. The dashed line is guessing, which gets the "
    "share of positives. Where positives are rare, this tells more than the curve beside it."
)
NET_BENEFIT = (
    "Net benefit counts positives caught and takes off false alarms at the odds of the threshold: somebody who acts "
    "from 0.2 on takes four false alarms for one catch. Act by the model where its curve is the highest."
)
COST = "Expected cost a row, by the costs named above. Its lowest point is a chance find where the curve is flat."
CONCENTRATION = (
    "The rows that cost most come first. The dashed line is a loss that all rows carry alike. Where the curve begins "
    "high, a few confident mistakes make the loss: look at these rows before changing the model."
)
SLICES = (
    "Those come first whose loss exceeds the average by most in sum. The bars are 95 % intervals; the grey stroke "
    "across each is the log loss of all rows."
)
MISTAKES = (
    "The rows that cost most. A low probability of what did happen is a confident mistake: a wrong label, something "
    "that the model cannot see, or a model too sure of itself."
)
NO_MISTAKES = (
    "This page shows no row by itself, since none was asked for; its curves go through scores that rows have. Name a "
    "column of identifiers (id=… or --id) to see which rows cost most, and columns to show (--show-rows) to see what "
    "they are."
)


def count(value: float) -> str:
    """A number of rows, or of their weight.

    Examples
    --------
    >>> count(1234.0), count(0.25)
    ('1,234', '0.25')
    """
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:.4g}"


def probability(value: float) -> str:
    """A probability to three digits.

    Examples
    --------
    >>> probability(0.25), probability(0.000012345), probability(0.99999), probability(1.0000001)
    ('0.25', '0.0000123', '0.99999', 'above 1')
    """
    if not 0 < value < 1:
        return f"{value:.0f}" if value in (0, 1) else "above 1"
    digits = 2 - math.floor(math.log10(min(value, 1 - value)))
    return f"{value:.{min(digits, 17)}f}".rstrip("0")


def weights(tally: Tally) -> str:
    """That rows are weighted, and what that changes; nothing where each weighs 1.

    Examples
    --------
    >>> weights(Tally.empty())
    ''
    """
    if not tally.is_weighted:
        return ""
    return (
        f"Rows are weighted, and weigh {count(tally.total(Sum.WEIGHT))} in all: every share, mean and score goes by "
        "weight; numbers of rows are counts all the same."
    )


def costs(given: Costs | None, best: BestThreshold | None) -> list[str]:
    """What is said of the costs, and of the threshold that they call for."""
    if given is None:
        return [
            "No costs were given, so a false alarm and a missed positive both count 1 here: acting then pays from 0.5 "
            "on, if the probabilities are right. Say what they cost (costs=… or --cost-fp and --cost-fn) to see what "
            "holds for you."
        ]
    said = [
        f"A false alarm costs {given.false_positive:g} and a missed positive {given.false_negative:g}. If the "
        f"probabilities are right, acting then pays from {probability(given.threshold)} on."
    ]
    if best is not None and not math.isnan(best.cost.value):
        said.append(
            f"That costs {_with_interval(best.cost_by_theory)} a row. On these rows {probability(best.empirical)} "
            f"would have cost least, but that is chosen in hindsight: chosen on some of the rows (between "
            f"{probability(best.least)} and {probability(best.greatest)}) it costs {_with_interval(best.cost)} on the "
            "others. "
            + (
                f"That is less, beyond what chance makes of it: {_use(best)}, and recalibrate."
                if best.is_worth_it
                else f"No other is shown to cost less, so {_use(best)}."
            )
        )
    return said


def _use(best: BestThreshold) -> str:
    return "act on no row" if best.takes_none else f"use {probability(best.threshold)}"


def beyond(found: RoundThresholds, greatest: float) -> str:
    """What is too dear to be drawn; nothing if that is neither of the two lines."""
    lines = {"acting on every row": found.cost_all, "acting on none": found.cost_none}
    over = [f"{name} costs {loss(cost)} a row" for name, cost in lines.items() if cost > greatest]
    return f"Beyond this chart: {' and '.join(over)}." if over else ""


def _with_interval(score: Score) -> str:
    ends = interval(score)
    return f"{number(score.value)} ({ends})" if ends else number(score.value)


def scores(found: ScoreDistribution) -> str:
    """Of the chart of scores."""
    peaks = []
    for name, shares in (("positives", found.positives), ("negatives", found.negatives)):
        if not any(math.isnan(one) for one in shares):
            at = max(range(len(shares)), key=shares.__getitem__)
            low, high = probability(found.edges[at]), probability(found.edges[at + 1])
            peaks.append(f"Most {name} ({share(shares[at])} of them in one bin) are between {low} and {high}.")
    return " ".join(["How scores are spread in each class.", *peaks])


def roc(found: Thresholds, area: Score) -> str:
    """Of the ROC curve."""
    middle = min(range(len(found.threshold)), key=lambda i: abs(found.specificity[i] - 0.9))
    return (
        f"Receiver operating characteristic. The area under it is {loss(area.value)}. Where one negative in ten "
        f"raises a false alarm, {share(found.sensitivity[middle])} of the positives are caught."
    )


def precision_recall(found: Thresholds, precision: Score, base_rate: float) -> str:
    """Of precision against recall."""
    middle = min(range(len(found.threshold)), key=lambda i: abs(found.recall[i] - 0.5))
    return (
        f"Precision against recall. Average precision is {loss(precision.value)}; guessing gets {share(base_rate)}. "
        f"Where half of the positives are caught, {share(found.precision[middle])} of the alarms are right."
    )


def decision_chart(name: str, found: RoundThresholds, values: Sequence[float]) -> str:
    """Of a chart against the threshold."""
    low = probability(found.low) if found.in_log_odds else "0"
    at, value = probability(found.threshold[found.chosen]), loss(values[found.chosen])
    return (
        f"{name} against the threshold, from {low} to {found.high:g}, of this model, of acting on every row and of "
        f"acting on none. At the threshold {at} it is {value} for the model."
    )


def concentration(found: Concentration) -> str:
    """Of the chart of the worst rows."""
    said = [
        f"the worst {share(rows)} of the rows carry {share(carried)}"
        for rows, carried in zip(found.rows, found.carried, strict=True)
        if rows in (0.001, 0.01, 0.1)
    ]
    return f"Share of the loss against share of the rows: {', '.join(said)}."


def slices(found: Sequence[SliceScore], overall: float, drawn: int) -> str:
    """Of the chart of slices."""
    first = found[0]
    return (
        f"Log loss of {min(drawn, len(found))} slices with 95 % intervals, beside {loss(overall)} of all rows. First "
        f"comes {words.slice_name(first.by, first.value)} with {loss(first.log_loss.value)}."
    )
