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
from logloss.evaluation.log_odds import chances

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
    def key(self) -> tuple[tuple[float, ...], list[tuple[bool, str]], int]:
        """Ties are broken by the row's content first, and by what is shown of it."""
        texts = [(text is None, text or "") for text in (self.id, *self.shown.values())]
        return self[:4], texts, self.place


def chosen(candidates: list[Candidate], wanted: int = WORST) -> list[Candidate]:
    """The worst, in order."""
    return sorted(candidates, key=lambda one: one.key)[:wanted]


def candidates_of(
    worst: Worst,
    label: Array,
    score: Array,
    weight: Array | None,
    ids: pa.Array | None,
    shown: pa.RecordBatch | None,
    first: int,
    wanted: int,
) -> list[Candidate]:
    """At most ``wanted`` of a batch's costliest rows, which may be many where many cost the same.

    ``shown`` holds the columns to tell of them, and ``first`` is the place of the batch's first row among all.
    """
    place = worst.place
    heavy = np.ones(len(place)) if weight is None else np.asarray(weight[place], np.float64)
    columns = [-worst.loss, np.asarray(score[place], np.float64), np.asarray(label[place], np.float64), heavy]
    kept = _least(columns, wanted)
    told = [*([] if ids is None else [ids]), *([] if shown is None else shown.columns)]
    if len(kept) > wanted and told:
        kept = _least_by_text(columns, kept, [values.take(pa.array(place[kept])) for values in told], wanted)
    kept = kept[np.lexsort([place[kept], *(column[kept] for column in reversed(columns))])][:wanted]
    at = place[kept].tolist()
    names = [None] * len(at) if ids is None else text_of(_plain(ids.take(pa.array(at, pa.int64())))).to_pylist()
    texts: list[dict[str, str | None]] = [{} for _ in at] if shown is None else texts_of(shown, at)
    rows = zip(*(column[kept].tolist() for column in columns), names, at, texts, strict=True)
    return [Candidate(gain, z, y, w, name, first + i, text) for gain, z, y, w, name, i, text in rows]


def texts_of(batch: pa.RecordBatch, places: list[int]) -> list[dict[str, str | None]]:
    """Some rows of a batch, every value as text: so they read the same from every kind of source."""
    rows = batch.take(pa.array(places, pa.int64()))
    columns = [text_of(_plain(column)).to_pylist() for column in rows.columns]
    return [dict(zip(rows.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def to_mistake(one: Candidate, from_logits: bool) -> Mistake:
    """What is told of a row."""
    p, q = map(float, chances(np.array(one.score))) if from_logits else (one.score, 1 - one.score)
    actual = one.label * p + (1 - one.label) * q
    return Mistake(one.id, one.label, p, actual, -one.gain, one.weight, shown=one.shown, row=one.place)


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


def _least_by_text(columns: list[Floats], kept: Integers, told: list[pa.Array], wanted: int) -> Integers:
    """Of rows of which the last ones are equal but for what is told of them: those that come first by it, as text."""
    same = np.all([column[kept] == column[kept[-1]] for column in columns], axis=0)
    sure, tied = kept[~same], kept[same]
    texts = [text_of(_plain(values.filter(pa.array(same)))) for values in told]
    keys = {str(i): values for i, values in enumerate([*texts, pa.array(np.arange(len(tied)))])}
    order = pc.select_k_unstable(pa.table(keys), wanted - len(sure), [(key, "ascending") for key in keys])
    return np.concatenate([sure, tied[order.to_numpy()]])


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
