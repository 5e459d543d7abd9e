"""The call of the loss itself: the mean, and the mean with its gradient, on float32 arrays of many sizes."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
from sklearn import metrics
from torch.nn import functional

import logloss
from benchmarks.measure import Table, median, one_thread, ratio, take_turns
from logloss import BinaryCrossEntropy

Calls = dict[str, Callable[[], object]]

ABOUT = """\
Nanoseconds an element, median of the turns; float32 labels of 0 and 1; PyTorch on one thread up to 100,000 elements,
where more only wait for each other, and on {threads} above. The kernel is "{kernel}": on "numpy" these figures are no
more than what the compiled kernel is to be measured against, for every block is worked out in float64 and summed
exactly. Last column: what ours, the first row, takes beside the peer at the largest size, by turns, with the middle
half."""
SMALL = """\
Microseconds a call on 32 elements, which is the cost of calling at all; PyTorch on one thread. Last column: what ours,
the first row, takes beside the peer, by turns, with the middle half."""


def run(*, quick: bool) -> Iterator[Table]:
    sizes = [10**3, 10**4] if quick else [10**3, 10**4, 10**5, 10**6, 10**7]
    about = ABOUT.format(threads=torch.get_num_threads(), kernel=logloss.active_kernel())
    yield _table("Loss: the mean", about, _loss_calls, sizes, quick=quick)
    yield _table("Loss and gradient", about, _gradient_calls, sizes, quick=quick)
    with one_thread():
        yield _small(quick=quick)


def _table(title: str, about: str, calls: Callable[[int], Calls], sizes: list[int], *, quick: bool) -> Table:
    by_size = {}
    for n in sizes:
        with one_thread() if n <= 10**5 else nullcontext():
            by_size[n] = take_turns(calls(n), *_effort(n, quick=quick))
    last = by_size[sizes[-1]]
    ours = next(iter(last))
    rows = [
        [name, *(f"{median(by_size[n][name]) / n * 1e9:.3g}" for n in sizes), ratio(last, ours, name)] for name in last
    ]
    return Table(title, about, ["call", *(f"{n:,}" for n in sizes), "ours takes times"], rows)


def _effort(n: int, *, quick: bool) -> tuple[int, int]:
    """Turns, and calls in a turn, so that each size takes about as long."""
    if quick:
        return 2, 1
    return (9, 1) if n >= 10**6 else (25, 10**5 // n)


def _loss_calls(n: int) -> Calls:
    y, z, p = _data(n)
    y_torch, z_torch = torch.from_numpy(y), torch.from_numpy(z)
    bce = BinaryCrossEntropy(from_logits=True)
    return {
        "logloss, logits": lambda: bce(y, z),
        "logloss.log_loss, probabilities": lambda: logloss.log_loss(y, p),
        "PyTorch, logits": lambda: functional.binary_cross_entropy_with_logits(z_torch, y_torch),
        "NumPy as tutorials write it, probabilities": lambda: _as_tutorials_write_it(y, p),
        "scikit-learn log_loss, probabilities": lambda: metrics.log_loss(y, p, labels=[0, 1]),
        "limit: read two arrays (`torch.dot`)": lambda: torch.dot(z_torch, y_torch),
    }


def _gradient_calls(n: int) -> Calls:
    y, z, _ = _data(n)
    y_torch, z_torch = torch.from_numpy(y), torch.from_numpy(z)
    leaf = z_torch.clone().requires_grad_()
    out, out_torch = np.empty_like(z), torch.empty_like(z_torch)
    bce = BinaryCrossEntropy(from_logits=True)
    return {
        "logloss, into a buffer": lambda: bce.value_and_gradient(y, z, gradient_out=out),
        "logloss": lambda: bce.value_and_gradient(y, z),
        "PyTorch, forward and backward": lambda: _forward_and_backward(leaf, y_torch),
        "NumPy as tutorials write it": lambda: _gradient_as_tutorials_write_it(y, z),
        "limit: read two arrays, write one (`torch.add`)": lambda: torch.add(z_torch, y_torch, out=out_torch),
    }


def _small(*, quick: bool) -> Table:
    rows = []
    for what, calls in (("mean", _loss_calls(32)), ("mean and gradient", _gradient_calls(32))):
        seconds = take_turns(calls, 2 if quick else 25, 2 if quick else 50)
        ours = next(iter(seconds))
        rows += [
            [f"{what}: {name}", f"{median(times) * 1e6:.1f}", ratio(seconds, ours, name)]
            for name, times in seconds.items()
            if not name.startswith("limit")
        ]
    return Table("Small calls", SMALL, ["call", "µs", "ours takes times"], rows)


def _data(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, n).astype(np.float32)
    p = (1 / (1 + np.exp(-z))).astype(np.float32)
    return (rng.random(n) < p).astype(np.float32), z, p


def _as_tutorials_write_it(y: np.ndarray, p: np.ndarray) -> float:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def _gradient_as_tutorials_write_it(y: np.ndarray, z: np.ndarray) -> tuple[float, np.ndarray]:
    p = 1 / (1 + np.exp(-z))
    return _as_tutorials_write_it(y, p), (p - y) / len(y)


def _forward_and_backward(z: torch.Tensor, y: torch.Tensor) -> None:
    z.grad = None
    functional.binary_cross_entropy_with_logits(z, y).backward()
