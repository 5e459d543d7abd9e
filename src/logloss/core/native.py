"""The compiled kernel, where it was built: what it is given, and what it cannot take."""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from logloss.core.errors import ParameterError
from logloss.core.formula import GRADIENT, HESSIAN, LOSS
from logloss.core.inputs import Array, Inputs
from logloss.core.work import ClassWeight, Family

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
        there = ["numpy"] if _built is None else [*_built.kernels(), "numpy"]
        compiled = "" if _built is not None else " (nothing was compiled when logloss was installed)"
        raise ParameterError(
            f"LOGLOSS_KERNEL={wanted} is not a kernel that was built for this processor. "
            f"Here there are {', '.join(there)}{compiled}; leave it out for the best of them."
        )
    _extension, name = (None if found == "numpy" else _built), found


choose(os.environ.get("LOGLOSS_KERNEL", ""))


def run(
    family: Family,
    inputs: Inputs,
    class_weights: tuple[ClassWeight, ClassWeight],
    outs: dict[str, Array],
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
    threads = threads_for(inputs.y_pred.size)
    rest = (numbers, has_sum, divisor, is_wide, is_hard, threads)
    found = _extension.run_arrays(*read, outs.get(LOSS), outs.get(GRADIENT), outs.get(HESSIAN), 0, *rest)
    apart: dict[str, Array] = {}
    if found is None:
        apart = _apart(read, outs)
        arrays, bfloat16 = _as_buffers((*read, *((outs | apart).get(result) for result in (LOSS, GRADIENT, HESSIAN))))
        found = _extension.run_arrays(*arrays, bfloat16, *rest)
    if found is None or found is False:
        return None
    for result, made in apart.items():  # only now, for it may lie over what was read
        outs[result][...] = made
    return float(found)


def run_tensors(
    family: Family,
    read: tuple[Any, ...],
    loss: Any,
    gradient: Any,
    exchange: Any,
    has_sum: bool,
    divisor: float,
    are_weights_moderate: bool,
    threads: int,
) -> float | None:
    """As `run`, of a library's tensors: the six that are read, and the results, None where there is none.

    ``exchange`` is the capsule of the library's functions for DLPack; None where tensors come in capsules themselves.
    No result may lie over what is read. ``are_weights_moderate`` says it of the class weights among the tensors.
    """
    if _extension is None:
        return None
    numbers, is_wide = family.constants
    is_wide = is_wide or not are_weights_moderate
    found = _extension.run_tensors(read, loss, gradient, exchange, numbers, has_sum, divisor, is_wide, threads)
    return None if found is False else found


def of_jax() -> Any:
    """What JAX calls, in a capsule; None where nothing was built for it."""
    return getattr(_built, "of_jax", None)


def total_weight(inputs: Inputs) -> float | None:
    """The sum of the weights that no mask hides; None where one may have to be refused, or is beyond the kernel."""
    if _extension is None:
        return None
    found = _extension.total_weight(inputs.y_pred, inputs.weight, inputs.mask, 0, threads_for(inputs.y_pred.size))
    if found is None:
        arrays, bfloat16 = _as_buffers((inputs.y_pred, None, inputs.weight, inputs.mask))
        found = _extension.total_weight(arrays[0], *arrays[2:], bfloat16, threads_for(inputs.y_pred.size))
    return None if found is None or found[1] else found[0]


def new_tally(from_logits: bool, **options: int) -> Any:
    """What counts rows for an evaluation; None where there is no kernel."""
    return None if _extension is None else _extension.Tally(from_logits, **options)


def _apart(read: tuple[Array | None, ...], outs: dict[str, Array]) -> dict[str, Array]:
    """Memory of their own for results that would lie over what is read, or in another machine's byte order."""
    return {
        result: np.empty(out.shape, out.dtype.newbyteorder("="))
        for result, out in outs.items()
        if not out.dtype.isnative or any(a is not None and np.may_share_memory(out, a) for a in read)
    }


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


def threads_for(size: int) -> int:
    """As many as asked for, else as there are processors that the process may use."""
    if _extension is None or size < 2 * _extension.worth_a_thread:
        return 1
    asked = os.environ.get("LOGLOSS_NUM_THREADS", "")
    if asked and not (asked.isdecimal() and int(asked) > 0):
        raise ParameterError(f"LOGLOSS_NUM_THREADS={asked} is not a number of threads; expected a whole number from 1.")
    asked = asked or os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # which has an entry a level
    if asked.isdecimal() and int(asked) > 0:
        return min(int(asked), int(_extension.most_threads))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
