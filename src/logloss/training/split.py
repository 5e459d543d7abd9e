"""Which rows are kept from training, to tell how good the model is."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from logloss.core.errors import ParameterError, TableError
from logloss.tables.wording import counted, quoted
from logloss.training.features import dates

Rows = npt.NDArray[np.int64]


def at_random(labels: npt.NDArray[np.float64], share: float, seed: int) -> tuple[Rows, Rows]:
    """Training and validation rows by chance, each in the table's order, with the share of positives kept.

    ``labels`` has shape (n, k); the first label decides where keeping every label's share is not possible.
    """
    check_share(share)
    n = len(labels)
    held_out = round(share * n)
    if not 0 < held_out < n:
        raise TableError(
            f"{counted(n, 'row')} cannot be split so that {share:.0%} of them validate and others train. "
            "Give more rows, or another share."
        )
    # A row that is the only one of its class can only be learnt from.
    positives = labels.sum(axis=0)
    alone = ((labels == 1) & (positives == 1)) | ((labels == 0) & (positives == n - 1))
    kept = np.flatnonzero(alone.any(axis=1))
    if n - len(kept) <= held_out:
        kept = kept[:0]
    rest = np.setdiff1d(np.arange(n), kept)
    first = labels[rest, 0]
    rare = min(first.sum(), len(rest) - first.sum())
    stratify = first if rare >= 2 and min(held_out, len(rest) - held_out) >= 2 else None
    train, validation = train_test_split(rest, test_size=held_out, random_state=seed % 2**32, stratify=stratify)
    return np.sort(np.concatenate([train, kept])), np.sort(validation)


def by_time(times: pd.Series, share: float) -> tuple[Rows, Rows]:
    """The earlier rows train and the latest validate; rows of one moment stay together.

    Times are dates, numbers, or dates written as text in one format.
    """
    check_share(share)
    name = quoted(times.name)
    if gaps := int(times.isna().sum()):
        raise TableError(f"The time column {name} has {counted(gaps, 'gap')}. Fill them, or leave those rows out.")
    moments = _moments(times, name)
    order = np.argsort(moments, kind="stable")
    moments = moments[order]
    wanted = len(order) - max(1, round(share * len(order)))
    cut = int(np.searchsorted(moments, moments[wanted], side="left"))
    if cut == 0:
        cut = int(np.searchsorted(moments, moments[wanted], side="right"))
    if not 0 < cut < len(order):
        raise TableError(f"The time column {name} has one moment only, so there is no later part to validate on.")
    return np.sort(order[:cut]), np.sort(order[cut:])


def _moments(times: pd.Series, name: str) -> Any:
    """The times as what sorts by time, which text does not."""
    if pd.api.types.is_object_dtype(times.dtype) or pd.api.types.is_string_dtype(times.dtype):
        written = times.astype(str)
        date_format = dates.find_format(written.unique())
        if date_format is None:
            raise TableError(
                f"The time column {name} holds text that is no date in one format, such as {quoted(written.iloc[0])}. "
                "Expected dates, such as 2024-05-31, or numbers that rise with time."
            )
        times = dates.read(written, date_format)
    return times.to_numpy()


def check_share(share: float) -> None:
    """Refuse a share of validation rows that leaves nothing on one side."""
    if not 0 < share < 1:
        raise ParameterError(
            f"validation={share!r} is not usable; expected a share of the rows between 0 and 1, such as 0.2."
        )
