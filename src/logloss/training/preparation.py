"""From a table in a file to the rows that train and the rows that validate, checked."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from logloss.core.errors import ParameterError, TableError, TargetError, WeightError, nearest
from logloss.tables.csv_dialect import Dialect
from logloss.tables.wording import counted, listed, quoted
from logloss.training import split
from logloss.training.fitting import Sample
from logloss.training.tables import Table, Targets, read_table, read_targets, refuse_infinite
from logloss.training.verdict import percent

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """What was asked for: which table, which columns, which rows validate."""

    data: str
    target: tuple[str, ...]
    positive: str | None = None
    weight: str | None = None
    header: bool = True
    validation: float = 0.2
    validation_data: str | None = None
    time_column: str | None = None
    drop: tuple[str, ...] = ()  # columns to learn nothing from

    def __post_init__(self) -> None:
        split.check_share(self.validation)
        if self.validation_data is not None and self.time_column is not None:
            raise ParameterError("validation_data and time_column both say which rows validate. Give one of them.")


@dataclass(frozen=True)
class Prepared:
    """Tables, read and split."""

    train: Sample
    validation: Sample
    targets: Targets
    sha256: Mapping[str, str]  # of each file of the job
    notes: tuple[str, ...]
    dialect: Dialect | None  # of the table that trains

    def __post_init__(self) -> None:
        for name, rate in zip(self.targets.names, self.train.base_rates, strict=True):
            if not 0 < rate < 1:
                these = "All are" if rate else "None is"
                raise TargetError(
                    f"{these} positive in {quoted(name)} among the {counted(len(self.train.frame), 'row')} to train "
                    "on, and learning takes rows of both classes. Add some, or choose other rows to validate on."
                )

    @property
    def shares(self) -> str:
        """What counts as positive, and how common it is among the rows that train."""
        shares = ", ".join(
            f"{quoted(name)} is {quoted(positive)} in {percent(rate)}"
            for name, positive, rate in zip(
                self.targets.names, self.targets.positive, self.train.base_rates, strict=True
            )
        )
        train, validation = len(self.train.frame), len(self.validation.frame)
        validate = "1 row validates" if validation == 1 else f"{validation:,} rows validate"
        return f"{shares} of the {counted(train, 'row')} to train on; {validate}."


def prepare(job: Job, seed: int, note: Callable[[str], None]) -> Prepared:
    """Read a job's tables and split them; ``note`` is told what a person should know of them.

    Raises
    ------
    LogLossError
        Whatever is wrong with a table or a column, in a sentence.
    """
    notes: list[str] = []

    def say(*sentences: str) -> None:
        notes.extend(sentences)
        for sentence in sentences:
            note(sentence)

    table = read_table(job.data, header=job.header)
    say(*table.notes)
    targets = read_targets(table.frame, job.target, positive=job.positive)
    say(*targets.notes)
    sample = _sample(table, job, targets)
    sha256 = {job.data: table.sha256}
    if job.validation_data is not None:
        other = read_table(job.validation_data, header=job.header, as_text=table.texts, dialect=table.dialect)
        with naming(job.validation_data):
            other_targets = read_targets(other.frame, job.target, positive=job.positive or _single(targets.positive))
            validation = _sample(other, job, other_targets)
        say(*(f"{job.validation_data}: {sentence}" for sentence in (*other.notes, *other_targets.notes)))
        sha256[job.validation_data] = other.sha256
        if other.sha256 == table.sha256:
            say(
                f"{job.validation_data} holds the very rows that are trained on, so the validation loss says nothing "
                "of new ones."
            )
    else:
        if job.time_column is not None:
            times = _column(table, job.time_column, "time_column", targets)[targets.kept]
            first, last = split.by_time(times.reset_index(drop=True), job.validation)
        else:
            first, last = split.at_random(sample.labels, job.validation, seed)
        sample, validation = sample.rows(first), sample.rows(last)
    return Prepared(sample.scaled("train"), validation.scaled("validate"), targets, sha256, tuple(notes), table.dialect)


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Say which of two tables a refusal is about."""
    try:
        yield
    except (TableError, WeightError) as error:
        raise type(error)(f"{path}: {error}") from error


def _single(positive: tuple[str, ...]) -> str | None:
    return positive[0] if len(set(positive)) == 1 else None


def _sample(table: Table, job: Job, targets: Targets) -> Sample:
    left_out = list(targets.names)
    weight = None
    if job.weight is not None:
        weight = _weights(_column(table, job.weight, "weight", targets)[targets.kept])
        left_out.append(job.weight)
    left_out += [str(_column(table, name, "drop", targets).name) for name in job.drop]
    features = table.frame.drop(columns=left_out)
    if features.shape[1] == 0:
        raise TableError(f"The table has no column besides {listed(left_out)}, so there is nothing to predict from.")
    refuse_infinite(features, features.columns)
    return Sample(features[targets.kept].reset_index(drop=True), targets.y.reshape(-1, len(targets.names)), weight)


def _column(table: Table, name: str, keyword: str, targets: Targets) -> pd.Series:
    if name in targets.names:
        raise ParameterError(f"{keyword}={quoted(name)} names the target itself. Name another column.")
    if name not in table.frame.columns:
        raise TableError(
            f"{keyword}={quoted(name)} names no column of the table."
            f"{nearest(name, map(str, table.frame.columns)) or f' It has {listed(table.frame.columns)}.'}"
        )
    return table.frame[name]


def _weights(values: pd.Series) -> Array:
    name, rows = quoted(values.name), values.index.to_numpy() + 1
    if not pd.api.types.is_numeric_dtype(values.dtype):
        first = int(np.argmax(values.notna()))
        raise WeightError(
            f"The weight column {name} does not hold numbers: row {rows[first]:,} is {quoted(values.iloc[first])}. "
            "Weights are finite and at least 0."
        )
    weight = values.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~((weight >= 0) & (weight < np.inf))
    if bad.any():
        raise WeightError(
            f"The weight column {name} holds {counted(int(bad.sum()), 'value')} missing, negative or infinite, the "
            f"first in row {rows[np.argmax(bad)]:,}. Weights are finite and at least 0."
        )
    return weight
