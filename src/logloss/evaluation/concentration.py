"""How concentrated the loss is: what share of it the worst rows carry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from logloss.evaluation.evidence import Mistake
from logloss.evaluation.groups import Groups
from logloss.evaluation.losses import finite_losses
from logloss.evaluation.scores import has_infinite_losses
from logloss.evaluation.tally import Sum, Tally

SHARES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Concentration:
    """``carried`` is what the worst ``rows`` carry: both are shares, of the weight of rows and of the log loss.

    NaN where there is no loss to carry. Where losses are infinite, the worst rows carry all of it.
    """

    rows: tuple[float, ...]
    carried: tuple[float, ...]


def concentration(tally: Tally, groups: Groups, shares: tuple[float, ...] = SHARES) -> Concentration:
    """What the worst rows carry of the log loss: a Lorenz curve from its upper end.

    Notes
    -----
    Lorenz (1905), "Methods of measuring the concentration of wealth". A row that the limit falls within counts by its
    part.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([1, 0, 0, 1]), np.array([0.5, 0.0, 0.5, 0.5**4]))
    >>> tally = counter.tally()
    >>> concentration(tally, tally.groups(), (0.25, 0.5, 0.75)).carried
    (0.6666666666666667, 0.8333333333333334, 1.0)
    """
    if has_infinite_losses(tally):
        return Concentration(shares, (1.0,) * len(shares))
    weight = groups.weight.ravel()
    some = weight > 0
    cost, weight = finite_losses(groups, are_endless=False).ravel()[some], weight[some]
    order = np.argsort(-cost, kind="stable")
    cost, weight = cost[order], weight[order]
    counted, carried = (np.append(0.0, np.cumsum(column)) for column in (weight, weight * cost))
    if not carried[-1] > 0:
        return Concentration(shares, (np.nan,) * len(shares))
    found = np.interp(np.array(shares) * counted[-1], counted, carried) / carried[-1]
    return Concentration(shares, tuple(found.tolist()))


def with_shares(mistakes: Sequence[Mistake], tally: Tally) -> tuple[Mistake, ...]:
    """The costliest rows, each with what it carries of the log loss."""
    total = math.nan if has_infinite_losses(tally) else tally.total(Sum.LOSS)
    return tuple(replace(one, share_of_loss=one.loss / total if total > 0 else math.nan) for one in mistakes)
