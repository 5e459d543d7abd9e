"""Loss, gradient and Hessian of each element as JAX sees them: each is the derivative of the one before."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from logloss.core import formula
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import GRADIENT, HESSIAN, LOSS
from logloss.core.inputs import per_class
from logloss.jax import kernel
from logloss.jax.kernel import SUM

Array = jax.Array
Maybe = Array | None

_SLOPES = {SUM: GRADIENT, LOSS: GRADIENT, GRADIENT: HESSIAN}


class Rule(NamedTuple):
    """What an element costs, but for the arrays."""

    bce: BinaryCrossEntropy
    class_axis: int
    has_kernel: bool  # whether the compiled kernel may be called on processors


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def quantities(rule: Rule, want: tuple[str, ...], z: Array, y: Array, weight: Maybe, shown: Maybe) -> tuple[Array, ...]:
    """Each wanted quantity in the type that is worked in, which is float32 for half types."""
    by_formula = partial(_by_formula, _LIBRARY, rule, want)
    if not rule.has_kernel or not kernel.takes(want, z, y, weight, shown):
        return by_formula(z, y, weight, shown)
    by_kernel = partial(_by_kernel, rule, want)
    made: tuple[Array, ...] = jax.lax.platform_dependent(z, y, weight, shown, cpu=by_kernel, default=by_formula)
    return made


def _tangents(
    rule: Rule, want: tuple[str, ...], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Each quantity and how it moves, by the quantity that is its derivative.

    The formula of the loss is never differentiated itself: its parts are infinite where its derivative is not.
    """
    d_z = tangents[0]
    slopes = () if isinstance(d_z, SymbolicZero) else tuple(_SLOPES[name] for name in want if name in _SLOPES)
    needed = tuple(dict.fromkeys(want + slopes))
    made = dict(zip(needed, quantities(rule, needed, *primals), strict=True))
    moves = []
    for name in want:
        terms = _terms(rule, name, made, primals, tangents)
        move = jnp.broadcast_to(sum(terms[1:], start=terms[0]), primals[0].shape)
        moves.append(move.sum() if name == SUM else move)
    return tuple(made[name] for name in want), tuple(moves)


quantities.defjvp(_tangents, symbolic_zeros=True)


def _terms(
    rule: Rule, name: str, made: dict[str, Array], primals: Sequence[Any], tangents: Sequence[Any]
) -> list[Array]:
    """What moves a quantity of each element: its prediction, its label and its weight, in which it is linear."""
    z, y, weight, shown = primals
    d_z, d_y, d_weight, _ = tangents
    element, work = LOSS if name == SUM else name, work_type(z)
    terms = []
    if not isinstance(d_z, SymbolicZero):
        if name in _SLOPES:
            terms.append(made[_SLOPES[name]] * d_z.astype(work))
        else:
            terms.append(
                jax.jvp(lambda z: _by_formula(_FROM_ABOVE, rule, (name,), z, y, weight, shown)[0], (z,), (d_z,))[1]
            )
    if not isinstance(d_y, SymbolicZero):
        # Smoothing shrinks the way from 0 to 1; beside it infinities would meet.
        hard = rule._replace(bce=replace(rule.bce, label_smoothing=0.0))
        one, zero = (quantities(hard, (element,), z, jnp.full_like(y, end), weight, shown)[0] for end in (1, 0))
        terms.append((1 - rule.bce.label_smoothing) * (one - zero) * d_y.astype(work))
    if weight is not None and not isinstance(d_weight, SymbolicZero):
        terms.append(quantities(rule, (element,), z, y, None, shown)[0] * d_weight.astype(work))
    return terms


def _by_formula(
    xp: Any, rule: Rule, want: tuple[str, ...], z: Array, y: Array, weight: Maybe, shown: Maybe
) -> tuple[Array, ...]:
    bce, work = rule.bce, work_type(z)
    z, y = z.astype(work), y.astype(work)
    weight = None if weight is None else weight.astype(work)
    class_weights = _per_class(rule, "pos_weight", z), _per_class(rule, "neg_weight", z)
    elements = tuple(LOSS if name == SUM else name for name in want)
    made = formula.of_family(xp, bce, y, z, weight, shown, class_weights, bce.ends(work.type), elements)
    return tuple(array.sum() if name == SUM else array for name, array in zip(want, made, strict=True))


def _by_kernel(rule: Rule, want: tuple[str, ...], z: Array, y: Array, weight: Maybe, shown: Maybe) -> tuple[Array, ...]:
    """As `_by_formula`; under `jax.vmap` in one call for all."""

    @jax.custom_batching.custom_vmap
    def call(z: Array, y: Array, weight: Maybe, shown: Maybe) -> tuple[Array, ...]:
        return _of_kernel(rule, want, z, y, weight, shown)

    @call.def_vmap
    def _(size: int, is_batched: Any, z: Array, y: Array, weight: Maybe, shown: Maybe) -> Any:
        z, y = (
            array if is_first else jnp.broadcast_to(array, (size, *array.shape))
            for array, is_first in zip((z, y), is_batched, strict=False)
        )
        axis = rule.class_axis + 1 if rule.class_axis >= 0 else rule.class_axis
        elements = tuple(LOSS if name == SUM else name for name in want)
        made = quantities(rule._replace(class_axis=axis), elements, z, y, weight, shown)
        own = tuple(range(1, z.ndim))
        made = tuple(array.sum(own) if name == SUM else array for name, array in zip(want, made, strict=True))
        return made, tuple(True for _ in want)

    made: tuple[Array, ...] = call(z, y, weight, shown)
    return made


def _of_kernel(rule: Rule, want: tuple[str, ...], z: Array, y: Array, weight: Maybe, shown: Maybe) -> tuple[Array, ...]:
    z = z.astype(work_type(z))
    class_weights = (_per_class(rule, name, z) for name in ("pos_weight", "neg_weight"))
    factors = (weight, shown, *(None if isinstance(along, float) else along for along in class_weights))
    made, is_suspect = kernel.run(rule.bce, want, z, y, factors)
    # Not `cond`, which would copy what it hands through; the body is run once, if at all.
    made, _ = jax.lax.while_loop(
        lambda state: state[1],
        lambda _: (_by_formula(_LIBRARY, rule, want, z, y, weight, shown), jnp.zeros((), bool)),
        (made, is_suspect),
    )
    return made


def work_type(z: Array) -> np.dtype[Any]:
    """The type that is worked in: halves are worked out in float32 and rounded once."""
    return np.dtype(np.float64 if z.dtype == jnp.float64 else np.float32)


def _per_class(rule: Rule, name: str, z: Array) -> float | Array:
    along = per_class(getattr(rule.bce, name), z.shape, rule.class_axis, name)
    return along if isinstance(along, float) else jnp.asarray(along, z.dtype)


class _Library:
    """JAX as the formula's library."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jnp, name)

    def settled(self, x: Array) -> Array:
        """XLA moves constants through sums and divisors through quotients, but nothing through this."""
        return jax.lax.reduce_precision(x, *((11, 52) if x.dtype == jnp.float64 else (8, 23)))

    def log1p(self, x: Array) -> Array:
        """XLA's is wrong in the last 8 bits of float64 near -0.41; below -1/4 the rounding of 1 + x hardly counts."""
        if x.dtype != jnp.float64:
            return jnp.log1p(x)
        return jnp.where(x < -0.25, jnp.log(1 + x), jnp.log1p(x))


class _FromAbove(_Library):
    """The same with the derivative of abs at 0 as it is from above, on which side the formula has 0."""

    def abs(self, x: Array) -> Array:
        return jnp.where(x >= 0, x, -x)


_LIBRARY, _FROM_ABOVE = _Library(), _FromAbove()
