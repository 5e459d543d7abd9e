"""Which rows are kept from training, to tell how good the model is."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from logloss.core.errors import ParameterError, TableError

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
            f"{n} rows cannot be split so that {share:.0%} of them validate. Give more rows, or another --validation."
        )
    first = labels[:, 0]
    rare = min(first.sum(), n - first.sum())
    stratify = first if rare >= 2 and min(held_out, n - held_out) >= 2 else None
    train, validation = train_test_split(np.arange(n), test_size=held_out, random_state=seed % 2**32, stratify=stratify)
    return np.sort(train), np.sort(validation)


def by_time(times: pd.Series, share: float) -> tuple[Rows, Rows]:
    """The earlier rows train and the latest validate; rows of one moment stay together."""
    check_share(share)
    if times.isna().any():
        raise TableError(
            f'The time column "{times.name}" has {int(times.isna().sum()):,} gaps. Fill them, or leave those rows out.'
        )
    order = np.argsort(times.to_numpy(), kind="stable")
    moments: Any = times.to_numpy()[order]
    wanted = len(order) - max(1, round(share * len(order)))
    cut = int(np.searchsorted(moments, moments[wanted], side="left"))
    if cut == 0:
        cut = int(np.searchsorted(moments, moments[wanted], side="right"))
    if not 0 < cut < len(order):
        raise TableError(
            f'The time column "{times.name}" has one moment only, so there is no later part to validate on.'
        )
    return np.sort(order[:cut]), np.sort(order[cut:])


def check_share(share: float) -> None:
    """Refuse a share of validation rows that leaves nothing on one side."""
    if not 0 < share < 1:
        raise ParameterError(f"--validation {share:g} is not a share between 0 and 1, such as 0.2.")
