"""A tally is a function of the rows as a multiset: any partition, any order of merging, the same bits."""

import contextlib
import io
import math
import zipfile
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logloss.core import native
from logloss.evaluation import tally as tallies
from logloss.evaluation.archive import unpacked
from logloss.evaluation.cells import A_SIDE, cells_of, ends_of
from logloss.evaluation.counting import Counter
from logloss.evaluation.tally import CellCounts, Scores, Sum, Tally, TallyError
from tests.reference import truth_of_probabilities

KINDS = ("probabilities", "float32", "rounded", "tails", "weighted", "soft", "soft and weighted", "logits")


def rows(kind, n, seed=0):
    """Labels, scores and weights of n rows."""
    rng = np.random.default_rng(seed)
    p, w = rng.beta(0.5, 2, n), None
    if kind == "float32":
        p = p.astype(np.float32)
    if kind == "rounded":
        p = np.round(p, 2)
    if kind == "tails":
        p = 10.0 ** rng.uniform(-40, 0, n)
        p = np.where(rng.random(n) < 0.5, p, 1 - p)
    y = (rng.random(n) < p).astype(np.uint8)
    if "soft" in kind:  # some of them among rows of labels that are not, and many with none beside them
        y = np.where(np.arange(n) < n // 2, y, rng.random(n))
    if "weighted" in kind:
        w = rng.exponential(size=n)
    if kind == "logits":
        p = rng.normal(0, 30, n)
    return y, p, w


def tally_of(y, p, w=None, *, from_logits=False):
    counter = Counter(from_logits=from_logits)
    assert counter.add(y, p, w) is not None
    return counter.tally()


def in_parts(y, p, w, places, *, from_logits=False):
    parts = [tally_of(y[i], p[i], None if w is None else w[i], from_logits=from_logits) for i in places]
    return sum(parts[1:], parts[0])


@pytest.mark.parametrize("n", [0, 1, 1000, 400_000])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", ["1", "3"])
def test_any_partition_and_any_number_of_threads_give_the_same_bits(kind, n, threads, monkeypatch):
    data, logits = rows(kind, n), kind == "logits"
    whole = tally_of(*data, from_logits=logits)
    monkeypatch.setenv("LOGLOSS_NUM_THREADS", threads)
    order = np.random.default_rng(1).permutation(n)
    parts = in_parts(*data, np.array_split(order, 7), from_logits=logits)
    assert parts.to_bytes() == whole.to_bytes()
    assert isinstance(whole.kept, CellCounts if n > tallies.MOST and kind != "rounded" else Scores)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1000, 200_000])
def test_numpy_counts_as_the_kernel_does(kind, n):
    data, logits = rows(kind, n), kind == "logits"
    made = tally_of(*data, from_logits=logits)
    without = mock.patch.multiple(native, new_tally=lambda *_: None, _extension=None)
    with without:
        plain = tally_of(*data, from_logits=logits)
    assert (made.rows, made.infinite) == (plain.rows, plain.infinite)
    if not logits:  # whose probabilities are worked out, each to its last digits
        for one, other in zip(vars(made.kept).values(), vars(plain.kept).values(), strict=True):
            np.testing.assert_array_equal(one, other)
    for which in Sum:
        assert math.isclose(made.total(which), plain.total(which), rel_tol=1e-13)


PROBABILITIES = st.one_of(st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 0.5, 1 - 2**-53, 1.0]), st.floats(0, 1))
WEIGHTS = st.one_of(st.sampled_from([0.0, -0.0, 2.0**-40, 1.0]), st.floats(2.0**-40, 2.0**20))
BATCHES = st.lists(
    st.tuples(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), PROBABILITIES, WEIGHTS),
    max_size=30,
)


@pytest.mark.parametrize("distinct", [tallies.MOST, tallies.MOST + 1])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_rows_are_kept_up_to_the_limit_however_they_come(distinct, is_weighted):
    """A first look at many rows shortens the way to cells; the limit is where it is without."""
    n = 3 * tallies.MOST
    place = np.random.default_rng(0).permutation(np.r_[np.arange(distinct), np.arange(n - distinct) % distinct])
    y, p = (place % 2).astype(float), (place + 1.0) / 2**18
    w = np.random.default_rng(1).exponential(size=n) + 0.1 if is_weighted else None
    whole = tally_of(y, p, w)
    assert isinstance(whole.kept, Scores if distinct == tallies.MOST else CellCounts)
    assert whole.to_bytes() == in_parts(y, p, w, np.array_split(np.arange(n), 9)).to_bytes()
    if w is not None:
        assert whole.total(Sum.WEIGHT) == math.fsum(w)


@given(BATCHES, BATCHES, BATCHES, st.sampled_from([4, 1 << 17]))
def test_merging_is_associative_and_commutative_and_has_an_empty_one(a, b, c, most):
    with mock.patch.object(tallies, "MOST", most):
        one, two, three = (tally_of(*np.array(batch, np.float64).reshape(-1, 3).T) for batch in (a, b, c))
        whole = (one + two) + three
        assert (one + (two + three)).to_bytes() == whole.to_bytes()
        assert (three + one + two).to_bytes() == whole.to_bytes()
        assert (whole + Tally.empty()).to_bytes() == whole.to_bytes()
        assert Tally.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()


@given(BATCHES)
def test_sums_are_exact(batch):
    y, p, w = np.array(batch, np.float64).reshape(-1, 3).T
    made = tally_of(y, p, w)
    assert made.total(Sum.WEIGHT) == float(sum(map(Fraction, w.tolist())))
    assert made.total(Sum.POSITIVE) == float(sum(map(Fraction, (w * y).tolist())))
    assert made.total(Sum.SAID) == pytest.approx(
        float(sum(Fraction(a) * Fraction(b) for a, b in zip(w, p, strict=True)))
    )


@pytest.mark.parametrize("is_native", [True, False])
def test_a_row_costs_what_it_does_in_truth(is_native):
    without = mock.patch.multiple(native, new_tally=lambda *_: None, _extension=None)
    with contextlib.nullcontext() if is_native else without:
        for row in truth_of_probabilities():
            made = tally_of(np.array([row.y]), np.array([row.x])).total(Sum.LOSS)
            assert abs(made - row.truth["loss"]) <= 2 * np.spacing(made), row


@given(PROBABILITIES)
def test_a_probability_lies_in_its_cell(p):
    lesser, is_upper = min(p, 1 - p) + 0.0, p >= 0.5
    (cell,) = cells_of(np.array([lesser]), np.array([is_upper]))
    least, greatest, side = ends_of(np.array([cell]))
    assert least[0] <= lesser <= greatest[0]
    assert side[0] == is_upper
    assert 0 <= cell < 2 * A_SIDE


def test_cells_of_the_kernel_are_those_of_numpy():
    _, p, _ = rows("tails", 300_000)
    p = np.concatenate([p, [0.0, 1.0, 0.5, 5e-324, 1e-45, 2.0**-150, 2.0**-151, 1 - 2.0**-53]])
    made = tally_of(np.ones(len(p)), p).kept
    np.testing.assert_array_equal(made.cell, np.unique(cells_of(np.minimum(p, 1 - p), p >= 0.5)))


@pytest.mark.parametrize("kind", ["probabilities", "weighted"])
def test_groups_hold_all_the_weight(kind):
    for n in (1000, 300_000):
        y, p, w = rows(kind, n)
        groups = tally_of(y, p, w).groups()
        assert (np.diff(groups.p) > 0).all()
        assert groups.rows.sum() == n
        weight = np.ones(n) if w is None else w
        np.testing.assert_allclose(groups.weight.sum(0), [(weight * (1 - y)).sum(), (weight * y).sum()], rtol=1e-12)
        np.testing.assert_allclose(groups.square.sum(), (weight**2).sum(), rtol=1e-9)


def test_the_rows_that_cost_most_are_found():
    y, p, _ = rows("probabilities", 300_000)
    p[[5, 70]] = 1 - y[[5, 70]]
    with np.errstate(divide="ignore"):
        loss = -np.log(np.where(y == 1, p, 1 - p))
    found = Counter().add(y, p, worst=20)
    assert set(found.place) == set(np.argsort(-loss)[:20])
    assert found.floor == pytest.approx(np.sort(loss)[-20], rel=1e-15)
    np.testing.assert_allclose(found.loss, loss[found.place], rtol=1e-14)


def test_rows_that_a_mask_hides_may_hold_anything():
    y, p, w = rows("weighted", 5000)
    hidden = np.random.default_rng(3).random(5000) < 0.3
    counter = Counter()
    assert (
        counter.add(np.where(hidden, np.nan, y), np.where(hidden, 7.0, p), np.where(hidden, -1, w), ~hidden) is not None
    )
    assert counter.tally().to_bytes() == tally_of(y[~hidden], p[~hidden], w[~hidden]).to_bytes()


@pytest.mark.parametrize(
    "bad",
    [(2.0, 0.5, 1.0), (1.0, 1.5, 1.0), (1.0, math.nan, 1.0), (0.0, 0.5, -1.0), (0.0, 0.5, 2.0**21), (0.0, 0.5, 1e-13)],
)
@pytest.mark.parametrize("is_native", [True, False])
def test_what_may_have_to_be_refused_is_said(bad, is_native):
    with mock.patch.object(native, "new_tally", native.new_tally if is_native else lambda from_logits: None):
        assert Counter().add(*(np.array([column]) for column in bad)) is None


@pytest.mark.parametrize("n", [1000, 200_000])
def test_many_weights_in_one_cell_are_merged_without_loss(n):
    rng = np.random.default_rng(0)
    y, p, w = (rng.random(n) < 0.3).astype(float), np.full(n, 0.3), rng.random(n) + 0.1
    p[: n // 2] += rng.random(n // 2) * 2**-13  # some in the same cell, with other scores
    whole = tally_of(y, p, w)
    parts = in_parts(y, p, w, np.array_split(rng.permutation(n), 5))
    assert parts.to_bytes() == whole.to_bytes()
    gathered = whole.coarser(0).groups()
    for column, exact in ((gathered.weight, w), (gathered.square, w * w)):
        assert column.sum() == pytest.approx(math.fsum(exact), rel=1e-14)


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**-20, 2.0**19])
@pytest.mark.parametrize("n", [1000, 200_000])
def test_only_the_ratios_of_weights_count(scale, n):
    rng = np.random.default_rng(0)
    y, p, w = (rng.random(n) < 0.3).astype(float), 0.3 + rng.random(n) * 1e-3, rng.random(n) + 1
    one, other = (tally_of(y, p, w * by).groups() for by in (1.0, scale))
    np.testing.assert_allclose(other.weight / scale, one.weight, rtol=1e-14)
    np.testing.assert_allclose(other.square / scale**2, one.square, rtol=1e-6)  # to 2^-106


def test_a_cell_may_hold_more_rows_than_are_counted_at_once():
    rng = np.random.default_rng(0)
    p = np.r_[rng.random(200_000), np.full(100_000, 0.25)]
    y = (rng.random(len(p)) < p).astype(float)
    small = native.new_tally(False, most_recent=3000)
    if small is None:
        pytest.skip("there is no kernel")
    assert small.add(p, y, None, None, 0, 0.0, 2)
    with mock.patch.object(native, "new_tally", return_value=small):
        counter = Counter()
    assert counter.tally().to_bytes() == tally_of(y, p).to_bytes()


def test_a_weight_of_nothing_has_no_sign_and_no_loss():
    y, p = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.0])
    one, other = (tally_of(y, p, np.array([1.0, 2.0, nothing])) for nothing in (0.0, -0.0))
    assert one.to_bytes() == other.to_bytes()
    assert one.infinite == (0, 0)
    assert tally_of(y, p, np.array([1.0, 2.0, 1.0])).infinite == (0, 1)


def test_threads_of_python_take_turns():
    y, p, _ = rows("probabilities", 300_000)
    counter = Counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: counter.add(y[i::4].copy(), p[i::4].copy()), range(4)))
    assert counter.tally().to_bytes() == tally_of(y, p).to_bytes()


HOSTILE = {
    "negative rows": lambda a: a | {"rows": -a["rows"]},
    "other counts": lambda a: a | {"rows": a["rows"] * 2},
    "not a number": lambda a: a | {"score": a["score"] * math.nan},
    "a probability of 7": lambda a: a | {"score": a["score"] + 7},
    "another way to an end": lambda a: a | {"lesser": a["lesser"] + 7},
    "out of order": lambda a: a | {"score": a["score"][::-1].copy()},
    "of other lengths": lambda a: a | {"score": a["score"][1:]},
    "of another type": lambda a: a | {"rows": a["rows"].astype(float)},
    "of text": lambda a: a | {"score": np.array(["a"] * len(a["score"]))},
    "objects": lambda a: a | {"score": np.array([{}] * len(a["score"]), object)},
    "a scalar": lambda a: a | {"numbers": np.int64(3)},
    "without": lambda a: {name: column for name, column in a.items() if name != "rows"},
    "another": lambda a: a | {"more": np.zeros(3)},
    "sums of nothing": lambda a: a | {"sums": a["sums"][:3]},
    "sums that are none": lambda a: a | {"sums": a["sums"] - 1},
    "weights without squares": lambda a: a | {"weights": np.zeros((len(a["rows"]), 2, 6), np.uint32)},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_holds_something_else_is_refused(kind):
    whole = tally_of(*rows("probabilities", 100)).to_bytes()
    with np.load(io.BytesIO(whole)) as arrays:
        bent = HOSTILE[kind](dict(arrays))
    file = io.BytesIO()
    np.savez_compressed(file, **bent)
    with pytest.raises(TallyError, match="not a whole tally"):
        Tally.from_bytes(file.getvalue())


@pytest.mark.parametrize("shape", [(-1,), (2**40,), (-3, -3)])
def test_a_header_that_promises_what_no_array_has_is_refused_before_its_bytes_are_read(shape):
    file, header = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.npy", header.getvalue() + bytes(1 << 20))
    with pytest.raises(ValueError, match=r"score\.npy holds float64 of shape"):
        unpacked(file.getvalue(), {"score": "<f8"})


def test_a_file_with_a_bit_turned_is_refused_or_the_same():
    whole = tally_of(*rows("weighted", 50)).to_bytes()
    for at in range(0, len(whole), 7):
        bent = bytearray(whole)
        bent[at] ^= 1 << at % 8
        try:
            made = Tally.from_bytes(bytes(bent))
        except TallyError:
            continue
        assert made.to_bytes() == whole


def test_a_file_that_is_no_tally_is_refused():
    whole = tally_of(*rows("probabilities", 100)).to_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], whole[:-40]):
        with pytest.raises(TallyError, match="not a whole tally"):
            Tally.from_bytes(content)
    with pytest.raises(TallyError, match="One tally is of logits"):
        Tally.empty() + Tally.empty(from_logits=True)
