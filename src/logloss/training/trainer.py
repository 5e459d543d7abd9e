"""From a table in a file to a trained model in a run folder, and on from where an earlier run stopped."""

import hashlib
import platform
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from logloss.core.errors import LogLossError, ParameterError, RunError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.kernel import active_kernel
from logloss.core.plain import read_plain
from logloss.training import fitting, loop
from logloss.training.features import Recipe, giveaways
from logloss.training.fitting import Fitted, ModelKind, Options, options_of
from logloss.training.history import Epoch, write_epoch
from logloss.training.metrics import Metrics, label_metrics
from logloss.training.preparation import Job, Prepared, naming, prepare
from logloss.training.result import Run
from logloss.training.run import CHECKPOINT, CONFIG, RunFolder
from logloss.training.verdict import verdict

_PACKAGES = ("logloss", "numpy", "torch", "scikit-learn", "skrub", "pandas")


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


def train(
    data: str | Path,
    *,
    target: str | Sequence[str],
    out: str | Path,
    positive: str | None = None,
    weight: str | None = None,
    drop: Sequence[str] = (),
    header: bool = True,
    validation: float = 0.2,
    validation_data: str | Path | None = None,
    time_column: str | None = None,
    loss: BinaryCrossEntropy | str = "bce",
    model: ModelKind = "mlp",
    hidden: Sequence[int] = (64, 32),
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    prior_correction: bool = True,
    seed: int = 0,
    listener: Listener | None = None,
) -> Run:
    """Train on a table in a file, and keep everything in the folder ``out``.

    Parameters
    ----------
    data : str or Path
        A CSV, TSV or Parquet file, packed or not.
    target : str or sequence of str
        What to predict; several columns of 0 and 1 are learnt at once.
    out : str or Path
        A folder that does not exist yet, or is empty.
    positive : str, optional
        Which value of the target is positive.
    weight : str, optional
        A column of row weights.
    drop : sequence of str
        Columns to learn nothing from.
    header : bool
        Whether a text file's first row holds names; else columns are "0", "1" and so on.
    validation : float
        The share of rows kept to validate on.
    validation_data : str or Path, optional
        A table to validate on instead.
    time_column : str, optional
        The latest rows by this column validate.
    loss : BinaryCrossEntropy or str
        The loss, or its spelling; ``"weighted"`` is balanced by the training rows.
    model, hidden, epochs, batch_size, learning_rate, prior_correction
        As for `BinaryClassifier`.
    seed : int
        The same seed gives the same bits.
    listener : Listener, optional
        Who is told how it goes.

    Raises
    ------
    LogLossError
        Whatever is wrong with the table, an option or the folder, in a sentence.
    """
    listener = listener or Listener()
    # Refused before anything is read.
    if not isinstance(data, str | Path):
        raise ParameterError(
            f"data is a {type(data).__name__}; expected the path of a CSV, TSV or Parquet file. "
            "A table in memory is what BinaryClassifier().fit(X, y) takes."
        )
    if not isinstance(target, Sequence) or not all(isinstance(name, str) for name in target):
        raise ParameterError(f"target={target!r} is not usable; expected the name of a column, or several names.")
    job = Job(
        data=str(data),
        target=(target,) if isinstance(target, str) else tuple(target),
        positive=positive,
        weight=weight,
        header=header,
        validation=validation,
        validation_data=None if validation_data is None else str(validation_data),
        time_column=time_column,
        drop=tuple(drop),
    )
    options = Options(
        model=model,
        hidden=tuple(hidden),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        prior_correction=prior_correction,
        seed=seed,
    )
    fitting.parse_loss(loss, np.array([0.5]))
    RunFolder(Path(out)).refuse_occupied()

    prepared = prepare(job, seed, listener.note)
    rates = prepared.train.base_rates
    chosen = replace(options, loss=fitting.parse_loss(loss, rates))
    fitting.check_loss(chosen.loss, len(rates))
    recipe = fitting.learn_recipe(prepared.train.frame, chosen.model)
    if job.validation_data is not None:
        with naming(job.validation_data):
            recipe.transform(prepared.validation.frame)
    config = _config(job, chosen, prepared)
    folder = RunFolder.create(out, config, recipe)
    try:
        return _execute(folder, chosen, config, recipe, prepared, listener)
    except RunError:  # the disk is full, or the like: what there is can be continued
        raise
    except LogLossError:  # a training that diverged would do so again
        folder.remove()
        raise


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
    if folder.is_finished:
        raise RunError(
            f"{folder.path} is finished: nothing is left to continue. Score a table with it: "
            f"logloss predict {shlex.quote(str(folder.path))} DATA --out FILE"
        )
    recipe = folder.read_recipe()
    job = read_plain(Job, config.get("job"), f"The job in {folder.path / CONFIG}")
    options = options_of(config)
    _refuse_changed_data(folder, job, config.get("sha256"))
    prepared = prepare(job, options.seed, listener.note)
    folder.tidy()
    return _execute(folder, options, config, recipe, prepared, listener)


def _refuse_changed_data(folder: RunFolder, job: Job, digests: Any) -> None:
    for path in filter(None, (job.data, job.validation_data)):
        try:
            with Path(path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise RunError(
                f"{path}, from which {folder.path} learns, cannot be read: {error.strerror}. Put it back, or continue "
                "from the folder in which the run was started."
            ) from error
        if not isinstance(digests, dict) or digests.get(path) != digest:
            raise RunError(
                f"{path} was changed since the run {folder.path} was started, so it cannot be continued. Restore that "
                "file, or train anew."
            )


def _config(job: Job, options: Options, prepared: Prepared) -> dict[str, Any]:
    settings = options.settings(len(prepared.train.frame)) if options.model == "mlp" else None
    targets = prepared.targets
    return {
        "versions": {"Python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "kernel": active_kernel(),
        "job": asdict(job),
        "sha256": dict(prepared.sha256),
        "dialect": prepared.dialect and asdict(prepared.dialect),
        "targets": [
            {"name": name, "positive": positive, "negative": negative}
            for name, positive, negative in zip(targets.names, targets.positive, targets.negative, strict=True)
        ],
        "loss": str(options.loss),
        "options": asdict(options) | {"loss": options.loss.get_config()},
        "settings": None if settings is None else asdict(settings),
    }


def _execute(
    folder: RunFolder,
    options: Options,
    config: Mapping[str, Any],
    recipe: Recipe,
    prepared: Prepared,
    listener: Listener,
) -> Run:
    training, validation = prepared.train, prepared.validation
    said = (prepared.shares, *recipe.notes())
    for sentence in said:
        listener.note(sentence)
    found = giveaways(training.frame, training.labels, names=prepared.targets.names)
    warnings = tuple(giveaway.words for giveaway in found)
    for sentence in warnings:
        listener.warn(sentence)

    base = fitting.base_rate_loss(training.base_rates, validation)
    done, restore = _restored(folder, options)
    listener.begin(None if options.model == "linear" else options.settings(len(training.frame)).epochs, base, done)

    def on_epoch(epoch: Epoch) -> None:
        if options.model == "linear":
            folder.append_epoch(epoch)
        listener.epoch(epoch)

    def after_epoch(state: loop.State) -> None:
        folder.append_epoch(state.epochs[-1])
        folder.write_checkpoint(loop.tensors(state), {"history": [*map(write_epoch, state.epochs)]})

    try:
        fitted = fitting.fit(
            options, recipe, training, validation, on_epoch=on_epoch, after_epoch=after_epoch, restore=restore
        )
    finally:
        listener.end()
    history = replace(fitted.history, base_rate_loss=base)
    metrics = _metrics(fitted, prepared)
    words = verdict(
        metrics,
        history,
        options.loss,
        corrected=options.prior_correction,
        linear=fitted.linear_fits,
        feature_names=recipe.names,
    )
    notes = (*prepared.notes, *said)
    folder.write_metrics({"metrics": metrics, "verdict": words, "notes": notes, "warnings": warnings})
    folder.write_model(fitted.model.tensors(), {"shift": fitted.model.shift.tolist()})
    return Run(folder.path, config, history, metrics, words, notes, warnings)


def _restored(folder: RunFolder, options: Options) -> tuple[tuple[Epoch, ...], Callable[[loop.State], None]]:
    """The epochs that are done, and what puts a network's state back to where they ended."""
    if options.model == "linear" or not (folder.path / CHECKPOINT).exists():
        folder.write_history([])  # nothing before the first checkpoint can be continued
        return (), lambda _: None
    tensors, facts = folder.read_tensors(CHECKPOINT)
    folder.write_history(facts["history"])  # the checkpoint's, as the file may be behind or ahead of it, or damaged
    epochs = folder.read_history()
    return epochs, lambda state: loop.restore(state, tensors, list(epochs))


def _metrics(fitted: Fitted, prepared: Prepared) -> Metrics:
    training, validation = prepared.train, prepared.validation
    logits = fitted.model.logits(validation.frame)
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
                logits[:, j],
                validation.weight,
            )
            for j, name in enumerate(targets.names)
        ),
    )
