"""A call of a loss: what is refused while tracing, what when the values are there, and the reduction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from logloss.core import inputs, parameters
from logloss.core.errors import DtypeError, ParameterError, ShapeError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import LOSS
from logloss.core.reduction import check_reduction
from logloss.tensorflow import native
from logloss.tensorflow.quantities import Batch, Tensor, quantity, total, where, widened

_FLOATING = (tf.float16, tf.bfloat16, tf.float32, tf.float64)
_MOST_AXES = 8
_MOST_CHECKED = 1024  # entries of a class weight that are looked at unasked

# Nothing here depends on the values of a graph, so AutoGraph has nothing to rewrite, and warns of what it cannot read.
as_it_is = tf.autograph.experimental.do_not_convert


def words_of(y_true: str, y_pred: str, *, has_ignore_index: bool = False) -> inputs.Words:
    """What a function calls its arguments, and how values that it refuses are mended."""
    return inputs.Words(
        y_true=y_true,
        y_pred=y_pred,
        missing_predictions=f"Leave them out with mask=~tf.math.is_nan({y_pred}).",
        missing_labels=f"Leave missing labels out with mask=~tf.math.is_nan({y_true}).",
        has_ignore_index=has_ignore_index,
    )


OURS = words_of("y_true", "y_pred")
TF_NN = words_of("labels", "logits", has_ignore_index=True)


@dataclass(frozen=True)
class Function:
    """The loss as a function; `as_function` makes it."""

    bce: BinaryCrossEntropy
    reduction: str
    class_axis: int = -1
    validate: bool | None = None
    words: inputs.Words = OURS
    broadcasts: bool = False  # weights and masks, as products by hand do
    is_weight_signed: bool = False  # as a sample_weight of Keras may be

    def __post_init__(self) -> None:
        check_reduction(self.reduction)
        parameters.check_validate(self.validate)
        object.__setattr__(self, "class_axis", parameters.axis("class_axis", self.class_axis))

    @as_it_is  # type: ignore[untyped-decorator]
    def __call__(
        self, y_true: Any, y_pred: Any, *, sample_weight: Any = None, mask: Any = None, **unknown: Any
    ) -> Tensor:
        """The loss of these labels and predictions."""
        parameters.refuse_keywords("A loss of logloss.tensorflow.as_function", unknown, ("sample_weight", "mask"))
        return self.of(self.read(y_true, y_pred, sample_weight, mask))

    def read(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, class_weights: Mapping[str, Any] | None = None
    ) -> Batch:
        """Everything as tensors that match. Class weights that are tensors stand in for those of the family."""
        if not tf.compat.v1.executing_eagerly_outside_functions():  # where == asks whether tensors are the same object
            raise ParameterError(
                "The loss cannot be built in a graph of TensorFlow 1 (tf.Graph, tf.compat.v1.disable_eager_execution). "
                "Use tf.function."
            )
        label, prediction = _tensor(y_true, self.words.y_true), _tensor(y_pred, self.words.y_pred)
        name, dtype = self.words.y_pred, prediction.dtype
        if dtype not in _FLOATING:
            raise DtypeError(
                f"{name} has dtype {dtype.name}; expected a floating type. Use tf.cast({name}, tf.float32)."
            )
        if tf.executing_eagerly() and prediction.shape.rank > _MOST_AXES:
            raise ShapeError(
                f"{name} has {prediction.shape.rank} axes, and TensorFlow's eager operations take {_MOST_AXES} "
                "at most. Use tf.reshape to have fewer."
            )
        label = _matched(label, prediction, self.words.y_true, name)
        aligned = _broadcast_or_rows if self.broadcasts else _per_element
        weight = None if sample_weight is None else aligned(sample_weight, prediction, "sample_weight", name)
        shown = None if mask is None else aligned(mask, prediction, "mask", name)
        if shown is not None and shown.dtype != tf.bool:
            raise DtypeError(
                f"mask has dtype {shown.dtype.name}; expected booleans, True where an element counts. "
                "Use tf.cast(mask, tf.bool)."
            )
        tensors = {key: _tensor(value, key) for key, value in (class_weights or {}).items()}
        if tf.executing_eagerly() and self.validate is not False:
            for key, value in tensors.items():
                if self.validate or ("CPU" in value.backing_device and tf.size(value) <= _MOST_CHECKED):
                    parameters.check_numbers(key, value.numpy())
        given = {"pos_weight": self.bce.pos_weight, "neg_weight": self.bce.neg_weight} | tensors
        by_class = {key: _class_weight(value, prediction, self.class_axis, key, name) for key, value in given.items()}
        floating = {"y_pred": prediction, "y_true": label, "weight": weight} | tensors
        sought = tuple(key for key, value in floating.items() if value is not None and value.dtype in _FLOATING)
        return Batch(label, prediction, weight, shown, **by_class, dtype=dtype, sought=sought)

    def of(self, batch: Batch) -> Tensor:
        """The loss of what has been read: by the compiled kernel where it takes it, else by the formula."""
        is_in_memory = native.is_in_memory(batch)
        if is_in_memory and (made := native.loss(self.bce, batch, self.reduction)) is not None:
            return made
        if is_in_memory if self.validate is None else self.validate:
            batch = self._validated(batch)
        batch = widened(batch)
        return tf.cast(_reduced(quantity(LOSS, self.bce, batch), batch, self.reduction), batch.dtype)

    def _validated(self, batch: Batch) -> Batch:
        """Refuse values that are in plain view and out of range, now or when the graph runs."""
        if not tf.executing_eagerly():
            return _asserted(self.bce, batch, self.words, is_weight_signed=self.is_weight_signed)
        inputs.check_values(
            native.arrays(batch),
            from_logits=self.bce.from_logits,
            words=self.words,
            is_weight_signed=self.is_weight_signed,
        )
        return batch


def without(batch: Batch, ignore_index: Any) -> Batch:
    """The same, where elements of this label, if there is one, do not count."""
    index, labels = parameters.ignore_index(ignore_index), batch.y_true
    label = None if index is None else parameters.as_label(index, labels.dtype.as_numpy_dtype)
    if label is None:
        return batch
    differs = ~tf.math.is_nan(labels) if np.isnan(label) else labels != tf.constant(label, labels.dtype)
    return batch._replace(shown=differs if batch.shown is None else batch.shown & differs)


def _tensor(values: Any, name: str) -> Tensor:
    """The values as a tensor of real numbers or booleans."""
    if values is None:
        raise DtypeError(f"{name} is None; expected a tensor of numbers.")
    for kind, mend in ((tf.RaggedTensor, f"{name}.to_tensor()"), (tf.SparseTensor, f"tf.sparse.to_dense({name})")):
        if isinstance(values, kind):
            raise DtypeError(f"{name} is a {kind.__name__}; expected a dense tensor. Use {mend} and a mask.")
    try:
        tensor = tf.convert_to_tensor(values)
    except (TypeError, ValueError) as error:
        raise DtypeError(
            f"{name} could not be read as a tensor: {error} Expected a dense tensor of numbers."
        ) from error
    if not (tensor.dtype in _FLOATING or tensor.dtype.is_integer or tensor.dtype == tf.bool):
        raise DtypeError(f"{name} has dtype {tensor.dtype.name}; expected real numbers or booleans.")
    return tensor


def _matched(values: Tensor, y_pred: Tensor, name: str, other: str) -> Tensor:
    """The values, if their shape is y_pred's: looked at while tracing, or when the graph runs where it is open."""
    if not values.shape.is_compatible_with(y_pred.shape):
        mend = "Give both the same shape."
        if None not in (values.shape.rank, y_pred.shape.rank):
            mend = inputs.how_to_match(tuple(values.shape), tuple(y_pred.shape), (name, other))
        raise ShapeError(f"{name} has shape {values.shape} and {other} has shape {y_pred.shape}. {mend}")
    if values.shape.is_fully_defined() and y_pred.shape.is_fully_defined():
        return values
    shape, shape_pred = tf.shape(values), tf.shape(y_pred)
    same = (tf.size(shape) == tf.size(shape_pred)) & tf.reduce_all(shape == shape_pred)
    text = f"{name} and {other} differ in shape. Give both the same."
    with tf.control_dependencies([tf.debugging.Assert(same, [text, shape, shape_pred])]):
        # XLA leaves assertions out, and refuses to select from tensors of two shapes.
        return tf.raw_ops.Select(condition=tf.constant(True), x=values, y=tf.cast(y_pred, values.dtype))


def _per_element(values: Any, y_pred: Tensor, name: str, other: str) -> Tensor:
    """A tensor of y_pred's shape, or of one entry a row, shaped to broadcast against y_pred."""
    tensor = _tensor(values, name)
    rank, rank_pred = tensor.shape.rank, y_pred.shape.rank
    if rank == 1 and rank_pred != 1:
        if rank_pred is None or not tensor.shape.is_compatible_with(y_pred.shape[:1]):
            raise ShapeError(
                f"{name} has shape {tensor.shape}; expected that of {other}, {y_pred.shape}, or one entry a row."
            )
        return _reshaped(tensor, y_pred, 0)
    return _matched(tensor, y_pred, name, other)


def _broadcast_or_rows(values: Any, y_pred: Tensor, name: str, other: str) -> Tensor:
    """A tensor that broadcasts to y_pred's shape, or of one entry a row."""
    tensor, whole = _tensor(values, name), y_pred.shape
    if tensor.shape.rank == 1 and whole.rank not in (0, 1):
        size = tensor.shape[0]
        if whole.rank is None or not inputs.lies_along_last_axis(size, tuple(whole), name, other):
            return _per_element(tensor, y_pred, name, other)
    return _broadcast(tensor, y_pred, name, other, "one entry a row")


def _class_weight(weight: Any, y_pred: Tensor, class_axis: int, name: str, other: str) -> Any:
    """A number as it is; one entry a class along the axis of classes; what broadcasts to y_pred's shape."""
    if isinstance(weight, float):
        return weight
    tensor = tf.constant(weight, tf.float64) if isinstance(weight, tuple) else weight
    if tensor.shape.rank != 1:
        return _broadcast(tensor, y_pred, name, other)
    (count,), rank = tensor.shape, y_pred.shape.rank
    if rank is None:
        raise ShapeError(f"{name} has one entry a class, and the rank of {other} is open. Set it with tf.ensure_shape.")
    if count == 1 and class_axis in range(-rank, rank):  # one for all classes
        return _broadcast(tensor, y_pred, name, other)
    if count is not None:
        known = tuple(count if size is None else size for size in y_pred.shape)
        inputs.per_class((1.0,) * count, known, class_axis, name, other)
    return _reshaped(tensor, y_pred, class_axis)


def _broadcast(
    values: Tensor, y_pred: Tensor, name: str, other: str, vector: str = "one entry a class along class_axis"
) -> Tensor:
    """A tensor that broadcasts to y_pred's shape without enlarging it, with as many axes."""
    shape, whole = values.shape, y_pred.shape
    if shape.rank == 0:
        return values
    is_open = None in (shape.rank, whole.rank)
    if not is_open:
        padded = [1] * (whole.rank - shape.rank) + shape.as_list()
        pairs = [(have, want) for have, want in zip(padded, whole, strict=False) if have != 1]
        if len(padded) > whole.rank or any(have != want and None not in (have, want) for have, want in pairs):
            raise ShapeError(
                f"{name} has shape {shape}, which does not broadcast to that of {other}, {whole}. "
                f"Give one number, {vector}, or a tensor that has 1 where it differs."
            )
        is_open = any(None in pair for pair in pairs)
    if is_open:
        return tf.broadcast_to(values, tf.shape(y_pred))
    return values if shape.rank == whole.rank else tf.reshape(values, padded)


def _reshaped(values: Tensor, y_pred: Tensor, axis: int) -> Tensor:
    """A vector along an axis of y_pred, of its length there: a reshape refuses what a product would broadcast."""
    shape = [1] * y_pred.shape.rank
    shape[axis] = tf.shape(y_pred)[axis] if y_pred.shape[axis] is None else y_pred.shape[axis]
    return tf.reshape(values, shape)


def _asserted(bce: BinaryCrossEntropy, batch: Batch, words: inputs.Words, *, is_weight_signed: bool) -> Batch:
    """The same, if values are in range when the graph runs."""
    wide = widened(batch)
    y, z, weight, shown, *_ = wide
    shown = tf.constant(True) if shown is None else shown
    counted = shown if weight is None else shown & (weight != 0)
    checks = [_assertion(f"Values in {words.y_true} lie outside [0, 1].", y, counted & ~((y >= 0) & (y <= 1)))]
    weights = {words.sample_weight: (weight, shown), "pos_weight": (wide.pos_weight, True)}
    for name, (values, seen) in (weights | {"neg_weight": (wide.neg_weight, True)}).items():
        if tf.is_tensor(values):
            is_signed = is_weight_signed and name == words.sample_weight
            kinds = "infinite or not a number" if is_signed else "negative, infinite or not a number"
            least = -np.inf if is_signed else 0
            bad = seen & ~((values >= least) & (tf.abs(values) < np.inf))
            checks.append(_assertion(f"Values in {name} are {kinds}.", values, bad))
    if bce.from_logits:
        text = f"Values in {words.y_pred} are not a number. {words.missing_predictions}"
        checks.append(_assertion(text, z, counted & tf.math.is_nan(z)))
    else:
        text = f"Values in {words.y_pred} lie outside [0, 1]. {words.logits}"
        checks.append(_assertion(text, z, counted & ~((z >= 0) & (z <= 1))))
    with tf.control_dependencies(checks):
        return batch._replace(y_pred=tf.identity(batch.y_pred))


def _assertion(text: str, values: Tensor, bad: Tensor) -> Any:
    """An operation that fails where values are bad, and says how many, and which is the largest that is a number."""
    largest = tf.reduce_max(tf.where(bad & ~tf.math.is_nan(values), values, -np.inf))
    count = tf.math.count_nonzero(bad)
    return tf.debugging.Assert(count == 0, [text, "How many:", count, "The largest, -inf if all are NaN:", largest])


def _reduced(losses: Tensor, batch: Batch, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    value = total(losses)
    if reduction == "sum":
        return value
    divisor = tf.cast(tf.size(losses), value.dtype)
    if reduction == "weighted_mean" and batch.weight is not None:
        shown = batch.weight if batch.shown is None else where(batch.shown, batch.weight, 0.0)
        divisor = total(tf.broadcast_to(shown, tf.shape(losses)))
    elif batch.shown is not None:
        divisor = total(tf.broadcast_to(tf.cast(batch.shown, losses.dtype), tf.shape(losses)))
    return value / tf.where(divisor == 0, tf.ones_like(divisor), divisor)
