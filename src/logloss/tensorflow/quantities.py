"""Loss, gradient and Hessian of each element as TensorFlow sees them: each is the derivative of the one before."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import GRADIENT, HESSIAN, LOSS, of_family

Tensor = Any

_SLOPE = {LOSS: GRADIENT, GRADIENT: HESSIAN}
_LANES = 8  # of a sum, so that a compiler can add as many terms at once


class Batch(NamedTuple):
    """Tensors whose types and shapes have been checked."""

    y_true: Tensor
    y_pred: Tensor
    weight: Tensor | None  # broadcasts against y_pred, as do the following
    shown: Tensor | None
    pos_weight: Any
    neg_weight: Any
    dtype: Any  # of the result
    sought: tuple[str, ...]  # the fields in which there are derivatives


def work_type(dtype: Any) -> Any:
    """The type that is worked in: halves are worked out in float32 and rounded once."""
    return tf.float64 if dtype == tf.float64 else tf.float32


def widened(batch: Batch) -> Batch:
    """The same, where all but the mask is of the type that is worked in, as `quantity` takes it."""
    work = work_type(batch.dtype)
    fields = ("y_true", "y_pred", "weight", "pos_weight", "neg_weight")
    tensors = {field: tensor for field in fields if tf.is_tensor(tensor := getattr(batch, field))}
    return batch._replace(**{field: tf.cast(tensor, work) for field, tensor in tensors.items()})


def quantity(name: str, bce: BinaryCrossEntropy, batch: Batch) -> Tensor:
    """A quantity of each element, whose derivatives are quantities again."""
    first, *others = (_part(name, bce, batch, field) for field in batch.sought)
    return sum(others, start=first)


def _part(name: str, bce: BinaryCrossEntropy, batch: Batch, field: str) -> Tensor:
    """What a quantity owes to one field: to y_pred its value, to the others 0 and a derivative.

    So a tape keeps nothing for a field that it does not watch, and its derivative is never worked out.
    """

    def of(tensor: Tensor) -> Any:
        given = batch._replace(**{field: tensor})

        def backward(incoming: Tensor) -> Tensor:
            # Whatever is 0 stays 0 beside an infinite incoming gradient.
            return _summed_like(tf.math.multiply_no_nan(incoming, _slope(name, bce, given, field)), tensor)

        if field != "y_pred":
            return tf.zeros_like(batch.y_pred), backward
        # An eager tape would follow the other fields into this.
        others = {other: tf.stop_gradient(getattr(given, other)) for other in batch.sought if other != field}
        return _worked_out(name, bce, given._replace(**others)), backward

    return tf.custom_gradient(of)(getattr(batch, field))


def _slope(name: str, bce: BinaryCrossEntropy, batch: Batch, field: str) -> Tensor:
    """The derivative of a quantity in one of the fields. In all but y_pred it is linear."""
    if field == "weight":
        return quantity(name, bce, _fixed(batch, weight=None))
    if field == "y_true":
        hard, ones = replace(bce, label_smoothing=0.0), tf.ones_like(batch.y_true)
        positive, negative = (quantity(name, hard, _fixed(batch, y_true=y)) for y in (ones, tf.zeros_like(ones)))
        return (1 - bce.label_smoothing) * (positive - negative)
    if field in ("pos_weight", "neg_weight"):
        alone = {"pos_weight": 0.0, "neg_weight": 0.0} | {field: 1.0}
        return quantity(name, bce, _fixed(batch, **alone))
    if name in _SLOPE:
        return quantity(_SLOPE[name], bce, batch)
    with tf.GradientTape() as tape:
        tape.watch(batch.y_pred)
        made = _worked_out(name, bce, batch)
    return tape.gradient(made, batch.y_pred, unconnected_gradients="zero")


def _fixed(batch: Batch, **fields: Any) -> Batch:
    """The same with constants in some fields."""
    return batch._replace(**fields, sought=tuple(field for field in batch.sought if field not in fields))


def _worked_out(name: str, bce: BinaryCrossEntropy, batch: Batch) -> Tensor:
    y, z, weight, shown, *class_weights = batch[:6]
    ends = bce.ends(z.dtype.as_numpy_dtype)
    library = _Library if name == LOSS else _Derivatives
    (made,) = of_family(library, bce, y, z, weight, shown, tuple(class_weights), ends, (name,))
    return made


def _summed_like(values: Tensor, operand: Tensor) -> Tensor:
    """A gradient added up over the axes along which its operand was broadcast."""
    if operand.shape.rank == 0:
        return tf.reduce_sum(values)
    axes = [axis for axis, size in enumerate(operand.shape.as_list() if operand.shape.rank else ()) if size == 1]
    return tf.reduce_sum(values, axes, keepdims=True) if axes else values


def total(values: Tensor) -> Tensor:
    """The sum in float64 of parts of a few terms each, which compilers add in lanes."""

    def of(terms: Tensor) -> Any:
        flat = tf.reshape(terms, [-1])
        count = terms.shape.num_elements()
        length = (tf.size(flat) if count is None else count) // _LANES
        parts = tf.reduce_sum(tf.reshape(flat[: _LANES * length], [_LANES, length]), 0)
        wide = (tf.reduce_sum(tf.cast(part, tf.float64)) for part in (parts, flat[_LANES * length :]))
        return sum(wide), lambda incoming: tf.broadcast_to(tf.cast(incoming, terms.dtype), tf.shape(terms))

    return tf.custom_gradient(of)(values)


def where(condition: Tensor, chosen: Any, other: Any) -> Tensor:
    """`tf.where`, in which a number takes the type of the tensor beside it."""
    dtype = chosen.dtype if tf.is_tensor(chosen) else other.dtype
    return tf.where(condition, tf.convert_to_tensor(chosen, dtype), tf.convert_to_tensor(other, dtype))


class _Library:
    """TensorFlow as the formula's library."""

    exp, log = tf.exp, tf.math.log
    where = staticmethod(where)

    @staticmethod
    def abs(x: Tensor) -> Tensor:
        """With the derivative at 0 from above, on which side the formula has 0; that of `tf.abs` is 0 there."""
        return tf.where(x >= 0, x, -x)

    @staticmethod
    def settled(x: Tensor) -> Tensor:
        """The optimizer of graphs and XLA move constants through sums, but nothing through this."""
        return tf.minimum(x, np.inf)

    @staticmethod
    def log1p(x: Tensor) -> Tensor:
        """Under XLA faster and more exact than its own: what rounding took from 1 + x is made good."""
        rounded = _Library.settled(1 + x)
        return tf.math.log(rounded) + tf.math.divide_no_nan(x - (rounded - 1), rounded)

    @staticmethod
    def finfo(dtype: Any) -> Any:
        """The limits of a type."""
        return np.finfo(dtype.as_numpy_dtype)


class _Derivatives(_Library):
    """The same, spelt so that XLA does not see what loss and derivatives have in common.

    What they share it would keep in memory, which takes longer than to work it out once more.
    """

    @staticmethod
    def abs(x: Tensor) -> Tensor:
        """As that of the loss, of two that are equal TensorFlow too takes the first."""
        return tf.maximum(x, -x)
