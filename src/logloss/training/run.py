"""The run folder: what stays of a training, in plain files.

========================  ====================================================
``config.json``           what was asked for, and every choice that was made
``features.json``         the recipe that turns a table into features
``history.jsonl``         an epoch a line, written as it happens
``checkpoint.safetensors``  a network's last weights, best weights and optimizer
``model.safetensors``     the weights to predict with
``metrics.json``          the scores and the verdict
``report.html``           the page to look at
========================  ====================================================

Every file but the history is written under another name first, so none is ever half written. The checkpoint and the
weights carry their own digest and those of the files that they belong to, so an edited or damaged folder is noticed.
The weights are written last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import safetensors

from logloss.core.errors import RunError
from logloss.core.plain import to_json
from logloss.tables.atomic import remove_leftovers, write_atomically
from logloss.training.history import Epoch, read_epochs, write_epoch

if TYPE_CHECKING:  # imported where they are needed, so that what is not there is said without the seconds they take
    from torch import Tensor

    from logloss.training.features import Recipe

FORMAT = 1

CONFIG, FEATURES, HISTORY = "config.json", "features.json", "history.jsonl"
CHECKPOINT, MODEL, METRICS, REPORT = "checkpoint.safetensors", "model.safetensors", "metrics.json", "report.html"

_OF_A_MODEL = (CONFIG, FEATURES)
_OF_A_RUN = (CONFIG, FEATURES, HISTORY, METRICS)


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds a run."""

    path: Path
    is_ours: bool = False  # whether the folder itself was made for the run

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any], recipe: Recipe) -> Self:
        """A new run folder that holds what was asked for; nothing is left of it if that cannot be written."""
        folder = cls(Path(path), is_ours=not Path(path).exists())
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.refuse_occupied()  # now that it is sure which folder a path such as new/../old means
        except OSError as error:
            raise _cannot_be_made(folder.path, error) from error
        try:
            write_atomically(folder.path / FEATURES, to_json(recipe.to_config()) + "\n")
            write_atomically(folder.path / CONFIG, to_json({"format": FORMAT, **config}) + "\n")
        except BaseException:
            folder.remove()
            raise
        return folder

    def refuse_occupied(self) -> None:
        """Refuse a place where there is a run already, or anything else."""
        try:
            if (self.path / CONFIG).exists():
                mend = "." if self.is_finished else f", or continue that run with: {resume_command(self.path)}"
                raise RunError(f"{self.path} holds a run already. Name another folder{mend}")
            if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
                raise RunError(f"{self.path} exists already and is not an empty folder. Name another one.")
        except OSError as error:
            raise _cannot_be_made(self.path, error) from error

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The run folder that is there."""
        path = Path(path)
        if not path.is_dir():
            raise RunError(f"There is no run folder {path}. `logloss train` makes one.")
        if not (path / CONFIG).is_file():
            raise RunError(f"{path} is not a run folder: it holds no {CONFIG}.")
        return cls(path)

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / METRICS).exists() and (self.path / MODEL).exists()

    def remove(self) -> None:
        """Take away the files of a run that came to nothing, and the folder if it was made for them."""
        with contextlib.suppress(OSError):
            for name in (CONFIG, FEATURES, HISTORY, CHECKPOINT):
                (self.path / name).unlink(missing_ok=True)
            if self.is_ours:
                self.path.rmdir()

    def tidy(self) -> None:
        """Take away what a process that was killed left half written."""
        for name in (CONFIG, FEATURES, HISTORY, CHECKPOINT, MODEL, METRICS, REPORT):
            remove_leftovers(self.path / name)

    def read_config(self) -> dict[str, Any]:
        """What was asked for, as `create` kept it."""
        config = self._read_json(CONFIG)
        if config.get("format") != FORMAT:
            raise RunError(
                f"{self.path / CONFIG} is of format {config.get('format')!r}, and this version of logloss reads "
                f"{FORMAT}. Use the version that wrote it."
            )
        return config

    def read_recipe(self) -> Recipe:
        """The recipe of the features."""
        from logloss.training.features import Recipe

        config = self._read_json(FEATURES)
        try:
            return Recipe.from_config(config)
        except RunError as error:
            raise RunError(f"{self.path / FEATURES} is damaged: {error}") from error

    def append_epoch(self, epoch: Epoch) -> None:
        """Add a line to the history."""
        with self._writing(HISTORY), (self.path / HISTORY).open("a", encoding="utf-8") as file:
            file.write(write_epoch(epoch))

    def write_history(self, lines: Sequence[str]) -> None:
        """Make the history hold these lines and no others."""
        with self._writing(HISTORY):
            write_atomically(self.path / HISTORY, "".join(lines))

    def read_history(self) -> tuple[Epoch, ...]:
        """The epochs so far."""
        return tuple(read_epochs(self.path / HISTORY))

    def write_metrics(self, facts: Mapping[str, Any]) -> None:
        """Keep the scores and the verdict."""
        with self._writing(METRICS):
            write_atomically(self.path / METRICS, to_json(facts) + "\n")

    def read_metrics(self) -> dict[str, Any]:
        """The scores and the verdict of a finished run, if all of its folder is as it was when the run ended."""
        if not self.is_finished:
            raise RunError(f"{self.path} is not finished. Continue it with: {resume_command(self.path)}")
        self.read_tensors(MODEL, _OF_A_RUN)
        return self._read_json(METRICS)

    def write_checkpoint(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keep what training goes on from."""
        self._write_tensors(CHECKPOINT, tensors, facts, _OF_A_MODEL)

    def write_model(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keep the weights to predict with, which ends the run."""
        self._write_tensors(MODEL, tensors, facts, _OF_A_RUN)

    def read_tensors(self, name: str, others: Sequence[str] = _OF_A_MODEL) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and their facts, if they and the other files are as they were when the tensors were kept."""
        path = self.path / name
        try:
            with safetensors.safe_open(path, "pt") as file:
                kept = (file.metadata() or {}).get("logloss", "")
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 -- not a mapping
        except FileNotFoundError:
            raise RunError(
                f"{self.path} holds no {name}: the training has not come so far. "
                f"Continue it with: {resume_command(self.path)}"
            ) from None
        except (OSError, safetensors.SafetensorError) as error:
            raise RunError(f"{path} is damaged ({error}). Restore the file, or train again.") from error
        seal, _, text = kept.partition(" ")
        if seal != _seal(text, tensors):
            raise RunError(f"{path} is damaged: it does not hold what was written. Restore the file, or train again.")
        facts: dict[str, Any] = json.loads(text)
        for other, digest in self._digests(others).items():
            if facts["sha256"][other] != digest:
                raise RunError(
                    f"{self.path / other} was changed since {name} was written, and the two do not belong together any "
                    "more. Restore the file, or train again."
                )
        return tensors, facts

    def _write_tensors(
        self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], others: Sequence[str]
    ) -> None:
        import safetensors.torch

        contents = {key: value.detach().contiguous() for key, value in tensors.items()}
        text = to_json({**facts, "sha256": self._digests(others)}, indent=None)
        # In one entry, because safetensors writes several in an order that changes from time to time.
        metadata = {"logloss": f"{_seal(text, contents)} {text}"}
        with self._writing(name):
            write_atomically(self.path / name, safetensors.torch.save(contents, metadata))

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a whole run folder: it holds no {name}.") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise RunError(f"{path} is damaged: it is not JSON ({error}).") from error
        if not isinstance(content, dict):
            raise RunError(f"{path} is damaged: it holds no JSON object.")
        return content

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Say how to go on where a file cannot be written."""
        then = f"Then continue with: {resume_command(self.path)}"
        try:
            yield
        except RunError as error:
            raise RunError(f"{error} {then}") from error
        except OSError as error:
            reason = f"{self.path / name} could not be written: {error.strerror}"
            raise RunError(f"{reason}. What was written before is whole. Free some space. {then}") from error

    def _digests(self, names: Sequence[str]) -> dict[str, str]:
        return {name: hashlib.sha256(self._content(name)).hexdigest() for name in names}

    def _content(self, name: str) -> bytes:
        """What a file says, the time that epochs took left aside: the same seed gives the same bytes."""
        if name == HISTORY:
            return "".join(write_epoch(replace(epoch, seconds=None)) for epoch in self.read_history()).encode()
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            reason = f"{self.path / name} cannot be read: {error.strerror}"
            raise RunError(f"{reason}. Restore it, or train again.") from error


def resume_command(path: Path) -> str:
    """What continues a run."""
    return f"logloss train --resume {shlex.quote(str(path))}"


def _cannot_be_made(path: Path, error: OSError) -> RunError:
    return RunError(f"The folder {path} cannot be made: {error.strerror}. Name another one.")


def _seal(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
