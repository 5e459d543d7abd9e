"""Scoring a new table with a trained model."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from logloss.core.errors import ParameterError, RunError, TableError, nearest
from logloss.core.plain import read_plain
from logloss.tables.csv_dialect import Dialect
from logloss.tables.wording import listed, quoted, repeated
from logloss.training.fitting import build_network, options_of
from logloss.training.model import Model
from logloss.training.run import CONFIG, MODEL, RunFolder
from logloss.training.tables import is_text, read_table, write_table

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """The model of a run folder, the names of its targets, the values that they take, and its configuration."""

    model: Model
    targets: tuple[str, ...]
    values: tuple[tuple[str, str], ...]  # the negative and the positive one
    config: Mapping[str, Any]

    def score(self, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
        """Probabilities of the rows, shape (n, k), and what a person should know of them.

        Raises
        ------
        TableError
            A column is missing, or is not what it was in training.
        """
        features = self.model.features(frame)
        return self.model.probabilities(features), features.notes

    def unknown(self, frame: pd.DataFrame) -> tuple[str, ...]:
        """Sentences about columns that training did not have. What was no feature on purpose may be there or not."""
        job = self.config["job"]
        needless = [*self.targets, job["weight"], *job["drop"]]
        return self.model.recipe.check(frame.drop(columns=needless, errors="ignore"))


def load_scorer(run: str | Path) -> Scorer:
    """What scores tables as the run in the folder does.

    Raises
    ------
    RunError
        The folder is not a finished run, or it was edited or damaged.
    """
    folder = RunFolder.open(run)
    config = folder.read_config()
    recipe = folder.read_recipe()
    tensors, facts = folder.read_tensors(MODEL)
    try:
        names = tuple(target["name"] for target in config["targets"])
        values = tuple((target["negative"], target["positive"]) for target in config["targets"])
        shift = np.array(facts["shift"], np.float64)
        options = options_of(config)
        if options.model == "linear":
            coefficients, intercept = tensors["coefficients"].numpy(), tensors["intercept"].numpy()
            return Scorer(Model(recipe, shift, coefficients=coefficients, intercept=intercept), names, values, config)
        network = build_network(recipe, options, [0.0] * len(names))
        network.load_state_dict(tensors)
        return Scorer(Model(recipe, shift, network.eval()), names, values, config)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{folder.path} is damaged: its files do not fit together ({error}).") from error


def predict(
    run: str | Path,
    data: str | Path,
    out: str | Path,
    *,
    columns: Sequence[str] | None = None,
    header: bool | None = None,
    threshold: float | None = None,
) -> tuple[int, tuple[str, ...]]:
    """Write the rows of a table with their probabilities; the number of rows, and what a person should know.

    Parameters
    ----------
    run : str or Path
        The run folder.
    data : str or Path
        A table with the columns that the model was trained on.
    out : str or Path
        Where to write: ``.parquet``, ``.csv`` or ``.tsv``, also ``.gz``.
    columns : sequence of str, optional
        Which of the table's own columns to keep, such as an id; all of them if not given.
    header : bool, optional
        Whether a text file's first row holds names; as in training if not given.
    threshold : float, optional
        From which probability on to take a row as positive: adds a column ``decision``, in the target's own values.
    """
    if Path(out).resolve() == Path(data).resolve():
        raise ParameterError(f"{out} is the table to be scored, and would be lost. Write to another file.")
    scorer = load_scorer(run)
    if threshold is not None and len(scorer.targets) > 1:
        raise ParameterError(
            f"A threshold decides about one target, and {run} has {len(scorer.targets)}. Leave it out, and decide by "
            "the columns of probabilities."
        )
    header = bool(scorer.config["job"]["header"]) if header is None else header
    table = read_table(data, header=header, as_text=scorer.model.recipe.texts, dialect=_dialect(scorer.config))
    frame = table.frame
    notes = (*table.notes, *scorer.unknown(frame))
    kept = [*map(str, frame.columns)] if columns is None else _known(frame, columns)
    made = (*_probability_columns(scorer.targets), *(() if threshold is None else ("decision",)))
    if clash := [name for name in made if name in kept]:
        raise TableError(
            f"The table has a column {quoted(clash[0])} already. Rename it, or name the columns to keep, without it."
        )
    probabilities, seen = scorer.score(frame)
    # Whoever asks for Parquet asks for types, and whoever gave it had them: only text in text stays as it was.
    own = table.as_written() if is_text(out) or table.is_parquet else pa.Table.from_pandas(frame, preserve_index=False)
    own = own.select(kept)
    columns_made = [pa.array(values) for values in probabilities.T]
    if threshold is not None:
        columns_made.append(_decisions(probabilities[:, 0] >= threshold, scorer.values[0]))
    for name, column in zip(made, columns_made, strict=True):
        own = own.append_column(name, column)
    write_table(own, out)
    return len(frame), (*notes, *seen)


def _dialect(config: Mapping[str, Any]) -> Dialect | None:
    """How the table that trained was written, if it was of text and the run tells, as older ones do not."""
    kept = config.get("dialect")
    return None if kept is None else read_plain(Dialect, kept, f"The dialect in {CONFIG}")


def _probability_columns(names: Sequence[str]) -> tuple[str, ...]:
    return ("probability",) if len(names) == 1 else tuple(f"probability_{name}" for name in names)


def _decisions(is_positive: npt.NDArray[np.bool_], values: tuple[str, str]) -> pa.Array:
    """The value that is decided for, of each row; numbers if both values are whole ones."""
    words = pa.array(values)
    with contextlib.suppress(pa.ArrowInvalid):
        words = words.cast(pa.int64())
    return words.take(pa.array(is_positive.astype(np.int64)))


def _known(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    if twice := repeated(columns):
        raise TableError(f"columns names {listed(twice)} twice. Name it once.")
    for name in columns:
        if name not in frame.columns:
            raise TableError(
                f"columns={quoted(name)} names no column of the table.{nearest(name, map(str, frame.columns))}"
            )
    return list(columns)
