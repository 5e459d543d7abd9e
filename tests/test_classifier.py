"""The estimator keeps the promises of scikit-learn, and takes tables as they come."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from logloss import BinaryCrossEntropy
from logloss.core.errors import LabelError, LogLossError, ParameterError, SpellingError, TableError
from logloss.training import BinaryClassifier

LINEAR = BinaryClassifier(model="linear")
MLP = BinaryClassifier(model="mlp", epochs=10, hidden=(8,))
both = pytest.mark.parametrize("classifier", [LINEAR, MLP], ids=["linear", "mlp"])


def expected_to_fail(classifier):
    if classifier.model == "linear":
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "the batches and the split are made of rows, not of weights",
    }


@parametrize_with_checks([LINEAR, MLP], expected_failed_checks=expected_to_fail)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def numbers(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, (rng.random(n) < expit(2 * X[:, 0] - X[:, 1])).astype(int)


def table(n=300, seed=0):
    """A table with every kind of column and gaps, and labels that depend on all of them."""
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.normal(40, 10, n)),
            "colour": pd.Series(rng.choice(["red", "green", "blue"], n)).where(rng.random(n) > 0.05),
            "town": rng.choice([f"town {i}" for i in range(20)], n),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"]),
            "member": rng.random(n) < 0.5,
            "since": when,
        }
    )
    logits = 1.5 * (frame["colour"] == "red") + 0.05 * (frame["age"].fillna(40) - 40) + frame["member"] - 1
    return frame, np.where(rng.random(n) < expit(logits), "yes", "no")


@both
def test_tables_with_categories_dates_and_gaps(classifier):
    frame, y = table()
    model = clone(classifier).fit(frame, y)
    assert model.n_features_in_ == 6
    assert list(model.feature_names_in_) == list(frame.columns)
    assert list(model.classes_) == ["no", "yes"]
    assert "age is missing" in model.feature_names_out_
    probabilities = model.predict_proba(frame)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert set(model.predict(frame)) <= {"no", "yes"}
    assert roc_auc_score(y == "yes", probabilities[:, 1]) > 0.6


@both
def test_a_row_has_one_answer_whatever_stands_beside_it(classifier):
    frame, y = table()
    model = clone(classifier).fit(frame, y)
    together = model.decision_function(frame)
    np.testing.assert_allclose(model.decision_function(frame[::-1])[::-1], together, rtol=1e-12, atol=1e-12)
    alone = [model.decision_function(frame.iloc[[i]])[0] for i in range(5)]
    np.testing.assert_allclose(alone, together[:5], rtol=1e-12, atol=1e-12)
    new = frame.iloc[:2].assign(colour="violet", town=None, age=np.nan)
    assert np.isfinite(model.decision_function(new)).all()


@both
def test_polars_frames_give_the_same_bits(classifier):
    frame, y = table()
    pandas = clone(classifier).fit(frame, y)
    polars = clone(classifier).fit(pl.from_pandas(frame), pl.Series(y))
    np.testing.assert_array_equal(polars.decision_function(pl.from_pandas(frame)), pandas.decision_function(frame))
    np.testing.assert_array_equal(polars.predict(frame), pandas.predict(frame))


@both
def test_an_array_keeps_every_column_and_a_table_leaves_out_what_numbers_its_rows(classifier):
    rows = np.arange(200.0)
    y = (np.sin(rows) + rows / 100 > 1).astype(int)
    X = np.column_stack([rows, np.cos(rows)])
    assert len(clone(classifier).fit(X, y).feature_names_out_) == 2
    frame = pd.DataFrame(X, columns=["id", "cosine"])
    assert list(clone(classifier).fit(frame, y).feature_names_out_) == ["cosine"]


@both
def test_an_index_means_nothing(classifier):
    frame, y = table()
    shuffled = frame.set_axis(np.random.default_rng(0).permutation(len(frame)))
    weight = pd.Series(np.linspace(0, 1, len(frame)), index=shuffled.index)
    one = clone(classifier).fit(shuffled, pd.Series(y, index=shuffled.index), weight)
    other = clone(classifier).fit(frame, y, weight.to_numpy())
    np.testing.assert_array_equal(one.decision_function(shuffled), other.decision_function(frame))


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["a", "b"], ["a", "b"]),
        ([False, True], [False, True]),
        ([-1, 1], [-1, 1]),
        ([0.0, 1.0], [0.0, 1.0]),
        ([2, 10], [2, 10]),
    ],
)
@pytest.mark.parametrize("container", [np.array, list, pd.Series, lambda y: pd.Series(y).astype("category"), pl.Series])
def test_two_classes_of_any_name(y, classes, container):
    X, coded = numbers()
    model = clone(LINEAR).fit(X, container([y[code] for code in coded]))
    assert model.classes_.tolist() == classes
    plain = clone(LINEAR).fit(X, coded)
    assert model.predict(X).tolist() == [classes[code] for code in plain.predict(X)]
    np.testing.assert_array_equal(model.coef_, plain.coef_)


def test_the_second_class_is_the_positive_one():
    X, y = numbers()
    model = clone(LINEAR).fit(X, y)
    z = model.decision_function(X)
    np.testing.assert_allclose(z, X @ model.coef_[0] + model.intercept_[0], rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), (z > 0).astype(int))
    np.testing.assert_allclose(model.predict_proba(X), np.column_stack([expit(-z), expit(z)]), rtol=1e-15)


def test_an_improbable_class_keeps_its_probability():
    X = np.linspace(-1, 1, 200)[:, None]
    y = (np.sin(40 * X[:, 0]) + X[:, 0] > 0).astype(int)
    model = clone(LINEAR).fit(X, y)
    far = np.array([[100.0], [-100.0]]) / model.coef_[0]
    np.testing.assert_allclose(model.predict_proba(far).min(axis=1), np.exp(-100), rtol=10)


# Several labels


def several(n=300):
    X, _ = numbers(n)
    rng = np.random.default_rng(1)
    return X, (rng.random((n, 4)) < expit(X[:, [0, 1, 2, 0]] - [0, 0.5, 1, -1])).astype(int)


@both
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_matrix, lambda Y: Y.astype(bool).tolist()])
def test_several_labels_with_a_weight_each(classifier, container):
    X, Y = several()
    loss = BinaryCrossEntropy(pos_weight=(1.0, 2.0, 3.0, 4.0), neg_weight=(1.0, 1.0, 2.0, 2.0))
    model = clone(classifier).set_params(loss=loss).fit(X, container(Y))
    assert model.predict(X).shape == model.predict_proba(X).shape == Y.shape
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X) > 0)
    np.testing.assert_array_equal(model.predict_proba(X), expit(model.decision_function(X)))
    assert model.classes_.tolist() == [0, 1]
    # Weights are undone, label by label.
    np.testing.assert_allclose(model.predict_proba(X).mean(axis=0), Y.mean(axis=0), atol=0.1)


def test_several_labels_are_balanced_one_by_one():
    X, Y = several()
    spelled = clone(LINEAR).set_params(loss="weighted").fit(X, Y)
    given = clone(LINEAR).set_params(loss=BinaryCrossEntropy.balanced(Y)).fit(X, Y)
    np.testing.assert_allclose(spelled.coef_, given.coef_, rtol=1e-9)
    np.testing.assert_allclose(spelled.intercept_, given.intercept_, rtol=1e-9)


# Tools of scikit-learn


@both
def test_clone_search_and_cross_validation(classifier):
    frame, y = table()
    frame = frame[["age", "colour", "size", "member"]]
    scores = cross_val_score(clone(classifier), frame, y, cv=3, scoring="neg_log_loss")
    assert scores.mean() > np.log(0.5)
    search = GridSearchCV(
        clone(classifier), {"loss": ["bce", BinaryCrossEntropy.focal(gamma=4)]}, cv=3, scoring="neg_log_loss"
    )
    search.fit(frame, y)
    assert search.best_params_["loss"] == "bce"  # focus distorts probabilities
    chosen = clone(search.best_estimator_)
    assert not hasattr(chosen, "model_")
    assert chosen.get_params() == search.best_estimator_.get_params()


@both
def test_in_a_pipeline(classifier):
    X, y = numbers()
    pipeline = make_pipeline(StandardScaler(), clone(classifier)).fit(X, y)
    assert pipeline.score(X, y) > 0.65


@both
def test_a_pickle_gives_the_same_bits(classifier):
    frame, y = table()
    model = clone(classifier).fit(frame, y)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 -- our own
    np.testing.assert_array_equal(again.decision_function(frame), model.decision_function(frame))
    assert again.history_ == model.history_


def test_it_prints_what_was_chosen():
    assert (
        repr(BinaryClassifier("linear", "focal(gamma=3)")) == "BinaryClassifier(loss='focal(gamma=3)', model='linear')"
    )


@both
def test_asking_before_fitting_is_refused(classifier):
    with pytest.raises(NotFittedError):
        clone(classifier).predict([[1.0]])


# Weights


def test_integer_weights_are_repeated_rows():
    frame, y = table(400)
    frame = frame[["age", "member", "size"]]
    times = np.random.default_rng(0).integers(0, 4, len(y))
    for loss in ("bce", "focal", "smoothed", "weighted", "weighted(pos_weight=3)"):
        model = clone(LINEAR).set_params(loss=loss)
        weighted = clone(model).fit(frame, y, times)
        repeated = clone(model).fit(frame.loc[frame.index.repeat(times)], y.repeat(times))
        # Gaps are filled with another median, which the column that says where they are makes good.
        np.testing.assert_allclose(
            weighted.decision_function(frame), repeated.decision_function(frame), rtol=1e-9, atol=1e-9, err_msg=loss
        )


@both
def test_a_row_of_weight_0_is_as_if_it_were_not_there(classifier):
    frame, y = table()
    weight = np.random.default_rng(0).integers(0, 2, len(y))
    strange = frame.assign(
        age=np.where(weight == 0, 1e9, frame["age"]), town=np.where(weight == 0, "Atlantis", frame["town"])
    )
    weighted = clone(classifier).fit(strange, y, weight)
    without = clone(classifier).fit(frame[weight == 1], y[weight == 1])
    np.testing.assert_array_equal(weighted.decision_function(frame), without.decision_function(frame))


def test_weights_of_one_are_none():
    X, y = numbers()
    for classifier in (LINEAR, MLP):
        plain = clone(classifier).fit(X, y).decision_function(X)
        np.testing.assert_array_equal(clone(classifier).fit(X, y, np.ones(len(y))).decision_function(X), plain)
        np.testing.assert_allclose(
            clone(classifier).fit(X, y, np.full(len(y), 7.0)).decision_function(X), plain, rtol=1e-6
        )


# Chance


def test_one_seed_gives_the_same_bits():
    frame, y = table()
    first, second = (clone(MLP).fit(frame, y) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(frame), second.decision_function(frame))
    assert [e.train_loss for e in first.history_.epochs] == [e.train_loss for e in second.history_.epochs]
    other = clone(MLP).set_params(random_state=1).fit(frame, y)
    assert not np.array_equal(other.decision_function(frame), first.decision_function(frame))


def test_without_a_seed_numpy_decides():
    X, y = numbers()
    model = BinaryClassifier(epochs=2, random_state=None)
    np.random.seed(5)  # noqa: NPY002 -- what scikit-learn draws from when there is no seed
    first, second = (clone(model).fit(X, y).decision_function(X) for _ in range(2))
    assert not np.array_equal(first, second)
    np.random.seed(5)  # noqa: NPY002
    np.testing.assert_array_equal(clone(model).fit(X, y).decision_function(X), first)
    seeded = [BinaryClassifier(epochs=2, random_state=np.random.RandomState(7)).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(*(model.decision_function(X) for model in seeded))


def test_a_seed_leaves_numpy_alone():
    X, y = numbers()
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    clone(MLP).fit(X, y).predict(X)
    assert np.random.random() == expected  # noqa: NPY002


# The loss


@both
def test_a_loss_may_be_an_object_or_its_spelling(classifier):
    X, y = numbers()
    spelled = clone(classifier).set_params(loss="focal(gamma=1.5, alpha=0.4)").fit(X, y).decision_function(X)
    for from_logits, epsilon in ((False, 1e-7), (True, 1e-7), (False, 0.0), (True, 0.1)):
        loss = BinaryCrossEntropy.focal(gamma=1.5, alpha=0.4, from_logits=from_logits, epsilon=epsilon)
        made = clone(classifier).set_params(loss=loss).fit(X, y).decision_function(X)
        np.testing.assert_array_equal(made, spelled)
    assert not np.array_equal(clone(classifier).fit(X, y).decision_function(X), spelled)


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_prior_correction_is_a_shift_and_nothing_else(model):
    X, y = numbers()
    loss = BinaryCrossEntropy(pos_weight=8.0, neg_weight=2.0)
    options = {"model": model, "loss": loss, "epochs": 5}
    corrected = BinaryClassifier(**options).fit(X, y).decision_function(X)
    raw = BinaryClassifier(**options, prior_correction=False).fit(X, y).decision_function(X)
    if model == "linear":
        np.testing.assert_allclose(corrected - raw, -np.log(4), rtol=1e-12)
    else:  # which epoch is the best is judged by the probabilities that are given
        losses = [e.train_loss for e in BinaryClassifier(**options, validation=0).fit(X, y).history_.epochs]
        assert losses[0] < 0.75
        epochs = [BinaryClassifier(**options | {"epochs": 1}, prior_correction=c).fit(X, y) for c in (True, False)]
        np.testing.assert_allclose(
            epochs[0].decision_function(X) - epochs[1].decision_function(X), -np.log(4), rtol=1e-12
        )
        assert not np.array_equal(corrected, raw)


# What cannot be used is refused in a sentence


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "lin"}, ParameterError, ['"lin" is not a model', 'Did you mean "linear"?']),
        ({"model": None}, ParameterError, ["not a model"]),
        ({"loss": "focl"}, SpellingError, ['Did you mean "focal"?']),
        ({"loss": "focal(gama=2)"}, SpellingError, ['Did you mean "gamma"?']),
        ({"loss": 3}, ParameterError, ["loss=3 is not a loss"]),
        ({"loss": BinaryCrossEntropy(pos_weight=(1, 2))}, ParameterError, ["pos_weight has 2 entries"]),
        ({"loss": "weighted(pos_weight=0)"}, ParameterError, ["pos_weight=0.0", "cost nothing"]),
        ({"hidden": 64}, ParameterError, ["hidden=64", "(64, 32)"]),
        ({"hidden": (0,)}, ParameterError, ["hidden=(0,)"]),
        ({"hidden": (8.5,)}, ParameterError, ["hidden=(8.5,)"]),
        ({"hidden": "ab"}, ParameterError, ["hidden="]),
        ({"epochs": 0}, ParameterError, ["epochs=0", "at least 1"]),
        ({"epochs": 2.5}, ParameterError, ["epochs=2.5"]),
        ({"epochs": True}, ParameterError, ["epochs=True"]),
        ({"batch_size": -3}, ParameterError, ["batch_size=-3"]),
        ({"learning_rate": 0}, ParameterError, ["learning_rate=0", "positive"]),
        ({"learning_rate": "fast"}, ParameterError, ["learning_rate='fast'"]),
        ({"learning_rate": np.nan}, ParameterError, ["learning_rate=nan"]),
        ({"learning_rate": 1e12}, ParameterError, ["diverged", "smaller learning rate"]),
        ({"validation": 1.0}, ParameterError, ["validation=1.0"]),
        ({"validation": -0.1}, ParameterError, ["validation=-0.1"]),
        ({"validation": "most"}, ParameterError, ["validation='most'"]),
        ({"validation": np.nan}, ParameterError, ["validation=nan"]),
        ({"validation": 1e-4}, TableError, ["200 rows", "validate"]),
        ({"random_state": -1}, ParameterError, ["random_state=-1"]),
        ({"random_state": "x"}, ValueError, ["'x'"]),
    ],
)
def test_parameters(options, error, words):
    X, y = numbers()
    with pytest.raises(error) as caught:
        BinaryClassifier(**options).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def refusal(*arguments, **options):
    with pytest.raises(ValueError, match=r"\S") as caught:
        BinaryClassifier(**{"model": "linear"} | options).fit(*arguments)
    return str(caught.value)


def test_labels_that_are_not_two_classes():
    X, y = numbers()
    assert "3 classes" in refusal(X, np.arange(200) % 3)
    assert "one class" in refusal(X, np.zeros(200))
    assert "continuous" in refusal(X, y * 0.9)
    assert "NaN" in refusal(X, np.where(y, np.nan, 0.0))
    assert "infinity" in refusal(X, np.where(y, np.inf, 0.0))
    assert "NaN" in refusal(X, pd.array([pd.NA, *y[1:]], dtype="Int64"))
    assert "199" in refusal(X, y[1:])
    assert "each column is 0 or 1" in refusal(X, np.column_stack([y, y + 1]))
    assert "one class of label 1" in refusal(X, np.column_stack([y, 0 * y]))


def test_rows_that_all_weigh_nothing_or_leave_one_class():
    X, y = numbers()
    assert "non-zero" in refusal(X, y, np.zeros(200))
    assert "only one class" in refusal(X, y, y)
    for bad in (-1.0, np.nan, np.inf):
        assert refusal(X, y, np.where(y, bad, 1.0))
    assert "(199,)" in refusal(X, y, np.ones(199))


def test_features_that_cannot_be_used():
    frame, y = table()
    assert 'Column "age" holds 1 infinite value, the first in row 4' in refusal(
        frame.assign(age=np.where(np.arange(300) == 3, np.inf, 1)), y
    )
    assert "infinity" in refusal(np.where(np.arange(300) == 3, np.inf, np.arange(300.0) % 7)[:, None], y)
    assert "constant" in refusal(frame.assign(age=1.0)[["age"]], y)
    model = clone(LINEAR).fit(frame, y)
    with pytest.raises(TableError, match="infinite"):
        model.predict(frame.assign(age=np.inf))
    with pytest.raises(ValueError, match="missing:\n- town"):
        model.predict(frame.drop(columns="town"))
    with pytest.raises(TableError, match='Row 1 of the column "age" is "old"'):
        model.predict(frame.assign(age="old"))


def test_a_column_of_labels_is_warned_of():
    X, y = numbers()
    with pytest.warns(DataConversionWarning):
        clone(LINEAR).fit(X, y[:, None])


# Tables at the edge


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("positives", [1, 2])
@both
def test_a_handful_of_rows(classifier, n, positives):
    X, _ = numbers(n)
    y = np.arange(n) < positives
    if positives == n:
        y[0] = False
    model = clone(classifier)
    if n == 2 and model.model == "mlp":
        with pytest.raises(TableError, match="2 rows cannot be split"):
            model.fit(X, y)
        return
    assert np.isfinite(model.fit(X, y).decision_function(X)).all()


@both
@pytest.mark.parametrize("positives", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_only_positives_are_learnt_from(classifier, positives, seed):
    X, _ = numbers(500)
    y = np.zeros(500)
    y[np.random.default_rng(seed).choice(500, positives, replace=False)] = 1
    model = clone(classifier).set_params(validation=0.3, random_state=seed, epochs=2).fit(X, y)
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(positives / 500, rel=1)


def test_only_positives_of_any_label_are_learnt_from():
    X, Y = several()
    for seed in range(5):
        Y[:, 2] = np.arange(300) == 7 * seed
        Y[:, 3] = np.arange(300) != 11 * seed
        clone(MLP).set_params(random_state=seed, epochs=1).fit(X, Y)


@both
def test_extreme_imbalance(classifier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 2))
    y = rng.random(20_000) < expit(X[:, 0] - 8.5)
    assert 2 <= y.sum() <= 20
    model = clone(classifier).set_params(epochs=2, loss="weighted").fit(X, y)
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=1)


def test_no_warning_is_given_on_the_way():
    frame, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for classifier in (LINEAR, MLP):
            clone(classifier).fit(frame, y).predict_proba(frame)
        clone(LINEAR).fit(frame, frame["member"])  # separated


def test_every_refusal_of_ours_is_a_value_error():
    assert issubclass(LabelError, LogLossError)
    assert issubclass(LabelError, ValueError)
    assert issubclass(ParameterError, ValueError)


# Quality


def fair():
    frame = sm.datasets.fair.load_pandas().data.sample(2000, random_state=0)
    return frame.drop(columns="affairs").to_numpy(), (frame["affairs"] > 0).to_numpy(int)


def breast_cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.mark.parametrize("data", [fair, breast_cancer])
def test_the_network_is_not_worse_than_that_of_scikit_learn(data):
    X, y = data()
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    exact = BinaryCrossEntropy(epsilon=0)

    def losses(model):
        return exact.loss(y, cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1])

    peer = make_pipeline(StandardScaler(), MLPClassifier((64, 32), early_stopping=True, random_state=0, max_iter=500))
    worse = losses(BinaryClassifier()) - losses(peer)
    assert worse.mean() < 2 * worse.std() / np.sqrt(len(y))
