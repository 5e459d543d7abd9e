"""A run scores tables in memory as `logloss predict` scores files, from whichever library they come."""

import shutil

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from logloss.core.errors import RunError, TableError
from logloss.training import BinaryClassifier, read_run, train
from tests.command_line import customers, done, write

TABLE = customers(200)
SMALL = {"mlp": {"epochs": 3, "hidden": (8,)}, "linear": {}}
KINDS = {
    "pandas": lambda frame: frame,
    "pandas with an index": lambda frame: frame.set_axis(np.arange(len(frame))[::-1] * 3),
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "dict of arrays": lambda frame: {name: frame[name].to_numpy() for name in frame},
    "dict of lists": lambda frame: {name: frame[name].tolist() for name in frame},
    "dict of series": lambda frame: {name: frame[name].set_axis(frame.index[::-1]) for name in frame},
    "dict of polars": lambda frame: {name: pl.from_pandas(frame)[name] for name in frame},
    "dict of pyarrow": lambda frame: {name: pa.array(frame[name], from_pandas=True) for name in frame},
}


@pytest.fixture(scope="module", params=SMALL)
def run(request, tmp_path_factory):
    """A finished run whose weights moved the probabilities, and were undone. It is only looked at."""
    folder = tmp_path_factory.mktemp(request.param)
    path = write(TABLE, folder / "customers.csv")
    model = request.param
    return train(path, target="churn", loss="weighted", model=model, out=folder / "run", **SMALL[model])


@pytest.fixture(scope="module")
def expected(run):
    """What `logloss predict` writes."""
    out = run.path.parent / "p.parquet"
    done("predict", run.path, run.path.parent / "customers.csv", "--out", out, "--columns", "")
    return pd.read_parquet(out)["probability"].to_numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_every_library_gets_what_predict_writes(run, expected, kind):
    made = run.predict_proba(KINDS[kind](TABLE))
    assert made.dtype == np.float64
    np.testing.assert_array_equal(made, expected)


def test_a_run_that_is_read_scores_as_the_one_that_was_trained(run, expected):
    again = read_run(run.path)
    np.testing.assert_array_equal(again.predict_proba(TABLE), expected)
    np.testing.assert_array_equal(again.predict_proba(TABLE.drop(columns="churn").assign(shoe=42)), expected)
    np.testing.assert_allclose(again.predict_proba(TABLE.iloc[[7], ::-1]), expected[[7]], rtol=1e-13)
    assert again.predict_proba(TABLE.iloc[:0]).shape == (0,)
    assert again.model.recipe == run.model.recipe


def test_several_targets_are_columns_in_their_order(tmp_path):
    frame = TABLE.assign(late=(TABLE["age"].fillna(50) > 55).astype(int))
    path = write(frame, tmp_path / "t.csv")
    run = train(path, target=["late", "churn"], out=tmp_path / "run", **SMALL["mlp"])
    done("predict", run.path, path, "--out", tmp_path / "p.parquet", "--columns", "")
    written = pd.read_parquet(tmp_path / "p.parquet")
    assert list(written) == ["probability_late", "probability_churn"]
    np.testing.assert_array_equal(run.predict_proba(frame), written.to_numpy())


def test_columns_without_names_are_numbered(tmp_path):
    path = write(TABLE, tmp_path / "t.csv", header=False)
    run = train(path, target="4", header=False, model="linear", out=tmp_path / "run")
    done("predict", run.path, path, "--out", tmp_path / "p.parquet", "--columns", "")
    written = pd.read_parquet(tmp_path / "p.parquet")["probability"]
    np.testing.assert_array_equal(run.predict_proba(TABLE.set_axis(range(5), axis=1)), written)


def test_what_training_never_saw_is_warned_of_where_it_was_asked(run):
    with pytest.warns(UserWarning, match='Column "plan": 200 rows hold values .* such as "platinum"') as caught:
        run.predict_proba(TABLE.assign(plan="platinum"))
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TABLE.drop(columns="age"), 'The table lacks the column "age", which training had.'),
        (TABLE.assign(age=np.inf), 'Column "age" holds 200 infinite values, the first in row 1.'),
        (TABLE.assign(age="old"), 'Row 1 of the column "age" is "old"; expected a number, as in training.'),
        (TABLE.to_numpy(), "Something of type ndarray is not a table; expected a frame of pandas or polars, a Table"),
        (TABLE["age"], "Something of type Series is not a table"),
        (pl.Series([1.0]), "Something of type Series is not a table"),
        ({"age": 41, "plan": "gold"}, 'Give each as many values, an entry a row, such as {"age": [22, 35]}.'),
        ({"age": [41, 42], "plan": ["gold"]}, "Give each as many values"),
        ({"age": np.zeros((2, 2))}, "Give each as many values"),
        ({}, "The table lacks the columns "),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(run, table, sentence):
    with pytest.raises(TableError) as refusal:
        run.predict_proba(table)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_that_was_damaged_meanwhile_scores_nothing(run, tmp_path):
    folder = shutil.copytree(run.path, tmp_path / "run")
    read = read_run(folder)
    (folder / "features.json").write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        read.predict_proba(TABLE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimator_takes_the_same_tables(kind):
    X, y = TABLE.drop(columns="churn"), TABLE["churn"]
    plain = BinaryClassifier(model="linear").fit(X, y).predict_proba(X)
    made = BinaryClassifier(model="linear").fit(KINDS[kind](X), y)
    assert list(made.feature_names_in_) == list(X)
    np.testing.assert_array_equal(made.predict_proba(KINDS[kind](X)), plain)
