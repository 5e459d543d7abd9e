"""A column of any dtype, read as numbers or as text; the same way in training and in prediction."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
Source = Literal["number", "boolean", "seconds"]

# Whoever adds up larger numbers leaves the range of float64.
_LARGEST = 1e300
_NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)\s*", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d*)?\s*", re.ASCII)
_CLOCK = re.compile(r"([+-]?\d+ days?,? )?[+-]?\d{1,3}:\d\d(:\d\d(\.\d+)?)?", re.ASCII)


class UnreadableError(Exception):
    """A column holds something that is not what it is read as; ``row`` is the first, counted from 0."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def plain(series: pd.Series) -> pd.Series:
    """The same values in the dtypes that the rest of this file knows: no Arrow, sparse or period ones, no index."""
    series = series.reset_index(drop=True)
    if isinstance(series.dtype, pd.ArrowDtype):
        import pyarrow as pa

        series = pa.array(series, from_pandas=True).to_pandas(date_as_object=False)
    if isinstance(series.dtype, pd.SparseDtype):
        series = pd.Series(series.array.to_dense())
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if isinstance(series.dtype, pd.CategoricalDtype) and is_moment(series.cat.categories.dtype):
        series = series.astype(series.cat.categories.dtype)
    return series


def numbers(series: pd.Series, source: Source = "number") -> Array:
    """The values as float64, NaN where one is missing. What is beyond ±1e300, infinity too, becomes ±1e300.

    Text counts as a number if it is written as one, and thousands may be set off by commas.

    Raises
    ------
    UnreadableError
        A value is no number.

    Examples
    --------
    >>> numbers(pd.Series(["1,250", " 3.5", None]))
    array([1250. ,    3.5,     nan])
    >>> numbers(pd.Series(["00:01:30", "01:00"]), "seconds")
    array([  90., 3600.])
    """
    series = plain(series)
    dtype = series.dtype
    if source == "seconds":
        values = _seconds(series)
    elif is_real(dtype):
        values = series.to_numpy(np.float64, na_value=np.nan)
    elif is_moment(dtype):
        values = _refused(series)
    else:
        values = _from_text(series, _boolean if source == "boolean" else _number)
    if source == "boolean":
        refuse(~(np.isnan(values) | (values == 0) | (values == 1)))
    return np.clip(values, -_LARGEST, _LARGEST)


def text(series: pd.Series) -> tuple[Array, Array]:
    """The values as text: each row's place among the distinct texts, and these. The last of them is None, for missing.

    Numbers are written so that 1 and 1.0 are the same text.

    Examples
    --------
    >>> places, distinct = text(pd.Series(["a", None, "b", "a"]))
    >>> places.tolist(), distinct.tolist()
    ([0, -1, 1, 0], ['a', 'b', None])
    """
    series = plain(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        places, distinct = series.cat.codes.to_numpy(), np.array(series.cat.categories, dtype=object)
    elif series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) != "string":
        # Python calls 1, 1.0 and True equal, and a list has no hash: each becomes text before it is compared.
        places, distinct = pd.factorize(_as_texts(series, series.isna()))
    else:
        try:
            places, found = pd.factorize(series)
            distinct = np.array(found, dtype=object)
        except UnicodeEncodeError:
            places, distinct = pd.factorize(_as_texts(series, series.isna()))
    return np.asarray(places, np.intp), np.array([*map(_as_text, distinct), None], dtype=object)


def written_numbers(distinct: Array) -> bool:
    """Whether every text is a number; "007" is not, because its zeros would be lost."""
    return all(
        (_NUMBER.fullmatch(value) or _GROUPED.fullmatch(value)) and not re.match(r"\s*[+-]?0\d", value)
        for value in distinct
    )


def written_times(distinct: Array) -> bool:
    """Whether every text is a time of day or a duration."""
    return all(_CLOCK.fullmatch(value) for value in distinct)


def is_real(dtype: Any) -> bool:
    """Whether a dtype is of real numbers or truth values."""
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def is_moment(dtype: Any) -> bool:
    """Whether a dtype is of dates or durations."""
    return pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype)


def refuse(bad: Array) -> None:
    """Raise `UnreadableError` for the first row that is marked."""
    if bad.any():
        raise UnreadableError(int(bad.argmax()))


def _refused(series: pd.Series) -> Array:
    """For a column in which only missing values can be read."""
    refuse(series.notna().to_numpy())
    return np.full(len(series), np.nan)


def _from_text(series: pd.Series, read: Callable[[str], float]) -> Array:
    places, distinct = text(series)
    values = np.array([np.nan if value is None else read(value) for value in distinct], np.float64)[places]
    refuse(np.isnan(values) & (places >= 0))
    return cast(Array, values)


def _number(value: str) -> float:
    if _GROUPED.fullmatch(value):
        value = value.replace(",", "")
    return float(value) if _NUMBER.fullmatch(value) else np.nan


def _boolean(value: str) -> float:
    return {"true": 1.0, "false": 0.0}.get(value.strip().lower(), _number(value))


def _seconds(series: pd.Series) -> Array:
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        return np.asarray(series.dt.total_seconds(), np.float64)
    if is_real(series.dtype) or is_moment(series.dtype):
        return _refused(series)
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in ("time", "timedelta"):
        return np.array([np.nan if gap else _span(value) for value, gap in zip(series, series.isna(), strict=True)])
    places, distinct = text(series)
    # pandas reads hours only if the seconds are there too.
    whole = [None if value is None else value + ":00" * (value.count(":") == 1) for value in distinct]
    read = pd.to_timedelta(pd.Series(whole, dtype=object), errors="coerce")
    values = read.dt.total_seconds().to_numpy(np.float64)[places]
    refuse(np.isnan(values) & (places >= 0))
    return cast(Array, values)


def _span(value: dt.time | dt.timedelta) -> float:
    if isinstance(value, dt.time):
        value = dt.timedelta(0, value.second, value.microsecond, 0, value.minute, value.hour)
    return value.total_seconds()


def _as_texts(series: pd.Series, missing: pd.Series) -> Array:
    result = np.empty(len(series), dtype=object)
    result[:] = [None if gap else _as_text(value) for value, gap in zip(series, missing, strict=True)]
    return result


def _as_text(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    # Half a surrogate pair can be neither hashed by pandas nor written to a file.
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
