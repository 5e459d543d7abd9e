"""From a Dask DataFrame to what an evaluation is made from."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from dask.base import compute
from dask.delayed import delayed

from logloss.engines.columns import Columns
from logloss.engines.labels import Labels, labels_at_once, labels_of, words_in
from logloss.engines.pairing import Rival
from logloss.engines.partitions import BRANCHES, Ask, Merge, Task, asking, evidence_of_parts, need, pairs_of_parts
from logloss.engines.scattered import Part, Scattered
from logloss.engines.sources import source_of
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.evidence import Evidence

_MANY = 21  # values, of which a label has fewer


def from_dask(frame: Any, columns: Columns, *, positive: str | None = None, shown: Sequence[str] = ()) -> Evidence:
    """What is known of the predictions in a Dask DataFrame: the same as on one machine, to the bit.

    Raises
    ------
    LogLossError
        As `tables.from_table`.
    """
    frame = _by_text(frame)
    need([*columns.needed, *shown], list(frame.columns))
    columns.check_names()
    task = Task(columns, _labels(frame, columns.label, positive), tuple(shown))
    asked = partial(_asked, frame[task.needed].to_delayed())
    return evidence_of_parts(task, asked, lambda: words_in(_values(frame, columns.label)))


def paired_in_dask(
    frame: Any, columns: Columns, rivals: Sequence[Rival], positive: str | None = None
) -> list[list[Sums]]:
    """By how much each of the other models differs from the first, as `pairing.paired`."""
    task = Task(columns, labels_at_once(pa.nulls(0), positive) or Labels())
    return pairs_of_parts(task, rivals, partial(_asked, _by_text(frame)[task.needed].to_delayed()))


def read_files(files: Sequence[str]) -> Scattered:
    """Files that Dask's workers read."""
    return Scattered(tuple(files), _asked_of_parts)


def _asked(partitions: Sequence[Any], ask: Ask, merge: Merge) -> bytes:
    """The partitions' answers, merged in a tree."""
    answer = delayed(lambda frame: ask(_batches(frame)))
    return _merged([answer(partition) for partition in partitions], merge)


def _asked_of_parts(parts: Sequence[Part], ask: Ask, merge: Merge) -> bytes:
    """The answers of what each part of some files holds, merged in a tree."""
    answer = delayed(lambda part: ask(part()))
    return _merged([answer(part) for part in parts], merge)


def _merged(answers: Sequence[Any], merge: Merge) -> bytes:
    joined = delayed(merge)
    while len(answers) > 1:
        answers = [joined(answers[i : i + BRANCHES]) for i in range(0, len(answers), BRANCHES)]
    with asking("Dask"):
        content: bytes = answers[0].compute()
    return content


def _by_text(frame: Any) -> Any:
    """With names that are text; they may be numbers."""
    names = list(map(str, frame.columns))
    return frame if names == list(frame.columns) else frame.rename(columns=dict(zip(frame.columns, names, strict=True)))


def _batches(frame: Any) -> Iterator[pa.RecordBatch]:
    source = source_of(frame)
    return source.read(source.columns, ())


def _labels(frame: Any, label: str, positive: str | None) -> Labels:
    kind = frame[label].dtype.kind
    is_plain = positive is not None
    if not is_plain and kind in "biuf":
        with asking("Dask"):
            ends = compute(frame[label].min(), frame[label].max())  # type: ignore[no-untyped-call]
        is_plain = all(0 <= float(end) <= 1 or end != end for end in ends)
    at_once = labels_at_once(pa.nulls(0), positive) if is_plain else None
    return at_once or labels_of(label, [_values(frame, label)])


def _values(frame: Any, label: str) -> pa.Array:
    """The first distinct labels."""
    with asking("Dask"):
        return pa.array(frame[label].dropna().unique().compute()[:_MANY], from_pandas=True)
