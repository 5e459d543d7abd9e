"""Arrays as they come, looked at once: what is refused, and the sentence that says how to mend it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from logloss.core import parameters
from logloss.core.errors import (
    DtypeError,
    LabelError,
    LogitError,
    LogLossError,
    ParameterError,
    ProbabilityError,
    ShapeError,
    WeightError,
)
from logloss.core.reduction import exact_sum

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]

# The types of predictions, and the type in which each is clipped: half types have too few numbers near 1.
_WORK: dict[str, type[np.floating[Any]]] = {
    "float16": np.float32,
    "bfloat16": np.float32,
    "float32": np.float32,
    "float64": np.float64,
}
# The same by type: looking up a type's name takes longer than a small loss.
_WORK_OF: dict[Any, type[np.floating[Any]]] = {
    np.dtype(name): work for name, work in _WORK.items() if name in np.sctypeDict
}
_MARKS = (255, -1, -100)  # labels by which others say that an element does not count
_KNOWN = frozenset(map(np.dtype, "?bBhHiIlLqQefd"))


class Inputs(NamedTuple):
    """Arrays that have been checked; shapes match, or broadcast in the one way that was asked for."""

    y_true: Array
    y_pred: Array
    weight: Array | None  # broadcasts against y_pred
    mask: Array | None  # True where an element counts; broadcasts against y_pred
    class_axis: int
    work: type[np.floating[Any]]  # the type whose numbers a probability is clipped to

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of every per-element result."""
        return self.y_pred.shape

    @property
    def counted(self) -> int:
        """How many elements count: all that the mask shows; weight 0 counts."""
        if self.mask is None:
            return self.y_pred.size
        return int(np.count_nonzero(self.mask)) * (self.y_pred.size // self.mask.size if self.mask.size else 0)

    @property
    def total_weight(self) -> float:
        """The weights of the elements that count, added up."""
        if self.weight is None:
            return float(self.counted)
        return exact_sum(self.weight, self.shape, self.mask)


def read(y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None, class_axis: int = -1) -> Inputs:
    """Everything as arrays whose types and shapes have been checked, copying none that already is one."""
    label = real_array(y_true, "y_true")
    prediction = real_array(y_pred, "y_pred")
    if prediction.dtype not in _WORK_OF and prediction.dtype.kind in "biu":
        prediction = prediction.astype(np.float64)
    match(label, prediction)
    weight = (
        None
        if sample_weight is None
        else per_element(real_array(sample_weight, "sample_weight"), prediction, "sample_weight")
    )
    shown = None if mask is None else per_element(_bool_array(mask), prediction, "mask")

    return Inputs(
        label, prediction, weight, shown, class_axis, _WORK_OF.get(prediction.dtype) or _WORK[prediction.dtype.name]
    )


class Words(NamedTuple):
    """What a function calls its arguments, and how values that it refuses are mended."""

    y_true: str = "y_true"
    y_pred: str = "y_pred"
    sample_weight: str = "sample_weight"
    logits: str = "If these are logits, say from_logits=True."
    missing_predictions: str = "Leave them out with mask=~np.isnan(y_pred)."
    missing_labels: str = "Leave missing labels out with mask=~np.isnan(y_true)."
    has_ignore_index: bool = False  # whether the function has that option


def check_values(
    inputs: Inputs,
    *,
    from_logits: bool,
    words: Words = Words(),  # noqa: B008, it cannot change
    is_weight_signed: bool = False,
) -> None:
    """Refuse what is in plain view and out of range."""
    label, prediction, weight, shown = inputs.y_true, inputs.y_pred, inputs.weight, inputs.mask
    hidden = _Hidden(weight, shown, prediction.shape)
    with np.errstate(invalid="ignore"):  # some types warn of comparisons with NaN
        check_weight(inputs, words, is_signed=is_weight_signed)
        _check_labels(label, hidden, words)
        if from_logits:
            _check_logits(prediction, hidden, words)
        else:
            _check_probabilities(prediction, hidden, words)


def labels(y_true: Any) -> Array:
    """Labels alone, checked."""
    label = real_array(y_true, "y_true")
    with np.errstate(invalid="ignore"):
        _check_labels(label, _Hidden(None, None, label.shape), Words())
    return label


def per_class(
    weight: float | tuple[float, ...], shape: tuple[int, ...], class_axis: int, name: str, y_pred: str = "y_pred"
) -> float | Array:
    """A weight per class, shaped to broadcast along ``class_axis``."""
    if isinstance(weight, float):
        return weight
    class_axis = parameters.axis("class_axis", class_axis)
    if not -len(shape) <= class_axis < len(shape):
        raise ShapeError(f"class_axis={class_axis} is not an axis of {y_pred}, whose shape is {shape}.")
    if shape[class_axis] != len(weight):
        raise ShapeError(
            f"{name} has {len(weight)} entries, one a class, and axis {class_axis} of {y_pred} has {shape[class_axis]} "
            f"(its shape is {shape}). Give one entry a class, or name the axis with class_axis."
        )
    along = [1] * len(shape)
    along[class_axis] = len(weight)
    return np.asarray(weight).reshape(along)


def check_out(out: Any, quantity: str, inputs: Inputs) -> Array:
    """A buffer to write a quantity into, or a new array of the machine's own byte order."""
    prediction = inputs.y_pred
    if out is None:
        dtype = prediction.dtype
        return np.empty(prediction.shape, dtype if dtype.isnative else dtype.newbyteorder("="))
    name = f"{quantity}_out"
    if not isinstance(out, np.ndarray):
        raise DtypeError(f"{name} is a {type(out).__name__}; expected a NumPy array to write into.")
    if out.shape != prediction.shape:
        raise ShapeError(f"{name} has shape {out.shape}; expected y_pred's, {inputs.shape}.")
    if out.dtype != prediction.dtype and out.dtype.name != prediction.dtype.name:  # a name takes long to look up
        raise DtypeError(f"{name} has dtype {out.dtype}; expected {inputs.y_pred.dtype}, the type of the result.")
    if not out.flags.writeable:
        raise ParameterError(f"{name} is read-only; expected an array that can be written.")
    return out


def real_array(values: Any, name: str) -> Array:
    """The values as an array of real numbers or booleans, without a copy of one that already is."""
    if type(values) is np.ndarray and values.dtype in _KNOWN:
        return values
    array = any_array(values, name)
    if array.size == 0 and isinstance(values, list | tuple):
        return array.astype(np.float64)
    if array.dtype.kind not in "biu" and array.dtype.name not in _WORK:
        raise DtypeError(
            f"{name} has dtype {array.dtype}; expected float16, bfloat16, float32, float64, integers or booleans. "
            f"Convert it with {name}.astype(float)."
        )
    return array


def any_array(values: Any, name: str) -> Array:
    """The values as an array of whatever they are, without a copy of one that already is."""
    if type(values) is np.ndarray:
        return values
    if isinstance(values, np.ma.MaskedArray):
        raise DtypeError(
            f"{name} is a masked array, whose mask would be lost. "
            f"Pass {name}.data and mask=~np.ma.getmaskarray({name})."
        )
    if hasattr(values, "__next__"):
        raise DtypeError(f"{name} is a {type(values).__name__}; expected an array. Pass list({name}).")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} could not be read as an array: {error} Expected rows of one length.") from error
    except (TypeError, RuntimeError) as error:
        raise DtypeError(
            f"{name} could not be read as an array: {error} Expected an array of numbers; "
            f"a PyTorch tensor becomes one by {name}.detach().cpu().float().numpy()."
        ) from error


def _bool_array(mask: Any) -> Array:
    array = any_array(mask, "mask")
    if array.size and array.dtype != np.bool_:
        raise DtypeError(
            f"mask has dtype {array.dtype}; expected booleans, True where an element counts. Use mask.astype(bool)."
        )
    return array.astype(np.bool_, copy=False)


def match(label: Any, prediction: Any, names: tuple[str, str] = ("y_true", "y_pred")) -> None:
    """Refuse labels and predictions, arrays of any library, that differ in shape; ``names`` are the caller's."""
    if label.shape == prediction.shape:
        return
    came = f"{names[0]} has shape {label.shape} and {names[1]} has shape {prediction.shape}."
    mend = how_to_match(label.shape, prediction.shape, names)
    try:
        together = np.broadcast_shapes(label.shape, prediction.shape)
    except ValueError:
        raise ShapeError(f"{came} Expected one label a prediction. {mend}") from None
    raise ShapeError(f"{came} They would broadcast to {together}, which is almost never meant. {mend}")


def how_to_match(label: Shape, prediction: Shape, names: tuple[str, str]) -> str:
    """What makes labels and predictions of two shapes match; an open size, None, may be any."""
    y_true, y_pred = names
    if _may_be(label, (*prediction, 1)):
        return f"Use {y_true}[:, 0], or {y_pred}[:, None]." if len(prediction) == 1 else f"Use {y_true}[..., 0]."
    if _may_be(prediction, (*label, 1)):
        return f"Use {y_pred}[:, 0], or {y_true}[:, None]." if len(label) == 1 else f"Use {y_pred}[..., 0]."
    if _may_be(prediction, (*label, 2)):
        return f"Of the probabilities of two classes use that of the positive one, {y_pred}[..., 1]."
    return "Give both the same shape."


def _may_be(shape: Shape, other: Shape) -> bool:
    pairs = zip(shape, other, strict=False)
    # The last size decides, so it has to be known.
    return len(shape) == len(other) and shape[-1:] == other[-1:] and all(a == b or None in (a, b) for a, b in pairs)


def lies_along_last_axis(size: int | None, shape: Shape, name: str, y_pred: str) -> bool:
    """Whether a vector of that size is one entry of y_pred's last axis, not one a row; what may be either is refused.

    Weights by hand are broadcast, which is along the last axis. An open size, None, is taken for rows.
    """
    if size == 1 or None in (size, shape[-1]) or size != shape[-1]:
        return size == 1
    if size == shape[0]:
        others = ", ".join(["None"] * (len(shape) - 1))
        raise ShapeError(
            f"{name} has shape ({size},) and {y_pred} has shape {shape}, so it may be one entry a row, or one entry of "
            f"the last axis. Use {name}[:, {others}] for rows, or {name}[{others}, :] for the last axis."
        )
    return True


def per_element(array: Any, prediction: Any, name: str, y_pred: str = "y_pred") -> Any:
    """An array, of any library, of y_pred's shape, or of one entry a row, shaped to broadcast against y_pred."""
    if array.shape == prediction.shape:
        return array
    if prediction.ndim > 1 and array.shape == prediction.shape[:1]:
        return array.reshape(array.shape + (1,) * (prediction.ndim - 1))
    rows = f" or {prediction.shape[:1]}, one entry a row" if prediction.ndim > 1 else ""
    mend = f" Use {name}[:, 0]." if array.ndim == 2 and array.shape[1] == 1 else ""
    raise ShapeError(f"{name} has shape {array.shape}; expected {y_pred}'s, {prediction.shape}{rows}.{mend}")


class _Hidden:
    """Which elements may hold anything, worked out only when a value is about to be refused."""

    def __init__(self, weight: Array | None, mask: Array | None, shape: tuple[int, ...]) -> None:
        self._weight, self._mask, self._shape = weight, mask, shape

    def among(self, bad: Array) -> Array:
        """The bad elements that are in plain view."""
        if self._mask is not None:
            bad = bad & self._mask
        if self._weight is not None:
            bad = bad & (self._weight != 0)
        return np.broadcast_to(bad, self._shape)


def _within(array: Array, low: float, high: float) -> bool:
    """Whether all values lie in the range; NaN does not."""
    if array.size == 0 or array.dtype == np.bool_:
        return True
    return bool(array.min() >= low and array.max() <= high)


def _refuse(error: type[LogLossError], name: str, array: Array, bad: Array, expected: str, mend: str) -> None:
    if not bad.any():
        return
    array = np.broadcast_to(array, bad.shape)
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    count = int(np.count_nonzero(bad))
    where = f"{name}[{', '.join(map(str, place))}]" if place else name
    raise error(f"{count:,} of {bad.size:,} values in {name} {expected}; the first is {where} = {array[place]}. {mend}")


def _check_labels(label: Array, hidden: _Hidden, words: Words) -> None:
    if _within(label, 0, 1):
        return
    bad = hidden.among(~((label >= 0) & (label <= 1)))
    mend = "Labels are 0, 1 or anything between."
    if label.size and np.isin(label, (-1, 1)).all():
        mend = f"Labels of -1 and 1 become 0 and 1 by ({words.y_true} + 1) / 2."
    elif np.isnan(label[bad]).all():
        mend = words.missing_labels
    if words.has_ignore_index and len(marks := np.unique(label[bad])) == 1 and marks[0] in _MARKS:
        mark = int(marks[0])
        mend += f" If {mark} marks what does not count, say ignore_index={mark}."
    _refuse(LabelError, words.y_true, label, bad, "lie outside [0, 1]", mend)


def _check_probabilities(prediction: Array, hidden: _Hidden, words: Words) -> None:
    if _within(prediction, 0, 1):
        return
    bad = hidden.among(~((prediction >= 0) & (prediction <= 1)))
    mend = words.missing_predictions if np.isnan(prediction[bad]).all() else words.logits
    _refuse(ProbabilityError, words.y_pred, prediction, bad, "lie outside [0, 1]", mend)


def _check_logits(prediction: Array, hidden: _Hidden, words: Words) -> None:
    if _within(prediction, -np.inf, np.inf):
        return
    bad = hidden.among(np.isnan(prediction))
    _refuse(LogitError, words.y_pred, prediction, bad, "are not a number", words.missing_predictions)


def check_weight(inputs: Inputs, words: Words = Words(), *, is_signed: bool = False) -> None:  # noqa: B008
    """Refuse weights in plain view that are none; negative ones are where they may be signed."""
    weight, shape, least = inputs.weight, inputs.shape, -np.inf if is_signed else 0
    if weight is None or (weight.size and weight.min() >= 0 and weight.max() < np.inf):
        return
    bad = _Hidden(None, inputs.mask, shape).among(~((weight >= least) & (np.abs(weight) < np.inf)))
    if weight.shape == (*shape[:1], *(1 for _ in shape[1:])) != shape:  # one entry a row, and so it is named
        weight, bad = weight.ravel(), np.any(bad, axis=tuple(range(1, bad.ndim)), keepdims=False)
    _refuse(
        WeightError,
        words.sample_weight,
        weight,
        bad,
        "are infinite or not a number" if is_signed else "are negative, infinite or not a number",
        "Weights are finite." if is_signed else "Weights are finite and at least 0.",
    )
