"""`logloss evaluate` reads what it is told to, says so in text or JSON, and ends with the right exit code."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from logloss import evaluate
from logloss.cli import evaluation as cli_evaluation
from logloss.cli.condition import Condition
from logloss.core.errors import LogLossError
from logloss.core.plain import plain
from logloss.engines import front_door
from logloss.engines.example import COLUMNS, ROWS, example
from logloss.engines.saved import read_tallies
from logloss.engines.tables import from_table
from logloss.evaluation.score import Score
from logloss.evaluation.tally import Sum
from logloss.tables.decision_threshold import DecisionThreshold
from tests.command_line import done, logloss, refused

EVALUATION_OF = front_door.evaluation_of


class Stand:
    """Stands in for an evaluation: what the command line asks of it, and no statistics."""

    def __init__(self, evidence, costs):
        self.evidence, self.costs = evidence, costs

    roc_auc = Score(math.nan)

    @property
    def n(self):
        return self.evidence.tally.rows

    @property
    def log_loss(self):
        tally = self.evidence.tally
        loss = tally.total(Sum.LOSS, tally.total(Sum.WEIGHT))
        return Score(loss, loss - 0.1, math.inf)

    def to_dict(self):
        return {
            "n": self.n,
            "costs": self.costs and [self.costs.false_positive, self.costs.false_negative],
            "log_loss": plain(self.log_loss),
            "roc_auc": plain(self.roc_auc),
            "mistakes": [dict(one.shown) | {"id": one.id} for one in self.evidence.mistakes],
            "slices": [one.value for one in self.evidence.slices],
            "skipped": self.evidence.skipped,
        }

    def __str__(self):
        return f"Log loss of {self.evidence.tally.rows} rows."

    def report(self, path, *, title):
        Path(path).write_text(f"page of {title}")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(front_door, "evaluation_of", lambda evidence, costs=None: Stand(evidence, costs))
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, 400).round(3).clip(0.001, 0.999)
    table = pd.DataFrame(
        {
            "y": (rng.random(400) < p).astype(int),
            "p": p,
            "q": np.sqrt(p).round(3),
            "z": np.log(p / (1 - p)).round(3),
            "w": rng.exponential(size=400).round(2),
            "site": rng.choice(["a", "b,c"], 400),
            "row": np.arange(400),
        }
    )
    table.to_csv("t.csv", index=False)
    table.to_parquet("t.parquet")
    return table


def facts(*arguments):
    return json.loads(done("evaluate", *arguments, "--json"))


def test_a_table_is_evaluated(here):
    assert done("evaluate", "t.csv", "--label", "y", "--prob", "p") == "Log loss of 400 rows.\n"
    loss = -np.where(here.y == 1, np.log(here.p), np.log1p(-here.p))
    for file in ("t.csv", "t.parquet", "t.*"):
        found = facts(file, "--target", "y", "--prob", "p")
        rows = 800 if file == "t.*" else 400
        assert (found["n"], found["log_loss"]["value"]) == (rows, pytest.approx(loss.mean(), rel=1e-12))


def test_every_option_reaches_its_place(here):
    found = facts(
        "t.csv", "--label", "y", "--logit", "z", "--weight", "w", "--positive", "0", "--by", "site", "--id", "row",
        "--cost-fp", "1", "--cost-fn", "10", "--show-rows", "w,site", "--skip-nulls",
    )  # fmt: skip
    expected = from_table("t.csv", label="y", score="z", weight="w", positive=0, by="site", id="row", from_logits=True)
    assert found["costs"] == [1.0, 10.0]
    assert found["slices"] == [one.value for one in expected.slices]
    assert [one["id"] for one in found["mistakes"]] == [one.id for one in expected.mistakes]
    assert set(found["mistakes"][0]) == {"w", "site", "id"}


def test_the_numbers_are_those_of_python(here, tmp_path, monkeypatch):
    monkeypatch.undo()
    path = tmp_path / "t.csv"
    evaluation = evaluate(path, label="y", score="p", by="site")
    assert facts(path, "--label", "y", "--prob", "p", "--by", "site") == evaluation.to_dict()
    assert done("evaluate", path, "--label", "y", "--prob", "p", "--by", "site") == f"{evaluation}\n"


def test_several_models_are_compared(here, monkeypatch):
    monkeypatch.setattr(front_door, "evaluation_of", EVALUATION_OF)
    arguments = ("t.csv", "--label", "y", "--prob", "q", "--prob", "p", "--by", "site")
    said = done("evaluate", *arguments)
    assert said.startswith("p has the least log loss, ")
    assert [line.split()[0] for line in said.splitlines() if line][1:5] == ["400", "model", "p", "q"]
    found = facts(*arguments)
    assert found == evaluate("t.csv", label="y", score=["p", "q"], by="site").to_dict()
    assert list(found["models"]) == ["p", "q"]
    worst = found["models"]["q"]["log_loss"]["value"]
    assert "Failed" in logloss("evaluate", *arguments, "--fail-if", f"log_loss>={worst}").err


def test_several_models_have_a_page_of_their_own(here, monkeypatch):
    monkeypatch.setattr(front_door, "evaluation_of", EVALUATION_OF)
    said = done("evaluate", "t.csv", "--label", "y", "--prob", "p,q", "--by", "site", "--report", "r.html")
    assert said.endswith("\nThe report is in r.html.\n")
    page = Path("r.html").read_text()
    assert "<title>t.csv: comparison report</title>" in page
    assert "p has the least log loss" in page


def test_the_example_needs_nothing_else(here):
    found = facts("--example")
    assert found["n"] == ROWS
    assert set(found["slices"]) == {"Newark", "Kennedy", "LaGuardia", "Teterboro"}
    assert found["slices"][0] != found["slices"][1]
    assert from_table(example(), **COLUMNS).slices[0].loss > 0
    assert "--example brings its own" in refused("evaluate", "t.csv", "--example")


def test_days_are_saved_replaced_and_merged(here):
    for day, rows in (("monday", slice(0, 100)), ("tuesday", slice(100, 400))):
        here.iloc[rows].to_csv(f"{day}.csv", index=False)
        done("evaluate", f"{day}.csv", "--label", "y", "--prob", "p", "--tally", f"{day}.tally")
    whole = from_table("t.csv", label="y", score="p").tally.to_bytes()
    assert read_tallies(["tuesday.tally", "monday.tally"]).tally.to_bytes() == whole
    assert facts("monday.tally", "tuesday.tally")["n"] == 400
    late = here.iloc[:100].assign(y=here.y.where(here.index > 20).astype("Int64"))
    late.to_csv("monday.csv", index=False)
    done("evaluate", "monday.csv", "--label", "y", "--prob", "p", "--tally", "monday.tally")
    merged = evaluate(["monday.tally", Path("tuesday.tally")]).evidence.tally
    assert (merged.rows, merged.pending) == (379, 21)
    assert evaluate("monday.tally").evidence.tally.rows == 79
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--by", "site"), "nothing of --by."),
        (("--id", "row", "--by", "site", "--show-rows", "w"), "nothing of --by, --id and --show-rows."),
    ],
)
def test_what_a_tally_does_not_keep_is_said(here, options, words):
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p", *options)
    said = logloss(*arguments, "--tally", "a.tally")
    assert said.code == 0
    assert said.err.startswith("Note: a.tally holds neither slices nor rows")
    assert words in said.err
    assert logloss(*arguments, "--tally", "a.tally", "--json").err == ""
    assert logloss(*arguments).err == ""


def test_tallies_that_are_none_are_refused(here):
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--tally", "a.tally")
    whole = Path("a.tally").read_bytes()
    Path("cut.tally").write_bytes(whole[: len(whole) // 2])
    assert "cut.tally: This is not a whole tally" in refused("evaluate", "a.tally", "cut.tally")
    assert "A saved tally has no columns" in refused("evaluate", "a.tally", "--label", "y", "--prob", "p")
    done("evaluate", "t.csv", "--label", "y", "--logit", "z", "--tally", "z.tally")
    assert "One tally is of logits" in refused("evaluate", "a.tally", "z.tally")
    with pytest.raises(LogLossError, match=r"t\.csv is not a saved tally"):
        read_tallies(["a.tally", "t.csv"])
    with pytest.raises(LogLossError, match="no tally to read"):
        read_tallies([])
    assert "a.tally is named twice" in refused("evaluate", "a.tally", "a.tally")
    assert "There is no file nope.tally" in refused("evaluate", "a.tally", "nope.tally")
    assert "There is no file nope.tally" in refused("evaluate", "nope.tally")
    assert done("evaluate", "[a]*.tally", "--json") == done("evaluate", "a.tally", "--json")
    Path("copy.tally").write_bytes(whole)
    assert read_tallies(["a.tally", "copy.tally"]).notes == (
        "a.tally and copy.tally hold the same: were rows counted twice?",
    )


def test_a_threshold_needs_costs(here):
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p", "--save-threshold", "t.json")
    assert "--save-threshold needs what errors cost" in refused(*arguments)
    assert "make no threshold" in refused(*arguments, "--cost-fp", "1", "--cost-fn", "-1")
    assert "is for one model" in refused(*arguments, "--prob", "q", "--cost-fp", "1", "--cost-fn", "9")


def test_a_file_whose_threshold_cannot_be_is_refused_in_whole_sentences(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"threshold": -1, "chosen_by": "theory", "cost_fp": 1, "cost_fn": 1}')
    with pytest.raises(LogLossError, match=r"expected one from 0 to 1\. Say a number from 0 to 1, or make"):
        DecisionThreshold.read(path)


@pytest.mark.parametrize(("given", "other"), [("--cost-fp", "--cost-fn"), ("--cost-fn", "--cost-fp")])
def test_half_of_the_costs_is_refused(here, given, other):
    said = refused("evaluate", "t.csv", "--label", "y", "--prob", "p", given, "0")
    assert said.startswith(f"{given} was given without {other}")
    assert said.endswith(f"Say {other} too.")


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_the_threshold_is_that_by_theory_unless_the_rows_show_a_cheaper_one(tmp_path, is_calibrated):
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, 4000)
    y = (rng.random(4000) < (p if is_calibrated else np.sqrt(p))).astype(int)
    pd.DataFrame({"y": y, "p": p}).to_parquet(tmp_path / "t.parquet")
    arguments = ("evaluate", tmp_path / "t.parquet", "--label", "y", "--prob", "p", "--cost-fp", 2, "--cost-fn", 2)
    told = done(*arguments, "--save-threshold", tmp_path / "t.json").splitlines()[-1]
    saved = DecisionThreshold.read(tmp_path / "t.json")
    assert saved.chosen_by == ("theory" if is_calibrated else "data")
    assert saved.threshold == 0.5 if is_calibrated else 0.2 < saved.threshold < 0.3  # 0.5 squared
    assert (saved.cost_fp, saved.cost_fn) == (2, 2)
    assert told.startswith(f"The threshold {saved.threshold:.4g} is in ")


@pytest.mark.parametrize("option", ["--report", "--tally", "--save-threshold"])
def test_a_file_of_another_kind_is_not_overwritten(here, option):
    Path("notes.html").write_text("what nobody wants to lose")
    costs = ("--cost-fp", 1, "--cost-fn", 4)
    said = refused("evaluate", "t.csv", "--label", "y", "--prob", "p", *costs, option, "notes.html")
    kind = {"--report": "page", "--tally": "saved tally", "--save-threshold": "saved threshold"}[option]
    assert said == f"{option} notes.html would be written over a file that is no {kind}. Name another file."
    assert Path("notes.html").read_text() == "what nobody wants to lose"
    Path("notes.html").write_text("")  # as mktemp makes it
    assert cli_evaluation.refuse_overwriting(["t.csv"], {option: Path("notes.html")}) is None


def test_what_was_written_before_is_written_again(here, monkeypatch):
    monkeypatch.setattr(front_door, "evaluation_of", EVALUATION_OF)
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p", "--cost-fp", 1, "--cost-fn", 4)
    files = ("--report", "r.html", "--tally", "d.tally", "--save-threshold", "t.json")
    assert done(*arguments, *files) == done(*arguments, *files)


@pytest.mark.parametrize(("condition", "code"), [("n>9", 1), ("n<9", 0)])
def test_whoever_reads_may_leave_early(here, condition, code):
    command = [sys.executable, "-m", "logloss.cli.app", "evaluate", "t.csv", "--label", "y", "--prob", "p"]
    command += ["--fail-if", condition, "--tally", "d.tally"]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (code, "Failed, as was asked for: n>9.\n" * code)
    assert Path("d.tally").exists()


@pytest.mark.parametrize("words", [("--by", ""), ("--report=",), ("",)])
def test_an_empty_word_is_refused(here, words):
    said = refused("evaluate", "t.csv", "--label", "y", "--prob", "p", *words)
    assert said.endswith("Is a variable of the shell empty?")


def test_a_page_is_written(here):
    assert "The report is in r.html." in done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--report", "r.html")
    assert Path("r.html").read_text() == "page of t.csv"


@pytest.mark.parametrize("name", ["p.pdf", "p.png", "p.JSON", "p.html.gz", "folder.html/p.csv"])
def test_a_page_is_not_written_under_the_name_of_another_format(here, name):
    Path("folder.html").mkdir()
    before = set(Path().rglob("*"))
    said = refused("evaluate", "t.csv", "--label", "y", "--prob", "p", "--report", name)
    assert said == f"--report {name} would hold HTML under another name. Let the name end in .html."
    assert set(Path().rglob("*")) == before


@pytest.mark.parametrize("name", ["p.htm", "p.HTML", "p", "2024.05.01"])
def test_a_page_may_have_any_name_that_says_no_other_format(here, name):
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--report", name)
    assert Path(name).read_text() == "page of t.csv"


@pytest.mark.parametrize(
    ("condition", "code"),
    [("log_loss>0.1", 1), ("log_loss > 9", 0), ("log_loss.low<=.9", 1), ("log_loss.high>1e9", 1), ("n<4e2", 0)],
)
def test_a_condition_that_holds_is_exit_code_1(here, condition, code):
    said = logloss("evaluate", "t.csv", "--label", "y", "--prob", "p", "--fail-if", condition)
    assert (said.code, bool(said.err)) == (code, bool(code))
    assert "Log loss of 400 rows." in said.out


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("log_los>0.1", 'Did you mean "log_loss"?'),
        ("roc_auc<0.5", "roc_auc cannot be told from this data"),
        ("n.low<3", "n is a plain number"),
        ("infinite_losses.high>3", "infinite_losses is a plain number"),
        ("log_loss", "is not a condition"),
        ("log_loss>__import__('os')", "is not a condition"),
        ("log_loss>1.2.3", "is not a condition"),
        ("log_loss==0.4", "is not a condition"),
    ],
)
def test_a_condition_that_is_none_is_refused(here, condition, words):
    assert words in refused("evaluate", "t.csv", "--label", "y", "--prob", "p", "--fail-if", condition)


def test_any_of_several_conditions_fails_and_each_that_holds_is_named(here):
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p")
    conditions = ("log_loss>0.1", "log_loss>9", "n>1")
    said = logloss(*arguments, *(word for one in conditions for word in ("--fail-if", one)))
    assert said.code == 1
    assert said.err.splitlines() == [f"Failed, as was asked for: {one}." for one in ("log_loss>0.1", "n>1")]
    assert logloss(*arguments, "--fail-if", "log_loss>9", "--fail-if", "n<1") == (0, "Log loss of 400 rows.\n", "")


def test_every_model_that_meets_a_condition_is_named(here, monkeypatch):
    monkeypatch.setattr(front_door, "evaluation_of", EVALUATION_OF)
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p,q", "--fail-if")
    worse = evaluate("t.csv", label="y", score="q").log_loss.value
    assert logloss(*arguments, f"log_loss>={worse}").err == f"Failed, as was asked for: log_loss>={worse} holds of q.\n"
    assert logloss(*arguments, "log_loss>0").err == "Failed, as was asked for: log_loss>0 holds of p and q.\n"


def test_infinity_is_beyond_every_limit():
    evaluation = evaluate([1, 0], [0.0, 0.5])
    assert math.isinf(evaluation.log_loss.value)
    assert Condition.parse("log_loss>1e300").holds(evaluation)


def test_only_what_is_printed_or_named_is_worked_out(here, monkeypatch):
    def fail(_):
        raise AssertionError("nobody asked for this")

    monkeypatch.setattr(Stand, "to_dict", fail)
    monkeypatch.setattr(Stand, "roc_auc", property(fail))
    arguments = ("evaluate", "t.csv", "--label", "y", "--prob", "p", "--fail-if")
    assert done(*arguments, "log_loss>99") == "Log loss of 400 rows.\n"
    assert logloss(*arguments, "n>1").code == 1


UNREAD = {
    "a number": (("--fail-if", "log_los>0.1"), 'Did you mean "log_loss"?'),
    "a part": (("--fail-if", "n.low>3"), "n is a plain number"),
    "an engine": (("--engine", "hadoop"), "--engine hadoop is not known"),
    "a page's folder": (("--report", "nosuch/r.html"), "there is no folder nosuch"),
    "a tally's folder": (("--tally", "nosuch/t.tally"), "there is no folder nosuch"),
    "a threshold's folder": (
        ("--cost-fp", "1", "--cost-fn", "2", "--save-threshold", "nosuch/t.json"),
        "there is no folder nosuch",
    ),
    "a folder": (("--report", "."), "it is a folder"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_can_be_known_first_is_refused_before_anything_is_read(here, kind, monkeypatch):
    def read(*_, **__):
        raise AssertionError("read")

    monkeypatch.setattr(front_door, "evaluate", read)
    options, words = UNREAD[kind]
    before = set(Path().iterdir())
    for data in (("t.csv", "--label", "y", "--prob", "p"), *([("--example",)] if kind != "an engine" else [])):
        said = logloss("evaluate", *data, *options)
        assert (said.code, said.out) == (2, "")
        assert words in said.err
    assert set(Path().iterdir()) == before


def test_a_file_that_stands_there_is_kept_until_the_new_one_is_whole(here):
    Path("r.html").write_text("old")
    refused("evaluate", "nosuch.csv", "--label", "y", "--prob", "p", "--report", "r.html")
    assert Path("r.html").read_text() == "old"


OF_TABLES = (
    ("--by", "r"), ("--weight", "w"), ("--id", "row"), ("--positive", "late"), ("--show-rows", "w"),
    ("--skip-nulls",), ("--engine", "nope"), ("--label", "y"), ("--prob", "p"), ("--logit", "z"),
)  # fmt: skip


@pytest.mark.parametrize("option", OF_TABLES, ids=" ".join)
def test_no_option_is_ignored_in_silence(here, option):
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--tally", "a.tally")
    for data, words in (("a.tally", "A saved tally has no columns"), ("--example", "--example brings its own")):
        assert re.search(f"{words}.* Leave out {option[0]}, or ", refused("evaluate", data, *option))


@pytest.mark.parametrize(
    "options",
    [
        {"by": "region", "weight": "w"},
        {"positive": "late"},
        {"positive": False},
        {"from_logits": True},
        {"skip_nulls": True},
        {"show_rows": ["w"]},
        {"label": "y", "score": "p"},
    ],
    ids=str,
)
def test_no_option_of_a_saved_tally_is_ignored_in_silence(here, options):
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--tally", "a.tally")
    with pytest.raises(LogLossError, match="A saved tally has no columns") as caught:
        evaluate("a.tally", **options)
    assert all(name in str(caught.value) for name in options)
    assert evaluate("a.tally", costs=(1, 2)).costs.false_negative == 2


def test_tallies_among_tables_are_refused_for_what_they_are(here):
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--tally", "a.tally")
    words = "t.parquet is not a saved tally. Name files of --tally only, or tables only."
    for options in ((), ("--label", "y", "--prob", "p")):
        for files in (("a.tally", "t.parquet"), ("t.parquet", "a.tally")):
            assert refused("evaluate", *files, *options) == words
    for options in ({}, {"label": "y", "score": "p"}):
        with pytest.raises(LogLossError, match=re.escape(words)):
            evaluate(["a.tally", "t.parquet"], **options)


def test_a_folder_of_tallies_is_read(here):
    Path("days/.hidden").mkdir(parents=True)
    Path("days/README.md").write_text("Each day is one file.")
    for day, rows in (("monday.tally", slice(0, 100)), ("tuesday", slice(100, 400))):
        here.iloc[rows].to_csv("day.csv", index=False)
        done("evaluate", "day.csv", "--label", "y", "--prob", "p", "--tally", f"days/{day}")
    Path("days/.hidden/monday.tally").write_bytes(Path("days/monday.tally").read_bytes())
    assert facts("days")["n"] == 400
    assert evaluate(Path("days")).n == 400
    assert "A saved tally has no columns" in refused("evaluate", "days", "--label", "y", "--prob", "p")


def test_a_folder_of_tables_and_tallies_is_refused(here):
    Path("both").mkdir()
    here.to_csv("both/t.csv", index=False)
    done("evaluate", "t.csv", "--label", "y", "--prob", "p", "--tally", "both/a.tally")
    words = "both/t.csv is not a saved tally. Name files of --tally only, or tables only."
    for options in ((), ("--label", "y", "--prob", "p")):
        assert refused("evaluate", "both", *options) == words


@pytest.mark.parametrize(("verb", "words"), [("evaluate", "--tally"), ("train", "Train on fewer rows")])
def test_too_little_memory_is_mended_by_verb(here, monkeypatch, verb, words):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(front_door, "evaluate", fail)
    monkeypatch.setattr("logloss.training.train", fail)
    columns = {"evaluate": ("--label", "y", "--prob", "p"), "train": ("--target", "y")}
    said = refused(verb, "t.csv", *columns[verb])
    assert "The memory does not suffice" in said
    assert words in said


REFUSED = {
    "no table": ((), "There is no table"),
    "no label": (("t.csv", "--prob", "p"), "There is no --label"),
    "no score": (("t.csv", "--label", "y"), "There is no --prob"),
    "both kinds": (("t.csv", "--label", "y", "--prob", "p", "--logit", "z"), "--prob and --logit were both given"),
    "twice": (("t.csv", "--label", "y", "--prob", "p,p"), "names a column twice"),
    "a column": (("t.csv", "--label", "yy", "--prob", "p"), 't.csv has no column "yy". Did you mean "y"?'),
    "a file": (("s.csv", "--label", "y", "--prob", "p"), 'There is no file s.csv. Did you mean "t.csv"?'),
    "an engine": (("t.csv", "--label", "y", "--prob", "p", "--engine", "hadoop"), "--engine hadoop is not known"),
    "logits": (("t.csv", "--label", "y", "--prob", "z"), "If these are logits"),
    "a label": (("t.csv", "--label", "row", "--prob", "p"), 'The label "row" holds more than 20 values'),
    "a tally of several": (
        ("t.csv", "--label", "y", "--prob", "p,q", "--tally", "t.tally"),
        "t.tally is for one model",
    ),
    "a folder": ((".", "--label", "y", "--prob", "p"), "bad.parquet is a damaged or incomplete Parquet file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_commands_and_data_are_refused_in_a_sentence_and_write_nothing(here, kind):
    arguments, words = REFUSED[kind]
    if kind == "a folder":
        Path("bad.parquet").write_bytes(Path("t.parquet").read_bytes()[:900])
    before = {path.name for path in Path().iterdir()}
    sentence = refused("evaluate", *arguments, *(["--tally", "t.tally"] if "--report" not in arguments else []))
    assert words in sentence, sentence
    assert {path.name for path in Path().iterdir()} == before


def test_a_table_that_lacks_the_score_names_what_is_called_like_one(here):
    others = {f"feature {i}": here.p for i in range(15)}
    pd.DataFrame({**others, "y": here.y, "Probability": here.p}).to_csv("wide.csv", index=False)
    said = refused("evaluate", "wide.csv", "--label", "y", "--prob", "q")
    assert said.startswith('wide.csv has no column "q". It has "Probability", "feature 0", ')
    assert said.endswith(" and 5 more.")
    assert '"Probability"' not in refused("evaluate", "wide.csv", "--label", "y", "--prob", "y", "--weight", "q")


def test_rows_without_a_score_are_left_out_only_when_asked_for(here):
    here.assign(p=here.p.where(here.index > 3)).to_csv("gaps.csv", index=False)
    arguments = ("gaps.csv", "--label", "y", "--prob", "p")
    assert '"p", 4 values of 400 are missing, the first in row 1.' in refused("evaluate", *arguments)
    assert facts(*arguments, "--skip-nulls")["skipped"] == 4


def test_a_bar_is_shown_on_a_terminal_when_it_takes_long(here, monkeypatch, capsys):
    from logloss.cli import progress

    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.Bar() as bar:
        bar(3, 10)
        bar(10, 10)
        bar(11, None)
        assert bar._progress.tasks[0].completed == 11
    assert pq.read_metadata("t.parquet").num_rows == 400


@pytest.mark.parametrize(
    ("source", "outputs", "words"),
    [
        ("t.csv", ("--report", "t.csv"), "--report t.csv would be written over the predictions"),
        ("t.csv", ("--tally", "./t.csv"), "would be written over the predictions"),
        ("t.*", ("--tally", "t.parquet"), "would be written over the predictions"),
        (".", ("--report", "t.parquet"), "would be written over a file of the predictions' folder"),
        ("t.csv", ("--tally", "x", "--report", "x"), "would be written over what --report writes"),
    ],
)
def test_nothing_that_is_read_is_written_over(here, source, outputs, words):
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert words in refused("evaluate", source, "--label", "y", "--prob", "p", *outputs)
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_a_page_may_go_down_a_pipe(here):
    command = [sys.executable, "-m", "logloss.cli.app", "evaluate", "t.csv", "--label", "y", "--prob", "p"]
    said = subprocess.run([*command, "--report", "/dev/stdout"], capture_output=True, text=True, check=True).stdout
    assert "<!doctype html>" in said
    assert said.endswith("</html>The report is in /dev/stdout.\n")


def test_json_is_utf_8_whatever_the_terminal_speaks(here):
    pd.DataFrame({"y": [1, 0] * 10, "p": [0.6, 0.4] * 10, "s": ["é", "b"] * 10}).to_csv("e.csv", index=False)
    command = [sys.executable, "-m", "logloss.cli.app", "evaluate", "e.csv", "--label", "y", "--prob", "p", "--by", "s"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    said = subprocess.run([*command, "--json"], capture_output=True, env=environment, check=True).stdout
    assert {one["value"] for one in json.loads(said.decode())["slices"]} == {"é", "b"}
