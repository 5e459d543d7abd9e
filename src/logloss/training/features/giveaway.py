"""Features that give the target away by themselves: mostly because they were written down after the outcome."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from logloss.core.errors import ShapeError
from logloss.tables.wording import counted, quoted
from logloss.training.features import learning, reading
from logloss.training.features.columns import Category, Column, LeftOut, Name, called
from logloss.training.features.measuring import measure
from logloss.training.features.recipe import places_of

Array = npt.NDArray[Any]

_SUSPICIOUS = 0.99
# In standard errors of the AUC of a column that knows nothing (Mann and Whitney, 1947). By chance alone one column in
# three million is as far off; it takes at least 9 rows of either class.
_SIGNIFICANT = 5.0
_ROWS, _FEWEST_ROWS = 50_000, 2_000
_FEW_VALUES = 50


@dataclass(frozen=True, kw_only=True)
class Giveaway:
    """A column that, alone, ranks the rows of a label almost without a mistake."""

    name: Name
    label: int  # which column of y; 0 if there is one
    auc: float
    words: str


def giveaways(
    frame: pd.DataFrame, y: Any, columns: Collection[Name] | None = None, names: Sequence[str] = ()
) -> list[Giveaway]:
    """Which columns give the target away, each by itself, the worst first.

    A number ranks by its value, in either direction, and by being missing; text, and numbers with few values, by the
    mean label of the *other* rows that hold the same, so that an identifier of each row does not look like knowledge.

    Parameters
    ----------
    frame : DataFrame, shape (n, columns)
        The features of training.
    y : array, shape (n,) or (n, k)
        The labels in [0, 1]; NaN where one is not known.
    columns : names, optional
        The columns to look at; all by default.
    names : sequence of str, optional
        What the k labels are called.

    Raises
    ------
    ShapeError
        There are more labels than rows, or fewer.

    Examples
    --------
    >>> died = np.arange(100) % 3 == 0
    >>> frame = pd.DataFrame({"age": np.arange(100) % 17, "obituary": np.where(died, "yes", None)})
    >>> print(giveaways(frame, died)[0].words)
    Column "obituary" alone tells the classes apart (AUC 1.000). Is it known before the outcome? If not, drop it.
    """
    labels = np.asarray(y, np.float64)
    labels = labels[:, None] if labels.ndim == 1 else labels
    if labels.ndim != 2 or len(labels) != len(frame):
        raise ShapeError(
            f"Labels of shape {np.shape(y)} came for {counted(len(frame), 'row')}; expected a label for each row."
        )
    most = max(_ROWS // max(labels.shape[1], 1), _FEWEST_ROWS)
    if len(frame) > most:
        some = np.sort(np.random.default_rng(0).choice(len(frame), most, replace=False))
        frame, labels = frame.iloc[some], labels[some]
    rule = learning.Rule(len(frame), embed=True, drop_first=False)
    found: list[Giveaway] = []
    for name, place in places_of(frame).items():
        if columns is not None and name not in columns:
            continue
        column = learning.learn(name, frame.iloc[:, place], rule) if len(frame) else None
        if column is None or isinstance(column, LeftOut):
            continue
        found.extend(_best(column, frame.iloc[:, place], labels, names))
    return sorted(found, key=lambda one: -one.auc)


def _best(column: Column, series: pd.Series, labels: Array, names: Sequence[str]) -> Iterator[Giveaway]:
    """The label that the column gives away most, if any."""
    ratings = [
        (auc, label, subject)
        for label in range(labels.shape[1])
        for auc, subject in _ratings(column, series, labels[:, label])
        if auc >= _SUSPICIOUS
    ]
    if ratings:
        auc, label, subject = max(ratings, key=lambda rating: rating[0])
        which = quoted(names[label]) if names else f"label {label}"
        of = f" of {which}" if labels.shape[1] > 1 else ""
        found = f"{subject} alone tells the classes{of} apart (AUC {auc:.3f})."
        words = f"{found} Is it known before the outcome? If not, drop it."
        yield Giveaway(name=column.name, label=label, auc=auc, words=words)


def _ratings(column: Column, series: pd.Series, label: Array) -> Iterator[tuple[float, str]]:
    """How well each view of a column ranks a label, and what the view is called."""
    known = ~np.isnan(label)
    positive, subject = label[known] > 0.5, called([column.name])
    subject = subject[0].upper() + subject[1:]
    if isinstance(column, Category):
        yield _auc(_means_of_others(reading.text(series)[0][known], positive), positive), subject
        return
    values = measure(column, series)[0][known]
    here = ~np.isnan(values)
    yield _auc(values[here], positive[here], either_way=True), subject
    distinct, places = np.unique(values[here], return_inverse=True)
    if len(distinct) <= _FEW_VALUES:
        yield _auc(_means_of_others(places, positive[here]), positive[here]), subject
    if not here.all():
        yield _auc(here, positive, either_way=True), f"That {subject[0].lower() + subject[1:]} is missing"


def _means_of_others(places: Array, positive: Array) -> Array:
    """For each row the mean label of the other rows at its place, drawn to the mean of all as if by one more row."""
    if not len(places):
        return np.zeros(0)
    counts = np.bincount(places + 1)  # missing is -1
    sums = np.bincount(places + 1, weights=positive)
    return np.asarray((sums[places + 1] - positive + positive.mean()) / counts[places + 1])


def _auc(score: Array, positive: Array, *, either_way: bool = False) -> float:
    """The share of pairs that are ranked right; 0 if so few rows say nothing."""
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if not ones or not zeros:
        return 0.0
    auc = float(roc_auc_score(positive, score))
    auc = max(auc, 1 - auc) if either_way else auc
    error = ((ones + zeros + 1) / (12 * ones * zeros)) ** 0.5
    return auc if auc - 0.5 >= _SIGNIFICANT * error else 0.0
