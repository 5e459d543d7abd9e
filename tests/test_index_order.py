"""Columns of pandas are paired by place, and told of where their index says otherwise; whatever kind of index it is."""

import itertools

import numpy as np
import pandas as pd
import pytest

from logloss import evaluate
from logloss.engines.index_order import notes_of_order

INDEXES = {
    "range": pd.RangeIndex(4),
    "numbers": pd.Index([3, 2, 1, 0]),
    "floats": pd.Index([0.5, 1.5, np.nan, 2.5]),
    "text": pd.Index(list("abcd")),
    "mixed": pd.Index(["a", 1, None, 2.5]),
    "repeated": pd.Index([0, 0, 1, 2]),
    "repeated otherwise": pd.Index([0, 1, 1, 2]),
    "two levels": pd.MultiIndex.from_product([[0, 1], ["a", "b"]]),
    "three levels": pd.MultiIndex.from_product([[0, 1], ["a", "b"], [7]]),
    "times": pd.date_range("2024-01-01", periods=4),
    "times elsewhere": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
    "periods": pd.period_range("2024-01", periods=4, freq="M"),
    "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(list("abcd")),
    "arrow": pd.Index(list("abcd"), dtype="string[pyarrow]"),
    "lists": pd.Index([[0], [1], [2], [3]], dtype=object),
}
Y, P = [1, 0, 0, 1], [0.8, 0.3, 0.4, 0.6]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(INDEXES, repeat=2)))
def test_no_kind_of_index_stops_an_evaluation(one, other):
    made = evaluate(pd.Series(Y, INDEXES[one]), pd.Series(P, INDEXES[other]))
    assert made.log_loss.value == evaluate(Y, P).log_loss.value
    assert bool(made.notes) == ({one, other} == {"range", "numbers"})


@pytest.mark.parametrize("kind", ["text", "two levels", "times", "categories"])
def test_the_same_index_in_another_order_is_told_of(kind):
    y = pd.Series(Y, INDEXES[kind])
    p = pd.Series(P, INDEXES[kind][::-1])
    (note,) = evaluate(y, p).notes
    assert note.startswith("y_true and y_pred have the same index in different orders, and were paired by place.")
    assert evaluate(y, p.loc[y.index]).notes == ()
    assert evaluate(Y, p).notes == evaluate(y, P).notes == ()


def test_every_column_is_looked_at_and_named():
    y = pd.Series(Y)
    turned = pd.Series(P, [3, 2, 1, 0])
    assert "y_true and sample_weight have" in evaluate(y, P, sample_weight=turned).notes[0]
    assert "y_true and by have" in evaluate(y, P, by=turned).notes[0]
    assert "y_true and site have" in evaluate(y, P, by={"site": turned}).notes[0]
    made = evaluate(y, {"new": P, "old": turned})
    assert [bool(one.notes) for one in (made["new"], made["old"])] == [False, True]
    assert "y_true and old have" in str(made)


def test_without_pandas_there_is_nothing_to_tell():
    assert notes_of_order({"y_true": Y, "y_pred": np.array(P), "sample_weight": None}) == ()
