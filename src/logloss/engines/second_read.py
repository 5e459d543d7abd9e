"""What takes a second read: a whole tally for the slices that matter most, and more columns of the costliest rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logloss.engines.gathering import Batch, Gatherer, Part
from logloss.engines.mistakes import WORST, Candidate, candidates_of, chosen
from logloss.engines.slices import slices_of
from logloss.engines.sums_by_value import text_of
from logloss.evaluation.counting import Worst
from logloss.evaluation.evidence import LEAST_ROWS, Slice
from logloss.evaluation.tally import MOST as MOST_ROWS
from logloss.evaluation.tally import Sum, Tally

MOST = 100
_ROOM, _A_ROW = 1 << 26, 160  # bytes, for all that is counted side by side and for each row that is kept
_KEPT = 1 << 13  # distinct scores; more are gathered in cells, which take less


def ranked(part: Part) -> tuple[tuple[Slice, ...], dict[str, int]]:
    """The slices, those first whose loss exceeds the mean by most, and how many of each column had too few rows."""
    weight = part.tally.total(Sum.WEIGHT)
    mean = part.tally.total(Sum.LOSS) / weight if weight else 0.0
    every = [one for sums in part.sums for one in slices_of(sums)]
    enough = [one for one in every if one.rows >= LEAST_ROWS]
    few = {sums.by: 0 for sums in part.sums}
    for one in every:
        few[one.by] += one.rows < LEAST_ROWS
    enough.sort(key=lambda one: (-one.excess(mean), one.by, one.value is None, one.value or ""))
    return tuple(enough), few


def with_tallies(slices: Sequence[Slice], count: Callable[[list[Slice]], list[Tally]]) -> tuple[Slice, ...]:
    """The slices, the first hundred with a tally each, which ``count`` takes of some of them at a time."""
    made = list(slices)
    for some in _at_once(slices[:MOST]):
        for i, tally in zip(some, count([slices[i] for i in some]), strict=True):
            made[i] = replace(slices[i], content=tally.coarser(_KEPT).to_bytes())
    return tuple(made)


def _at_once(slices: Sequence[Slice]) -> Iterator[range]:
    """Slices whose rows can be counted side by side in bounded memory."""
    start, room = 0, _ROOM
    for i, one in enumerate(slices):
        needed = _A_ROW * min(one.rows, MOST_ROWS)
        if needed > room and i > start:
            yield range(start, i)
            start, room = i, _ROOM
        room -= needed
    if slices:
        yield range(start, len(slices))


def tallies_of(
    slices: Sequence[Slice], by: tuple[str, ...], batches: Iterable[Batch], *, from_logits: bool
) -> list[Tally]:
    """A tally of the rows of each slice."""
    gatherers = [Gatherer(from_logits=from_logits, skip_nulls=True, worst=0) for _ in slices]
    columns = {name: [i for i, one in enumerate(slices) if one.by == name] for name in by}
    for batch in batches:
        for name, values in zip(by, batch.by, strict=True):
            wanted = columns[name]
            if not wanted:
                continue
            place = _places(values, [slices[i].value for i in wanted])
            rows = np.flatnonzero(place >= 0)
            rows = rows[np.argsort(place[rows], kind="stable")]
            ends = np.searchsorted(place[rows], np.arange(len(wanted) + 1))
            for i, start, end in zip(wanted, ends[:-1], ends[1:], strict=True):
                if start < end:
                    gatherers[i].add(_rows_of(batch, rows[start:end]))
    return [gatherer.part().tally for gatherer in gatherers]


def told(worst: Sequence[Candidate], batches: Iterable[Batch]) -> Sequence[Candidate]:
    """The costliest rows with what batches hold to tell of them.

    Of rows that cost the same, are equal and have one name, those come first that do so by what is told: which of them
    were found before depends on where they are.
    """
    gains = {(one.score, one.label, one.weight): one.gain for one in worst}
    scores, found = np.unique([one.score for one in worst]), list[Candidate]()
    for batch in batches:
        near = np.flatnonzero(np.isin(batch.score, scores))
        for column in (batch.known, batch.present):
            near = near if column is None else near[column[near]]
        weight = np.ones(len(near)) if batch.weight is None else batch.weight[near]
        for (score, label, heavy), gain in gains.items():
            rows = near[(batch.score[near] == score) & (batch.label[near] == label) & (weight == heavy)]
            if len(rows):
                these = Worst(0.0, np.full(len(rows), -gain), rows)
                columns = batch.label, batch.score, batch.weight, batch.ids, batch.shown
                found = chosen([*found, *candidates_of(these, *columns, batch.place, WORST)])
    return found


def _places(values: pa.Array, wanted: list[str | None]) -> npt.NDArray[np.int64]:
    """Which of the wanted values each row has, or -1."""
    known = pa.array(wanted, pa.string())
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode(null_encoding="encode")
    among = pc.index_in(text_of(values.dictionary), value_set=known).fill_null(-1)
    none = wanted.index(None) if None in wanted else -1
    of_value = np.append(among.to_numpy(zero_copy_only=False), none)
    place: npt.NDArray[np.int64] = of_value[values.indices.fill_null(len(of_value) - 1).to_numpy(zero_copy_only=False)]
    return place


def _rows_of(batch: Batch, rows: npt.NDArray[np.intp]) -> Batch:
    weight, known, present = (None if c is None else c[rows] for c in (batch.weight, batch.known, batch.present))
    return Batch(batch.label[rows], batch.score[rows], weight, known=known, present=present)
