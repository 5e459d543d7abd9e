"""The call of the loss itself beside its peers and beside the limit, which is reading and writing as much memory."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from sklearn import metrics
from sklearn._loss.loss import HalfBinomialLoss
from torch.nn import functional

import logloss
from benchmarks.measure import Table, compared, grown, median, one_thread, ratio, take_turns
from logloss import BinaryCrossEntropy
from logloss.core import native

Call = Callable[[], object]

PEERS_UP_TO = 10**7  # above it they take gigabytes, and minutes
COMPILED_FROM = 10**6  # compiling takes half a minute
MEASURED_AT = 10**7

ABOUT = """\
Nanoseconds an element, median of the turns; {dtype}, labels of 0 and 1, {threads} threads from 100,000 elements on.
The limit moves as much memory, by PyTorch; it and the loss write into touched buffers, or both into fresh memory. At
1,000,000,000 elements probabilities stand in for logits, for want of memory; peers are left out above 10,000,000. Last
columns, at {at:,} elements and within each turn: what a row takes beside its limit, and what the first row takes beside
it, both with the middle half."""
SMALL = """\
Microseconds a call on 32 elements of float32, which is the cost of calling at all; PyTorch on one thread. Last column:
what ours, the first row, takes beside the peer, by turns, with the middle half."""
MEMORY = """\
Growth of the process's largest resident memory during a call on {at:,} elements, less what it returns, in MB."""


class Row(NamedTuple):
    """A contender, and the name of the one that is its limit."""

    name: str
    call: Call
    limit: str = ""
    is_peer: bool = False


def run(*, quick: bool) -> Iterator[Table]:
    sizes = [10**3, 10**4] if quick else [10**k for k in range(3, 10)]
    works = {
        "Loss: the mean": _loss,
        "Loss and gradient": _value_and_gradient,
        "Focal loss (gamma = 2) and gradient": _focal,
        "Gradient and Hessian": _gradient_hessian,
        "Log loss of probabilities": _log_loss,
    }
    for title, work in works.items():
        yield _table(title, work, sizes, np.float32)
    for title, work in list(works.items())[:2]:
        rows = [size for size in sizes if size <= 10**8]
        yield _table(f"{title}, float64", work, rows, np.float64)
    with one_thread():
        yield _small(quick=quick)
    yield _memory(quick=quick)


Work = Callable[["Data"], list[Row]]


class Data(NamedTuple):
    y: np.ndarray
    z: np.ndarray
    p: np.ndarray
    out: np.ndarray
    other: np.ndarray

    def tensors(self) -> tuple[torch.Tensor, ...]:
        return tuple(map(torch.from_numpy, self))


def data_of(n: int, dtype: type) -> Data:
    """Logits of a model that is right about itself, repeated if there are very many, and buffers that were touched."""
    rng = np.random.default_rng(0)
    m = min(n, 10**7)
    z = rng.normal(0, 2, m).astype(dtype)
    p = (1 / (1 + np.exp(-z))).astype(dtype)
    y = (rng.random(m) < p).astype(dtype)
    if n >= 10**9:  # probabilities serve as logits too, and buffers take memory only once they are written
        y, p = np.resize(y, n), np.resize(p, n)
        return Data(y, p, p, np.zeros(n, dtype), np.zeros(n, dtype))
    y, z, p = (a if n == m else np.resize(a, n) for a in (y, z, p))
    return Data(y, z, p, np.full(n, 0.5, dtype), np.full(n, 0.5, dtype))


def _table(title: str, work: Work, sizes: list[int], dtype: type) -> Table:
    shown: dict[str, list[str]] = {}
    ratios: dict[str, list[str]] = {}
    at = min(MEASURED_AT, sizes[-1])
    for column, n in enumerate(sizes):
        if n >= 10**9 and not _has_room(20):
            continue
        rows = [row for row in work(data_of(n, dtype)) if not (row.is_peer and n > PEERS_UP_TO)]
        if n >= 10**9:
            rows = [row for row in rows if "fresh" not in row.name]
        with _threads(n):
            seconds = take_turns({row.name: row.call for row in rows}, *_effort(n, quick=sizes[-1] < 10**5))
        for row in rows:
            cells = shown.setdefault(row.name, ["–"] * len(sizes))
            cells[column] = f"{median(seconds[row.name]) / n * 1e9:.3g}"
            if n == at:
                beside = ratio(seconds, row.name, row.limit) if row.limit else "1"
                ratios[row.name] = [beside, ratio(seconds, rows[0].name, row.name)]
    about = ABOUT.format(dtype=dtype.__name__, threads=torch.get_num_threads(), at=at)
    header = ["call", *(f"{n:,}" for n in sizes), "times its limit", "the first row takes times"]
    return Table(title, about, header, [[name, *cells, *ratios[name]] for name, cells in shown.items()])


def _has_room(gigabytes: int) -> bool:
    """Whether arrays of so many gigabytes fit into memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >= gigabytes * 10**9


def _threads(n: int) -> AbstractContextManager[None]:
    """More threads would only wait for each other on small arrays."""
    return one_thread() if n < 10**5 else nullcontext()


def _effort(n: int, *, quick: bool) -> tuple[int, int]:
    """Turns, and calls in a turn, so that each size takes about as long."""
    if quick:
        return 2, 1
    return (5, 1) if n >= 10**8 else (15, 1) if n >= 10**6 else (25, 10**5 // n)


def _ours(name: str, call: Call, limit: str) -> list[Row]:
    """A call on the best kernel, and on AVX2 where that is another."""
    best = native.name
    rows = [Row(f"logloss{name}, {best}", call, limit)]
    if best == "avx512":
        rows.append(Row(f"logloss{name}, avx2", _on("avx2", call), limit))
    return rows


def _on(kernel: str, call: Call) -> Call:
    def forced() -> object:
        before = native.name
        native.choose(kernel)
        try:
            return call()
        finally:
            native.choose(before)

    return forced


def _loss(data: Data) -> list[Row]:
    y, z, *_ = data.tensors()
    bce = BinaryCrossEntropy(from_logits=True)
    bytes_ = data.y.astype(np.uint8)
    return [
        *_ours("", lambda: bce(data.y, data.z), "limit: torch.dot"),
        Row("logloss, labels of one byte", lambda: bce(bytes_, data.z), "limit: torch.dot"),
        Row("PyTorch", lambda: functional.binary_cross_entropy_with_logits(z, y), "limit: torch.dot", True),
        Row("NumPy as tutorials write it", lambda: _as_tutorials_write_it(data.y, data.p), "limit: torch.dot", True),
        Row("limit: torch.dot", lambda: torch.dot(z, y)),
    ]


def _log_loss(data: Data) -> list[Row]:
    y, _, p, *_ = data.tensors()
    return [
        *_ours(".log_loss", lambda: logloss.log_loss(data.y, data.p), "limit: torch.dot"),
        Row("PyTorch", lambda: functional.binary_cross_entropy(p, y), "limit: torch.dot", True),
        Row("scikit-learn", lambda: metrics.log_loss(data.y, data.p, labels=[0, 1]), "limit: torch.dot", True),
        Row("limit: torch.dot", lambda: torch.dot(p, y)),
    ]


def _value_and_gradient(data: Data) -> list[Row]:
    return _with_gradient(data, BinaryCrossEntropy(from_logits=True), _bce)


def _focal(data: Data) -> list[Row]:
    return _with_gradient(data, BinaryCrossEntropy.focal(from_logits=True), torchvision_focal)


def _with_gradient(data: Data, bce: BinaryCrossEntropy, peer: Callable[..., torch.Tensor]) -> list[Row]:
    y, z, _, out, _ = data.tensors()
    touched, fresh = "limit: torch.add", "limit: torch.add, fresh output"
    rows = [
        *_ours("", lambda: bce.value_and_gradient(data.y, data.z, gradient_out=data.out), touched),
        Row("logloss, fresh output", lambda: bce.value_and_gradient(data.y, data.z), fresh),
        Row("PyTorch eager, fresh output", lambda: forward_and_backward(peer, z, y), fresh, True),
        Row(touched, lambda: torch.add(z, y, out=out)),
        Row(fresh, lambda: torch.add(z, y)),
    ]
    if COMPILED_FROM <= len(data.y) <= PEERS_UP_TO:
        compiled, filling = _compiled(peer)
        rows[-2:-2] = [
            Row("PyTorch compiled", lambda: filling(z, y, out), touched, True),
            Row("PyTorch compiled, fresh output", lambda: compiled(z, y), fresh, True),
        ]
    return rows


def _gradient_hessian(data: Data) -> list[Row]:
    bce, half = BinaryCrossEntropy(from_logits=True), HalfBinomialLoss()
    y, z, _, out, other = data.tensors()
    more = len(data.y) // 3

    def limit() -> None:  # four thirds of what an addition moves
        torch.add(z, y, out=out)
        torch.add(z[:more], y[:more], out=other[:more])

    def ours() -> object:
        return bce.gradient_hessian(data.y, data.z, gradient_out=data.out, hessian_out=data.other)

    def theirs() -> object:
        return half.gradient_hessian(
            data.y, data.z, gradient_out=data.out, hessian_out=data.other, n_threads=torch.get_num_threads()
        )

    return [
        *_ours("", ours, "limit: torch.add"),
        Row("scikit-learn, private loss", theirs, "limit: torch.add", True),
        Row("limit: torch.add", limit),
    ]


def _small(*, quick: bool) -> Table:
    data = data_of(32, np.float32)
    bce = BinaryCrossEntropy(from_logits=True)
    works = {
        "mean": _loss(data),
        "mean and gradient": _value_and_gradient(data),
        "gradient and Hessian": _gradient_hessian(data),
        "log loss": _log_loss(data),
        "weighted mean": [Row("logloss", lambda: bce(data.y, data.z, sample_weight=data.p, reduction="weighted_mean"))],
    }
    calls = {
        what: {r.name: r.call for r in contenders if not r.name.startswith("limit") and "avx2" not in r.name}
        for what, contenders in works.items()
    }
    rows = compared(calls, turns=2 if quick else 25, calls=2 if quick else 100, unit=1e-6)
    return Table("Small calls", SMALL, ["call", "µs", "the first takes times"], rows)


def _memory(*, quick: bool) -> Table:
    n = 10**5 if quick else MEASURED_AT
    data = data_of(n, np.float32)
    y, z, *_ = data.tensors()
    bce, asymmetric = BinaryCrossEntropy(from_logits=True), BinaryCrossEntropy.asymmetric(from_logits=True)
    calls: dict[str, tuple[Call, int]] = {
        "logloss, the mean": (lambda: bce(data.y, data.z), 0),
        "logloss, weighted mean": (lambda: bce(data.y, data.z, sample_weight=data.p, reduction="weighted_mean"), 0),
        "asymmetric, worked out in float64": (lambda: asymmetric(data.y, data.z), 0),
        "logloss, value and gradient, fresh output": (lambda: bce.value_and_gradient(data.y, data.z), 4 * n),
        "logloss.log_loss": (lambda: logloss.log_loss(data.y, data.p), 0),
        "PyTorch, forward and backward": (lambda: forward_and_backward(_bce, z, y), 4 * n),
        "scikit-learn log_loss": (lambda: metrics.log_loss(data.y, data.p, labels=[0, 1]), 0),
    }
    rows = [[name, f"{max(grown(call) - result, 0) / 1e6:.1f}"] for name, (call, result) in calls.items()]
    return Table("Memory", MEMORY.format(at=n), ["call", "MB"], rows)


def _bce(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(z, y)


def torchvision_focal(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The steps of torchvision's `sigmoid_focal_loss`, for alpha = 0.25, gamma = 2 and the mean."""
    p = torch.sigmoid(z)
    each = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    right = p * y + (1 - p) * (1 - y)
    each = each * (1 - right) ** 2
    return ((0.25 * y + 0.75 * (1 - y)) * each).mean()


def forward_and_backward(loss: Callable[..., torch.Tensor], z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    leaf = z.detach().requires_grad_()
    loss(leaf, y).backward()
    return leaf.grad


def _compiled(loss: Callable[..., torch.Tensor]) -> tuple[Callable[..., object], Callable[..., object]]:
    """Gradient and value in one function, compiled whole; and one that puts the gradient into a buffer."""
    both = torch.func.grad_and_value(loss)

    def filling(z: torch.Tensor, y: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        gradient, value = both(z, y)
        out.copy_(gradient)
        return value

    return torch.compile(both, fullgraph=True, dynamic=False), torch.compile(filling, fullgraph=True, dynamic=False)


def _as_tutorials_write_it(y: np.ndarray, p: np.ndarray) -> float:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
