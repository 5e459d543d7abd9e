"""The network: standardised numbers and embedded categories through a few rectified layers to one logit a label."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """A multilayer perceptron with one logit a label.

    Parameters
    ----------
    n_numbers : int
        Columns of numbers, already standardised or 0/1.
    n_levels : sequence of int
        Levels of each embedded column, its level 0 included.
    hidden : sequence of int
        Units of each hidden layer.
    base_logits : sequence of float
        The logit of each label's base rate, where the network starts.
    dropout : float
        The share of hidden units left out in training.
    seed : int
        Seeds the initial weights.
    """

    def __init__(
        self,
        n_numbers: int,
        n_levels: Sequence[int],
        hidden: Sequence[int],
        base_logits: Sequence[float],
        dropout: float,
        seed: int,
    ) -> None:
        super().__init__()
        # One table holds the levels of all columns, so that embedding them is one look-up.
        width = embedding_width(n_levels)
        self.offsets: Tensor
        offsets = torch.tensor([0, *n_levels][: len(n_levels)], dtype=torch.int64).cumsum(0)
        self.register_buffer("offsets", offsets, persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # and no other device's
            self.embedding = nn.Embedding(sum(n_levels), width) if n_levels else None
            if self.embedding is not None:
                nn.init.normal_(self.embedding.weight, std=0.3)
                with torch.no_grad():
                    self.embedding.weight[offsets] = 0  # level 0 says nothing until rare levels taught it something
            sizes = [n_numbers + width * len(n_levels), *hidden]
            layers: list[nn.Module] = []
            for fan_in, fan_out in pairwise(sizes):
                linear = nn.Linear(fan_in, fan_out)
                nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
                nn.init.zeros_(linear.bias)
                layers += [linear, nn.ReLU()]
                if dropout:
                    layers.append(nn.Dropout(dropout))
            head = nn.Linear(sizes[-1], len(base_logits))
            nn.init.normal_(head.weight, std=0.01)
            with torch.no_grad():
                head.bias.copy_(torch.tensor(base_logits))
            self.layers = nn.Sequential(*layers, head)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits of shape (n, labels), from numbers (n, columns) and level numbers (n, embedded columns)."""
        if self.embedding is not None:
            numbers = torch.cat([numbers, self.embedding(codes + self.offsets).flatten(1)], dim=1)
        logits: Tensor = self.layers(numbers)
        return logits


def embedding_width(n_levels: Sequence[int]) -> int:
    """How many numbers stand for a level: about the fourth root of the levels, as is usual, doubled."""
    return min(16, max(4, round(2 * max(n_levels) ** 0.25))) if n_levels else 0
