"""From the files and columns of a command to evaluations, and what is told and kept of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from logloss.cli.progress import Bar
from logloss.cli.words import joined, names
from logloss.core.errors import LogLossError, ParameterError
from logloss.lazy import missing_named

if TYPE_CHECKING:
    from logloss.evaluation.best_threshold import BestThreshold
    from logloss.evaluation.comparison import Comparison
    from logloss.evaluation.decisions import Costs
    from logloss.evaluation.evaluation import Evaluation

_USAGE = "logloss evaluate FILE --label y --prob p"


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

    def evaluated(self) -> "Evaluation | Comparison":
        """The evaluation, or the comparison of several scores.

        Raises
        ------
        LogLossError
            Something is missing, or cannot be evaluated.
        """
        with missing_named("logloss evaluate", "evaluate"):
            from logloss.engines import front_door
            from logloss.engines.files import files_of
            from logloss.engines.saved import read_tallies, tallies_in

        if not self.files:
            raise ParameterError(
                f"There is no table. Say which file holds the predictions: {_USAGE}, or try --example."
            )
        if tallies := tallies_in(self.files):
            if self.of_tables:
                raise ParameterError(f"A saved tally has no columns. Leave out {self.of_tables}, or name tables.")
            return front_door.evaluation_of(read_tallies(tallies), self.costs)
        if self.label is None or not self.scores:
            for file in self.files:
                files_of(file)  # which says so if there is none
            missing = "--label" if self.label is None else "--prob"
            raise ParameterError(f"There is no {missing}. Say which columns hold labels and probabilities: {_USAGE}")
        data: Any = self.files if self.engine is None else _frame(self.engine, self.files)
        score: Any = self.scores[0] if len(self.scores) == 1 else self.scores
        with Bar() as bar:
            progress = bar if self.engine is None else None
            options = {**self.options, "costs": self.costs, "from_logits": self.from_logits, "progress": progress}
            made: Evaluation | Comparison = front_door.evaluate(data, label=self.label, score=score, **options)
        return made

    def of_example(self) -> "Evaluation":
        """The evaluation of predictions that come with the package.

        Raises
        ------
        ParameterError
            Something was said of other predictions.
        """
        if self.files or self.of_tables:
            said = " and ".join(filter(None, ["files" if self.files else "", self.of_tables]))
            raise ParameterError(f"--example brings its own predictions. Leave out {said}, or --example.")
        with missing_named("logloss evaluate", "evaluate"):
            from logloss.engines import front_door
            from logloss.engines.example import COLUMNS, example

        columns: Any = COLUMNS
        made: Evaluation = front_door.evaluate(example(), **columns, costs=self.costs)
        return made

    @property
    def of_tables(self) -> str:
        """The options that were given and say something of tables, as they are written."""
        given = {
            "--label": self.label,
            "--logit" if self.from_logits else "--prob": self.scores,
            **{f"--{name.replace('_', '-')}": value for name, value in self.options.items()},
            "--engine": self.engine,
        }
        return ", ".join(option for option, value in given.items() if value)


def evaluations_in(made: "Evaluation | Comparison") -> "Mapping[str, Evaluation]":
    """Those of every model by its name; of a single one, which has none, by nothing."""
    from logloss.evaluation.comparison import Comparison

    return made.evaluations if isinstance(made, Comparison) else {"": made}


def costs_in(false_positive: float | None, false_negative: float | None) -> "Costs | None":
    """What wrong decisions cost; None if it was not said.

    Raises
    ------
    ParameterError
        One of them was said without the other, or they are none.
    """
    if false_positive is None and false_negative is None:
        return None
    if false_positive is None or false_negative is None:
        given, other = ("--cost-fp", "--cost-fn") if false_negative is None else ("--cost-fn", "--cost-fp")
        raise ParameterError(f"{given} was given without {other}, and only both make a threshold. Say {other} too.")
    with missing_named("logloss evaluate", "evaluate"):
        from logloss.evaluation.decisions import Costs

    return Costs(false_positive, false_negative)


def keep(
    made: "Evaluation | Comparison",
    *,
    title: str,
    report: Path | None,
    tally: Path | None,
    threshold: Path | None,
) -> list[str]:
    """Write the files that were asked for; what there is to say of each."""
    from logloss.evaluation.comparison import Comparison

    said = []
    if tally is not None and not isinstance(made, Comparison):
        from logloss.engines.saved import save_tally

        save_tally(made.evidence, tally)
        said.append(f"The tally is in {tally}.")
    if threshold is not None and not isinstance(made, Comparison) and made.costs and made.best_threshold:
        said.append(_save_threshold(threshold, made.costs, made.best_threshold))
    if report is not None:
        made.report(report, title=title)
        said.append(f"The report is in {report}.")
    return said


def lost_in(tally: Path, options: "Mapping[str, Any]") -> str:
    """What was asked for and a tally does not keep; nothing if it keeps all.

    Examples
    --------
    >>> lost_in(Path("a.tally"), {"by": ["site"], "id": "row", "show_rows": (), "weight": "w"})
    'a.tally holds neither slices nor rows, so nothing of --by and --id. For these read the data again.'
    """
    asked = [f"--{name.replace('_', '-')}" for name in ("by", "id", "show_rows") if options[name]]
    if not asked:
        return ""
    return f"{tally} holds neither slices nor rows, so nothing of {joined(asked)}. For these read the data again."


def refuse_overwriting(files: list[str], outputs: "Mapping[str, Path | None]") -> None:
    """Refuse to write over what is read, over what else is written, and over files of another kind.

    Raises
    ------
    ParameterError
        An option names such a file.
    """
    found = (path for name in files for path in (name, *glob(name, recursive=True)))  # noqa: PTH207 -- relative ones too
    read = [os.path.realpath(path) for path in found]
    taken = dict.fromkeys(read, "the predictions")
    for option, path in outputs.items():
        if path is None or str(path).startswith("/dev/"):
            continue
        place = Path(os.path.realpath(path))
        what = taken.get(str(place))
        if what is None and place.exists() and any(place.is_relative_to(folder) for folder in read):
            what = "a file of the predictions' folder"
        kind, is_of_kind = _KINDS[option]
        if what is None and place.is_file() and place.stat().st_size and not is_of_kind(place):
            what = f"a file that is no {kind}"
        if what is not None:
            raise ParameterError(f"{option} {path} would be written over {what}. Name another file.")
        taken[str(place)] = f"what {option} writes"


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15).lower() == b"<!doctype html>"


def _is_tally(path: Path) -> bool:
    from logloss.engines.saved import is_tally

    return is_tally(path)


def _is_threshold(path: Path) -> bool:
    from logloss.tables.decision_threshold import DecisionThreshold

    try:
        DecisionThreshold.read(path)
    except LogLossError:
        return False
    return True


_KINDS = {
    "--report": ("page", _is_page),
    "--tally": ("saved tally", _is_tally),
    "--save-threshold": ("saved threshold", _is_threshold),
}


def title_of(files: list[str]) -> str:
    """What stands at the head of a page: the names of the files, without where they are.

    Examples
    --------
    >>> title_of(["/data/new.csv"]), title_of(["s3://me:secret@data/x.parquet?key=1"])
    ('new.csv', 'x.parquet')
    >>> title_of(["a.csv", "b.csv", "c.csv", "d.csv"]), title_of([])
    ('a.csv, b.csv and 2 more', 'Example')
    """
    every = [_name(file) for file in files] or ["Example"]
    return ", ".join(every) if len(every) <= 3 else f"{', '.join(every[:2])} and {len(every) - 2} more"


def _name(file: str) -> str:
    if "://" not in file:
        return Path(file).resolve().name
    address = urlsplit(file)
    return Path(f"{address.hostname}{address.path}").name


def _save_threshold(path: Path, costs: "Costs", best: "BestThreshold") -> str:
    from logloss.tables.decision_threshold import DecisionThreshold

    chosen_by: Literal["theory", "data"] = "data" if best.is_worth_it else "theory"
    DecisionThreshold(best.threshold, chosen_by, costs.false_positive, costs.false_negative).save(path)
    if best.is_worth_it:
        why = f"on these rows it costs less than {best.by_theory:.4g}, which is right for calibrated probabilities"
    else:
        why = "it is right for calibrated probabilities, and these rows show none that costs less"
    return f"The threshold {best.threshold:.4g} is in {path}: {why}."


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


def _frame(engine: str, files: list[str]) -> Any:
    if engine not in ("spark", "dask"):
        raise ParameterError(f'--engine {engine} is not known; expected "spark" or "dask".')
    from importlib import import_module

    with missing_named(f"--engine {engine}", engine):
        return import_module(f"logloss.engines.{engine}").read_files(files)
