"""What a kernel is given to work on, and the clip of probabilities in the type that it works in."""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from logloss.core.formula import Ends, Focus
from logloss.core.inputs import Array
from logloss.core.parameters import Weight

ClassWeight = float | Array

_MANY = 1024


class Constants(NamedTuple):
    """What the compiled kernel needs of the parameters, worked out once."""

    numbers: tuple[float, ...]  # in the order of native/family.hpp
    needs_width: bool  # whether a factor is one that float32 may lose beside others


def are_moderate(factors: Iterable[float]) -> bool:
    """Whether factors of smoothing and class weights multiply, with row weights, within float32.

    Of row weights native/task.hpp takes those from 2**-60 to 2**60.
    """
    return all(factor == 0 or 2.0**-30 <= factor <= 2.0**30 for factor in factors)


def are_moderate_tensors(class_weights: Iterable[Any]) -> bool:
    """The same of tensors of class weights, of any library; those that are too many are not looked at."""
    flat = [weight.reshape(-1) for weight in class_weights]
    return all(len(weights) <= _MANY and are_moderate(weights.tolist()) for weights in flat)


class Family(Protocol):
    """What a kernel reads of a `BinaryCrossEntropy`."""

    @property
    def from_logits(self) -> bool: ...  # noqa: D102
    @property
    def label_smoothing(self) -> float: ...  # noqa: D102
    @property
    def pos_weight(self) -> Weight: ...  # noqa: D102
    @property
    def neg_weight(self) -> Weight: ...  # noqa: D102
    @property
    def focus(self) -> Focus: ...  # noqa: D102
    @property
    def constants(self) -> Constants: ...  # noqa: D102
    def ends(self, work: type[np.floating[Any]]) -> Ends: ...  # noqa: D102


@cache
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
