"""Ranking: scikit-learn's numbers, DeLong's interval, and a bound on what cells may hide."""

import math
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from logloss.evaluation import tally as tallies
from logloss.evaluation.intervals import Spread
from logloss.evaluation.log_odds import chances
from logloss.evaluation.ranking import average_precision, placements, roc_auc
from logloss.evaluation.score import Score
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.7, 1.0]), st.integers(0, 5)),
    max_size=25,
)


def groups_of(*data):
    return tally_of(*data).groups()


@pytest.mark.parametrize("weights", ["none", "exponential", "sampled"])
@pytest.mark.parametrize("digits", [1, 2, 17])
def test_values_are_those_of_scikit_learn(digits, weights):
    y, p, w = Population(0.1, weights=weights).draw(2000, 3)
    p = p.round(digits)
    groups = groups_of(y, p, w)
    assert roc_auc(groups).score.value == pytest.approx(metrics.roc_auc_score(y, p, sample_weight=w), rel=1e-13)
    expected = metrics.average_precision_score(y, p, sample_weight=w)
    assert average_precision(groups).score.value == pytest.approx(expected, rel=1e-13)
    assert roc_auc(groups).error == average_precision(groups).error == 0


@law
@given(ROWS)
def test_the_area_is_the_share_of_pairs_in_order(rows):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    exact = [tuple(map(Fraction, row)) for row in zip(*(c.tolist() for c in (y, p, w)), strict=True)]
    pairs = [(a[1], b[1], a[2] * b[2]) for a in exact if a[0] for b in exact if not b[0]]
    total = sum(weight for _, _, weight in pairs)
    found = roc_auc(groups_of(y, p, w)).score
    if not total:
        assert math.isnan(found.value)
        return
    share = sum(weight * (Fraction(a > b) + Fraction(a == b) / 2) for a, b, weight in pairs) / total
    assert found.value == pytest.approx(float(share), rel=1e-14)
    assert not found.low > found.value
    assert not found.high < found.value


@law
@given(ROWS)
def test_average_precision_is_the_mean_precision_at_the_positives(rows):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    exact = [tuple(map(Fraction, row)) for row in zip(*(c.tolist() for c in (y, p, w)), strict=True)]
    positives = sum(w * y for y, _, w in exact)
    found = average_precision(groups_of(y, p, w)).score
    if not positives:
        assert math.isnan(found.value)
        return
    mean = Fraction(0)
    for label, threshold, weight in exact:
        if label and weight:
            above = [(y, w) for y, p, w in exact if p >= threshold]
            mean += weight / positives * sum(w * y for y, w in above) / sum(w for _, w in above)
    assert found.value == pytest.approx(float(mean), rel=1e-14)


@pytest.mark.parametrize("weights", ["none", "exponential"])
def test_the_area_of_the_contrary_is_the_rest(weights):
    y, p, w = Population(0.2, weights=weights).draw(400, 5)
    one, other = roc_auc(groups_of(y, p, w)).score, roc_auc(groups_of(y, 1 - p, w)).score
    assert one.value + other.value == pytest.approx(1, rel=1e-14)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), rel=1e-12)


def test_the_variance_of_the_area_is_delongs():
    y, p, _ = Population(0.3).draw(200, 2)
    p = p.round(2)
    kernel = (p[y == 1][:, None] > p[y == 0]) + 0.5 * (p[y == 1][:, None] == p[y == 0])
    variance = kernel.mean(1).var(ddof=1) / kernel.shape[0] + kernel.mean(0).var(ddof=1) / kernel.shape[1]
    spreads = []
    with mock.patch(
        "logloss.evaluation.ranking.on_logit_scale", lambda value, spread: spreads.append(spread) or Score(value)
    ):
        roc_auc(groups_of(y, p))
    assert spreads[0].error ** 2 == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize("score", [roc_auc, average_precision])
def test_a_little_more_weight_moves_the_score_as_its_influence_says(score):
    y, p, w = Population(0.3, weights="exponential").draw(120, 8)
    order = np.argsort(p)
    y, p, w = y[order], p[order], w[order]
    seen = []

    def spread_of(groups, psi, **options):
        seen.append(psi)
        return Spread(1.0, 2.0, 0.0)

    with mock.patch("logloss.evaluation.ranking.spread_of", spread_of):
        before = score(groups_of(y, p, w)).score.value
    for i in range(0, 120, 7):
        step = 1e-6 * (np.arange(120) == i)
        moved = (score(groups_of(y, p, w + step)).score.value - before) / 1e-6
        assert moved == pytest.approx(seen[0][i, int(y[i])] / w.sum(), rel=1e-3, abs=1e-8)


@pytest.mark.parametrize("score", [roc_auc, average_precision])
@pytest.mark.parametrize("shape", ["rough", "tails"])
def test_cells_change_the_score_by_less_than_the_bound(score, shape):
    rng = np.random.default_rng(0)
    p = rng.random(3000) * 2e-3 + 0.3 if shape == "rough" else 10.0 ** rng.uniform(-5, 0, 3000)
    y = rng.random(3000) < np.clip(p + 0.2 * np.sin(1e4 * p), 0, 1)
    w = rng.exponential(size=3000)
    exact = score(groups_of(y, p, w))
    with mock.patch.object(tallies, "MOST", 4):
        halves = [tally_of(y[i::2], p[i::2], w[i::2]) for i in (0, 1)]
        groups = (halves[0] + halves[1]).groups()
    assert (groups.width > 0).all()
    found = score(groups)
    assert abs(found.score.value - exact.score.value) <= found.error
    assert 0 < found.error < (0.1 if shape == "rough" else 1e-3)
    assert found.score.low < exact.score.low < exact.score.high < found.score.high


@pytest.mark.parametrize("score", [roc_auc, average_precision])
def test_the_bound_is_reached_by_the_worst_orders(score):
    p = 0.3 + 1e-7 * np.arange(8)
    for y in ([0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 0]):
        exact = score(groups_of(y, p)).score.value
        with mock.patch.object(tallies, "MOST", 2):
            found = score((tally_of(y[:4], p[:4]) + tally_of(y[4:], p[4:])).groups())
        assert found.score.value == 0.5
        assert abs(exact - 0.5) <= found.error <= 0.5
        assert 0 <= found.score.low <= exact <= found.score.high <= 1
    assert roc_auc(groups_of([0, 1], [0.1, 0.2])).error == 0


def test_all_in_order_is_1_and_not_beyond_doubt():
    for n in (5, 500):
        y = np.repeat([0.0, 1.0], n)
        p = np.linspace(0.01, 0.99, 2 * n)
        area, precision = roc_auc(groups_of(y, p)).score, average_precision(groups_of(y, p)).score
        assert area.value == precision.value == area.high == precision.high == 1
        assert 1 - 5 / n < area.low < 1
        assert 1 - 5 / n < precision.low < 1
        contrary = roc_auc(groups_of(1 - y, p)).score
        assert contrary.value == contrary.low == 0
        assert contrary.high == pytest.approx(1 - area.low, rel=1e-12)


def test_what_is_undefined_is_nan():
    for data in (([], []), ([1, 0], [0.2, 0.3], [0, 0])):
        for score in (roc_auc, average_precision):
            assert math.isnan(score(groups_of(*data)).score.value)
    assert math.isnan(roc_auc(groups_of([1, 1], [0.2, 0.3])).score.value)
    assert math.isnan(average_precision(groups_of([0, 0], [0.2, 0.3])).score.value)
    assert average_precision(groups_of([1, 1], [0.2, 0.3])).score.value == 1
    one = roc_auc(groups_of([1, 0, 0, 0], [0.5, 0.2, 0.3, 0.6])).score
    assert one.value == pytest.approx(2 / 3)
    assert math.isnan(one.low)  # a single positive says nothing of how others vary


def test_all_at_one_probability_is_chance():
    groups = groups_of([0, 1, 0, 1, 0], [0.4] * 5)
    assert roc_auc(groups).score.value == 0.5
    assert average_precision(groups).score.value == pytest.approx(0.4)


def distinct(kind):
    """Scores of which each makes a group, as what the groups' rows are found by: p, and what it leaves of 1."""
    if kind == "logits":
        z = np.concatenate([np.round(np.linspace(-8, 8, 1601), 2) + 0.0, np.linspace(30, 740, 100), [-740, -40.5]])
        return np.sort(z), chances(np.sort(z))
    p = np.concatenate([[0, 5e-324, 1e-9, 1], *(np.nextafter(x, [0, x, 1]) for x in (0.1, 0.5, 0.9))])
    return np.sort(p), (np.sort(p), 1 - np.sort(p))


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_a_row_finds_its_own_group(kind):
    score, both = distinct(kind)
    y = np.random.default_rng(0).random(len(score)) < 0.5
    places = placements(tally_of(y, score, from_logits=kind == "logits").groups())
    assert len(places.share) == len(score)
    assert (places.at(*both) == places.share).all()


@pytest.mark.parametrize("rows", [1000, 150_000])
def test_placements_are_the_area_on_average(rows):
    y, p, _ = Population(0.3).draw(rows, 0)
    groups = tally_of(y, p).groups()
    assert groups.width.any() == (rows > 1000)
    places = placements(groups)
    found = places.at(p, 1 - p)
    for label in (0, 1):
        assert found[y == label, label].mean() == pytest.approx(places.area, abs=1e-12 if rows == 1000 else 1e-7)
