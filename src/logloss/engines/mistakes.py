"""The rows that cost most, chosen by what is in them: so neither chunks nor machines change which they are."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.inputs import Array
from logloss.engines.sums_by_value import text_of
from logloss.evaluation.cells import Floats
from logloss.evaluation.counting import Worst
from logloss.evaluation.evidence import Mistake
from logloss.evaluation.groups import Integers

WORST = 20


class Candidate(NamedTuple):
    """A row that may be among the worst, in the order in which they are compared."""

    gain: float  # minus its loss times its weight
    score: float
    label: float
    weight: float
    id: str | None
    place: int  # among the rows of the source
    shown: dict[str, str | None]

    @property
    def key(self) -> tuple[float, float, float, float, bool, str, int]:
        """Ties are broken by the row's content first."""
        return (*self[:4], self.id is None, self.id or "", self.place)


def chosen(candidates: list[Candidate], wanted: int = WORST) -> list[Candidate]:
    """The worst, in order."""
    return sorted(candidates, key=lambda one: one.key)[:wanted]


def candidates_of(
    worst: Worst, label: Array, score: Array, weight: Array | None, ids: pa.Array | None, first: int, wanted: int
) -> list[Candidate]:
    """At most ``wanted`` of a batch's costliest rows, which may be many where many cost the same."""
    place = worst.place
    heavy = np.ones(len(place)) if weight is None else np.asarray(weight[place], np.float64)
    columns = [-worst.loss, np.asarray(score[place], np.float64), np.asarray(label[place], np.float64), heavy]
    kept = _least(columns, wanted)
    if len(kept) > wanted and ids is not None:
        kept = _least_by_id(columns, kept, ids.take(pa.array(place[kept])), wanted)
    kept = kept[np.lexsort([place[kept], *(column[kept] for column in reversed(columns))])][:wanted]
    names = [None] * len(kept) if ids is None else text_of(_plain(ids.take(pa.array(place[kept])))).to_pylist()
    rows = zip(*(column[kept].tolist() for column in columns), names, place[kept].tolist(), strict=True)
    return [Candidate(gain, z, y, w, name, first + at, {}) for gain, z, y, w, name, at in rows]


def with_columns(candidates: list[Candidate], batch: pa.RecordBatch, first: int) -> list[Candidate]:
    """The same with what stands in the columns of a batch, which begins with the row ``first``."""
    rows = texts_of(batch, [one.place - first for one in candidates])
    return [one._replace(shown=row) for one, row in zip(candidates, rows, strict=True)]


def texts_of(batch: pa.RecordBatch, places: list[int]) -> list[dict[str, str | None]]:
    """Some rows of a batch, every value as text: so they read the same from every kind of source."""
    rows = batch.take(pa.array(places, pa.int64()))
    columns = [text_of(_plain(column)).to_pylist() for column in rows.columns]
    return [dict(zip(rows.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def to_mistake(one: Candidate, from_logits: bool) -> Mistake:
    """What is told of a row."""
    p = one.score
    if from_logits:
        e = float(np.exp(-abs(p)))
        p = 1 / (1 + e) if p >= 0 else e / (1 + e)
    actual = one.label * p + (1 - one.label) * (1 - p)
    return Mistake(one.id, one.label, p, actual, -one.gain, one.weight, one.shown)


def _least(columns: list[Floats], wanted: int) -> Integers:
    """The rows that come first by the columns in turn, and all that equal the last of them."""
    sure: list[Integers] = []
    open_ = np.arange(len(columns[0]))
    for column in columns:
        missing = wanted - sum(map(len, sure))
        if len(open_) <= missing or missing <= 0:
            break
        values = column[open_]
        last = np.partition(values, missing - 1)[missing - 1]
        sure.append(open_[values < last])
        open_ = open_[values == last]
    return np.concatenate([*sure, open_])


def _least_by_id(columns: list[Floats], kept: Integers, ids: pa.Array, wanted: int) -> Integers:
    """Of rows of which the last ones are equal but for their id: those with the least ids, as text."""
    same = np.all([column[kept] == column[kept[-1]] for column in columns], axis=0)
    sure, tied = kept[~same], kept[same]
    names = text_of(_plain(ids.filter(pa.array(same))))
    table = pa.table({"id": names, "at": pa.array(np.arange(len(tied)))})
    order = pc.select_k_unstable(table, wanted - len(sure), [("id", "ascending"), ("at", "ascending")])
    return np.concatenate([sure, tied[order.to_numpy()]])


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
