"""`logloss predict`: the same row gets the same probability wherever it stands, and each column is accounted for."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import xlogy

from logloss.tables.decision_threshold import DecisionThreshold
from logloss.training import read_run, split
from logloss.training.tables import read_table
from tests.command_line import LINEAR, QUICK, config, customers, done, logloss, metrics, refused, strict_json, write

TABLE = customers(200).assign(id=[f"c{i}" for i in range(200)], city=[f"city {i % 17}" for i in range(200)])


@pytest.fixture(scope="module", params=["mlp", "linear"])
def run(request, tmp_path_factory):
    """A finished run of either model. It is only looked at."""
    folder = tmp_path_factory.mktemp(request.param)
    write(TABLE, folder / "customers.csv")
    options = LINEAR if request.param == "linear" else ("--epochs", 5, "--hidden", 16)
    done("train", folder / "customers.csv", "--target", "churn", "--out", folder / "run", *options)
    return folder / "run"


@pytest.fixture(scope="module")
def expected(run):
    """The probabilities of the whole table, as the library gives them."""
    return read_run(run).predict_proba(read_table(run.parent / "customers.csv").frame)


def predict(run, frame, *options, name="table.csv", out="p.csv"):
    """What `logloss predict` writes for a table."""
    path = run.parent / name
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else write(frame, path)
    said = logloss("predict", run, path, "--out", run.parent / out, *options)
    assert said.code == 0, said
    rows = "1 row with its probability is" if len(frame) == 1 else f"{len(frame)} rows with their probability are"
    assert said.out == f"{rows} in {run.parent / out}.\n"
    return pd.read_parquet(run.parent / out) if out.endswith("parquet") else pd.read_csv(run.parent / out)


def refuse(run, frame, *options):
    out = run.parent / "refused.csv"
    said = refused("predict", run, write(frame, run.parent / "bad.csv"), "--out", out, *options)
    assert not out.exists()
    return said


# ---------------------------------------------------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------------------------------------------------


def test_probabilities_are_those_of_the_metrics(run):
    table = predict(run, TABLE)
    labels = table["churn"].to_numpy(float)
    _, validation = split.at_random(labels[:, None], 0.2, 0)
    y, p = labels[validation], table["probability"].to_numpy()[validation]
    facts = metrics(run)
    assert len(validation) == facts["n_validation"]
    [label] = facts["labels"]
    assert -(xlogy(y, p) + xlogy(1 - y, 1 - p)).mean() == pytest.approx(label["log_loss"], rel=1e-12)
    assert ((p >= 0.5) == (y == 1)).mean() == label["accuracy"]


@pytest.mark.parametrize("out", ["p.csv", "p.csv.gz", "p.tsv", "p.parquet"])
def test_no_digit_is_lost_on_the_way_out(run, expected, out):
    predict(run, TABLE, out=out)
    np.testing.assert_array_equal(read_table(run.parent / out).frame["probability"].to_numpy(), expected)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_probabilities_do_not_depend_on_the_kind_of_file(run, expected, name):
    np.testing.assert_array_equal(predict(run, TABLE, name=name)["probability"], expected)


def test_a_row_alone_gets_the_number_that_it_gets_among_others(run, expected):
    for row in (0, 17, 199):
        alone = predict(run, TABLE.iloc[[row]])
        assert alone["probability"][0] == pytest.approx(expected[row], rel=1e-13)
    few = predict(run, TABLE.iloc[100:103])
    np.testing.assert_allclose(few["probability"], expected[100:103], rtol=1e-13)


def test_the_order_of_rows_and_columns_does_not_matter(run, expected):
    order = np.random.default_rng(0).permutation(len(TABLE))
    table = predict(run, TABLE.iloc[order, ::-1])
    assert list(table.columns) == [*TABLE.columns[::-1], "probability"]
    np.testing.assert_allclose(table["probability"], expected[order], rtol=1e-13)
    assert table["id"].tolist() == TABLE["id"].iloc[order].tolist()


def test_the_label_is_not_needed(run, expected):
    for frame in (TABLE.drop(columns="churn"), TABLE.assign(churn=None), TABLE.assign(churn="who knows")):
        said = logloss("predict", run, write(frame, run.parent / "t.csv"), "--out", run.parent / "p.parquet")
        assert (said.code, said.err) == (0, "")
        np.testing.assert_array_equal(pd.read_parquet(run.parent / "p.parquet")["probability"], expected)


def test_weights_are_not_needed(run, tmp_path):
    write(TABLE.assign(weight=2), tmp_path / "t.csv")
    done("train", tmp_path / "t.csv", "--target", "churn", "--weight", "weight", "--out", tmp_path / "run", *QUICK)
    made = []
    for frame in (TABLE.assign(weight=-1), TABLE):
        done("predict", tmp_path / "run", write(frame, tmp_path / "p.csv"), "--out", tmp_path / "p.parquet")
        made.append(pd.read_parquet(tmp_path / "p.parquet")["probability"].to_list())
    assert made[0] == made[1]


def test_what_training_never_saw_gets_a_probability_all_the_same(run, expected):
    odd = TABLE.assign(plan="platinum", city=None, age=1e12, since="2099-12-31", member=None)
    table = predict(run, odd)
    assert table["probability"].between(0, 1).all()
    new = predict(run, TABLE.assign(city="atlantis"))["probability"]
    assert not np.array_equal(new, expected)
    np.testing.assert_array_equal(new, predict(run, TABLE.assign(city="el dorado"))["probability"])


# ---------------------------------------------------------------------------------------------------------------------
# Columns
# ---------------------------------------------------------------------------------------------------------------------


def test_a_table_keeps_its_columns_and_gains_one(run):
    table = predict(run, TABLE, out="p.parquet")
    assert list(table.columns) == [*TABLE.columns, "probability"]
    assert table["probability"].dtype == np.float64
    assert table["since"].equals(TABLE["since"])
    assert table["id"].tolist() == TABLE["id"].tolist()
    assert table["age"].equals(TABLE["age"])


@pytest.mark.parametrize(
    ("columns", "kept"),
    [("id", ["id"]), ("churn,id", ["churn", "id"]), (" id , age", ["id", "age"]), ("", [])],
)
def test_only_the_columns_that_are_wanted_are_kept(run, expected, columns, kept):
    table = predict(run, TABLE, "--columns", columns)
    assert list(table.columns) == [*kept, "probability"]
    np.testing.assert_array_equal(table["probability"], expected)


def test_a_name_with_a_comma_can_be_wanted(run):
    table = predict(run, TABLE.rename(columns={"id": "id, short"}).assign(id=1), "--columns", '"id, short"')
    assert list(table.columns) == ["id, short", "probability"]


def test_more_columns_than_needed_are_told_of_and_kept(run, expected):
    frame = TABLE.assign(shoe=42, hat="none")
    said = logloss("predict", run, write(frame, run.parent / "t.csv"), "--out", run.parent / "p.csv")
    assert said.code == 0
    assert said.err == 'Ignored, because training had no such column: columns "shoe" and "hat".\n'
    assert said.out == f"200 rows with their probability are in {run.parent / 'p.csv'}.\n"
    table = pd.read_csv(run.parent / "p.csv")
    assert list(table.columns) == [*frame.columns, "probability"]
    np.testing.assert_array_equal(table["probability"], expected)


def test_what_was_left_out_in_training_is_not_told_of(tmp_path):
    write(TABLE.assign(number=range(200), constant=1), tmp_path / "t.csv")
    said = done("train", tmp_path / "t.csv", "--target", "churn", "--out", tmp_path / "run", *QUICK, "--drop", "id")
    assert 'Left out column "number": ' in said
    assert done("predict", tmp_path / "run", tmp_path / "t.csv", "--out", tmp_path / "p.csv").startswith("200 rows")
    columns = strict_json((tmp_path / "run" / "features.json").read_text())["columns"]
    assert [column["name"] for column in columns] == ["age", "plan", "since", "member", "city"]
    assert config(tmp_path / "run")["job"]["drop"] == ["id"]


# ---------------------------------------------------------------------------------------------------------------------
# Refusals
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda frame: frame.drop(columns="age"), [], 'The table lacks the column "age", which training had.'),
        (
            lambda frame: frame.rename(columns={"age": "Age"}),
            [],
            'The table lacks the column "age", which training had. Did you mean "Age"?',
        ),
        (
            lambda frame: frame.drop(columns=["age", "plan"]),
            [],
            'The table lacks the columns "age" and "plan", which training had.',
        ),
        (
            lambda frame: frame.assign(age=frame["age"].astype(object).where(frame.index != 4, "old")),
            [],
            'Row 5 of the column "age" is "old"; expected a number, as in training.',
        ),
        (
            lambda frame: frame.assign(since=frame["since"].astype(str).where(frame.index != 4, "long ago")),
            [],
            'Row 5 of the column "since" is "long ago"; expected a date',
        ),
        (
            lambda frame: frame.assign(member=frame["member"].astype(str).where(frame.index != 4, "perhaps")),
            [],
            'Row 5 of the column "member" is "perhaps"; expected true or false, as in training.',
        ),
        (lambda frame: frame.assign(age=np.inf), [], 'Column "age" holds 200 infinite values, the first in row 1.'),
        (
            lambda frame: frame.assign(probability=1),
            [],
            'The table has a column "probability" already. Rename it, or name the columns to keep, without it.',
        ),
        (
            lambda frame: frame,
            ["--columns", "idd"],
            'columns="idd" names no column of the table. Did you mean "id"?',
        ),
        (lambda frame: frame, ["--columns", "id,id"], 'columns names "id" twice. Name it once.'),
        (lambda frame: frame, ["--columns", "id,"], '--columns "id," is not usable; expected names of columns'),
        (lambda frame: frame.iloc[:0], [], "bad.csv holds a header and no rows."),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(run, change, options, sentence):
    assert sentence in refuse(run, change(TABLE), *options)


def test_a_probability_that_stood_there_can_be_left_out(run, expected):
    table = predict(run, TABLE.assign(probability=0.5), "--columns", "id")
    assert list(table.columns) == ["id", "probability"]
    np.testing.assert_array_equal(table["probability"], expected)


def test_a_parquet_file_without_rows_is_refused(run, tmp_path):
    pq.write_table(pa.Table.from_pandas(TABLE.iloc[:0], preserve_index=False), tmp_path / "none.parquet")
    said = refused("predict", run, tmp_path / "none.parquet", "--out", tmp_path / "p.csv")
    assert "no rows" in said
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("p.xlsx", "p.xlsx does not say how to write the table. Name it .parquet, .csv, .tsv or .csv.gz."),
        ("p", "p does not say how to write the table."),
        ("nowhere/p.csv", "p.csv could not be written: there is no folder "),
        ("run", "run does not say how to write the table."),
        ("folder.csv", "folder.csv could not be written: it is a folder."),
    ],
)
def test_a_place_that_cannot_hold_predictions(run, tmp_path, out, sentence):
    (tmp_path / "folder.csv").mkdir()
    said = refused("predict", run, run.parent / "customers.csv", "--out", tmp_path / out)
    assert sentence in said
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_predictions_do_not_take_the_place_of_their_table(run, tmp_path):
    path = write(TABLE, tmp_path / "t.csv")
    before = path.read_bytes()
    assert "Write to another file" in refused("predict", run, path, "--out", tmp_path / "." / "t.csv")
    assert path.read_bytes() == before


def test_a_run_that_is_not_finished_cannot_predict(run, tmp_path):
    half = shutil.copytree(run, tmp_path / "half")
    (half / "model.safetensors").unlink()
    said = refused("predict", half, run.parent / "customers.csv", "--out", tmp_path / "p.csv")
    assert said.endswith(f"Continue it with: logloss train --resume {half}")
    assert "--out" in refused("predict", run, run.parent / "customers.csv")


# ---------------------------------------------------------------------------------------------------------------------
# Decisions
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["d.csv", "d.parquet"])
def test_a_threshold_decides_in_the_words_of_the_target(run, expected, out, tmp_path):
    saved, threshold = tmp_path / "t.json", float(np.median(expected))
    DecisionThreshold(threshold, "theory", 2, 3).save(saved)
    table = predict(run, TABLE, "--threshold", saved, out=out)
    np.testing.assert_array_equal(table["decision"], np.where(table["probability"] >= threshold, 1, 0))
    assert 0 < table["decision"].mean() < 1

    values = TABLE.assign(churn=TABLE["churn"].map({0: "stays", 1: "goes"}))
    done("train", write(values, tmp_path / "words.csv"), "--target", "churn", "--positive", "goes", "--out",
         tmp_path / "words", *LINEAR)  # fmt: skip
    table = predict(tmp_path / "words", values, "--threshold", saved, out=out)
    np.testing.assert_array_equal(table["decision"], np.where(table["probability"] >= threshold, "goes", "stays"))


@pytest.mark.parametrize("threshold", ["0.3", "0", "1", "3e-1"])
def test_a_threshold_may_be_said_as_a_number(run, threshold):
    table = predict(run, TABLE, "--threshold", threshold)
    np.testing.assert_array_equal(table["decision"], np.where(table["probability"] >= float(threshold), 1, 0))


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan", "inf", "30"])
def test_a_number_that_is_no_threshold_is_refused(run, threshold):
    assert f"A threshold of {threshold} is not usable; expected a number" in refuse(
        run, TABLE, f"--threshold={threshold}"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        ("0.4", "is 0.4; expected an object"),
        ("{", "is not JSON"),
        ('{"threshold": 0.4}', "differ in"),
        ('{"threshold": -1, "chosen_by": "theory", "cost_fp": 1, "cost_fn": 1}', "A threshold of -1"),
        ('{"threshold": "a", "chosen_by": "theory", "cost_fp": 1, "cost_fn": 1}', ".threshold is 'a'"),
        ('{"threshold": 0.5, "chosen_by": "luck", "cost_fp": 1, "cost_fn": 1}', ".chosen_by is 'luck'"),
    ],
)
def test_what_is_no_threshold_is_refused_before_anything_is_written(run, tmp_path, content, words):
    saved = tmp_path / "t.json"
    if content is not None:
        saved.write_text(content)
    said = refuse(run, TABLE, "--threshold", saved)
    assert words in said
    assert "--save-threshold FILE" in said


def test_a_column_called_decision_is_not_overwritten(run, tmp_path):
    DecisionThreshold(0.4, "theory", 2, 3).save(tmp_path / "t.json")
    said = refuse(run, TABLE.assign(decision=1), "--threshold", tmp_path / "t.json")
    assert 'has a column "decision" already' in said
