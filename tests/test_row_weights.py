"""Weights of rows: only their ratios count, however large or small they are."""

import numpy as np
import pytest

from logloss.core.errors import WeightError
from logloss.training import BinaryClassifier, train
from tests.command_line import customers, write

SIZES = [5e-324, 1e-200, 1e300, 1.7e308]
models = pytest.mark.parametrize("model", ["linear", "mlp"])


def trained(folder, weight, of="both", **options):
    """A run with weights on the rows that train, those that validate, or both."""
    frame = customers(100)
    paths = {
        name: write(frame.assign(weight=weight if of in (name, "both") else 1.0), folder / f"{name}.csv")
        for name in ("training", "validation")
    }
    small = {} if options.get("model") == "linear" else {"epochs": 2, "hidden": (4,)}
    out = folder / f"run {len(list(folder.iterdir()))}"
    data = {"validation_data": paths["validation"], "target": "churn", "weight": "weight"}
    return train(paths["training"], out=out, **data, **small, **options)


@models
@pytest.mark.parametrize("of", ["training", "validation"])
def test_a_unit_of_weights_changes_nothing(tmp_path, model, of):
    [plain] = trained(tmp_path, 1.0, model=model).metrics.labels
    for size in SIZES:
        run = trained(tmp_path, size, of, model=model)
        [label] = run.metrics.labels
        for name in ("base_rate", "log_loss", "base_rate_loss", "accuracy", "majority_accuracy", "saving_error"):
            assert getattr(label, name) == pytest.approx(getattr(plain, name), rel=1e-12), (size, name)
        assert run.history.base_rate_loss == label.base_rate_loss
        assert sum(label.reliability.count) == pytest.approx(100)


@models
def test_a_row_beside_which_the_others_vanish_is_the_only_one(tmp_path, model):
    weight = np.where(customers(100).index == 3, 1e308, 1e-308)
    run = trained(tmp_path, weight, "validation", model=model)
    [label] = run.metrics.labels
    assert label.accuracy in (0, 1)
    assert np.isfinite(label.log_loss)
    assert sum(label.reliability.count) == pytest.approx(100)


def test_rows_of_weight_0_validate_nothing_in_one_sentence(tmp_path):
    with pytest.raises(WeightError) as refusal:
        trained(tmp_path, 0.0, "validation")
    assert str(refusal.value) == (
        "Every row to validate on has weight 0. Mend the weights, or choose other rows to validate on."
    )


@models
def test_the_estimator_takes_weights_of_any_size(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 2)), rng.random(80) < 0.4
    small = BinaryClassifier(model=model, epochs=2, hidden=(4,))
    plain = small.fit(X, y, np.ones(80)).predict_proba(X)
    for size in SIZES:
        np.testing.assert_allclose(small.fit(X, y, np.full(80, size)).predict_proba(X), plain, rtol=1e-12)
