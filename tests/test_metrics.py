"""Scores of validation rows: what scikit-learn says, with and without weights."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics as sklearn

from logloss.core.plain import to_json
from logloss.training.metrics import LabelMetrics, Metrics, label_metrics


def predictions(n=500, seed=0):
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-1, 1.5, n))
    return (rng.random(n) < p).astype(float), p, rng.exponential(size=n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rate", [0.2, 0.8])
def test_scores_are_those_of_scikit_learn(weighted, rate):
    y, p, weight = predictions()
    weight = weight if weighted else None
    found = label_metrics("churn", "yes", rate, y, logit(p), weight)
    assert found.log_loss == pytest.approx(sklearn.log_loss(y, p, sample_weight=weight), rel=1e-12)
    assert found.accuracy == pytest.approx(sklearn.accuracy_score(y, p > 0.5, sample_weight=weight), rel=1e-12)
    always = np.full(len(y), rate)
    assert found.base_rate_loss == pytest.approx(sklearn.log_loss(y, always, sample_weight=weight), rel=1e-12)
    commoner = sklearn.accuracy_score(y, always > 0.5, sample_weight=weight)
    assert found.majority_accuracy == pytest.approx(commoner, rel=1e-12)
    assert found.validation_rate == pytest.approx(np.average(y, weights=weight), rel=1e-12)
    assert found.log_loss_bits == pytest.approx(found.log_loss / math.log(2))
    assert found.skill == pytest.approx(1 - found.log_loss / found.base_rate_loss)
    assert (found.name, found.positive, found.base_rate) == ("churn", "yes", rate)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_standard_error_of_what_is_saved(weighted):
    y, p, weight = predictions()
    weight = weight if weighted else None
    found = label_metrics("a", "1", 0.3, y, logit(p), weight)
    saved = np.log(np.where(y == 1, p / 0.3, (1 - p) / 0.7))
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(y), (4000, len(y)))  # the bootstrap says the same
    means = np.average(saved[drawn], axis=1, weights=None if weight is None else weight[drawn])
    assert found.saving_error == pytest.approx(means.std(), rel=0.05)
    assert found.base_rate_loss - found.log_loss == pytest.approx(np.average(saved, weights=weight))
    p[np.argmax(y)] = 0
    assert label_metrics("a", "1", 0.3, y, logit(p), weight).saving_error == math.inf


def test_integer_weights_are_repeated_rows_and_weight_0_is_none():
    y, p, _ = predictions(100)
    times = np.random.default_rng(1).integers(0, 4, 100)
    strange = np.where(times == 0, 1 - y, p)  # infinitely wrong, if it counted
    weighted = label_metrics("a", "1", 0.3, y, logit(strange), times)
    repeated = label_metrics("a", "1", 0.3, y.repeat(times), logit(p.repeat(times)))
    for name in ("log_loss", "accuracy", "base_rate_loss", "majority_accuracy", "validation_rate"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-12)
    np.testing.assert_allclose(weighted.reliability.observed, repeated.reliability.observed, rtol=1e-12)
    assert math.isfinite(weighted.saving_error)


def test_a_mistake_costs_what_its_logit_says_where_its_probability_rounds_to_0():
    found = label_metrics("a", "1", 0.5, np.array([1.0, 0.0]), np.array([-2000.0, 0.0]))
    assert found.log_loss == pytest.approx((2000 + math.log(2)) / 2)


def test_one_half_is_no_yes():
    found = label_metrics("a", "1", 0.5, np.array([0.0, 0.0, 1.0]), logit(np.array([0.5, 0.5, 0.50001])))
    assert found.accuracy == 1  # as `predict` says


def test_a_certain_mistake_costs_infinitely_much():
    y, p, _ = predictions()
    p[y == 1] = np.where(np.arange((y == 1).sum()) == 0, 0.0, p[y == 1])
    found = label_metrics("a", "1", 0.3, y, logit(p))
    assert found.log_loss == found.log_loss_bits == math.inf
    assert found.skill == -math.inf
    assert math.isfinite(found.accuracy)


def test_only_negatives_validate():
    found = label_metrics("a", "1", 0.1, np.zeros(10), logit(np.linspace(0.01, 0.2, 10)))
    assert found.validation_rate == 0
    assert found.base_rate_loss == pytest.approx(-math.log(0.9))
    assert found.majority_accuracy == 1
    assert found.skill == pytest.approx(1 - found.log_loss / found.base_rate_loss)


def test_of_several_labels_the_mean_counts():
    both = [label_metrics(name, "1", 0.3, *predictions(seed=seed)) for seed, name in enumerate("ab")]
    found = Metrics(n_train=10, n_validation=20, labels=tuple(both))
    assert found.log_loss == pytest.approx((both[0].log_loss + both[1].log_loss) / 2)
    assert found.base_rate_loss == pytest.approx((both[0].base_rate_loss + both[1].base_rate_loss) / 2)
    assert found.log_loss_bits == pytest.approx(found.log_loss / math.log(2))


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("drawn", [False, True])
def test_json_gives_back_every_bit(wrong, drawn):
    y, p, weight = predictions()
    p[0] = 1 - y[0] if wrong else p[0]
    label = label_metrics('a "name"', "1", 0.3, y, p, weight)
    label = label if drawn else dataclasses.replace(label, reliability=None)
    found = Metrics(n_train=10, n_validation=20, labels=(label, label))
    again = Metrics.from_plain(json.loads(to_json(found)))
    assert again == found
    assert isinstance(again.labels[0], LabelMetrics)
