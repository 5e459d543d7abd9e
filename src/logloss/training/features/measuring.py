"""From facts to scikit-learn's transformers: gaps are filled and marked, numbers scaled, levels numbered."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from logloss.training.features import dates, reading
from logloss.training.features.columns import Category, Date, Measure, Number

Array = npt.NDArray[Any]

# Standardised numbers are squashed into ±3, smoothly, so that no row can shout down the others: robust scaling and
# smooth clipping of Holzmüller et al. (2024), "Better by default", arXiv:2407.04491; skrub's SquashingScaler.
_BOUND = 3.0
# In units. Float64 could not square what lies much farther, and float32 cannot tell it from the bound.
_FAR = 1e6


def measure(column: Number | Date, series: pd.Series) -> list[Array]:
    """The measures of a column, an array each, NaN where a value is missing."""
    if isinstance(column, Number):
        return [reading.numbers(series, column.source)]
    read = dates.read(series, column.format, column.zone)
    since = dates.days(read) - column.origin
    parts = dates.parts(read) if column.parts else pd.DataFrame()
    return [since, *(parts[part].to_numpy(np.float64) for part in column.parts)]


class Finish:
    """Measures in, features out: the values that are shown, then a column of 0 and 1 for each that may be missing."""

    def __init__(self, measures: Sequence[Measure], *, standardize: bool) -> None:
        self._shown = [index for index, one in enumerate(measures) if one.shown]
        center = np.array([one.scale.center for one in measures])
        # The medians of these two rows are the centres, and the second says which columns may have gaps.
        may_miss = np.where([one.gap is not None for one in measures], np.nan, center)
        self._imputer = SimpleImputer(strategy="median", add_indicator=True).fit(np.stack([center, may_miss]))
        self._scaler: StandardScaler | None = None
        if standardize:
            unit = np.array([one.scale.unit for one in measures])
            self._scaler = StandardScaler()
            self._scaler.n_features_in_ = len(self._shown)
            self._scaler.mean_ = center[self._shown]
            self._scaler.scale_ = unit[self._shown]
            self._least = (center - _FAR * unit)[self._shown]
            self._most = (center + _FAR * unit)[self._shown]

    def __call__(self, measured: Array) -> Array:
        """The features of some rows, of which there must be one at least."""
        filled = self._imputer.transform(measured)
        values, gaps = filled[:, self._shown], filled[:, measured.shape[1] :]
        if self._scaler is not None and self._shown:
            scaled = self._scaler.transform(np.clip(values, self._least, self._most))
            values = scaled / np.sqrt(1 + (scaled / _BOUND) ** 2)
        return np.hstack([values, gaps])


class Levels:
    """The text of a category in, level numbers out; and the columns of 0 and 1 that stand for a number."""

    def __init__(self, column: Category) -> None:
        levels = np.array(column.levels, dtype=object)
        self._encoder = OrdinalEncoder(categories=[levels], handle_unknown="use_encoded_value", unknown_value=-1)
        self._encoder.fit(levels[:1, None])
        # A truth value is "True" to Python; where training had it as text, it is spelled as it was there.
        self._spelling = {
            value: alike[0]
            for value in ("True", "False")
            if len(alike := [level for level in column.levels if level is not None and level.lower() == value.lower()])
            == 1
        }
        numbers = np.arange(len(levels) + 1)[:, None]
        self.one_hot = np.zeros((len(numbers), 0), np.float32)
        if column.shown:
            encoder = OneHotEncoder(
                categories=[list(column.shown)], handle_unknown="ignore", sparse_output=False, dtype=np.float32
            )
            self.one_hot = encoder.fit(numbers[:1]).transform(numbers)

    def __call__(self, series: pd.Series) -> Array:
        """The level number of each row."""
        places, distinct = reading.text(series)  # so that each distinct text is looked up once
        if pd.api.types.is_bool_dtype(series.dtype):
            distinct = np.array([self._spelling.get(value, value) for value in distinct], dtype=object)
        return cast(Array, self._encoder.transform(distinct[:, None])[:, 0].astype(np.int64)[places] + 1)
