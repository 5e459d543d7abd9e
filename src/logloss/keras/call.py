"""A call of a loss: labels, weights and masks brought to the shape of y_pred, and handed to the backend's own loss."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Self

import keras
from keras import ops

from logloss.core import parameters
from logloss.core.errors import DtypeError, MissingPackageError, ParameterError, ShapeError, nearest
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words

try:  # arrays of JAX hold no attributes, and Keras has no public name for where it keeps theirs
    from keras.src.backend import get_keras_mask
except ImportError:

    def get_keras_mask(x: Any) -> Any:
        """The mask that came with a tensor."""
        return getattr(x, "_keras_mask", None)


Tensor = Any

_WORDS = Words(
    missing_predictions="The model made them: look for NaN in its inputs, or say clipnorm=1.0 to the optimizer.",
    missing_labels='Leave missing labels out with ignore_index=float("nan").',
    has_ignore_index=True,
)
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
    # Probabilities as Keras' own losses take them: clipped by its epsilon as it is then, and those that a sigmoid made
    # as its logits, of which a saturated one learns.
    as_in_keras: bool = True

    def __post_init__(self) -> None:
        index: Any = self.ignore_index
        if isinstance(index, str) and index in ("nan", "inf", "-inf"):  # in a config
            index = float(index)
        object.__setattr__(self, "ignore_index", parameters.ignore_index(index))
        object.__setattr__(self, "axis", None if self.axis is None else _plain(self.axis))
        object.__setattr__(self, "class_axis", parameters.axis("class_axis", self.class_axis))
        parameters.check_validate(self.validate)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, reduction: str = "none", dtype: Any = None
    ) -> Tensor:
        """The loss under one of Keras' reductions."""
        refuse_tf_keras(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)
        if any(isinstance(given, keras.KerasTensor) for given in (y_true, y_pred, sample_weight)):
            return LossOfModel(self, reduction, dtype)(y_true, y_pred, sample_weight)
        bce, mask = self.bce, get_keras_mask(y_pred)
        if self.as_in_keras and bce.epsilon != keras.config.epsilon():
            bce = replace(bce, epsilon=keras.config.epsilon())
        logits = _logits_of(y_pred, bce.from_logits) if self.as_in_keras else None
        if logits is not None:
            if bce.from_logits:
                warnings.warn(_TWICE, stacklevel=3)
            bce, y_pred = replace(bce, from_logits=True), logits
        y_true, y_pred = _matched(_tensor(y_true, "y_true"), _tensor(y_pred, "y_pred", dtype))
        _check_axis(self.axis, tuple(y_pred.shape))
        weight = None if sample_weight is None else _aligned(sample_weight, y_pred, "sample_weight")
        shown = None if mask is None else ops.cast(_aligned(mask, y_pred, "mask"), "bool")
        counted = _differ(y_true, self.ignore_index)
        if counted is not None:
            shown = counted if shown is None else ops.logical_and(shown, counted)
        loss = _of_backend(bce, _REDUCTIONS[reduction], self.class_axis, self.validate)
        if reduction not in ("none", "sum"):
            value = loss(y_true, y_pred, weight, shown)
            return _of_all_replicas(value, y_pred, weight if "weight" in reduction else None, shown)
        rows = self._rows(loss, y_true, y_pred, weight, shown)
        value = ops.cast(rows if reduction == "none" else ops.sum(rows), y_pred.dtype)
        return value if reduction == "none" else _of_all_replicas(value)

    def get_config(self) -> dict[str, Any]:
        """All fields, as plain JSON values."""
        axis, index = self.axis, self.ignore_index
        is_named = isinstance(index, float) and not math.isfinite(index)  # for JSON has neither NaN nor infinity
        return {
            "bce": self.bce.get_config(),
            "axis": list(axis) if isinstance(axis, tuple) else axis,
            "class_axis": self.class_axis,
            "ignore_index": str(index) if is_named else index,
            "validate": self.validate,
            "as_in_keras": self.as_in_keras,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The call that `get_config` described."""
        return cls(**{**config, "bce": BinaryCrossEntropy.from_config(config["bce"])})

    def _rows(self, loss: Callable[..., Tensor], y_true: Tensor, y_pred: Tensor, weight: Any, shown: Any) -> Tensor:
        """The mean over the axis, of what counts."""
        if keras.backend.standardize_dtype(y_pred.dtype) in ("float16", "bfloat16"):
            y_pred = ops.cast(y_pred, "float32")
        losses = loss(y_true, y_pred, weight, shown)
        # Not `ops.mean`, which goes by way of float32 in PyTorch.
        counted = ops.ones_like(losses) if shown is None else ops.cast(shown, losses.dtype)
        count = ops.sum(counted, axis=self.axis)
        return ops.sum(losses, axis=self.axis) / ops.maximum(count, 1)


@keras.saving.register_keras_serializable(package="logloss")
class LossOfModel(keras.Operation):  # type: ignore[misc]
    """A loss of tensors that a model has yet to make, as one of its operations, with which it is saved."""

    def __init__(self, of: Any, reduction: str = "none", dtype: Any = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self._of = of if isinstance(of, Call) else Call.from_config(of)
        self._reduction, self._dtype = reduction, dtype

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of what the model made."""
        return self._of(y_true, y_pred, sample_weight, reduction=self._reduction, dtype=self._dtype)

    def get_config(self) -> dict[str, Any]:
        """All that the operation was made with, as plain JSON values."""
        made = {"of": self._of.get_config(), "reduction": self._reduction, "dtype": self._dtype}
        return {"name": self.name} | made


def _logits_of(y_pred: Any, from_logits: bool) -> Tensor | None:
    """The logits that a sigmoid made y_pred from, where the backend can tell: JAX cannot.

    What is said to be logits stays as it is on PyTorch, as in Keras; on TensorFlow Keras knows better.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from logloss.tensorflow.sigmoid import logits_of as of_tensorflow

        return of_tensorflow(y_pred)
    if backend == "torch" and not from_logits:
        from logloss.keras.torch import logits_of as of_torch

        return of_torch(y_pred)
    return None


def _plain(axis: Any) -> Any:
    """An axis, or several, as numbers of Python, which a config can hold."""
    return tuple(map(_plain, axis)) if isinstance(axis, list | tuple) else parameters.axis("axis", axis)


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
    # Not the backends' own `as_function` and `as_module`, which refuse negative weights.
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from logloss.tensorflow.call import Function

        of_tensorflow = Function(bce, reduction, class_axis, validate, _WORDS, is_weight_signed=True)
        return lambda y, x, weight, shown: of_tensorflow(y, x, sample_weight=weight, mask=shown)
    if backend == "jax":
        from logloss.keras.jax import loss as of_jax

        return partial(of_jax, bce, reduction, class_axis, validate, _WORDS)
    if backend == "torch":
        from logloss.keras.torch import loss as of_torch

        return partial(of_torch, bce, reduction, class_axis, validate, _WORDS)
    raise MissingPackageError(
        f"logloss.keras has no loss for the backend {backend}; expected tensorflow, torch or jax. "
        "Set KERAS_BACKEND before keras is imported."
    )


def _of_all_replicas(value: Tensor, y_pred: Tensor = None, weight: Tensor = None, shown: Tensor = None) -> Tensor:
    """A sum of what is on one replica, or with y_pred a mean, as a part of that over all of them."""
    if keras.backend.backend() != "tensorflow":
        return value
    from logloss.tensorflow.replicas import equal_part, is_one_of_many, share

    if not is_one_of_many():
        return value
    if y_pred is not None:
        counted = ops.ones(ops.shape(y_pred), "float32") if weight is None else ops.cast(weight, "float32")
        counted = counted if shown is None else ops.where(shown, counted, 0.0)
        value = value * ops.cast(share(ops.sum(counted)), value.dtype)
    return equal_part(value)


def _tensor(values: Any, name: str, dtype: Any = None) -> Tensor:
    """The values as a tensor of the backend."""
    kind = type(values).__name__
    if values is None or kind in ("RaggedTensor", "SparseTensor"):
        mend = {"RaggedTensor": f"{name}.to_tensor(-1)", "SparseTensor": f"tf.sparse.to_dense({name})"}.get(kind)
        use = f" Use {mend}; labels that do not count are named by ignore_index." if mend else ""
        raise DtypeError(f"{name} is {f'a {kind}' if mend else None}; expected a dense tensor of numbers.{use}")
    if _holds_text(values):  # which TensorFlow may read as numbers
        raise DtypeError(f"{name} holds text; expected a dense tensor of numbers.")
    try:
        return ops.convert_to_tensor(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DtypeError(
            f"{name} could not be read as a tensor: {error} Expected a dense tensor of numbers."
        ) from error


def _holds_text(values: Any) -> bool:
    while isinstance(values, list | tuple) and values:
        values = values[0]
    dtype = getattr(values, "dtype", None)
    return isinstance(values, str | bytes) or getattr(dtype, "kind", None) in ("U", "S") or dtype == "string"


def _check_axis(axis: Any, shape: tuple[int, ...]) -> None:
    """Refuse an axis that y_pred has not."""
    for one in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        if not -max(len(shape), 1) <= one < max(len(shape), 1):
            raise ShapeError(f"axis={one} is not an axis of y_pred, whose shape is {shape}.")


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
    values = _tensor(values, name)
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
