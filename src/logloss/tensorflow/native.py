"""Eager tensors in main memory: the compiled kernel makes value and gradient in one pass on the way forward.

The gradient is kept for the way back, where it is handed on as it is if what comes in is 1.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from logloss.core import native
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import GRADIENT
from logloss.core.inputs import Inputs
from logloss.core.work import are_moderate_tensors
from logloss.tensorflow.quantities import Batch, Tensor, quantity, widened, work_type

try:  # TensorFlow asks this itself before it records anything, and has no public name for it
    from tensorflow.python.ops.gradients_util import PossibleTapeGradientTypes
except ImportError:
    PossibleTapeGradientTypes = None


class Call(NamedTuple):
    """What is computed, beside the tensors."""

    bce: BinaryCrossEntropy
    is_sum: bool  # of the losses, over the divisor; else the loss of each element
    divisor: float


def is_in_memory(batch: Batch) -> bool:
    """Whether all tensors are eager ones whose values lie in main memory."""
    return tf.executing_eagerly() and all("CPU" in getattr(tensor, "backing_device", "") for tensor in _tensors(batch))


def arrays(batch: Batch) -> Inputs:
    """The same as NumPy sees it, without a copy where it lies in main memory."""
    y, z, weight, shown = (None if tensor is None else _array(tensor) for tensor in batch[:4])
    return Inputs(y, z, weight, shown, -1, work_type(batch.dtype).as_numpy_dtype)  # type: ignore[arg-type]


def _array(tensor: Tensor) -> Any:
    return np.asarray(tensor if tensor.shape.rank else tensor.numpy())  # for NumPy cannot read one bfloat16


def loss(bce: BinaryCrossEntropy, batch: Batch, reduction: str) -> Tensor | None:
    """The loss of tensors in main memory, in y_pred's type; None where a value may have to be refused.

    None, too, where it is beyond the kernel, or where derivatives are wanted in more than y_pred.
    """
    if native.name == "numpy" or _are_followed([getattr(batch, field) for field in batch.sought if field != "y_pred"]):
        return None
    divisor = _divisor(batch, reduction)
    if divisor is None:
        return None
    call = Call(bce, reduction != "none", divisor)
    with tf.device(batch.y_pred.backing_device):
        made = _run(batch, call, wants_gradient=_are_followed([batch.y_pred]))
    if made is None:
        return None
    value, gradient = made
    if gradient is None:
        return value
    kept = tf.custom_gradient(lambda _: (value, lambda incoming: _back(gradient, batch, call, incoming)))
    return kept(batch.y_pred)


def _tensors(batch: Batch) -> list[Tensor]:
    return [tensor for tensor in batch[:6] if not (tensor is None or isinstance(tensor, float))]


def _are_followed(tensors: list[Tensor]) -> bool:
    """Whether a tape or an accumulator follows any of these, or may."""
    return bool(tensors) and (PossibleTapeGradientTypes is None or PossibleTapeGradientTypes(tensors) != 0)


def _back(gradient: Tensor, batch: Batch, call: Call, incoming: Tensor) -> Tensor:
    work = gradient.dtype
    if _are_followed([*(getattr(batch, field) for field in batch.sought), incoming]):  # to be differentiated in turn
        gradient = quantity(GRADIENT, call.bce, widened(batch)) / call.divisor
    elif call.is_sum and tf.executing_eagerly() and float(incoming) == 1:
        return tf.cast(gradient, batch.dtype)
    # Whatever is 0 stays 0 beside an infinite incoming gradient.
    return tf.cast(tf.math.multiply_no_nan(tf.cast(incoming, work), gradient), batch.dtype)


def _run(batch: Batch, call: Call, *, wants_gradient: bool) -> tuple[Tensor, Tensor | None] | None:
    """The loss, and the gradient of each element in the type that is worked in, so that it is rounded when scaled."""
    size = math.prod(batch.y_pred.shape)
    each = None if call.is_sum else _empty(batch, batch.dtype)
    gradient = _empty(batch, work_type(batch.dtype)) if wants_gradient else None
    y, z, *rest = (None if isinstance(field, float) else field for field in batch[:6])
    value = native.run_tensors(
        call.bce,
        tuple(map(_capsule, (z, y, *rest))),
        _capsule(each),
        _capsule(gradient),
        None,
        call.is_sum,
        call.divisor,
        are_moderate_tensors(_array(weight) for weight in rest[2:] if weight is not None),
        tf.config.threading.get_intra_op_parallelism_threads() or native.threads_for(size),
    )
    if value is None:
        return None
    return tf.constant(value, batch.dtype) if each is None else each, gradient


def _capsule(tensor: Tensor | None) -> Any:
    return None if tensor is None else tf.experimental.dlpack.to_dlpack(tensor)


def _empty(batch: Batch, dtype: Any) -> Tensor:
    """A tensor that nobody has seen, so that it may still be written."""
    return tf.raw_ops.Empty(shape=np.array(batch.y_pred.shape, np.int32), dtype=dtype)


def _divisor(batch: Batch, reduction: str) -> float | None:
    """What the sum is divided by; 1 where nothing counts, since the mean of nothing is 0 in training."""
    if reduction in ("sum", "none"):
        return 1.0
    if reduction == "mean" or batch.weight is None:
        return float((math.prod(batch.y_pred.shape) if batch.shown is None else arrays(batch).counted) or 1)
    total = native.total_weight(arrays(batch))
    return None if total is None or math.isinf(total) else total or 1.0
