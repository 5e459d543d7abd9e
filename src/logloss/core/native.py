"""The compiled kernel, where it was built: which members of the family and which arrays it takes."""

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

_TYPES = frozenset("?bBhHiIlLqQefd")
_AXES = 8
_FOCI = {(a, b) for a in (0, 1, 2) for b in (0, 1, 2)}
# Class weights and smoothing in between, and row weights as native/arrays.hpp bounds them, multiply within float32.
_LIGHTEST, _HEAVIEST = 2.0**-30, 2.0**30

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
    # A missing extension falls back; a broken one raises where it is imported.
    extension = None if find_spec("logloss._native") is None else import_module("logloss._native")
    found = "numpy" if wanted == "numpy" or (extension is None and not wanted) else ""
    if not found and extension is not None:
        found = extension.choose(wanted)
    if not found:
        raise ParameterError(
            f"LOGLOSS_KERNEL={wanted} is not a kernel that was built for this processor. "
            "Leave it out for the best there is, or say numpy."
        )
    _extension, name = (None if found == "numpy" else extension), found


choose(os.environ.get("LOGLOSS_KERNEL", ""))


def takes(family: Family, inputs: Inputs, outs: Mapping[str, Array]) -> bool:
    """Whether the compiled kernel can do this; NumPy can do everything."""
    return (
        _extension is not None
        and family.from_logits
        and not family.focus.margin
        and family.focus[:2] in _FOCI
        and not (HESSIAN in outs and any(family.focus))
        and inputs.y_pred.ndim <= _AXES
        and all(
            array is None or ((array.dtype.char in _TYPES or array.dtype.name == "bfloat16") and array.dtype.isnative)
            for array in (inputs.y_true, inputs.y_pred, inputs.weight, *outs.values())
        )
    )


def run(
    family: Family,
    inputs: Inputs,
    class_weights: tuple[ClassWeight, ClassWeight],
    outs: Mapping[str, Array],
    *,
    has_sum: bool,
    divisor: float,
) -> tuple[float, bool]:
    """As `blocks.run`; and whether a value was met that may have to be refused, or is beyond the kernel's type."""
    read = [inputs.y_pred, inputs.y_true, inputs.weight, inputs.mask]
    apart = {
        name: np.empty_like(out) if any(a is not None and np.may_share_memory(out, a) for a in read) else out
        for name, out in outs.items()
    }
    arrays = [
        *read,
        *(None if isinstance(weight, float) else weight for weight in class_weights),
        *(apart.get(name) for name in (LOSS, GRADIENT, HESSIAN)),
    ]
    bfloat16 = 0
    for i, array in enumerate(arrays):
        if array is not None and array.dtype.name == "bfloat16":  # which buffers do not know
            arrays[i] = array.view(np.uint16)
            bfloat16 |= 1 << i
    single = [weight if isinstance(weight, float) else 1.0 for weight in class_weights]
    focus = map(int, family.focus[:2])
    rest = (bfloat16, family.label_smoothing, *single, *focus, has_sum, divisor)
    threads = _threads()
    is_wide = _needs_width(family)
    value, is_suspect, is_narrow = _extension.run(*arrays, *rest, is_wide, threads)
    if is_narrow and not is_suspect:
        value, is_suspect, _ = _extension.run(*arrays, *rest, True, threads)
    for name, out in outs.items():
        if apart[name] is not out:
            out[...] = apart[name]
    return value, is_suspect


def _needs_width(family: Family) -> bool:
    """Whether a factor is one that float32 may lose beside others."""
    factors = [family.label_smoothing]
    for weight in (family.pos_weight, family.neg_weight):
        factors.extend(weight if isinstance(weight, tuple) else (weight,))
    return not all(factor == 0 or _LIGHTEST <= factor <= _HEAVIEST for factor in factors)


def _threads() -> int:
    """As many as asked for, and no more than there are processors for."""
    for name in ("LOGLOSS_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "")
        if asked.isdecimal() and int(asked) > 0:
            return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
