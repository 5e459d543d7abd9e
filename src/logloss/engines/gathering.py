"""Batches of columns in, a part of the evidence out; parts of any partition add up to the same."""

import io
import json
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from logloss.core.errors import LogLossError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Array
from logloss.engines.mistakes import WORST, Candidate, candidates_of, chosen
from logloss.engines.refusals import Found, Refusals
from logloss.engines.slices import SliceSumming
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.counting import Counter
from logloss.evaluation.log_odds import probability_at
from logloss.evaluation.plain import HEAVIEST, LIGHTEST
from logloss.evaluation.tally import Tally

_TINY = 5e-324  # a row that costs nothing is no mistake


class Batch(NamedTuple):
    """Columns of some rows: real numbers without gaps, and any values to group and name rows by."""

    label: Array
    score: Array
    weight: Array | None = None
    by: tuple[pa.Array, ...] = ()
    ids: pa.Array | None = None
    known: Array | None = None  # whether there is a label
    present: Array | None = None  # whether there is a score
    place: int = 0  # of the first row among all
    shown: pa.RecordBatch | None = None  # what to tell of the costliest rows
    others: tuple[Array, ...] = ()  # scores of other models


@dataclass(frozen=True)
class Part:
    """What is known of some of the rows."""

    tally: Tally
    skipped: int
    worst: tuple[Candidate, ...]
    sums: tuple[Sums, ...]
    refusals: Refusals

    def __add__(self, other: "Part") -> "Part":
        sums = tuple(one + two for one, two in zip(self.sums, other.sums, strict=True))
        worst = tuple(chosen([*self.worst, *other.worst]))
        refusals = self.refusals + other.refusals
        return Part(self.tally + other.tally, self.skipped + other.skipped, worst, sums, refusals)

    def refused(self, error: LogLossError) -> "Part":
        """With the sentence of an error, to be raised where all is known."""
        said = Refusals(said=str(error))
        return replace(self, refusals=self.refusals + said)

    def to_bytes(self) -> bytes:
        """For another machine."""
        found = {kind: list(one) for kind, one in self.refusals.found.items()}
        head = {"skipped": self.skipped, "worst": self.worst, **asdict(self.refusals), "found": found}
        pieces = [json.dumps(head, default=str).encode(), self.tally.to_bytes(), *(one.to_bytes() for one in self.sums)]
        return b"".join(len(piece).to_bytes(8, "little") + piece for piece in pieces)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` made."""
        file, pieces = io.BytesIO(content), []
        while size := file.read(8):
            pieces.append(file.read(int.from_bytes(size, "little")))
        head, tally, *sums = pieces
        said = json.loads(head)
        found = {kind: Found(*one) for kind, one in said["found"].items()}
        worst = tuple(Candidate(*one) for one in said["worst"])
        refusals = Refusals(found, said["low"], said["high"], said["said"])
        return cls(Tally.from_bytes(tally), said["skipped"], worst, tuple(map(Sums.from_bytes, sums)), refusals)


class Gatherer:
    """Takes batches, makes a part."""

    def __init__(
        self,
        *,
        from_logits: bool,
        by: tuple[str, ...] = (),
        skip_nulls: bool = False,
        worst: int = WORST,
        threads: int | None = None,
    ) -> None:
        self._from_logits, self._wanted = from_logits, worst
        self._skip_nulls = skip_nulls
        self._counter = Counter(from_logits=from_logits, threads=threads)
        self._summing = [SliceSumming(name) for name in by]
        self._worst: list[Candidate] = []
        self._refusals = Refusals()
        self._skipped = 0
        self._loss = BinaryCrossEntropy(from_logits=from_logits, epsilon=0)

    def add(self, batch: Batch) -> None:
        """Count a batch; what has to be refused is kept for later, when all of it has been seen."""
        shown = self._shown(batch)
        batch = _unweighted_may_hold_anything(batch, from_logits=self._from_logits)
        if not self._refusals:
            floor = -self._worst[-1].gain if 0 < self._wanted == len(self._worst) else _TINY
            found = self._counter.add(
                batch.label, batch.score, batch.weight, shown, worst=self._wanted, floor=max(floor, _TINY)
            )
            if found is not None:
                if len(found.place):
                    columns = batch.label, batch.score, batch.weight, batch.ids, batch.shown
                    more = candidates_of(found, *columns, batch.place, self._wanted)
                    self._worst = chosen([*self._worst, *more], self._wanted)
                if self._summing:
                    self._sum_up(batch, shown)
                return
        self._look_closely(batch, shown)

    def part(self) -> Part:
        """All that was seen."""
        sums = tuple(one.sums() for one in self._summing)
        tally = Tally.empty(from_logits=self._from_logits) if self._refusals else self._counter.tally()
        return Part(tally, self._skipped, tuple(self._worst), sums, self._refusals)

    def _shown(self, batch: Batch) -> Array | None:
        """Which rows count: those with a label and a score."""
        shown = batch.known
        if shown is not None:
            self._counter.add_pending(len(shown) - int(np.count_nonzero(shown)))
        if batch.present is None:
            return shown
        absent = ~batch.present if shown is None else shown & ~batch.present
        if self._skip_nulls:
            self._skipped += int(np.count_nonzero(absent))
        else:
            self._refusals = self._refusals.and_("null", absent, None, batch.place)
        return batch.present if shown is None else shown & batch.present

    def _sum_up(self, batch: Batch, shown: Array | None) -> None:
        """Add a batch to the sums of its slices, in blocks that stay in the cache."""
        rows = np.arange(len(batch.score)) if shown is None else np.flatnonzero(shown)
        by = batch.by if shown is None else tuple(values.filter(pa.array(shown)) for values in batch.by)
        places = [summing.places(values) for summing, values in zip(self._summing, by, strict=True)]
        block = max(summing.block for summing in self._summing)
        for at in range(0, len(rows), block):
            some = rows[at : at + block]
            label, score = (np.asarray(column[some], np.float64) for column in (batch.label, batch.score))
            weight = None if batch.weight is None else np.asarray(batch.weight[some], np.float64)
            loss = self._loss.loss(label, score)
            p = score if not self._from_logits else probability_at(score)
            for summing, place in zip(self._summing, places, strict=True):
                summing.add_rows(place[at : at + block], label, p, loss, weight)

    def _look_closely(self, batch: Batch, shown: Array | None) -> None:
        label, score, weight = batch.label, batch.score, batch.weight
        seen = np.ones(len(score), np.bool_) if shown is None else shown
        with np.errstate(invalid="ignore"):
            absent = np.isnan(score)
            fit = absent | self._from_logits | ((score >= 0) & (score <= 1))
            bad = [("label", seen & ~((label >= 0) & (label <= 1)), label), ("score", seen & ~fit, score)]
            bad.append(("null", seen & absent, score))
            if weight is not None:
                bad.append(("weight", seen & ~((weight >= 0) & (weight < np.inf)), weight))
                bad.append(("heavy", seen & (weight > HEAVIEST) & (weight < np.inf), weight))
                bad.append(("light", seen & (weight < LIGHTEST) & (weight > 0), weight))
        for name, rows, values in bad:
            self._refusals = self._refusals.and_(name, rows, values, batch.place)


def _unweighted_may_hold_anything(batch: Batch, *, from_logits: bool) -> Batch:
    """A term whose weight is 0 is 0 whatever its other factors: such a row is counted as one that says nothing."""
    weight = batch.weight
    if weight is None or not (nothing := weight == 0).any():
        return batch
    with np.errstate(invalid="ignore"):
        odd = nothing & ~((batch.label >= 0) & (batch.label <= 1))
        fit = ~np.isnan(batch.score) if from_logits else (batch.score >= 0) & (batch.score <= 1)
    label = np.where(odd, 0, batch.label) if odd.any() else batch.label
    score = batch.score if fit[nothing].all() else np.where(nothing & ~fit, 0.0 if from_logits else 0.5, batch.score)
    return batch._replace(label=label, score=score)
