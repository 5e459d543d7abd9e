"""The loss in PyTorch's own operations: for every device, for compilers and for transformations of functions.

Only inputs are kept for the way back. There the formula gives the derivative, and of that the next; beyond the second
PyTorch differentiates the formula itself.
"""

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor

from logloss.core import formula
from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import GRADIENT, HESSIAN, LOSS
from logloss.torch.arguments import Arguments, work_type
from logloss.torch.eager import is_eager, is_forward_within_forward
from logloss.torch.family import ends_in, without_smoothing

_NEXT = {LOSS: GRADIENT, GRADIENT: HESSIAN}
_CLASS_WEIGHTS = ("pos_weight", "neg_weight")

# Large tensors are worked through in pieces, so that what is in between does not add to peak memory.
_PIECES, _LARGE = 32, 1 << 20


class _Differentiable:
    """What the formula asks of an array library, where PyTorch may differentiate it."""

    exp, log, log1p = staticmethod(torch.exp), staticmethod(torch.log), staticmethod(torch.log1p)
    where, finfo = staticmethod(torch.where), staticmethod(torch.finfo)

    @staticmethod
    def abs(z: Tensor) -> Tensor:
        return torch.where(z >= 0, z, -z)  # whose slope at 0 is that of one side, where PyTorch's own is 0


def losses(arguments: Arguments, family: BinaryCrossEntropy, *, is_sum: bool) -> Tensor:
    """The loss of each element, or their sum, in the type that is worked in."""
    return _quantity(LOSS, arguments, family, is_sum)


def gradient(arguments: Arguments, family: BinaryCrossEntropy, up: Tensor) -> Tensor:
    """The gradient of each element times what comes in, which can be differentiated."""
    return _back(LOSS, arguments, family, up)


def _quantity(name: str, arguments: Arguments, family: BinaryCrossEntropy, is_sum: bool = False) -> Tensor:
    if name == HESSIAN or torch.compiler.is_exporting() or is_forward_within_forward():  # differentiated as it stands
        made = _formula(name, arguments, family)
        return made.sum() if is_sum else made
    function: Any = _Compiled if torch.compiler.is_compiling() else _Quantity
    applied: Tensor = function.apply(name, family, is_sum, *arguments)
    return applied


class _Quantity(torch.autograd.Function):
    """The loss or its gradient, per element or (the loss) summed; each knows its derivatives."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name: str, family: BinaryCrossEntropy, is_sum: bool, *tensors: Any) -> Tensor:
        arguments = Arguments(*tensors)
        if arguments.y_pred.numel() < _LARGE or not is_eager(*arguments):
            made: Tensor = _formula(name, arguments, family)
            return made.sum() if is_sum else made
        pieces = (_formula(name, piece, family) for piece in _pieces(arguments))
        if is_sum:
            return torch.stack([piece.sum() for piece in pieces]).sum()
        made = torch.empty_like(arguments.y_pred, dtype=work_type(arguments.y_pred))
        for part, piece in zip(_chunks(made, made.shape), pieces, strict=True):
            part.copy_(piece)
        return made

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG004
        ctx.quantity, ctx.family, ctx.is_sum, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *incoming: Any) -> tuple[Any, ...]:
        return _slopes(ctx, *incoming)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        arguments = Arguments(*ctx.saved_tensors)
        slopes: tuple[Callable[[], Tensor], ...] = (
            lambda: _quantity(_NEXT[ctx.quantity], arguments, ctx.family),
            lambda: _in_label(ctx.quantity, arguments, ctx.family),
            lambda: _in_weight(ctx.quantity, arguments, ctx.family),
            lambda: _in_class_weight(ctx.quantity, arguments, ctx.family, "pos_weight"),
            lambda: _in_class_weight(ctx.quantity, arguments, ctx.family, "neg_weight"),
        )  # in y_pred, y_true, weight and the class weights
        of_each = zip((*tangents[3:6], *tangents[7:]), slopes, strict=True)
        made = [tangent * slope() for tangent, slope in of_each if tangent is not None]
        total: Tensor = sum(made[1:], made[0])
        return total.sum() if ctx.is_sum else total


class _Compiled(torch.autograd.Function):
    """The same in a form that PyTorch's compiler follows: it fuses all of it, and differentiates it once."""

    @staticmethod
    def forward(
        ctx: Any,
        name: str,
        family: BinaryCrossEntropy,
        is_sum: bool,
        y_pred: Tensor,
        y_true: Tensor,
        weight: Tensor | None,
        mask: Tensor | None,
        pos_weight: Tensor | None,
        neg_weight: Tensor | None,
    ) -> Tensor:
        arguments = Arguments(y_pred, y_true, weight, mask, pos_weight, neg_weight)
        ctx.quantity, ctx.family = name, family
        ctx.save_for_backward(*arguments)
        made: Tensor = _formula(name, arguments, family)
        return made.sum() if is_sum else made

    @staticmethod
    def backward(ctx: Any, up: Tensor) -> tuple[Any, ...]:
        return _slopes(ctx, up)


def _slopes(ctx: Any, up: Tensor) -> tuple[Any, ...]:
    """What comes in times the derivative in each argument of the two functions above."""
    y_pred, y_true, weight, mask, pos_weight, neg_weight = ctx.saved_tensors
    arguments = Arguments(y_pred, y_true, weight, mask, pos_weight, neg_weight)
    in_y_pred = in_y_true = in_weight = None
    if ctx.needs_input_grad[3]:
        in_y_pred = _back(ctx.quantity, arguments, ctx.family, up)
    if ctx.needs_input_grad[4]:
        in_y_true = (up * _in_label(ctx.quantity, arguments, ctx.family)).to(y_true.dtype)
    if weight is not None and ctx.needs_input_grad[5]:
        in_weight = (up * _in_weight(ctx.quantity, arguments, ctx.family)).to(weight.dtype)
    in_classes = [
        (up * _in_class_weight(ctx.quantity, arguments, ctx.family, name)).sum_to_size(tensor.shape).to(tensor.dtype)
        if tensor is not None and is_needed
        else None
        for name, tensor, is_needed in zip(_CLASS_WEIGHTS, arguments[4:], ctx.needs_input_grad[7:], strict=True)
    ]
    return None, None, None, in_y_pred, in_y_true, in_weight, None, *in_classes


def _back(name: str, arguments: Arguments, family: BinaryCrossEntropy, up: Tensor) -> Tensor:
    y_pred = arguments.y_pred
    # It may be differentiated in turn, or be many at once.
    if torch.is_grad_enabled() or not is_eager(*arguments, up) or is_legacy_batchedtensor(up):
        made: Tensor = (up * _quantity(_NEXT[name], arguments, family)).to(y_pred.dtype)
        return made
    result, shape = torch.empty_like(y_pred), y_pred.shape
    for part, above, piece in zip(_chunks(result, shape), _chunks(up, shape), _pieces(arguments), strict=True):
        slope = _formula(_NEXT[name], piece, family)
        # Whatever is 0 stays 0 beside an infinite incoming gradient.
        part.copy_(torch.where(slope == 0, 0.0, slope * above))
    return result


def _in_label(name: str, arguments: Arguments, family: BinaryCrossEntropy) -> Tensor:
    """The derivative along the label, in which everything is linear."""
    y_true = arguments.y_true
    one, other = (arguments._replace(y_true=y_true.new_full((), label).expand(y_true.shape)) for label in (1.0, 0.0))
    hard = without_smoothing(family)  # smoothed labels at an infinite logit cost infinity both, which has no difference
    return (1 - family.label_smoothing) * (_quantity(name, one, hard) - _quantity(name, other, hard))


def _in_weight(name: str, arguments: Arguments, family: BinaryCrossEntropy) -> Tensor:
    return _quantity(name, arguments._replace(weight=None), family)


def _in_class_weight(name: str, arguments: Arguments, family: BinaryCrossEntropy, which: str) -> Tensor:
    """The derivative in the weight of one side: what that side comes to where it weighs 1 and the other nothing."""
    zero = arguments.y_pred.new_zeros((), dtype=work_type(arguments.y_pred))
    alone = arguments._replace(**{side: zero + (side == which) for side in _CLASS_WEIGHTS})
    return _quantity(name, alone, family)


def _formula(name: str, arguments: Arguments, family: BinaryCrossEntropy) -> Tensor:
    y_pred, y_true, weight, mask, pos_weight, neg_weight = arguments
    work = work_type(y_pred)
    is_compiled = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
    (made,) = formula.of_family(
        torch if is_compiled else _Differentiable,
        family,
        y_true.to(work),
        y_pred.to(work),
        None if weight is None else weight.to(work),
        mask,
        (
            family.pos_weight if pos_weight is None else pos_weight.to(work),
            family.neg_weight if neg_weight is None else neg_weight.to(work),
        ),
        ends_in(family, work),
        (name,),
    )
    result: Tensor = made
    return result


def _pieces(arguments: Arguments) -> Iterator[Arguments]:
    shape = arguments.y_pred.shape
    chunks = (repeat(None) if tensor is None else _chunks(tensor, shape) for tensor in arguments)
    for piece in zip(*chunks, strict=False):  # some go on for ever
        yield Arguments(*piece)


def _chunks(tensor: Tensor, shape: torch.Size) -> tuple[Tensor, ...]:
    """A tensor, expanded, along the longest axis of the shape; whole if it is small."""
    tensor = tensor.expand(shape)
    if tensor.numel() < _LARGE:
        return (tensor,)
    longest = max(range(len(shape)), key=shape.__getitem__)
    return tensor.chunk(_PIECES, longest)
