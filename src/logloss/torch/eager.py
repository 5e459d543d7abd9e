"""Whether tensors are just tensors: nothing traces, transforms or replaces what is done with them."""

import torch
from torch import Tensor
from torch.autograd import forward_ad

_PLAIN = (Tensor, torch.nn.Parameter)


def is_eager(*tensors: Tensor | None) -> bool:
    """Whether the values of all tensors are there, and doing something with them is all that happens."""
    if (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state() is not None
        or forward_ad._current_level >= 0
    ):
        return False
    for tensor in tensors:  # a loop, since this is a part of what a small call costs
        if tensor is not None and (type(tensor) not in _PLAIN or tensor.layout is not torch.strided or tensor.is_meta):
            return False
    return True
