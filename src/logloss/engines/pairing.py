"""Two models on the same rows: sums of by how much they differ, over all rows and in every region of them.

A region is a band of probability or a slice. This takes a second read, as ranks are known only after a first.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Array
from logloss.engines.gathering import Batch
from logloss.engines.sums_by_value import GREATEST, Summing, Sums
from logloss.evaluation.cells import Floats
from logloss.evaluation.difference import BANDS, PROBABILITY, SMALL, Apart, Errors, band_of
from logloss.evaluation.groups import Integers
from logloss.evaluation.log_odds import chances
from logloss.evaluation.ranking import Placements

_COUNTS = ("rows", "positives", "first_infinite", "second_infinite")
_REGION = len(Apart._fields) - len(_COUNTS)


class Rival(NamedTuple):
    """What is known of a model after the first read."""

    brier: float
    placements: Placements


class RegionSumming(Summing):
    """Rows in, sums of the differences of their losses out, for each value of a column."""

    def __init__(self, by: str) -> None:
        super().__init__(by, len(_COUNTS), _REGION)

    def add_rows(self, place: Integers, y: Floats, weight: Floats, first: Floats, second: Floats) -> None:
        """Count rows whose sums are at these places, with their labels and the losses of both models."""
        with np.errstate(invalid="ignore", over="ignore"):
            apart = weight * (second - first)
        endless = np.isinf(first), np.isinf(second)
        apart = np.where(endless[0] | endless[1], 0.0, apart)
        self.count(0, place)
        for which, some in enumerate((y > 0.5, endless[0] & ~endless[1], endless[1] & ~endless[0]), 1):
            self.count(which, place[some])
        # Beyond what a sum of squares can hold, a difference counts as the greatest that it can.
        apart = np.clip(apart, -GREATEST * SMALL, GREATEST * SMALL)
        more, less = np.maximum(apart, 0.0), np.maximum(-apart, 0.0)
        terms = (
            weight,
            weight * weight,
            more,
            less,
            (apart / SMALL) ** 2,
            weight * more,
            weight * less,
        )
        for which, term in enumerate((*terms, np.where(second < first, weight, 0.0))):
            self.add(which, place, term)


class Pairing:
    """Rows in, sums out, for two models."""

    def __init__(self, first: Rival, second: Rival, by: Sequence[str], *, from_logits: bool) -> None:
        self._first, self._second, self._from_logits = first, second, from_logits
        self._loss = BinaryCrossEntropy(from_logits=from_logits, epsilon=0)
        self._errors = Summing("", 0, len(Errors._fields))
        self._regions = [RegionSumming(name) for name in ("", PROBABILITY, *by)]

    def add(self, batch: Batch, second: Array) -> None:
        """Count the rows of a batch that both models have scored and that weigh anything."""
        kept = np.ones(len(batch.score), np.bool_)
        for shown in (batch.known, batch.present, None if batch.weight is None else batch.weight > 0):
            kept = kept if shown is None else kept & shown
        rows = np.flatnonzero(kept)
        by = [values.filter(pa.array(kept)) for values in batch.by]
        block = max(summing.block for summing in self._regions)
        for at in range(0, len(rows), block):
            some = rows[at : at + block]
            y, one, other = (np.asarray(column[some], np.float64) for column in (batch.label, batch.score, second))
            weight = np.ones(len(some)) if batch.weight is None else np.asarray(batch.weight[some], np.float64)
            self._add_rows(y, one, other, weight, [values.slice(at, block) for values in by])

    def _add_rows(self, y: Floats, one: Floats, other: Floats, weight: Floats, by: Sequence[pa.Array]) -> None:
        (p, not_p), (q, not_q) = (chances(score) if self._from_logits else (score, 1 - score) for score in (one, other))
        losses = self._loss.loss(y, one), self._loss.loss(y, other)
        everything = pa.DictionaryArray.from_arrays(np.zeros(len(y), np.int32), pa.array([""]))
        bands = pa.DictionaryArray.from_arrays(band_of((p + q) / 2), pa.array(BANDS))
        for summing, values in zip(self._regions, (everything, bands, *by), strict=True):
            summing.add_rows(summing.places(values), y, weight, *losses)

        place = self._errors.places(everything)
        first, second = self._first, self._second
        brier = (q - p) * (p + q - 2 * y) - (second.brier - first.brier)
        area = second.placements.area - first.placements.area
        ranks = second.placements.at(q, not_q) - first.placements.at(p, not_p) - area
        ranks = np.nan_to_num(ranks)  # of one class only
        errors = (weight * brier, weight * (1 - y) * ranks[:, 0], weight * y * ranks[:, 1])  # as in Errors
        for which, error in enumerate(errors):
            self._errors.add(which, place, (error / SMALL) ** 2)

    def sums(self) -> tuple[Sums, ...]:
        """All that was counted: the errors of the scores, then the regions."""
        return (self._errors.sums(), *(summing.sums() for summing in self._regions))


def paired(
    batches: Iterable[Batch], by: Sequence[str], rivals: Sequence[Rival], from_logits: bool
) -> list[tuple[Sums, ...]]:
    """By how much each of the other models differs from the first; its scores are the batches' other ones, in order."""
    first, *others = rivals
    pairings = [Pairing(first, other, by, from_logits=from_logits) for other in others]
    for batch in batches:
        for pairing, score in zip(pairings, batch.others, strict=True):
            pairing.add(batch, score)
    return [pairing.sums() for pairing in pairings]


def apart_in(sums: Sums) -> dict[str | None, Apart]:
    """By how much the models differ, by region."""
    rows = zip(sums.values.to_pylist(), sums.counts.tolist(), sums.rounded(), strict=True)
    return {value: Apart(*counts, *terms) for value, counts, terms in rows}
