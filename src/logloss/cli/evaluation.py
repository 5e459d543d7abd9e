"""From the files and columns of a command to evaluations, and what is told and kept of them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logloss.cli.progress import Bar
from logloss.cli.words import names
from logloss.core.errors import ParameterError
from logloss.lazy import missing_named

if TYPE_CHECKING:
    from logloss.evaluation.decisions import Costs

_USAGE = "logloss evaluate FILE --label y --prob p"
_SHOWN = ("log_loss", "brier", "roc_auc", "normalized_entropy")


@dataclass(frozen=True)
class Request:
    """What is to be evaluated."""

    files: list[str]
    label: str | None
    scores: list[str]
    from_logits: bool
    costs: "Costs | None"
    engine: str | None
    options: dict[str, Any] = field(default_factory=dict)  # of `logloss.evaluate`

    def evaluations(self) -> dict[str, Any]:
        """The evaluation of each score, by its name.

        Raises
        ------
        LogLossError
            Something is missing, or cannot be evaluated.
        """
        with missing_named("logloss evaluate", "evaluate"):
            from logloss.engines.front_door import evaluation_of, evidence_of
            from logloss.engines.saved import is_tally, read_tallies

        if not self.files:
            raise ParameterError(
                f"There is no table. Say which file holds the predictions: {_USAGE}, or try --example."
            )
        if all(map(is_tally, self.files)):
            if self.label or self.scores:
                raise ParameterError("A saved tally has no columns. Leave out --label and --prob, or name tables.")
            return {"tally": evaluation_of(read_tallies(self.files), self.costs)}
        if self.label is None or not self.scores:
            missing = "--label" if self.label is None else "--prob"
            raise ParameterError(f"There is no {missing}. Say which columns hold labels and probabilities: {_USAGE}")
        data: Any = self.files if self.engine is None else _frame(self.engine, self.files)
        made = {}
        with Bar() as bar:
            options = {
                **self.options,
                "from_logits": self.from_logits,
                "progress": bar if self.engine is None else None,
            }
            for score in self.scores:
                made[score] = evaluation_of(evidence_of(data, label=self.label, score=score, **options), self.costs)
        return made


def of_example(costs: "Costs | None") -> dict[str, Any]:
    """The evaluation of predictions that come with the package."""
    with missing_named("logloss evaluate", "evaluate"):
        from logloss.engines.example import COLUMNS, example
        from logloss.engines.front_door import evaluation_of, evidence_of

    options: dict[str, Any] = COLUMNS
    return {"probability": evaluation_of(evidence_of(example(), **options), costs)}


def costs_in(false_positive: float | None, false_negative: float | None) -> "Costs | None":
    """What wrong decisions cost; 1 for the one that was left out, None if both were."""
    if false_positive is None and false_negative is None:
        return None
    with missing_named("logloss evaluate", "evaluate"):
        from logloss.evaluation.decisions import Costs

    return Costs(*(1.0 if cost is None else cost for cost in (false_positive, false_negative)))


def save_threshold(path: Path, costs: "Costs") -> None:
    """Write the threshold of these costs, and what they are."""
    from logloss.tables.atomic import write_atomically

    said = {"threshold": costs.threshold, "cost_fp": costs.false_positive, "cost_fn": costs.false_negative}
    write_atomically(path, json.dumps(said) + "\n")


def scores_in(prob: list[str] | None, logit: list[str] | None) -> tuple[list[str], bool]:
    """The columns of scores, and whether they are logits.

    Raises
    ------
    ParameterError
        Both kinds were given, or a column twice.
    """
    if prob and logit:
        raise ParameterError("--prob and --logit were both given. Say one of them, of all columns.")
    option = "--logit" if logit else "--prob"
    every = [name for text in prob or logit or () for name in names(text, option)]
    if len(set(every)) < len(every):
        raise ParameterError(f"{option} names a column twice. Name each once.")
    return every, bool(logit)


def leaderboard(facts: dict[str, dict[str, Any]]) -> str:
    """Models, the best first, as lines of text.

    Examples
    --------
    >>> print(leaderboard({"old": {"log_loss": {"value": 0.5}}, "new": {"log_loss": {"value": 0.25}}}))
    model  log loss  brier  roc auc  normalized entropy
    new    0.25000
    old    0.50000
    """
    rows = [[name, *(_short(fact.get(column)) for column in _SHOWN)] for name, fact in facts.items()]
    rows.sort(key=lambda row: (float(row[1] or "inf"), row[0]))
    table = [["model", *(column.replace("_", " ") for column in _SHOWN)], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def _short(fact: Any) -> str:
    value = fact["value"] if isinstance(fact, dict) else fact
    return "" if value is None else f"{float(value):.5f}"


def _frame(engine: str, files: list[str]) -> Any:
    if engine not in ("spark", "dask"):
        raise ParameterError(f'--engine {engine} is not known; expected "spark" or "dask".')
    from importlib import import_module

    with missing_named(f"--engine {engine}", engine):
        return import_module(f"logloss.engines.{engine}").read_files(files)
