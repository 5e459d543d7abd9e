"""Bad input gets one sentence that says what came and how to mend it; nothing is lost and nothing is left behind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.command_line import QUICK, customers, done, logloss, metrics, refused, write

ROWS = "".join(f"{i},{i % 2}\n" for i in range(40))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with good and bad tables."""
    monkeypatch.chdir(tmp_path)
    good = customers(100)
    write(good, Path("good.csv"))
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused_whole(here: Path, *arguments) -> str:
    """The sentence of a refusal that leaves every file as it was, and no other behind."""
    before = content(here)
    sentence = refused(*arguments)
    assert content(here) == before
    assert not Path("run").exists()
    return sentence


def refuse(here: Path, table: str, *options, target: str = "churn") -> str:
    return refused_whole(here, "train", table, "--target", target, "--out", "run", *QUICK, *options)


# ---------------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------------

FILES = {
    "empty": (b"", "bad.csv is empty; expected a table with a header and rows"),
    "blank": (b"\n\n  \n", "bad.csv "),
    "header only": (b"age,churn\n", "bad.csv holds a header and no rows"),
    "not UTF-8": ("größe,churn\n1,0\n2,1\n".encode("latin-1"), "bad.csv is not UTF-8: byte 2 (line 1) is 0xF6"),
    "binary": (bytes(range(256)) * 8, "bad.csv is binary or damaged"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(100), "bad.csv is "),
    "ragged": (
        b"age,churn\n1,0\n2,1,5\n3,1\n",
        "bad.csv, line 3: 2 fields expected",
    ),
    "a name twice": (b"age,age,churn\n1,2,0\n2,3,1\n", 'bad.csv has more than one column named "age"'),
    "an open quote": (b'age,churn\n1,0\n"2,1\n3,0\n', "bad.csv, line 3: a quote"),
    "cut off": (b"PAR1 and then nothing", "bad.csv is a damaged or incomplete Parquet file"),
    "infinite": (f"age,churn\n{ROWS}inf,0\n-inf,1\n".encode(), "holds 2 infinite values, the first in row 41"),
    "too large": (f"age,churn\n{ROWS}1e400,0\n".encode(), '"1e400" is too large for a number'),
    "too large whole": (f"age,churn\n{ROWS}{10**30},0\n".encode(), "is too large for an integer of 64 bits"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_table(here, kind):
    Path("bad.csv").write_bytes(FILES[kind][0])
    assert FILES[kind][1] in refuse(here, "bad.csv")


def test_no_such_file(here):
    sentence = 'There is no file god.csv. Did you mean "good.csv"?'
    assert refuse(here, "god.csv") == sentence
    assert refuse(here, "good.csv", "--validation-data", "god.csv") == sentence
    Path("folder").mkdir()
    assert "folder is a folder; expected a file." in refuse(here, "folder")
    assert "nor a folder nowhere" in refuse(here, "nowhere/god.csv")


def test_a_device_is_no_table(here):
    assert "/dev/zero is a device or a pipe; expected a file" in refuse(here, "/dev/zero")


@pytest.mark.parametrize(
    ("run", "data", "sentence"),
    [
        ("nowhere", "good.csv", "There is no run folder nowhere."),
        ("empty", "good.csv", "empty is not a run folder"),
        ("run", "godo.csv", 'There is no file godo.csv. Did you mean "good.csv"?'),
        ("run", "empty", "empty is a folder; expected a file."),
    ],
)
def test_predict_says_what_is_not_there_before_anything_heavy_is_imported(here, run, data, sentence):
    Path("empty").mkdir()
    Path("run").mkdir()
    Path("run/config.json").write_text("{}")
    code = """import sys
from logloss.cli.app import run
code = run(sys.argv[1:])
sys.exit(f"{heavy} was imported" if (heavy := {"torch", "sklearn", "pandas"} & set(sys.modules)) else code)"""
    command = [sys.executable, "-c", code, "predict", run, data, "--out", "p.csv"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 2, said.stderr
    assert said.stderr.startswith(f"Error: {sentence}")


# ---------------------------------------------------------------------------------------------------------------------
# Targets and columns
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("chrun", 'The table has no column "chrun". Did you mean "churn"?'),
        ("zebra", 'The table has no column "zebra". The table has "age", "plan", "since", "member", "churn".'),
        ("plan", "holds 3 classes, "),
        ("plan", "it is a multi-class target, whose loss is the categorical cross-entropy."),
        ("since", 'The target "since" holds dates or times; expected labels of two values'),
        ("age", "it looks like a quantity, which is a task for regression"),
        ("churn,plan", 'The target "plan" holds 3 classes'),
        ("churn,churn", 'The target "churn" is named twice.'),
        ("churn,", '--target "churn," is not usable; expected names of columns, such as a,b.'),
        ("", "No target is named."),
    ],
)
def test_a_target_that_is_none(here, target, sentence):
    assert sentence in refuse(here, "good.csv", target=target)


def test_a_positive_value_that_never_occurs(here):
    sentence = refuse(here, "good.csv", "--positive", "maybe")
    assert sentence == 'The target "churn" holds no value "maybe", which is to count as positive. It holds "0", "1".'


def test_one_class_only(here):
    write(customers(100).assign(churn=1), Path("one.csv"))
    assert 'The target "churn" is "1" in all 100 rows that count' in refuse(here, "one.csv")


def test_no_label_at_all(here):
    write(customers(100).assign(churn=""), Path("none.csv"))
    assert 'No row has a value in "churn"' in refuse(here, "none.csv")


def test_labels_with_gaps_are_counted_and_the_rest_is_learnt(here):
    frame = customers(100).astype({"churn": "Int64"})
    frame.loc[:9, "churn"] = pd.NA
    write(frame, Path("gaps.csv"))
    said = done("train", "gaps.csv", "--target", "churn", "--out", "run", *QUICK)
    assert said.startswith('10 of 100 rows are left out: they have no value in "churn".\n')
    assert metrics(Path("run"))["n_train"] == 72


def test_features_that_tell_nothing(here):
    Path("constant.csv").write_text("a,b,churn\n" + "1,x,0\n1,x,1\n" * 20)
    assert refuse(here, "constant.csv").startswith("Every feature is constant or left out")
    Path("alone.csv").write_text("churn\n" + "0\n1\n" * 20)
    said = logloss("train", "alone.csv", "--target", "churn")
    assert said.code == 2
    assert said.err == 'Error: The table has no column besides "churn", so there is nothing to predict from.\n'


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ("wieght", 'weight="wieght" names no column of the table. Did you mean "weight"?'),
        ("plan", 'The weight column "plan" does not hold numbers: row 1 is '),
        ("since", 'The weight column "since" does not hold numbers: row 1 is "2'),
        ("gap", 'The weight column "gap" holds 2 values missing, negative or infinite, the first in row 8.'),
        ("negative", 'The weight column "negative" holds 1 value missing, negative or infinite, the first in row 42.'),
        ("zero", "Every row to train on has weight 0."),
        ("churn", 'weight="churn" names the target itself.'),
    ],
)
def test_weights_that_are_none(here, weight, sentence):
    frame = customers(100).assign(weight=1.0, gap=1.0, negative=2.0, zero=0)
    frame.loc[[7, 50], "gap"] = np.nan
    frame.loc[41, "negative"] = -1
    write(frame, Path("weighted.csv"))
    assert sentence in refuse(here, "weighted.csv", "--weight", weight)


def test_rows_are_counted_as_in_the_file_where_some_are_left_out(here):
    frame = customers(100).assign(weight=1.0).astype({"churn": "Int64"})
    frame.loc[:9, "churn"] = pd.NA
    frame.loc[50, "weight"] = -1
    write(frame, Path("gaps.csv"))
    said = logloss("train", "gaps.csv", "--target", "churn", "--weight", "weight")
    assert said.code == 2
    assert "the first in row 51." in said.err


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("sinse", 'time_column="sinse" names no column of the table. Did you mean "since"?'),
        ("plan", 'The time column "plan" holds text that is no date in one format, such as "'),
        ("gap", 'The time column "gap" has 2 gaps.'),
        ("never", 'The time column "never" has one moment only'),
        ("churn", 'time_column="churn" names the target itself.'),
    ],
)
def test_times_that_are_none(here, column, sentence):
    frame = customers(100).assign(never="2024-05-31", gap=1.0)
    frame.loc[[7, 50], "gap"] = np.nan
    write(frame.assign(plan=frame["plan"].fillna("basic")), Path("timed.csv"))
    assert sentence in refuse(here, "timed.csv", "--time-column", column)


# ---------------------------------------------------------------------------------------------------------------------
# Splits
# ---------------------------------------------------------------------------------------------------------------------


def test_too_few_rows_to_split(here):
    Path("two.csv").write_text("age,churn\n1,0\n2,1\n")
    assert "2 rows cannot be split so that 20% of them validate" in refuse(here, "two.csv")


@pytest.mark.parametrize("rate", [0, 1])
def test_one_class_only_to_train_on(here, rate):
    frame = customers(100).sort_values("since", ignore_index=True)
    write(frame.assign(churn=np.where(frame.index < 90, rate, 1 - rate)), Path("timed.csv"))
    sentence = refuse(here, "timed.csv", "--time-column", "since")
    these = "All are" if rate else "None is"
    assert f'{these} positive in "churn" among the ' in sentence
    assert "learning takes rows of both classes" in sentence


def test_one_row_of_a_class_is_learnt_from(here):
    Path("few.csv").write_text("age,churn\n1,0\n2,1\n3,0\n4,0\n5,0\n")
    said = done("train", "few.csv", "--target", "churn", *QUICK)
    assert '"churn" is "1" in 25.0 % of the 4 rows to train on; 1 row validates.' in said


def test_one_row_of_each_class_is_too_little(here):
    Path("two.csv").write_text("age,churn\n1,0\n2,1\n")
    assert "and learning takes rows of both classes. Add some" in refuse(here, "two.csv", "--validation", 0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame.drop(columns="age"), 'other.csv: The table lacks the column "age", which training had.'),
        (lambda frame: frame.assign(age="old"), 'other.csv: Row 1 of the column "age" is "old"; expected a number'),
        (lambda frame: frame.drop(columns="churn"), 'other.csv: The table has no column "churn".'),
        (lambda frame: frame.assign(churn="perhaps"), 'other.csv: The target "churn" '),
        (
            lambda frame: frame.drop(columns="weight"),
            'other.csv: weight="weight" names no column of the table. It has "age"',
        ),
        (lambda frame: frame.assign(weight=-1), 'other.csv: The weight column "weight" holds 100 values'),
        (lambda frame: frame.assign(weight=0), "Every row to validate on has weight 0."),
    ],
)
def test_another_table_that_does_not_fit(here, change, sentence):
    frame = customers(100).assign(weight=1.0)
    write(frame, Path("first.csv"))
    write(change(frame), Path("other.csv"))
    assert sentence in refuse(here, "first.csv", "--validation-data", "other.csv", "--weight", "weight")


def test_validating_on_the_rows_that_train_is_said(here):
    write(customers(100), Path("first.csv"))
    Path("copy.csv").write_bytes(Path("first.csv").read_bytes())
    said = logloss("train", "first.csv", "--target", "churn", "--validation-data", "copy.csv", "--epochs", "1")
    assert said.code == 0
    assert "copy.csv holds the very rows that are trained on" in said.out + said.err


def test_a_frame_is_not_the_path_of_a_table(here):
    from logloss.training import train

    with pytest.raises(ValueError, match=r"data is a DataFrame; expected the path .*BinaryClassifier"):
        train(customers(20), target="churn", out="run")
    with pytest.raises(ValueError, match="target=3 is not usable"):
        train("first.csv", target=3, out="run")


# ---------------------------------------------------------------------------------------------------------------------
# Options
# ---------------------------------------------------------------------------------------------------------------------

OPTIONS = {
    "--los bce": 'No such option: --los. Did you mean "--loss"? See: logloss train --help',
    "--loss focl": 'Did you mean "focal"?',
    "--loss focal(gama=2)": 'focal has no option "gama"; known are gamma, alpha',
    "--loss weighted(pos_weigth=2)": 'weighted has no option "pos_weigth"',
    "--loss focal(gamma=-1)": "gamma=-1.0 is out of range; expected a number that is between 0 and 1e6",
    "--loss focal(gamma=x)": "'x' is not a number",
    "--loss focal(": "'focal(' is not the spelling of a loss",
    "--loss weighted(pos_weight=(1,2))": "pos_weight has 2 entries for 1 label; expected one a label.",
    "--loss smoothed(label_smoothing=2)": "label_smoothing=2.0 is out of range; expected a number that is ",
    "--model liner": 'Did you mean "linear"?',
    "--model linear": "--hidden is an option of the network; --model linear has no use for it.",
    "--hidden 99999999,99999999": "does not fit into this machine's memory. Say fewer units.",
    "--drop paln": 'drop="paln" names no column of the table. Did you mean "plan"?',
    "--drop churn": 'drop="churn" names the target itself.',
    "--drop age,plan,since,member": "The table has no column besides ",
    "--epochs 0": "epochs=0 is not usable; expected a whole number of at least 1",
    "--epochs ten": "Invalid value for '--epochs'",
    "--epochs 2.5": "Invalid value for '--epochs'",
    "--batch-size 0": "batch_size=0 is not usable; expected a whole number of at least 1",
    "--hidden a,b": '--hidden "a,b" is not usable; expected whole numbers, such as 64,32',
    "--hidden 0": "hidden=(0,) is not usable",
    "--learning-rate -1": "learning_rate=-1.0 is not usable; expected a positive number",
    "--learning-rate nan": "learning_rate=nan is not usable; expected a positive number",
    "--learning-rate fast": "Invalid value for '--learning-rate'",
    "--seed -1": "seed=-1 is not usable; expected a whole number",
    "--seed 99999999999999999999": "seed=99999999999999999999 is not usable",
    "--validation 1.5": "validation=1.5 is not usable; expected a share of the rows between 0 and 1, such as 0.2",
    "--validation 0": "validation=0.0 is not usable; expected a share of the rows",
    "--validation nan": "validation=nan is not usable; expected a share of the rows",
    "--validation half": "Invalid value for '--validation'",
    "--validation-data good.csv --time-column since": "validation_data and time_column both say which rows validate.",
    "second.csv": "Got unexpected extra argument",
    "--target": "Option '--target' requires an argument",
    "--resume elsewhere": "another table was given too. Leave that out, or train anew",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_an_option_that_cannot_be_meant(here, options):
    assert OPTIONS[options] in refuse(here, "good.csv", *options.split(" "))


@pytest.mark.parametrize("option", ["--loss focl", "--epochs 0", "--validation 1.5", "--out good.csv"])
def test_a_wrong_option_is_found_before_a_table_is_read(here, option, monkeypatch):
    monkeypatch.setattr("logloss.training.preparation.read_table", None)
    refuse(here, "good.csv", *option.split())


def test_a_run_is_resumed_as_it_was_begun(here):
    for option in (("--epochs", 9), ("--target", "churn"), ("--no-header",), ("--seed", 0)):
        sentence = refused_whole(here, "train", "--resume", "elsewhere", *option)
        assert f"and {option[0]} was given too" in sentence


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("train", "There is no table. Say what to learn from and what to predict: logloss train DATA --target COL"),
        ("train good.csv", "There is no --target. Say what to learn from and what to predict"),
        ("train --target churn", "There is no table."),
        ("trian good.csv", "No such command 'trian'. Did you mean 'train'? See: logloss --help"),
        ("--verson", 'No such option: --verson. Did you mean "--version"? See: logloss --help'),
        ("predict", "See: logloss predict --help"),
        ("predict nosuch good.csv --out p.csv", "There is no run folder nosuch. `logloss train` makes one."),
        ("report nosuch", "There is no run folder nosuch."),
        ("report .", ". is not a run folder: it holds no config.json."),
        ("report good.csv", "Line 1 of good.csv is not an epoch: 'age,plan,since,member,churn'"),
        ("train --resume nosuch", "There is no run folder nosuch."),
        ("train --resume .", ". is not a run folder: it holds no config.json."),
        ("demo --loss focl", 'Did you mean "focal"?'),
    ],
)
def test_a_command_that_lacks_something(here, command, sentence):
    assert sentence in refused_whole(here, *command.split())


@pytest.mark.parametrize("rate", ["1e30", "1e6"])
def test_a_training_that_diverges_says_so_and_leaves_nothing(here, rate):
    sentence = refuse(here, "good.csv", "--learning-rate", rate, "--epochs", 5)
    assert sentence.startswith("Training diverged in epoch ")
    assert "the network no longer gives numbers. Use a smaller learning rate than 1e+" in sentence
    done("train", "good.csv", "--target", "churn", "--out", "run", *QUICK)  # the name is free again


def test_an_empty_folder_that_was_there_stays(here):
    Path("mine").mkdir()
    refused("train", "good.csv", "--target", "churn", "--out", "mine", *QUICK, "--learning-rate", 1e30)
    assert Path("mine").is_dir()
    assert not list(Path("mine").iterdir())


# ---------------------------------------------------------------------------------------------------------------------
# Where a run cannot be kept
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("good.csv", "good.csv exists already and is not an empty folder. Name another one."),
        ("full", "full exists already and is not an empty folder. Name another one."),
        ("good.csv/run", "The folder good.csv/run cannot be made: Not a directory. Name another one."),
        ("/proc/run", "The folder /proc/run cannot be made: "),
        ("x" * 300, "cannot be made: File name too long. Name another one."),
        ("dangling", "dangling"),
    ],
)
def test_a_place_that_cannot_hold_a_run(here, out, sentence):
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    Path("dangling").symlink_to("nowhere/at/all")
    before = content(here)
    assert sentence in refused("train", "good.csv", "--target", "churn", "--out", out, *QUICK)
    assert content(here) == before


def test_a_run_is_not_written_over(here):
    command = ("train", "good.csv", "--target", "churn", "--out", "run", *QUICK)
    done(*command)
    before = content(here)
    assert refused(*command) == "run holds a run already. Name another folder."
    Path("run/model.safetensors").unlink()
    assert refused(*command) == (
        "run holds a run already. Name another folder, or continue that run with: logloss train --resume run"
    )
    Path("run/model.safetensors").write_bytes(before[str(here / "run/model.safetensors")])
    assert content(here) == before


def test_an_empty_folder_is_good_enough(here):
    Path("run").mkdir()
    done("train", "good.csv", "--target", "churn", "--out", "run", *QUICK)
