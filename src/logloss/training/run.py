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

Every file is written under another name first, so none is ever half written. The weights carry the digests of the
configuration and the recipe that they belong to, and of themselves, so that an edited or damaged folder is noticed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import safetensors
import safetensors.torch
from torch import Tensor

from logloss.core.errors import RunError
from logloss.core.plain import to_json
from logloss.training.features import Recipe
from logloss.training.files import write_atomically
from logloss.training.history import Epoch, History, read_epochs, write_epoch

FORMAT = 1

CONFIG, FEATURES, HISTORY = "config.json", "features.json", "history.jsonl"
CHECKPOINT, MODEL, METRICS, REPORT = "checkpoint.safetensors", "model.safetensors", "metrics.json", "report.html"


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds a run."""

    path: Path

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """A new, empty run folder; one that exists and holds anything is refused."""
        path = Path(path)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise RunError(
                    f"{path} exists already. Choose another folder with --out, "
                    f"or continue that run with --resume {path}."
                )
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"The folder {path} cannot be made: {error.strerror}. Choose another one with --out."
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The run folder that is there."""
        path = Path(path)
        if not path.is_dir():
            raise RunError(f"There is no run folder {path}. `logloss train` makes one.")
        if not (path / CONFIG).is_file():
            raise RunError(f"{path} is not a run folder: it holds no {CONFIG}.")
        return cls(path)

    def write_config(self, config: Mapping[str, Any], recipe: Recipe) -> None:
        """Keep what was asked for, and the recipe."""
        write_atomically(self.path / FEATURES, to_json(recipe.to_config()) + "\n")
        write_atomically(self.path / CONFIG, to_json({"format": FORMAT, **config}) + "\n")

    def read_config(self) -> dict[str, Any]:
        """What `write_config` kept."""
        config = self._read_json(CONFIG)
        if config.get("format") != FORMAT:
            raise RunError(
                f"{self.path / CONFIG} is of format {config.get('format')!r}, and this version of logloss reads "
                f"{FORMAT}. Use the version that wrote it."
            )
        return config

    def read_recipe(self) -> Recipe:
        """The recipe of the features."""
        return Recipe.from_config(self._read_json(FEATURES))

    def read_metrics(self) -> dict[str, Any]:
        """The scores and the verdict."""
        if not (self.path / METRICS).exists():
            raise RunError(f"{self.path} is not finished. Continue it with: logloss train --resume {self.path}")
        return self._read_json(METRICS)

    def append_epoch(self, epoch: Epoch) -> None:
        """Add a line to the history."""
        try:
            with (self.path / HISTORY).open("a", encoding="utf-8") as file:
                file.write(write_epoch(epoch))
        except OSError as error:
            raise RunError(
                f"{self.path / HISTORY} could not be written: {error.strerror}. Nothing before epoch {epoch.epoch} is "
                f"lost: free some space and continue with --resume {self.path}."
            ) from error

    def rewrite_history(self, epochs: list[Epoch]) -> None:
        """Make the history hold these epochs and no others."""
        write_atomically(self.path / HISTORY, "".join(map(write_epoch, epochs)))

    def read_history(self, base_rate_loss: float | None = None) -> History:
        """The epochs so far."""
        path = self.path / HISTORY
        return History(tuple(read_epochs(path)) if path.exists() else (), base_rate_loss)

    def write_tensors(self, name: str, tensors: Mapping[str, Tensor], **metadata: str) -> None:
        """Keep tensors, with the digests of what they belong to."""
        contents = {key: value.detach().contiguous() for key, value in tensors.items()}
        metadata |= {
            "config": self._digest(CONFIG),
            "features": self._digest(FEATURES),
            "tensors": _tensor_digest(contents),
        }
        write_atomically(self.path / name, safetensors.torch.save(contents, metadata))

    def read_tensors(self, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and their metadata, if the folder is as it was when they were kept."""
        path = self.path / name
        try:
            with safetensors.safe_open(path, "pt") as file:
                metadata = dict(file.metadata() or {})
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 -- not a mapping
        except FileNotFoundError:
            raise RunError(
                f"{self.path} holds no {name}: the training has not come so far. Continue it with --resume."
            ) from None
        except (OSError, safetensors.SafetensorError) as error:
            raise RunError(f"{path} is damaged: {error}. Train again, or restore the file.") from error
        if metadata.get("tensors") != _tensor_digest(tensors):
            raise RunError(
                f"{path} is damaged: its weights are not those that were written. Train again, or restore the file."
            )
        for other in (CONFIG, FEATURES):
            if metadata.get(Path(other).stem) != self._digest(other):
                raise RunError(
                    f"{self.path / other} was changed after the training, and {name} does not belong to it any more. "
                    "Restore the file, or train again."
                )
        return tensors, metadata

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

    def _digest(self, name: str) -> str:
        try:
            return hashlib.sha256((self.path / name).read_bytes()).hexdigest()
        except OSError as error:
            raise RunError(f"{self.path / name} cannot be read: {error.strerror}.") from error


def _tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
