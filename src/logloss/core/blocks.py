"""The formula on NumPy, over any shape, stride and type, a cache-sized block at a time.

Every block is worked out in float64 and rounded once, so float32 results are right to half an ulp, memory does not grow
with n, and no temporary leaves the cache.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from logloss.core import formula
from logloss.core.inputs import Array, Inputs, check_values
from logloss.core.reduction import ExactSum
from logloss.core.work import ClassWeight, Family

_BLOCK = 1 << 13


def run(
    family: Family,
    inputs: Inputs,
    class_weights: tuple[ClassWeight, ClassWeight],
    outs: Mapping[str, Array],
    *,
    has_sum: bool,
    divisor: float,
) -> float:
    """Fill ``outs``, divided by ``divisor``, in one pass; the sum of the losses over ``divisor`` if ``has_sum``."""
    check_values(inputs, from_logits=family.from_logits)
    total = ExactSum()
    want = (formula.LOSS, *outs) if has_sum else tuple(outs)
    pos_weight, neg_weight = class_weights
    with np.errstate(all="ignore"), _blocks(inputs, pos_weight, neg_weight, outs) as blocks:
        ends = family.ends(inputs.work)
        for y, y_pred, weight, shown, pos, neg, *results in blocks:
            made = formula.of_family(
                np,
                family,
                y,
                y_pred,
                None if inputs.weight is None else weight,
                None if inputs.mask is None else shown,
                (
                    pos_weight if isinstance(pos_weight, float) else pos,
                    neg_weight if isinstance(neg_weight, float) else neg,
                ),
                ends,
                want,
            )
            by_name = dict(zip(want, made, strict=True))
            if has_sum:
                total.add(by_name[formula.LOSS])
            for name, result in zip(outs, results, strict=True):
                result[...] = by_name[name] / divisor
    return total.divided_by(divisor)


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
