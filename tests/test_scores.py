"""Scores that are means: equal to scikit-learn and to exact arithmetic; defined or NaN at every edge."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from logloss.evaluation import scores
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

PROBABILITY = st.one_of(st.sampled_from([0.0, 1e-9, 0.5, 1 - 2**-53, 1.0]), st.floats(0, 1))
ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), PROBABILITY, st.integers(0, 9)), max_size=25)


def log_loss_bits(tally, groups):
    return scores.in_bits(scores.log_loss(tally, groups).score)


def skill(tally, groups):
    return scores.skill(scores.normalized_entropy(tally, groups))


ALL = [
    *(getattr(scores, name) for name in ("base_rate", "entropy", "normalized_entropy", "calibration_ratio", "brier")),
    *(scores.accuracy, log_loss_bits, skill),
]


def columns(rows):
    return np.array(rows, np.float64).reshape(-1, 3).T


def scored(score, *data, from_logits=False):
    tally = tally_of(*data, from_logits=from_logits)
    return score(tally, tally.groups())


def loss(*data, from_logits=False):
    return scored(scores.log_loss, *data, from_logits=from_logits)


@pytest.mark.parametrize("weights", ["none", "exponential", "sampled"])
@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_values_are_those_of_scikit_learn(rate, weights):
    y, p, w = Population(rate, 1.8, 0.3, weights).draw(1000, 1)
    assert loss(y, p, w).score.value == pytest.approx(metrics.log_loss(y, p, sample_weight=w), rel=1e-13)
    assert scored(scores.brier, y, p, w).value == pytest.approx(
        metrics.brier_score_loss(y, p, sample_weight=w), rel=1e-13
    )
    assert scored(scores.accuracy, y, p, w).value == pytest.approx(
        metrics.accuracy_score(y, p >= 0.5, sample_weight=w), rel=1e-13
    )
    explained = metrics.d2_log_loss_score(y, p, sample_weight=w)
    assert scored(skill, y, p, w).value == pytest.approx(explained, rel=1e-11)


@law
@given(ROWS)
def test_values_are_those_of_exact_arithmetic(rows):
    y, p, w = columns(rows)
    exact = [tuple(map(Fraction, row)) for row in zip(*(c.tolist() for c in (y, p, w)), strict=True)]
    total = sum(w for _, _, w in exact)
    if not total:
        return
    assert scored(scores.base_rate, y, p, w).value == float(sum(w * y for y, _, w in exact) / total)
    brier = sum(w * (y - p) ** 2 for y, p, w in exact) / total
    assert scored(scores.brier, y, p, w).value == pytest.approx(float(brier), rel=1e-14)
    right = sum(w * (y == (p >= Fraction(1, 2))) for y, p, w in exact) / total
    assert scored(scores.accuracy, y, p, w).value == float(right)
    said, seen = sum(w * p for _, p, w in exact), sum(w * y for y, _, w in exact)
    if seen:
        assert scored(scores.calibration_ratio, y, p, w).value == pytest.approx(float(said / seen), rel=1e-14)


@law
@given(ROWS)
def test_whatever_the_rows_every_score_is_a_number_or_nan_within_its_interval(rows):
    y, p, w = columns(rows)
    parts = loss(y, p, w)
    for score in (parts.score, parts.finite, parts.clipped, *(scored(s, y, p, w) for s in ALL)):
        assert math.isnan(score.value) or not score.low > score.value
        assert math.isnan(score.value) or not score.high < score.value
        assert math.isnan(score.low) == math.isnan(score.high)
    assert math.isnan(scored(scores.base_rate, y, p, w).value) == (not w.sum() > 0)


@law
@given(ROWS)
def test_normalised_entropy_and_skill_are_two_words_for_one_thing(rows):
    tally = tally_of(*columns(rows))
    groups = tally.groups()
    rest, explained = scores.normalized_entropy(tally, groups), skill(tally, groups)
    np.testing.assert_equal(explained.value, 1 - rest.value)
    np.testing.assert_equal((explained.low, explained.high), (1 - rest.high, 1 - rest.low))
    nats, bits = scores.log_loss(tally, groups).score, log_loss_bits(tally, groups)
    np.testing.assert_allclose(bits.value * math.log(2), nats.value, rtol=1e-15)


def test_always_saying_the_base_rate_has_no_skill():
    y = np.repeat([0.0, 1.0], [75, 25])
    assert scored(skill, y, np.full(100, 0.25)).value == pytest.approx(0, abs=1e-15)
    uncertain = scored(scores.entropy, y, np.full(100, 0.25))
    assert uncertain.value == pytest.approx(loss(y, np.full(100, 0.25)).score.value, rel=1e-15)
    assert scored(scores.entropy, [0, 1, 0, 1], [0.5] * 4).high == math.log(2)


def test_an_infinite_loss_is_shown_beside_its_finite_part_and_the_clipped_value():
    found = loss([1, 0, 1], [0.0, 0.0, 1.0])
    assert (found.score.value, found.finite.value) == (math.inf, 0.0)
    assert math.isnan(found.score.low)
    assert found.clipped.value == pytest.approx(5.37270, abs=1e-5)  # of docs/numerics.md
    mixed = loss([1, 0, 1, 1], [0.0, 0.5, 1 - 1e-12, 0.25])
    assert mixed.finite.value == pytest.approx((math.log(2) + 1e-12 + math.log(4)) / 4)
    clipped = np.clip([0.0, 0.5, 1e-12, 0.25], 1e-7, 1 - 1e-7)
    each = -np.log([clipped[0], 0.5, 1 - clipped[2], 0.25])
    assert mixed.clipped.value == pytest.approx(each.mean(), rel=1e-14)
    assert scored(scores.normalized_entropy, [1, 0, 1], [0.0, 0.0, 1.0]).value == math.inf
    assert scored(skill, [1, 0, 1], [0.0, 0.0, 1.0]).value == -math.inf


def test_a_certain_mistake_without_weight_costs_nothing():
    found = loss([1, 0, 1], [0.0, 0.5, 0.5], [0.0, 1.0, 1.0])
    assert found.score.value == found.finite.value == math.log(2)
    assert found.score.low < math.log(2) + 1e-9


def test_a_logit_beyond_every_probability_has_a_finite_loss_and_interval():
    found = loss([1, 0, 1, 0], [-800.0, -1.0, 2.0, 0.3], from_logits=True).score
    assert found.value == pytest.approx(200, rel=0.01)
    assert found.low < 200 < found.high < math.inf


@pytest.mark.parametrize("data", [([], []), ([1.0, 0.0], [0.3, 0.4], [0.0, 0.0])], ids=["no rows", "no weight"])
def test_of_nothing_everything_is_nan(data):
    for score in (loss(*data).score, loss(*data).finite, *(scored(s, *data) for s in ALL)):
        assert all(map(math.isnan, (score.value, score.low, score.high)))


@pytest.mark.parametrize(("label", "ratio"), [(0.0, math.inf), (1.0, 0.3)])
def test_of_one_class_what_can_be_said_is_said(label, ratio):
    data = [label] * 20, [0.3] * 20
    assert scored(scores.base_rate, *data).value == label
    assert scored(scores.entropy, *data).value == 0
    assert math.isnan(scored(skill, *data).value)
    assert scored(scores.calibration_ratio, *data).value == pytest.approx(ratio)
    assert loss(*data).score.value == pytest.approx(-math.log(0.3 if label else 0.7))
    low, high = scored(scores.base_rate, *data).low, scored(scores.base_rate, *data).high
    assert (low == 0) == (label == 0)
    assert (high == 1) == (label == 1)
    assert high - low > 0.1


def test_one_row_has_values_and_no_interval_but_wilsons():
    assert math.isnan(loss([1.0], [0.3]).score.low)
    assert math.isnan(scored(scores.brier, [1.0], [0.3]).high)
    assert scored(scores.base_rate, [1.0], [0.3]).low == pytest.approx(0.2065, abs=1e-4)


def test_soft_labels_count_by_their_parts():
    soft = tally_of([0.25, 0.5], [0.3, 0.6])
    hard = tally_of([0, 1, 0, 1], [0.3, 0.3, 0.6, 0.6], [0.75, 0.25, 0.5, 0.5])
    for score in ALL:
        assert score(soft, soft.groups()).value == pytest.approx(score(hard, hard.groups()).value, rel=1e-14)


def test_the_unit_of_weights_does_not_matter():
    y, p, w = Population(0.2, weights="exponential").draw(500, 0)
    for score in ALL:
        one, other = scored(score, y, p, w), scored(score, y, p, w * 1024)
        np.testing.assert_allclose([*vars(one).values()], [*vars(other).values()], rtol=1e-12)
