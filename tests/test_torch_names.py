"""PyTorch's names: all that PyTorch's own accept, with its numbers, and the options beside them."""

import copy
import inspect
import itertools
import math
import warnings
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import logloss.torch as ours
from logloss import BinaryCrossEntropy
from logloss.core.errors import LabelError, LogitError, ParameterError, ProbabilityError, ShapeError, WeightError
from logloss.torch import loss

DTYPES = {torch.float64: 1e-13, torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 2e-2}
REDUCTIONS = ("mean", "sum", "none")
PAIRS = {
    "with_logits": (ours.binary_cross_entropy_with_logits, functional.binary_cross_entropy_with_logits),
    "probabilities": (ours.binary_cross_entropy, functional.binary_cross_entropy),
}
pairs = pytest.mark.parametrize("name", PAIRS)


def batch(name="with_logits", dtype=torch.float64, shape=(7, 3), seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(shape, generator=generator, dtype=torch.float64) * 3
    y = torch.randint(0, 2, shape, generator=generator).to(dtype)
    weight = torch.rand(shape, generator=generator, dtype=torch.float64).to(dtype)
    return (z if name == "with_logits" else z.sigmoid()).to(dtype), y, weight


def with_gradient(function, pred, *arguments, **options):
    leaf = pred.clone().requires_grad_()
    value = function(leaf, *arguments, **options)
    value.sum().backward()
    return value.detach(), leaf.grad


def torchvision(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    """The definition that torchvision documents, for hard labels."""
    p = inputs.sigmoid()
    right = torch.where(targets > 0.5, p, 1 - p)
    weight = torch.where(targets > 0.5, alpha, 1 - alpha) if alpha >= 0 else 1.0
    made = weight * (1 - right) ** gamma * -right.log()
    return made if reduction == "none" else getattr(made, reduction)()


# The same call and the same number


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (ours.binary_cross_entropy_with_logits, functional.binary_cross_entropy_with_logits),
        (ours.binary_cross_entropy, functional.binary_cross_entropy),
        (ours.BCEWithLogitsLoss, nn.BCEWithLogitsLoss),
        (ours.BCELoss, nn.BCELoss),
    ],
)
def test_arguments_have_pytorchs_order_and_defaults_and_the_rest_go_by_name(mine, theirs):
    parameters = list(inspect.signature(mine).parameters.values())
    for one, other in itertools.zip_longest(parameters, inspect.signature(theirs).parameters.values()):
        if other is None:
            assert one.kind is inspect.Parameter.KEYWORD_ONLY
        else:
            assert (one.name, one.default) == (other.name, other.default)


def test_the_focal_loss_has_torchvisions_order_and_defaults():
    parameters = list(inspect.signature(ours.sigmoid_focal_loss).parameters.values())[:5]
    expected = [
        ("inputs", inspect.Parameter.empty),
        ("targets", inspect.Parameter.empty),
        ("alpha", 0.25),
        ("gamma", 2),
    ]
    assert [(p.name, p.default) for p in parameters] == [*expected, ("reduction", "none")]


@pairs
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_are_pytorchs(name, reduction, dtype, weighted):
    pred, y, weight = batch(name, dtype)
    arguments = (y, weight) if weighted else (y,)
    value, gradient = with_gradient(PAIRS[name][0], pred, *arguments, reduction=reduction)
    exact = [tensor.double() for tensor in (pred, *arguments)]
    expected, slope = with_gradient(PAIRS[name][1], *exact, reduction=reduction)
    assert value.dtype == gradient.dtype == dtype
    torch.testing.assert_close(
        value.double(), expected, rtol=DTYPES[dtype], atol=1e-6 if dtype.itemsize == 2 else 1e-12
    )
    torch.testing.assert_close(gradient.double(), slope, rtol=DTYPES[dtype], atol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (1,), (), (7, 1), (7, 3), (1, 3)])
def test_pos_weight_broadcasts_as_pytorchs(shape):
    pred, y, _ = batch()
    pos_weight = torch.rand(shape, dtype=torch.float64) * 4
    got = with_gradient(ours.binary_cross_entropy_with_logits, pred, y, pos_weight=pos_weight)
    expected = with_gradient(functional.binary_cross_entropy_with_logits, pred, y, pos_weight=pos_weight)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (1,), (), (7, 1), (7, 3), (1, 3)])
def test_weight_broadcasts_as_pytorchs(shape):
    pred, y, _ = batch()
    weight = torch.rand(shape, dtype=torch.float64)
    for name, (mine, theirs) in PAIRS.items():
        x = pred if name == "with_logits" else pred.sigmoid()
        got, expected = with_gradient(mine, x, y, weight), with_gradient(theirs, x, y, weight)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


def test_weights_may_be_negative_as_advantages_are():
    pred, y, weight = batch()
    weight = weight - 0.5
    got = with_gradient(ours.binary_cross_entropy_with_logits, pred, y, weight)
    expected = with_gradient(functional.binary_cross_entropy_with_logits, pred, y, weight)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.25, 0.0, 1.0, -1])
@pytest.mark.parametrize("gamma", [0, 1, 2, 2.5])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_focal_numbers_are_torchvisions(alpha, gamma, reduction):
    pred, y, _ = batch()
    got = with_gradient(ours.sigmoid_focal_loss, pred, y, alpha, gamma, reduction)
    expected = with_gradient(torchvision, pred, y, alpha, gamma, reduction)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


def test_the_focal_loss_takes_weights_of_classes_in_place_of_alpha():
    z, y, _ = batch()
    options = {"pos_weight": (1.0, 2.0, 3.0), "neg_weight": 0.5}
    got = ours.sigmoid_focal_loss(z, y, -1, 2, "mean", **options)
    torch.testing.assert_close(got, ours.binary_cross_entropy_with_logits(z, y, gamma=2, **options))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_probabilities_at_the_ends_are_clamped_as_pytorchs(dtype):
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-30, 1e-13, 1e-11, 1e-45, 0.5], dtype=dtype)
    y = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], dtype=dtype)
    for forced in (False, True):
        mine = forced_operations(ours.binary_cross_entropy) if forced else ours.binary_cross_entropy
        value, gradient = with_gradient(mine, p, y, reduction="none")
        expected, slope = with_gradient(functional.binary_cross_entropy, p, y, reduction="none")
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
        certain = y == p  # where PyTorch gives 0, since its p - y cancels: the slope of -log p at 1 is -1
        torch.testing.assert_close(gradient[~certain], slope[~certain], rtol=1e-6, atol=0)
        assert gradient[certain].tolist() == [1, -1]


def test_what_cancels_in_pytorch_does_not_here():
    z, y = torch.tensor([20.0, -20.0, 60.0]), torch.tensor([1.0, 0.0, 1.0])
    value, gradient = with_gradient(ours.binary_cross_entropy_with_logits, z, y, reduction="none")
    tail = torch.tensor([20.0, 20.0, 60.0], dtype=torch.float64).neg().exp()
    torch.testing.assert_close(value.double(), tail, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient.double().abs(), tail, rtol=1e-6, atol=0)


def forced_operations(function):
    """A function whose labels need a gradient, which takes it past the kernel."""

    def call(pred, target, *arguments, **options):
        return function(pred, target.clone().requires_grad_(), *arguments, **options)

    return call


# PyTorch's own published tests of these losses, by what they check


def test_a_loss_of_logits_is_that_of_their_sigmoid():
    for seed in range(5):
        z, y, _ = batch(seed=seed)
        for reduction in REDUCTIONS:
            torch.testing.assert_close(
                ours.BCEWithLogitsLoss(reduction=reduction)(z, y), ours.BCELoss(reduction=reduction)(z.sigmoid(), y)
            )


@pytest.mark.parametrize("loss", [ours.BCEWithLogitsLoss, ours.BCELoss])
def test_weights_that_are_expanded_by_hand_give_the_same(loss):
    pred, y = torch.rand(4, 16, dtype=torch.float64), torch.rand(4, 16, dtype=torch.float64)
    weight = torch.rand(16, dtype=torch.float64)
    torch.testing.assert_close(loss(weight)(pred, y), loss(weight.expand(4, 16).contiguous())(pred, y))
    weight = torch.rand(4, 1, dtype=torch.float64)
    torch.testing.assert_close(loss(weight)(pred, y), loss(weight.expand(4, 16).contiguous())(pred, y))


def test_a_pos_weight_of_ones_changes_nothing_and_one_of_a_number_is_that_of_its_tensor():
    z, y, _ = batch()
    plain = ours.BCEWithLogitsLoss()(z, y)
    torch.testing.assert_close(ours.BCEWithLogitsLoss(pos_weight=torch.ones(3))(z, y), plain, rtol=1e-15, atol=0)
    one, many, listed = (
        ours.BCEWithLogitsLoss(pos_weight=weight)(z, y) for weight in (3.0, torch.full((3,), 3.0), (3.0, 3.0, 3.0))
    )
    torch.testing.assert_close(one, many, rtol=1e-15, atol=0)
    torch.testing.assert_close(one, listed, rtol=1e-15, atol=0)


def test_the_gradient_at_zero_is_minus_one_half():
    z = torch.zeros(3, 1, requires_grad=True)
    ours.BCEWithLogitsLoss(reduction="sum", pos_weight=torch.ones(1))(z, torch.ones(3, 1)).backward()
    assert (z.grad == -0.5).all()


def test_large_logits_have_finite_losses():
    z = torch.tensor([[-1e4, 1e4]], dtype=torch.float64)
    assert ours.BCEWithLogitsLoss()(z, torch.tensor([[1.0, 0.0]])).item() == 1e4
    assert ours.BCEWithLogitsLoss(reduction="none")(z, torch.tensor([[0.0, 1.0]])).abs().max() == 0


@pairs
def test_shapes_that_differ_are_a_value_error(name):
    for one, other in (((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3, 2)), ((1, 3), (3, 3))):
        with pytest.raises(ValueError, match="shape") as caught:
            PAIRS[name][0](torch.rand(one), torch.rand(other))
        assert isinstance(caught.value, ShapeError)


@pairs
def test_what_lies_outside_is_a_runtime_error(name):
    good = torch.rand(4)
    with pytest.raises(RuntimeError, match=r"1 of 4 values in target lie outside \[0, 1\]; the first is target\[2\]"):
        PAIRS[name][0](good, torch.tensor([0, 1, 2.0, 1]))
    if name == "probabilities":
        with pytest.raises(RuntimeError, match=r"values in input lie outside .* use the loss that takes logits"):
            PAIRS[name][0](torch.tensor([0.5, 1.5, 0.5, 0.5]), torch.ones(4))


@pytest.mark.parametrize(
    ("size_average", "reduce", "expected"),
    [(None, False, "none"), (False, None, "sum"), (True, True, "mean"), (False, False, "none")],
)
def test_old_names_of_reductions_still_work_and_say_the_new(size_average, reduce, expected):
    z, y, _ = batch()
    for make in (ours.binary_cross_entropy_with_logits, lambda z, y, **old: ours.BCEWithLogitsLoss(**old)(z, y)):
        with pytest.warns(UserWarning, match=f'Say reduction="{expected}"'):
            got = make(z, y, size_average=size_average, reduce=reduce)
        torch.testing.assert_close(got, ours.binary_cross_entropy_with_logits(z, y, reduction=expected))


def test_empty_batches_are_zero_where_pytorch_gives_nan():
    z = torch.zeros(0, 3, requires_grad=True)
    value = ours.BCEWithLogitsLoss()(z, torch.zeros(0, 3))
    value.backward()
    assert value == 0
    assert z.grad.shape == (0, 3)
    assert ours.BCEWithLogitsLoss(reduction="sum")(z, torch.zeros(0, 3)) == 0
    assert ours.BCEWithLogitsLoss(reduction="none")(z, torch.zeros(0, 3)).shape == (0, 3)


# The options beside PyTorch's

OPTIONS = {
    "weighted": {"pos_weight": 3.0, "neg_weight": 0.5},
    "smoothed": {"label_smoothing": 0.1},
    "focal": {"gamma": 2.0, "pos_weight": 0.25, "neg_weight": 0.75},
    "asymmetric": {"gamma": 1.0, "gamma_neg": 4.0, "margin": 0.05},
    "all at once": {"gamma": 1.5, "gamma_neg": 2.5, "margin": 0.1, "label_smoothing": 0.2, "pos_weight": 2.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum", "none"])
@pytest.mark.parametrize("name", ["with_logits", "probabilities"])
def test_options_are_those_of_the_family(options, reduction, name):
    pred, y, weight = batch(name)
    mask = weight > 0.3
    bce = BinaryCrossEntropy(from_logits=name == "with_logits", epsilon=0, **options)
    expected, slope = bce.value_and_gradient(
        y.numpy(), pred.numpy(), sample_weight=weight.numpy(), mask=mask.numpy(), reduction=reduction
    )
    module = {"with_logits": ours.BCEWithLogitsLoss, "probabilities": ours.BCELoss}[name]
    for call in (
        lambda z, y: PAIRS[name][0](z, y, weight, reduction=reduction, mask=mask, **options),
        lambda z, y: module(weight, reduction=reduction, **options)(z, y, mask=mask),
    ):
        for mine in (call, forced_operations(call)):
            value, gradient = with_gradient(mine, pred, y)
            np.testing.assert_allclose(value.numpy(), expected, rtol=1e-12, atol=1e-300)
            np.testing.assert_allclose(gradient.numpy(), slope, rtol=1e-11, atol=1e-300)


def test_weights_of_classes_lie_along_the_axis_that_is_named():
    z, y, _ = batch(shape=(2, 3, 4, 5))
    weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    along = weight[:, None, None]
    for axis in (1, -3):
        got = ours.BCEWithLogitsLoss(pos_weight=weight, neg_weight=weight / 2, class_axis=axis)(z, y)
        expected = ours.BCEWithLogitsLoss(pos_weight=along, neg_weight=along / 2)(z, y)
        torch.testing.assert_close(got, expected, rtol=1e-15, atol=0)
    got = ours.BCEWithLogitsLoss(pos_weight=weight, class_axis=1)(z, y)
    torch.testing.assert_close(got, nn.BCEWithLogitsLoss(pos_weight=along)(z, y), rtol=1e-13, atol=0)
    with pytest.raises(ShapeError, match="class_axis=4 is not an axis"):
        ours.BCEWithLogitsLoss(pos_weight=weight, class_axis=4)(z, y)
    with pytest.raises(ShapeError, match="name the axis with class_axis"):
        ours.BCEWithLogitsLoss(pos_weight=weight)(z, y)


@pytest.mark.parametrize("ignore_index", [255, -100, math.nan, 0.5])
def test_a_label_that_does_not_count_is_as_if_it_were_masked(ignore_index):
    z, y, _ = batch()
    mask = torch.arange(21).reshape(7, 3) % 4 != 0
    labels = torch.where(mask, y, ignore_index)
    for reduction in ("mean", "sum", "none"):
        loss = ours.BCEWithLogitsLoss(ignore_index=ignore_index, reduction=reduction)
        expected = with_gradient(lambda z, y: ours.BCEWithLogitsLoss(reduction=reduction)(z, y, mask=mask), z, y)  # noqa: B023
        torch.testing.assert_close(with_gradient(loss, z, labels), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("dtype", "ignore_index"),
    [
        *((torch.uint8, value) for value in (256, 257, -1, 10**30, 0.5, math.nan, math.inf)),
        *((torch.int8, value) for value in (255, 256, -(10**30))),
        *((torch.bool, value) for value in (256, 10**30, -1)),
        *((torch.float16, value) for value in (10**30, math.inf)),
    ],
    ids=str,
)
def test_a_label_that_its_type_does_not_have_leaves_nothing_out(dtype, ignore_index):
    z, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0, 1, 1]).to(dtype)
    got = ours.binary_cross_entropy_with_logits(z, y, ignore_index=ignore_index, reduction="none")
    assert torch.equal(got, ours.binary_cross_entropy_with_logits(z, y, reduction="none"))


def test_masks_of_bytes_are_read_as_they_are():
    z, y, _ = batch(dtype=torch.float32)
    labels = y.to(torch.uint8)
    labels[2] = 255
    counts = labels != 255
    got = with_gradient(ours.BCEWithLogitsLoss(ignore_index=255), z, labels)
    expected = with_gradient(nn.BCEWithLogitsLoss(), z[counts], y[counts])
    torch.testing.assert_close(got[0], expected[0])
    torch.testing.assert_close(got[1][counts], expected[1])
    assert (got[1][2] == 0).all()


def test_ignored_and_masked_are_both_left_out():
    z, y, _ = batch()
    mask, labels = torch.ones(7, 3, dtype=torch.bool), y.clone()
    mask[0], labels[1] = False, -1
    torch.testing.assert_close(
        ours.BCEWithLogitsLoss(ignore_index=-1)(z, labels, mask=mask), ours.BCEWithLogitsLoss()(z[2:], y[2:])
    )


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool], ids=str)
@pairs
def test_labels_of_whole_numbers_and_booleans_are_taken_as_they_are(name, dtype):
    pred, y, _ = batch(name, torch.float32)
    expected = with_gradient(PAIRS[name][0], pred, y)
    got = with_gradient(PAIRS[name][0], pred, y.to(dtype))
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_all_masked_is_zero_with_zero_gradient():
    z, y, _ = batch()
    for forced in (False, True):
        for reduction in ("mean", "sum", "weighted_mean"):
            loss = ours.BCEWithLogitsLoss(reduction=reduction, ignore_index=7)
            mine = forced_operations(loss) if forced else loss
            value, gradient = with_gradient(mine, z * math.nan, y * 0 + 7)
            assert value == 0
            assert (gradient == 0).all()


# Refusals


ZERO, TABLE, NAN = torch.zeros(2), torch.zeros(2, 3), torch.tensor([0.0, math.nan])
LOGITS = ours.BCEWithLogitsLoss()
MEMBER = ours.as_module(BinaryCrossEntropy())


def by_class(axis):
    return ours.BCEWithLogitsLoss(pos_weight=torch.ones(3), class_axis=axis)


def changed(**attributes):
    module = ours.BCEWithLogitsLoss()
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ours.BCEWithLogitsLoss(gamma=-1), ParameterError, "gamma=-1 is out of range"),
        (lambda: ours.BCEWithLogitsLoss(reduction="meen"), ParameterError, 'Did you mean "mean"'),
        (lambda: ours.BCEWithLogitsLoss(ignore_index="a"), ParameterError, "ignore_index='a' is not a number"),
        (lambda: ours.BCEWithLogitsLoss(pos_weight="3"), ParameterError, "pos_weight='3' is not a number"),
        (lambda: ours.BCEWithLogitsLoss(neg_weight=-1.0), ParameterError, "neg_weight=-1.0 is out of range"),
        (lambda: ours.sigmoid_focal_loss(ZERO, ZERO, alpha=2), ParameterError, "alpha=2"),
        (
            lambda: ours.sigmoid_focal_loss(ZERO, ZERO, pos_weight=2.0),
            ParameterError,
            "Say alpha=-1 to weigh by pos_weight",
        ),
        (lambda: LOGITS([0.0, 1.0], ZERO), TypeError, "Use torch.as_tensor(input)"),
        (lambda: LOGITS(ZERO, np.zeros(2)), RuntimeError, "target is a ndarray; expected a tensor"),
        (lambda: LOGITS(ZERO, ZERO, mask=torch.ones(2)), TypeError, "mask.bool()"),
        (lambda: LOGITS(ZERO, ZERO, mask=[True, True]), TypeError, "type list"),
        (lambda: ours.BCEWithLogitsLoss(torch.ones(2))(TABLE, TABLE), ShapeError, "weight[:, None]"),
        (lambda: ours.BCEWithLogitsLoss(torch.ones(4, 1, 3))(TABLE, TABLE), ShapeError, "(4, 1, 3)"),
        (lambda: LOGITS(ZERO, ZERO + 255), LabelError, "If 255 marks what does not count, say ignore_index=255."),
        (lambda: LOGITS(ZERO, NAN), LabelError, "mask=~torch.isnan(target)"),
        (lambda: LOGITS(NAN, ZERO), LogitError, "mask=~torch.isnan(input)"),
        (lambda: ours.BCELoss()(NAN, ZERO), ProbabilityError, "mask=~torch.isnan(input)"),
        (lambda: ours.BCEWithLogitsLoss(NAN + math.inf)(ZERO, ZERO), WeightError, "weight[0] = inf"),
        (lambda: LOGITS(ZERO.long(), ZERO), RuntimeError, "input.float()"),
        (lambda: LOGITS(ZERO, ZERO.to(torch.complex64)), RuntimeError, "expected real numbers"),
        (lambda: ours.binary_cross_entropy_with_logits(ZERO, ZERO, [1, 2]), TypeError, "torch.as_tensor(weight)"),
        (lambda: ours.BCEWithLogitsLoss([1, 2]), TypeError, "torch.as_tensor(weight)"),
        (lambda: MEMBER(ZERO, ZERO, [1, 2]), TypeError, "torch.as_tensor(sample_weight)"),
        (lambda: MEMBER(ZERO - 1, ZERO), ProbabilityError, "say from_logits=True"),
        (lambda: LOGITS(ZERO, ZERO, mask=np.ones(2, bool)), TypeError, "torch.as_tensor(mask).bool()"),
        *(
            (lambda alpha=alpha: ours.sigmoid_focal_loss(ZERO, ZERO, alpha), ParameterError, f"alpha={alpha!r} is not")
            for alpha in (None, "a", math.nan, 1.5)
        ),
        *(
            (lambda axis=axis: by_class(axis)(TABLE, TABLE), ParameterError, f"class_axis={axis!r}")
            for axis in ("c", 0.5, None)
        ),
        *(
            (lambda made=made: made(class_axis="c"), ParameterError, "class_axis='c' is not a whole number")
            for made in (ours.BCEWithLogitsLoss, ours.BCELoss, lambda **o: ours.as_module(BinaryCrossEntropy(), **o))
        ),
        *(
            (lambda made=made: made(validate="no"), ParameterError, "validate='no' is not True, False or None")
            for made in (ours.BCEWithLogitsLoss, ours.BCELoss, lambda **o: ours.as_module(BinaryCrossEntropy(), **o))
        ),
        (lambda: LOGITS(ZERO.to_sparse(), ZERO), TypeError, "expected a dense tensor. Use input.to_dense()"),
        (lambda: LOGITS(ZERO, ZERO.to_sparse()), TypeError, "expected a dense tensor. Use target.to_dense()"),
        (lambda: LOGITS(ZERO * 1j, ZERO), TypeError, "torch.complex64; expected a floating type."),
        (lambda: changed(reduction="avg")(ZERO, ZERO), ParameterError, "reduction='avg' is not one of mean"),
    ],
)
def test_refusals_say_what_came_and_how_to_mend_it(make, error, words):
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_values_are_looked_at_where_it_is_asked_for_and_not_where_it_is_not():
    z, bad = torch.zeros(2, requires_grad=True), torch.tensor([0.0, 2.0], requires_grad=True)
    for labels in (bad, bad.detach()):
        with pytest.raises(LabelError):
            ours.BCEWithLogitsLoss()(z, labels)
        with mock.patch.object(loss, "is_at_hand", return_value=False):  # as on another device
            ours.BCEWithLogitsLoss()(z, labels)
            with pytest.raises(LabelError):
                ours.BCEWithLogitsLoss(validate=True)(z, labels)
    assert torch.isfinite(ours.BCEWithLogitsLoss(validate=False)(z, bad.detach()))
    assert torch.isnan(ours.BCEWithLogitsLoss(validate=False)(z, bad.detach() * math.nan))


def test_class_weights_in_tensors_are_finite_and_may_be_negative_as_pytorchs():
    z, y, _ = batch()
    for shape in ((), (1,), (3,), (7, 3)):
        pos_weight = torch.full(shape, -2.0, dtype=torch.float64)
        got = with_gradient(ours.binary_cross_entropy_with_logits, z, y, pos_weight=pos_weight)
        expected = with_gradient(functional.binary_cross_entropy_with_logits, z, y, pos_weight=pos_weight)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)
        for bad, reduction in itertools.product((math.nan, math.inf), REDUCTIONS):
            with pytest.raises(WeightError, match=f"neg_weight has an entry that is {bad}; expected finite"):
                ours.binary_cross_entropy_with_logits(
                    z, y, neg_weight=torch.full_like(pos_weight, bad), reduction=reduction
                )


def test_values_are_not_looked_at_where_there_are_none():
    module = ours.BCEWithLogitsLoss(validate=True)
    meta = torch.zeros(2, device="meta")
    for call in (lambda: module(meta, meta), lambda: torch.func.vmap(module)(ZERO, ZERO)):
        with pytest.raises(ParameterError, match=r"validate=True looks at values.*Leave it out there\."):
            call()


# The modules


def test_modules_are_pytorchs_and_print_what_differs():
    assert isinstance(ours.BCEWithLogitsLoss(), nn.BCEWithLogitsLoss)
    assert isinstance(ours.BCELoss(), nn.BCELoss)
    assert repr(ours.BCEWithLogitsLoss()) == "BCEWithLogitsLoss()"
    shown = repr(ours.BCELoss(pos_weight=(1, 2), gamma=2, ignore_index=255, reduction="sum"))
    assert shown == "BCELoss(pos_weight=(1.0, 2.0), gamma=2, reduction='sum', ignore_index=255)"
    assert repr(changed(pos_weight=torch.ones(2))) == repr(LOGITS)


def test_weights_are_buffers_that_are_kept_and_moved():
    made = ours.BCEWithLogitsLoss(torch.ones(3), pos_weight=torch.tensor([1.0, 2.0, 3.0]), neg_weight=torch.tensor(0.5))
    assert set(made.state_dict()) == {"weight", "pos_weight", "neg_weight"}
    other = ours.BCEWithLogitsLoss(torch.zeros(3), pos_weight=torch.zeros(3), neg_weight=torch.tensor(1.0))
    other.load_state_dict(made.state_dict())
    z, y, _ = batch()
    torch.testing.assert_close(other(z, y), made(z, y), rtol=0, atol=0)
    assert made.double().pos_weight.dtype == torch.float64
    assert made.to("meta").weight.is_meta
    theirs = nn.BCEWithLogitsLoss(torch.ones(3), pos_weight=torch.tensor([1.0, 2.0, 3.0]))
    ours.BCEWithLogitsLoss(torch.zeros(3), pos_weight=torch.zeros(3)).load_state_dict(theirs.state_dict())


def test_modules_are_copied_and_pickled_whole(tmp_path):
    z, y, _ = batch()
    for made in (ours.BCEWithLogitsLoss(pos_weight=torch.rand(3), gamma=2, ignore_index=9), ours.BCELoss(margin=0.1)):
        pred = z if isinstance(made, ours.BCEWithLogitsLoss) else z.sigmoid()
        torch.save(made, tmp_path / "module.pt")
        for again in (copy.deepcopy(made), torch.load(tmp_path / "module.pt", weights_only=False)):
            torch.testing.assert_close(again(pred, y), made(pred, y), rtol=0, atol=0)
            assert repr(again) == repr(made)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z, y, _ = batch()
        with_gradient(ours.BCEWithLogitsLoss(gamma=2), z, y)
