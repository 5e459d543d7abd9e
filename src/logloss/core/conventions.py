"""What each library would say of the same labels and probabilities: five conventions for probabilities of 0 and 1."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from logloss.core import inputs
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Array
from logloss.core.reduction import exact_sum
from logloss.core.work import clip_bounds, machine_epsilon

_WORDS = inputs.Words(
    logits="If these are logits, turn them into probabilities first: 1 / (1 + np.exp(-y_pred)).",
    missing_predictions="Leave missing predictions out of both arrays with ~np.isnan(y_pred).",
)


@dataclass(frozen=True)
class Convention:
    """One library's mean loss, and what it does near 0 and 1."""

    name: str
    rule: str
    value: float


@dataclass(frozen=True, repr=False)
class Conventions:
    """The mean loss under each convention, in nats; prints as a table."""

    rows: tuple[Convention, ...]

    def __iter__(self) -> Iterator[Convention]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> float:
        return self.to_dict()[name]

    def to_dict(self) -> dict[str, float]:
        """The values by name."""
        return {row.name: row.value for row in self.rows}

    def __repr__(self) -> str:
        wide = max(len(row.name) for row in self.rows)
        deep = max(len(row.rule) for row in self.rows)
        lines = [f"{'convention':<{wide}}  {'what it does':<{deep}}  mean loss (nats)"]
        lines += [f"{row.name:<{wide}}  {row.rule:<{deep}}  {row.value:>16.6g}" for row in self.rows]
        return "\n".join(lines)


def conventions(y_true: Any, y_pred: Any) -> Conventions:
    """The mean log loss of the same arrays as each library would compute it.

    Parameters
    ----------
    y_true : array, shape s
        Labels in [0, 1].
    y_pred : array, shape s
        Probabilities of the positive class. Their type matters: a clip means something else in float32.

    Examples
    --------
    >>> conventions([1, 0, 1], [0.0, 0.0, 1.0])
    convention           what it does                                    mean loss (nats)
    exact                no clip                                                      inf
    Keras 3              clip to [1e-7, 1 - 1e-7]                                 5.3727
    tf.keras 2           the clip, then log(p + 1e-7) as well                    5.14165
    PyTorch BCELoss      the logarithm clamped at -100                           33.3333
    scikit-learn         clip by the machine epsilon of the type                 12.0146
    """
    data = inputs.read(y_true, y_pred)
    inputs.check_values(data, from_logits=False, words=_WORDS)
    y, p = data.y_true, data.y_pred
    return Conventions(
        (
            Convention("exact", "no clip", BinaryCrossEntropy(epsilon=0)(y, p)),
            Convention("Keras 3", "clip to [1e-7, 1 - 1e-7]", BinaryCrossEntropy()(y, p)),
            Convention("tf.keras 2", "the clip, then log(p + 1e-7) as well", _clipped_and_added(y, p, data.work)),
            Convention("PyTorch BCELoss", "the logarithm clamped at -100", _clamped(y, p)),
            Convention(
                "scikit-learn",
                "clip by the machine epsilon of the type",
                BinaryCrossEntropy(epsilon=machine_epsilon(p.dtype))(y, p),
            ),
        )
    )


def _clipped_and_added(y: Array, p: Array, work: type[np.floating[Any]]) -> float:
    low, high = clip_bounds(1e-7, work)
    clipped = np.clip(p.astype(np.float64), low, high)
    return _mean(y, -np.log(clipped + 1e-7), -np.log(1 - clipped + 1e-7))


def _clamped(y: Array, p: Array) -> float:
    wide = p.astype(np.float64)
    with np.errstate(divide="ignore"):
        return _mean(y, np.minimum(-np.log(wide), 100.0), np.minimum(-np.log1p(-wide), 100.0))


def _mean(y: Array, surprise: Array, surprise_neg: Array) -> float:
    label = y.astype(np.float64)
    with np.errstate(under="ignore"):
        losses = label * surprise + (1 - label) * surprise_neg
    return exact_sum(losses, losses.shape) / losses.size
