"""What is added up of the rows of every slice."""

from collections.abc import Iterator

import numpy as np

from logloss.engines.sums_by_value import GREATEST, Summing, Sums
from logloss.evaluation.cells import Floats
from logloss.evaluation.evidence import Slice
from logloss.evaluation.groups import Integers

_COUNTS = ("rows", "infinite_negatives", "infinite_positives")
_TERMS = ("weight", "square", "positives", "said", "loss", "loss_square", "weight_loss")
_AT_ONCE = 1 << 10  # values whose sums stand as Python's numbers, which take much room


class SliceSumming(Summing):
    """Rows in, the sums of each slice out."""

    def __init__(self, by: str) -> None:
        super().__init__(by, len(_COUNTS), len(_TERMS))

    def add_rows(self, place: Integers, label: Floats, p: Floats, loss: Floats, weight: Floats | None) -> None:
        """Count rows whose sums are at these places; the loss is that of a row that weighs 1."""
        self.count(0, place)
        is_endless = np.isinf(loss)
        if is_endless.any():
            loss = np.where(is_endless, 0.0, loss)
            if weight is not None:
                is_endless &= weight > 0
            for column, is_class in enumerate((label <= 0.5, label > 0.5), 1):
                self.count(column, place[is_endless & is_class])
        with np.errstate(over="ignore"):
            cost = np.minimum(loss if weight is None else weight * loss, GREATEST)
        if weight is None:
            for column in (0, 1):
                self.add_ones(column, place)
            terms = {2: label, 3: p, 4: cost, 5: cost * cost}
        else:
            terms = {0: weight, 1: weight * weight, 2: weight * label, 3: weight * p}
            terms |= {4: cost, 5: cost * cost, 6: weight * cost}
        for column, term in terms.items():
            self.add(column, place, term)
        if weight is None:
            self._limbs[:, 6] = self._limbs[:, 4]


def slices_of(sums: Sums) -> Iterator[Slice]:
    """A slice for each value."""
    for at in range(0, len(sums.values), _AT_ONCE):
        columns = sums.values[at : at + _AT_ONCE].to_pylist(), sums.counts[at : at + _AT_ONCE].tolist()
        for value, counts, terms in zip(*columns, sums.rounded(at, at + _AT_ONCE), strict=True):
            named = dict(zip(_TERMS, terms, strict=True))
            yield Slice(sums.by, value, counts[0], infinite=(counts[1], counts[2]), content=b"", **named)
