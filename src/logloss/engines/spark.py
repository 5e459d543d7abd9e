"""From a Spark DataFrame to what an evaluation is made from; logloss has to be installed where Spark's workers run."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as kinds

from logloss.core.errors import LabelError
from logloss.engines.columns import Columns
from logloss.engines.labels import Labels, labels_at_once, labels_of, words_in
from logloss.engines.pairing import Rival
from logloss.engines.partitions import BRANCHES, Ask, Merge, Task, asking, evidence_of_parts, need, pairs_of_parts
from logloss.engines.scattered import Part, Scattered
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.evidence import Evidence

_MANY = 21  # values, of which a label has fewer
Answer = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def from_spark(
    frame: DataFrame, columns: Columns, *, positive: str | None = None, shown: Sequence[str] = ()
) -> Evidence:
    """What is known of the predictions in a Spark DataFrame: the same as on one machine, to the bit.

    Raises
    ------
    LogLossError
        As `tables.from_table`.
    """
    need([*columns.needed, *shown], frame.columns)
    columns.check_names()
    numeric = isinstance(frame.schema[columns.label].dataType, kinds.NumericType | kinds.BooleanType | kinds.NullType)
    labels = labels_at_once(pa.nulls(0), positive) if positive is not None or numeric else None
    try:
        return _evidence(frame, Task(columns, labels or _surveyed(frame, columns.label), tuple(shown)))
    except LabelError:  # numbers outside of [0, 1] may be two classes
        if labels is None or positive is not None:
            raise
        return _evidence(frame, Task(columns, _surveyed(frame, columns.label), tuple(shown)))


def paired_in_spark(
    frame: DataFrame, columns: Columns, rivals: Sequence[Rival], positive: str | None = None
) -> list[list[Sums]]:
    """By how much each of the other models differs from the first, as `pairing.paired`."""
    task = Task(columns, labels_at_once(pa.nulls(0), positive) or Labels())
    some = frame.select(*map(_quoted, task.needed))
    return pairs_of_parts(task, rivals, partial(_asked, some))


def read_files(files: Sequence[str]) -> Scattered:
    """Files that Spark's workers read, in the session that there is or a new one."""
    return Scattered(tuple(files), _asked_of_parts)


def _evidence(frame: DataFrame, task: Task) -> Evidence:
    some = frame.select(*map(_quoted, task.needed))
    return evidence_of_parts(task, partial(_asked, some), lambda: words_in(_values(frame, task.columns.label)))


def _asked(frame: DataFrame, ask: Ask, merge: Merge) -> bytes:
    """The partitions' answers, merged in a tree."""
    return _merged(frame.mapInArrow(_answering(ask), "answer binary"), frame.rdd.getNumPartitions(), merge)


def _asked_of_parts(parts: Sequence[Part], ask: Ask, merge: Merge) -> bytes:
    """The answers of what each part of some files holds, merged in a tree."""

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            answers = [ask(parts[number]()) for number in batch.column(0).to_pylist()]
            yield pa.RecordBatch.from_pydict({"answer": pa.array(answers, pa.binary())})

    numbers = SparkSession.builder.getOrCreate().range(0, len(parts), 1, len(parts))
    return _merged(numbers.mapInArrow(answer, "answer binary"), len(parts), merge)


def _merged(answers: DataFrame, nodes: int, merge: Merge) -> bytes:
    join = _answering(lambda batches: merge(_contents(batches)))
    while nodes > BRANCHES:
        nodes = math.ceil(nodes / BRANCHES)
        answers = answers.repartition(nodes).mapInArrow(join, "answer binary")
    with asking("Spark"):
        found = [bytes(row.answer) for row in answers.collect()]
    return merge(found)


def _answering(ask: Callable[[Iterable[pa.RecordBatch]], bytes]) -> Answer:
    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = next(batches, None)
        if first is None:  # a partition may have no rows, and a node of the tree no answers
            return
        batches = chain([first], batches)
        yield pa.RecordBatch.from_pydict({"answer": pa.array([ask(batches)], pa.binary())})

    return answer


def _contents(batches: Iterable[Any]) -> Iterator[bytes]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _surveyed(frame: DataFrame, label: str) -> Labels:
    return labels_of(label, [_values(frame, label)])


def _values(frame: DataFrame, label: str) -> pa.Array:
    """The first distinct labels."""
    with asking("Spark"):
        rows = frame.select(_quoted(label)).na.drop().distinct().limit(_MANY).collect()
    return pa.array([row[0] for row in rows])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
