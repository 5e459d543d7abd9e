"""A call of a loss: labels, weights and masks brought to the shape of y_pred, and handed to the backend's own loss."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from logloss.core import parameters
from logloss.core.errors import DtypeError, MissingPackageError, ParameterError, ShapeError, nearest
from logloss.core.family import BinaryCrossEntropy

try:  # arrays of JAX hold no attributes, and Keras has no public name for where it keeps theirs
    from keras.src.backend import get_keras_mask
except ImportError:

    def get_keras_mask(x: Any) -> Any:
        """The mask that came with a tensor."""
        return getattr(x, "_keras_mask", None)


Tensor = Any

# Keras' names, and what they are in the backends' losses. Those of rows are added up here.
_REDUCTIONS = {
    "sum_over_batch_size": "mean",
    "mean": "mean",
    "mean_with_sample_weight": "weighted_mean",
    "sum": "none",
    "none": "none",
}
_TWICE = (
    "from_logits=True, and y_pred was made by a sigmoid, so it holds probabilities; the loss is of the logits that it "
    "was made from. Leave the sigmoid out of the model, or say from_logits=False."
)
_OTHER_NAMES = {"auto": "sum_over_batch_size", "weighted_mean": "mean_with_sample_weight"}


@dataclass(frozen=True)
class Call:
    """A loss with all that is decided before there are tensors."""

    bce: BinaryCrossEntropy
    axis: Any = -1
    class_axis: int = -1
    ignore_index: float | None = None
    validate: bool | None = None
    prefers_logits: bool = True  # those that a sigmoid made y_pred from, where Keras takes them too

    def __post_init__(self) -> None:
        object.__setattr__(self, "ignore_index", parameters.ignore_index(self.ignore_index))
        for name in ("axis", "class_axis"):
            object.__setattr__(self, name, _plain(getattr(self, name)))

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "none", dtype: Any = None
    ) -> Tensor:
        """The loss under one of Keras' reductions."""
        refuse_tf_keras(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)
        bce, mask, logits = self.bce, get_keras_mask(y_pred), _logits_of(y_pred) if self.prefers_logits else None
        if logits is not None:
            if bce.from_logits:
                warnings.warn(_TWICE, stacklevel=3)
            bce, y_pred = replace(bce, from_logits=True), logits
        y_true, y_pred = _matched(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred, dtype=dtype))
        weight = None if sample_weight is None else _aligned(sample_weight, y_pred, "sample_weight")
        shown = None if mask is None else ops.cast(_aligned(mask, y_pred, "mask"), "bool")
        counted = _differ(y_true, self.ignore_index)
        if counted is not None:
            shown = counted if shown is None else ops.logical_and(shown, counted)
        loss = _of_backend(bce, _REDUCTIONS[reduction], self.class_axis, self.validate)
        if reduction in ("none", "sum"):
            rows = self._rows(loss, y_true, y_pred, weight, shown)
            return ops.cast(rows if reduction == "none" else ops.sum(rows), y_pred.dtype)
        value = loss(y_true, y_pred, weight, shown)
        return _of_all_replicas(value, y_pred, weight if "weight" in reduction else None, shown)

    def _rows(self, loss: Callable[..., Tensor], y_true: Tensor, y_pred: Tensor, weight: Any, shown: Any) -> Tensor:
        """The mean over the axis, of what counts."""
        if keras.backend.standardize_dtype(y_pred.dtype) in ("float16", "bfloat16"):
            y_pred = ops.cast(y_pred, "float32")
        losses = loss(y_true, y_pred, weight, shown)
        # Not `ops.mean`, which goes by way of float32 in PyTorch.
        counted = ops.ones_like(losses) if shown is None else ops.cast(shown, losses.dtype)
        count = ops.sum(counted, axis=self.axis)
        return ops.sum(losses, axis=self.axis) / ops.maximum(count, 1)


def _logits_of(y_pred: Any) -> Tensor | None:
    """The logits that a sigmoid made y_pred from. As Keras does, only TensorFlow is asked."""
    if keras.backend.backend() != "tensorflow":
        return None
    from logloss.tensorflow.sigmoid import logits_of

    return logits_of(y_pred)


def _plain(axis: Any) -> Any:
    """An axis, or several, as numbers of Python, which a config can hold."""
    if isinstance(axis, list | tuple):
        return tuple(map(_plain, axis))
    return int(axis) if isinstance(axis, np.integer) else axis


def check_reduction(reduction: Any) -> str:
    """Keras' name of a reduction, given by that name, an older one or a member of an enumeration."""
    given = getattr(reduction, "value", reduction)
    name = "none" if given is None else str(given).lower()
    name = _OTHER_NAMES.get(name, name)
    if name not in _REDUCTIONS:
        known = (*_REDUCTIONS, *_OTHER_NAMES)
        raise ParameterError(f"reduction={reduction!r} is not one of {', '.join(known)}.{nearest(name, known)}")
    return name


def refuse_tf_keras(**given: Any) -> None:
    """Refuse objects of Keras 2, which look like those of Keras 3."""
    for name, value in given.items():
        module = type(value).__module__
        if module.split(".")[0] == "tf_keras" or module.startswith("keras.engine"):
            raise DtypeError(
                f"{name} is of {module}, which is Keras 2; expected Keras 3. Make the model with keras, not tf_keras."
            )


@lru_cache(maxsize=64)
def _of_backend(
    bce: BinaryCrossEntropy, reduction: str, class_axis: int, validate: bool | None
) -> Callable[..., Tensor]:
    """The loss of the backend that is in use, called as ``loss(y_true, y_pred, weight, shown)``."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from logloss import tensorflow

        function = tensorflow.as_function(bce, reduction=reduction, class_axis=class_axis, validate=validate)
        return lambda y, x, weight, shown: function(y, x, sample_weight=weight, mask=shown)
    if backend == "jax":
        from logloss import jax

        of_jax = jax.as_function(bce, reduction=reduction, class_axis=class_axis, validate=bool(validate))
        return lambda y, x, weight, shown: of_jax(x, y, sample_weight=weight, mask=shown)
    if backend == "torch":
        from logloss import torch

        module = torch.as_module(bce, reduction=reduction, class_axis=class_axis, validate=validate)
        return lambda y, x, weight, shown: module(x, y, weight, shown)
    raise MissingPackageError(
        f"logloss.keras has no loss for the backend {backend}; expected tensorflow, torch or jax. "
        "Set KERAS_BACKEND before keras is imported."
    )


def _of_all_replicas(value: Tensor, y_pred: Tensor, weight: Tensor | None, shown: Tensor | None) -> Tensor:
    """A mean of what is on one replica, as the share that it has in the mean over all of them."""
    if keras.backend.backend() != "tensorflow":
        return value
    from logloss.tensorflow.replicas import is_one_of_many, share

    if not is_one_of_many():
        return value
    counted = ops.ones(ops.shape(y_pred), "float32") if weight is None else ops.cast(weight, "float32")
    return value * ops.cast(share(ops.sum(counted if shown is None else ops.where(shown, counted, 0.0))), value.dtype)


def _matched(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Labels and predictions of which one may lack a trailing axis of 1."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(pred) == len(true) + 1 and pred[-1] == 1:
        return ops.expand_dims(y_true, -1), y_pred
    if len(true) == len(pred) + 1 and true[-1] == 1:
        return (y_true, ops.expand_dims(y_pred, -1)) if len(pred) == 1 else (ops.squeeze(y_true, -1), y_pred)
    return y_true, y_pred


def _aligned(values: Any, y_pred: Tensor, name: str) -> Tensor:
    """Values of the first axes of y_pred, with or without a trailing axis of 1, for each of its elements."""
    values = ops.convert_to_tensor(values)
    shape, whole = tuple(values.shape), tuple(y_pred.shape)
    rank = next((n for n in (len(shape), len(shape) - 1) if _is_prefix(shape, whole, n)), None)
    if rank is None:
        raise ShapeError(
            f"{name} has shape {shape}; expected y_pred's, {whole}, or that of its first axes, as {whole[:1]}."
        )
    if rank == len(whole) == len(shape):
        return values
    sizes = tuple(ops.shape(y_pred))
    return ops.broadcast_to(ops.reshape(values, sizes[:rank] + (1,) * (len(whole) - rank)), sizes)


def _is_prefix(shape: tuple[Any, ...], whole: tuple[Any, ...], rank: int) -> bool:
    """Whether that many axes are the first ones of y_pred, and the rest, at most one, is a trailing 1."""
    if rank > len(whole) or (rank < len(shape) and (rank < 1 or shape[-1] != 1)):
        return False
    return all(one == other or None in (one, other) for one, other in zip(shape[:rank], whole[:rank], strict=True))


def _differ(y_true: Tensor, ignore_index: float | None) -> Tensor | None:
    """Where labels are others than the one that does not count; None if all are."""
    dtype = keras.backend.standardize_dtype(y_true.dtype)
    label = None if ignore_index is None else parameters.as_label(ignore_index, dtype)
    if label is None:
        return None
    if math.isnan(label):
        return ops.logical_not(ops.isnan(y_true))
    return ops.not_equal(y_true, ops.convert_to_tensor(label, dtype=dtype))
