"""How the scores of each class are spread: shares of a class in bins, as many however many rows there are."""

from dataclasses import dataclass

import numpy as np

from logloss.evaluation.groups import Groups
from logloss.evaluation.log_odds import log_odds, needs_log_odds, probability_at

_BINS = 40


@dataclass(frozen=True)
class ScoreDistribution:
    """Shares of the negatives and of the positives, by weight, in bins of probability.

    ``edges`` are one more than bins. They are equally far apart in probability, or in its log-odds where
    ``in_log_odds``; what lies beyond the outermost is counted in the outermost bins. A class without rows has NaN.
    """

    edges: tuple[float, ...]
    negatives: tuple[float, ...]
    positives: tuple[float, ...]
    in_log_odds: bool


def score_distribution(groups: Groups, *, in_log_odds: bool | None = None, bins: int = _BINS) -> ScoreDistribution:
    """How scores are spread; in log-odds if that is not said and most scores are near 0 or near 1.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 0, 1, 1]), np.array([0.2, 0.6, 0.6, 0.9]))
    >>> found = score_distribution(counter.tally().groups(), bins=2)
    >>> found.edges, found.negatives, found.positives
    ((0.0, 0.5, 1.0), (0.5, 0.5), (0.0, 1.0))
    """
    if in_log_odds is None:
        in_log_odds = needs_log_odds(groups)
    if in_log_odds:
        z = log_odds(groups)
        low, high = np.floor(z.min()), np.ceil(z.max())
        places = np.linspace(low, max(high, low + 1), bins + 1)
        edges = probability_at(places)
        at = z
    else:
        places = edges = np.linspace(0, 1, bins + 1)
        at = groups.p
    which = np.clip(np.searchsorted(places, at, side="right") - 1, 0, bins - 1)
    shares = []
    for weight in groups.weight.T:
        total = weight.sum()
        shares.append(np.bincount(which, weight, bins) / total if total > 0 else np.full(bins, np.nan))
    negatives, positives = (tuple(share.tolist()) for share in shares)
    return ScoreDistribution(tuple(edges.tolist()), negatives, positives, in_log_odds)
