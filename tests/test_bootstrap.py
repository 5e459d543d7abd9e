"""The bootstrap: seeded, as wide as theory says where there is one, and paired for two models."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import expit

from logloss.evaluation.bootstrap import Pairs, difference, difference_of_means, interval, resampled
from logloss.evaluation.calibration_error import expected_calibration_error
from logloss.evaluation.intervals import of_mean
from logloss.evaluation.losses import squared_errors
from logloss.evaluation.ranking import area, roc_auc
from logloss.evaluation.redrawing import if_calibrated
from tests.populations import Population, tally_of


def groups_of(*data):
    return tally_of(*data).groups()


def brier(groups):
    return float((groups.weight * squared_errors(groups)).sum() / groups.weight.sum())


def pairs_of(y, p, q, w=None):
    """Every row a pair of its own."""
    first, second = groups_of(y, p, w), groups_of(y, q, w)
    w = np.ones(len(y)) if w is None else w
    weight = np.stack([w * (1 - y), w * y], -1)
    at = [np.searchsorted(groups.p, column) for groups, column in ((first, p), (second, q))]
    return Pairs(first, second, *at, weight, weight * w[:, None])


@pytest.mark.parametrize("weights", ["none", "exponential", "sampled"])
@pytest.mark.parametrize("digits", [1, 17])
def test_it_is_as_wide_as_theory(digits, weights):
    y, p, w = Population(0.2, weights=weights).draw(2000, 0)
    groups = groups_of(y, p.round(digits), w)
    found = interval(groups, brier, repeats=1000)
    theory = of_mean(found.value, groups, squared_errors(groups) - found.value)
    assert found.high - found.low == pytest.approx(theory.high - theory.low, rel=0.1)
    found, theory = interval(groups, area, repeats=500), roc_auc(groups).score
    assert found.high - found.low == pytest.approx(theory.high - theory.low, rel=0.15)


def test_it_is_seeded_and_a_function_of_the_rows_alone():
    y, p, w = Population(0.2, weights="exponential").draw(500, 0)
    order = np.random.default_rng(0).permutation(500)
    one, other = groups_of(y, p, w), groups_of(y[order], p[order], w[order])
    assert interval(one, brier, seed=4) == interval(other, brier, seed=4)
    assert interval(one, brier, seed=4) != interval(one, brier, seed=5)


def test_resampled_rows_are_as_many_on_average():
    groups = groups_of(*Population(0.2, weights="sampled").draw(500, 0))
    weight = np.mean([again.weight for again in resampled(groups, 2000, 0)], 0)
    np.testing.assert_allclose(weight.sum(), groups.weight.sum(), rtol=0.01)
    np.testing.assert_allclose(weight, groups.weight, atol=0.6)
    for again in resampled(groups, 3, 0):
        assert (again.square[again.weight == 0] == 0).all()


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (1.8, 0.3)])
def test_a_distance_that_chance_makes_greater_is_covered(slope, shift):
    population = Population(0.2, slope, shift)
    truth, held = expected_calibration_error(population.whole()), 0
    for seed in range(100):
        groups = groups_of(*population.draw(300, seed))
        chance = if_calibrated(groups, lambda w, g=groups: expected_calibration_error(replace(g, weight=w)), seed=seed)
        score = interval(groups, expected_calibration_error, least=0, chance=chance.point_95, repeats=100)
        held += score.low <= truth <= score.high
        assert 0 <= score.low <= score.value <= score.high
    assert held >= 91


def test_the_difference_of_two_models_is_paired():
    y, p, w = Population(0.2, weights="exponential").draw(1000, 0)
    q = expit(np.log(p / (1 - p)) + np.random.default_rng(1).normal(0, 0.1, 1000))
    pairs = pairs_of(y, p, q, w)
    found = difference(pairs, brier, repeats=500)
    assert found.value == pytest.approx(brier(pairs.first) - brier(pairs.second), rel=1e-12)
    by_rows = difference_of_means(pairs, squared_errors(pairs.first), squared_errors(pairs.second))
    assert by_rows.value == pytest.approx(found.value, rel=1e-9)
    assert found.high - found.low == pytest.approx(by_rows.high - by_rows.low, rel=0.15)
    alone = interval(pairs.first, brier)
    assert found.high - found.low < (alone.high - alone.low) / 5


def test_a_model_does_not_differ_from_itself():
    y, p, _ = Population(0.2).draw(300, 0)
    for score in (
        difference(pairs_of(y, p, p), area),
        difference_of_means(*[pairs_of(y, p, p), *[np.ones((300, 2))] * 2]),
    ):
        assert (score.value, score.low, score.high) == (0, 0, 0)


@pytest.mark.parametrize("n", [300, 2000])
def test_paired_intervals_hold_the_truth_95_times_in_100(n):
    held, by_resampling = 0, 0
    population = Population(0.2)
    truth = brier(population.whole()) - brier(Population(0.2, 1.5).whole())
    for seed in range(300):
        y, p, _ = population.draw(n, seed)
        pairs = pairs_of(y, p, expit(1.5 * np.log(p / (1 - p))))
        score = difference_of_means(pairs, squared_errors(pairs.first), squared_errors(pairs.second))
        held += score.low <= truth <= score.high
        score = difference(pairs, brier, repeats=40)
        by_resampling += score.low <= truth <= score.high
    assert 0.92 < held / 300 < 0.98
    assert 0.92 < by_resampling / 300 < 0.98


def test_the_difference_of_means_is_exact_for_a_handful_of_rows():
    y, p, q = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.25, 0.75]), np.array([0.25, 0.5, 1.0])
    pairs = pairs_of(y, p, q)
    apart = [
        (Fraction(a) - Fraction(c)) ** 2 - (Fraction(b) - Fraction(c)) ** 2 for c, a, b in zip(y, p, q, strict=True)
    ]
    found = difference_of_means(pairs, squared_errors(pairs.first), squared_errors(pairs.second))
    assert found.value == pytest.approx(float(sum(apart) / 3), rel=1e-15)


def test_what_is_undefined_has_no_interval():
    assert math.isnan(interval(groups_of([], []), brier).value)
    assert math.isnan(interval(groups_of([1, 1], [0.2, 0.3]), area).low)
    nothing = pairs_of(np.array([1.0, 0.0]), np.array([0.2, 0.3]), np.array([0.3, 0.4]), np.zeros(2))
    assert math.isnan(difference_of_means(nothing, np.ones((2, 2)), np.ones((2, 2))).value)
    endless = pairs_of(np.array([1.0, 0.0]), np.array([0.2, 0.3]), np.array([0.3, 0.4]))
    cost = np.array([[0.0, math.inf], [0.0, 0.0]])
    assert difference_of_means(endless, cost, np.zeros((2, 2))).value == math.inf
    assert math.isnan(difference_of_means(endless, cost, cost).value)
