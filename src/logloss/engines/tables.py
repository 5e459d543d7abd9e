"""From tables to what an evaluation is made from, in one read and constant memory."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import pyarrow as pa

from logloss.core import native
from logloss.core.errors import LabelError, ParameterError, TableError, TargetError
from logloss.engines.columns import Columns, batches_of, column_of
from logloss.engines.gathering import Batch, Gatherer, Part
from logloss.engines.labels import Labels, labels_at_once, labels_of, refuse_absent, words_in
from logloss.engines.mistakes import Candidate, to_mistake
from logloss.engines.pairing import Rival, paired
from logloss.engines.refusals import refuse
from logloss.engines.second_read import ranked, tallies_of, told, with_tallies
from logloss.engines.side_by_side import MOST_WORKERS, Told, side_by_side
from logloss.engines.sources import Source, Stretch, source_of
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.evidence import Evidence, Slice
from logloss.evaluation.tally import Sum, Tally

Progress = Callable[[int, int | None], None]


def from_table(
    data: Any,
    *,
    label: str,
    score: str,
    weight: str | None = None,
    by: str | Sequence[str] | None = None,
    id: str | None = None,  # noqa: A002 -- what it is called everywhere
    positive: Any = None,
    from_logits: bool = False,
    skip_nulls: bool = False,
    show_rows: Sequence[str] = (),
    others: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evidence:
    """What is known of the predictions in a table.

    Parameters
    ----------
    data : path, list of paths, or table
        CSV, TSV or Parquet, told by content: a file, a folder (partitioned or not), a pattern, here or remote. Or a
        table of Arrow, a stream of record batches, a dataset, pandas, Polars (lazy too) or DuckDB.
    label : str
        The column of labels: numbers in [0, 1], booleans, or two values. A row without one is pending.
    score : str
        The column of probabilities of the positive class, or of logits with ``from_logits``.
    weight : str, optional
        A column of weights of 0, or from 2^-40 to 2^20.
    by : str or sequence of str, optional
        Columns whose values' rows are slices.
    id : str, optional
        The column that names rows.
    positive : optional
        The value of the label that is positive; all others are negative.
    from_logits : bool
        Whether scores are logits.
    skip_nulls : bool
        Leave out rows without a score, and count them; else they are refused.
    show_rows : sequence of str
        Columns to show of the costliest rows, fetched by a second read.
    others : sequence of str
        Scores of other models, which a row is to have too: so models are compared on the same rows.
    progress : callable, optional
        Told, after each batch, how many rows are done and how many there are, None if that is not known.

    Raises
    ------
    TableError, TargetError, SpellingError, LabelError, ProbabilityError, WeightError
        The table, a column or a value is not usable; one sentence.

    Examples
    --------
    >>> evidence = from_table(pa.table({"y": [1, 0, None], "p": [0.8, 0.2, 0.5]}), label="y", score="p")
    >>> evidence.tally.rows, evidence.tally.pending
    (2, 1)
    """
    by = (by,) if isinstance(by, str) else tuple(by or ())
    source = source_of(data)
    columns = Columns(label, score, weight, by, id, from_logits, skip_nulls, tuple(others))
    columns.check(source)
    for name in show_rows:
        source.need(name)
    if source.is_once and (show_rows or by or others):
        raise ParameterError(
            f"{source.name} can be read but once; slices, shown rows and a second model take another read. Give a "
            "table or a file."
        )
    opened = open_table(source, columns, None if positive is None else str(positive))
    try:
        part, rows = _gathered(opened, progress)
    except LabelError as error:  # what the first rows told of the labels does not hold of all
        opened = opened_anew(opened, error)
        part, rows = _gathered(opened, progress)
    if not rows:
        raise source.empty or TableError(f"{source.name} holds no rows. Expected at least one.")
    if positive is not None and part.tally.rows and not part.tally.total(Sum.POSITIVE) and not source.is_once:
        refuse_absent(label, str(positive), words_in(column_of(next(_labels(source, label)), label)))
    slices, suppressed = ranked(part)
    part = replace(part, sums=())  # which may take much memory
    slices = with_tallies(slices, lambda some: _tallies(opened, some))
    worst = _shown(opened, part.worst, show_rows) if show_rows else part.worst
    mistakes = tuple(to_mistake(one, from_logits) for one in worst)
    labels = opened.labels
    settings = columns.settings(labels.positive, show_rows, source.files)
    return Evidence(part.tally, part.skipped, mistakes, slices, suppressed, labels.notes, labels.positive, settings)


def paired_in_table(
    data: Any, columns: Columns, rivals: Sequence[Rival], positive: str | None = None
) -> list[tuple[Sums, ...]]:
    """By how much each of the other models differs from the first, as `pairing.paired`, from another read."""
    opened = open_table(source_of(data), columns, positive)
    with contextlib.closing(opened.begun) as begun:
        return paired(batches_of(begun, columns, opened.labels), columns.by, rivals, columns.from_logits)


@dataclass(frozen=True)
class Opened:
    """A source whose label is understood, and the stream that was begun for that."""

    source: Source
    columns: Columns
    labels: Labels
    begun: Generator[pa.RecordBatch]


def _stream(source: Source, columns: Columns) -> Generator[pa.RecordBatch]:
    """The batches, one read while the one before is counted; to be closed where reading may end before they do.

    Left to be collected, it might be so in the thread that reads, which cannot wait for itself.
    """
    batches = source.read(columns.needed, columns.texts(source))
    with contextlib.closing(batches), ThreadPoolExecutor(1) as beside:
        next_one = beside.submit(next, batches, None)
        while (batch := next_one.result()) is not None:
            next_one = beside.submit(next, batches, None)
            yield batch


def open_table(source: Source, columns: Columns, positive: str | None) -> Opened:
    """Understand the label, by its first values if these tell; they are read alone where that costs little."""
    stream = _labels(source, columns.label) if source.is_parted else _stream(source, columns)
    with contextlib.ExitStack() as held:
        held.callback(stream.close)
        first = next((batch for batch in stream if batch.num_rows), None)
        if first is None:
            raise source.empty or TableError(f"{source.name} holds no rows. Expected at least one.")
        column = column_of(first, columns.label)
        labels = labels_at_once(column, positive)
        if labels is None and source.is_once:
            labels = labels_of(columns.label, [column])
        if labels is not None and not source.is_parted:
            held.pop_all()
            return Opened(source, columns, labels, _after(first, stream))
    return Opened(source, columns, labels or _surveyed(source, columns.label), _stream(source, columns))


def opened_anew(opened: Opened, error: LabelError) -> Opened:
    """With labels as all of them tell, where the first ones said something else; such as 1 of a column of -1 and 1."""
    source, columns = opened.source, opened.columns
    if source.is_once:
        raise error
    try:
        labels = _surveyed(source, columns.label)
    except TargetError:
        if opened.labels.positive is None:  # numbers: the first error says where one lies outside
            raise error from None
        raise
    return Opened(source, columns, labels, _stream(source, columns))


def _surveyed(source: Source, label: str) -> Labels:
    """What all labels tell."""
    return labels_of(label, (column_of(batch, label) for batch in _labels(source, label)))


def _labels(source: Source, label: str) -> Generator[pa.RecordBatch]:
    """The batches of labels alone."""
    return source.read([label], [label] if source.is_text(label) else [])


def _after(first: pa.RecordBatch, stream: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    with contextlib.closing(stream):
        yield first
        yield from stream


def _gathered(opened: Opened, progress: Progress | None) -> tuple[Part, int]:
    """What is known of all rows, and their number; what no row may hold is refused."""
    part, rows = _counted(opened, progress)
    columns = opened.columns
    refuse(part.refusals, columns.label, columns.score, columns.weight, rows=rows)
    return part, rows


def _counted(opened: Opened, progress: Progress | None) -> tuple[Part, int]:
    columns, source = opened.columns, opened.source
    told = Told(progress, source.rows)
    gather = partial(Gatherer, from_logits=columns.from_logits, by=columns.by, skip_nulls=columns.skip_nulls)
    workers = min(native.threads_for(source.rows or 0), len(source.stretches), MOST_WORKERS)
    if workers < 2 or columns.by:  # the sums of slices take room in each worker
        gatherer = gather()
        with contextlib.closing(opened.begun) as begun:
            for batch in batches_of(begun, columns, opened.labels):
                gatherer.add(batch)
                told.add(len(batch.score))
        return gatherer.part(), told.rows

    opened.begun.close()

    def batches(stretch: Stretch) -> Iterator[Batch]:
        stream = stretch.read(columns.needed, columns.texts(source))
        return batches_of(stream, columns, opened.labels, place=stretch.first)

    parts = side_by_side(source.stretches, workers, partial(gather, threads=1), batches, told)
    return reduce(add, parts), told.rows


def _tallies(opened: Opened, slices: list[Slice]) -> list[Tally]:
    """Of the rows of some slices, by another read."""
    columns = opened.columns
    with contextlib.closing(_stream(opened.source, columns)) as stream:
        batches = batches_of(stream, columns, opened.labels)
        return tallies_of(slices, columns.by, batches, from_logits=columns.from_logits)


def _shown(opened: Opened, worst: Sequence[Candidate], names: Sequence[str]) -> Sequence[Candidate]:
    """The costliest rows with the columns asked for, by another read."""
    source, columns = opened.source, opened.columns
    every = [*dict.fromkeys([*columns.needed, *names])]
    with contextlib.closing(source.read(every, columns.texts(source, names))) as stream:
        return told(worst, batches_of(stream, columns, opened.labels, names))
