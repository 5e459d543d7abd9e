"""The linear model is maximum likelihood, and says so where there is none."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog
from scipy.special import expit, logit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from logloss import BinaryCrossEntropy
from logloss.core.errors import ParameterError
from logloss.training import BinaryClassifier, linear

PLAIN = BinaryCrossEntropy()

FAMILY = {
    "bce": PLAIN,
    "weighted": BinaryCrossEntropy(pos_weight=5.0, neg_weight=0.5),
    "smoothed": BinaryCrossEntropy(label_smoothing=0.1),
    "smoothed a little": BinaryCrossEntropy(label_smoothing=1e-4),
    "weighted and smoothed": BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.2),
    "focal": BinaryCrossEntropy.focal(),
    "focal(gamma=0.5)": BinaryCrossEntropy.focal(gamma=0.5),
    "focal(gamma=5)": BinaryCrossEntropy.focal(gamma=5, alpha=None),
    "asymmetric": BinaryCrossEntropy.asymmetric(),
    "asymmetric, smoothed": BinaryCrossEntropy.asymmetric(gamma_pos=0, gamma_neg=2, margin=0.1, label_smoothing=0.05),
    "margin": BinaryCrossEntropy(margin=0.1),  # has a kink where p = margin
}


def fit(X, y, weight=None, bce=PLAIN):
    """Coefficients, intercept, and how it ended."""
    iterations = linear.newton(linear.Design.of(X, weight), y, weight, bce, 0)
    found = (np.zeros(X.shape[1]), 0.0)
    while True:
        try:
            found = next(iterations)
        except StopIteration as end:
            return *found, end.value


def draw(rng, logits):
    return (rng.random(len(logits)) < expit(logits)).astype(float)


def simulated(seed=0, n=400, d=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, draw(rng, X @ np.linspace(-1, 1.5, d) - 0.5)


def fair():
    frame = sm.datasets.fair.load_pandas().data
    return frame.drop(columns="affairs").to_numpy(), (frame["affairs"] > 0).to_numpy(float)


def breast_cancer():
    data = load_breast_cancer()
    chosen = [
        list(data.feature_names).index(f"mean {name}") for name in ("texture", "smoothness", "symmetry", "radius")
    ]
    return data.data[:, chosen], data.target.astype(float)


def scaled():
    X, y = simulated(1, d=5)
    return X * [1e8, 1e-8, 1e4, 1.0, 1e-3], y


def moved():
    """Years, seconds since 1970, degrees in kelvin and a level of the sea in millimetres."""
    X, y = simulated(2)
    return X * [10, 1e7, 1, 0.001] + [2005, 1.7e9, 300, 1e3], y


def rare():
    rng = np.random.default_rng(3)
    X = rng.lognormal(0, 2, size=(20_000, 2))
    return X, draw(rng, 0.01 * X[:, 0] - 6)


TABLES = pytest.mark.parametrize("table", [simulated, fair, breast_cancer, scaled, moved, rare])


def by_scikit_learn(Z, y, weight):
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(Z, y, sample_weight=weight)
    return model.coef_[0], model.intercept_[0]


def by_statsmodels(Z, y, weight):
    model = sm.GLM(y, sm.add_constant(Z), family=sm.families.Binomial(), freq_weights=weight)
    parameters = model.fit(tol=1e-14, maxiter=100).params
    return parameters[1:], parameters[0]


@TABLES
@pytest.mark.parametrize("peer", [by_scikit_learn, by_statsmodels])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients_are_those_of_maximum_likelihood(table, peer, weighted):
    X, y = table()
    weight = np.random.default_rng(9).exponential(size=len(y)) if weighted else None
    # The peers are helped by well-scaled columns; ours takes them as they are.
    centre, scale = X.mean(axis=0), X.std(axis=0)
    there, constant = peer((X - centre) / scale, y, weight)
    coefficients, intercept, end = fit(X, y, weight)
    assert end.converged
    assert end.separating == ()
    assert not end.dependent
    np.testing.assert_allclose(coefficients * scale, there, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(intercept + coefficients @ centre, constant, rtol=1e-6, atol=1e-9)


def test_the_estimator_gives_the_same_coefficients():
    X, y = fair()
    frame = sm.datasets.fair.load_pandas().data.drop(columns="affairs")
    model = BinaryClassifier(model="linear").fit(frame, y)
    coefficients, intercept, _ = fit(X, y)
    assert list(model.feature_names_out_) == list(frame.columns)
    np.testing.assert_allclose(model.coef_[0], coefficients, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, intercept, rtol=1e-9)
    np.testing.assert_allclose(model.decision_function(frame), X @ coefficients + intercept, rtol=1e-9, atol=1e-9)


def test_integer_weights_are_repeated_rows():
    X, y = simulated(4)
    times = np.random.default_rng(0).integers(0, 4, len(y))
    for bce in FAMILY.values():
        if bce.margin and not bce.gamma:
            continue  # a kink decides to fewer digits
        coefficients, intercept, _ = fit(X, y, times.astype(float), bce)
        again, constant, _ = fit(X.repeat(times, axis=0), y.repeat(times), None, bce)
        np.testing.assert_allclose([*coefficients, intercept], [*again, constant], rtol=1e-9)


# The whole family


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_near_the_solution_is_better(name, seed):
    X, y = simulated(seed, n=200, d=3)
    bce = FAMILY[name]
    loss = BinaryCrossEntropy.from_config(bce.get_config() | {"from_logits": True})
    coefficients, intercept, end = fit(X, y, None, bce)
    assert end.converged
    matrix, beta = np.column_stack([np.ones(len(y)), X]), np.array([intercept, *coefficients])
    least = loss(y, matrix @ beta)
    rng = np.random.default_rng(seed)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(50):
            assert loss(y, matrix @ (beta + size * rng.normal(size=len(beta)))) > least
    if name != "margin":
        assert np.abs(matrix.T @ loss.gradient(y, matrix @ beta)).max() / len(y) < 1e-14


def test_naming_the_other_class_positive_mirrors_the_solution():
    X, y = simulated(5)
    for name in ("bce", "smoothed", "focal(gamma=5)"):
        coefficients, intercept, _ = fit(X, y, None, FAMILY[name])
        mirrored, constant, _ = fit(X, 1 - y, None, FAMILY[name])
        np.testing.assert_allclose([*mirrored, constant], [*-coefficients, -intercept], rtol=1e-9)


def test_labels_at_once_equal_label_by_label():
    X, _ = simulated(6)
    rng = np.random.default_rng(6)
    Y = np.column_stack([draw(rng, X[:, j] - j) for j in range(3)])
    bce = BinaryCrossEntropy(pos_weight=(1.0, 2.0, 3.0), neg_weight=(0.5, 1.0, 1.5), label_smoothing=0.01)
    together = BinaryClassifier(model="linear", loss=bce).fit(X, Y)
    assert (
        together.predict_proba(X).shape == together.decision_function(X).shape == together.predict(X).shape == (400, 3)
    )
    for j in range(3):
        one = BinaryCrossEntropy(pos_weight=bce.pos_weight[j], neg_weight=bce.neg_weight[j], label_smoothing=0.01)
        alone = BinaryClassifier(model="linear", loss=one).fit(X, Y[:, j])
        np.testing.assert_allclose(together.coef_[j], alone.coef_[0], rtol=1e-12)
        np.testing.assert_allclose(
            together.decision_function(X)[:, j], alone.decision_function(X), rtol=1e-9, atol=1e-12
        )


def test_class_weights_move_the_intercept_alone_where_the_model_is_true():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(200_000, 2))
    y = draw(rng, X @ [1.0, -0.5] - 1)
    plain = BinaryClassifier(model="linear").fit(X, y)
    raw = BinaryClassifier(model="linear", loss="weighted(pos_weight=6, neg_weight=2)", prior_correction=False).fit(
        X, y
    )
    corrected = BinaryClassifier(model="linear", loss="weighted(pos_weight=6, neg_weight=2)").fit(X, y)
    np.testing.assert_allclose(raw.coef_, plain.coef_, atol=0.02)
    np.testing.assert_allclose(raw.intercept_ - plain.intercept_, np.log(3), atol=0.02)
    np.testing.assert_allclose(corrected.intercept_ - raw.intercept_, -np.log(6 / 2), rtol=1e-12)
    np.testing.assert_array_equal(corrected.coef_, raw.coef_)
    np.testing.assert_allclose(corrected.decision_function(X), raw.decision_function(X) - np.log(3), rtol=1e-9)


def test_corrected_weights_change_no_probability_of_a_saturated_model():
    group = np.repeat([0.0, 1.0], 100)
    y = np.concatenate([np.arange(100) < 20, np.arange(100) < 70]).astype(float)
    model = BinaryClassifier(model="linear", loss="weighted").fit(group[:, None], y)
    np.testing.assert_allclose(model.predict_proba([[0.0], [1.0]])[:, 1], [0.2, 0.7], rtol=1e-12)


def test_the_intercept_alone_is_the_base_rate():
    y = np.repeat([0.0, 1.0], [900, 100])
    X = np.tile([1.0, -1.0], 500)[:, None]  # knows nothing: balanced in either class
    coefficients, intercept, _ = fit(X, y)
    assert coefficients[0] == pytest.approx(0, abs=1e-12)
    assert intercept == pytest.approx(logit(0.1), rel=1e-12)


# Separation


def is_separable(X, y):
    """Whether some direction moves no logit the wrong way and some the right way (Konis 2007): a linear program."""
    matrix = np.column_stack([np.ones(len(y)), X]) * np.where(y > 0.5, 1, -1)[:, None]
    end = linprog(-matrix.sum(axis=0), A_ub=-matrix, b_ub=np.zeros(len(y)), bounds=[(-1, 1)] * matrix.shape[1])
    return bool(-end.fun > 1e-7)


SMALL = {
    "numbers": lambda rng, n, d: rng.normal(size=(n, d)),
    "counts": lambda rng, n, d: rng.integers(0, 3, (n, d)).astype(float),
    "rare flags": lambda rng, n, d: (rng.random((n, d)) < 0.2).astype(float),
    "heavy tails": lambda rng, n, d: rng.lognormal(0, 3, (n, d)),
}


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", ["bce", "weighted", "focal"])
def test_separation_is_said_exactly_where_a_linear_program_finds_it(kind, name):
    said = {True: 0, False: 0}
    for seed in range(60):
        rng = np.random.default_rng([seed, len(kind)])
        n, d = int(rng.integers(4, 40)), int(rng.integers(1, 5))
        X = SMALL[kind](rng, n, d)
        y = draw(rng, np.clip(X @ rng.normal(size=d) * rng.choice([0.5, 3.0]) + rng.normal(), -30, 30))
        if np.ptp(y) == 0 or np.ptp(X, axis=0).min() == 0:
            continue
        coefficients, intercept, end = fit(X, y, None, FAMILY[name])
        separable = is_separable(X, y)
        said[separable] += 1
        assert (end.separating != ()) == separable, (seed, end)
        assert end.converged != separable, (seed, end)
        assert np.isfinite([*coefficients, intercept]).all()
    assert min(said.values()) >= 5


@pytest.mark.parametrize("name", ["bce", "weighted", "focal", "asymmetric"])
def test_complete_separation_names_its_feature_and_stops(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 2] > 0.3).astype(float)
    coefficients, intercept, end = fit(X, y, None, FAMILY[name])
    assert end.separating == (2,)
    assert not end.converged
    assert end.iterations < 40
    assert ((X @ coefficients + intercept > 0) == (y == 1)).all()
    assert np.abs(X @ coefficients).max() < 1e6


@pytest.mark.parametrize("seed", range(5))
def test_a_feature_that_separates_by_itself_is_named_alone(seed):
    X = np.random.default_rng(seed).normal(size=(25, 5))  # the others matter by chance
    *_, end = fit(X, (X[:, 1] > 0).astype(float))
    assert end.separating == (1,)


def test_features_that_separate_only_together_are_all_named():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] > X[:, 3]).astype(float)
    *_, end = fit(X, y)
    assert set(end.separating) >= {0, 3}


def test_a_flag_that_only_positives_have_is_named_and_harms_nothing_else():
    X, y = simulated(8, n=2000, d=2)
    flag = np.zeros(len(y))
    flag[np.flatnonzero(y)[:8]] = 1
    coefficients, intercept, end = fit(np.column_stack([X, flag]), y)
    assert end.separating == (2,)
    assert coefficients[2] > 1
    others = flag == 0
    there, constant, _ = fit(X[others], y[others])  # the limit of maximum likelihood
    np.testing.assert_allclose([*coefficients[:2], intercept], [*there, constant], atol=2e-3)


def test_beside_a_flag_without_end_a_rare_one_with_an_exception_is_still_fitted():
    y = (np.arange(20_000) % 5 == 0).astype(float)
    X = np.zeros((20_000, 2))
    X[np.flatnonzero(y == 1)[:8], 0] = 1
    X[np.flatnonzero(y == 1)[100:180], 1] = 1
    X[np.flatnonzero(y == 0)[:1], 1] = 1
    coefficients, intercept, end = fit(X, y)
    assert end.separating == (0,)
    assert coefficients[1] + intercept == pytest.approx(np.log(80), abs=1e-3)


def test_the_lack_of_positives_on_one_side_of_a_limit_is_quasi_separation():
    x = np.array([0.0, 0, 0, 0, 1, 1, 1, 2])
    y = np.array([0.0, 0, 0, 0, 0, 1, 1, 1])
    *_, end = fit(x[:, None], y)
    assert end.separating == (0,)


def test_a_row_of_weight_0_neither_separates_nor_keeps_from_it():
    x = np.array([-2.0, -1, 1, 2, 3])
    y = np.array([0.0, 0, 1, 1, 0])
    *_, end = fit(x[:, None], y, np.array([1.0, 1, 1, 1, 0]))
    assert end.separating == (0,)
    *_, end = fit(x[:, None], y, np.ones(5))
    assert end.separating == ()


@pytest.mark.parametrize("smoothing", [1e-6, 1e-3, 0.1])
def test_smoothed_labels_cannot_be_separated(smoothing):
    X = np.random.default_rng(0).normal(size=(200, 2))
    y = (X[:, 0] > 0).astype(float)
    bce = BinaryCrossEntropy(label_smoothing=smoothing)
    coefficients, intercept, end = fit(X, y, None, bce)
    assert end.converged
    assert end.separating == ()
    gradient = BinaryCrossEntropy(label_smoothing=smoothing, from_logits=True).gradient(y, X @ coefficients + intercept)
    assert np.abs(X.T @ gradient).max() / len(y) < 1e-10


@pytest.mark.parametrize("far", [1e2, 1e4, 1e5, 1e6, 1e8])
@pytest.mark.parametrize("n", [30, 3000])
def test_an_outlier_is_not_called_separation(far, n):
    rng = np.random.default_rng(int(far) + n)
    x = rng.normal(size=n)
    y = draw(rng, 0.8 * x)
    x, y = np.append(x, far), np.append(y, 1.0)
    coefficients, intercept, end = fit(x[:, None], y)
    assert (end.separating, end.converged, end.dependent) == ((), True, False)
    residual = y - expit(coefficients[0] * x + intercept)
    assert abs(residual.sum()) < 1e-6 * np.abs(residual).sum()
    assert abs(residual @ x) < 1e-6 * (np.abs(residual) @ np.abs(x))


@pytest.mark.parametrize("positives", [1, 2, 10])
def test_imbalance_of_1_to_10_000_is_not_called_separation(positives):
    rng = np.random.default_rng(positives)
    X = rng.normal(size=(10_000 * positives, 2))
    y = np.zeros(len(X))
    y[:positives] = 1
    X[:positives] *= 0.5  # inside the others
    coefficients, intercept, end = fit(X, y)
    assert (end.separating, end.converged) == ((), True)
    assert expit(X @ coefficients + intercept).sum() == pytest.approx(positives, rel=1e-9)


def test_a_rare_flag_with_a_single_exception_is_not_called_separation():
    X, y = simulated(10, n=100_000, d=1)
    flag = np.zeros(len(y))
    flag[np.flatnonzero(y == 1)[:30]] = 1
    flag[np.flatnonzero(y == 0)[:1]] = 1
    coefficients, intercept, end = fit(np.column_stack([X, flag]), y)
    assert (end.separating, end.converged) == ((), True)
    marked = np.column_stack([X, flag])[flag == 1] @ coefficients + intercept
    assert expit(marked).sum() == pytest.approx(30, rel=1e-9)


def test_thirty_rows_that_nearly_separate():
    x = np.arange(30.0)
    y = (x > 14).astype(float)
    y[[14, 15]] = y[[15, 14]]
    coefficients, intercept, end = fit(x[:, None], y)
    assert (end.separating, end.converged) == ((), True)
    there, constant = by_statsmodels(x[:, None], y, None)
    np.testing.assert_allclose([coefficients[0], intercept], [there[0], constant], rtol=1e-6)


# Dependence


@pytest.mark.parametrize("name", ["bce", "focal", "smoothed"])
def test_a_redundant_column_is_said_and_changes_no_prediction(name):
    X, y = simulated(11)
    wide = np.column_stack([X, X[:, 0] - 2 * X[:, 1] + 3, X[:, 2]])
    coefficients, intercept, end = fit(X, y, None, FAMILY[name])
    assert not end.dependent
    more, constant, end = fit(wide, y, None, FAMILY[name])
    assert end.dependent
    assert end.converged
    np.testing.assert_allclose(wide @ more + constant, X @ coefficients + intercept, atol=1e-9)
    assert more[2] == pytest.approx(more[5], rel=1e-9)  # the smallest coefficients share alike


def test_closely_related_columns_are_not_called_dependent():
    rng = np.random.default_rng(12)
    year = rng.integers(1990, 2021, 500).astype(float)
    X = np.column_stack([year, year**2])
    y = draw(rng, ((year - 2005) / 10) ** 2 - 1)
    coefficients, intercept, end = fit(X, y)
    assert (end.dependent, end.converged) == (False, True)
    z = (year - 2005) / 10
    there, constant, _ = fit(np.column_stack([z, z**2]), y)
    np.testing.assert_allclose(X @ coefficients + intercept, np.column_stack([z, z**2]) @ there + constant, atol=1e-6)


def test_more_features_than_rows():
    rng = np.random.default_rng(13)
    X, y = rng.normal(size=(20, 50)), np.tile([0.0, 1.0], 10)
    coefficients, intercept, end = fit(X, y)
    assert end.dependent
    assert end.separating
    assert ((X @ coefficients + intercept > 0) == (y == 1)).all()


# What cannot be used


@pytest.mark.parametrize("loss", ["weighted(pos_weight=0)", "weighted(neg_weight=0)", "focal(alpha=1)"])
def test_a_class_that_costs_nothing_is_refused(loss):
    X, y = simulated()
    with pytest.raises(ParameterError, match="makes mistakes on one class cost nothing"):
        BinaryClassifier(model="linear", loss=loss).fit(X, y)


@pytest.mark.parametrize("factor", [1e-300, 1e-100, 1e100, 1e298])
def test_units_do_not_matter(factor):
    X, y = simulated(14)
    plain = BinaryClassifier(model="linear").fit(X, y)
    other = BinaryClassifier(model="linear").fit(X * factor, y)
    np.testing.assert_allclose(other.coef_ * factor, plain.coef_, rtol=1e-9)
    np.testing.assert_allclose(other.predict_proba(X * factor), plain.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-300, 1e-40, 1e40, 1e300])
@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_the_unit_of_weights_does_not_matter(factor, model):
    X, y = simulated(15)
    weight = np.random.default_rng(0).exponential(size=len(y)) + 0.1
    plain = BinaryClassifier(model=model, epochs=2).fit(X, y, weight)
    other = BinaryClassifier(model=model, epochs=2).fit(X, y, weight * factor)
    np.testing.assert_allclose(other.decision_function(X), plain.decision_function(X), rtol=1e-5, atol=1e-6)


def test_an_epoch_of_the_history_is_an_iteration():
    X, y = simulated(16)
    model = BinaryClassifier(model="linear", validation=0.25).fit(pd.DataFrame(X, columns=list("abcd")), y)
    losses = [epoch.train_loss for epoch in model.history_.epochs]
    assert losses == sorted(losses, reverse=True)
    assert model.n_iter_ == len(losses) == model.history_.best.epoch
    assert all(epoch.validation_loss is not None for epoch in model.history_.epochs)


@pytest.mark.parametrize("loss", ["bce", "weighted", "focal"])
def test_the_history_ends_with_the_log_loss_of_the_probabilities(loss):
    X, y = simulated(17)
    weight = np.random.default_rng(0).exponential(size=len(y))
    model = BinaryClassifier(model="linear", loss=loss).fit(X, y, weight)
    said = model.history_.epochs[-1].train_loss
    assert said == pytest.approx(log_loss(y, model.predict_proba(X), sample_weight=weight), rel=1e-12)
