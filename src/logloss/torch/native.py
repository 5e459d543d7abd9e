"""Eager tensors in main memory: the compiled kernel makes value and gradient in one pass on the way forward.

The gradient is kept for the way back, where it is handed on as it is if what comes in is 1.
"""

import math
from typing import Any

import torch
from torch import Tensor, empty_like, get_num_threads, is_grad_enabled, scalar_tensor
from torch._C import _are_functorch_transforms_active
from torch._C._autograd import _get_current_graph_task_keep_graph
from torch._C._functorch import is_legacy_batchedtensor
from torch.utils.dlpack import to_dlpack  # type: ignore[attr-defined]

from logloss.core import native
from logloss.core.family import BinaryCrossEntropy
from logloss.core.work import are_moderate_tensors
from logloss.torch import operations
from logloss.torch.arguments import Arguments

_MAIN_MEMORY = torch.device("cpu")
_NO_MORE = (None,) * 4


# PyTorch's functions for DLPack, by which the kernel looks at tensors; older versions put each into a capsule.
_EXCHANGE: Any = getattr(Tensor, "__dlpack_c_exchange_api__", None)


class RefusedError(Exception):
    """Some value may have to be refused, or is beyond what the kernel takes."""


def loss(arguments: Arguments, family: BinaryCrossEntropy, is_sum: bool, divisor: float) -> Tensor:
    """The loss of each element, or their sum over a divisor, in y_pred's type.

    Raises
    ------
    RefusedError
        Nothing was computed.
    """
    y_pred = arguments.y_pred
    if y_pred.requires_grad and is_grad_enabled():
        made: Tensor = _apply(y_pred, (arguments, family, is_sum, divisor))
        return made
    return _value(arguments, family, is_sum, divisor, None)


class _Loss(torch.autograd.Function):
    """Of tensors y_pred alone is an argument: nothing else is given a gradient here."""

    @staticmethod
    def forward(ctx: Any, y_pred: Tensor, call: tuple[Arguments, BinaryCrossEntropy, bool, float]) -> Tensor:
        arguments, family, is_sum, divisor = call
        gradient = empty_like(y_pred)
        value = _value(arguments, family, is_sum, divisor, gradient)
        ctx.member = family, divisor
        # What is not there is not kept: each takes a little of a small call, there and back.
        ctx.save_for_backward(gradient, *(arguments[:2] if arguments[2:] == _NO_MORE else arguments))
        return value

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, None]:
        return _back(ctx.saved_tensors, *ctx.member, *incoming), None


# Past a wrapper that looks for transformations of functions, as `is_eager` has: it takes a tenth of a small call.
_apply: Any = super(torch.autograd.Function, _Loss).apply


def _back(saved: tuple[Any, ...], family: BinaryCrossEntropy, divisor: float, up: Tensor) -> Tensor:
    gradient: Tensor = saved[0]
    if is_grad_enabled():  # it is to be differentiated in turn
        return operations.gradient(Arguments(*saved[1:]), family, up / divisor)
    if is_legacy_batchedtensor(up) or _are_functorch_transforms_active():
        # Many at once, whose values cannot be looked at.
        return (gradient * up).to(gradient.dtype)
    scale: float | None = up.item() if up.ndim == 0 else _one_value(up)
    if scale == 1:  # whoever gets the gradient may change it in place
        return gradient.clone() if _get_current_graph_task_keep_graph() else gradient
    if scale and gradient.dtype.itemsize == 2 and math.isfinite(scale):
        # Rounded once: a gradient that was too small for its type comes back when the loss was scaled up.
        again = empty_like(gradient)
        _run(Arguments(*saved[1:]), family, False, divisor / abs(scale), None, again)
        return again if scale > 0 else again.neg_()
    made = gradient * up
    if not math.isfinite(up.sum().item()):
        made.masked_fill_(gradient == 0, 0)  # whatever is 0 stays 0 beside an infinite incoming gradient
    return made if made.dtype == gradient.dtype else made.to(gradient.dtype)


def _one_value(up: Tensor) -> float | None:
    """The value of a tensor that is one number, expanded."""
    if up.numel() and not any(up.stride()):
        return up.as_strided((), ()).item()
    return None


def _value(
    arguments: Arguments, family: BinaryCrossEntropy, is_sum: bool, divisor: float, gradient: Tensor | None
) -> Tensor:
    y_pred = arguments.y_pred
    if is_sum:
        value = _run(arguments, family, True, divisor, None, gradient)
        return scalar_tensor(value, dtype=y_pred.dtype, device=_MAIN_MEMORY)  # whatever the default device is
    each = empty_like(y_pred)
    _run(arguments, family, False, divisor, each, gradient)
    return each


def _run(
    arguments: Arguments,
    family: BinaryCrossEntropy,
    is_sum: bool,
    divisor: float,
    each: Tensor | None,
    gradient: Tensor | None,
) -> float:
    read: tuple[Any, ...] = arguments
    if _EXCHANGE is None:
        read = tuple(map(_capsule, arguments))
        each, gradient = _capsule(each), _capsule(gradient)
    is_moderate = True
    if arguments.pos_weight is not None or arguments.neg_weight is not None:
        is_moderate = _are_moderate(arguments)
    threads = get_num_threads()
    value = native.run_tensors(family, read, each, gradient, _EXCHANGE, is_sum, divisor, is_moderate, threads)
    if value is None:
        raise RefusedError
    return value


def _are_moderate(arguments: Arguments) -> bool:
    """Whether class weights multiply within float32; the kernel takes none that are negative or not finite."""
    class_weights = [weight for weight in (arguments.pos_weight, arguments.neg_weight) if weight is not None]
    if are_moderate_tensors(class_weights):
        return True
    if not all(((weight >= 0) & (weight < math.inf)).all() for weight in class_weights):
        raise RefusedError
    return False


def _capsule(tensor: Tensor | None) -> Any:
    return None if tensor is None else to_dlpack(tensor)
