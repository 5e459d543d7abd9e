"""The loss inside of what compiles, exports and traces: whole, for shapes and numbers that change."""

import pytest
import torch
from torch.func import grad_and_value
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

import logloss.torch as ours
from logloss import BinaryCrossEntropy
from tests.test_torch_uses import FUNCTIONS, assert_same, batch, by_backward, members


@members
@pytest.mark.parametrize("domain", FUNCTIONS)
def test_compiled_whole(options, domain):
    torch._dynamo.reset()
    pred, y, _, weight = batch(domain, torch.float32)
    mask = weight > 0.3

    def loss(pred, y, weight):
        return FUNCTIONS[domain](pred, y, weight, mask=mask, **options)

    compiled = torch.compile(loss, fullgraph=True)
    for labels in (y, y.bool()):
        assert_same(by_backward(compiled, pred, labels, weight), by_backward(loss, pred, labels, weight), 1e-5)
    assert_same(compiled(pred, y, weight), loss(pred, y, weight), 1e-5)


def test_compiled_modules_for_shapes_that_change_and_with_transformations():
    torch._dynamo.reset()
    loss = ours.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0]), ignore_index=255, label_smoothing=0.1)
    compiled = torch.compile(loss, fullgraph=True, dynamic=True)
    for n in (4, 7, 9):
        z, y, *_ = batch(dtype=torch.float32, n=n)
        y[0] = 255
        assert_same(by_backward(compiled, z, y), by_backward(loss, z, y), 1e-5)
    both = torch.compile(grad_and_value(lambda z, y: ours.BCELoss(gamma=2)(z.sigmoid(), y)), fullgraph=True)
    value, slope = by_backward(lambda z, y: ours.BCELoss(gamma=2)(z.sigmoid(), y), z, (y > 0.5).float())
    assert_same(both(z, (y > 0.5).float()), (slope, value), 1e-5)
    module = ours.as_module(BinaryCrossEntropy.asymmetric(from_logits=True))
    assert_same(torch.compile(module, fullgraph=True)(z, (y > 0.5).float()), module(z, (y > 0.5).float()), 1e-5)


@pytest.mark.parametrize("options", [{"gamma": 1.0}, {"label_smoothing": 0.1}])
def test_compiled_labels_and_weights_get_their_gradients(options):
    torch._dynamo.reset()
    z, _, soft, weight = batch()
    loss = lambda z, y, w, pos: ours.binary_cross_entropy_with_logits(z, y, w, pos_weight=pos, **options)  # noqa: E731
    slopes = []
    for call in (loss, torch.compile(loss, fullgraph=True)):
        leaves = [tensor.clone().requires_grad_() for tensor in (z, soft, weight, torch.ones(3, dtype=z.dtype))]
        call(*leaves).backward()
        slopes.append([leaf.grad for leaf in leaves])
    assert_same(*slopes)


@pytest.mark.parametrize("strict", [False, True])
def test_exported(strict):
    loss = ours.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0]), gamma=2.0, label_smoothing=0.1)
    z, y, *_ = batch(dtype=torch.float32)
    z[0] = 0
    exported = torch.export.export(loss, (z, y), strict=strict).module()
    assert_same(by_backward(exported, z, y), by_backward(loss, z, y), 1e-6)


def test_traced_and_symbolically_so():
    z, y, *_ = batch()

    def loss(z, y):
        return ours.binary_cross_entropy_with_logits(z, y)

    assert_same(make_fx(loss)(z, y)(z + 1, y), loss(z + 1, y))
    with pytest.warns((torch.jit.TracerWarning, DeprecationWarning)):
        traced = torch.jit.trace(loss, (z, y))
    assert_same(traced(z + 1, y), loss(z + 1, y))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum", "none"])
def test_exported_for_batches_of_any_length(strict, reduction):
    loss = ours.BCEWithLogitsLoss(label_smoothing=0.1, reduction=reduction)
    z, y, *_ = batch(dtype=torch.float32, n=4)
    batch_size = {0: torch.export.Dim("batch")}
    shapes = {"input": batch_size, "target": batch_size}
    exported = torch.export.export(loss, (z, y), dynamic_shapes=shapes, strict=strict).module()
    z, y, *_ = batch(dtype=torch.float32, n=9)
    assert_same(exported(z, y), loss(z, y), 1e-6)


NUMBERS = ("pos_weight", "neg_weight", "label_smoothing", "gamma", "gamma_neg", "margin")


@pytest.mark.parametrize("name", NUMBERS)
def test_compiled_for_numbers_that_change(name):
    torch._dynamo.reset()
    z, y, *_ = batch(dtype=torch.float32)
    loss = lambda z, y, number: ours.binary_cross_entropy_with_logits(z, y, **{name: number})  # noqa: E731
    compiled = torch.compile(loss, fullgraph=True)
    for number in (0.25, 0.35, 0.5):
        assert_same(compiled(z, y, number), loss(z, y, number), 1e-6)


def test_compiled_with_every_number_a_symbol():
    torch._dynamo.reset()
    z, y, *_ = batch(dtype=torch.float32)
    module = ours.BCEWithLogitsLoss(**dict.fromkeys(NUMBERS, 0.3), ignore_index=255.0)
    focal = lambda z, y, alpha: ours.sigmoid_focal_loss(z, y, alpha, reduction="mean")  # noqa: E731
    assert_same(torch.compile(module, fullgraph=True, dynamic=True)(z, y), module(z, y), 1e-6)
    compiled = torch.compile(focal, fullgraph=True, dynamic=True)
    for alpha in (0.25, 0.75):
        assert_same(compiled(z, y, alpha), focal(z, y, alpha), 1e-6)
    other = ours.BCEWithLogitsLoss(pos_weight=2.0)
    both = lambda z, y: module(z, y) + other(z, y)  # noqa: E731
    assert_same(torch.compile(both, fullgraph=True)(z, y), both(z, y), 1e-6)


def test_compiled_with_pytorchs_old_names():
    torch._dynamo.reset()
    z, y, *_ = batch(dtype=torch.float32)
    compiled = torch.compile(
        lambda z, y: ours.binary_cross_entropy_with_logits(z, y, size_average=False), fullgraph=True
    )
    assert_same(compiled(z, y), functional.binary_cross_entropy_with_logits(z, y, reduction="sum"), 1e-5)
