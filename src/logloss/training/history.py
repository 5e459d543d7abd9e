"""The history of a training: an epoch a line, written as it happens, and what can be read from it."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from logloss.core.errors import RunError
from logloss.core.plain import to_json
from logloss.tables.wording import counted


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training data, with the mean log loss of its probabilities, in nats.

    Whatever loss is trained with, this is the plain log loss, so that runs and the base rate can be compared.
    """

    epoch: int  # counted from 1
    train_loss: float
    validation_loss: float | None = None
    learning_rate: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Overfitting:
    """Since when, and by how much, the validation loss rose while the training loss fell."""

    since: int
    validation_rose: float
    train_fell: float


_EXPECTED = 'a JSON object a line, such as {"epoch": 1, "train_loss": 0.6, "validation_loss": 0.7}'

# A rise smaller than this share of the loss is noise, and nobody should be told of it.
_NOTICEABLE = 0.01


@dataclass(frozen=True)
class History:
    """Epochs in order, and the loss of always saying the base rate.

    Examples
    --------
    >>> history = History.from_losses([0.6, 0.5, 0.4, 0.3], [0.60, 0.55, 0.58, 0.61])
    >>> history.best.epoch
    2
    >>> history.overfitting
    Overfitting(since=3, validation_rose=0.06, train_fell=0.2)
    """

    epochs: tuple[Epoch, ...]
    base_rate_loss: float | None = None
    stops_early: bool = True  # whether the best epoch is kept; a linear model keeps the last iteration

    @classmethod
    def from_losses(
        cls, train: Sequence[float], validation: Sequence[float] | None = None, base_rate_loss: float | None = None
    ) -> Self:
        """A history from two lists of losses, an entry an epoch."""
        others: Sequence[float | None] = validation if validation is not None else [None] * len(train)
        if len(others) != len(train):
            losses = counted(len(train), "training loss", "training losses")
            more = counted(len(others), "validation loss", "validation losses")
            raise RunError(f"{losses} and {more} make no history; expected as many of each, one an epoch.")
        pairs = zip(train, others, strict=True)
        return cls(
            tuple(
                Epoch(epoch=i, train_loss=float(a), validation_loss=None if b is None else float(b))
                for i, (a, b) in enumerate(pairs, start=1)
            ),
            base_rate_loss,
        )

    @classmethod
    def read(cls, path: str | Path, base_rate_loss: float | None = None) -> Self:
        """The history that a `history.jsonl` holds."""
        return cls(tuple(read_epochs(path)), base_rate_loss)

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are kept.

        That of least validation loss, the first of equals; of least training loss without validation; the last where
        training does not stop early.
        """
        if not self.epochs:
            raise RunError("The history holds no epochs, so none of them is the best.")
        if not self.stops_early:
            return self.epochs[-1]
        validated = any(epoch.validation_loss is not None for epoch in self.epochs)
        return min(self.epochs, key=lambda e: _or_inf(e.validation_loss if validated else e.train_loss))

    @property
    def overfitting(self) -> Overfitting | None:
        """Overfitting after the best epoch, if the validation loss rose by more than a hundredth."""
        best, last = self.best, self.epochs[-1]
        if best is last or best.validation_loss is None or last.validation_loss is None:
            return None
        rose = last.validation_loss - best.validation_loss
        fell = best.train_loss - last.train_loss
        if not (fell > 0 and rose > _NOTICEABLE * abs(best.validation_loss)):
            return None
        return Overfitting(best.epoch + 1, round(rose, 12), round(fell, 12))


def write_epoch(epoch: Epoch) -> str:
    """The line of a `history.jsonl` that holds the epoch."""
    return to_json(epoch, indent=None) + "\n"


def read_epochs(path: str | Path) -> list[Epoch]:
    """The epochs of a `history.jsonl`. A last line that was cut off, as a crash leaves it, is passed over."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise RunError(f"There is no file {path}.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read as a history: {error}") from error
    except UnicodeDecodeError as error:
        what = "a Parquet file" if error.object.startswith(b"PAR1") else "not text in UTF-8"
        raise RunError(f"{path} is {what}; expected a history.jsonl: {_EXPECTED}.") from None
    epochs = []
    for number, line in enumerate(lines, start=1):
        unfinished = number == len(lines)  # no line break follows: nothing, or a line that was cut off
        try:
            record = json.loads(line)
            epochs.append(_epoch(record))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            if unfinished:
                break
            raise RunError(
                f"Line {number} of {path} is not an epoch: {line[:80]!r}. Expected {_EXPECTED}; validation_loss may be "
                "left out."
            ) from error
    return epochs


def _epoch(record: Any) -> Epoch:
    if not isinstance(record, Mapping):
        raise TypeError("an epoch is an object")
    known = {f.name for f in fields(Epoch)} - {"epoch", "train_loss"}
    others = {key: _number(value) for key, value in record.items() if key in known}
    train_loss = _number(record["train_loss"])
    return Epoch(epoch=int(record["epoch"]), train_loss=math.nan if train_loss is None else train_loss, **others)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)  # "inf" and "nan" are read too


def _or_inf(value: float | None) -> float:
    return math.inf if value is None or math.isnan(value) else value


def total_seconds(epochs: Iterable[Epoch]) -> float:
    """How long the epochs took together."""
    return sum(epoch.seconds or 0.0 for epoch in epochs)
