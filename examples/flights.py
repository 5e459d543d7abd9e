"""The demo table as numbers: flights from New York, and whether each was late."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from logloss import log_loss
from logloss.training.data import demo_path


class Flights(NamedTuple):
    """Features in columns, of mean 0 and deviation 1, and labels of 0 and 1, all float32."""

    x: np.ndarray
    y: np.ndarray


def read() -> tuple[Flights, Flights]:
    """The earlier four fifths to learn from, and the later fifth to look at."""
    table = pd.read_parquet(demo_path()).sort_values("scheduled_departure", kind="stable")
    hour = table["scheduled_departure"].dt.hour.rename("hour")
    numbers = table.select_dtypes("number").fillna(table.median(numeric_only=True))
    names = pd.get_dummies(table[["airline", "origin"]])
    x = pd.concat([numbers, hour, names], axis=1).to_numpy(np.float32)
    y = table["late"].to_numpy(np.float32)
    early = len(x) * 4 // 5
    x = (x - x[:early].mean(axis=0)) / x[:early].std(axis=0)
    return Flights(x[:early], y[:early]), Flights(x[early:], y[early:])


def tell(framework: str, learn: Flights, later: Flights, probabilities: np.ndarray) -> None:
    """Print what the probabilities of the later flights are worth."""
    always = log_loss(later.y, np.full(len(later.y), learn.y.mean(dtype=np.float64)))
    print(f"{framework}: log loss {log_loss(later.y, probabilities):.4f}, of always saying the base rate {always:.4f}")
