"""One call of the loss: which way it is computed, what is looked at, and the four reductions."""

import torch
from torch import Tensor

from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words
from logloss.core.reduction import check_reduction
from logloss.torch import native, operations
from logloss.torch.arguments import Arguments, check_dense, check_values, work_type
from logloss.torch.eager import is_eager

_NO_MORE = (None,) * 4
_HALVES = (torch.float16, torch.bfloat16)


def reduced(
    arguments: Arguments,
    family: BinaryCrossEntropy,
    reduction: str,
    words: Words,
    validate: bool | None,
    *,
    is_weight_signed: bool = False,
) -> Tensor:
    """The loss of tensors that fit, reduced, in y_pred's type; under autocast halves become float32, as PyTorch's do.

    Values are looked at if ``validate``; with None where nothing has to be waited for: eagerly, in main memory.
    """
    y_pred = arguments.y_pred
    if y_pred.dtype in _HALVES and torch.is_autocast_enabled(y_pred.device.type):
        y_pred = y_pred.float()
        arguments = arguments._replace(y_pred=y_pred)
    if validate:
        check_values(arguments, from_logits=family.from_logits, words=words, is_weight_signed=is_weight_signed)
    if is_at_hand(arguments):
        try:
            if not _needs_more_gradients(arguments):
                return native.loss(arguments, family, reduction != "none", float(_divisor(arguments, reduction)))
        except native.RefusedError:
            pass
        if validate is None:
            check_values(arguments, from_logits=family.from_logits, words=words, is_weight_signed=is_weight_signed)
    else:
        check_dense(arguments, words)
    if reduction == "none":
        return operations.losses(arguments, family, is_sum=False).to(y_pred.dtype)
    total = operations.losses(arguments, family, is_sum=True)
    divisor = _divisor(arguments, reduction)
    if not isinstance(divisor, Tensor):  # a number would widen the tangent that comes with the total
        divisor = torch.full((), divisor, dtype=total.dtype, device=total.device)
    return (total / divisor).to(y_pred.dtype)


def is_at_hand(arguments: Arguments) -> bool:
    """Whether values lie in main memory, where they are looked at without waiting and the kernel reaches them."""
    return arguments.y_pred.is_cpu and is_eager(*arguments)


def _needs_more_gradients(arguments: Arguments) -> bool:
    """Whether a gradient is wanted that the kernel does not make: it makes that in y_pred."""
    y_true, others = arguments.y_true, arguments[2:]
    wanted = y_true.requires_grad or (
        others != _NO_MORE and any(one is not None and one.requires_grad for one in others)
    )
    return wanted and torch.is_grad_enabled()


def _divisor(arguments: Arguments, reduction: str) -> Tensor | int:
    """What the sum is divided by; 1 where nothing counts, since the mean of nothing is 0 in training."""
    if reduction in ("sum", "none"):
        return 1
    if reduction != "mean":
        check_reduction(reduction)  # of a module it may have been set since
    weight, mask = arguments.weight, arguments.mask
    if reduction == "mean" or weight is None:
        if mask is not None:
            return torch.count_nonzero(mask).clamp(min=1)
        count = arguments.y_pred.numel()
        if torch.compiler.is_compiling():  # to which it may be a symbol
            at_least_one: int = torch.sym_max(count, 1)  # type: ignore[no-untyped-call]
            return at_least_one
        return count or 1
    if mask is not None:
        weight = torch.where(mask, weight, 0)
    total = weight.sum(dtype=work_type(arguments.y_pred))
    return torch.where(total == 0, 1.0, total)
