"""The compiled kernel as JAX calls it on processors, where it was built with jaxlib's headers."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from logloss.core import native
from logloss.core.formula import GRADIENT, LOSS
from logloss.core.work import Family

Array = jax.Array
Maybe = Array | None

_TARGET = "logloss"
SUM = "sum"  # of the losses: a quantity beside the formula's, whose derivative is that of its terms
_WANT = {SUM: 8, LOSS: 1, GRADIENT: 2}  # as native/task.hpp has them, in the order of the results
_MOST_AXES = 8


@cache
def _is_registered() -> bool:
    if (capsule := native.of_jax()) is None:
        return False
    try:
        jax.ffi.register_ffi_target(_TARGET, capsule, platform="cpu")
    except RuntimeError:  # an older jaxlib than the one that it was built beside
        return False
    return True


@cache
def _is_alone() -> bool:
    """Whether there is one processor device: spread over several, an array would be gathered for foreign code."""
    try:
        return jax.local_device_count(backend="cpu") == 1
    except RuntimeError:  # JAX was told to do without
        return False


def is_here() -> bool:
    """Whether JAX may call the kernel."""
    return native.name != "numpy" and _is_registered() and _is_alone()


def takes(want: tuple[str, ...], *arrays: Maybe) -> bool:
    """Whether the kernel makes these quantities of such arrays.

    In a mesh JAX would have to be told how the results of foreign code are spread over its axes, and an export for any
    size has none yet.
    """
    shapes = [array.shape for array in arrays if array is not None]
    are_plain = all(len(shape) <= _MOST_AXES and all(isinstance(n, int) for n in shape) for shape in shapes)
    meshes = [
        jax.sharding.get_abstract_mesh(),
        *(jax.typeof(array).sharding.mesh for array in arrays if array is not None),
    ]
    return set(want) <= _WANT.keys() and are_plain and all(mesh.empty for mesh in meshes)


def run(
    family: Family, want: tuple[str, ...], z: Array, y: Array, factors: tuple[Maybe, ...]
) -> tuple[tuple[Array, ...], Array]:
    """Each wanted quantity, and whether they are nothing because a value may have to be refused.

    ``z`` is float32 or float64. The factors broadcast against it: weight, mask, positive and negative class weights.
    """
    numbers, is_wide = family.constants
    order = tuple(name for name in _WANT if name in want)
    struct: Any = jax.ShapeDtypeStruct
    shapes = [struct(() if name == SUM else z.shape, z.dtype) for name in order]
    call = jax.ffi.ffi_call(_TARGET, [struct((), jnp.bool_), *shapes])
    is_suspect, *made = call(
        z,
        y,
        *(factor for factor in factors if factor is not None),
        family=np.array(numbers),
        given=sum(1 << i for i, factor in enumerate(factors) if factor is not None),
        want=sum(_WANT[name] for name in order),
        is_wide=is_wide,
        threads=native.threads_for(z.size),
    )
    by_name = dict(zip(order, made, strict=True))
    return tuple(by_name[name] for name in want), is_suspect
