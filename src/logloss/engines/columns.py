"""From Arrow's record batches to the arrays that are counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.errors import ParameterError, TableError
from logloss.core.inputs import Array
from logloss.engines.decimals import as_doubles
from logloss.engines.gathering import Batch
from logloss.engines.labels import Labels
from logloss.engines.names import named
from logloss.engines.sources import Source
from logloss.tables.wording import listed, quoted


@dataclass(frozen=True)
class Columns:
    """Which columns mean what. A row without a score of ``others`` is as one without a score."""

    label: str
    score: str
    weight: str | None = None
    by: tuple[str, ...] = ()
    id: str | None = None
    from_logits: bool = False
    skip_nulls: bool = False
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", tuple(dict.fromkeys(self.by)))  # named twice it is one column all the same

    @property
    def scores(self) -> tuple[str, ...]:
        """The one that is evaluated, and the others."""
        return (self.score, *self.others)

    @property
    def needed(self) -> list[str]:
        """Every column once."""
        return [*dict.fromkeys(filter(None, (self.label, *self.scores, self.weight, *self.by, self.id)))]

    def check(self, source: Source) -> None:
        """Refuse columns that are not there, or are named for two things that cannot be one.

        Raises
        ------
        SpellingError, ParameterError, TableError
            One is not there, or is named twice, or is text in one file and numbers in another.
        """
        for name in self.needed:
            source.need(name, is_score=name in self.scores)
        for name in filter(None, (*self.scores, self.weight)):
            source.is_text(name)  # which files of one source have to agree on
        self.check_names()

    def check_names(self) -> None:
        """Refuse one column named for two things.

        Raises
        ------
        ParameterError
            One is.
        """
        if self.label in self.scores:
            raise ParameterError(f"The column {quoted(self.label)} is named as label and as score. Name two columns.")

    def settings(self, positive: str | None = None, shown: Sequence[str] = (), files: int = 0) -> dict[str, str]:
        """What was evaluated, in words; what was not asked for is left out.

        Examples
        --------
        >>> Columns("y", "p", by=("site", "year")).settings()
        {'label column': 'y', 'score column': 'p', 'scores are': 'probabilities', 'slices by': 'site, year'}
        """
        said = {
            "label column": self.label,
            "positive value": positive,
            "score columns" if self.others else "score column": ", ".join(self.scores),
            "scores are": "logits" if self.from_logits else "probabilities",
            "rows without a score": "left out" if self.skip_nulls else None,
            "weight column": self.weight,
            "rows are named by": self.id,
            "slices by": ", ".join(self.by),
            "columns shown": ", ".join(shown),
            "files": f"{files:,}" if files else None,
        }
        return {name: value for name, value in said.items() if value}

    def texts(self, source: Source, shown: Sequence[str] = ()) -> list[str]:
        """The columns that a source of text is to leave as text, with those that are but to be shown."""
        named = {*self.by, *filter(None, [self.id])} - {*self.scores, self.weight}
        own = [*named - {self.label}, *([self.label] if source.is_text(self.label) else [])]
        return [*own, *(name for name in shown if name not in self.needed)]


def batches_of(
    stream: Iterable[pa.RecordBatch], columns: Columns, labels: Labels, shown: Sequence[str] = (), place: int = 0
) -> Iterator[Batch]:
    """Batches as they are counted, from a place on, with the columns that are to be shown of the costliest rows."""
    for batch in stream:
        extra = batch.select(list(shown)) if shown else None
        yield _counted(batch, columns, labels, place)._replace(shown=extra)
        place += batch.num_rows


def _counted(batch: pa.RecordBatch, columns: Columns, labels: Labels, place: int) -> Batch:
    label, known = labels.read(column_of(batch, columns.label))
    (score, *others), present = _scores(batch, columns)
    weight = None
    if columns.weight is not None:
        weight, there = _numbers(column_of(batch, columns.weight), columns.weight, "weights")
        weight = weight if there is None else np.where(there, weight, np.nan)
    by = tuple(named(column_of(batch, name), name) for name in columns.by)
    ids = None if columns.id is None else column_of(batch, columns.id)
    return Batch(label, score, weight, by, ids, known, present, place, others=tuple(others))


def _scores(batch: pa.RecordBatch, columns: Columns) -> tuple[list[Array], Array | None]:
    """The scores of every model, and which rows have all of them if some have not."""
    scores, present = [], None
    for name in columns.scores:
        score, there = _numbers(column_of(batch, name), name, "probabilities or logits")
        if columns.skip_nulls and score.dtype.kind == "f" and np.isnan(np.max(score, initial=0)):
            numbers = ~np.isnan(score)
            there = numbers if there is None else there & numbers
            score = np.where(numbers, score, 0)
        if there is not None and (columns.skip_nulls or name == columns.score):
            present = there if present is None else present & there
        scores.append(score)
    return scores, present


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column, its values in a type that can be counted with.

    Raises
    ------
    TableError
        It holds lists or structures, or bytes that are no text.
    """
    column = batch.column(name)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_run_end_encoded(column.type):
        column = pc.run_end_decode(column)
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_union(kind) or pa.types.is_interval(kind):
        raise TableError(f"The column {quoted(name)} holds lists or structures ({kind}); expected one value a cell.")
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return _as_text(column, name)
    if pa.types.is_decimal(kind) and kind.bit_width < 128:  # which Arrow has no functions for
        return column.cast(pa.decimal128(kind.precision, kind.scale))
    return column


def _as_text(column: pa.Array, name: str) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise TableError(f"The column {quoted(name)} holds bytes that are no text; expected text.") from error


def _numbers(column: pa.Array, name: str, expected: str) -> tuple[Array, Array | None]:
    """Numbers, 0 where there is none, and where there is one if it is not everywhere."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind: Any = column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column)), np.zeros(len(column), np.bool_)
    if pa.types.is_decimal(kind):
        column = as_doubles(column)
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        words = listed(pc.unique(column.slice(0, 1000).drop_null()).slice(0, 3).to_pylist())
        raise TableError(
            f"The column {quoted(name)} holds {column.type}, such as {words}; expected numbers: {expected}. Name "
            "another column, or write numbers."
        )
    if not column.null_count:
        return column.to_numpy(zero_copy_only=False), None
    there = column.is_valid().to_numpy(zero_copy_only=False)
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False), there
