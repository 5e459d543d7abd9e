"""From arrays to evidence: every library's arrays say the same, and slices and mistakes are functions of the rows."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logloss import evaluate
from logloss.core.errors import (
    DtypeError,
    LabelError,
    LogitError,
    ProbabilityError,
    ShapeError,
    TableError,
    TargetError,
    WeightError,
)
from logloss.core.plain import to_json
from logloss.engines import arrays, second_read, sums_by_value
from logloss.engines.arrays import from_arrays
from logloss.engines.gathering import Batch, Gatherer, Part
from logloss.evaluation.counting import Counter
from logloss.evaluation.tally import Sum

N = 5000


def rows(n=N, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 2, n).round(3)
    return (rng.random(n) < p).astype(np.int64), p, rng.exponential(size=n), rng.choice(["a", "b", "c d", "é"], n)


def content(evidence):
    return evidence.tally.to_bytes(), evidence.mistakes, evidence.slices


AS = {
    "lists": list,
    "booleans": lambda a: a.astype(bool) if a.dtype == np.int64 else a,
    "pandas": pd.Series,
    "polars": pl.Series,
    "arrow": pa.array,
    "chunked": lambda a: pa.chunked_array([a[:7], a[7:]]),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")) if a.dtype.kind != "U" else a,
    "strided": lambda a: np.repeat(a, 2)[::2],
}


@pytest.mark.parametrize("kind", AS)
def test_arrays_of_every_library_say_the_same(kind):
    y, p, w, by = rows()
    plain = from_arrays(y, p, sample_weight=w, by=by)
    y, p, w, by = (AS[kind](column) for column in (y, p, w, by))
    assert content(from_arrays(y, p, sample_weight=w, by=by)) == content(plain)


@pytest.mark.parametrize(
    "label",
    [
        ["yes", "no", "no"],
        [1, -1, -1],
        np.array([1, -1, -1], np.int8),
        np.array([True, False, False], object),
        pd.Series(["no", "yes", "yes"], dtype="category").cat.rename_categories({"no": "yes", "yes": "no"}),
        pd.Series([1, 0, 0], dtype="Int64"),
        pl.Series(["true", "false", "false"]),
        [Decimal(1), Decimal(0), Decimal(0)],
    ],
)
def test_labels_may_be_two_values_of_any_type(label):
    p = [0.8, 0.3, 0.4]
    assert evaluate(label, p).to_dict() == evaluate([1, 0, 0], p).to_dict()
    assert evaluate(label, {"a": p, "b": p[::-1]}).best == "a"


def test_one_value_may_be_set_against_the_others():
    p = [0.8, 0.3, 0.4]
    for label, positive in ((["a", "b", "c"], "a"), ([0, 1, 1], 0), ([3, 1, 2], 3), ([False, True, True], False)):
        assert evaluate(label, p, positive=positive).log_loss == evaluate([1, 0, 0], p).log_loss
    (note,) = evaluate(["gold", "basic"], [0.8, 0.3]).notes
    assert note.startswith('In "y_true", "gold" counts as positive and "basic" as negative')


def test_arrays_may_be_named():
    assert evaluate(y_true=[1, 0], y_pred=[0.8, 0.1]).to_dict() == evaluate([1, 0], [0.8, 0.1]).to_dict()


def test_the_tally_is_that_of_the_rows():
    y, p, w, _ = rows()
    counter = Counter()
    counter.add(y, p, w)
    evidence = from_arrays(y, p, sample_weight=w)
    assert evidence.tally.to_bytes() == counter.tally().to_bytes()
    assert (evidence.slices, evidence.skipped) == ((), 0)


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("from_logits", [False, True])
def test_neither_chunks_nor_the_order_of_rows_change_anything(has_weights, from_logits, monkeypatch):
    y, p, w, by = rows()
    p = p * 20 - 10 if from_logits else p
    p[:3] = (-800.0, 800.0, 0.0) if from_logits else (0.0, 1.0, 0.5)
    w = w if has_weights else None
    whole = from_arrays(y, p, sample_weight=w, by=by, from_logits=from_logits)
    order = np.random.default_rng(5).permutation(N)
    monkeypatch.setattr(arrays, "_BATCH", 617)
    monkeypatch.setattr(sums_by_value, "_BLOCK", 50)
    monkeypatch.setattr(second_read, "_ROOM", 1)
    w = None if w is None else w[order]
    assert content(from_arrays(y[order], p[order], sample_weight=w, by=by[order], from_logits=from_logits)) == content(
        whole
    )


@given(st.lists(st.tuples(st.integers(2**52, 2**53 - 1), st.integers(0, 100), st.integers(-3, 3)), min_size=1))
def test_sums_are_rounded_once(numbers):
    """Near half way between two doubles too."""
    whole = [max((2 * m + 1 << shift) + beside, 0) for m, shift, beside in numbers]
    limbs = np.array([[*(x >> 26 * i & (1 << 26) - 1 for i in range(4)), x >> 104] for x in whole])
    assert sums_by_value._rounded(limbs).tolist() == [x / 2**52 for x in whole]


def test_sums_of_slices_are_those_of_their_rows():
    y, p, w, by = rows()
    p[0], y[0] = 0.0, 1
    found = {one.value: one for one in from_arrays(y, p, sample_weight=w, by=by).slices}
    assert set(found) == set(by)
    for value, one in found.items():
        its = by == value
        evidence = from_arrays(y[its], p[its], sample_weight=w[its])
        assert one.tally.to_bytes() == evidence.tally.to_bytes()
        assert one.rows == its.sum()
        assert one.infinite == evidence.tally.infinite
        for mine, its_sum in (
            ("weight", Sum.WEIGHT),
            ("positives", Sum.POSITIVE),
            ("said", Sum.SAID),
            ("loss", Sum.LOSS),
        ):
            assert getattr(one, mine) == pytest.approx(evidence.tally.total(its_sum), rel=1e-13)
        with np.errstate(divide="ignore"):
            loss = -np.log(np.where(y == 1, p, 1 - p))[its]
        finite, heavy = np.where(np.isinf(loss), 0, loss), w[its]
        assert one.loss_square == pytest.approx(((heavy * finite) ** 2).sum(), rel=1e-12)
        assert one.weight_loss == pytest.approx((heavy**2 * finite).sum(), rel=1e-12)


def test_sums_in_limbs_are_exact():
    w = np.array([2.0**20, 2.0**-30, 1 / 3, 3.0, 1e-9] * 4)
    made = from_arrays(np.ones(20), np.full(20, 0.5), sample_weight=w, by=["x"] * 20).slices[0]
    unit = 2**52
    assert made.weight == float(sum(Fraction(math.floor(Fraction(one) * unit + Fraction(1, 2)), unit) for one in w))


def test_slices_come_with_those_first_that_cost_more_than_others_and_small_ones_are_suppressed():
    y = np.array([1] * 10 + [1] * 10 + [1] * 9)
    p = np.array([0.9] * 10 + [0.2] * 10 + [0.1] * 9)
    evidence = from_arrays(y, p, by={"group": ["good"] * 10 + ["bad"] * 10 + ["few"] * 9})
    assert [(one.by, one.value) for one in evidence.slices] == [("group", "bad"), ("group", "good")]
    assert evidence.suppressed == {"group": 1}


def test_only_the_slices_that_matter_most_have_a_tally(monkeypatch):
    monkeypatch.setattr(second_read, "MOST", 2)
    y, p, _, by = rows()
    assert [one.tally is not None for one in from_arrays(y, p, by=by).slices] == [True, True, False, False]


def test_a_slice_of_rows_without_a_value_is_one_too():
    y, p, _, _ = rows(40)
    for by in ([None, 1.5] * 20, pa.array([None, 1.5] * 20), pd.Series([None, 1.5] * 20), np.array([np.nan, 1.5] * 20)):
        assert {one.value for one in from_arrays(y, p, by=by).slices} == {None, "1.5"}
    coded = pa.DictionaryArray.from_arrays(pa.array([None, 1] * 20), pa.array(["unused", "used"]))
    evidence = from_arrays(y, p, by=coded)
    assert {one.value for one in evidence.slices} == {None, "used"}
    assert all(one.tally.rows == 20 for one in evidence.slices)


def test_values_that_name_single_rows_are_refused(monkeypatch):
    monkeypatch.setattr(sums_by_value, "MOST_VALUES", 100)
    y, p, _, _ = rows()
    with pytest.raises(TableError, match='"by" has more than 100 different values'):
        from_arrays(y, p, by=np.arange(N))


def test_mistakes_are_the_rows_that_cost_most():
    y, p, w, _ = rows()
    with np.errstate(divide="ignore"):
        loss = -np.log(np.where(y == 1, p, 1 - p))
    cost = np.sort(np.where(w > 0, w * loss, 0))[::-1]
    mistakes = from_arrays(y, p, sample_weight=w).mistakes
    np.testing.assert_allclose([one.loss for one in mistakes], cost[:20], rtol=1e-12)
    assert all(one.p_actual == (one.p if one.label else 1 - one.p) for one in mistakes)
    assert from_arrays([1, 0], [1.0, 0.0]).mistakes == ()
    assert all((y[one.row], p[one.row], w[one.row]) == (one.label, one.p, one.weight) for one in mistakes)
    assert "row" not in to_json(mistakes)


def test_of_equal_rows_the_ids_decide_not_the_chunks():
    ids = np.random.default_rng(0).permutation(1000).astype(str)
    y, p = np.ones(1000), np.full(1000, 0.25)
    p[:5] = 0.1
    expected = [*sorted(ids[:5]), *sorted(ids[5:])[:15]]
    for size in (1000, 100, 7):
        gatherer = Gatherer(from_logits=False)
        for at in range(0, 1000, size):
            some = slice(at, at + size)
            gatherer.add(Batch(y[some], p[some], ids=pa.array(ids[some]), place=at))
        assert [one.id for one in gatherer.part().worst] == expected


@pytest.mark.parametrize("size", [1, 611, N])
def test_parts_of_any_partition_add_up_to_the_same(size):
    y, p, w, by = rows()
    ids = pa.array(np.arange(N).astype(str))

    def part(some):
        gatherer = Gatherer(from_logits=False, by=("by",))
        for at in range(some.start, some.stop, size):
            to = min(at + size, some.stop)
            gatherer.add(Batch(y[at:to], p[at:to], w[at:to], (pa.array(by[at:to]),), ids[at:to], place=at))
        return gatherer.part()

    whole = part(slice(0, N))
    first, second, third = (part(slice(*ends)) for ends in ((0, 900), (900, 901), (901, N)))
    for made in (
        first + second + third,
        third + (first + second),
        Part.from_bytes((third + first).to_bytes()) + second,
    ):
        assert made.to_bytes() == whole.to_bytes()


REFUSED = {
    "labels": ([2, 0, 1], [0.1, 0.2, 0.3], {}, LabelError, "1 of 3 values in y_true lie outside"),
    "missing labels": ([np.nan, 0, 1], [0.1, 0.2, 0.3], {}, LabelError, "out of all arrays"),
    "probabilities": ([1, 0, 1], [0.1, 1.2, -1], {}, ProbabilityError, "2 of 3 values in y_pred .* from_logits"),
    "missing": ([1, 0, 1], [0.1, np.nan, 0.3], {}, ProbabilityError, "out of all arrays"),
    "logits": ([1, 0, 1], [0.1, np.nan, 3], {"from_logits": True}, LogitError, "not a number"),
    "weights": ([1, 0, 1], [0.1, 0.2, 0.3], {"sample_weight": [1, -1, 1]}, WeightError, "negative"),
    "heavy": ([1, 0, 1], [0.1, 0.2, 0.3], {"sample_weight": [1, 2e6, 1]}, WeightError, "Divide all weights"),
    "light": ([1, 0, 1], [0.1, 0.2, 0.3], {"sample_weight": [1, 1e-200, 1]}, WeightError, "Multiply all weights"),
    "shapes": ([1, 0, 1], [[0.1], [0.2], [0.3]], {}, ShapeError, r"\(3, 3\)"),
    "columns": ([[1, 0]], [[0.1, 0.2]], {}, ShapeError, "one prediction a row"),
    "empty": ([], [], {}, ShapeError, "no rows"),
    "three words": (["a", "b", "c"], [0.1, 0.2, 0.3], {}, TargetError, 'holds "a", "b", "c"'),
    "a missing word": (["a", None, "b"], [0.1, 0.2, 0.3], {}, LabelError, "1 of 3 values in y_true are missing"),
    "one word": (["a", "a"], [0.1, 0.2], {}, TargetError, "Say which value is positive"),
    "an absent word": (["a", "b"], [0.1, 0.2], {"positive": "c"}, TargetError, "which is to count as positive"),
    "a generator": ((i for i in (1, 0)), [0.1, 0.2], {}, DtypeError, r"y_true is a generator; .* list\(y_true\)"),
    "groups": ([1, 0, 1], [0.1, 0.2, 0.3], {"by": ["a"]}, ShapeError, "by has 1 values"),
    "groups of groups": ([1], [0.1], {"by": np.array([["a"]])}, ShapeError, "one value a row"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_arrays_are_refused_in_a_sentence(kind):
    y, p, options, error, words = REFUSED[kind]
    with pytest.raises(error, match=words):
        from_arrays(y, p, **options)


def test_a_row_of_no_weight_may_hold_anything():
    y, p, w = np.array([1, np.nan, 0, 3.0]), np.array([0.5, 0.5, np.nan, 7]), np.array([1.0, 0, 0, 0])
    evidence = from_arrays(y, p, sample_weight=w)
    assert evidence.tally.rows == 4
    assert evidence.tally.total(Sum.LOSS) == pytest.approx(math.log(2), rel=1e-15)
