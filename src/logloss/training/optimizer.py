"""AdamW by the function that ``torch.optim.AdamW`` calls, to the same bits.

The class itself imports PyTorch's compiler when it is made, which takes as long as importing PyTorch, and half of its
step is spent on what only others need.
"""

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class AdamW:
    """The optimizer of a network. Only matrices decay; ``memory`` is what it remembers of each parameter."""

    def __init__(self, network: nn.Module, weight_decay: float) -> None:
        self.memory = {
            name: {
                "step": torch.zeros((), dtype=torch.float32),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            for name, parameter in network.named_parameters()
        }
        named = list(network.named_parameters())
        self._groups = (
            (weight_decay, [(parameter, self.memory[name]) for name, parameter in named if parameter.ndim > 1]),
            (0.0, [(parameter, self.memory[name]) for name, parameter in named if parameter.ndim <= 1]),
        )

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter by its gradient."""
        for weight_decay, group in self._groups:
            adamw(
                [parameter for parameter, _ in group],
                [parameter.grad for parameter, _ in group],  # type: ignore[misc]
                [memory["exp_avg"] for _, memory in group],
                [memory["exp_avg_sq"] for _, memory in group],
                [],
                [memory["step"] for _, memory in group],
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=weight_decay,
                eps=1e-8,
                maximize=False,
            )

    def restore(self, name: str, kept: dict[str, Tensor]) -> None:
        """Put back what was remembered of a parameter."""
        for key, value in self.memory[name].items():
            value.copy_(kept[key])
