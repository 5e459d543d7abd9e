"""The training loop: shuffled batches, AdamW, a schedule, and the best epoch's weights in the end.

Every random choice is a function of the seed and the epoch, so a training that was interrupted goes on to the same
bits.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from logloss.core import formula
from logloss.core.errors import ParameterError, RunError
from logloss.core.family import BinaryCrossEntropy
from logloss.training.history import Epoch, History
from logloss.training.optimizer import AdamW

_EXACT = BinaryCrossEntropy(from_logits=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int  # epochs without a better validation loss before training ends
    seed: int


class Rows(NamedTuple):
    """Prepared rows: numbers (n, d), level numbers (n, c), labels (n, k) and weights (n,)."""

    numbers: Tensor
    codes: Tensor
    labels: Tensor
    weight: Tensor | None

    def log_loss(self, logits: Tensor) -> float:
        """The weighted mean log loss of logits for these rows, in nats."""
        weight = None if self.weight is None else self.weight.numpy()
        return float(_EXACT(self.labels.numpy(), logits.numpy(), sample_weight=weight, reduction="weighted_mean"))


@dataclass
class State:
    """All that the next epoch depends on."""

    network: nn.Module
    optimizer: AdamW
    best: dict[str, Tensor]  # the weights of the best epoch so far
    epochs: list[Epoch]


def start(network: nn.Module, settings: Settings) -> State:
    """The state before the first epoch."""
    return State(network, AdamW(network, settings.weight_decay), _copied(network), [])


def run(
    state: State,
    bce: BinaryCrossEntropy,
    train: Rows,
    validation: Rows | None,
    settings: Settings,
    shift: Tensor,
    after_epoch: Callable[[State], None],
) -> None:
    """Train from ``state`` until the epochs are over or the validation loss has not fallen for long enough.

    ``shift`` is added to the logits before the log loss is taken, which undoes what class weights did. ``after_epoch``
    is called with the state after every epoch. In the end the network has the best epoch's weights.
    """
    with _one_thread():
        coefficients = _coefficients(bce, train)
        while not _is_over(state.epochs, settings):
            began = time.perf_counter()
            rate = _learning_rate(state.epochs, settings)
            train_loss = _epoch(state, bce, train, coefficients, settings, rate, shift)
            validation_loss = None
            if validation is not None:
                logits = predict(state.network, validation)
                _check_diverged(logits, state, settings)
                validation_loss = validation.log_loss(logits + shift)
            epoch = Epoch(
                epoch=len(state.epochs) + 1,
                train_loss=train_loss,
                validation_loss=validation_loss,
                learning_rate=rate,
                seconds=round(time.perf_counter() - began, 3),
            )
            state.epochs.append(epoch)
            if History(tuple(state.epochs)).best is epoch:
                state.best = _copied(state.network)
            after_epoch(state)
        state.network.load_state_dict(state.best)
        state.network.eval()


@torch.no_grad()
def predict(network: nn.Module, rows: Rows, batch_size: int = 1 << 14) -> Tensor:
    """Logits of shape (n, k)."""
    network.eval()
    starts = range(0, max(len(rows.numbers), 1), batch_size)
    batches = ((rows.numbers[i : i + batch_size], rows.codes[i : i + batch_size]) for i in starts)
    return torch.cat([network(numbers, codes) for numbers, codes in batches])


def tensors(state: State) -> dict[str, Tensor]:
    """The state's tensors by name: the last weights, the best ones, and what the optimizer remembers."""
    named = {f"last.{name}": value for name, value in state.network.state_dict().items()}
    named |= {f"best.{name}": value for name, value in state.best.items()}
    for name, memory in state.optimizer.memory.items():
        named |= {f"optimizer.{name}.{key}": value for key, value in memory.items()}
    return named


def restore(state: State, kept: dict[str, Tensor], epochs: list[Epoch]) -> None:
    """Put back what `tensors` gave, and the epochs that led there."""

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}

    try:
        for weights in ("best.", "last."):
            state.network.load_state_dict(part(weights))
        state.best = part("best.")
        for name in state.optimizer.memory:
            state.optimizer.restore(name, part(f"optimizer.{name}."))
    except (RuntimeError, KeyError) as error:
        raise RunError(f"The checkpoint does not fit the network that its configuration describes: {error}") from error
    state.epochs[:] = epochs


def _epoch(
    state: State,
    bce: BinaryCrossEntropy,
    train: Rows,
    coefficients: tuple[Tensor, Tensor],
    settings: Settings,
    rate: float,
    shift: Tensor,
) -> float:
    """One pass over the rows in a new order; the mean log loss as the rows were seen."""
    network, optimizer = state.network, state.optimizer
    seed = _epoch_seed(settings.seed, len(state.epochs))
    order = torch.randperm(len(train.numbers), generator=torch.Generator().manual_seed(seed))
    numbers, codes = train.numbers[order], train.codes[order]
    positive, negative = (coefficient[order].numpy() for coefficient in coefficients)
    seen = np.empty(train.labels.shape, np.float32)
    parameters = list(network.parameters())

    network.train()
    with torch.random.fork_rng(devices=[]), np.errstate(all="ignore"):
        torch.default_generator.manual_seed(seed)  # for dropout
        for begin in range(0, len(order), settings.batch_size):
            batch = slice(begin, begin + settings.batch_size)
            for parameter in parameters:
                parameter.grad = None
            logits = network(numbers[batch], codes[batch])
            z = logits.detach().numpy()
            # The gradient is all that a step needs; the loss is taken once for the whole epoch. On arrays as small as
            # a batch, NumPy is three times as fast as PyTorch.
            (gradient,) = formula.from_logits(np, z, positive[batch], negative[batch], bce.focus, (formula.GRADIENT,))
            logits.backward(torch.from_numpy(gradient / len(gradient)))
            optimizer.step(rate)
            seen[batch] = z
    logits = torch.from_numpy(seen)
    _check_diverged(logits, state, settings)
    _check_diverged(nn.utils.parameters_to_vector(network.parameters()), state, settings)  # the last step
    loss = train._replace(labels=train.labels[order], weight=None if train.weight is None else train.weight[order])
    return loss.log_loss(logits + shift)


def _check_diverged(numbers: Tensor, state: State, settings: Settings) -> None:
    if not torch.isfinite(numbers).all():
        raise ParameterError(
            f"Training diverged in epoch {len(state.epochs) + 1}: the network no longer gives numbers. "
            f"Use a smaller learning rate than {settings.learning_rate:g}."
        )


def _coefficients(bce: BinaryCrossEntropy, train: Rows) -> tuple[Tensor, Tensor]:
    """What multiplies the two sides of every label: the same in every epoch, so made once."""

    def per_class(weight: float | tuple[float, ...]) -> float | Tensor:
        return weight if isinstance(weight, float) else torch.tensor(weight)

    weight: float | Tensor = 1.0
    if train.weight is not None:  # a mean of 1 keeps the learning rate's meaning
        weight = (train.weight * (len(train.weight) / train.weight.sum()))[:, None]
    return formula.coefficients(
        torch, train.labels, bce.label_smoothing, per_class(bce.pos_weight), per_class(bce.neg_weight), weight
    )


def _is_over(epochs: list[Epoch], settings: Settings) -> bool:
    if len(epochs) >= settings.epochs:
        return True
    return bool(epochs) and len(epochs) - History(tuple(epochs)).best.epoch >= settings.patience


def _learning_rate(epochs: list[Epoch], settings: Settings) -> float:
    """Cosine from the full rate down to a hundredth of it."""
    progress = len(epochs) / max(settings.epochs, 1)
    return settings.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small matrices are slower on many threads, and one thread gives the same bits on any number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
