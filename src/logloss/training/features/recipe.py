"""The recipe: facts that were learnt of a table's columns once, and the features that are made from them ever after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import gen_batches

from logloss.core.errors import RunError, TableError, nearest
from logloss.core.plain import read_plain
from logloss.tables.wording import quoted
from logloss.training.features import columns as facts
from logloss.training.features import learning
from logloss.training.features.columns import Category, Column, Date, LeftOut, Measure, Name, Number, called
from logloss.training.features.measuring import Finish, Levels, measure
from logloss.training.features.reading import UnreadableError

Array = npt.NDArray[Any]

VERSION = 1

# Rows that are worked on at once, so that intermediate results stay small.
_ROWS = 50_000


@dataclass(frozen=True, eq=False)
class Features:
    """What a model is given: numbers, and the level numbers of the categories that it embeds."""

    numbers: Array  # (n, d): float32 if standardised, else float64
    codes: Array  # (n, c): int64; 0 is whatever was rare in training or is new
    notes: tuple[str, ...] = ()  # a sentence for each column of text that holds what was rare or is new


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Facts of a table's columns, from which scikit-learn's and skrub's transformers are built.

    Nothing is learnt but by `learn`: training and prediction go through the same `transform`.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [22.0, None, 35.0, 58.0], "sex": ["m", "f", "f", "f"]})
    >>> recipe = Recipe.learn(frame, embed=False, standardize=False, drop_first=True)
    >>> recipe.names
    ('age', 'age is missing', 'sex=m')
    >>> recipe.transform(frame).numbers
    array([[22.,  0.,  1.],
           [35.,  1.,  0.],
           [35.,  0.,  0.],
           [58.,  0.,  0.]])
    >>> Recipe.from_config(recipe.to_config()) == recipe
    True
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    standardize: bool

    @classmethod
    def learn(
        cls,
        frame: pd.DataFrame,
        *,
        embed: bool,
        standardize: bool,
        drop_first: bool,
        leave_out_ids: bool = True,
    ) -> Self:
        """Look at the rows of training.

        Parameters
        ----------
        frame : DataFrame, shape (n, columns)
            The features, without the target. Columns are named by text or by whole numbers.
        embed : bool
            Whether categories of more than 12 levels become `Features.codes`. Otherwise each level is a column.
        standardize : bool
            Whether numbers are centred, scaled, squashed into ±3 and float32, as a network wants them. Otherwise they
            are float64 in the units of the table.
        drop_first : bool
            Whether the commonest level of a category has no column, as a model with an intercept wants it.
        leave_out_ids : bool
            Whether whole numbers that seem to number the rows are left out. In an array they were chosen as features.

        Raises
        ------
        TableError
            The table has no rows, or no column that tells them apart.
        """
        rule = learning.Rule(len(frame), embed=embed, drop_first=drop_first, leave_out_ids=leave_out_ids)
        places = places_of(frame)
        if not rule.rows:
            raise TableError("The table has no rows to learn from.")
        learnt = [learning.learn(name, frame.iloc[:, place], rule) for name, place in places.items()]
        if drop_first:
            learnt = _without_equal_gaps(learnt, frame)
        recipe = cls(
            columns=tuple(column for column in learnt if not isinstance(column, LeftOut)),
            left_out=tuple(column for column in learnt if isinstance(column, LeftOut)),
            standardize=standardize,
        )
        if not recipe.columns:
            why = " ".join(recipe.notes()) or "The table has no columns but the target."
            raise TableError(f"Every feature is constant or left out, so that there is nothing to learn from. {why}")
        return recipe

    def transform(self, frame: pd.DataFrame) -> Features:
        """The features of a table, row by row.

        Where training saw no such thing, a missing number gets the median, and a missing or new level is treated like
        the rare ones: number 0 among the codes, and otherwise a 1 under "is rare or new", or zeros throughout if there
        is no such column. With ``drop_first`` the latter is also what the commonest level has.

        Raises
        ------
        TableError
            A column is missing, or holds what cannot be read as what it held in training.
        """
        self.check(frame)
        places = places_of(frame)
        numbers = np.zeros((len(frame), len(self.names)), np.float32 if self.standardize else np.float64)
        codes = np.zeros((len(frame), len(self.n_levels)), np.int64)
        if not len(frame):  # which scikit-learn refuses
            return Features(numbers, codes)

        measured = np.empty((len(frame), len(self._measures)), order="F")
        next_measure, next_code, next_number = 0, 0, len(self._finished_names)
        notes = []
        for column in self.columns:
            series = frame.iloc[:, places[column.name]]
            try:
                if isinstance(column, Category):
                    levels = self._levels[column.name]
                    level_numbers = levels(series)
                    notes += _of_others(column, series, level_numbers)
                else:
                    values = measure(column, series)
            except UnreadableError as error:
                raise _refusal(column, series, error.row) from None
            if not isinstance(column, Category):
                measured[:, next_measure : next_measure + len(values)] = np.stack(values, axis=1)
                next_measure += len(values)
            elif column.embedded:
                codes[:, next_code] = level_numbers
                next_code += 1
            else:
                numbers[:, next_number : next_number + len(column.shown)] = levels.one_hot[level_numbers]
                next_number += len(column.shown)
        if self._measures:
            for rows in gen_batches(len(frame), _ROWS):
                numbers[rows, : len(self._finished_names)] = self._finish(measured[rows])
        return Features(numbers, codes, tuple(notes))

    def check(self, frame: pd.DataFrame) -> tuple[str, ...]:
        """Whether the table has every column that is needed, and sentences about those that are not.

        Raises
        ------
        TableError
            A column is missing.
        """
        places = places_of(frame)
        known = {column.name for column in self.columns}
        new = [name for name in places if name not in known | {column.name for column in self.left_out}]
        if missing := [column.name for column in self.columns if column.name not in places]:
            hint = nearest(str(missing[0]), [str(name) for name in new])
            raise TableError(f"The table lacks the {called(missing)}, which training had.{hint}")
        return (f"Ignored, because training had no such column: {called(new)}.",) if new else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that were text in training, and must be read as text again: "007" is a level, and 7 is not."""
        return tuple(
            str(column.name)
            for column in self.columns
            if isinstance(column, Category) or (isinstance(column, Date) and column.format is not None)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each column of `Features.numbers` is: numbers, then their gaps, then levels. Labels, not keys."""
        shown = (column for column in self.columns if isinstance(column, Category))
        return self._finished_names + tuple(label for column in shown for label in column.labels)

    @property
    def embedded(self) -> tuple[Category, ...]:
        """The columns of `Features.codes`."""
        return tuple(column for column in self.columns if isinstance(column, Category) and column.embedded)

    @property
    def n_levels(self) -> tuple[int, ...]:
        """How many level numbers each column of `Features.codes` has, number 0 included."""
        return tuple(len(column.levels) + 1 for column in self.embedded)

    def notes(self) -> tuple[str, ...]:
        """Sentences about the columns that were left out, and why."""
        by_reason = groupby(sorted(self.left_out, key=lambda column: column.reason), key=lambda column: column.reason)
        return tuple(f"Left out {called([one.name for one in group])}: {reason}." for reason, group in by_reason)

    def to_config(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        return {
            "version": VERSION,
            "standardize": self.standardize,
            "columns": [facts.to_config(column) for column in self.columns],
            "left_out": [{"name": column.name, "reason": column.reason} for column in self.left_out],
        }

    @classmethod
    def from_config(cls, config: Any) -> Self:
        """The recipe that `to_config` wrote.

        Raises
        ------
        RunError
            The recipe is damaged, or of another version.
        """
        if not isinstance(config, Mapping):
            raise RunError(f"The recipe of the features is a {type(config).__name__}; expected an object.")
        if config.get("version") != VERSION:
            raise RunError(
                f"The recipe of the features has version {config.get('version')!r}; this logloss reads {VERSION}."
            )
        columns, left_out, standardize = (config.get(key) for key in ("columns", "left_out", "standardize"))
        if not (isinstance(columns, list) and columns and isinstance(left_out, list) and isinstance(standardize, bool)):
            raise RunError("The recipe of the features is damaged: it needs columns, left_out and standardize.")
        recipe = cls(
            columns=tuple(facts.from_config(one, f"columns[{i}] of the recipe") for i, one in enumerate(columns)),
            left_out=tuple(read_plain(LeftOut, one, f"left_out[{i}] of the recipe") for i, one in enumerate(left_out)),
            standardize=standardize,
        )
        if len({column.name for column in recipe.columns}) < len(columns):
            raise RunError("The recipe of the features is damaged: it holds a column twice.")
        return recipe

    @cached_property
    def _measures(self) -> tuple[Measure, ...]:
        return tuple(one for column in self.columns if not isinstance(column, Category) for one in column.measures)

    @cached_property
    def _finished_names(self) -> tuple[str, ...]:
        values = tuple(one.label for one in self._measures if one.shown)
        return values + tuple(one.gap for one in self._measures if one.gap is not None)

    @cached_property
    def _finish(self) -> Finish:
        return Finish(self._measures, standardize=self.standardize)

    @cached_property
    def _levels(self) -> dict[Name, Levels]:
        return {column.name: Levels(column) for column in self.columns if isinstance(column, Category)}


def places_of(frame: pd.DataFrame) -> dict[Name, int]:
    """Where each column is, by its name."""
    places: dict[Name, int] = {}
    for place, name in enumerate(frame.columns):
        plain = int(name) if isinstance(name, np.integer) else name
        if isinstance(plain, bool) or not isinstance(plain, str | int):
            raise TableError(f"A column is named {name!r}; expected text or a whole number. Rename it.")
        if plain in places:
            raise TableError(f"The table has the {called([plain])} twice. Rename one.")
        places[plain] = place
    return places


def _without_equal_gaps(learnt: Iterable[Column | LeftOut], frame: pd.DataFrame) -> list[Column | LeftOut]:
    """The same, but one column alone says where values are missing if several are missing together.

    Equal columns of 0 and 1 would leave a linear model free to choose among infinitely many weights.
    """
    result: list[Column | LeftOut] = []
    said: set[bytes] = set()
    for place, column in enumerate(learnt):
        if isinstance(column, Number | Date) and column.gaps:
            gaps = np.packbits(frame.iloc[:, place].isna().to_numpy()).tobytes()
            if gaps in said:
                column = replace(column, gaps=False)
                if not any(one.shown for one in column.measures):
                    reason = "the value never changes, and another column has the same gaps"
                    column = LeftOut(name=column.name, reason=reason)
            said.add(gaps)
        result.append(column)
    return result


def _of_others(column: Category, series: pd.Series, level_numbers: Array) -> list[str]:
    others = np.flatnonzero(level_numbers == 0)
    if not others.size:
        return []
    example = series.iloc[others[:1]]
    said = column.of_others(others.size, len(series), None if example.isna().any() else str(example.iloc[0]))
    return [said] if said is not None else []


def _refusal(column: Column, series: pd.Series, row: int) -> TableError:
    expected = "a date" if isinstance(column, Date) else "a number"
    if isinstance(column, Date) and column.format is not None:
        expected = f"a date written as {column.format}"
    elif isinstance(column, Number) and column.source != "number":
        expected = "true or false" if column.source == "boolean" else "a time of day or a duration"
    where = f"Row {row + 1:,} of the {called([column.name])}"
    return TableError(f"{where} is {quoted(series.iloc[row])}; expected {expected}, as in training.")
