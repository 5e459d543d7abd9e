"""A score in three parts: they add up, none is negative, and perfect probabilities are not accused."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_diagnostics.scoring import LogLoss, SquaredError, decompose
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from logloss.evaluation.decomposition import (
    brier_decomposition,
    decomposition_of,
    log_loss_decomposition,
    miscalibration_if_calibrated,
)
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.isotonic import pooled, recalibrated
from logloss.evaluation.scores import brier, log_loss
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.integers(0, 9)), max_size=25)
PARTS = (log_loss_decomposition, brier_decomposition)


def scored(data):
    tally = tally_of(*data)
    groups = tally.groups()
    return (log_loss(tally, groups).score.value, brier(tally, groups).value), [part(tally, groups) for part in PARTS]


@law
@given(ROWS)
def test_the_parts_add_up_and_none_is_negative(rows):
    for score, parts in zip(*scored(np.array(rows, np.float64).reshape(-1, 3).T), strict=True):
        if math.isnan(score):
            assert all(map(math.isnan, vars(parts).values()))
            continue
        total = parts.miscalibration - parts.discrimination + parts.uncertainty
        assert total == pytest.approx(score, rel=1e-14, abs=1e-15)
        assert min(vars(parts).values()) >= 0
        assert parts.discrimination <= parts.uncertainty


@pytest.mark.parametrize("weights", ["none", "exponential", "sampled"])
@pytest.mark.parametrize("digits", [2, 17])
def test_parts_are_those_of_scikit_learns_isotonic_regression(digits, weights):
    y, p, w = Population(0.2, 1.7, 0.4, weights).draw(1500, 1)
    p = np.clip(p.round(digits), 0.005, 0.995)
    better = IsotonicRegression(y_min=0, y_max=1).fit_transform(p, y, sample_weight=w)
    always = np.full(len(y), np.average(y, weights=w))
    for metric, parts in zip((metrics.log_loss, metrics.brier_score_loss), scored((y, p, w))[1], strict=True):
        score, best, base = (metric(y, q, sample_weight=w) for q in (p, better, always))
        assert parts.miscalibration == pytest.approx(score - best, rel=1e-9)
        assert parts.discrimination == pytest.approx(base - best, rel=1e-9)
        assert parts.uncertainty == pytest.approx(base, rel=1e-12)


@law
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_pooling_is_exact_isotonic_regression(groups):
    weight, positives = np.array([(w, min(y, w)) for w, y in groups], np.float64).T
    w, y = (list(map(Fraction, column.tolist())) for column in (weight, positives))
    ends = range(1, len(w) + 1)

    def mean(i, j):
        return sum(y[i:j]) / sum(w[i:j])

    for k, found in enumerate(recalibrated(weight, positives)):  # the min-max formula
        assert found == pytest.approx(
            float(max(min(mean(i, j) for j in ends if j > k) for i in range(k + 1))), rel=1e-14
        )
    total, frequency = pooled(weight, positives)
    assert total.sum() == weight.sum()
    assert (np.diff(frequency) >= 0).all()


@pytest.mark.parametrize("score", [0, 1])
def test_what_isotonic_regression_has_mended_is_not_miscalibrated(score):
    y, p, w = Population(0.3, 2.0, weights="exponential").draw(800, 2)
    mended = IsotonicRegression(y_min=0, y_max=1).fit_transform(p, y, sample_weight=w)
    before, after = (scored((y, q, w))[1][score] for q in (p, mended))
    assert before.miscalibration > 0.01
    assert after.miscalibration == pytest.approx(0, abs=1e-14)
    assert after.discrimination == pytest.approx(before.discrimination, rel=1e-12)


def test_always_the_same_probability_tells_nothing_apart():
    _, parts = scored(([0, 1, 0, 0], [0.4] * 4))
    assert [part.discrimination for part in parts] == [0, 0]
    assert parts[1].miscalibration == pytest.approx(0.15**2)
    assert parts[1].uncertainty == pytest.approx(0.25 * 0.75)


def test_one_class_is_certain_without_a_model():
    (score, _), (parts, _) = scored(([1, 1, 1], [0.4, 0.5, 0.9]))
    assert (parts.discrimination, parts.uncertainty) == (0, 0)
    assert parts.miscalibration == score > 0


def test_a_certain_mistake_is_infinitely_miscalibrated_and_the_rest_is_still_said():
    _, (parts, _) = scored(([1, 0, 1, 0], [0.0, 0.3, 0.6, 0.4]))
    assert parts.miscalibration == math.inf
    assert math.isfinite(parts.discrimination)
    assert parts.uncertainty == math.log(2)


def test_miscalibration_by_chance_averages_what_was_computed_before():
    """At a base rate of 19 %: 0.032 nats at n = 300, 0.015 at 1,000, 0.003 at 10,000 (docs: Evaluation, defined)."""
    for n, mean in ((300, 0.032), (1000, 0.014), (10_000, 0.0035)):
        found = miscalibration_if_calibrated(tally_of(*Population(0.19).draw(n, 0)).groups())
        assert found.mean == pytest.approx(mean, rel=0.25)
        assert found.mean < found.point_95 < 2.5 * found.mean


@pytest.mark.parametrize(
    ("n", "repeats", "weights"),
    [(300, 250, "none"), (300, 200, "sampled"), (300, 200, "exponential"), (10_000, 45, "none")],
)
def test_perfectly_calibrated_probabilities_are_seldom_accused(n, repeats, weights):
    """In 6 % of all data at the most, in theory, and at most 7 %: the seeds are fixed, and chance has its error."""
    data = (Population(0.2, weights=weights).draw(n, seed) for seed in range(repeats))
    verdicts = [Evaluation(Evidence(tally_of(*rows))).verdict for rows in data]
    assert sum("Calibrated as far as this data can show" not in verdict for verdict in verdicts) / repeats <= 0.07


@pytest.mark.parametrize(("n", "slope"), [(300, 2.5), (10_000, 1.2)])
def test_overconfident_probabilities_are_accused(n, slope):
    tally = tally_of(*Population(0.2, slope).draw(n, 1))
    groups = tally.groups()
    assert log_loss_decomposition(tally, groups).miscalibration > miscalibration_if_calibrated(groups).point_95


def test_chance_is_seeded_and_defined_at_the_edges():
    groups = tally_of(*Population(0.2).draw(300, 1)).groups()
    assert miscalibration_if_calibrated(groups, seed=3) == miscalibration_if_calibrated(groups, seed=3)
    assert miscalibration_if_calibrated(groups, seed=3) != miscalibration_if_calibrated(groups, seed=4)
    nothing = miscalibration_if_calibrated(tally_of([], []).groups())
    assert math.isnan(nothing.mean)
    assert math.isnan(nothing.point_95)
    certain = miscalibration_if_calibrated(tally_of([1, 0, 1], [1.0, 0.0, 0.0]).groups())
    assert (certain.mean, certain.point_95) == (0, 0)


@pytest.mark.parametrize("weights", ["none", "exponential"])
def test_parts_are_those_of_model_diagnostics(weights):
    y, p, w = Population(0.2, 1.7, 0.4, weights).draw(1500, 1)
    p = p.round(3)
    for function, parts in zip((LogLoss(), SquaredError()), scored((y, p, w))[1], strict=True):
        peer = decompose(y, p, weights=w, scoring_function=function).row(0, named=True)
        for name, value in vars(parts).items():
            assert value == pytest.approx(peer[name], rel=1e-9)


def test_the_parts_of_far_logits_are_those_that_are_redrawn():
    z, y = np.append(np.linspace(-2, 2, 1000), -746.0), np.append(np.tile([0, 1], 500), 1)
    tally = tally_of(y, z, from_logits=True)
    parts, redrawn = log_loss_decomposition(tally, tally.groups()), decomposition_of(tally.groups(), are_endless=False)
    for name, part in vars(parts).items():
        assert getattr(redrawn, name) == pytest.approx(part, abs=2 / 1001)
