"""Nominal 95 % intervals hold the truth about 95 times in 100. `python -m scripts.check_intervals` looks longer."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from logloss.engines import evaluate
from logloss.evaluation import scores
from logloss.evaluation.calibration import recalibration
from logloss.evaluation.intervals import effective_rows, of_mean, spread_of, wilson
from logloss.evaluation.losses import entropy_of, losses, squared_errors
from logloss.evaluation.ranking import average_precision, roc_auc
from tests.populations import Population, coverage, tally_of


def truths_of(population):
    """By numerical integration."""
    whole = population.whole()
    weight, rate = whole.weight, float(whole.weight[:, 1].sum())
    is_upper = whole.p >= 0.5
    loss, uncertain = float((weight * losses(whole)).sum()), float(entropy_of(np.array(rate)))
    mended = recalibration(whole)
    return {
        "base_rate": rate,
        "log_loss": loss,
        "entropy": uncertain,
        "skill": 1 - loss / uncertain,
        "calibration_ratio": (weight.sum(1) * whole.p).sum() / rate,
        "brier": (weight * squared_errors(whole)).sum(),
        "accuracy": weight[is_upper, 1].sum() + weight[~is_upper, 0].sum(),
        "roc_auc": roc_auc(whole).score.value,
        "average_precision": average_precision(whole).score.value,
        "intercept": mended.intercept.value,
        "slope": mended.slope.value,
    }


def scored(tally, groups):
    names = ("base_rate", "entropy", "calibration_ratio", "brier", "accuracy")
    mended = recalibration(groups)
    return {
        **{name: getattr(scores, name)(tally, groups) for name in names},
        "log_loss": scores.log_loss(tally, groups).score,
        "skill": scores.skill(scores.normalized_entropy(tally, groups)),
        "roc_auc": roc_auc(groups).score,
        "average_precision": average_precision(groups).score,
        "intercept": mended.intercept,
        "slope": mended.slope,
    }


@pytest.mark.parametrize(
    ("population", "n"),
    [
        (Population(0.05), 300),
        (Population(0.2, 1.8, 0.3), 300),
        (Population(0.2, weights="exponential"), 300),
        (Population(0.5, 1.8, 0.3, "sampled"), 300),
        (Population(0.05, 1.8, 0.3, "exponential"), 10_000),
    ],
    ids=str,
)
def test_intervals_hold_the_truth_95_times_in_100(population, n):
    """Between 93 and 97, give or take three standard errors of so many draws."""
    repeats = 300 if n < 1000 else 100
    slack = 3 * math.sqrt(0.95 * 0.05 / repeats)
    for name, held in coverage(population, n, repeats, scored, truths_of(population)).items():
        assert 0.93 - slack <= held <= 0.97 + slack, f"{name}: {held}"


def test_skewed_losses_are_missed_as_seldom_above_as_below():
    population = Population(0.05)
    truth = truths_of(population)["log_loss"]
    found = []
    for seed in range(400):
        tally = tally_of(*population.draw(300, seed))
        found.append(scores.log_loss(tally, tally.groups()).score)
    missed = np.mean([score.high < truth for score in found]), np.mean([score.low > truth for score in found])
    assert max(missed) < 0.045
    naive = [score.value + (score.value - score.low) for score in found]
    assert np.mean([high < truth for high in naive]) > missed[0]


@pytest.mark.parametrize(("count", "rows"), [(0, 10), (3, 10), (10, 10), (37, 1000)])
def test_wilsons_interval_is_statsmodels(count, rows):
    expected = proportion_confint(count, rows, method="wilson")
    assert wilson(count / rows, rows) == pytest.approx(expected, abs=1e-12)


def test_the_spread_of_equal_weights_is_the_standard_error_of_a_mean():
    y, p, _ = Population(0.2).draw(100, 0)
    groups = tally_of(y, p).groups()
    cost = np.where(y == 1, (1 - p) ** 2, p**2)
    psi = squared_errors(groups) - cost.mean()
    spread = spread_of(groups, psi)
    assert spread.error == pytest.approx(cost.std(ddof=1) / 10, rel=1e-12)
    skewness = ((cost - cost.mean()) ** 3).mean() / cost.std() ** 3
    assert spread.acceleration == pytest.approx(skewness / 60, rel=1e-9)


def test_the_spread_of_unequal_weights_is_the_sandwichs():
    y, p, w = Population(0.2, weights="exponential").draw(400, 0)
    groups = tally_of(y, p, w).groups()
    cost = np.where(y == 1, (1 - p) ** 2, p**2)
    fit = sm.WLS(cost, np.ones(400), weights=w).fit(cov_type="HC2")
    spread = spread_of(groups, squared_errors(groups) - np.average(cost, weights=w))
    assert spread.error == pytest.approx(float(fit.bse[0]), rel=1e-9)
    assert effective_rows(groups) == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)


def test_few_heavy_rows_are_known_to_say_little():
    y, p, _ = Population(0.2).draw(300, 0)
    reach = []
    for heavy in (1.0, 50.0):
        groups = tally_of(y, p, np.r_[np.full(5, heavy), np.ones(295)]).groups()
        reach.append(spread_of(groups, squared_errors(groups) - 0.1).reach)
    assert 1.96 < reach[0] < 2.05 < reach[1]


def test_nothing_and_one_row_have_no_spread():
    for data in (([], []), ([1.0], [0.3]), ([1.0, 0.0], [0.3, 0.3], [0.0, 2.0])):
        groups = tally_of(*data).groups()
        assert math.isnan(spread_of(groups, squared_errors(groups)).error)


@pytest.mark.parametrize(("y", "p"), [([1, 0, 1], [0.9, 0.2, 0.05]), ([1, 0], [0.01, 0.99]), ([1, 0, 1], [0.9, 0, 0])])
def test_no_interval_reaches_beyond_what_is_possible(y, p):
    made = evaluate(y, p, costs=(1, 4))
    left, best = made.infinite_losses, made.best_threshold
    means = [made.log_loss, made.log_loss_bits, left.finite_part, left.keras_clip, best.cost, best.cost_by_theory]
    bounded = [*((score, math.inf) for score in means), (made.brier, 1), (made.uncertainty, math.log(2))]
    for score, most in bounded:
        assert math.isnan(score.low) or 0 <= score.low <= score.value <= score.high <= most
    assert made.uncertainty == made.entropy


def test_the_interval_of_a_mean_is_kept_between_its_least_and_its_most():
    groups = tally_of([1.0, 0.0, 1.0], [0.9, 0.2, 0.05]).groups()
    value = scores.brier(tally_of([1.0, 0.0, 1.0], [0.9, 0.2, 0.05]), groups).value
    psi = squared_errors(groups) - value
    free, kept = of_mean(value, groups, psi), of_mean(value, groups, psi, least=0.0, most=1.0)
    assert free.low < kept.low == 0 < value < kept.high == 1 < free.high
    assert of_mean(value, groups, psi, least=-9.0, most=9.0) == free
