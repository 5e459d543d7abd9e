"""Eager tensors in main memory: the compiled kernel makes value and gradient in one pass on the way forward.

The gradient is kept for the way back, where it is handed on as it is if what comes in is 1.
"""

import math
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.dlpack import to_dlpack  # type: ignore[attr-defined]

from logloss.core import native
from logloss.core.family import BinaryCrossEntropy
from logloss.core.work import are_moderate
from logloss.torch import operations
from logloss.torch.arguments import Arguments

_MANY = 1024  # class weights that are looked at one by one


class Call(NamedTuple):
    """What is computed, beside the tensors."""

    family: BinaryCrossEntropy
    is_sum: bool  # of the losses, over the divisor; else the loss of each element
    divisor: float


class RefusedError(Exception):
    """Some value may have to be refused, or is beyond what the kernel takes."""


def loss(arguments: Arguments, call: Call) -> Tensor:
    """The loss of each element, or their sum over a divisor, in y_pred's type.

    Raises
    ------
    RefusedError
        Nothing was computed.
    """
    made: Tensor = _apply(arguments.y_pred, arguments, call)
    return made


class _Loss(torch.autograd.Function):
    """Of tensors y_pred alone is an argument: nothing else is given a gradient here."""

    @staticmethod
    def forward(ctx: Any, y_pred: Tensor, arguments: Arguments, call: Call) -> Tensor:
        each = None if call.is_sum else torch.empty_like(y_pred)
        gradient = torch.empty_like(y_pred) if ctx.needs_input_grad[0] else None
        value = _run(arguments, call, call.divisor, each, gradient)
        if gradient is not None:
            ctx.call = call
            ctx.save_for_backward(gradient, y_pred, *arguments[1:])
        return torch.scalar_tensor(value, dtype=y_pred.dtype) if each is None else each

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, None, None]:
        gradient, *tensors = ctx.saved_tensors
        return _back(gradient, tensors, ctx.call, incoming[0]), None, None


# Past a wrapper that looks for transformations of functions, as `is_eager` has: it takes a tenth of a small call.
_apply: Any = super(torch.autograd.Function, _Loss).apply


def _handed_on(gradient: Tensor) -> Tensor:
    """The gradient that was kept; a copy where it is kept on, for whoever gets it may change it in place."""
    return gradient.clone() if torch._C._autograd._get_current_graph_task_keep_graph() else gradient


def _back(gradient: Tensor, tensors: list[Any], call: Call, up: Tensor) -> Tensor:
    if torch.is_grad_enabled():  # it is to be differentiated in turn
        return operations.gradient(Arguments(*tensors), call.family, up / call.divisor)
    if torch._C._functorch.is_legacy_batchedtensor(up) or torch._C._are_functorch_transforms_active():
        # Many at once, whose values cannot be looked at.
        return (gradient * up).to(gradient.dtype)
    scale = _one_value(up)
    if scale == 1:
        return _handed_on(gradient)
    if scale and gradient.dtype.itemsize == 2 and math.isfinite(scale):
        # Rounded once: a gradient that was too small for its type comes back when the loss was scaled up.
        again = torch.empty_like(gradient)
        _run(Arguments(*tensors), call, call.divisor / abs(scale), None, again)
        return again if scale > 0 else again.neg_()
    made = gradient * up
    if not math.isfinite(up.sum().item()):
        made.masked_fill_(gradient == 0, 0)  # whatever is 0 stays 0 beside an infinite incoming gradient
    return made if made.dtype == gradient.dtype else made.to(gradient.dtype)


def _one_value(up: Tensor) -> float | None:
    """The value of a tensor that is one number, perhaps expanded."""
    if up.ndim == 0:
        return up.item()
    if up.numel() and not any(up.stride()):
        return up.as_strided((), ()).item()
    return None


def _run(arguments: Arguments, call: Call, divisor: float, each: Tensor | None, gradient: Tensor | None) -> float:
    y_pred, y_true, *others = arguments
    rest = [None if tensor is None else to_dlpack(tensor) for tensor in others]
    results = each if each is None else to_dlpack(each), gradient if gradient is None else to_dlpack(gradient)
    value = native.run_tensors(
        call.family,
        (to_dlpack(y_pred), to_dlpack(y_true), *rest, *results, None),
        y_pred.numel(),
        call.is_sum,
        divisor,
        rest[2:] == [None, None] or _are_moderate(arguments),
        torch.get_num_threads(),
    )
    if value is None:
        raise RefusedError
    return value


def _are_moderate(arguments: Arguments) -> bool:
    """Whether class weights need no more than float32; those that are too many are not looked at."""
    given = [weight for weight in arguments[4:] if weight is not None]
    if any(weight.numel() > _MANY for weight in given):
        return False
    return are_moderate(chain.from_iterable(weight.flatten().tolist() for weight in given))
