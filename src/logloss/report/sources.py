"""Where a history of losses may come from: a ``History`` of ours or of Keras, a dict of lists, a ``history.jsonl``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from logloss.core.errors import ParameterError, RunError, nearest
from logloss.tables.wording import counted
from logloss.training.history import History

_TRAINING = ("loss", "train_loss")
_VALIDATION = ("val_loss", "validation_loss")
_EXPECTED = (
    'expected what Keras\'s fit returns, a dict of lists such as {"loss": [0.6, 0.5], "val_loss": [0.7, 0.6]}, '
    "a path to a history.jsonl, or a logloss History"
)


def read(source: Any, base_rate_loss: float | None) -> History:
    """The history that a source holds, of at least one epoch."""
    history = _history(source)
    if base_rate_loss is not None:
        if (
            isinstance(base_rate_loss, bool)
            or not isinstance(base_rate_loss, Real)
            or not math.isfinite(base_rate_loss)
        ):
            raise ParameterError(f"base_rate_loss={base_rate_loss!r} is no loss; expected a finite number of nats.")
        history = replace(history, base_rate_loss=float(base_rate_loss))
    if not history.epochs:
        where = f"{source} holds" if isinstance(source, str | Path) else "The history has"
        raise RunError(f"{where} no finished epoch, so there is nothing to draw; expected at least one.")
    return history


def _history(source: Any) -> History:
    if isinstance(source, History):
        return source
    if isinstance(source, str | Path):
        return History.read(source)
    if isinstance(source, Mapping):
        return _from_lists(source)
    # Keras keeps the dict in an attribute. Looking for it, not for the class, spares importing Keras.
    kept = getattr(source, "history", None)
    if isinstance(kept, Mapping):
        return _from_lists(kept)
    trained = getattr(source, "history_", None)  # of a BinaryClassifier
    if isinstance(trained, History):
        return trained
    raise ParameterError(f"A history cannot be read from {_kind(source)}; {_EXPECTED}.")


def _from_lists(lists: Mapping[Any, Any]) -> History:
    training = _one_of(_TRAINING, lists)
    if training is None:
        if not lists:
            raise RunError("The history is empty: it has no losses. Was the model trained for at least one epoch?")
        came = ", ".join(map(repr, lists))
        hint = "".join(dict.fromkeys(nearest(str(key), _TRAINING) for key in lists))
        raise ParameterError(f'The history has no training loss, only {came}; expected "loss" or "train_loss".{hint}')
    validation = _one_of(_VALIDATION, lists)
    losses = _numbers(training, lists[training])
    if validation is None:
        return History.from_losses(losses)
    others = _numbers(validation, lists[validation])
    if len(losses) != len(others):
        entries = counted(len(losses), "entry", "entries")
        raise RunError(
            f"{training!r} has {entries} and {validation!r} has {len(others)}; expected as many, "
            "one an epoch. Where an epoch was not validated, put float('nan')."
        )
    return History.from_losses(losses, others)


def _one_of(spellings: Sequence[str], lists: Mapping[Any, Any]) -> str | None:
    given = [key for key in spellings if key in lists]
    if len(given) > 1:
        raise ParameterError(f"The history has both {given[0]!r} and {given[1]!r}; expected one of them.")
    return given[0] if given else None


def _numbers(key: str, values: Any) -> list[float]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ParameterError(f"{key!r} is {_kind(values)}; expected a list of losses, one an epoch.")
    numbers = []
    for i, value in enumerate(values):
        try:
            numbers.append(math.nan if value is None else float(value))
        except (TypeError, ValueError):
            raise ParameterError(f"{key!r} holds {value!r} at place {i}; expected a number of nats.") from None
    return numbers


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
