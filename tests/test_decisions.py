"""Decisions by a threshold: counted by hand, and what is chosen on the rows is tried on others."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from logloss.core.errors import ParameterError
from logloss.evaluation.best_threshold import best_threshold
from logloss.evaluation.decisions import Costs, decision, thresholds
from logloss.evaluation.round_thresholds import round_thresholds
from logloss.evaluation.thinning import alike, dealt
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.integers(0, 5)),
    max_size=20,
)
COSTS = st.tuples(st.floats(0, 100), st.floats(0.01, 100)).map(lambda both: Costs(*both))


def groups_of(*data):
    return tally_of(*data).groups()


def by_hand(y, p, w, threshold, costs):
    taken = p >= threshold
    tp, fp = (w * taken * y).sum(), (w * taken * (1 - y)).sum()
    fn, tn = (w * ~taken * y).sum(), (w * ~taken * (1 - y)).sum()

    def over(part, whole):
        return part / whole if whole else math.nan

    odds = threshold / (1 - threshold) if threshold < 1 else math.inf
    return {
        "sensitivity": over(tp, tp + fn),
        "specificity": over(tn, tn + fp),
        "ppv": over(tp, tp + fp),
        "npv": over(tn, tn + fn),
        "accuracy": (tp + tn) / w.sum(),
        "cost": (costs.false_positive * fp + costs.false_negative * fn) / w.sum(),
        "net_benefit": (tp - (odds * fp if fp else 0)) / w.sum(),
        "treat_all": (tp + fn - (odds * (tn + fp) if tn + fp else 0)) / w.sum(),
    }


@law
@given(ROWS, COSTS)
def test_the_grid_is_what_counting_by_hand_says(rows, costs):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    grid = thresholds(groups_of(y, p, w), costs)
    assert grid.threshold == tuple(np.unique(p[w > 0]).tolist())
    for i, threshold in enumerate(grid.threshold):
        for name, expected in by_hand(y, p, w, threshold, costs).items():
            np.testing.assert_allclose(getattr(grid, name)[i], expected, rtol=1e-12, atol=1e-14)
    assert (grid.recall, grid.precision) == (grid.sensitivity, grid.ppv)


@law
@given(ROWS, COSTS, st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]))
def test_one_threshold_is_what_counting_by_hand_says_within_its_interval(rows, costs, threshold):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    found = decision(groups_of(y, p, w), threshold, costs)
    if not w.sum() > 0:
        assert all(math.isnan(score.value) for name, score in vars(found).items() if name != "threshold")
        return
    for name, expected in by_hand(y, p, w, threshold, costs).items():
        score = getattr(found, name)
        np.testing.assert_allclose(score.value, expected, rtol=1e-12, atol=1e-14)
        assert not score.low > score.value + 1e-12
        assert not score.high < score.value - 1e-12


def test_sensitivity_and_precision_are_scikit_learns():
    y, p, w = Population(0.2, weights="exponential").draw(1000, 0)
    found = decision(groups_of(y, p, w), 0.3)
    assert found.sensitivity.value == pytest.approx(metrics.recall_score(y, p >= 0.3, sample_weight=w))
    assert found.ppv.value == pytest.approx(metrics.precision_score(y, p >= 0.3, sample_weight=w))


@pytest.mark.parametrize("name", ["sensitivity", "ppv", "cost", "net_benefit", "accuracy"])
@pytest.mark.parametrize("weights", ["none", "exponential"])
def test_intervals_hold_the_truth_95_times_in_100(name, weights):
    population, costs = Population(0.2, 1.5, 0.2, weights), Costs(1, 4)
    truth = getattr(decision(population.whole(), 0.2, costs), name).value
    held = 0
    for seed in range(400):
        score = getattr(decision(groups_of(*population.draw(300, seed)), 0.2, costs), name)
        held += score.low <= truth <= score.high
    assert 0.925 <= held / 400 <= 0.975


def test_many_thresholds_are_thinned_by_content():
    y, p, w = Population(0.05, weights="exponential").draw(5000, 0)
    groups = groups_of(y, p, w)
    grid, whole = thresholds(groups), thresholds(groups, most=10_000)
    assert len(whole.threshold) == 5000
    assert 500 < len(grid.threshold) <= 1000
    assert (grid.threshold[0], grid.threshold[-1]) == (p.min(), p.max())
    assert set(zip(grid.threshold, grid.cost, strict=True)) <= set(zip(whole.threshold, whole.cost, strict=True))
    for label, column in ((1, grid.sensitivity), (0, grid.specificity)):
        heaviest = w[y == label].max() / w[y == label].sum()
        assert np.abs(np.diff(column)).max() < 1 / 400 + heaviest


def test_nothing_has_no_thresholds():
    assert thresholds(groups_of([], [])).threshold == ()
    assert thresholds(groups_of([1, 0], [0.3, 0.4], [0, 0])).threshold == ()
    nothing = best_threshold(groups_of([], []), Costs())
    assert math.isnan(nothing.cost.value)
    assert nothing.by_theory == 0.5


@pytest.mark.parametrize("both", [(-1, 1), (0, 0), (math.inf, 1), (math.nan, 1)])
def test_costs_that_make_no_threshold_are_refused(both):
    with pytest.raises(ParameterError, match="make no threshold"):
        Costs(*both)


@law
@given(ROWS, COSTS)
def test_the_empirical_threshold_costs_least_of_all(rows, costs):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    if not w.sum() > 0:
        return
    groups = groups_of(y, p, w)
    found = best_threshold(groups, costs)
    assert decision(groups, found.empirical, costs).cost.value == pytest.approx(found.apparent_cost, abs=1e-6)
    everywhere = [decision(groups, t, costs).cost.value for t in (0, *p, np.nextafter(1, 2))]
    assert found.apparent_cost == pytest.approx(min(everywhere), abs=1e-6)
    assert found.cost_by_theory.value == pytest.approx(decision(groups, costs.threshold, costs).cost.value)
    assert found.least <= found.greatest


def test_of_equal_costs_the_threshold_nearest_to_theory_is_taken():
    groups = groups_of([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert best_threshold(groups, Costs(1, 1)).empirical == 0.5
    assert best_threshold(groups, Costs(1, 99)).empirical == 0.5  # half way down, and no further
    assert best_threshold(groups, Costs(99, 1)).empirical == 0.8


def cost_of(whole, threshold, costs):
    is_taken = whole.p >= threshold
    return (costs.false_positive * whole.weight[is_taken, 0].sum()) + costs.false_negative * whole.weight[
        ~is_taken, 1
    ].sum()


def test_what_is_chosen_on_the_rows_looks_cheaper_than_it_is():
    population, costs = Population(0.2, 1.8, 0.3), Costs(1, 5)
    whole = population.whole()
    apparent, tried, true = [], [], []
    for seed in range(150):
        found = best_threshold(groups_of(*population.draw(300, seed)), costs)
        apparent.append(found.apparent_cost)
        tried.append(found.cost.value)
        true.append(cost_of(whole, found.empirical, costs))
    error = np.std(tried) / math.sqrt(150)
    assert np.mean(apparent) < np.mean(true) - 5 * error
    assert abs(np.mean(tried) - np.mean(true)) < 4 * error
    assert np.mean(tried) > np.mean(true) - 2 * error


@pytest.mark.parametrize("weights", ["none", "exponential"])
def test_the_interval_of_the_tried_cost_holds_what_choosing_so_costs(weights):
    population, costs = Population(0.2, 1.8, 0.3, weights), Costs(1, 5)
    whole = population.whole()
    held = 0
    for seed in range(300):
        found = best_threshold(groups_of(*population.draw(1000, seed)), costs)
        held += found.cost.low <= cost_of(whole, found.empirical, costs) <= found.cost.high
    assert 0.92 <= held / 300 <= 0.98


@law
@given(ROWS)
def test_folds_share_out_all_the_weight(rows):
    groups = groups_of(*np.array(rows, np.float64).reshape(-1, 3).T)
    folds = dealt(groups, 5, seed=1)
    np.testing.assert_allclose(sum(folds), groups.weight, atol=1e-12)
    assert (alike(groups) <= groups.rows).all()


def test_folds_are_alike_and_seeded():
    y, p, _ = Population(0.2).draw(5000, 0)
    groups = groups_of(y, p.round(2))
    folds = dealt(groups, 5, seed=1)
    assert np.abs(np.array([fold.sum() for fold in folds]) - 1000).max() < 100
    assert all((one == other).all() for one, other in zip(folds, dealt(groups, 5, seed=1), strict=True))
    assert (folds[0] != dealt(groups, 5, seed=2)[0]).any()


def test_the_threshold_that_was_asked_for_is_not_rounded_past_the_scores():
    y = np.random.default_rng(0).random(3000) < 0.5
    groups = groups_of(y, np.arange(3000) % 4 / 3)
    for costs in (Costs(2, 1), Costs(1, 2)):
        found = round_thresholds(groups, costs)
        assert found.threshold[found.chosen] == costs.threshold
        assert found.caught[found.chosen] / y.sum() == decision(groups, costs.threshold).sensitivity.value
        assert np.diff(found.threshold).min() > 1e-9


@law
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([-800.0, -1.0, 2.0, 38.0, 40.0, 50.0, 800.0])), min_size=1), COSTS
)
def test_logits_that_no_threshold_parts_are_decided_together(rows, costs):
    y, z = np.array(rows, np.float64).T
    groups = tally_of(y, z, from_logits=True).groups()
    grid, best = thresholds(groups, costs), best_threshold(groups, costs)
    assert (np.diff(grid.threshold) > 0).all()
    for threshold, cost in zip(grid.threshold, grid.cost, strict=True):
        assert decision(groups, threshold, costs).cost.value == pytest.approx(cost, abs=1e-9)
    assert decision(groups, best.empirical, costs).cost.value == pytest.approx(best.apparent_cost, abs=1e-6)


def test_costs_that_no_sum_could_hold_are_refused():
    assert Costs(1e100, 1e100).threshold == 0.5
    with pytest.raises(ParameterError, match="between 0 and 10"):
        Costs(1e101, 1)
