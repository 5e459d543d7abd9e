"""Arrays in, arrays out: by the compiled kernel where there is one, else by the formula on NumPy."""

from collections.abc import Mapping

import numpy as np

from logloss.core import blocks, native
from logloss.core.errors import ParameterError
from logloss.core.inputs import Array, Inputs, check_out, check_weight, per_class
from logloss.core.reduction import check_reduction, denominator
from logloss.core.work import Family


def active_kernel() -> str:
    """The name of the kernel that computes the loss on this machine.

    One of ``"avx512"``, ``"avx2"``, ``"neon"``, ``"baseline"`` and ``"numpy"``; the environment variable
    ``LOGLOSS_KERNEL`` forces one.

    Examples
    --------
    >>> active_kernel() in ("avx512", "avx2", "neon", "baseline", "numpy")
    True
    """
    return native.name


def elements(family: Family, inputs: Inputs, outs: Mapping[str, Array | None]) -> list[Array]:
    """Each quantity named in ``outs``, per element, into its buffer where one is given."""
    made = {name: check_out(out, name, inputs) for name, out in outs.items()}
    if len(made) == 2 and all(out is not None for out in outs.values()):
        (one, first), (other, second) = made.items()
        if np.may_share_memory(first, second) and np.shares_memory(first, second):
            raise ParameterError(f"{one}_out and {other}_out share memory; expected two separate arrays.")
    _run(family, inputs, made)
    if inputs.y_pred.ndim:
        return list(made.values())
    return [out if outs[name] is not None else out[()] for name, out in made.items()]


def reduced(family: Family, inputs: Inputs, reduction: str, outs: dict[str, Array]) -> float:
    """The reduced loss; ``outs`` are filled with the derivatives of it."""
    check_reduction(reduction)
    return _run(family, inputs, outs, has_sum=True, divisor=_divisor(inputs, reduction))


def of_hard_labels(family: Family, inputs: Inputs, reduction: str) -> float | None:
    """The reduced loss where all labels are 0 and 1; None where they are not, or have to be looked at."""
    return native.run(family, inputs, (1.0, 1.0), {}, has_sum=True, divisor=_divisor(inputs, reduction), is_hard=True)


def _divisor(inputs: Inputs, reduction: str) -> float:
    if reduction != "weighted_mean" or inputs.weight is None:
        return denominator(reduction, inputs.counted, float(inputs.counted))
    total = native.total_weight(inputs)
    if total is None:
        check_weight(inputs)
        total = inputs.total_weight
    return denominator(reduction, inputs.counted, total)


def _run(
    family: Family, inputs: Inputs, outs: dict[str, Array], *, has_sum: bool = False, divisor: float = 1.0
) -> float:
    shape, axis = inputs.y_pred.shape, inputs.class_axis
    class_weights = (
        per_class(family.pos_weight, shape, axis, "pos_weight"),
        per_class(family.neg_weight, shape, axis, "neg_weight"),
    )
    value = native.run(family, inputs, class_weights, outs, has_sum=has_sum, divisor=divisor)
    if value is None:  # this refuses what has to be, and works in float64 whatever the type
        value = blocks.run(family, inputs, class_weights, outs, has_sum=has_sum, divisor=divisor)
    return value
