"""The modules for PyTorch beside its own: eager, compiled, on small tensors, and what memory they take."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import logloss.torch as ours
from benchmarks.loss_call import Data, data_of, forward_and_backward, torchvision_focal
from benchmarks.measure import Table, Works, compared, one_thread
from logloss.torch import loss as path
from logloss.torch import operations

Call = Callable[[], object]
Loss = Callable[[Tensor, Tensor], Tensor]

ABOUT = """\
Nanoseconds an element, median of the turns; float32, {threads} threads. Each forward and backward takes a fresh leaf,
so that the gradient is fresh memory, and its limit is one `torch.dot` and one `torch.add` into fresh memory. Last
column: what ours, the first row of each work, takes beside the row, within each turn, with the middle half."""
SMALL = """\
Microseconds a call on 32 elements of float32, one thread, options off. Last column: what ours takes beside the row."""
MEMORY = """\
The most bytes an element that PyTorch held at once during forward and backward on {at:,} elements of float32, beyond
what it held before. Elsewhere is the path of other devices, which works in pieces from {large:,} elements on."""
HEADER = ["work: contender", "ns", "the first takes times"]


def run(*, quick: bool) -> Iterator[Table]:
    for n in [10**4] if quick else [10**5, 10**6, 10**7]:
        effort = {"turns": 2, "calls": 1} if quick else {"turns": 15, "calls": max(1, 10**6 // n)}
        about = ABOUT.format(threads=torch.get_num_threads())
        yield Table(f"In PyTorch, {n:,} elements", about, HEADER, compared(_eager(n), **effort, unit=n * 1e-9))
        if n != 10**5:
            rows = compared(_compiled(n), **effort, unit=n * 1e-9)
            yield Table(f"In PyTorch, compiled, {n:,} elements", about, HEADER, rows)
    with one_thread():
        rows = compared(_small(), turns=2 if quick else 200, calls=2 if quick else 50, unit=1e-6)
    yield Table("In PyTorch, 32 elements", SMALL, ["work: contender", "µs", "the first takes times"], rows)
    yield _memory(10**4 if quick else 10**7)


def _eager(n: int) -> Works:
    data = data_of(n, "float32")
    y, z, p, *_ = data.tensors()
    mask, pos_weight = torch.rand(n) < 0.8, torch.tensor(3.0)
    ignored = torch.where(mask, y, 255)
    module, theirs = ours.BCEWithLogitsLoss(), nn.BCEWithLogitsLoss()
    each = nn.BCEWithLogitsLoss(reduction="none")

    def limit() -> Tensor:
        torch.dot(z, y)
        return torch.add(z, y)

    def both(of: Loss, pred: Tensor = z, labels: Tensor = y) -> Call:
        return lambda: forward_and_backward(of, pred, labels)

    def by_hand(z: Tensor, y: Tensor) -> Tensor:
        counts = y != 255
        return each(z, torch.where(counts, y, 0)).mul(counts).sum() / counts.sum()

    return {
        "forward and backward": {"logloss": both(module), "PyTorch": both(theirs), "limit": limit},
        "with pos_weight": {
            "logloss": both(ours.BCEWithLogitsLoss(pos_weight=pos_weight)),
            "PyTorch": both(nn.BCEWithLogitsLoss(pos_weight=pos_weight)),
            "limit": limit,
        },
        "with mask": {
            "logloss": both(lambda z, y: module(z, y, mask=mask)),
            "PyTorch by hand": both(lambda z, y: each(z, y)[mask].mean()),
        },
        "with ignore_index": {
            "logloss": both(ours.BCEWithLogitsLoss(ignore_index=255), labels=ignored),
            "PyTorch by hand": both(by_hand, labels=ignored),
        },
        "focal loss": {
            "logloss": both(lambda z, y: ours.sigmoid_focal_loss(z, y, reduction="mean")),
            "torchvision's formula": both(torchvision_focal),
            "limit": limit,
        },
        "probabilities": {"logloss": both(ours.BCELoss(), p), "PyTorch": both(nn.BCELoss(), p), "limit": limit},
        "forward": {
            "logloss": lambda: module(z, y),
            "PyTorch": lambda: theirs(z, y),
            "limit: torch.dot": lambda: torch.dot(z, y),
        },
    }


def _compiled(n: int) -> Works:
    y, z, *_ = data_of(n, "float32").tensors()
    torch.compiler.reset()
    losses: dict[str, dict[str, Loss]] = {
        "plain": {"logloss": ours.BCEWithLogitsLoss(), "PyTorch": nn.BCEWithLogitsLoss()},
        "focal": {
            "logloss": lambda z, y: ours.sigmoid_focal_loss(z, y, reduction="mean"),
            "torchvision's formula": torchvision_focal,
        },
    }
    made: dict[str, dict[str, Call]] = {}
    for what, contenders in losses.items():
        for name, loss in contenders.items():
            compiled = torch.compile(loss, fullgraph=True, dynamic=False)
            made.setdefault(f"{what}, forward and backward", {})[name] = _both(compiled, z, y)
            made.setdefault(f"{what}, forward", {})[name] = _forward(compiled, z, y)
    return made


def _both(loss: Loss, z: Tensor, y: Tensor) -> Call:
    return lambda: forward_and_backward(loss, z, y)


def _forward(loss: Loss, z: Tensor, y: Tensor) -> Call:
    return lambda: loss(z, y)


def _small() -> Works:
    y, z, *_ = data_of(32, "float32").tensors()
    leaf = z.clone().requires_grad_()
    modules = {"logloss": ours.BCEWithLogitsLoss(), "PyTorch": nn.BCEWithLogitsLoss()}
    return {
        "forward and backward": {name: _both(module, z, y) for name, module in modules.items()},
        "forward, gradient to come": {name: _forward(module, leaf, y) for name, module in modules.items()},
        "forward": {name: _forward(module, z, y) for name, module in modules.items()},
    }


def _memory(n: int) -> Table:
    data = data_of(n, "float32")
    theirs = _peak(nn.functional.binary_cross_entropy_with_logits, data, {}, nullcontext())
    rows = [["PyTorch, plain", f"{theirs:.2f}", ""]]
    options: dict[str, dict[str, object]] = {
        "plain": {},
        "class weights": {"pos_weight": 3.0, "neg_weight": 0.5},
        "label_smoothing": {"label_smoothing": 0.1},
        "focal": {"gamma": 2.0},
        "asymmetric": {"gamma": 1.0, "gamma_neg": 4.0, "margin": 0.05},
        "weight": {"weight": torch.rand(n)},
        "mask": {"mask": torch.rand(n) < 0.8},
        "ignore_index": {"ignore_index": 1},
    }
    for name, given in options.items():
        ways = nullcontext(), patch.object(path, "is_at_hand", return_value=False)
        peaks = [_peak(ours.binary_cross_entropy_with_logits, data, given, way) for way in ways]
        rows.append([f"logloss, {name}", *(f"{peak:.2f}" for peak in peaks)])
    return Table(
        "Memory in PyTorch",
        MEMORY.format(at=n, large=operations._LARGE),
        ["loss", "bytes an element", "elsewhere"],
        rows,
    )


def _peak(
    function: Callable[..., Tensor], data: Data, options: Mapping[str, object], way: AbstractContextManager[object]
) -> float:
    y, z, *_ = data.tensors()

    def call() -> None:
        function(z.detach().requires_grad_(), y, **options).backward()

    with way:
        call()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            call()
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(accumulate(event.nbytes() for event in events)) / len(y)
