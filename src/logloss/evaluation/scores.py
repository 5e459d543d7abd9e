"""The scores that are means: log loss, Brier score, accuracy, and what they are compared to.

Values come from the tally's exact sums, intervals from its groups. What is undefined is NaN: every score without rows
that weigh anything, and what is measured by the base rate's entropy where there is one class only.
"""

import math
from dataclasses import dataclass

import numpy as np

from logloss.evaluation.groups import Floats, Groups
from logloss.evaluation.intervals import of_mean, of_proportion, on_log_scale
from logloss.evaluation.losses import entropy_of, finite_losses, losses, squared_errors
from logloss.evaluation.score import Score
from logloss.evaluation.tally import KERAS_CLIP, Sum, Tally

MORE_IS_BETTER = ("skill", "roc_auc", "average_precision", "discrimination", "accuracy")
"""The scores that are the better the greater they are; others are the better the smaller, or have a goal."""


@dataclass(frozen=True)
class LogLoss:
    """Log loss in nats, and what is left of it without the rows that were certain and wrong.

    ``value`` is infinite if there are such rows. ``finite`` is what the others add to the mean over all rows, and
    ``clipped`` the mean as Keras has it, with probabilities clipped to [1e-7, 1 - 1e-7].
    """

    score: Score
    finite: Score
    clipped: Score


def base_rate(tally: Tally, groups: Groups) -> Score:
    """The share of positives, by weight; Wilson's interval."""
    return of_proportion(mean(tally, Sum.POSITIVE), groups, _is_positive(groups))


def log_loss(tally: Tally, groups: Groups) -> LogLoss:
    """Mean negative log-likelihood, in nats; intervals corrected for skewness.

    Notes
    -----
    Good (1952), "Rational decisions".

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0, 1, 0]), np.array([0.8, 0.2, 0.7, 0.3]))
    >>> tally = counter.tally()
    >>> log_loss(tally, tally.groups()).score.value
    0.2899092476264711
    """
    finite, clipped = mean(tally, Sum.LOSS), _clipped(tally)
    spent = finite_losses(groups, are_endless=has_infinite_losses(tally))
    cut = np.clip(losses(groups), -math.log1p(-KERAS_CLIP), -math.log(KERAS_CLIP))
    scored = of_mean(finite, groups, spent - finite, least=0.0)
    return LogLoss(
        Score(math.inf) if has_infinite_losses(tally) else scored,
        scored,
        of_mean(clipped, groups, cut - clipped, least=0.0),
    )


def in_bits(score: Score) -> Score:
    """A score in nats, in bits."""
    return Score(*(nats / math.log(2) for nats in (score.value, score.low, score.high)))


def entropy(tally: Tally, groups: Groups) -> Score:
    """The loss of always saying the base rate, in nats; the interval is what the base rate's becomes."""
    rate = base_rate(tally, groups)
    value, *ends = (float(entropy_of(np.array(r))) for r in (rate.value, rate.low, rate.high))
    return Score(value, min(ends), math.log(2) if rate.low < 0.5 < rate.high else max(ends))


def normalized_entropy(tally: Tally, groups: Groups) -> Score:
    """Log loss over the base rate's entropy; the interval is symmetric in its logarithm.

    Notes
    -----
    He et al. (2014), "Practical lessons from predicting clicks on ads at Facebook".
    """
    rate, loss = mean(tally, Sum.POSITIVE), log_loss(tally, groups).score.value
    uncertain = float(entropy_of(np.array(rate)))
    if not uncertain > 0 or math.isinf(loss):
        return Score(math.inf if uncertain > 0 else math.nan)
    by_rate = math.log((1 - rate) / rate) * (_is_positive(groups) - rate)
    spent = finite_losses(groups, are_endless=False)
    psi = (spent - loss - loss / uncertain * by_rate) / uncertain
    return on_log_scale(loss / uncertain, groups, psi)


def skill(normalized: Score) -> Score:
    """The share of the base rate's entropy that the model explains: 1 - normalised entropy."""
    return Score(1 - normalized.value, 1 - normalized.high, 1 - normalized.low)


def calibration_ratio(tally: Tally, groups: Groups) -> Score:
    """Expected positives over observed ones, Σp / Σy; the interval is symmetric in its logarithm."""
    said, rate = mean(tally, Sum.SAID), mean(tally, Sum.POSITIVE)
    if not rate > 0:
        return Score(math.inf if said > 0 else math.nan)
    psi = (groups.p[:, None] - said / rate * _is_positive(groups)) / rate
    return on_log_scale(said / rate, groups, psi)


def brier(tally: Tally, groups: Groups) -> Score:
    """Mean squared error of the probabilities; the interval is corrected for skewness.

    Notes
    -----
    Brier (1950), "Verification of forecasts expressed in terms of probability".
    """
    value = mean(tally, Sum.BRIER)
    return of_mean(value, groups, squared_errors(groups) - value, least=0.0, most=1.0)


def accuracy(tally: Tally, groups: Groups) -> Score:
    """The share of rows, by weight, whose label the greater probability says (from one half on the positive)."""
    is_upper = groups.p >= 0.5
    return of_proportion(mean(tally, Sum.RIGHT), groups, np.stack([~is_upper, is_upper], -1).astype(np.float64))


def has_infinite_losses(tally: Tally) -> bool:
    """Whether rows that weigh anything were certain and wrong."""
    return tally.total(Sum.INFINITE_POSITIVE) > 0 or tally.total(Sum.INFINITE_NEGATIVE) > 0


def mean(tally: Tally, which: Sum) -> float:
    """A sum over the weight of all rows; NaN if that is nothing."""
    weight = tally.total(Sum.WEIGHT)
    return tally.total(which, weight) if weight > 0 else math.nan


def _clipped(tally: Tally) -> float:
    outside = mean(tally, Sum.OUTSIDE)
    return mean(tally, Sum.LOSS) - outside + mean(tally, Sum.OUTSIDE_CLIPPED)


def _is_positive(groups: Groups) -> Floats:
    return np.broadcast_to([0.0, 1.0], groups.weight.shape)
