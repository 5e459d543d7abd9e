"""What a trained model achieved on its validation rows: facts, without a sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from logloss.core.family import BinaryCrossEntropy
from logloss.evaluation.reliability import Reliability, reliability

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class LabelMetrics:
    """One label's scores on the validation rows. Losses are in nats.

    ``base_rate`` is the share of positives among the *training* rows, which is what somebody would always say who
    knows nothing of a row; ``base_rate_loss`` is what saying it costs on the validation rows.
    """

    name: str
    positive: str
    base_rate: float
    validation_rate: float
    log_loss: float
    base_rate_loss: float
    accuracy: float
    majority_accuracy: float  # of always saying the commoner class
    saving_error: float = 0.0  # the standard error of base_rate_loss - log_loss, which are of the same rows
    reliability: Reliability | None = None

    @property
    def log_loss_bits(self) -> float:
        """The loss in bits."""
        return self.log_loss / math.log(2)

    @property
    def skill(self) -> float:
        """The share of the base rate's loss that the model saves; negative if it does worse."""
        return 1 - self.log_loss / self.base_rate_loss if self.base_rate_loss > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The scores of every label, and their means."""

    n_train: int
    n_validation: int
    labels: tuple[LabelMetrics, ...]

    @property
    def log_loss(self) -> float:
        """The mean of the labels' log losses, in nats."""
        return float(np.mean([label.log_loss for label in self.labels]))

    @property
    def log_loss_bits(self) -> float:
        """The same in bits."""
        return self.log_loss / math.log(2)

    @property
    def base_rate_loss(self) -> float:
        """The mean of the labels' base rate losses, in nats."""
        return float(np.mean([label.base_rate_loss for label in self.labels]))

    @classmethod
    def from_plain(cls, facts: Mapping[str, Any]) -> Self:
        """The metrics that were written as JSON."""
        return cls(
            n_train=facts["n_train"],
            n_validation=facts["n_validation"],
            labels=tuple(_label_from_plain(label) for label in facts["labels"]),
        )


def _label_from_plain(facts: Mapping[str, Any]) -> LabelMetrics:
    values: dict[str, Any] = dict(facts)
    for key in values.keys() - {"name", "positive", "reliability"}:
        values[key] = float(values[key])
    if values["reliability"] is not None:
        values["reliability"] = Reliability(**{key: tuple(column) for key, column in values["reliability"].items()})
    return LabelMetrics(**values)


def label_metrics(
    name: str, positive: str, base_rate: float, y_true: Array, logit: Array, sample_weight: Array | None = None
) -> LabelMetrics:
    """The scores of one label, from labels (0 or 1) and logits of shape (n,).

    Logits, because a probability rounds to 0 or 1 where a logit still says how wrong it is.
    """
    exact, of_logits = BinaryCrossEntropy(epsilon=0), BinaryCrossEntropy(from_logits=True)
    y_true, weight = np.asarray(y_true, np.float64), None
    if sample_weight is not None:
        weight = np.asarray(sample_weight, np.float64)
        counted = weight > 0  # the others may be infinitely wrong
        y_true, logit, weight = y_true[counted], logit[counted], weight[counted]

    def mean(values: Array) -> float:
        return float(np.average(values, weights=weight))

    def standard_error(values: Array) -> float:
        if not np.isfinite(values).all():
            return math.inf
        shares = np.full(len(values), 1 / len(values)) if weight is None else weight / weight.sum()
        return float(np.sqrt(np.sum((shares * (values - mean(values))) ** 2)))

    probability = expit(logit)
    validation_rate = mean(y_true)
    always = np.full(len(y_true), base_rate)
    return LabelMetrics(
        name=name,
        positive=positive,
        base_rate=base_rate,
        validation_rate=validation_rate,
        log_loss=of_logits(y_true, logit, sample_weight=weight, reduction="weighted_mean"),
        base_rate_loss=exact(y_true, always, sample_weight=weight, reduction="weighted_mean"),
        accuracy=mean((probability > 0.5) == (y_true > 0.5)),
        majority_accuracy=mean((y_true > 0.5) == (base_rate > 0.5)),
        saving_error=standard_error(exact.loss(y_true, always) - of_logits.loss(y_true, logit)),
        reliability=reliability(y_true, probability, weight),
    )
