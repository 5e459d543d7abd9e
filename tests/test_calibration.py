"""Calibration: statsmodels' logistic regression, kernels and local regression by hand, and every edge."""

import math
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from logloss.evaluation import loess
from logloss.evaluation.calibration import recalibration
from logloss.evaluation.calibration_error import expected_calibration_error
from logloss.evaluation.gathering import coarser
from logloss.evaluation.loess import integrated_calibration_index, smooth_curve, spread_places
from logloss.evaluation.smooth_calibration_error import smooth_calibration_error
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.integers(0, 9)), max_size=25)
ERRORS = (expected_calibration_error, smooth_calibration_error, integrated_calibration_index)


def groups_of(*data, **options):
    return tally_of(*data, **options).groups()


@pytest.mark.parametrize("weights", ["none", "exponential", "sampled"])
@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (1.8, 0.3), (-0.5, 2)])
def test_intercept_and_slope_are_those_of_logistic_regression(slope, shift, weights):
    y, p, w = Population(0.2, slope, shift, weights).draw(2000, 1)
    found, z = recalibration(groups_of(y, p, w)), logit(p)
    peer = sm.GLM(y, sm.add_constant(z), family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-14)
    assert found.slope.value == pytest.approx(peer.params[1], rel=1e-8)
    peer = sm.GLM(y, np.ones(2000), offset=z, family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-14)
    assert found.intercept.value == pytest.approx(peer.params[0], rel=1e-8)


def test_the_intervals_are_the_sandwichs():
    y, p, _ = Population(0.2, 1.8, 0.3).draw(5000, 1)
    found = recalibration(groups_of(y, p))
    peer = sm.Logit(y, sm.add_constant(logit(p))).fit(disp=0, cov_type="HC0")
    assert (found.slope.low, found.slope.high) == pytest.approx(tuple(peer.conf_int()[1]), rel=2e-3)


def test_probabilities_that_a_logit_made_too_sure_have_its_slope_back():
    whole = recalibration(Population(0.2, 1.8, 0.3).whole())
    assert whole.slope.value == pytest.approx(1 / 1.8, rel=1e-6)
    whole = recalibration(Population(0.2, 1.0, 0.7).whole())
    assert (whole.intercept.value, whole.slope.value) == pytest.approx((-0.7, 1), rel=1e-6)


@pytest.mark.parametrize("far", [-745.0, -720.0, -710.0, 710.0, 720.0, 745.0])
def test_logits_at_the_end_of_the_scale_have_an_intercept(far):
    y, z = np.tile([1.0, 0.0, 0.0, 0.0], 25), np.full(100, far)
    found = recalibration(groups_of(y, z, from_logits=True)).intercept
    assert found.value == pytest.approx(-math.log(3) - far, abs=1)  # such a probability has a digit or two
    assert found.low < found.value < found.high
    z[:50] = -far
    found = recalibration(groups_of(y, z, from_logits=True))
    assert math.isfinite(found.intercept.value)
    assert math.isfinite(found.slope.value)


@law
@given(ROWS)
def test_whatever_the_rows_nothing_fails(rows):
    groups = groups_of(*np.array(rows, np.float64).reshape(-1, 3).T)
    found = recalibration(groups)
    for score in (found.intercept, found.slope):
        assert not score.low > score.value
        assert not score.high < score.value
    for error in ERRORS:
        value = error(groups)
        assert math.isnan(value) == (not groups.weight.sum() > 0)
        assert math.isnan(value) or 0 <= value <= 1 + 1e-9


def test_rows_at_0_and_1_are_left_out_and_counted():
    y, p, _ = Population(0.3).draw(300, 1)
    inside = recalibration(groups_of(y, p))
    found = recalibration(groups_of(np.r_[y, 0, 1, 1], np.r_[p, 0, 1, 0]))
    assert found.excluded == 3
    assert (found.intercept, found.slope) == (inside.intercept, inside.slope)
    nothing = recalibration(groups_of([0, 1], [0.0, 1.0]))
    assert (nothing.excluded, nothing.separated) == (2, False)
    assert math.isnan(nothing.intercept.value)


def test_separation_is_named_and_gives_an_infinite_slope():
    found = recalibration(groups_of([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9]))
    assert found.separated
    assert (found.slope.value, math.isfinite(found.intercept.value)) == (math.inf, True)
    assert recalibration(groups_of([0, 0, 1, 1, 1], [0.1, 0.3, 0.3, 0.4, 0.9])).slope.value == math.inf
    assert recalibration(groups_of([1, 1, 0, 0], [0.1, 0.3, 0.4, 0.9])).slope.value == -math.inf


def test_what_cannot_be_told_is_nan():
    one_class = recalibration(groups_of([1, 1], [0.2, 0.4]))
    assert (one_class.intercept.value, math.isnan(one_class.slope.value)) == (math.inf, True)
    assert recalibration(groups_of([0], [0.2])).intercept.value == -math.inf
    one_probability = recalibration(groups_of([0, 1, 1, 1], [0.5] * 4))
    assert one_probability.intercept.value == pytest.approx(math.log(3))
    assert math.isnan(one_probability.slope.value)
    assert not one_probability.separated


@pytest.mark.parametrize("far", [1e-300, 1e-18, 1 - 2**-53])
def test_a_far_probability_does_not_stop_newton(far):
    y, p, _ = Population(0.3).draw(300, 1)
    found = recalibration(groups_of(np.r_[y, far < 0.5], np.r_[p, far]))
    assert math.isfinite(found.slope.value)
    assert found.slope.low < found.slope.value < found.slope.high


def test_logits_and_their_probabilities_are_recalibrated_alike():
    y, p, _ = Population(0.3).draw(300, 1)
    one, other = recalibration(groups_of(y, p)), recalibration(groups_of(y, logit(p), from_logits=True))
    assert one.slope.value == pytest.approx(other.slope.value, rel=1e-10)


@law
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 64)), min_size=1, max_size=30), st.integers(1, 6))
def test_the_binned_error_is_that_of_exact_arithmetic(rows, bins):
    counts = {}
    for label, part in rows:
        counts.setdefault(Fraction(part, 64), []).append(label)
    before, excess = 0, [Fraction(0)] * bins
    for p, labels in sorted(counts.items()):
        middle = Fraction(before) + Fraction(len(labels), 2)
        excess[min(int(middle / len(rows) * bins * (1 + Fraction(1, 10**12))), bins - 1)] += sum(y - p for y in labels)
        before += len(labels)
    found = expected_calibration_error(groups_of([y for y, _ in rows], [k / 64 for _, k in rows]), bins)
    whole = sum(map(abs, excess)) / len(rows)
    assert found == pytest.approx(float(whole), rel=1e-12, abs=1e-15)


def test_bins_of_equal_mass_hold_equally_many_rows():
    y, p, _ = Population(0.3).draw(3000, 1)
    parts = np.array_split(np.argsort(p), 15)
    by_hand = sum(abs((y[part] - p[part]).sum()) for part in parts) / 3000
    assert expected_calibration_error(groups_of(y, p)) == pytest.approx(by_hand, rel=1e-12)


def test_smooth_error_is_the_fixed_point_of_its_kernel():
    y, p, w = Population(0.3, 2.0, weights="exponential").draw(200, 4)
    found = smooth_calibration_error(groups_of(y, p, w))
    places = (np.arange(4000) + 0.5) / 4000
    kernel = 0.0
    for image in range(-4, 5):  # reflected at 0 and 1, again and again
        for centre in (2 * image + p, 2 * image - p):
            kernel = kernel + np.exp(-(((places[:, None] - centre) / found) ** 2) / 2) / found / math.sqrt(2 * math.pi)
    assert np.abs((kernel * (w * (y - p)) / w.sum()).sum(1)).mean() == pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("error", ERRORS)
def test_at_one_probability_every_error_is_the_distance_to_the_frequency(error):
    for p in (0.0, 0.2, 0.5, 1.0):
        assert error(groups_of([1, 0, 0, 0, 1], [p] * 5)) == pytest.approx(abs(0.4 - p), abs=1e-9)


@pytest.mark.parametrize("error", ERRORS)
def test_endlessly_many_perfect_probabilities_have_no_error(error):
    assert error(Population(0.2).whole()) < 1e-9
    assert 0.05 < error(Population(0.2, 1.8, 0.3).whole()) < 0.08


@pytest.mark.parametrize("weights", ["none", "exponential"])
def test_the_smooth_curve_is_a_local_parabola(weights):
    y, p, w = Population(0.3, weights=weights).draw(150, 3)
    order = np.argsort(p)
    y, p, w = y[order], p[order], w[order]
    places = np.array([p[3], p[70], p[140]])
    found = smooth_curve(groups_of(y, p, w), places)
    for place, value in zip(places, found, strict=True):
        away = np.abs(p - place)
        by_distance = np.argsort(away)
        enough = np.searchsorted(np.cumsum(w[by_distance]), 0.75 * w.sum() - 1e-9)
        radius = away[by_distance][enough]
        kernel = w * (1 - np.minimum(away / radius, 1) ** 3) ** 3
        by_hand = np.polyfit(p - place, y, 2, w=np.sqrt(kernel))[-1]
        assert value == pytest.approx(np.clip(by_hand, 0, 1), rel=1e-3, abs=1e-3)


def test_the_smooth_curve_is_exact_for_parabolas():
    p = np.linspace(0.05, 0.95, 40)
    groups = groups_of(0.1 + 0.2 * p + 0.6 * p**2, p)
    np.testing.assert_allclose(smooth_curve(groups, p), 0.1 + 0.2 * p + 0.6 * p**2, rtol=1e-9)


def test_where_few_probabilities_are_near_the_curve_is_a_line_or_their_mean():
    two = groups_of([0, 1, 1, 1], [0.2, 0.2, 0.6, 0.6])
    np.testing.assert_allclose(smooth_curve(two, np.array([0.2, 0.6])), [0.5, 1])
    assert smooth_curve(groups_of([0, 1], [0.3, 0.3]), np.array([0.3])).tolist() == [0.5]
    assert np.isnan(smooth_curve(groups_of([], []), np.array([0.3]))).all()


def test_gathering_neighbours_changes_the_smooth_curve_little():
    y, p, _ = Population(0.2, 1.8).draw(8000, 0)
    groups = groups_of(y, p)
    near = integrated_calibration_index(groups)
    with mock.patch.object(loess, "_MOST", 100_000):
        assert integrated_calibration_index(groups) == pytest.approx(near, rel=1e-4)


@pytest.mark.parametrize("most", [1, 7, 100])
def test_coarser_groups_hold_all_there_was(most):
    y, p, w = Population(0.2, weights="exponential").draw(500, 0)
    groups = groups_of(y, p, w)
    few = coarser(groups, most)
    assert len(few.p) == most
    for name in ("rows", "weight", "square"):
        np.testing.assert_allclose(getattr(few, name).sum(0), getattr(groups, name).sum(0), rtol=1e-12)
    assert (few.p * few.weight.sum(1)).sum() == pytest.approx((w * p).sum(), rel=1e-12)
    assert (np.diff(few.p) > 0).all()
    assert coarser(groups, 500).p.tolist() == groups.p.tolist()


def test_places_are_spread_as_the_weight_is():
    y, p, _ = Population(0.2).draw(1000, 0)
    groups = groups_of(y, p)
    places = spread_places(groups, 11)
    assert (places[0], places[-1], len(places)) == (p.min(), p.max(), 11)
    assert np.median(p) == pytest.approx(places[5], abs=0.01)
    assert spread_places(groups, 1000).tolist() == groups.p.tolist()
