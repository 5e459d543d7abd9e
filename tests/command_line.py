"""The command line as tests call it, and the small tables that they give to it."""

import contextlib
import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from logloss.cli.app import run

# Enough for every law of the command line, and quick.
QUICK = ("--epochs", 2, "--hidden", 4)
LINEAR = ("--model", "linear")


class Said(NamedTuple):
    """What a command gave back."""

    code: int
    out: str
    err: str


def logloss(*arguments) -> Said:
    """Run a command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    for stream in (out, err):
        stream.flush()
    return Said(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def done(*arguments) -> str:
    """Run a command that must succeed without a complaint; what it printed."""
    said = logloss(*arguments)
    assert (said.code, said.err) == (0, ""), said
    return said.out


def refused(*arguments) -> str:
    """Run a command that must be refused in one sentence; that sentence."""
    said = logloss(*arguments)
    assert said.code == 2, said
    assert said.err.startswith("Error: "), said
    assert said.err.count("\n") == 1, said
    assert said.err.endswith("\n"), said
    for trace in ("Traceback", "This is a bug", "Usage:", "  "):
        assert trace not in said.out + said.err, said
    return said.err.removeprefix("Error: ").rstrip("\n")


def customers(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """A table with every kind of column, gaps, and a label that can be learnt."""
    rng = np.random.default_rng(seed)
    age = rng.normal(50, 12, rows).round(1)
    plan = rng.choice(["basic", "gold", "plus"], rows)
    member = rng.random(rows) < 0.5
    logit = -1 + 0.1 * (age - 50) + 1.5 * (plan == "gold") - member
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.1, np.nan, age),
            "plan": np.where(rng.random(rows) < 0.1, None, plan),
            "since": pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "member": member,
            "churn": (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int),
        }
    )
    return frame.astype({"plan": "str"}).replace({"plan": {"None": None, "nan": None}})


def write(frame: pd.DataFrame, path: Path, **options) -> Path:
    """A table as CSV, dates without a time of day."""
    frame.to_csv(path, index=False, **options)
    return path


def strict_json(text: str):
    """The value of one JSON document, RFC 8259: no NaN, no name twice."""

    def refuse(word):
        raise ValueError(word)

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def metrics(run_folder: Path):
    """What a run achieved."""
    return strict_json((run_folder / "metrics.json").read_text(encoding="utf-8"))["metrics"]


def config(run_folder: Path):
    """What was asked of a run."""
    return strict_json((run_folder / "config.json").read_text(encoding="utf-8"))
