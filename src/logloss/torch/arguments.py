"""Tensors as they come: what is refused of their shapes, types and values, and what a mask is made of."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from logloss.core import inputs, parameters
from logloss.core.errors import LogLossError, ParameterError, ShapeError
from logloss.core.inputs import Words
from logloss.torch import errors
from logloss.torch.eager import is_eager

ClassWeight = Tensor | float | Sequence[float]  # one of a sequence each


class Arguments(NamedTuple):
    """Tensors that fit: all but class weights have y_pred's shape, expanded where need be."""

    y_pred: Tensor
    y_true: Tensor
    weight: Tensor | None = None
    mask: Tensor | None = None  # True where an element counts
    pos_weight: Tensor | None = None  # broadcasts against y_pred; None where the family has one for all classes
    neg_weight: Tensor | None = None


def _words(y_pred: str, y_true: str, weight: str, logits: str = "use the loss that takes logits") -> Words:
    """What a function calls its arguments, and how values that it refuses are mended."""
    return Words(
        y_true=y_true,
        y_pred=y_pred,
        sample_weight=weight,
        logits=f"If these are logits, {logits}.",
        missing_predictions=f"Leave them out with mask=~torch.isnan({y_pred}).",
        missing_labels=f"Leave missing labels out with mask=~torch.isnan({y_true}).",
    )


TORCH = _words("input", "target", "weight")._replace(has_ignore_index=True)
TORCHVISION = _words("inputs", "targets", "weight")._replace(has_ignore_index=True)
OURS = _words("y_pred", "y_true", "sample_weight", "say from_logits=True")


def check_pair(y_pred: Tensor, y_true: Tensor, words: Words) -> None:
    """Refuse predictions and labels that do not belong together."""
    if not (isinstance(y_pred, Tensor) and isinstance(y_true, Tensor)):
        check_tensor(y_pred, words.y_pred)
        check_tensor(y_true, words.y_true)
    if y_pred.shape != y_true.shape:
        came, expected = tuple(y_true.shape), tuple(y_pred.shape)
        mend = "Give both the same shape."
        if came == (*expected, 1):
            mend = f"Use {words.y_true}.squeeze(-1)."
        elif expected == (*came, 1):
            mend = f"Use {words.y_pred}.squeeze(-1), or {words.y_true}.unsqueeze(-1)."
        raise ShapeError(f"{words.y_pred} has shape {expected} and {words.y_true} has shape {came}. {mend}")
    if not y_pred.is_floating_point():
        mend = "" if y_pred.is_complex() else f" Use {words.y_pred}.float()."
        raise errors.DtypeError(f"{words.y_pred} has dtype {y_pred.dtype}; expected a floating type.{mend}")
    if y_true.is_complex():
        raise errors.DtypeError(f"{words.y_true} has dtype {y_true.dtype}; expected real numbers or booleans.")


def check_tensor(values: object, name: str) -> None:
    """Refuse what is no tensor."""
    if not isinstance(values, Tensor):
        raise errors.DtypeError(f"{name} is a {type(values).__name__}; expected a tensor. Use torch.as_tensor({name}).")


def expanded(values: Tensor, y_pred: Tensor, name: str, words: Words) -> Tensor:
    """A tensor that broadcasts to y_pred's shape, expanded to it."""
    check_tensor(values, name)
    if values.shape == y_pred.shape:
        return values
    if not _broadcasts(values.shape, y_pred.shape):
        rows = values.ndim == 1 < y_pred.ndim and values.shape == y_pred.shape[:1]
        mend = f" Use {name}[:{', None' * (y_pred.ndim - 1)}], which is one entry a row." if rows else ""
        raise ShapeError(
            f"{name} has shape {tuple(values.shape)}, which does not broadcast to that of {words.y_pred}, "
            f"{tuple(y_pred.shape)}.{mend}"
        )
    return values.expand(y_pred.shape)


def by_element_or_row(values: Tensor, y_pred: Tensor, name: str) -> Tensor:
    """A tensor of y_pred's shape, or of one entry a row, expanded to it."""
    check_tensor(values, name)
    if values.shape == y_pred.shape:
        return values
    if y_pred.ndim > 1 and values.shape == y_pred.shape[:1]:
        return values.reshape(-1, *[1] * (y_pred.ndim - 1)).expand(y_pred.shape)
    raise ShapeError(
        f"{name} has shape {tuple(values.shape)}; expected y_pred's, {tuple(y_pred.shape)}, or one entry a row."
    )


def class_weights(weight: Sequence[float], y_pred: Tensor, name: str) -> Tensor:
    """One weight a class as a tensor, in the type that is worked in and where the predictions are."""
    checked = parameters.weight(name, weight)
    make = _remembered if is_eager(y_pred) else _class_weights
    return make(checked, work_type(y_pred), y_pred.device)


def _class_weights(weight: parameters.Weight, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # it may be kept for the way back another time
        return torch.tensor(weight, dtype=dtype, device=device)


_remembered = lru_cache(maxsize=256)(_class_weights)


def work_type(y_pred: Tensor) -> torch.dtype:
    """The type that is worked in: halves are worked out in float32 and rounded once."""
    return torch.float64 if y_pred.dtype == torch.float64 else torch.float32


def along_class_axis(weight: Tensor, y_pred: Tensor, class_axis: int, name: str) -> Tensor:
    """Class weights shaped to broadcast against y_pred: those of one axis lie along ``class_axis``."""
    if weight.ndim == 1 and class_axis != -1:
        class_axis = parameters.axis("class_axis", class_axis)
        if not -y_pred.ndim <= class_axis < y_pred.ndim:
            raise ShapeError(
                f"class_axis={class_axis} is not an axis of the predictions, whose shape is {tuple(y_pred.shape)}."
            )
        along = [1] * y_pred.ndim
        along[class_axis] = -1
        weight = weight.reshape(along)
    if not _broadcasts(weight.shape, y_pred.shape):
        raise ShapeError(
            f"{name} has {weight.numel()} entries and shape {tuple(weight.shape)}, which does not broadcast to that of "
            f"the predictions, {tuple(y_pred.shape)}. Give one entry a class, or name the axis with class_axis."
        )
    return weight


def check_dense(arguments: Arguments, words: Words) -> None:
    """Refuse tensors that hold only some of their values."""
    for name, tensor in ((words.y_pred, arguments.y_pred), (words.y_true, arguments.y_true)):
        if tensor.layout is not torch.strided:
            raise errors.DtypeError(
                f"{name} has layout {tensor.layout}; expected a dense tensor. Use {name}.to_dense()."
            )


def check_mask(mask: Any) -> None:
    """Refuse a mask that is no tensor of booleans."""
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        came, mend = f"type {type(mask).__name__}", "torch.as_tensor(mask).bool()"
        if isinstance(mask, Tensor):
            came, mend = f"dtype {mask.dtype}", "mask.bool()"
        raise errors.DtypeError(f"mask has {came}; expected booleans, True where an element counts. Use {mend}.")


def without_ignored(y_true: Tensor, mask: Tensor | None, ignore_index: float | None) -> Tensor | None:
    """The mask without the elements whose label is ``ignore_index``, which may be NaN."""
    if ignore_index is None:
        return mask
    if ignore_index != ignore_index:
        counts = ~torch.isnan(y_true)
    elif y_true.is_floating_point():
        counts = y_true != float(ignore_index)
    else:
        limits = torch.iinfo(torch.uint8 if y_true.dtype == torch.bool else y_true.dtype)
        if not limits.min <= ignore_index <= limits.max:  # no label is it; compared, it would wrap
            return mask
        counts = y_true != ignore_index
    return counts if mask is None else counts & mask


@torch.compiler.disable  # type: ignore[untyped-decorator]
def check_values(arguments: Arguments, *, from_logits: bool, words: Words, is_weight_signed: bool) -> None:
    """Refuse labels, predictions and weights in plain view that are out of range; this waits for another device."""
    check_dense(arguments, words)
    if not is_eager(*arguments) or arguments.y_pred.is_meta:
        raise ParameterError(
            "validate=True looks at values, and tensors have none inside of vmap, grad and the like, nor on the meta "
            "device. Leave it out there."
        )
    for name in ("pos_weight", "neg_weight"):
        check_class_weight(getattr(arguments, name), name)
    weight, mask = (None if a is None else _array(a) for a in (arguments.weight, arguments.mask))
    data = inputs.Inputs(_array(arguments.y_true), _array(arguments.y_pred), weight, mask, -1, np.float32)
    try:
        inputs.check_values(data, from_logits=from_logits, words=words, is_weight_signed=is_weight_signed)
    except LogLossError as error:
        raise errors.of_values(error) from None


def check_class_weight(weight: Tensor | None, name: str) -> None:
    """Refuse a tensor of class weights that are not all finite; they may be negative, as PyTorch's."""
    if weight is not None and not torch.isfinite(weight).all():
        came = weight[~torch.isfinite(weight)].flatten()[0].item()
        raise errors.WeightError(f"{name} has an entry that is {came}; expected finite class weights.")


def _array(tensor: Tensor) -> inputs.Array:
    tensor = tensor.detach().cpu()
    made: inputs.Array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return made


def _broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    """Whether a tensor of a shape broadcasts to another without enlarging it."""
    if len(shape) > len(to):
        return False
    return all(have == 1 or have == want for have, want in zip(reversed(shape), reversed(to), strict=False))
