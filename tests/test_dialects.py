"""A table of a few rows is read as the table that trained was written."""

import numpy as np
import pandas as pd
import pytest

from logloss.tables.csv_dialect import sniff
from logloss.training import trainer
from tests.command_line import LINEAR, config, logloss, metrics, write


def german(path, frame):
    """A table with decimal commas: some rows look like thousands, and all could be parted by commas."""
    frame.to_csv(path, index=False, sep=";", decimal=",")
    return path


def measured(rows=120):
    rng = np.random.default_rng(0)
    size = rng.integers(1000, 3000, rows) / 1000
    return pd.DataFrame({"size": size, "kind, own": "a, b", "late": (size + rng.normal(size=rows) > 2).astype(int)})


def without(config, key):
    return {name: entry for name, entry in config.items() if name != key}


def scores(run, path):
    assert logloss("predict", run, path, "--out", path.with_suffix(".parquet")).code == 0
    return pd.read_parquet(path.with_suffix(".parquet"))["probability"].to_numpy()


def test_a_few_rows_are_read_in_the_dialect_of_the_table_that_trained(tmp_path):
    frame = measured()
    table = german(tmp_path / "t.csv", frame)
    options = ("--target", "late", "--out", tmp_path / "run", "--drop", '"kind, own"', *LINEAR)
    assert logloss("train", table, *options).code == 0
    assert config(tmp_path / "run")["dialect"] == {"delimiter": ";", "decimal": ",", "spaced": False}
    expected = scores(tmp_path / "run", german(tmp_path / "all.csv", frame))
    assert np.unique(expected).size > 50
    for row in range(0, len(frame), 10):
        part = frame.iloc[[row]]
        for one in (part, part[["size"]], part[["size", "kind, own"]]):
            np.testing.assert_allclose(
                scores(tmp_path / "run", german(tmp_path / "one.csv", one)), expected[[row]], rtol=1e-12
            )
    english = tmp_path / "english.csv"
    frame.to_csv(english, index=False)
    np.testing.assert_array_equal(scores(tmp_path / "run", english), expected)


def test_rows_that_validate_are_read_in_the_dialect_of_those_that_train(tmp_path):
    frame = measured()
    table = german(tmp_path / "t.csv", frame)
    thousands = frame[(frame["size"] * 1000 % 10 != 0)].groupby("late").head(2)  # each has three digits behind
    other = german(tmp_path / "v.csv", thousands)
    for name, data in (("one", other), ("same", write(thousands, tmp_path / "v2.csv"))):
        options = ("--target", "late", "--out", tmp_path / name, "--validation-data", data, *LINEAR)
        assert logloss("train", table, *options).code == 0
    assert metrics(tmp_path / "one") == metrics(tmp_path / "same")


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_run_may_know_no_dialect(tmp_path, monkeypatch, name):
    frame = measured()[["size", "late"]]
    if name == "t.csv":  # an older run
        of_now = trainer._config
        monkeypatch.setattr(trainer, "_config", lambda *given: without(of_now(*given), "dialect"))
        german(tmp_path / name, frame)
    else:
        frame.to_parquet(tmp_path / name)
    assert logloss("train", tmp_path / name, "--target", "late", "--out", tmp_path / "run", *LINEAR).code == 0
    assert config(tmp_path / "run").get("dialect") is None
    assert len(scores(tmp_path / "run", german(tmp_path / "p.csv", frame))) == len(frame)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("y\tp\tver\n1\t0,8\t1.0\n0\t0,2\t1.0\n1\t0,7\tx\n", ","),  # names or versions speak for no sign
        ("y;p;day\n1;0,8;24.12.\n0;0,2;1.1.\n", ","),
        ("y;p\n1;0,8\n0;\n1;NA\n0;1\n1;1,5e-3\n", ","),
        ("0,8;1\n0,2;2\n", ","),
        ("y;p;note\n1;0.8;1,5 or so\n0;0.2;0,5\n", "."),
        ("y;p;q\n1;0.8;0,5\n0;0.2;1,5\n", "."),
        ("y;p\n1;1,234\n0;5,678\n", "."),  # which may be thousands
        ("y;p;q\n1;1,234;0,5\n0;5,678;1\n", ","),
    ],
)
def test_columns_of_numbers_alone_tell_the_decimal_sign(text, decimal):
    assert sniff(text)[0].decimal == decimal


def test_a_score_with_decimal_commas_is_read_beside_text_with_points(tmp_path):
    table = tmp_path / "v.tsv"
    table.write_text("y\tp\tver\n1\t0,8\t1.0\n0\t0,2\t1.0\n1\t0,7\tx\n")
    said = logloss("evaluate", table, "--label", "y", "--prob", "p", "--by", "ver")
    assert said.code == 0
    assert "Log loss 0.2677 nats." in said.out
