"""What a kernel is given to work on, and the clip of probabilities in the type that it works in."""

from typing import Any, Protocol

import numpy as np

from logloss.core.formula import Focus
from logloss.core.inputs import Array
from logloss.core.parameters import Weight

ClassWeight = float | Array


class Family(Protocol):
    """What a kernel reads of a `BinaryCrossEntropy`."""

    @property
    def from_logits(self) -> bool: ...  # noqa: D102
    @property
    def epsilon(self) -> float: ...  # noqa: D102
    @property
    def label_smoothing(self) -> float: ...  # noqa: D102
    @property
    def pos_weight(self) -> Weight: ...  # noqa: D102
    @property
    def neg_weight(self) -> Weight: ...  # noqa: D102
    @property
    def focus(self) -> Focus: ...  # noqa: D102


def machine_epsilon(dtype: np.dtype[Any]) -> float:
    """The distance from 1 to the next number of a type, by which scikit-learn clips; bfloat16's too."""
    one = dtype.type(1)
    return float(np.nextafter(one, one + one) - one)


def clip_bounds(epsilon: float, work: type[np.floating[Any]]) -> tuple[float, float]:
    """``ε`` and ``1 − ε`` in the working type, the second below 1 unless ``ε`` is 0."""
    if epsilon == 0:
        return 0.0, 1.0
    with np.errstate(under="ignore"):
        low = max(work(epsilon), np.nextafter(work(0), work(1)))
    return float(low), float(min(work(1 - epsilon), np.nextafter(work(1), work(0))))
