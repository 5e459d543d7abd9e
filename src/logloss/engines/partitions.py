"""What a machine of a cluster does with its partition of a table, and what becomes of all partitions.

Each partition is answered with a few bytes; those are merged in a tree, and nothing else crosses the network.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, TypeVar

import pyarrow as pa

from logloss.core.errors import LogLossError, SpellingError, TableError, nearest
from logloss.engines.columns import Columns, batches_of
from logloss.engines.gathering import Gatherer, Part
from logloss.engines.labels import Labels, refuse_absent
from logloss.engines.mistakes import to_mistake
from logloss.engines.pairing import Rival, paired
from logloss.engines.reading import ROWS
from logloss.engines.refusals import refuse
from logloss.engines.second_read import ranked, tallies_of, with_tallies
from logloss.engines.sources import several_named
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.evidence import Evidence, Slice
from logloss.evaluation.tally import Sum, Tally
from logloss.tables.wording import listed, quoted

BRANCHES = 16  # of a node of the tree
_SIZE = 8  # bytes of a piece's length
T = TypeVar("T")
Ask = Callable[[Iterable[pa.RecordBatch]], bytes]  # of each partition
Merge = Callable[[Iterable[bytes]], bytes]


@dataclass(frozen=True)
class Task:
    """What is done with each partition; it is sent to the machines."""

    columns: Columns
    labels: Labels
    shown: tuple[str, ...] = ()

    @property
    def needed(self) -> list[str]:
        """Every column once."""
        return [*dict.fromkeys([*self.columns.needed, *self.shown])]

    def part_of(self, batches: Iterable[pa.RecordBatch]) -> bytes:
        """What is known of a partition's rows."""
        columns = self.columns
        gatherer = Gatherer(from_logits=columns.from_logits, by=columns.by, skip_nulls=columns.skip_nulls)
        try:
            for batch in batches_of(_larger(batches), columns, self.labels, self.shown):
                gatherer.add(batch)
            part = gatherer.part()
        except LogLossError as error:
            part = gatherer.part().refused(error)
        worst = tuple(one._replace(place=0) for one in part.worst)  # places mean nothing elsewhere
        return replace(part, worst=worst, refusals=part.refusals.placeless()).to_bytes()

    def tallies_of(self, batches: Iterable[pa.RecordBatch], slices: Sequence[Slice]) -> bytes:
        """The tallies of a partition's rows in some slices."""
        columns = self.columns
        counted = batches_of(_larger(batches), columns, self.labels)
        tallies = tallies_of(slices, columns.by, counted, from_logits=columns.from_logits)
        return framed([tally.to_bytes() for tally in tallies])

    def paired(self, batches: Iterable[pa.RecordBatch], rivals: Sequence[Rival]) -> bytes:
        """By how much models differ on a partition's rows; the first of them is the task's own."""
        columns = self.columns
        counted = batches_of(_larger(batches), columns, self.labels)
        pairs = paired(counted, columns.by, rivals, columns.from_logits)
        return framed([framed([sums.to_bytes() for sums in pair]) for pair in pairs])


def merged_parts(contents: Iterable[bytes]) -> bytes:
    """Parts that were sent, as one; nothing of none."""
    parts = map(Part.from_bytes, contents)
    first = next(parts, None)
    return b"" if first is None else reduce(_joined, parts, first).to_bytes()


def _joined(one: Part, other: Part) -> Part:
    try:
        return one + other
    except LogLossError as error:
        return one.refused(error)


def merged_tallies(contents: Iterable[bytes]) -> bytes:
    """Tallies of the same slices, as one of each; nothing of none."""
    rows = ([Tally.from_bytes(piece) for piece in unframed(content)] for content in contents)
    made = _added(rows, add)
    return framed([tally.to_bytes() for tally in made])


def merged_pairs(contents: Iterable[bytes]) -> bytes:
    """Sums of the same pairs of models, as one of each; nothing of none."""
    made = _added(map(pairs_in, contents), lambda one, two: list(map(add, one, two)))
    return framed([framed([sums.to_bytes() for sums in pair]) for pair in made])


def _added(rows: Iterable[list[T]], join: Callable[[T, T], T]) -> list[T]:
    """Rows of as many entries, added up entry by entry."""
    every = iter(rows)
    return reduce(lambda one, two: list(map(join, one, two)), every, next(every, []))


def pairs_in(content: bytes) -> list[list[Sums]]:
    """The sums of each pair of models."""
    return [list(map(Sums.from_bytes, unframed(pair))) for pair in unframed(content)]


def evidence_of_parts(task: Task, asked: Callable[[Ask, Merge], bytes], values: Callable[[], list[str]]) -> Evidence:
    """What is known of all partitions.

    ``asked`` gives the merged answers of all partitions, and ``values`` some of the labels.

    Raises
    ------
    LogLossError
        As `tables.from_table`.
    """
    columns, content = task.columns, asked(task.part_of, merged_parts)
    if not content:  # there are no partitions
        raise _no_rows()
    part = Part.from_bytes(content)
    refuse(part.refusals, columns.label, columns.score, columns.weight, rows=0)
    if not part.tally.rows + part.tally.pending + part.skipped:
        raise _no_rows()
    positive = task.labels.positive
    if positive is not None and task.labels.negative is None and part.tally.rows and not part.tally.total(Sum.POSITIVE):
        refuse_absent(columns.label, positive, values())
    slices, suppressed = ranked(part)
    slices = with_tallies(slices, lambda some: _counted(task, some, asked))
    mistakes = tuple(replace(to_mistake(one, columns.from_logits), row=None) for one in part.worst)
    settings = columns.settings(positive, task.shown)
    return Evidence(part.tally, part.skipped, mistakes, slices, suppressed, task.labels.notes, positive, settings)


def _counted(task: Task, slices: Sequence[Slice], asked: Callable[[Ask, Merge], bytes]) -> list[Tally]:
    content = asked(lambda batches: task.tallies_of(batches, slices), merged_tallies)
    return list(map(Tally.from_bytes, unframed(content)))


def pairs_of_parts(task: Task, rivals: Sequence[Rival], asked: Callable[[Ask, Merge], bytes]) -> list[list[Sums]]:
    """By how much models differ on all partitions, as `pairing.paired`; the first of them is the task's own."""
    return pairs_in(asked(lambda batches: task.paired(batches, rivals), merged_pairs))


def _no_rows() -> TableError:
    return TableError("The table holds no rows. Expected at least one.")


@contextlib.contextmanager
def asking(engine: str) -> Iterator[None]:
    """Turn what goes wrong in a cluster into a sentence.

    Raises
    ------
    TableError
        It could not read its table.
    """
    try:
        yield
    except LogLossError:
        raise
    except Exception as error:  # each layer of an engine has its own
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise TableError(
            f"{engine} could not read the table: {said[:300]}. Check what it reads, and its own log."
        ) from error


def need(names: Iterable[str], there: Sequence[str]) -> None:
    """Refuse columns that a table lacks.

    Raises
    ------
    SpellingError, TableError
        One is not there, and the nearest name is said; or several have that name.
    """
    for name in names:
        if there.count(name) > 1:
            raise several_named("The table", name)
        if name not in there:
            hint = nearest(name, there) or f" It has {listed(there, limit=12)}."
            raise SpellingError(f"The table has no column {quoted(name)}.{hint}")


def framed(pieces: Iterable[bytes]) -> bytes:
    """Several pieces as one.

    Examples
    --------
    >>> list(unframed(framed([b"one", b"", b"three"])))
    [b'one', b'', b'three']
    """
    return b"".join(len(piece).to_bytes(_SIZE, "little") + piece for piece in pieces)


def unframed(content: bytes) -> Iterator[bytes]:
    """The pieces again."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + _SIZE], "little")
        at += _SIZE + size
        yield content[at - size : at]


def _larger(batches: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that are worth a call."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, rows = [], 0
    if rows:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
