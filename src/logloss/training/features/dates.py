"""Columns of dates: read in any dtype or format, and taken apart."""

import re
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from logloss.training.features.reading import is_moment, is_real, plain, refuse, text

Array = npt.NDArray[Any]

_OFFSET = re.compile(r"UTC([+-]([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)

# A place on a circle each, so that December is next to January; and the columns of skrub's DatetimeEncoder.
PARTS = {
    f"{unit} ({wave})": f"when_{unit}_circular_{index}"
    for unit in ("month", "day", "weekday", "hour")
    for index, wave in enumerate(("sine", "cosine"))
}


def read(series: pd.Series, date_format: str | None = None, zone: str | None = None) -> pd.Series:
    """The values as dates and times, in the time zone ``zone``, or without one.

    Text is read by ``date_format``, or as ISO 8601 without one. As in skrub, a time without a zone counts as UTC where
    one with a zone is expected, and the other way round.

    Raises
    ------
    UnreadableError
        A value is no date.
    """
    moments = _moments(series, date_format)
    if moments.dt.tz is None and zone is not None:
        moments = moments.dt.tz_localize("UTC")
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert(zone)
    return moments


def find_zone(series: pd.Series, date_format: str | None = None) -> str | None:
    """The name of the column's time zone, from which pandas finds it again."""
    zone = _moments(series, date_format).dt.tz
    if zone is None:
        return None
    return str(zone) if is_zone(str(zone)) else "UTC"


def is_zone(name: str) -> bool:
    """Whether there is such a time zone: a name of the IANA's, or an offset such as UTC+02:00."""
    try:  # not pandas itself, which opens files that a name tells it to
        return bool(_OFFSET.fullmatch(name) or ZoneInfo(name))
    except (ValueError, KeyError, OSError):
        return False


def days(moments: pd.Series) -> Array:
    """Days since 1970, in the time zone of the column, as float64 with NaN where a date is missing."""
    wall = moments if moments.dt.tz is None else moments.dt.tz_localize(None)
    a_day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[wall.dt.unit]
    # Through integers, because a difference of dates overflows where dates do not.
    return np.where(wall.isna(), np.nan, wall.to_numpy().view(np.int64) / a_day)


def find_format(distinct: Array) -> str | None:
    """The one format in which every text is a date, if there is one.

    Where the order of day and month cannot be told, the month comes first, as in skrub.

    Examples
    --------
    >>> find_format(np.array(["03/05/2024", "23/05/2024"], dtype=object))
    '%d/%m/%Y'
    """
    if not all(_has_digits(value) for value in distinct):
        return None
    from skrub import ToDatetime  # late: it takes a second, and most tables hold no dates in text
    from skrub.core import RejectColumn

    series = pd.Series(distinct, dtype="str")
    guess = ToDatetime()
    try:
        return str(guess.fit(series).format_)
    except RejectColumn:
        found = str(getattr(guess, "format_", ""))
    # What skrub guessed from its sample does not fit every value. The other order of day and month may.
    swapped = found.translate(str.maketrans("md", "dm"))
    try:
        return str(ToDatetime(format=swapped).fit(series).format_) if found else None
    except RejectColumn:
        return None


def parts(moments: pd.Series) -> pd.DataFrame:
    """Month, day, weekday and hour as places on a circle, a column each; NaN where a date is missing."""
    encoded = _encoder().transform(moments.reset_index(drop=True).rename("when"))
    return pd.DataFrame({part: encoded[column] for part, column in PARTS.items()})


@lru_cache(maxsize=1)
def _encoder() -> Any:
    from skrub import DatetimeEncoder

    encoder = DatetimeEncoder("hour", add_weekday=True, add_total_seconds=False, periodic_encoding="circular")
    # Fitted to a time of day, because hours of mere days would not be encoded.
    return encoder.fit(pd.Series([pd.Timestamp("2000-01-01 01:00")], name="when"))


def _moments(series: pd.Series, date_format: str | None) -> pd.Series:
    series = plain(series)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in ("date", "datetime"):
        return _from_objects(series)
    if is_real(series.dtype) or is_moment(series.dtype):
        refuse(series.notna().to_numpy())
    return _from_text(series, date_format)


@lru_cache(maxsize=16)
def reader(date_format: str) -> Any:
    """What reads text in this format; ValueError if there is no such format."""
    from skrub import ToDatetime

    some_day = pd.Series([pd.Timestamp("2000-01-01", tz="UTC").strftime(date_format)])
    return ToDatetime(format=date_format).fit(some_day)


def _has_digits(value: str) -> bool:
    return any("0" <= letter <= "9" for letter in value)


def _from_objects(series: pd.Series) -> pd.Series:
    try:
        return pd.to_datetime(series)
    except (ValueError, TypeError):  # several time zones
        return pd.to_datetime(series, utc=True)


def _from_text(series: pd.Series, date_format: str | None) -> pd.Series:
    places, distinct = text(series)
    whole = pd.Series(distinct, dtype="str")
    if date_format is None:
        read = pd.to_datetime(whole, format="ISO8601", errors="coerce", utc=True).dt.tz_convert(None)
    else:
        read = reader(date_format).transform(whole)
    result: pd.Series = read.take(places).reset_index(drop=True)
    refuse(result.isna().to_numpy() & (places >= 0))
    return result
