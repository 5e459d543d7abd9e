"""Arrays in, arrays out: the formula run over any shape, stride and type, a cache-sized block at a time.

On NumPy every block is worked out in float64 and rounded once, so float32 results are right to half an ulp, memory does
not grow with n, and no temporary leaves the cache.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from logloss.core import formula
from logloss.core.errors import ParameterError
from logloss.core.inputs import Array, Inputs, check_out, per_class
from logloss.core.parameters import Weight
from logloss.core.reduction import ExactSum, check_reduction, denominator

_BLOCK = 1 << 13


class Family(Protocol):
    """What the kernel reads of a `BinaryCrossEntropy`."""

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
    def focus(self) -> formula.Focus: ...  # noqa: D102


def active_kernel() -> str:
    """The name of the kernel that computes the loss on this machine.

    Examples
    --------
    >>> import logloss
    >>> logloss.active_kernel()
    'numpy'
    """
    return "numpy"


def elements(family: Family, inputs: Inputs, outs: Mapping[str, Array | None]) -> list[Array]:
    """Each quantity named in ``outs``, per element, into its buffer where one is given."""
    given = [name for name, out in outs.items() if out is not None]
    made = {name: check_out(out, f"{name}_out", inputs) for name, out in outs.items()}
    if len(given) == 2 and np.shares_memory(made[given[0]], made[given[1]]):
        raise ParameterError(f"{given[0]}_out and {given[1]}_out share memory; expected two separate arrays.")
    _run(family, inputs, made)
    return [out if outs[name] is not None else out[()] for name, out in made.items()]


def reduced(family: Family, inputs: Inputs, reduction: str, outs: Mapping[str, Array]) -> float:
    """The reduced loss; ``outs`` are filled with the derivatives of it."""
    check_reduction(reduction)
    divisor = denominator(reduction, inputs.count, inputs.total_weight if reduction == "weighted_mean" else 0.0)
    total = ExactSum()
    _run(family, inputs, outs, total, divisor)
    return total.divided_by(divisor)


def _run(
    family: Family, inputs: Inputs, outs: Mapping[str, Array], total: ExactSum | None = None, divisor: float = 1.0
) -> None:
    """Fill ``outs``, divided by ``divisor``, and add the losses to ``total``, in one pass."""
    want = tuple(outs) if total is None else (formula.LOSS, *outs)
    pos_weight = per_class(family.pos_weight, inputs.shape, inputs.class_axis, "pos_weight")
    neg_weight = per_class(family.neg_weight, inputs.shape, inputs.class_axis, "neg_weight")
    hidden = inputs.weight is not None or inputs.mask is not None
    with np.errstate(all="ignore"), _blocks(inputs, pos_weight, neg_weight, outs) as blocks:
        low, high = clip_bounds(family.epsilon, inputs.work)
        for y, y_pred, weight, shown, pos, neg, *results in blocks:
            if hidden:
                counted = shown & (weight != 0)
                y, y_pred, weight = (np.where(counted, block, 0.0) for block in (y, y_pred, weight))
            positive, negative = formula.coefficients(
                y,
                family.label_smoothing,
                pos_weight if isinstance(pos_weight, float) else pos,
                neg_weight if isinstance(neg_weight, float) else neg,
                weight if hidden else 1.0,
            )
            if family.from_logits:
                made = formula.from_logits(np, y_pred, positive, negative, family.focus, want)
            else:
                p = np.clip(y_pred, low, high)
                made = formula.from_probabilities(np, p, positive, negative, family.focus, want)
            by_name = dict(zip(want, made, strict=True))
            if total is not None:
                total.add(by_name[formula.LOSS])
            for name, result in zip(outs, results, strict=True):
                result[...] = by_name[name] / divisor


def _blocks(inputs: Inputs, pos_weight: Any, neg_weight: Any, outs: Mapping[str, Array]) -> Any:
    """Label, prediction, weight, mask, class weights and results, side by side, in float64."""
    operands = [inputs.y_true, inputs.y_pred, inputs.weight, inputs.mask, pos_weight, neg_weight]
    reads = [np.asarray(1.0 if operand is None else operand) for operand in operands]
    wide = np.float64
    nditer: Any = np.nditer  # typed too narrowly for lists that are put together
    return nditer(
        [*reads, *outs.values()],
        ["external_loop", "buffered", "zerosize_ok", "copy_if_overlap"],
        [["readonly"]] * len(reads) + [["writeonly", "no_broadcast"]] * len(outs),
        [wide, wide, wide, np.bool_, wide, wide] + [wide] * len(outs),
        casting="unsafe",
        buffersize=_BLOCK,
    )


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
