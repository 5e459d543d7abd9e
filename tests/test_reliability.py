"""The reliability diagram: isotonic regression, and bands that hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from logloss.core.errors import ProbabilityError, ShapeError
from logloss.evaluation.counting import Counter
from logloss.evaluation.reliability import reliability, reliability_of, smooth_beside

law = settings(deadline=None, derandomize=True, max_examples=20)


def calibrated(n, seed=0, digits=None):
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-1, 1.2, n))
    p = p if digits is None else p.round(digits)
    return (rng.random(n) < p).astype(float), p


def columns(diagram):
    return [np.array(column) for column in vars(diagram).values()]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("digits", [1, 2, None])
@pytest.mark.parametrize("n", [2, 10, 900])
def test_the_curve_is_isotonic_regression(n, digits, weighted):
    y, p = calibrated(n, digits=digits)
    weight = np.random.default_rng(1).exponential(size=n) if weighted else None
    found = reliability(y, p, weight)
    peer = IsotonicRegression(y_min=0, y_max=1).fit(p, y, sample_weight=weight)
    np.testing.assert_allclose(found.observed, peer.predict(found.predicted), atol=1e-12)
    assert (found.predicted[0], found.predicted[-1]) == (p.min(), p.max())


def test_many_distinct_probabilities_are_gathered_and_change_little():
    y, p = calibrated(20_000)
    found = reliability(y, p)
    peer = IsotonicRegression().fit(p, y).predict(found.predicted)
    middle = (np.array(found.predicted) > 0.02) & (np.array(found.predicted) < 0.9)
    assert np.abs(np.array(found.observed) - peer)[middle].max() < 0.03
    assert np.abs(np.array(found.observed) - peer)[middle].mean() < 0.003


@pytest.mark.parametrize(("n", "digits"), [(100, None), (1000, 1), (1000, None), (5000, None)])
def test_the_band_holds_calibrated_predictions_95_times_in_100(n, digits):
    inside = []
    for seed in range(25):
        y, p = calibrated(n, seed, digits)
        _, observed, low, high, count = columns(reliability(y, p, seed=seed + 1000))
        within = (low <= observed) & (observed <= high)
        inside.append(np.average(within, weights=count))
    assert 0.92 < np.mean(inside) <= 0.99


def test_the_band_is_as_wide_as_unequal_weights_make_it():
    inside, naive = [], []
    for seed in range(25):
        y, p = calibrated(3000, seed, 1)
        weight = np.random.default_rng(seed + 1000).lognormal(0, 1.5, 3000)
        _, observed, low, high, count = columns(reliability(y, p, weight))
        _, _, narrow, wide, _ = columns(reliability(y, p))
        inside.append(np.average((low <= observed) & (observed <= high), weights=count))
        naive.append(np.average((narrow <= observed) & (observed <= wide), weights=count))
    assert 0.92 < np.mean(inside) <= 0.99
    assert np.mean(naive) < 0.8


def test_overconfident_predictions_leave_the_band():
    y, p = calibrated(5000)
    sure = expit(2 * np.log(p / (1 - p)))
    _, observed, low, high, count = columns(reliability(y, sure))
    assert np.average((observed < low) | (observed > high), weights=count) > 0.6


ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.floats(0.01, 100)), min_size=1, max_size=60)


@law
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    first, second = (
        reliability(*(np.array(column) for column in zip(*some, strict=True))) for some in (rows, shuffled)
    )
    assert first == second


@pytest.mark.parametrize("n", [900, 5000])
def test_the_order_of_many_rows_does_not_matter(n):
    y, p = calibrated(n)
    weight = np.random.default_rng(2).exponential(size=n)
    order = np.random.default_rng(3).permutation(n)
    assert reliability(y[order], p[order], weight[order]) == reliability(y, p, weight)
    assert reliability(y, p, seed=1) == reliability(y, p, seed=1)


@law
@given(ROWS)
def test_what_always_holds(rows):
    y, p, weight = (np.array(column) for column in zip(*rows, strict=True))
    predicted, observed, low, high, count = columns(reliability(y, p, weight))
    assert [len(column) for column in (predicted, observed, low, high, count)] == [101] * 5
    assert (np.diff(predicted) >= 0).all()
    for curve in (observed, low, high):
        assert ((curve >= 0) & (curve <= 1)).all()
        assert (np.diff(curve) >= -1e-12).all()
    assert (low <= high).all()
    assert count.sum() == pytest.approx(weight.sum())


@pytest.mark.parametrize("n", [500, 3000])
def test_counts_are_those_of_a_histogram(n):
    y, p = calibrated(n)
    found = reliability(y, p)
    assert sum(found.count) == n  # those beyond the outermost cells' centres too
    expected, _ = np.histogram(np.clip(p, found.predicted[0], found.predicted[-1]), [*found.predicted, np.inf])
    assert list(found.count) == expected.tolist()


def test_weights_of_any_unit_are_the_same():
    y, p = calibrated(300)
    weight = np.random.default_rng(4).exponential(size=300)
    plain = columns(reliability(y, p, weight))
    for factor in (1e-200, 1e200):
        scaled = columns(reliability(y, p, weight * factor))
        for one, other in zip(plain[:4], scaled[:4], strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12)
        np.testing.assert_allclose(scaled[4], plain[4] * factor, rtol=1e-12)
    highest = columns(reliability(y, p, weight * 1e307))  # whose sum is infinite
    np.testing.assert_allclose(highest[:4], plain[:4], rtol=1e-12)
    assert reliability(y, p, np.ones(300)) == reliability(y, p)


def test_a_row_of_weight_0_does_not_count():
    y, p = calibrated(300)
    weight = np.random.default_rng(5).integers(0, 2, 300)
    strange = np.where(weight == 0, 1 - y, p)
    assert reliability(y, strange, weight) == reliability(y[weight == 1], p[weight == 1])


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [1, 50])
def test_one_distinct_probability(value, n):
    y = np.resize([0.0, 1.0, 0.0], n)
    found = reliability(y, np.full(n, value))
    assert set(found.predicted) == {value}
    assert set(found.observed) == {y.mean()}
    assert sum(found.count) == found.count[0] == n
    assert found.low[0] <= value <= found.high[0] or n == 1


def test_certainty_has_no_band():
    found = reliability([0, 0, 1, 1, 1], [0.0, 0.0, 1.0, 1.0, 1.0])
    assert (found.observed[0], found.low[0], found.high[0]) == (0, 0, 0)
    assert (found.observed[-1], found.low[-1], found.high[-1]) == (1, 1, 1)
    wrong = reliability([1, 0, 1, 0], [0.0, 0.0, 1.0, 1.0])
    assert wrong.observed[0] == 0.5 > wrong.high[0]


def test_nothing_has_no_diagram():
    for arguments in (([], []), ([1.0], [0.5], [0.0])):
        with pytest.raises(ShapeError, match="no rows"):
            reliability(*arguments)


def groups_of(y, p, w=None):
    counter = Counter()
    assert counter.add(y, p, w) is not None
    return counter.tally().groups()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [300, 3000])
def test_groups_and_their_rows_have_one_diagram(n, weighted):
    y, p = calibrated(n)
    weight = np.random.default_rng(1).integers(1, 5, n) / 4 if weighted else None
    assert reliability_of(groups_of(y, p, weight), seed=3) == reliability(y, p, weight, seed=3)


def test_cells_of_probability_have_nearly_the_diagram_of_their_rows():
    y, p = calibrated(140_000)
    few, many = (reliability_of(groups_of(y[:n], p[:n])) for n in (130_000, 140_000))
    middle = (np.array(few.predicted) > 0.05) & (np.array(few.predicted) < 0.8)
    assert groups_of(y, p).width.max() > 0
    assert np.abs(np.array(few.observed) - many.observed)[middle].max() < 0.03


def test_negatives_left_out_and_weighed_do_not_narrow_or_widen_the_band_wrongly():
    inside = []
    for seed in range(25):
        y, p = calibrated(6000, seed)
        kept = (y == 1) | (np.random.default_rng(seed).random(6000) < 0.25)
        weight = np.where(y == 1, 1.0, 4.0)[kept]
        _, observed, low, high, count = columns(reliability(y[kept], p[kept], weight))
        inside.append(np.average((low <= observed) & (observed <= high), weights=count))
    assert 0.92 < np.mean(inside) <= 0.99


def test_a_smooth_curve_stands_beside_few_events_only():
    away = []
    for seed in range(20):
        groups = groups_of(*calibrated(900, seed))
        diagram = reliability_of(groups)
        curve = np.array(smooth_beside(groups, diagram))
        assert len(curve) == 101
        predicted = np.array(diagram.predicted)
        away.append((curve - predicted)[(predicted > 0.1) & (predicted < 0.6)].mean())
    assert abs(np.mean(away)) < 3 * np.std(away) / np.sqrt(20) < 0.03
    y, p = calibrated(5000)
    groups = groups_of(y, p)
    assert smooth_beside(groups, reliability_of(groups)) == ()
    assert len(smooth_beside(groups_of(np.array([0.0]), np.array([0.3])), reliability([0], [0.3]))) == 101


def test_what_is_no_probability_is_refused():
    for arguments in (([1, 0], [0.5, 1.5]), ([1, 2], [0.5, 0.5]), ([1, 0], [0.5, 0.5], [1, -1])):
        with pytest.raises(ProbabilityError, match=r"within \[0, 1\]"):
            reliability(*arguments)
