"""From a tally's rows or cells to groups of equal probability."""

import numpy as np

from logloss.evaluation.cells import ends_of
from logloss.evaluation.tally import CellCounts, Floats, Groups, Integers, Rows, Tally


def groups_of(tally: Tally) -> Groups:
    """The rows of a tally by probability, in ascending order."""
    return _of_rows(tally.kept, tally.from_logits) if isinstance(tally.kept, Rows) else _of_cells(tally.kept)


def _of_rows(kept: Rows, from_logits: bool) -> Groups:
    starts = np.flatnonzero(np.r_[True, kept.score[1:] != kept.score[:-1]][: len(kept.score)])
    is_positive = kept.label > 0.5
    shares = np.stack([kept.weight * (1 - kept.label), kept.weight * kept.label], -1)
    count = kept.count[:, None]

    def added(values: Floats | Integers) -> Floats:
        return np.add.reduceat(values, starts).astype(np.float64) if len(starts) else values.astype(np.float64)

    lesser = kept.lesser[starts]
    p = np.where(kept.score[starts] >= (0.0 if from_logits else 0.5), 1 - lesser, lesser)
    return Groups(
        p=p,
        lesser=lesser,
        rows=added(count * np.stack([~is_positive, is_positive], -1)).astype(np.int64),
        weight=added(shares * count),
        square=added(shares * kept.weight[:, None] * count),
        width=np.zeros(len(starts)),
    )


def _of_cells(kept: CellCounts) -> Groups:
    least, greatest, is_upper = ends_of(kept.cell)
    middle = (least + greatest) / 2
    order = np.lexsort((np.where(is_upper, -middle, middle), is_upper))
    lesser, is_upper = middle[order], is_upper[order]
    return Groups(
        p=np.where(is_upper, 1 - lesser, lesser),
        lesser=lesser,
        rows=kept.rows[order],
        weight=_number(kept.weights[order]),
        square=_number(kept.squares[order]),
        width=(greatest - least)[order],
    )


def _number(parts: Integers) -> Floats:
    return parts[..., 0] * 2.0**-16 + parts[..., 1] * 2.0**-64
