"""From a table in a file to a trained model in a run folder, and on from where an earlier run stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import logloss
from logloss.core.errors import ParameterError, RunError, TableError, WeightError, nearest
from logloss.core.family import BinaryCrossEntropy
from logloss.core.plain import to_json
from logloss.training import fitting, loop, priors, split
from logloss.training.features import Recipe, giveaways
from logloss.training.files import write_atomically
from logloss.training.fitting import Fitted, Options, Sample, options_of
from logloss.training.history import Epoch, History
from logloss.training.metrics import Metrics, label_metrics
from logloss.training.run import CHECKPOINT, CONFIG, HISTORY, METRICS, MODEL, RunFolder
from logloss.training.tables import Table, Targets, read_table, read_targets, refuse_infinite
from logloss.training.verdict import percent, verdict

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


class Listener:
    """Who is told how a training goes. Every method may be overridden; as they are, they stay silent."""

    def note(self, sentence: str) -> None:
        """Something that a person should know of the data."""

    def warn(self, sentence: str) -> None:
        """Something that a person should look into."""

    def begin(self, epochs: int | None, base_rate_loss: float, done: Sequence[Epoch]) -> None:
        """Training starts: after so many epochs at most, with these done already."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is over."""

    def end(self) -> None:
        """Training is over."""


@dataclass(frozen=True)
class Run:
    """A finished training, as its folder tells it; `load_model` gives the model."""

    path: Path
    config: Mapping[str, Any]
    history: History
    metrics: Metrics
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def loss(self) -> BinaryCrossEntropy:
        """What was trained with."""
        return options_of(self.config).loss

    @property
    def standing(self) -> priors.Standing:
        """Whether the probabilities mean what they say."""
        options = options_of(self.config)
        return priors.standing(options.loss, corrected=options.prior_correction)


def read_run(path: str | Path) -> Run:
    """A finished run, read from its folder.

    Raises
    ------
    RunError
        The folder is not a finished run, or it was edited or damaged.
    """
    folder = RunFolder.open(path)
    config, facts = folder.read_config(), folder.read_metrics()
    try:
        metrics = Metrics.from_plain(facts["metrics"])
        verdict, notes, warnings = (tuple(facts[name]) for name in ("verdict", "notes", "warnings"))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder.path / METRICS} is damaged: {error} is missing or unknown.") from error
    history = folder.read_history(metrics.base_rate_loss)
    return Run(folder.path, config, history, metrics, verdict, notes, warnings)


@dataclass(frozen=True)
class _Prepared:
    """A table, split and checked."""

    train: Sample
    validation: Sample
    targets: Targets
    sha256: Mapping[str, str]
    notes: tuple[str, ...]


def train(job: Job, loss: str, options: Mapping[str, Any], out: str | Path, listener: Listener | None = None) -> Run:
    """Train on a table and keep everything in the folder ``out``.

    Parameters
    ----------
    job : Job
        The table and its columns.
    loss : str
        The spelling of a loss; ``weighted`` is balanced by the training rows.
    options : mapping
        Fields of `Options` other than the loss.
    out : str or Path
        A folder that does not exist yet, or is empty.
    listener : Listener, optional
        Who is told.

    Raises
    ------
    LogLossError
        Whatever is wrong with the table, the options or the folder, in a sentence.
    """
    listener = listener or Listener()
    Options(**options)  # refused before anything is read
    if not loss.strip().startswith("weighted"):
        BinaryCrossEntropy.parse(loss)
    prepared = _prepare(job, int(options.get("seed", 0)), listener)
    labels = prepared.train.labels
    bce = BinaryCrossEntropy.parse(loss, labels if labels.shape[1] > 1 else labels[:, 0])
    chosen = Options(**options, loss=bce)
    fitting.check_loss(bce, labels.shape[1])
    recipe = fitting.learn_recipe(prepared.train.frame, chosen.model)
    folder = RunFolder.create(out)
    config = _config(job, chosen, prepared)
    folder.write_config(config, recipe)
    return _execute(folder, chosen, config, recipe, prepared, listener)


def resume(path: str | Path, listener: Listener | None = None) -> Run:
    """Continue a run that was interrupted, to the same bits as if it had not been.

    Raises
    ------
    RunError
        The run is finished already, or its folder or its data changed.
    """
    listener = listener or Listener()
    folder = RunFolder.open(path)
    config = folder.read_config()
    if (folder.path / METRICS).exists():
        raise RunError(
            f"{folder.path} is finished: nothing is left to continue. Use it with `logloss predict {folder.path} DATA`."
        )
    recipe = folder.read_recipe()
    try:
        job = Job(**{**config["job"], "target": tuple(config["job"]["target"])})
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.path / CONFIG} is damaged: {error} is missing or unknown.") from error
    options = options_of(config)
    prepared = _prepare(job, options.seed, listener)
    if dict(prepared.sha256) != config["sha256"]:
        raise RunError(
            f"{job.data} changed since {folder.path} was started, so the run cannot be continued. Train anew."
        )
    return _execute(folder, options, config, recipe, prepared, listener)


def _config(job: Job, options: Options, prepared: _Prepared) -> dict[str, Any]:
    settings = options.settings(len(prepared.train.frame)) if options.model == "mlp" else None
    targets = prepared.targets
    return {
        "logloss": logloss.__version__,
        "job": asdict(job),
        "sha256": dict(prepared.sha256),
        "targets": [
            {"name": name, "positive": positive, "negative": negative}
            for name, positive, negative in zip(targets.names, targets.positive, targets.negative, strict=True)
        ],
        "loss": str(options.loss),
        "options": asdict(options) | {"loss": options.loss.get_config()},
        "settings": None if settings is None else asdict(settings),
    }


def _prepare(job: Job, seed: int, listener: Listener) -> _Prepared:
    table = read_table(job.data, header=job.header)
    notes: list[str] = []

    def note(*sentences: str) -> None:
        for sentence in sentences:
            notes.append(sentence)
            listener.note(sentence)

    note(*table.notes)
    targets = read_targets(table.frame, job.target, positive=job.positive)
    note(*targets.notes)
    sample = _sample(table, job, targets)
    sha256 = {"data": table.sha256}
    if job.validation_data is not None:
        if job.time_column is not None:
            raise ParameterError("--validation-data and --time-column both say which rows validate. Give one of them.")
        other = read_table(job.validation_data, header=job.header)
        other_targets = read_targets(other.frame, targets.names, positive=job.positive or _single(targets.positive))
        note(*other_targets.notes)
        sha256["validation_data"] = other.sha256
        return _Prepared(sample, _sample(other, job, other_targets), targets, sha256, tuple(notes))
    if job.time_column is not None:
        column = _column(table.frame, job.time_column, "--time-column")
        kept_times = table.frame.loc[targets.kept, column]
        first, last = split.by_time(kept_times.reset_index(drop=True), job.validation)
    else:
        first, last = split.at_random(sample.labels, job.validation, seed)
    return _Prepared(sample.rows(first), sample.rows(last), targets, sha256, tuple(notes))


def _single(positive: tuple[str, ...]) -> str | None:
    return positive[0] if len(set(positive)) == 1 else None


def _sample(table: Table, job: Job, targets: Targets) -> Sample:
    frame = table.frame.loc[targets.kept].reset_index(drop=True)
    labels = targets.y if targets.y.ndim == 2 else targets.y[:, None]
    labels = labels[targets.kept] if len(labels) != len(frame) else labels
    weight = None
    left_out = list(targets.names)
    if job.weight is not None:
        column = _column(frame, job.weight, "--weight")
        weight = _weights(frame[column], job.weight)
        left_out.append(column)
    features = frame.drop(columns=left_out)
    if features.shape[1] == 0:
        raise TableError(
            f"{table.path} has no column besides {', '.join(map(str, left_out))}, so nothing to predict from."
        )
    refuse_infinite(features, list(features.columns))
    return Sample(features, np.ascontiguousarray(labels, np.float64), weight)


def _column(frame: pd.DataFrame, name: str, option: str) -> Any:
    if name in frame.columns:
        return name
    raise TableError(f'{option} "{name}" is not a column of the table.{nearest(name, map(str, frame.columns))}')


def _weights(values: pd.Series, name: str) -> Array:
    try:
        weight = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise WeightError(f'The weight column "{name}" holds values that are not numbers.') from None
    bad = ~((weight >= 0) & (weight < np.inf))
    if bad.any():
        raise WeightError(
            f'The weight column "{name}" holds {int(bad.sum()):,} values that are missing, negative or infinite; '
            f"the first is in row {int(np.argmax(bad)) + 1}. Weights are finite and at least 0."
        )
    if weight.sum() == 0:
        raise WeightError(f'The weights in "{name}" sum to 0.')
    return weight


def _execute(
    folder: RunFolder,
    options: Options,
    config: Mapping[str, Any],
    recipe: Recipe,
    prepared: _Prepared,
    listener: Listener,
) -> Run:
    training, validation = prepared.train, prepared.validation
    said = (_positives(prepared), *recipe.notes())
    notes = [*prepared.notes, *said]
    for sentence in said:
        listener.note(sentence)
    warnings = [found.words for found in giveaways(training.frame, training.labels)]
    for sentence in warnings:
        listener.warn(sentence)

    rates = training.base_rates
    base = fitting.base_rate_loss(rates, validation)
    done, restore = _restored(folder, options)
    settings = config["settings"]
    listener.begin(None if settings is None else settings["epochs"], base, done)

    def on_epoch(epoch: Epoch) -> None:
        if options.model == "linear":
            folder.append_epoch(epoch)
        listener.epoch(epoch)

    def after_epoch(state: loop.State) -> None:
        # The history first: a checkpoint is never ahead of it.
        folder.append_epoch(state.epochs[-1])
        folder.write_tensors(CHECKPOINT, loop.tensors(state), epochs=str(len(state.epochs)))

    try:
        fitted = fitting.fit(
            options, recipe, training, validation, on_epoch=on_epoch, after_epoch=after_epoch, restore=restore
        )
    finally:
        listener.end()
    history = History(fitted.history.epochs, base)
    metrics = _metrics(fitted, prepared)
    words = verdict(
        metrics,
        history,
        options.loss,
        corrected=options.prior_correction,
        linear=fitted.linear_fits,
        feature_names=recipe.names,
    )
    folder.write_tensors(MODEL, fitted.model.tensors(), shift=to_json(fitted.model.shift.tolist(), indent=None))
    facts = {"metrics": metrics, "verdict": words, "notes": notes, "warnings": warnings}
    write_atomically(folder.path / METRICS, to_json(facts) + "\n")
    return Run(folder.path, config, history, metrics, words, tuple(notes), tuple(warnings))


def _positives(prepared: _Prepared) -> str:
    """What counts as positive, and how common it is among the rows that train."""
    targets = prepared.targets
    shares = ", ".join(
        f'"{name}" is {positive} in {percent(rate)}'
        for name, positive, rate in zip(targets.names, targets.positive, prepared.train.base_rates, strict=True)
    )
    train, validation = len(prepared.train.frame), len(prepared.validation.frame)
    return f"{shares} of the {train:,} rows to train on; {validation:,} rows validate."


def _restored(folder: RunFolder, options: Options) -> tuple[list[Epoch], Callable[[loop.State], None]]:
    """The epochs that are done, and what puts a network's state back to where they ended."""
    if options.model == "linear" or not (folder.path / CHECKPOINT).exists():
        (folder.path / HISTORY).unlink(missing_ok=True)  # nothing before the first checkpoint can be continued
        return [], lambda _: None
    tensors, metadata = folder.read_tensors(CHECKPOINT)
    epochs = list(folder.read_history().epochs)
    count = int(metadata["epochs"])
    if len(epochs) < count:
        raise RunError(
            f"{folder.path / HISTORY} holds {len(epochs)} epochs and the checkpoint {count}: lines were lost. "
            "Train anew."
        )
    epochs = epochs[:count]
    folder.rewrite_history(epochs)

    def restore(state: loop.State) -> None:
        loop.restore(state, tensors, epochs)

    return epochs, restore


def _metrics(fitted: Fitted, prepared: _Prepared) -> Metrics:
    training, validation = prepared.train, prepared.validation
    probabilities = fitted.model.probabilities(validation.frame)
    rates = training.base_rates
    targets = prepared.targets
    return Metrics(
        n_train=len(training.frame),
        n_validation=len(validation.frame),
        labels=tuple(
            label_metrics(
                name,
                targets.positive[j],
                float(rates[j]),
                validation.labels[:, j],
                probabilities[:, j],
                validation.weight,
            )
            for j, name in enumerate(targets.names)
        ),
    )
