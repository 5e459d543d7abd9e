"""A call of a loss: what is refused while tracing, what when the values are there, and the reduction."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import checkify

from logloss.core import inputs, parameters
from logloss.core.errors import DtypeError, ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import LOSS
from logloss.core.reduction import check_reduction
from logloss.jax import kernel
from logloss.jax.kernel import SUM, Maybe
from logloss.jax.quantities import Rule, quantities

Array = jax.Array


class Names(NamedTuple):
    """What the caller calls the arrays."""

    y_pred: str
    y_true: str
    weight: str


OURS = Names("y_pred", "y_true", "sample_weight")
OPTAX = Names("logits", "labels", "weights")


def numbers(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as numbers of Python."""
    for name, value in options.items():
        if isinstance(value, jax.core.Tracer):
            raise ParameterError(
                f"{name} is traced; expected a number that is known while tracing. "
                f'Name it where you compile, as in jax.jit(f, static_argnames="{name}").'
            )
    given = {name: value for name, value in options.items() if value is not None}
    return {name: value.tolist() if isinstance(value, jax.Array) else value for name, value in given.items()}


def one_mask(mask: Any, where: Any) -> Any:
    """The mask, by either name."""
    if mask is not None and where is not None:
        raise ParameterError("mask and where are two names for one thing and both were given. Leave one of them out.")
    return where if mask is None else mask


class Call:
    """A loss with all that is decided before there are arrays."""

    def __init__(self, bce: BinaryCrossEntropy, reduction: str, class_axis: int, validate: bool, names: Names) -> None:
        check_reduction(reduction)
        self._bce, self._class_axis = bce, class_axis
        self._reduction, self._validate, self._names = reduction, validate, names

    def __call__(self, y_pred: Any, y_true: Any, weight: Any, mask: Any, ignore_index: float | None = None) -> Array:
        """The loss of arrays that may be anything yet."""
        names = self._names
        z, y = _real(y_pred, names.y_pred), _real(y_true, names.y_true)
        if not jnp.issubdtype(z.dtype, jnp.floating):
            raise DtypeError(
                f"{names.y_pred} has dtype {z.dtype}; expected a floating type. Use {names.y_pred}.astype(float)."
            )
        inputs.match(y, z, (names.y_true, names.y_pred))
        if weight is not None:
            weight = inputs.per_element(_real(weight, names.weight), z, names.weight, names.y_pred)
        shown = None if mask is None else inputs.per_element(_boolean(mask), z, "mask", names.y_pred)
        counted = _differ(y, parameters.ignore_index(ignore_index))
        if counted is not None:
            shown = counted if shown is None else shown & counted
        if self._validate:
            _check_values(self._bce, z, y, weight, shown)
        rule = Rule(self._bce, self._class_axis, kernel.is_here())
        loss: Array = _reduced(rule, self._reduction, z, y, weight, shown)
        return loss


def _real(values: Any, name: str) -> Array:
    array = jnp.asarray(values)
    if array.dtype.kind not in "biu" and array.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise DtypeError(
            f"{name} has dtype {array.dtype}; expected float16, bfloat16, float32, float64, integers or booleans."
        )
    return array


def _boolean(mask: Any) -> Array:
    array = jnp.asarray(mask)
    if array.dtype != jnp.bool_:
        raise DtypeError(
            f"mask has dtype {array.dtype}; expected booleans, True where an element counts. Use mask.astype(bool)."
        )
    return array


def _differ(labels: Array, ignore_index: float | None) -> Maybe:
    """Where labels are others than the one that does not count; None if all are."""
    label = None if ignore_index is None else parameters.as_label(ignore_index, labels.dtype)
    if label is None:
        return None
    return labels != jnp.asarray(label, labels.dtype) if label == label else ~jnp.isnan(labels)


def _check_values(bce: BinaryCrossEntropy, z: Array, y: Array, weight: Maybe, shown: Maybe) -> None:
    """Refuse what is out of range: now where the values are there, else when the compiled code runs."""
    z, y, weight, shown = jax.lax.stop_gradient((z, y, weight, shown))
    if not any(isinstance(array, jax.core.Tracer) for array in (z, y, weight, shown)):
        inputs.check_values(inputs.read(y, z, weight, shown), from_logits=bce.from_logits)
        return
    in_view = jnp.ones((), bool) if shown is None else shown
    if weight is not None:
        _check(in_view & ~((weight >= 0) & (weight < jnp.inf)), "weights are negative, infinite or not a number")
        in_view = in_view & (weight != 0)
    _check(in_view & ~((y >= 0) & (y <= 1)), "labels lie outside [0, 1]")
    if bce.from_logits:
        _check(in_view & jnp.isnan(z), "logits are not a number")
    else:
        _check(in_view & ~((z >= 0) & (z <= 1)), "probabilities lie outside [0, 1]; of logits, say from_logits=True")


def _check(bad: Array, words: str) -> None:
    checkify.check(~bad.any(), "{count} " + words + ".", count=bad.sum())


@partial(jax.jit, static_argnums=(0, 1))
def _reduced(rule: Rule, reduction: str, z: Array, y: Array, weight: Maybe, shown: Maybe) -> Array:
    if reduction == "none":
        return quantities(rule, (LOSS,), z, y, weight, shown)[0].astype(z.dtype)
    (total,) = quantities(rule, (SUM,), z, y, weight, shown)
    if reduction == "weighted_mean" and weight is not None:
        counted = weight.astype(total.dtype)
        counted = counted if shown is None else jnp.where(shown, counted, 0)
        whole = jnp.broadcast_to(counted, z.shape).sum()
        total = total / jnp.where(whole > 0, whole, 1)
    elif reduction != "sum":
        count = z.size if shown is None else jnp.count_nonzero(jnp.broadcast_to(shown, z.shape))
        total = total / jnp.maximum(count, 1)
    return total.astype(z.dtype)
