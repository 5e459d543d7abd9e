"""The ways to the same numbers, each of which has to pass the same tests.

A kernel is added here: a name, the type that each result type is worked out in, and how it is called.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import ml_dtypes
import numpy as np

from logloss import BinaryCrossEntropy
from logloss.core import formula, native
from logloss.core.errors import ParameterError

METHODS = {
    "loss": ("loss",),
    "gradient": ("gradient",),
    "hessian": ("hessian",),
    "loss_gradient": ("loss", "gradient"),
    "gradient_hessian": ("gradient", "hessian"),
    "value_and_gradient": ("loss", "gradient"),
}


class Call(Protocol):
    """Each quantity of a method, per element, in the type of x."""

    def __call__(self, bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]: ...


class Path(NamedTuple):
    name: str
    worked_in: Mapping[str, str]
    call: Call


def array(values: Any, dtype: str) -> Any:
    """Numbers rounded to a type that NumPy may not know."""
    return np.asarray(values, np.float64).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _public(bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]:
    if method == "value_and_gradient":
        return bce.value_and_gradient(y, x, reduction="none")
    results = getattr(bce, method)(y, x)
    return results if isinstance(results, tuple) else (results,)


@contextmanager
def kernel(name: str) -> Iterator[None]:
    """Everything inside runs on the kernel of that name."""
    before = native.name
    native.choose(name)
    try:
        yield
    finally:
        native.choose(before)


def _on(name: str) -> Call:
    def call(bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]:
        with kernel(name):
            return _public(bce, method, y, x)

    return call


class _Rounded:
    """NumPy with elementary functions that are right to the last bit in float32, as no library's are.

    What is left is the error of the formula itself: what it costs any array library that works in its own type.
    """

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if name not in ("exp", "log", "log1p"):
            return function
        return lambda x: function(x.astype(np.float64)).astype(x.dtype)


def _formula(bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]:
    xp = _Rounded()
    with np.errstate(all="ignore"):
        weights, ends = (bce.pos_weight, bce.neg_weight), bce.ends(x.dtype.type)
        return tuple(formula.of_family(xp, bce, y, x, None, None, weights, ends, METHODS[method]))


def can(name: str) -> bool:
    try:
        with kernel(name):
            return True
    except ParameterError:
        return False


_NARROW = {"float64": "float64", "float32": "float32", "float16": "float32", "bfloat16": "float32"}
NUMPY = Path("numpy", _NARROW | {"float32": "float64"}, _on("numpy"))
KERNELS = [name for name in ("avx512", "avx2", "neon", "baseline") if can(name)]
NATIVE = tuple(Path(name, _NARROW, _on(name)) for name in KERNELS)
FORMULA = Path("formula in float32", {"float32": "float32"}, _formula)
PATHS = (NUMPY, FORMULA, *NATIVE)
