"""`logloss train` and its siblings do what they say, on every kind of table, target and option."""

import contextlib
import io
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from logloss import __version__, cli
from logloss.cli.app import run
from tests.command_line import (
    LINEAR,
    QUICK,
    config,
    customers,
    done,
    logloss,
    metrics,
    refused,
    strict_json,
    write,
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with a table of customers."""
    monkeypatch.chdir(tmp_path)
    write(customers(), tmp_path / "customers.csv")
    return tmp_path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run on the table of customers with no option but those that make it quick. It is only looked at."""
    folder = tmp_path_factory.mktemp("plain")
    write(customers(), folder / "customers.csv")
    done("train", folder / "customers.csv", "--target", "churn", "--out", folder / "run", *QUICK)
    return folder / "run"


def train(table, *options, target="churn", out="run"):
    """Train quickly; what was printed, and the run's folder."""
    quick = () if "linear" in options else QUICK
    return done("train", table, "--target", target, "--out", out, *quick, *options)


def weights(run):
    return load_file(run / "model.safetensors")


def assert_same_weights(run, other):
    mine, theirs = weights(run), weights(other)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def tsv(frame, path):
    frame.to_csv(path, index=False, sep="\t")


def parquet(frame, path):
    frame.to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("name", "save"),
    [("t.tsv", tsv), ("t.parquet", parquet), ("t.csv.gz", write), ("t.csv.bz2", write), ("no ending", write)],
)
def test_a_table_means_the_same_in_every_kind_of_file(here, plain, name, save):
    save(customers(), here / name)
    train(name)
    assert_same_weights(here / "run", plain)


def test_columns_without_a_header_are_called_by_their_place(here, plain):
    customers().to_csv("bare.csv", index=False, header=False)
    train("bare.csv", "--no-header", target="4")
    assert_same_weights(here / "run", plain)
    done("predict", "run", "bare.csv", "--out", "p.csv")
    assert list(pd.read_csv("p.csv").columns) == ["0", "1", "2", "3", "4", "probability"]


def test_a_header_that_looks_like_data_is_asked_about(here):
    customers()[["age", "churn"]].dropna().to_csv("bare.csv", index=False, header=False)
    said = logloss("train", "bare.csv", "--target", "churn")
    assert "All names in the header are numbers: if the first row is data, say header=False (--no-header)." in said.out
    assert said.code == 2


def test_every_kind_of_column_becomes_a_feature(plain):
    columns = {one["name"]: one for one in strict_json((plain / "features.json").read_text())["columns"]}
    kinds = {name: one["kind"] for name, one in columns.items()}
    assert kinds == {"age": "number", "plan": "category", "since": "date", "member": "number"}
    assert columns["age"]["gaps"]
    assert None in columns["plan"]["levels"]
    assert columns["member"]["source"] == "boolean"


# ---------------------------------------------------------------------------------------------------------------------
# Targets
# ---------------------------------------------------------------------------------------------------------------------

PAIRS = [(0, 1), (-1, 1), ("false", "true"), ("No", "YES"), ("n", "y"), ("negative", "positive"), ("0.0", "1.0")]


@pytest.mark.parametrize(("negative", "positive"), PAIRS)
def test_a_target_means_the_same_however_it_is_spelt(here, plain, negative, positive):
    frame = customers()
    frame["churn"] = np.where(frame["churn"] == 1, positive, negative)
    write(frame, here / "other.csv")
    said = train("other.csv")
    assert_same_weights(here / "run", plain)
    assert re.search(r'^"churn" is \S+ in 3\d\.\d % of the 240 rows to train on; 60 rows validate\.$', said, re.M)


def test_the_positive_value_may_be_any_and_is_said(here, plain):
    frame = customers()
    frame["churn"] = np.where(frame["churn"] == 1, "left us", "stays")
    write(frame, here / "words.csv")
    said = train("words.csv", "--positive", "left us", out="words")
    assert '"churn" is "left us" in ' in said
    assert_same_weights(here / "words", plain)
    [target] = config(here / "words")["targets"]
    assert target == {"name": "churn", "positive": "left us", "negative": "stays"}

    said = train("words.csv", out="chosen")
    assert '"stays" counts as positive and "left us" as negative' in said
    assert "positive=\"left us\" (--positive 'left us') turns that round" in said
    rates = [metrics(here / run)["labels"][0]["base_rate"] for run in ("words", "chosen")]
    assert sum(rates) == pytest.approx(1)


def test_one_value_may_stand_against_all_others(here):
    said = train("customers.csv", "--positive", "gold", target="plan")
    assert '"gold" counts as positive and the other 2 values together as negative' in said
    assert metrics(here / "run")["labels"][0]["base_rate"] == pytest.approx(1 / 3, abs=0.1)


def test_rows_without_a_label_are_left_out_and_counted(here):
    frame = customers().astype({"churn": "Int64"})
    frame.loc[10:30, "churn"] = pd.NA
    write(frame, here / "gaps.csv")
    said = train("gaps.csv")
    assert '21 of 300 rows are left out: they have no value in "churn".' in said
    facts = metrics(here / "run")
    assert facts["n_train"] + facts["n_validation"] == 279


def test_several_labels_are_learnt_at_once(here):
    frame = customers()
    frame["old"] = np.where(frame["age"].fillna(50) > 55, "yes", "no")
    frame["one, two"] = frame["since"] > "2022-03-01"
    write(frame, here / "many.csv")
    said = train("many.csv", target='churn, old, "one, two"')
    labels = metrics(here / "run")["labels"]
    assert [label["name"] for label in labels] == ["churn", "old", "one, two"]
    assert all(label["name"] in said for label in labels)
    done("predict", "run", "many.csv", "--out", "p.parquet", "--columns", "")
    made = pd.read_parquet("p.parquet")
    assert list(made.columns) == ["probability_churn", "probability_old", "probability_one, two"]
    assert made.to_numpy().min() > 0
    assert made.to_numpy().max() < 1


@pytest.mark.parametrize("option", ["--target", "--label"])
def test_target_and_label_are_one_option(here, option):
    done("train", "customers.csv", option, "churn", "--out", "run", *QUICK)
    assert config(here / "run")["job"]["target"] == ["churn"]


# ---------------------------------------------------------------------------------------------------------------------
# Losses, and what they do to probabilities
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "kept"),
    [
        ("weighted(pos_weight=3)", "weighted(pos_weight=3.0)"),
        ("smoothed", "smoothed(label_smoothing=0.1)"),
        ("focal(gamma=3, alpha=0.5)", "focal(gamma=3.0, alpha=0.5)"),
        ("asymmetric(gamma_neg=2)", "asymmetric(gamma_pos=1.0, gamma_neg=2.0, margin=0.05)"),
    ],
)
def test_a_loss_has_one_spelling(here, spelling, kept):
    train("customers.csv", "--loss", spelling)
    assert config(here / "run")["loss"] == kept


def test_weighted_balances_the_rows_that_train(here):
    train("customers.csv", "--loss", "weighted")
    loss, rate = config(here / "run")["options"]["loss"], metrics(here / "run")["labels"][0]["base_rate"]
    assert loss["pos_weight"] == pytest.approx(1 / (2 * rate))
    assert loss["neg_weight"] == pytest.approx(1 / (2 * (1 - rate)))


def probabilities(run, table="customers.csv"):
    done("predict", run, table, "--out", "p.parquet")
    return pd.read_parquet("p.parquet")["probability"].to_numpy()


@pytest.mark.parametrize("model", [("--epochs", 20, "--hidden", 16), LINEAR])
def test_weighted_probabilities_are_shifted_back_to_the_base_rate(here, model):
    options = ("--loss", "weighted", *model)
    said = train("customers.csv", *options)
    rate = metrics(here / "run")["labels"][0]["base_rate"]
    loss = config(here / "run")["options"]["loss"]
    shift = -math.log(loss["pos_weight"] / loss["neg_weight"])
    assert f"a shift of the logit by {shift:+.3f} moved them back" in said
    assert shift < -0.4
    assert probabilities("run").mean() == pytest.approx(rate, abs=0.05)

    said = train("customers.csv", *options, "--no-prior-correction", out="raw")
    assert "distorted by the class weights, which were not undone" in said
    assert "a shift of the logit" not in said
    assert probabilities("raw").mean() > rate + 0.08


def test_the_shift_is_exactly_what_lies_between_the_two(here):
    options = ("--loss", "weighted(pos_weight=3, neg_weight=0.5)", *LINEAR)
    train("customers.csv", *options)
    train("customers.csv", *options, "--no-prior-correction", out="raw")
    corrected, raw = (np.log(p / (1 - p)) for p in (probabilities("run"), probabilities("raw")))
    np.testing.assert_allclose(corrected - raw, -math.log(6), atol=1e-12)


@pytest.mark.parametrize("loss", ["focal", "asymmetric"])
def test_a_focused_loss_is_said_to_distort_probabilities(here, loss):
    said = train("customers.csv", "--loss", loss)
    assert f"The probabilities are distorted by the loss, {config(here / 'run')['loss']}" in said
    assert "not frequencies" in said


def test_the_plain_loss_is_not_said_to_distort_anything(plain):
    verdict = " ".join(strict_json((plain / "metrics.json").read_text())["verdict"])
    assert "distort" not in verdict
    assert "shift" not in verdict


# ---------------------------------------------------------------------------------------------------------------------
# Models, weights, validation
# ---------------------------------------------------------------------------------------------------------------------


def test_a_linear_model_is_maximum_likelihood(here):
    said = train("customers.csv", *LINEAR, "--validation-data", "customers.csv")
    assert "Maximum likelihood after " in said
    # Where the likelihood is greatest, the mean probability of the rows that train is their base rate.
    assert probabilities("run").mean() == pytest.approx(customers()["churn"].mean(), abs=1e-9)


def test_a_row_of_weight_two_is_a_row_twice(here):
    frame = customers(120)
    frame["times"] = np.random.default_rng(1).integers(0, 4, len(frame))
    write(frame, here / "weighted.csv")
    write(frame.loc[frame.index.repeat(frame["times"])].drop(columns="times"), here / "repeated.csv")
    model = (*LINEAR, "--validation-data")
    train("weighted.csv", *model, "weighted.csv", "--weight", "times")
    train("repeated.csv", *model, "repeated.csv", out="repeated")
    np.testing.assert_allclose(probabilities("run"), probabilities("repeated"), atol=1e-9)
    weighted, repeated = (metrics(here / run)["labels"][0] for run in ("run", "repeated"))
    for fact in ("base_rate", "validation_rate", "log_loss", "base_rate_loss", "accuracy"):
        assert weighted[fact] == pytest.approx(repeated[fact], rel=1e-9)


def test_a_share_of_the_rows_validates(here):
    train("customers.csv", "--validation", 0.3)
    facts = metrics(here / "run")
    assert (facts["n_train"], facts["n_validation"]) == (210, 90)
    [label] = facts["labels"]
    assert label["validation_rate"] == pytest.approx(label["base_rate"], abs=0.01)  # the same share of positives


def test_another_table_validates(here):
    write(customers(80, seed=1), here / "later.csv")
    train("customers.csv", "--validation-data", "later.csv")
    facts = metrics(here / "run")
    assert (facts["n_train"], facts["n_validation"]) == (300, 80)
    assert facts["labels"][0]["validation_rate"] == pytest.approx(customers(80, seed=1)["churn"].mean())


def test_what_is_odd_in_the_other_table_is_told_of_by_its_name(here):
    frame = customers(80, seed=1).astype({"churn": "Int64"})
    frame.loc[3, "churn"] = pd.NA
    write(frame, here / "later.csv")
    said = train("customers.csv", "--validation-data", "later.csv")
    assert 'later.csv: 1 of 80 rows is left out: it has no value in "churn".' in said


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y %H:%M", "numbers"])
def test_the_latest_rows_validate(here, written):
    frame = customers()
    latest = frame.sort_values("since", kind="stable").tail(60)
    first = frame["since"].nsmallest(241).iloc[-1]  # rows of one moment stay together
    expected = frame[frame["since"] >= first]
    assert len(expected) >= len(latest)
    frame["when"] = frame["since"].dt.strftime(written) if "%" in written else frame["since"].astype("int64")
    write(frame.drop(columns="since"), here / "timed.csv")
    train("timed.csv", "--time-column", "when")
    facts = metrics(here / "run")
    assert facts["n_validation"] == len(expected)
    assert facts["labels"][0]["validation_rate"] == pytest.approx(expected["churn"].mean())


def test_dropped_columns_are_not_learnt_from(here):
    write(customers().drop(columns=["plan", "since"]), here / "less.csv")
    train("customers.csv", "--drop", "plan, since")
    train("less.csv", out="less")
    assert_same_weights(here / "run", here / "less")


# ---------------------------------------------------------------------------------------------------------------------
# Seeds and folders
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(here, model):
    for out, seed in (("run", 7), ("again", 7), ("other", 8)):
        train("customers.csv", "--seed", seed, "--model", model, out=out)
    made = [(here / run / "model.safetensors").read_bytes() for run in ("run", "again", "other")]
    assert made[0] == made[1]
    assert any((weights(here / "run")[name] != other).any() for name, other in weights(here / "other").items())
    told = [(here / run / "metrics.json").read_bytes() for run in ("run", "again")]
    assert told[0] == told[1]


def test_a_run_has_a_folder_of_its_own_without_being_told(here):
    for name in ("customers", "customers-2", "customers-3"):
        said = done("train", "customers.csv", "--target", "churn", *QUICK)
        assert f"The run is in runs/{name}, and its report in runs/{name}/report.html." in said
        assert f"logloss predict runs/{name} DATA --out FILE" in said
        assert (here / "runs" / name / "report.html").is_file()


def test_a_folder_with_blanks_can_be_pasted_from_the_hint(here):
    assert "logloss predict 'my runs/no 1' DATA" in train("customers.csv", out="my runs/no 1")


# ---------------------------------------------------------------------------------------------------------------------
# What is printed
# ---------------------------------------------------------------------------------------------------------------------


def test_json_is_one_document_and_nothing_else(here):
    said = strict_json(train("customers.csv", "--json"))
    assert said["run"] == "run"
    assert said["report"] == "run/report.html"
    kept = strict_json((here / "run" / "metrics.json").read_text())
    assert {key: said[key] for key in ("metrics", "verdict", "notes", "warnings")} == kept
    assert any('"churn" is "1" in' in note for note in said["notes"])


def main(monkeypatch, *arguments):
    """Run the program where the terminal speaks nothing but ASCII; its bytes."""
    monkeypatch.setattr(sys, "argv", ["logloss", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    sys.stdout.flush()
    return sys.stdout.buffer.getvalue()


def test_a_name_that_the_terminal_cannot_write_stops_nothing(here, monkeypatch):
    write(customers(60).rename(columns={"churn": "größe"}), here / "t.csv")
    command = ("train", "t.csv", "--target", "größe", *QUICK)
    said = main(monkeypatch, *command)
    assert rb'"gr\xf6\xdfe" is "1" in' in said
    assert b"Best epoch" in said
    said = main(monkeypatch, *command, "--json")  # which is UTF-8, whatever the terminal speaks
    assert strict_json(said.decode("utf-8"))["metrics"]["labels"][0]["name"] == "größe"


def test_without_a_terminal_there_are_whole_sentences_and_no_control_characters(here):
    said = train("customers.csv", "--loss", "focal")
    assert not re.search(r"[^\n\x20-\x7e\u00a0-\uffff]", said)
    lines = said.split("\n")
    verdict = strict_json((here / "run" / "metrics.json").read_text())["verdict"]
    assert all(sentence in lines for sentence in verdict)
    assert max(map(len, verdict)) > 80  # or nothing would have been wrapped anyway
    assert not any("Epoch" in line and "/2" in line for line in lines)


def test_what_a_table_holds_does_not_steer_the_terminal(here):
    name = "a\x1b[31mge"
    frame = customers().rename(columns={"churn": name, "age": "x\x1b]0;hi\x07"})
    frame[name] = frame[name].map({0: "no", 1: "y\x1bes"})
    write(frame.assign(extra=1), here / "t.csv")
    said = logloss("train", "t.csv", "--target", name, "--out", "run", *QUICK)
    assert said.code == 0
    assert '"a\\u001b[31mge" is "y\\u001bes" in' in said.out
    others = [
        logloss("predict", "run", "t.csv", "--out", "p.csv"),
        logloss("train", "t.csv", "--target", "x\x1b]0;hi\x07", "--out", "other"),
        logloss("train", "t.csv", "--target", name, "--time-column", "x\x1b]0;hi\x07", "--out", "other"),
        logloss("train", "t.csv", "--target", name, "--\x1b[31m"),
    ]
    assert [other.code for other in others] == [0, 2, 2, 2]
    for one in (said, *others):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", one.out + one.err), one


def test_a_terminal_shows_how_the_losses_fall(here, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    parent, child = os.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(blocks(parent)))
    reader.start()
    with os.fdopen(child, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        code = run(["train", "customers.csv", "--target", "churn", "--out", "run", "--epochs", "4", "--hidden", "4"])
        monkeypatch.undo()
    reader.join()
    assert code == 0
    drawn = b"".join(shown).decode()
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is shown again
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert re.search(r"Epoch .* 4/4 training 0\.\d{4}  validation 0\.\d{4}  base rate 0\.\d{4}", plain)
    assert "Best epoch" in plain
    assert "The run is in run" in plain


def blocks(parent: int) -> Iterator[bytes]:
    """All that comes to a terminal until the program's side closes."""
    with contextlib.suppress(OSError):  # so Linux says that it has closed
        while block := os.read(parent, 1 << 16):
            yield block
    os.close(parent)


# ---------------------------------------------------------------------------------------------------------------------
# Verbs besides training
# ---------------------------------------------------------------------------------------------------------------------


def test_a_report_can_be_made_anew(plain, tmp_path):
    page = (plain / "report.html").read_bytes()
    (plain / "report.html").unlink()
    assert done("report", plain) == f"The report is in {plain / 'report.html'}.\n"
    assert (plain / "report.html").read_bytes() == page
    elsewhere = tmp_path / "elsewhere.html"
    assert done("report", plain, "--out", elsewhere) == f"The report is in {elsewhere}.\n"
    assert "would hold HTML under another name" in refused("report", plain, "--out", tmp_path / "page.pdf")
    assert elsewhere.read_bytes() == page


def test_a_history_of_other_keys_is_told_which_it_wants(tmp_path):
    (tmp_path / "keras.jsonl").write_text('{"epoch": 1, "loss": 0.6, "val_loss": 0.7}\n')
    said = refused("report", tmp_path / "keras.jsonl")
    assert "Line 1 of " in said
    for key in ('"loss": 0.6', '"epoch"', '"train_loss"', '"validation_loss"'):
        assert key in said
    assert said.endswith("validation_loss may be left out.")


@pytest.mark.parametrize(("name", "what"), [("h.parquet", "a Parquet file"), ("h.bin", "not text in UTF-8")])
def test_a_history_that_is_no_text_is_refused_for_what_it_is(tmp_path, name, what):
    path = tmp_path / name
    pd.DataFrame({"epoch": [1], "train_loss": [0.6]}).to_parquet(path)
    path.write_bytes(path.read_bytes() if what.startswith("a ") else b"\xff\xfe" * 9)
    said = refused("report", path)
    assert said.startswith(f"{path} is {what}; expected a history.jsonl: a JSON object a line")
    assert '"train_loss"' in said


def test_a_history_alone_can_be_drawn(plain, tmp_path):
    history = shutil.copy(plain / "history.jsonl", tmp_path)
    assert done("report", history) == f"The report is in {tmp_path / 'history.html'}.\n"
    assert "<svg" in (tmp_path / "history.html").read_text()


def test_help_and_version_are_there():
    assert done("--version") == f"logloss {__version__}\n"
    whole = done("--help")
    assert done() == whole
    for verb in ("train", "predict", "report", "demo"):
        assert re.search(rf"^  {verb} ", whole, re.M)
        assert done(verb, "--help").startswith(f"Usage: logloss {verb} ")
    for option in ("--target", "--label", "--loss", "--resume", "--json", "--seed", "--out"):
        assert option in done("train", "--help")


@pytest.mark.parametrize("command", [["--help"], ["train", "--help"], ["--version"], []])
def test_help_loads_nothing_heavy(command):
    program = (
        "import sys; from logloss.cli.app import run; assert run(sys.argv[1:]) == 0;"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert {"logloss", "typer"} <= loaded
    heavy = {"numpy", "torch", "pandas", "sklearn", "skrub", "scipy", "pyarrow", "altair", "vl_convert", "safetensors"}
    assert not heavy & loaded


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [
        ("torch", "train customers.csv --target churn", "train"),
        ("rich", "train customers.csv --target churn", "train"),
        ("typer", "train customers.csv --target churn", "train"),
        ("typer", "evaluate customers.csv --label churn --prob p", "evaluate"),
        ("pyarrow", "--traceback evaluate customers.csv --label churn --prob p", "evaluate"),
        ("typer", "--help", "train"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(here, package, command, extra):
    program = f"""
import sys
class Missing:
    def find_spec(name, path, target=None):
        if name.split(".")[0] == "{package}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing)
from logloss.cli import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", program, *command.split()], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    expected = rf"Error: .* needs the package {package}\. Install it with: pip install 'logloss\[{extra}\]'"
    assert re.fullmatch(expected, ended.stderr.splitlines()[-1])


def test_where_an_error_arose_is_shown_to_who_asks(here):
    assert "Traceback" not in logloss("train", "nosuch.csv", "--target", "churn").err
    for command in (["--traceback", "train"], ["train", "--traceback"]):
        said = logloss(*command, "nosuch.csv", "--target", "churn")
        assert said.code == 2
        assert said.err.startswith("Traceback (most recent call last):\n")
        assert said.err.split("\n")[-2].startswith("Error: There is no file nosuch.csv.")


def test_what_is_not_foreseen_is_called_a_bug(here, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("once in a blue moon")

    monkeypatch.setattr("logloss.training.trainer.giveaways", fail)
    said = logloss("train", "customers.csv", "--target", "churn")
    assert said.code == 70  # 1 is a condition of --fail-if that holds
    assert "(ZeroDivisionError: once in a blue moon). This is a bug; --traceback shows where." in said.err
    assert refused("train", "customers.csv", "--target", "churn", "--out", "runs/customers")


@pytest.mark.parametrize("also", [(), ("--json",)])
def test_a_training_goes_on_when_nobody_reads_what_it_says(tmp_path, also):
    data = write(customers(), tmp_path / "t.csv")
    command = [sys.executable, "-m", "logloss.cli.app", "train", data, "--target", "churn", *QUICK, *also]
    reading, writing = os.pipe()
    os.close(reading)
    words = list(map(str, [*command, "--out", tmp_path / "run"]))
    ended = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {"model.safetensors", "report.html"} <= {path.name for path in (tmp_path / "run").iterdir()}
