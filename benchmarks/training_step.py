"""A training step of our network beside a loop written by hand in PyTorch, on the same tensors."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measure import Table, median, one_thread, ratio, take_turns
from logloss import BinaryCrossEntropy
from logloss.training import fitting, loop
from logloss.training.data import demo_path
from logloss.training.features import Recipe
from logloss.training.networks import embedding_width
from logloss.training.tables import read_table

HIDDEN, DROPOUT, BATCH = (64, 32), 0.1, 256
ABOUT = f"""\
One epoch of {{rows:,}} flights, divided by its {{steps}} steps of {BATCH} rows; median of {{turns}} turns, one thread.
Both sides have the same tensors (numbers, level numbers, labels) and the same network: one embedding table, then layers
of {HIDDEN[0]} and {HIDDEN[1]} units with ReLU and dropout {DROPOUT}, and one logit. Both put the rows into a new order
once an epoch; a step is forward, backward, AdamW. By hand it is `nn.BCEWithLogitsLoss` and nothing else: not even the
epoch's loss is added up. Ours is `logloss.training.loop.run` without validation, and has more in it: no weight decay on
biases, the exact log loss of every row as it was seen, a check that it is finite, a copy of the best weights.
Target: at most 1.1 times either."""


def run(*, quick: bool) -> Iterator[Table]:
    recipe, rows = _prepared(1_000 if quick else 48_000)
    turns = 2 if quick else 40
    steps = -(-len(rows.labels) // BATCH)
    contenders = {
        "logloss": _ours(recipe, rows),
        "PyTorch by hand, `AdamW()`": _by_hand(recipe, rows, fused=None),
        "PyTorch by hand, `AdamW(fused=True)`": _by_hand(recipe, rows, fused=True),
    }
    with one_thread():
        seconds = take_turns(contenders, turns)
    yield Table(
        "Training step",
        ABOUT.format(rows=len(rows.labels), steps=steps, turns=turns),
        ["loop", "µs a step", "ours takes times as long (middle half)"],
        [
            [name, f"{median(times) / steps * 1e6:.0f}", ratio(seconds, "logloss", name)]
            for name, times in seconds.items()
        ],
    )


def _prepared(n_rows: int) -> tuple[Recipe, loop.Rows]:
    frame = read_table(demo_path()).frame.head(n_rows)
    labels = torch.from_numpy(frame.pop("late").to_numpy(np.float32)[:, None])
    recipe = fitting.learn_recipe(frame, "mlp")
    features = recipe.transform(frame)
    return recipe, loop.Rows(torch.from_numpy(features.numbers), torch.from_numpy(features.codes), labels, None)


def _ours(recipe: Recipe, rows: loop.Rows) -> Callable[[], None]:
    options = fitting.Options(hidden=HIDDEN, batch_size=BATCH)
    settings = replace(options.settings(len(rows.labels)), epochs=1)
    network = fitting.build_network(recipe, options, [0.0])
    state = loop.start(network, settings)

    def epoch() -> None:
        state.epochs.clear()
        loop.run(state, BinaryCrossEntropy(), rows, None, settings, torch.zeros(1), lambda _: None)

    return epoch


class _Network(nn.Module):
    def __init__(self, n_numbers: int, n_levels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sum(n_levels), width)
        self.register_buffer("offsets", torch.tensor([0, *n_levels[:-1]]).cumsum(0))
        first, second = HIDDEN
        self.layers = nn.Sequential(
            nn.Linear(n_numbers + width * len(n_levels), first),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(second, 1),
        )

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        embedded = self.embedding(codes + self.offsets).flatten(1)
        return self.layers(torch.cat([numbers, embedded], dim=1))


def _by_hand(recipe: Recipe, rows: loop.Rows, *, fused: bool | None) -> Callable[[], None]:
    network = _Network(len(recipe.names), recipe.n_levels, embedding_width(recipe.n_levels))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, fused=fused)
    loss = nn.BCEWithLogitsLoss()

    def epoch() -> None:
        network.train()
        order = torch.randperm(len(rows.labels))
        numbers, codes, labels = rows.numbers[order], rows.codes[order], rows.labels[order]
        for begin in range(0, len(order), BATCH):
            batch = slice(begin, begin + BATCH)
            optimizer.zero_grad()
            loss(network(numbers[batch], codes[batch]), labels[batch]).backward()
            optimizer.step()

    return epoch
