"""The bootstrap: seeded, as wide as theory says where there is one, and paired for two models."""

import math
from dataclasses import replace

import numpy as np
import pytest

from logloss.evaluation.bootstrap import interval, resampled
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


def test_what_is_undefined_has_no_interval():
    assert math.isnan(interval(groups_of([], []), brier).value)
    assert math.isnan(interval(groups_of([1, 1], [0.2, 0.3]), area).low)
