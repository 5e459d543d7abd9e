"""What a report of a training is made from: facts, and sentences that were made elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from logloss.training.history import History
from logloss.training.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """Everything that the page of a finished training shows.

    ``title`` is the data file's name, ``loss`` the spelling of the loss, ``verdict`` the sentences that say what came
    out, ``kernel`` the path that computed, ``created`` the date as it is to be printed. ``probabilities`` says whether
    the loss leaves probabilities as they are, whether it shifts them and this was undone, or whether it shifts them and
    it was not. No field holds a value of a row, and no field should.
    """

    title: str
    loss: str
    model: Literal["mlp", "linear"]
    history: History
    metrics: Metrics
    verdict: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    kernel: str
    created: str
    probabilities: Literal["exact", "corrected", "distorted"]
