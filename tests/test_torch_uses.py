"""Whatever PyTorch's own loss can do still works: compilers, transformations, second derivatives, halves, processes."""

import math
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vmap
from torch.utils.dlpack import to_dlpack

import logloss.torch as ours
from logloss import BinaryCrossEntropy
from logloss.torch import loss, native

MEMBERS = {
    "plain": {},
    "weighted": {"pos_weight": torch.tensor([1.0, 2.0, 3.0]), "neg_weight": 0.5},
    "smoothed": {"label_smoothing": 0.1},
    "focal": {"gamma": 2.0},
    "focal by fractions": {"gamma": 2.5, "gamma_neg": 0.7},
    "asymmetric": {"gamma": 1.0, "gamma_neg": 4.0, "margin": 0.05},
}
members = pytest.mark.parametrize("options", MEMBERS.values(), ids=MEMBERS)
FUNCTIONS = {
    "logits": ours.binary_cross_entropy_with_logits,
    "probabilities": ours.binary_cross_entropy,
}
functions = pytest.mark.parametrize("domain", FUNCTIONS)


def batch(domain="logits", dtype=torch.float64, n=5):
    generator = torch.Generator().manual_seed(0)
    z = 2 * torch.randn(n, 3, generator=generator, dtype=torch.float64)
    soft = torch.rand(n, 3, generator=generator, dtype=torch.float64)
    weight = torch.rand(n, 3, generator=generator, dtype=torch.float64) + 0.1
    pred = z if domain == "logits" else z.sigmoid()
    return tuple(tensor.to(dtype) for tensor in (pred, (soft > 0.4).double(), soft, weight))


def by_backward(loss, pred, *arguments):
    leaf = pred.detach().clone().requires_grad_()
    value = loss(leaf, *arguments)
    value.sum().backward()
    return value.detach(), leaf.grad


def assert_same(got, expected, digits=1e-12):
    torch.testing.assert_close(got, expected, rtol=digits, atol=digits)


# Derivatives

JACOBIANS = (jacfwd, jacrev)


@members
@functions
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_derivatives_by_pytorchs_own_check(options, domain, reduction):
    pred, y, soft, weight = batch(domain)
    mask = weight > 0.3

    def loss(pred, y, weight):
        return FUNCTIONS[domain](pred, y, weight, reduction=reduction, mask=mask, **options)

    leaf = pred.requires_grad_()
    assert gradcheck(lambda z: loss(z, y, weight), (leaf,), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(lambda z: loss(z, y, weight), (leaf,), check_fwd_over_rev=True, check_rev_over_rev=True)
    # Along labels and weights too.
    assert gradcheck(loss, (leaf, soft.requires_grad_(), weight.requires_grad_()), check_forward_ad=True)
    assert gradgradcheck(loss, (leaf, soft, weight))


@functions
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "none"])
@pytest.mark.parametrize("shape", [(3,), (), (1,), (5, 1)])
def test_class_weights_have_derivatives_too(domain, reduction, shape):
    pred, _, soft, weight = batch(domain)
    options = {"gamma": 1.5, "label_smoothing": 0.1} if domain else {"label_smoothing": 0.1}

    def loss(pred, pos, neg):
        given = {"pos_weight": pos, "neg_weight": neg, "mask": weight > 0.3, "reduction": reduction}
        return FUNCTIONS[domain](pred, soft, weight, **given, **options)

    leaves = pred.requires_grad_(), *(torch.rand(shape, dtype=pred.dtype).add(0.5).requires_grad_() for _ in "+-")
    assert gradcheck(loss, leaves, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(loss, leaves, check_fwd_over_rev=True, check_rev_over_rev=True)
    for i in (1, 2):
        by_function = torch.func.grad(lambda *a: loss(*a).sum(), i)(*(leaf.detach() for leaf in leaves))
        assert_same(by_function, torch.autograd.grad(loss(*leaves).sum(), leaves[i])[0], 1e-12)


def test_a_class_weight_is_learnt_where_it_is_a_parameter():
    z, y, *_ = batch()
    weight = torch.nn.Parameter(torch.ones(3, dtype=z.dtype))
    module = ours.BCEWithLogitsLoss(pos_weight=weight)
    module(z, y).backward()
    expected = torch.func.grad(lambda w: torch.nn.functional.binary_cross_entropy_with_logits(z, y, pos_weight=w))
    assert_same(weight.grad, expected(weight.detach()), 1e-12)


@members
def test_second_derivatives_are_the_cores(options):
    z, y, soft, weight = batch()
    plain = {k: tuple(v.tolist()) if isinstance(v, torch.Tensor) else v for k, v in options.items()}
    for labels in (y, soft, torch.full_like(y, 0.5)):
        expected = BinaryCrossEntropy(from_logits=True, **plain).hessian(
            labels.numpy(), z.numpy(), sample_weight=weight.numpy()
        )

        def loss(z, labels=labels):
            return ours.binary_cross_entropy_with_logits(z, labels, weight, reduction="sum", **options)

        leaf = z.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), leaf)
        np.testing.assert_allclose(bend.numpy(), expected, rtol=1e-10, atol=1e-13)
        for transformed in (hessian, *(lambda f, a=a, b=b: a(b(f)) for a in JACOBIANS for b in JACOBIANS)):
            table = transformed(loss)(z).reshape(15, 15)
            assert_same(table, torch.from_numpy(np.diag(expected.ravel())), 1e-10)


def test_a_third_derivative_is_pytorchs_own_of_the_second():
    third = grad(grad(grad(lambda z: ours.binary_cross_entropy_with_logits(z, torch.ones(())))))(torch.tensor(0.7))
    p = 1 / (1 + math.exp(-0.7))
    assert third.item() == pytest.approx(p * (1 - p) * (1 - 2 * p), rel=1e-5)


@members
def test_third_derivatives_by_any_way_there(options):
    z, y, *_ = batch(n=2)

    def loss(z):
        return ours.binary_cross_entropy_with_logits(z, y[:2], reduction="sum", **options)

    (expected, *others) = (a(b(c(loss)))(z) for a in JACOBIANS for b in JACOBIANS for c in JACOBIANS)
    assert expected.abs().sum() > 0.1
    for other in others:
        assert_same(other, expected, 1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean"])
def test_a_tangent_has_the_type_of_the_loss(reduction):
    z, y, _, weight = batch(dtype=torch.float32)
    loss = lambda z: ours.binary_cross_entropy_with_logits(z, y, weight, reduction=reduction)  # noqa: E731
    assert [made.dtype for made in jvp(loss, (z,), (y,))] == [torch.float32] * 2


@members
def test_many_gradients_at_once_on_other_devices(options):
    z, _, soft, weight = batch()
    leaves = tuple(tensor.clone().requires_grad_() for tensor in (z, soft, weight))
    with mock.patch.object(loss, "is_at_hand", return_value=False):
        each = lambda *tensors: ours.binary_cross_entropy_with_logits(*tensors, reduction="none", **options)  # noqa: E731
        assert gradcheck(each, leaves, check_batched_grad=True)
        assert gradgradcheck(each, leaves, check_batched_grad=True)


def test_a_label_that_is_smoothed_has_a_gradient_at_an_infinite_logit():
    z, y = torch.tensor([math.inf, -math.inf]), torch.tensor([0.5, 0.5], requires_grad=True)
    ours.binary_cross_entropy_with_logits(z, y, label_smoothing=0.1, reduction="sum").backward()
    assert y.grad.tolist() == [-math.inf, math.inf]


def test_a_label_of_one_half_at_zero_has_no_slope_and_all_the_curvature():
    z = torch.zeros((), dtype=torch.float64)
    loss = lambda z: ours.binary_cross_entropy_with_logits(z, z.new_full((), 0.5))  # noqa: E731
    assert hessian(loss)(z) == 0.25
    leaf = z.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
    assert torch.autograd.grad(slope, leaf)[0] == 0.25


# Transformations of functions


@members
@functions
def test_functions_are_transformed(options, domain):
    pred, y, _, weight = batch(domain)

    def loss(pred, y):
        return FUNCTIONS[domain](pred, y, **options)

    value, slope = by_backward(loss, pred, y)
    assert_same(grad_and_value(loss)(pred, y), (slope, value))
    assert_same(jvp(lambda p: loss(p, y), (pred,), (weight,)), (value, (slope * weight).sum()))
    each = torch.stack([loss(one, other) for one, other in zip(pred, y, strict=True)])
    assert_same(vmap(loss)(pred, y), each)
    slopes = torch.stack([by_backward(loss, *pair)[1] for pair in zip(pred, y, strict=True)])
    assert_same(vmap(grad(loss))(pred, y), slopes)
    assert_same(vmap(lambda p: loss(p, y[0]))(pred), torch.stack([loss(one, y[0]) for one in pred]))


def test_forward_derivatives_outside_of_functions():
    z, y, _, weight = batch()
    _, slope = by_backward(ours.binary_cross_entropy_with_logits, z, y)
    with forward_ad.dual_level():
        value = ours.binary_cross_entropy_with_logits(forward_ad.make_dual(z, weight), y)
        assert_same(forward_ad.unpack_dual(value).tangent, (slope * weight).sum())


def test_gradients_of_samples_by_functional_call():
    model, (x, y, *_) = nn.Linear(3, 1).double(), batch()

    def loss(parameters, x, y):
        return ours.binary_cross_entropy_with_logits(functional_call(model, parameters, (x,)).squeeze(-1), y)

    parameters = dict(model.named_parameters())
    made = vmap(grad(loss), (None, 0, 0))({k: v.detach() for k, v in parameters.items()}, x, y[:, 0])
    for i in range(5):
        model.zero_grad()
        ours.binary_cross_entropy_with_logits(model(x[i]).squeeze(-1), y[i, 0]).backward()
        assert_same(made["weight"][i], model.weight.grad)


# Tensors without values, and modes without gradients


def test_tensors_that_have_no_values():
    meta = torch.zeros(4, 3, device="meta", requires_grad=True)
    value = ours.BCEWithLogitsLoss(gamma=2, ignore_index=255)(meta, torch.zeros(4, 3, device="meta"))
    value.backward()
    assert value.is_meta
    assert meta.grad.shape == (4, 3)
    with FakeTensorMode():
        leaf = torch.zeros(4, 3, dtype=torch.float16, requires_grad=True)
        value = ours.BCEWithLogitsLoss()(leaf, torch.zeros(4, 3))
        value.backward()
        assert (value.dtype, leaf.grad.shape) == (torch.float16, (4, 3))


def test_modes_without_gradients():
    z, y, *_ = batch()
    expected = ours.binary_cross_entropy_with_logits(z, y)
    leaf = z.clone().requires_grad_()
    with torch.no_grad():
        assert not ours.binary_cross_entropy_with_logits(leaf, y).requires_grad
    with torch.inference_mode():
        value = ours.binary_cross_entropy_with_logits(z * 1, y * 1)
        assert value.is_inference()
    assert_same(value.clone(), expected)


# Going back


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_twice_through_a_graph_that_is_kept_doubles(reduction):
    z, y, *_ = batch()
    _, slope = by_backward(lambda z, y: ours.binary_cross_entropy_with_logits(z, y, reduction=reduction), z, y)
    leaf = z.clone().requires_grad_()
    value = ours.binary_cross_entropy_with_logits(leaf, y, reduction=reduction).sum()
    value.backward(retain_graph=True)
    assert_same(leaf.grad, slope)
    leaf.grad.add_(1)  # which is the leaf's own
    value.backward(retain_graph=True)
    assert_same(leaf.grad, 2 * slope + 1)
    (again,) = torch.autograd.grad(value, leaf, retain_graph=True)
    again.zero_()
    assert_same(torch.autograd.grad(value, leaf)[0], slope)
    with pytest.raises(RuntimeError, match="second time"):
        value.backward()


@pytest.mark.parametrize("factor", [1.0, 3.0, -2.0, 0.0, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_what_comes_in_scales_what_goes_out(factor, dtype, reduction):
    z, y, _, weight = batch(dtype=dtype)
    leaf, exact = z.clone().requires_grad_(), z.double().requires_grad_()
    (factor * ours.binary_cross_entropy_with_logits(leaf, y, reduction=reduction)).sum().backward()
    expected = ours.binary_cross_entropy_with_logits(exact, y.double(), reduction=reduction)
    (factor * expected).sum().backward()
    digits = {8: 1e-14, 4: 1e-6}.get(dtype.itemsize, torch.finfo(dtype).eps)
    assert_same(leaf.grad.double(), exact.grad, digits)
    if reduction == "none":  # each its own
        leaf.grad = exact.grad = None
        ours.binary_cross_entropy_with_logits(leaf, y, reduction=reduction).backward(weight)
        ours.binary_cross_entropy_with_logits(exact, y.double(), reduction=reduction).backward(weight.double())
        assert_same(leaf.grad.double(), exact.grad, 2 * digits)


def test_the_gradient_is_handed_on_without_a_copy():
    z, y, *_ = batch(n=1000)
    leaf = z.clone().requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.data_ptr()) or t, lambda t: t):
        value = ours.binary_cross_entropy_with_logits(leaf, y)
    value.backward()
    assert leaf.grad.data_ptr() in kept


def test_labels_changed_meanwhile_are_noticed():
    z, y, *_ = batch()
    value = ours.binary_cross_entropy_with_logits(z.requires_grad_(), y)
    y.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


# Halves


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@functions
def test_autocast(dtype, domain):
    x, y, *_ = batch(dtype=torch.float32)
    model = nn.Linear(3, 3)
    with torch.autocast("cpu", dtype=dtype):
        made = model(x)
        assert made.dtype == dtype
        pred = made if domain == "logits" else made.sigmoid()
        value = FUNCTIONS[domain](pred, y)
        assert value.dtype == torch.float32
        expected = FUNCTIONS[domain](pred.detach().float(), y)
    value.backward()
    assert_same(value, expected, 1e-6)
    assert model.weight.grad.dtype == torch.float32
    assert model.weight.grad.abs().sum() > 0


def test_a_scaled_loss_brings_back_gradients_too_small_for_a_half():
    n = 1 << 16
    z = torch.full((n,), -6.0, dtype=torch.float16, requires_grad=True)
    y = torch.zeros(n)
    scaler = torch.amp.GradScaler("cpu", init_scale=32768.0)
    scaler.scale(ours.binary_cross_entropy_with_logits(z, y)).backward()
    p = 1 / (1 + math.exp(6))
    assert z.grad[0].item() == pytest.approx(p / 2, rel=1e-3)  # p / n alone is no number of float16
    assert p / n < 2**-24


def test_a_scaler_and_an_optimizer_train_halves():
    torch.manual_seed(0)
    x = torch.randn(256, 3)
    y = (x[:, 0] > 0).float()
    model, scaler = nn.Linear(3, 1), torch.amp.GradScaler("cpu")
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=1.0), []
    for _ in range(20):
        with torch.autocast("cpu", dtype=torch.float16):
            value = ours.BCEWithLogitsLoss(gamma=1)(model(x).squeeze(-1), y)
        optimizer.zero_grad()
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(value.item())
    assert losses[-1] < losses[0] / 3


# Layouts


def test_tensors_of_any_layout():
    z, y, _, weight = batch(n=6)
    expected = by_backward(ours.BCEWithLogitsLoss(weight), z, y)
    for lay in (lambda t: t.T.contiguous().T, lambda t: torch.stack([t, t], -1)[..., 0], lambda t: t.flip(0).flip(0)):
        assert_same(by_backward(ours.BCEWithLogitsLoss(lay(weight)), lay(z), lay(y)), expected)
    one = by_backward(lambda z, y: ours.BCEWithLogitsLoss()(z.expand(6, 3), y), z[:1], y[:1].expand(6, 3))
    assert_same(one, by_backward(ours.BCEWithLogitsLoss(), z[:1], y[:1]))
    channels_last = z.reshape(1, 3, 2, 3).contiguous(memory_format=torch.channels_last)
    assert_same(ours.BCEWithLogitsLoss()(channels_last, y.reshape(1, 3, 2, 3)), ours.BCEWithLogitsLoss()(z, y))


def test_tensors_that_are_negated_where_they_are_read():
    z, y = torch.tensor([1 - 2j, -3 + 0.5j]).conj().imag, torch.tensor([1.0, 0.0])
    assert z.is_neg()
    assert ours.binary_cross_entropy_with_logits(z, y) == ours.binary_cross_entropy_with_logits(z.resolve_neg(), y)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_tensors_in_capsules_as_older_versions_hand_them_over(reduction, monkeypatch):
    z, y, *_ = batch(dtype=torch.float32)
    options = {"pos_weight": MEMBERS["weighted"]["pos_weight"]}

    def both():
        leaf = z.detach().requires_grad_()
        value = ours.binary_cross_entropy_with_logits(leaf, y, reduction=reduction, **options)
        value.sum().backward()
        return value.detach(), leaf.grad

    expected = both()
    seen = []
    monkeypatch.setattr(native, "_EXCHANGE", None)
    monkeypatch.setattr(native, "to_dlpack", lambda tensor: seen.append(tensor) or to_dlpack(tensor))
    assert all(map(torch.equal, both(), expected))
    assert seen


def test_more_axes_than_the_kernel_takes():
    z, y, *_ = batch()
    deep = by_backward(
        ours.BCEWithLogitsLoss(), z.reshape(5, 1, 1, 1, 1, 1, 1, 1, 3), y.reshape(5, 1, 1, 1, 1, 1, 1, 1, 3)
    )
    flat = by_backward(ours.BCEWithLogitsLoss(), z, y)
    assert_same((deep[0], deep[1].reshape(5, 3)), flat)


def test_the_default_device_is_not_where_results_are():
    z, y, *_ = batch()
    with torch.device("meta"):
        value, slope = by_backward(ours.BCEWithLogitsLoss(), z, y)
    assert_same((value, slope), by_backward(ours.BCEWithLogitsLoss(), z, y))


def test_leaves_that_are_parameters_and_scalars():
    parameter = nn.Parameter(torch.tensor(0.0))
    ours.BCEWithLogitsLoss()(parameter, torch.tensor(1.0)).backward()
    assert parameter.grad == -0.5


# Processes

LOADER = """
import torch
import logloss.torch as ours

class Losses(torch.utils.data.Dataset):
    def __len__(self):
        return 6
    def __getitem__(self, i):  # computed in the worker
        z = torch.linspace(-1, 1, 300_000) + i
        return ours.binary_cross_entropy_with_logits(z, torch.zeros(300_000))

if __name__ == "__main__":
    here = [Losses()[i] for i in range(6)]  # the pool of threads is alive when workers are forked
    loader = torch.utils.data.DataLoader(Losses(), num_workers=2, multiprocessing_context="fork", batch_size=3)
    there = torch.cat(list(loader))
    assert torch.equal(torch.stack(here), there), (here, there)
    print("same")
"""

DISTRIBUTED = """
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel
import logloss.torch as ours

def work(rank, path):
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    torch.manual_seed(0)
    x, y = torch.randn(8, 3), torch.randint(0, 2, (8, 1)).float()
    model = torch.nn.Linear(3, 1)
    loss = ours.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]), gamma=1.0)
    loss(model(x), y).backward()
    whole = model.weight.grad.clone()
    model.zero_grad()
    parallel = DistributedDataParallel(model)
    mine = slice(4 * rank, 4 * rank + 4)
    loss(parallel(x[mine]), y[mine]).backward()
    torch.testing.assert_close(model.weight.grad, whole)
    dist.barrier()
    os._exit(0)  # PyTorch 2.13 now and then waits for ever where it takes a parallel model down

if __name__ == "__main__":
    mp.spawn(work, (sys.argv[1],), nprocs=2)
    print("same")
"""


@pytest.mark.parametrize("program", [LOADER, DISTRIBUTED], ids=["DataLoader", "DistributedDataParallel"])
def test_processes(program, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(program)
    command = [sys.executable, "-W", "ignore", str(path), str(tmp_path / "meeting")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "same" in done.stdout


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU was found")
@members
def test_on_a_gpu(options):
    z, y, _, weight = batch()
    options = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in options.items()}
    loss = ours.BCEWithLogitsLoss(weight.cuda(), **options)
    value, slope = by_backward(loss, z.cuda(), y.cuda())
    assert_same((value.cpu(), slope.cpu()), by_backward(loss.cpu(), z, y), 1e-10)
