"""The compiled kernel, where it was built: what it is given, and what it cannot take."""

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from logloss.core.errors import ParameterError
from logloss.core.formula import GRADIENT, HESSIAN, LOSS
from logloss.core.inputs import Array, Inputs
from logloss.core.work import ClassWeight, Family

_LEAST_DIVISOR, _LARGEST_DIVISOR = 2.0**-60, 2.0**60  # float32 divides well by what is between
_MOST_THREADS = 1024

# A missing extension falls back; a broken one raises where it is imported.
_built: Any = None if find_spec("logloss._native") is None else import_module("logloss._native")
_extension: Any = None
name = "numpy"


def choose(wanted: str = "") -> None:
    """Take the kernel of that name from now on; the best that there is if it is empty.

    Raises
    ------
    ParameterError
        The kernel was not built, or this processor cannot run it.
    """
    global _extension, name
    found = "numpy" if wanted == "numpy" or (_built is None and not wanted) else ""
    if not found and _built is not None:
        found = _built.choose(wanted)
    if not found:
        raise ParameterError(
            f"LOGLOSS_KERNEL={wanted} is not a kernel that was built for this processor. "
            "Leave it out for the best there is, or say numpy."
        )
    _extension, name = (None if found == "numpy" else _built), found


choose(os.environ.get("LOGLOSS_KERNEL", ""))


def run(
    family: Family,
    inputs: Inputs,
    class_weights: tuple[ClassWeight, ClassWeight],
    outs: Mapping[str, Array],
    *,
    has_sum: bool,
    divisor: float,
    is_hard: bool = False,
) -> float | None:
    """As `blocks.run`; None where something may have to be refused, or is beyond what the kernel takes.

    With ``is_hard``, labels other than 0 and 1 are such.
    """
    if _extension is None:
        return None
    pos, neg = class_weights
    read = (
        inputs.y_pred,
        inputs.y_true,
        inputs.weight,
        inputs.mask,
        None if isinstance(pos, float) else pos,
        None if isinstance(neg, float) else neg,
    )
    numbers, is_wide = family.constants
    threads = _threads(inputs.y_pred.size)
    is_wide = is_wide or not _LEAST_DIVISOR <= divisor <= _LARGEST_DIVISOR
    while True:
        rest = (numbers, has_sum, divisor, is_wide, is_hard, threads)
        found = _extension.run(*read, outs.get(LOSS), outs.get(GRADIENT), outs.get(HESSIAN), 0, *rest)
        if found is None:
            found = _call_apart(read, outs, rest)
        if found is None:
            return None
        value, is_suspect, is_narrow = found
        if is_suspect:
            return None
        if is_wide or not is_narrow:
            return float(value)
        is_wide = True


def total_weight(inputs: Inputs) -> float | None:
    """The sum of the weights that no mask hides; None where one may have to be refused, or is beyond the kernel."""
    if _extension is None:
        return None
    found = _extension.total_weight(inputs.y_pred, inputs.weight, inputs.mask, 0, _threads(inputs.y_pred.size))
    if found is None:
        arrays, bfloat16 = _as_buffers((inputs.y_pred, None, inputs.weight, inputs.mask))
        found = _extension.total_weight(arrays[0], *arrays[2:], bfloat16, _threads(inputs.y_pred.size))
    return None if found is None or found[1] else found[0]


def _call_apart(read: tuple[Array | None, ...], outs: Mapping[str, Array], rest: tuple[Any, ...]) -> Any:
    """The call with arrays as buffers know them, and results apart where they lie over what is read."""
    apart = {
        name: np.empty(out.shape, out.dtype.newbyteorder("="))
        if not out.dtype.isnative or any(a is not None and np.may_share_memory(out, a) for a in read)
        else out
        for name, out in outs.items()
    }
    arrays, bfloat16 = _as_buffers((*read, *(apart.get(name) for name in (LOSS, GRADIENT, HESSIAN))))
    found = _extension.run(*arrays, bfloat16, *rest)
    if found is not None:
        for name, out in outs.items():
            if apart[name] is not out:
                out[...] = apart[name]
    return found


def _as_buffers(arrays: tuple[Array | None, ...]) -> tuple[list[Array | None], int]:
    """In the machine's own byte order, and bfloat16, which buffers do not know, as integers: a bit for each such."""
    made, bfloat16 = list(arrays), 0
    for i, array in enumerate(arrays):
        if array is None:
            continue
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype.name == "bfloat16":
            array = array.view(np.uint16)
            bfloat16 |= 1 << i
        made[i] = array
    return made, bfloat16


def _threads(size: int) -> int:
    """As many as asked for, and no more than there are processors for."""
    if size < 2 * _extension.worth_a_thread:
        return 1
    for name in ("LOGLOSS_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "").partition(",")[0]  # OpenMP's has an entry a level
        if asked.isdecimal() and int(asked) > 0:
            return min(int(asked), _MOST_THREADS)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
