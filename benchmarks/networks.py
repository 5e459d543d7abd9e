"""Held-out log loss of our network beside scikit-learn's, on tables that ship in PyPI packages."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skrub import DatetimeEncoder

from benchmarks.data_tables import TABLES
from benchmarks.measure import Table
from logloss import log_loss
from logloss.training import BinaryClassifier

OURS, LINEAR, BASE = "ours", "linear", "base rate"
PEERS = {"`MLPClassifier`": False, "`MLPClassifier`, early stopping": True}
ABOUT = """\
Held-out log loss in nats, the mean over {splits} random splits (70 % of rows train, 30 % are held out), the same for
all. `BinaryClassifier(model="mlp")` as it is; scikit-learn's `MLPClassifier((64, 32))` as it is, and with
`early_stopping=True`, on standardised numbers, one-hot categories and encoded dates; our linear model; always saying
the base rate. In brackets: our network's loss less the other's, split by split, in thousandths of a nat, its mean ± its
standard error; below zero ours is better. Target: no worse than either `MLPClassifier` on at least five tables."""


def run(*, quick: bool) -> Iterator[Table]:
    chosen = list(TABLES)[1:3] if quick else list(TABLES)
    rows, no_worse = [], 0
    for name in chosen:
        losses = held_out_losses(name, splits=2 if quick else _splits(name), rows=300 if quick else None)
        means = {model: float(np.mean(values)) for model, values in losses.items()}
        no_worse += all(means[OURS] <= means[peer] for peer in PEERS)
        rows.append([name, f"{means[OURS]:.4f}", *(_beside(losses, peer) for peer in (*PEERS, LINEAR, BASE))])
    about = ABOUT.format(splits="2" if quick else "5 (flights 3)")
    yield Table(
        "Networks",
        f"{about} Ours has the lowest mean of the three networks on {no_worse} of {len(chosen)}.",
        ["table: target", OURS, *PEERS, LINEAR, BASE],
        rows,
    )


def held_out_losses(name: str, *, splits: int, rows: int | None = None) -> dict[str, list[float]]:
    """The held-out log loss of every model in every split."""
    frame, target = TABLES[name]()
    chosen = slice(None, None, max(1, len(frame) // rows) if rows else 1)
    frame, labels = frame[chosen], target[chosen].to_numpy(np.int64)
    losses: dict[str, list[float]] = {}
    for seed in range(splits):
        train, held_out, y_train, y = train_test_split(frame, labels, test_size=0.3, random_state=seed, stratify=labels)
        for model, estimator in _models(frame, seed).items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                probability = estimator.fit(train, y_train).predict_proba(held_out)[:, 1]
            losses.setdefault(model, []).append(log_loss(y, probability))
        losses.setdefault(BASE, []).append(log_loss(y, np.full(len(y), y_train.mean())))
    return losses


def _splits(name: str) -> int:
    return 3 if name.startswith("flights") else 5


def _beside(losses: dict[str, list[float]], peer: str) -> str:
    difference = 1e3 * np.subtract(losses[OURS], losses[peer])
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return f"{np.mean(losses[peer]):.4f} ({difference.mean():+.1f} ± {error:.1f})"


def _models(frame: pd.DataFrame, seed: int) -> dict[str, BinaryClassifier | Pipeline]:
    peers = {
        name: make_pipeline(_features(frame), MLPClassifier((64, 32), early_stopping=early_stopping, random_state=seed))
        for name, early_stopping in PEERS.items()
    }
    return {OURS: BinaryClassifier(random_state=seed), **peers, LINEAR: BinaryClassifier(model="linear")}


def _features(frame: pd.DataFrame) -> ColumnTransformer:
    """What a careful user of scikit-learn writes for such a table."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    levels = OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False)
    moments = make_pipeline(
        DatetimeEncoder("hour", add_weekday=True, periodic_encoding="circular"), SimpleImputer(), StandardScaler()
    )
    dates = list(frame.select_dtypes(["datetime", "datetimetz"]))
    is_number = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    others = [name for name, numeric in zip(frame, is_number, strict=True) if not numeric and name not in dates]
    return ColumnTransformer(
        [
            ("numbers", numbers, [name for name, numeric in zip(frame, is_number, strict=True) if numeric]),
            ("levels", levels, others),
            *((f"moments of {name}", moments, name) for name in dates),
        ]
    )
