"""Files that the machines of a cluster read, each some of them, and as one machine would.

So a file says the same wherever it is read: Spark and Dask have ways of their own with quotes, gaps, decimal commas and
leading zeros. Each machine has to reach the files by the names that are given.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from logloss.core.errors import LabelError
from logloss.engines.columns import Columns, column_of
from logloss.engines.labels import Labels, labels_at_once, words_in
from logloss.engines.pairing import Rival
from logloss.engines.partitions import Ask, Merge, Task, evidence_of_parts, pairs_of_parts
from logloss.engines.sources import Source, source_of
from logloss.engines.sums_by_value import Sums
from logloss.engines.tables import open_table, opened_anew
from logloss.evaluation.evidence import Evidence

Part = Callable[[], Iterable[pa.RecordBatch]]


@dataclass(frozen=True)
class Scattered:
    """Files, and how a cluster is asked of each part of them: its answers, merged."""

    files: tuple[str, ...]
    asked: Callable[[Sequence[Part], Ask, Merge], bytes]


def from_scattered(
    data: Scattered, columns: Columns, *, positive: str | None = None, shown: Sequence[str] = ()
) -> Evidence:
    """What is known of the predictions in files: the same as on one machine, to the bit.

    Raises
    ------
    LogLossError
        As `tables.from_table`.
    """
    source = source_of(list(data.files))
    columns.check(source)
    for name in shown:
        source.need(name)
    opened = open_table(source, columns, positive)
    opened.begun.close()
    try:
        return _evidence(data, source, Task(columns, opened.labels, tuple(shown)))
    except LabelError as error:  # what the first rows told of the labels does not hold of all
        opened = opened_anew(opened, error)
        opened.begun.close()
        return _evidence(data, source, Task(columns, opened.labels, tuple(shown)))


def paired_in_scattered(
    data: Scattered, columns: Columns, rivals: Sequence[Rival], positive: str | None = None
) -> list[list[Sums]]:
    """By how much each of the other models differs from the first, as `pairing.paired`."""
    source = source_of(list(data.files))
    task = Task(columns, labels_at_once(pa.nulls(0), positive) or Labels())
    return pairs_of_parts(task, rivals, partial(data.asked, _parts(source, task)))


def _evidence(data: Scattered, source: Source, task: Task) -> Evidence:
    label = task.columns.label

    def words() -> list[str]:
        return words_in(column_of(next(source.read([label], [label])), label))

    return evidence_of_parts(task, partial(data.asked, _parts(source, task)), words)


def _parts(source: Source, task: Task) -> list[Part]:
    texts = task.columns.texts(source, task.shown)
    return [partial(stretch.read, task.needed, texts) for stretch in source.stretches]
