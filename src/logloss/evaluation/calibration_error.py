"""Expected calibration error: how far frequencies are from probabilities, in bins."""

import numpy as np

from logloss.evaluation.groups import Groups

BINS = 15


def expected_calibration_error(groups: Groups, bins: int = BINS) -> float:
    """Mean distance of frequency and mean probability, over bins of equal mass, by weight; NaN without any.

    Bins of equal mass, because those of equal width leave most bins empty and one with nearly all rows where events are
    rare. Rows of one probability share a bin. Still it depends on the bins, and is above 0 by chance for perfect
    probabilities: `smooth_calibration_error` has no bins.

    Notes
    -----
    Nixon et al. (2019), "Measuring calibration in deep learning", on bins of equal mass; 15 are those of Guo et al.
    (2017), "On calibration of modern neural networks".

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 0.75, 0.75]))
    >>> expected_calibration_error(counter.tally().groups())
    0.125
    """
    weight = groups.mass
    total = float(weight.sum())
    if not total > 0:
        return np.nan
    # A group is where its middle falls.
    middle = (np.cumsum(weight) - weight / 2) / total
    bin_of = np.minimum((middle * bins).astype(np.int64), bins - 1)
    excess = np.bincount(bin_of, groups.weight[:, 1] * (1 - groups.p) - groups.weight[:, 0] * groups.p, bins)
    return float(np.abs(excess).sum()) / total
