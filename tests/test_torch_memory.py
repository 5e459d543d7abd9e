"""What the loss keeps for the way back, and how far memory grows: never more than PyTorch's own plain loss."""

import itertools

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

import logloss.torch as ours
from logloss.torch import loss, operations

N = 1 << 16
OPTIONS = {
    "plain": {},
    "class weights": {"pos_weight": 3.0, "neg_weight": 0.5},
    "smoothed": {"label_smoothing": 0.1},
    "focal": {"gamma": 2.0},
    "focal by fractions": {"gamma": 2.5, "gamma_neg": 0.7},
    "asymmetric": {"gamma": 1.0, "gamma_neg": 4.0, "margin": 0.05},
    "sum": {"reduction": "sum"},
    "each": {"reduction": "none"},
}
options = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def kept(loss):
    """The memory that is kept for the way back, by its address: each piece once."""
    pieces = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        pieces[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        value = loss()
    return value, pieces


class _Elsewhere(TorchDispatchMode):
    """Operations are done one by one, as on another device: the kernel is not reached."""

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        return function(*arguments, **(named or {}))


@options
@pytest.mark.parametrize("weighted", [False, True])
def test_on_other_devices_only_inputs_are_kept(options, weighted):
    z, y = torch.randn(1000, requires_grad=True), torch.randint(0, 2, (1000,)).float()
    weight = torch.rand(1000) if weighted else None
    mask = y > 2 if weighted else None
    inputs = {t.untyped_storage().data_ptr() for t in (z, y, weight, mask) if t is not None}
    with _Elsewhere():
        value, pieces = kept(lambda: ours.binary_cross_entropy_with_logits(z, y, weight, mask=mask, **options))
    large = {address for address, size in pieces.items() if size >= 1000}
    assert large <= inputs
    value.sum().backward()
    assert z.grad is not None


@options
def test_with_the_kernel_the_gradient_is_kept_beside_the_inputs(options):
    z, y = torch.randn(1000, requires_grad=True), torch.randint(0, 2, (1000,)).float()
    value, pieces = kept(lambda: ours.binary_cross_entropy_with_logits(z, y, **options))
    beside = set(pieces) - {z.data_ptr(), y.data_ptr()}
    assert len(beside) == 1
    value.sum().backward()


def peak(call):
    """The most bytes an element that PyTorch held at once during a call, beyond what it held before."""
    call()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        call()
    events = [event for event in run.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(itertools.accumulate(event.nbytes() for event in events)) / N


def both(loss, **options):
    """A call that goes forward and back."""
    generator = torch.Generator().manual_seed(0)
    z, y = torch.randn(N, generator=generator), torch.randint(0, 2, (N,), generator=generator).float()

    def call():
        leaf = z.detach().requires_grad_()
        value = loss(leaf, y, **options)
        value.sum().backward()

    return call


@pytest.fixture(scope="module")
def limit():
    made = peak(both(functional.binary_cross_entropy_with_logits))
    assert 4 <= made <= 20  # bytes an element, or it was not measured
    return made


MORE = OPTIONS | {
    "weight": {"weight": torch.rand(N)},
    "mask": {"mask": torch.rand(N) > 0.5},
    "weighted mean": {"weight": torch.rand(N), "mask": torch.rand(N) > 0.5, "reduction": "weighted_mean"},
    "ignore_index": {"ignore_index": 1},
}


@pytest.mark.parametrize("options", MORE.values(), ids=MORE)
def test_peak_memory_is_at_most_that_of_pytorchs_plain_loss(options, limit):
    assert peak(both(ours.binary_cross_entropy_with_logits, **options)) <= limit + 0.01


@pytest.mark.parametrize("options", MORE.values(), ids=MORE)
def test_on_other_devices_too(options, limit, monkeypatch):
    monkeypatch.setattr(loss, "is_at_hand", lambda arguments: False)
    monkeypatch.setattr(operations, "_LARGE", N)  # from there on it works in pieces
    # Where each loss is wanted, a piece of what is in between comes on top; elsewhere there is room for it.
    room = 1.5 if options.get("reduction") == "none" else 0.01
    assert peak(both(ours.binary_cross_entropy_with_logits, **options)) <= limit + room
