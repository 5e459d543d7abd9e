"""Whether tensors are just tensors: nothing traces, transforms or replaces what is done with them."""

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active, _get_tracing_state, _len_torch_dispatch_stack
from torch._C._functorch import TransformType, get_interpreter_stack
from torch.autograd import forward_ad
from torch.compiler import is_compiling

_PLAIN, _STRIDED = (Tensor, torch.nn.Parameter), torch.strided


def is_eager(*tensors: Tensor | None) -> bool:
    """Whether the values of all tensors lie there, and doing something with them is all that happens."""
    if (
        is_compiling()
        or _are_functorch_transforms_active()
        or _len_torch_dispatch_stack()
        or _get_tracing_state() is not None
        or forward_ad._current_level >= 0
    ):
        return False
    for tensor in tensors:  # a loop, since this is a part of what a small call costs
        if tensor is not None and (
            type(tensor) not in _PLAIN or tensor.layout is not _STRIDED or tensor.is_meta or tensor.is_neg()
        ):
            return False
    return True


def is_forward_within_forward() -> bool:
    """Whether tangents of tangents are wanted, which a function that knows its own tangent does not give in PyTorch."""
    if is_compiling() or not _are_functorch_transforms_active():
        return False
    return sum(level.key() == TransformType.Jvp for level in get_interpreter_stack() or ()) > 1
