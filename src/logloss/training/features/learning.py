"""One look at a column: what kind it is, and the facts from which its features are made."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from logloss.tables.wording import counted
from logloss.training.features import dates, reading
from logloss.training.features.columns import Category, Column, Date, LeftOut, Name, Number, Scale

Array = npt.NDArray[Any]

# Fewer rows than these say nothing of whether a column numbers them.
_FEW_ROWS = 20
_ENOUGH_TO_BE_SORTED = 50
# exp(-7) < 1/1000: so improbable is it that whole numbers drawn at random from their range never repeat.
_NO_CHANCE = 7.0
_IDENTIFIERS = {"id", "ids", "key", "pk", "uuid", "guid", "index", "idx", "rowid", "rownum", "rownumber", "unnamed"}
_TIMES = {"time", "date", "year", "month", "week", "day", "hour", "timestamp"}  # a calendar never repeats, but matters


@dataclass(frozen=True)
class Rule:
    """How many rows it takes to learn from them, and what becomes of levels and of numbers that seem to be names."""

    rows: int
    embed: bool
    drop_first: bool
    leave_out_ids: bool = True

    @property
    def enough(self) -> int:
        """The rows that a gap needs to be a feature of its own; in small tables a tenth, in others 5."""
        return max(1, min(5, self.rows // 10))

    @property
    def enough_for_a_level(self) -> int:
        """The rows that a level needs. Without embeddings each is a column, and must be worth it."""
        return self.enough if self.embed else max(self.enough, self.rows // 1000)

    @property
    def most_levels(self) -> int:
        """The most levels that are kept."""
        return 1000 if self.embed else 100

    @property
    def most_shown(self) -> int | None:
        """The most levels that are columns of 0 and 1; with more the category is embedded."""
        return 12 if self.embed else None


def learn(name: Name, series: pd.Series, rule: Rule) -> Column | LeftOut:
    """The facts of a column, or why it is left out."""
    series = reading.plain(series)
    if not series.notna().any():
        return LeftOut(name=name, reason="every value is missing")
    source = _source(series)
    if source is not None:
        return _number(name, series, source, rule)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _date(name, series, None, rule)
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in ("date", "datetime"):
        return _date(name, series, None, rule)
    places, distinct = reading.text(series)
    if not isinstance(series.dtype, pd.CategoricalDtype):
        if reading.written_numbers(distinct[:-1]):
            return _number(name, series, "number", rule)
        if reading.written_times(distinct[:-1]):
            return _number(name, series, "seconds", rule)
        if (date_format := dates.find_format(distinct[:-1])) is not None:
            return _date(name, series, date_format, rule)
    return _category(name, places, distinct, rule)


def _source(series: pd.Series) -> reading.Source | None:
    """How the column is read as numbers, if its type says that it holds numbers."""
    dtype = series.dtype
    if pd.api.types.is_object_dtype(dtype):
        kind = pd.api.types.infer_dtype(series, skipna=True)
        if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
            return "number"
        return "boolean" if kind == "boolean" else "seconds" if kind in ("time", "timedelta") else None
    if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return "boolean"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "seconds"
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return "number"
    return None


def _number(name: Name, series: pd.Series, source: reading.Source, rule: Rule) -> Column | LeftOut:
    values = reading.numbers(series, source)
    present = values[~np.isnan(values)]
    scale, gaps = _scale(present), len(values) - len(present) >= rule.enough
    if rule.leave_out_ids and source == "number" and (reason := _numbers_rows(name, series, values)):
        return LeftOut(name=name, reason=reason)
    varies = bool(present.min() < present.max())
    if not varies and not gaps:
        return LeftOut(name=name, reason=_constant(len(values) - len(present)))
    return Number(name=name, source=source, scale=scale, varies=varies, gaps=gaps)


def _category(name: Name, places: Array, distinct: Array, rule: Rule) -> Column | LeftOut:
    counts = np.bincount(places % len(distinct), minlength=len(distinct))
    totals: dict[str | None, int] = {}  # by text, because the categories 1 and "1" of a frame are one text
    for level, count in zip(distinct.tolist(), counts.tolist(), strict=True):
        if count:
            totals[level] = totals.get(level, 0) + count
    if len(totals) == 1:
        return LeftOut(name=name, reason=_constant(0))
    commonest = sorted(totals, key=lambda level: (-totals[level], level is None, level or ""))
    levels = [level for level in commonest if totals[level] >= rule.enough_for_a_level][: rule.most_levels]
    others = rule.rows - sum(totals[level] for level in levels)
    if not levels:
        if len(totals) == rule.rows:
            return LeftOut(name=name, reason="every value is different, as those of an identifier or of free text are")
        return LeftOut(name=name, reason=f"none of the {len(totals):,} values occurs {rule.enough_for_a_level} times")
    others_matter = others >= rule.enough_for_a_level
    if len(levels) == 1 and not others_matter:
        return LeftOut(name=name, reason=f"all but {counted(others, 'row')} hold the same value")
    embedded = rule.most_shown is not None and len(levels) > rule.most_shown
    # The commonest level is what all-zero means where the first is dropped, and so is a handful of others.
    first = 2 if rule.drop_first else 1
    shown = () if embedded else ((0,) if others_matter else ()) + tuple(range(first, len(levels) + 1))
    return Category(name=name, levels=tuple(levels), others=others, rows=rule.rows, embedded=embedded, shown=shown)


def _date(name: Name, series: pd.Series, date_format: str | None, rule: Rule) -> Column | LeftOut:
    zone = dates.find_zone(series, date_format)
    read = dates.read(series, date_format, zone)
    values = dates.days(read)
    # The parts of a date are the same in any order and number of rows, so that some of the distinct ones suffice.
    distinct, first = np.unique(values[~np.isnan(values)], return_index=True)
    some = np.unique(np.linspace(0, len(distinct) - 1, 10_000).round().astype(np.intp))
    present = read.dropna().iloc[first[some]]
    origin = math.floor(distinct[0])
    since = distinct[some] - origin
    parts = dates.parts(present)
    tables = [since / max(float(since[-1]), 1e-9), *(parts[part].to_numpy() for part in dates.PARTS)]
    kept = _independent(tables)
    gaps = int(np.isnan(values).sum())
    if not kept and gaps < rule.enough:
        return LeftOut(name=name, reason=_constant(gaps))
    return Date(
        name=name,
        format=date_format,
        zone=zone,
        origin=origin,
        scale=_scale(values[~np.isnan(values)] - origin),
        varies=0 in kept,
        parts=tuple(part for index, part in enumerate(dates.PARTS, start=1) if index in kept),
        gaps=gaps >= rule.enough,
    )


def _scale(present: Array) -> Scale:
    """The middle of a column, and the narrowest of some ranges that is not empty.

    Half the rows lie between the quartiles. A column that is mostly zero needs a wider range, and its largest value
    alone would let one absurd entry squeeze all others together.
    """
    low, center, high = 0.0, 0.0, 0.0
    for share in (0.25, 0.05, 0.01, 0.001, 0.0):
        low, center, high = np.quantile(present, [share, 0.5, 1 - share]).tolist()
        if high - low > 1e-13 * max(abs(low), abs(high)):  # and not rounding alone
            break
    return Scale(low=low, center=center, high=high)


def _numbers_rows(name: Name, series: pd.Series, values: Array) -> str | None:
    """Why the column seems to number the rows, if it does."""
    count = len(values)
    if count < _FEW_ROWS or np.isnan(values).any():
        return None
    if pd.api.types.is_integer_dtype(series.dtype):
        values = series.to_numpy()  # as float64 two large identifiers might be equal
    elif np.abs(values).max() >= 2**53 or (values != np.rint(values)).any():
        return None
    words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)).lower()))
    if words & _TIMES or len(np.unique(values)) < count:
        return None
    if count >= _ENOUGH_TO_BE_SORTED and bool(np.all(values[1:] > values[:-1])):
        return "the whole numbers rise from row to row, as row numbers do"
    span = float(values.max()) - float(values.min()) + 1
    if count * (count - 1) / (2 * span) > _NO_CHANCE:
        return "the whole numbers never repeat although they are close together, as those of an identifier"
    if words & _IDENTIFIERS:
        return "the name is that of an identifier, and the whole numbers never repeat"
    return None


def _independent(columns: Sequence[Array]) -> list[int]:
    """Which columns are no weighted sum of a constant and of the columns before them."""
    count = len(columns[0])
    basis = [np.full(count, count**-0.5)]
    kept = []
    for index, column in enumerate(columns):
        rest = column
        for direction in basis:
            rest = rest - direction * (direction @ rest)
        length = float(np.linalg.norm(rest))
        if length > 1e-6 * count**0.5:
            basis.append(rest / length)
            kept.append(index)
    return kept


def _constant(gaps: int) -> str:
    but = f", but for {counted(gaps, 'missing one', 'missing ones')}" if gaps else ""
    return f"the value never changes{but}"
