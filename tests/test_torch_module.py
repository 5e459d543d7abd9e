"""The PyTorch module gives the core's numbers, and trains."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from logloss import BinaryCrossEntropy
from logloss.core.errors import DtypeError, ParameterError, ShapeError
from logloss.torch import as_module

FAMILY = {
    "bce": {},
    "weighted": {"pos_weight": 3.0, "neg_weight": 0.5},
    "one weight a class": {"pos_weight": (1.0, 2.0, 3.0, 0.0), "neg_weight": (0.5, 1.0, 1.5, 2.0)},
    "smoothed": {"label_smoothing": 0.1},
    "focal": {"gamma": 2.0, "pos_weight": 0.25, "neg_weight": 0.75},
    "focal(gamma=0.5)": {"gamma": 0.5},
    "asymmetric": {"gamma": 1.0, "gamma_neg": 4.0, "margin": 0.05},
    "all at once": {
        "gamma": 1.5,
        "gamma_neg": 2.5,
        "margin": 0.1,
        "label_smoothing": 0.2,
        "pos_weight": (1.0, 2.0, 3.0, 4.0),
    },
}
REDUCTIONS = ("mean", "weighted_mean", "sum", "none")
members = pytest.mark.parametrize("name", FAMILY)
DIGITS = {torch.float64: 2e-13, torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


def batch(dtype=torch.float64, from_logits=True, n=60, k=4, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 4, (n, k))
    pred = torch.from_numpy(z if from_logits else 1 / (1 + np.exp(-z))).to(dtype)
    y = torch.from_numpy(rng.choice([0.0, 1.0, 0.3], (n, k), p=[0.5, 0.4, 0.1]))
    weight = torch.from_numpy(rng.choice([0.0, 0.5, 1.0, 3.0], (n, k)))
    mask = torch.from_numpy(rng.random((n, k)) < 0.7)
    return pred, y, weight, mask


def both(bce, pred, y, weight, mask, reduction, **options):
    """Value and gradient by PyTorch, and by the core in float64 from the same numbers."""
    z = pred.clone().requires_grad_()
    value = as_module(bce, reduction=reduction, **options)(z, y, weight, mask)
    value.sum().backward()
    arrays = [
        None if a is None else (a.double() if a.is_floating_point() else a).numpy() for a in (y, pred, weight, mask)
    ]
    expected, gradient = bce.value_and_gradient(
        *arrays[:2], sample_weight=arrays[2], mask=arrays[3], reduction=reduction, **options
    )
    return value, z.grad, expected, gradient


@members
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("hidden", [(False, False), (True, False), (False, True), (True, True)], ids=str)
def test_value_and_gradient_are_the_cores(name, reduction, from_logits, hidden):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits)
    pred, y, weight, mask = batch(from_logits=from_logits)
    weight, mask = (given if wanted else None for given, wanted in zip((weight, mask), hidden, strict=True))
    value, gradient, expected, slope = both(bce, pred, y, weight, mask, reduction)
    assert value.dtype == gradient.dtype == torch.float64
    np.testing.assert_allclose(value.detach().numpy(), expected, rtol=2e-13, atol=1e-300)
    np.testing.assert_allclose(gradient.numpy(), slope, rtol=2e-13, atol=1e-300)


@members
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", DIGITS, ids=str)
@pytest.mark.parametrize("from_logits", [True, False])
def test_types(name, reduction, dtype, from_logits):
    epsilon = 1e-7 if from_logits else 1e-3
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=from_logits, epsilon=epsilon)
    pred, y, weight, mask = batch(dtype, from_logits)
    for given in (y, y.float(), (y > 0.5), (y > 0.5).int()):
        value, gradient, expected, slope = both(bce, pred, given, weight.float(), mask, reduction)
        assert value.dtype == gradient.dtype == dtype
        np.testing.assert_allclose(value.double().detach().numpy(), expected, rtol=DIGITS[dtype], atol=1e-7)
        np.testing.assert_allclose(gradient.double().numpy(), slope, rtol=DIGITS[dtype], atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
@pytest.mark.parametrize("masked", [False, True])
def test_a_mean_of_many_halves_does_not_overflow(dtype, reduction, masked):
    z = torch.full((100_000,), 9.0, dtype=dtype, requires_grad=True)
    y, weight = torch.zeros(100_000), torch.full((100_000,), 2.0, dtype=dtype)
    mask = torch.arange(100_000) < 99_999 if masked else None
    value = as_module(BinaryCrossEntropy(from_logits=True), reduction=reduction)(z, y, weight, mask)
    assert value.dtype == dtype
    assert value.item() == pytest.approx(9 if reduction == "weighted_mean" else 18, rel=0.01)
    value.backward()
    assert z.grad[0].item() == pytest.approx((1 if reduction == "weighted_mean" else 2) / 100_000, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_halves_are_rounded_once(dtype, reduction):
    pred, y, weight, _ = batch(dtype, n=1000)
    value, gradient, expected, slope = both(BinaryCrossEntropy(from_logits=True), pred, y, weight, None, reduction)
    for ours, exact in ((value.detach(), expected), (gradient, slope)):
        assert (ours == torch.as_tensor(exact).to(dtype)).double().mean() > 0.99


@members
def test_masked_places_may_hold_anything(name):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=True)
    pred, y, weight, mask = batch()
    for reduction in REDUCTIONS:
        clean = as_module(bce, reduction=reduction)(pred, y, weight, mask)
        for junk in (math.nan, math.inf, -math.inf):
            z = torch.where(mask, pred, junk).requires_grad_()
            dirty = as_module(bce, reduction=reduction)(
                z, torch.where(mask, y, junk), torch.where(mask, weight, junk), mask
            )
            torch.testing.assert_close(dirty, clean, rtol=0, atol=0)
            dirty.sum().backward()
            assert torch.isfinite(z.grad).all()
            assert (z.grad[~mask] == 0).all()


def test_a_weight_of_0_hides_too():
    pred, y, weight, _ = batch()
    z = torch.where(weight == 0, math.nan, pred).requires_grad_()
    value = as_module(BinaryCrossEntropy(from_logits=True))(z, torch.where(weight == 0, math.nan, y), weight)
    value.backward()
    assert torch.isfinite(value)
    assert (z.grad[weight == 0] == 0).all()
    plain = as_module(BinaryCrossEntropy(from_logits=True))(pred, y, weight)
    assert value.item() == pytest.approx(plain.item())


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", DIGITS, ids=str)
def test_a_batch_that_is_masked_whole_is_0_with_gradient_0(reduction, dtype):
    pred, y, weight, _ = batch(dtype)
    for given, mask in (
        (None, torch.zeros(60, dtype=torch.bool)),
        (weight, torch.zeros_like(y, dtype=torch.bool)),
        (torch.zeros(60), None),
    ):
        z = (pred * math.nan).requires_grad_()
        value = as_module(BinaryCrossEntropy(from_logits=True), reduction=reduction)(z, y, given, mask)
        assert value.dtype == dtype
        assert (value == 0).all()
        value.sum().backward()
        assert (z.grad == 0).all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0)])
def test_empty(reduction, shape):
    z = torch.zeros(shape, requires_grad=True)
    value = as_module(BinaryCrossEntropy(from_logits=True), reduction=reduction)(z, torch.zeros(shape))
    assert value.shape == (shape if reduction == "none" else ())
    assert value.sum() == 0
    value.sum().backward()
    assert z.grad.shape == shape


@members
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_weights_lie_along_the_axis_that_is_named(name, axis):
    bce = BinaryCrossEntropy(**FAMILY[name], from_logits=True)
    pred, y, weight, mask = (t.reshape(4, 15, 4)[:, :4].contiguous() for t in batch())
    value, gradient, expected, slope = both(bce, pred, y, weight, mask, "mean", class_axis=axis)
    np.testing.assert_allclose(value.item(), expected, rtol=2e-13)
    np.testing.assert_allclose(gradient.numpy(), slope, rtol=2e-13, atol=1e-300)


def test_one_weight_or_mask_a_row():
    pred, y, weight, mask = batch()
    module = as_module(BinaryCrossEntropy(from_logits=True), reduction="weighted_mean")
    rows = module(pred, y, weight[:, 0], mask[:, 0])
    spread = module(pred, y, weight[:, :1].expand(60, 4), mask[:, :1].expand(60, 4))
    torch.testing.assert_close(rows, spread, rtol=1e-14, atol=0)


def test_the_clip_of_probabilities_is_honoured():
    p = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for epsilon in (1e-7, 1e-3):
        p.grad = None
        value = as_module(BinaryCrossEntropy(epsilon=epsilon))(p, y)
        assert value.item() == pytest.approx(-math.log(epsilon))
        value.backward()
        np.testing.assert_allclose(p.grad.numpy(), [-0.5 / epsilon, 0.5 / epsilon])
    assert as_module(BinaryCrossEntropy(epsilon=0))(p, y).item() == math.inf
    single = as_module(BinaryCrossEntropy())(p.detach().float(), y.float())
    assert single.item() == pytest.approx(-math.log(1e-7), rel=0.01)  # 1 - 1e-7 is not 1, even in float32


# Edges


@members
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_saturated_mistake_keeps_its_gradient(name, dtype):
    parameters = {key: v for key, v in FAMILY[name].items() if key not in ("margin", "pos_weight", "neg_weight")}
    z = torch.tensor([-50.0, 50.0, -math.inf, math.inf], dtype=dtype, requires_grad=True)
    module = as_module(BinaryCrossEntropy(**parameters, from_logits=True), reduction="sum")
    module(z, torch.tensor([1.0, 0.0, 1.0, 0.0])).backward()
    far = 1 - parameters.get("label_smoothing", 0) / 2
    assert (z.grad * torch.tensor([-1, 1, -1, 1]) >= 0.9 * far).all()


def test_infinities_are_what_they_mean():
    z = torch.tensor([math.inf, -math.inf, -math.inf, math.inf], requires_grad=True)
    value = as_module(BinaryCrossEntropy(from_logits=True), reduction="none")(z, torch.tensor([1.0, 0.0, 1.0, 0.0]))
    assert value.tolist() == [0, 0, math.inf, math.inf]
    value.sum().backward()
    assert z.grad.tolist() == [0, 0, -1, 1]


def test_a_tiny_loss_is_not_rounded_to_nothing():
    z = torch.tensor([20.0, -20.0, 80.0], requires_grad=True)
    value = as_module(BinaryCrossEntropy(from_logits=True), reduction="none")(z, torch.tensor([1.0, 0.0, 1.0]))
    np.testing.assert_allclose(value.detach().numpy(), np.exp([-20, -20, -80]), rtol=1e-5)
    value.sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), np.exp([-20, -20, -80]) * [-1, 1, -1], rtol=1e-5)


def test_what_is_no_number_is_refused_or_gives_no_number():
    z = torch.tensor([math.nan, 0.0])
    with pytest.raises(RuntimeError, match=r"1 of 2 values in y_pred are not a number; the first is y_pred\[0\] = nan"):
        as_module(BinaryCrossEntropy(from_logits=True))(z, torch.zeros(2))
    assert torch.isnan(as_module(BinaryCrossEntropy(from_logits=True), validate=False)(z, torch.zeros(2)))


def test_a_zero_gradient_stays_zero_beside_an_infinite_one():
    z = torch.tensor([math.inf, 0.0], requires_grad=True)
    value = as_module(BinaryCrossEntropy(from_logits=True), reduction="none")(z, torch.ones(2))
    value.backward(torch.tensor([math.inf, 1.0]))
    assert z.grad.tolist() == [0, -0.5]


@members
def test_gradients_are_derivatives_by_the_check_of_pytorch(name):
    module = as_module(BinaryCrossEntropy(**FAMILY[name], from_logits=True))
    pred, y, weight, mask = batch(n=5)
    assert torch.autograd.gradcheck(lambda z: module(z, y, weight, mask), (pred.requires_grad_(),))


@pytest.mark.parametrize("pos_weight", [1.0, 4.0])
def test_plain_loss_is_that_of_pytorch(pos_weight):
    pred, y, *_ = batch()
    ours, theirs = (pred.clone().requires_grad_() for _ in range(2))
    as_module(BinaryCrossEntropy(pos_weight=pos_weight, from_logits=True))(ours, y).backward()
    nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weight))(theirs, y).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)


# Refusals


def module(**options):
    return as_module(BinaryCrossEntropy(pos_weight=(1.0, 2.0), from_logits=True), **options)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((torch.zeros(3, 1), torch.zeros(3)), ShapeError, ["(3, 1)", "(3,)", "y_pred.squeeze(-1)"]),
        ((torch.zeros(3), torch.zeros(3, 1)), ShapeError, ["(3, 1)", "(3,)", "Use y_true.squeeze(-1)"]),
        ((torch.zeros(3, 2), torch.zeros(2, 3)), ShapeError, ["(3, 2)", "(2, 3)"]),
        ((torch.zeros(3, 4), torch.zeros(3, 4)), ShapeError, ["pos_weight has 2 entries", "(3, 4)", "class_axis"]),
        (
            (torch.zeros(3, 2), torch.zeros(3, 2), torch.zeros(2)),
            ShapeError,
            ["sample_weight", "(2,)", "one entry a row"],
        ),
        ((torch.zeros(3, 2), torch.zeros(3, 2), None, torch.zeros(2, dtype=torch.bool)), ShapeError, ["mask", "(2,)"]),
        ((torch.zeros(3, 2), torch.zeros(3, 2), None, torch.zeros(3, 2)), DtypeError, ["mask.bool()", "float32"]),
        ((torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3, 2)), DtypeError, ["int64", "floating"]),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(arguments, error, words):
    with pytest.raises(error) as caught:
        module()(*arguments)
    assert str(caught.value).endswith(".")
    for word in words:
        assert word in str(caught.value)


def test_options_that_nobody_knows():
    with pytest.raises(ParameterError, match='Did you mean "mean"'):
        module(reduction="meen")
    with pytest.raises(ShapeError, match="class_axis=2 is not an axis"):
        module(class_axis=2)(torch.zeros(3, 2), torch.zeros(3, 2))


def test_labels_that_need_a_gradient_are_fine_where_none_is_taken():
    with torch.no_grad():
        module()(torch.zeros(3, 2), torch.zeros(3, 2, requires_grad=True))


def test_without_pytorch_it_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; import logloss.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingPackageError: logloss.torch needs the package torch. Install it with: pip install" in done.stderr


# The module


def test_it_prints_itself():
    made = as_module(BinaryCrossEntropy.focal(gamma=3, from_logits=True), reduction="sum")
    assert "focal(gamma=3.0, alpha=0.25, from_logits=True), reduction='sum')" in repr(made)
    assert "class_axis=1" in repr(as_module(BinaryCrossEntropy(), class_axis=1))
    assert "class_axis" not in repr(made)


def test_it_keeps_nothing_to_save_and_pickles():
    made = as_module(BinaryCrossEntropy.focal(from_logits=True))
    assert made.state_dict() == {}
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 -- our own
    pred, y, *_ = batch()
    torch.testing.assert_close(again(pred, y), made(pred, y), rtol=0, atol=0)


def test_no_gradient_is_made_where_none_is_wanted():
    pred, y, *_ = batch()
    assert not as_module(BinaryCrossEntropy(from_logits=True))(pred, y).requires_grad
    with torch.no_grad():
        assert not as_module(BinaryCrossEntropy(from_logits=True))(pred.requires_grad_(), y).requires_grad


def test_arguments_are_left_as_they_are():
    given = batch()
    copies = [t.clone() for t in given]
    as_module(BinaryCrossEntropy.focal(from_logits=True))(given[0].requires_grad_(), *given[1:]).backward()
    for one, other in zip(given, copies, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["bce", "focal", "smoothed", "asymmetric"])
def test_it_trains_a_small_model(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        x = torch.randn(200, 3)
    y = (x @ torch.tensor([2.0, -1.0, 0.5]) > 0).float()
    loss = as_module(BinaryCrossEntropy(**FAMILY[name], from_logits=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        value = loss(model(x).squeeze(-1), y)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0] / 2
    assert ((model(x).squeeze(-1) > 0) == (y > 0.5)).float().mean() > 0.9


@pytest.mark.parametrize("wrong", ["focal", BinaryCrossEntropy, None])
def test_only_a_loss_becomes_a_module(wrong):
    with pytest.raises(ValueError, match=r"is not a BinaryCrossEntropy\. Make one"):
        as_module(wrong)
