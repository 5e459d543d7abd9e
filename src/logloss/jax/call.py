"""A call of a loss: what is refused while tracing, what when the values are there, and the reduction."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify

from logloss.core import inputs, parameters
from logloss.core.errors import DtypeError, ParameterError, ShapeError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import LOSS
from logloss.core.inputs import Words
from logloss.core.reduction import check_reduction
from logloss.jax import kernel
from logloss.jax.kernel import SUM, Maybe
from logloss.jax.quantities import Rule, quantities, work_type

Array = jax.Array

_MOST_CHECKED = 1024  # entries of a class weight that are looked at unasked


def _words(y_pred: str, y_true: str, weight: str, *, has_ignore_index: bool) -> Words:
    """What the caller calls the arrays, and how values that are refused are mended."""
    return Words(
        y_true=y_true,
        y_pred=y_pred,
        sample_weight=weight,
        missing_predictions=f"Leave them out with mask=~jnp.isnan({y_pred}).",
        missing_labels=f"Leave missing labels out with mask=~jnp.isnan({y_true}).",
        has_ignore_index=has_ignore_index,
    )


OURS = _words("y_pred", "y_true", "sample_weight", has_ignore_index=False)
OPTAX = _words("logits", "labels", "weights", has_ignore_index=True)
SIDES = ("pos_weight", "neg_weight")


def numbers(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as numbers of Python."""
    for name, value in options.items():
        if isinstance(value, jax.core.Tracer):
            raise ParameterError(
                f"{name} is traced; expected a number that is known while tracing. "
                f'Name it where you compile, as in jax.jit(f, static_argnames="{name}").'
            )
    given = {name: value for name, value in options.items() if value is not None}
    return {name: _number(value) for name, value in given.items()}


def _number(value: Any) -> Any:
    if isinstance(value, jax.Array | np.ndarray):
        return value.item() if value.size == 1 else value.tolist()
    return value


def take_arrays(options: dict[str, Any], validate: bool | None) -> dict[str, Array]:
    """The class weights that are more than a `BinaryCrossEntropy` can hold, taken out of the options.

    That holds a number, or one a class. Anything traced is more, and an alpha of several entries, which sets both.
    """
    given = {name: options.pop(name) for name in SIDES if _is_array(options[name])}
    alpha = options.get("alpha")
    if alpha is None:
        return {name: _checked(name, weight, validate) for name, weight in given.items()}
    for name in SIDES:
        if name in given or options[name] is not None:
            raise ParameterError(
                f"alpha sets the class weights and {name} was given too. Say alpha=None to weigh by {name}."
            )
    if np.ndim(alpha) == 0 and not isinstance(alpha, jax.core.Tracer):
        return {}
    share = _checked("alpha", options.pop("alpha"), validate)
    return {"pos_weight": share, "neg_weight": 1 - share}


def _is_array(weight: Any) -> bool:
    is_nested = isinstance(weight, list | tuple) and any(map(np.ndim, weight))
    return isinstance(weight, jax.core.Tracer) or is_nested or getattr(weight, "ndim", 0) > 1


def _checked(name: str, values: Any, validate: bool | None) -> Array:
    """An array, looked at where it is small or that is asked for; while tracing only if it is."""
    array = _real(inputs.any_array(values, name) if isinstance(values, list | tuple) else values, name)
    seen = jax.lax.stop_gradient(array)
    if not isinstance(seen, jax.core.Tracer):
        if validate or seen.size <= _MOST_CHECKED:
            parameters.check_numbers(name, seen)
    elif validate:
        inside = (seen <= 1) if name == "alpha" else (seen < jnp.inf)
        _check(~((seen >= 0) & inside), f"values in {name} are out of range")
    return array


class Mask(NamedTuple):
    """Which elements count, and the name by which the caller said so."""

    values: Any
    name: str = "mask"


def one_mask(mask: Any, where: Any) -> Mask | None:
    """The mask, by either name."""
    if mask is not None and where is not None:
        raise ParameterError("mask and where are two names for one thing and both were given. Leave one of them out.")
    if mask is None and where is None:
        return None
    return Mask(where, "where") if mask is None else Mask(mask)


class Call:
    """A loss with all that is decided before there are arrays."""

    def __init__(
        self,
        bce: BinaryCrossEntropy,
        reduction: str,
        class_axis: int,
        validate: bool | None,
        words: Words,
        *,
        broadcasts: bool = False,  # weights and masks, as optax and products by hand do
        is_weight_signed: bool = False,  # as a sample_weight of Keras may be
    ) -> None:
        check_reduction(reduction)
        parameters.check_validate(validate)
        self._bce, self._class_axis = bce, parameters.axis("class_axis", class_axis)
        self._is_weight_signed = is_weight_signed
        self._reduction, self._validate, self._words, self._broadcasts = reduction, validate, words, broadcasts

    def __call__(
        self,
        y_pred: Any,
        y_true: Any,
        weight: Any,
        mask: Mask | None,
        ignore_index: float | None = None,
        class_weights: Mapping[str, Array] | None = None,
    ) -> Array:
        """The loss of arrays that may be anything yet. Class weights that are arrays stand in for the family's."""
        words = self._words
        z, y = _real(y_pred, words.y_pred), _real(y_true, words.y_true)
        if not jnp.issubdtype(z.dtype, jnp.floating):
            raise DtypeError(
                f"{words.y_pred} has dtype {z.dtype}; expected a floating type. Use {words.y_pred}.astype(float)."
            )
        inputs.match(y, z, (words.y_true, words.y_pred))
        if weight is not None:
            weight = self._per_element(_real(weight, words.sample_weight), z, words.sample_weight)
        shown = None if mask is None else self._per_element(_boolean(*mask), z, mask.name)
        counted = _differ(y, parameters.ignore_index(ignore_index))
        if counted is not None:
            shown = counted if shown is None else shown & counted
        for name in SIDES:
            inputs.per_class(getattr(self._bce, name), z.shape, self._class_axis, name, words.y_pred)
        sides = tuple(self._side(name, (class_weights or {}).get(name), z) for name in SIDES)
        if self._validate:
            self._check_values(z, y, weight, shown)
        rule = Rule(self._bce, self._class_axis, kernel.is_here())
        loss: Array = _reduced(rule, self._reduction, z, y, weight, shown, sides)
        return loss

    def _check_values(self, z: Array, y: Array, weight: Maybe, shown: Maybe) -> None:
        """Refuse what is out of range: now where the values are there, else when the compiled code runs."""
        bce, words, is_signed = self._bce, self._words, self._is_weight_signed
        z, y, weight, shown = jax.lax.stop_gradient((z, y, weight, shown))
        if not any(isinstance(array, jax.core.Tracer) for array in (z, y, weight, shown)):
            given, mask = (None if array is None else np.asarray(array) for array in (weight, shown))
            data = inputs.Inputs(np.asarray(y), np.asarray(z), given, mask, -1, work_type(z).type)
            inputs.check_values(data, from_logits=bce.from_logits, words=words, is_weight_signed=is_signed)
            return
        in_view = jnp.ones((), bool) if shown is None else shown
        if weight is not None:
            kinds = "infinite or not a number" if is_signed else "negative, infinite or not a number"
            _check(in_view & ~(jnp.isfinite(weight) & (is_signed | (weight >= 0))), f"weights are {kinds}")
            in_view = in_view & (weight != 0)
        _check(in_view & ~((y >= 0) & (y <= 1)), "labels lie outside [0, 1]")
        if bce.from_logits:
            _check(in_view & jnp.isnan(z), "logits are not a number")
        else:
            _check(
                in_view & ~((z >= 0) & (z <= 1)), "probabilities lie outside [0, 1]; of logits, say from_logits=True"
            )

    def _side(self, name: str, weight: Maybe, z: Array) -> Maybe:
        """A class weight that broadcasts to the predictions without enlarging them, with as many axes."""
        if weight is None:
            return None
        y_pred = self._words.y_pred
        if weight.ndim == 1 and weight.size != 1:
            along = inputs.per_class((1.0,) * weight.size, z.shape, self._class_axis, name, y_pred)
            return weight.reshape(np.shape(along))
        return self._padded(weight, z, name, "one entry a class along class_axis")

    def _per_element(self, array: Array, z: Array, name: str) -> Array:
        """A weight or mask that broadcasts to the predictions: of their shape, of rows, or as optax broadcasts."""
        y_pred = self._words.y_pred
        is_vector = array.ndim == 1 < z.ndim
        if self._broadcasts and not (is_vector and not inputs.lies_along_last_axis(array.size, z.shape, name, y_pred)):
            return self._padded(array, z, name, "one entry a row")
        made: Array = inputs.per_element(array, z, name, y_pred)
        return made

    def _padded(self, array: Array, z: Array, name: str, vector: str) -> Array:
        """An array that broadcasts to the predictions without enlarging them, with as many axes."""
        padded = (1,) * (z.ndim - array.ndim) + array.shape
        if len(padded) > z.ndim or any(have not in (1, want) for have, want in zip(padded, z.shape, strict=True)):
            raise ShapeError(
                f"{name} has shape {array.shape}, which does not broadcast to that of {self._words.y_pred}, {z.shape}. "
                f"Give one number, {vector}, or an array that has 1 where it differs."
            )
        return array.reshape(padded)


def _real(values: Any, name: str) -> Array:
    if values is None:
        raise DtypeError(f"{name} is None; expected an array of numbers.")
    try:
        array = jnp.asarray(values)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"{name} could not be read as an array: {error} Expected a dense array of numbers.") from error
    if array.dtype.kind not in "biu" and array.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise DtypeError(
            f"{name} has dtype {array.dtype}; expected float16, bfloat16, float32, float64, integers or booleans."
        )
    return array


def _boolean(mask: Any, name: str) -> Array:
    array = _real(mask, name)
    if array.dtype != jnp.bool_:
        raise DtypeError(
            f"{name} has dtype {array.dtype}; expected booleans, True where an element counts. Use {name}.astype(bool)."
        )
    return array


def _differ(labels: Array, ignore_index: float | None) -> Maybe:
    """Where labels are others than the one that does not count; None if all are."""
    label = None if ignore_index is None else parameters.as_label(ignore_index, labels.dtype)
    if label is None:
        return None
    return labels != jnp.asarray(label, labels.dtype) if label == label else ~jnp.isnan(labels)


def _check(bad: Array, words: str) -> None:
    checkify.check(~bad.any(), "{count} " + words + ".", count=bad.sum())


@partial(jax.jit, static_argnums=(0, 1))
def _reduced(
    rule: Rule, reduction: str, z: Array, y: Array, weight: Maybe, shown: Maybe, sides: tuple[Maybe, Maybe]
) -> Array:
    if reduction == "none":
        return _loss(rule, LOSS, z, y, weight, shown, sides).astype(z.dtype)
    total = _loss(rule, SUM, z, y, weight, shown, sides)
    if reduction == "weighted_mean" and weight is not None:
        counted = weight.astype(total.dtype)
        counted = counted if shown is None else jnp.where(shown, counted, 0)
        whole = jnp.broadcast_to(counted, z.shape).sum()
        total = total / jnp.where(whole == 0, 1, whole)
    elif reduction != "sum":
        count = z.size if shown is None else jnp.count_nonzero(jnp.broadcast_to(shown, z.shape))
        total = total / jnp.maximum(count, 1)
    return total.astype(z.dtype)


def _loss(rule: Rule, want: str, z: Array, y: Array, weight: Maybe, shown: Maybe, sides: tuple[Maybe, Maybe]) -> Array:
    """The loss of each element or their sum, in which an array for a side is a weight that the other side has not."""
    if all(side is None for side in sides):
        return quantities(rule, (want,), z, y, weight, shown)[0]
    parts: list[Array] = []
    for name, other, side in zip(SIDES, reversed(SIDES), sides, strict=True):
        alone: dict[str, Any] = {other: 0.0}
        factor = weight
        if side is not None:
            alone[name], factor = 1.0, side.astype(work_type(z))
            factor = factor if weight is None else factor * weight.astype(factor.dtype)
        parts += quantities(rule._replace(bce=replace(rule.bce, **alone)), (want,), z, y, factor, shown)
    return parts[0] + parts[1]
