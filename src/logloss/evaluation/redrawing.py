"""Labels redrawn as if the probabilities were right: what chance alone would show of them."""

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from logloss.evaluation.groups import Floats, Groups

_REPEATS = 199  # with the value itself 200, of which 10 are beyond the 95 % point


@dataclass(frozen=True)
class IfCalibrated:
    """Of what is above 0 by chance too: its mean, and its 95 % point, were the probabilities perfectly calibrated."""

    mean: float
    point_95: float


def if_calibrated(groups: Groups, statistic: Callable[[Floats], float], *, seed: int = 0) -> IfCalibrated:
    """What a statistic of the groups' weights, (m, 2), would be; NaN without groups. Each has to weigh something.

    Notes
    -----
    Labels are redrawn from the probabilities 199 times. A value beyond the 95 % point is a test at 5 %: Barnard (1963),
    in the discussion of "The spectral analysis of point processes".
    """
    if not len(groups.p):
        return IfCalibrated(math.nan, math.nan)
    found = sorted(statistic(weight) for weight in redrawn(groups, _REPEATS, seed))
    return IfCalibrated(math.fsum(found) / len(found), found[math.ceil(0.95 * (len(found) + 1)) - 1])


def redrawn(groups: Groups, repeats: int, seed: int) -> Iterator[Floats]:
    """The weights of negatives and positives of each group, (m, 2), once a repeat, each row's label drawn with its p.

    Notes
    -----
    Rows of unequal weights are drawn as (Σw)² / Σw² equal ones (Kish 1965, "Survey sampling"), at least one a group.
    Where positives weigh otherwise than negatives, as after leaving negatives out, a row's weight tells of its label:
    then it is the row that is drawn, with the odds that its label had of being left in, and its weight goes with it.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 1, 0]), np.array([0.0, 1.0, 1.0, 0.5]))
    >>> [drawn[[0, 2]].tolist() for drawn in redrawn(counter.tally().groups(), 2, seed=0)]
    [[[1.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 2.0]]]
    """
    weight, square = groups.weight.sum(0), groups.square.sum(0)
    a_row = np.ones(2)  # what one of each label weighs
    np.divide(square, weight, out=a_row, where=weight > 0)
    if not (weight > 0).all():
        a_row[:] = a_row[weight > 0].sum() or 1.0
    count = (groups.weight / a_row).sum(1)
    rows = np.maximum(np.rint(count**2 / (groups.square / a_row**2).sum(1)), 1).astype(np.int64)
    p = np.clip(groups.p, 0.0, 1.0)
    negative, positive = (1 - p) / a_row[0], p / a_row[1]
    p = positive / (negative + positive)
    # Draws that were the same for all data would be unlucky for all of it.
    random = np.random.default_rng([seed, zlib.crc32(groups.rows.tobytes())])
    alone, many = np.flatnonzero(rows == 1), np.flatnonzero(rows > 1)
    share, p_alone, p_many, rows_many = np.empty(len(p)), p[alone], p[many], rows[many]
    for _ in range(repeats):
        share[alone] = random.random(len(alone)) < p_alone  # as a binomial draw of one, at a tenth of its time or less
        share[many] = random.binomial(rows_many, p_many) / rows_many
        yield np.stack([(1 - share) * count * a_row[0], share * count * a_row[1]], -1)
