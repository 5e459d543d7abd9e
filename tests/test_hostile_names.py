"""Names and values from a table stand in a sentence quoted, on one line and cut short, and can neither steer it."""

import re

import numpy as np
import pandas as pd
import pytest

from logloss.report import write_run_report
from logloss.training import Listener, train
from logloss.training.metrics import LabelMetrics
from logloss.training.tables import read_targets
from logloss.training.verdict import accuracy_notes

HOSTILE = ["two words", "two\nlines", "red\x1b[31m", "a\u202eb", 'say "hi", you', "x" * 300, " ", "a and b", "<b>&amp;"]


def no_better(name):
    """A label whose accuracy looks fine and whose log loss does not."""
    return LabelMetrics(
        name=name,
        positive="1",
        base_rate=0.5,
        validation_rate=0.5,
        log_loss=float("inf"),
        base_rate_loss=0.7,
        accuracy=0.9,
        majority_accuracy=0.5,
    )


def is_plain(sentence):
    return sentence.isprintable() and not re.search("x{50}", sentence)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_label_in_a_verdict_is_quoted(name):
    for sentence in accuracy_notes([no_better(name), no_better("b")]):
        assert is_plain(sentence)
        assert re.search(r' for ".+" and "b"[,:]', sentence), sentence


@pytest.mark.parametrize("name", HOSTILE)
def test_the_value_that_would_turn_a_target_round_is_quoted(name):
    [note] = read_targets(pd.DataFrame({"churn": ["zzz", name]}), ["churn"]).notes
    assert is_plain(note)
    assert "turns that round" in note


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_training_says_is_plain(name, tmp_path):
    rng = np.random.default_rng(0)
    n = 200
    y = rng.random(n) < 0.4
    frame = pd.DataFrame(
        {
            name + "1": np.where(y, name, "other"),  # a target whose values are hostile too
            name + "2": y.astype(float) + 0.01 * rng.random(n),  # gives the target away, and separates the classes
            name + "3": 7,  # is left out
            name + "4": rng.choice(["p", "q"], n),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    said = []

    class Ears(Listener):
        note = warn = lambda _, sentence: said.append(sentence)

    run = train(
        tmp_path / "t.parquet",
        target=name + "1",
        positive=name,
        model="linear",
        out=tmp_path / "run",
        listener=Ears(),
    )
    assert len(said) == 3
    for sentence in (*said, *run.verdict, *run.notes, *run.warnings):
        assert is_plain(sentence), sentence
    write_run_report(run)
    with pytest.warns(UserWarning, match="never seen") as caught:
        run.predict_proba(frame.assign(**{name + "4": name}))
    assert is_plain(str(caught[0].message))
    for wrong in (frame.drop(columns=[name + "1", name + "2"]), frame.assign(**{name + "2": name + "?"})):
        with pytest.raises(ValueError, match="training") as refusal:
            run.predict_proba(wrong)
        assert is_plain(str(refusal.value)), refusal.value
