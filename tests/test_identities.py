"""Laws that tie numbers to other numbers: what equals what, bit by bit or to a few units in the last place."""

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from logloss import BinaryCrossEntropy, active_kernel
from logloss.core.reduction import ExactSum
from tests import reference
from tests.paths import METHODS, kernel
from tests.reference import Parameters, mp, mpf

law = settings(max_examples=60, deadline=None, derandomize=True)

QUANTITIES = ("loss", "gradient", "hessian")
UNIT = float(np.finfo(np.float64).eps)


def sizes(highest: float) -> Any:
    """0, or a number whose products with others stay in the normal range, beyond which relative laws end."""
    return st.just(0.0) | st.floats(1e-30, highest)


weights = st.sampled_from([1.0, 0.0, 0.25, 3.0]) | sizes(10)
gammas = st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5]) | st.floats(0, 5)
fractions = st.sampled_from([0.0, 0.125]) | sizes(1)
labels = st.sampled_from([0.0, 1.0]) | sizes(1)
logits = st.floats(-800, 800) | st.floats(-5, 5) | st.sampled_from([-math.inf, math.inf, 0.0, -0.0])
probabilities = st.floats(0, 1) | st.sampled_from([0.0, 1.0])


@st.composite
def members(draw: Any, **fixed: Any) -> BinaryCrossEntropy:
    """Any member of the family."""
    options = {
        "from_logits": draw(st.booleans()),
        "pos_weight": draw(weights),
        "neg_weight": draw(weights),
        "label_smoothing": draw(fractions),
        "gamma": draw(gammas),
        "gamma_neg": draw(st.none() | gammas),
        "margin": draw(st.sampled_from([0.0, 0.0, 0.05, 0.5])),
        "epsilon": draw(st.sampled_from([1e-7, 0.0, 0.01])),
    }
    return BinaryCrossEntropy(**(options | fixed))


@st.composite
def batches(draw: Any, from_logits: bool, dtype: Any = np.float64, least: int = 0) -> tuple[Any, Any]:
    """Labels and predictions of one length."""
    n = draw(st.integers(least, 12))
    y = draw(arrays(np.float64, n, elements=labels))
    x = draw(arrays(np.float64, n, elements=logits if from_logits else probabilities))
    return y.astype(dtype), x.astype(dtype)


@st.composite
def cases(draw: Any, dtype: Any = np.float64, least: int = 0, **fixed: Any) -> tuple[BinaryCrossEntropy, Any, Any]:
    """A member of the family, with labels and predictions for it."""
    bce = draw(members(**fixed))
    return bce, *draw(batches(bce.from_logits, dtype, least))


def same(one: Any, other: Any) -> bool:
    """Equal bit by bit, but that 0 and -0 are the same number."""
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)


def close(one: Any, other: Any, units: float = 8, size: Any = None) -> bool:
    """Equal to a few units in the last place of the larger, or of ``size``."""
    one, other = np.asarray(one), np.asarray(other)
    with np.errstate(all="ignore"):
        scale = np.maximum(abs(one), abs(other)) if size is None else size
        error = np.where(one == other, 0, abs(one - other))
    return bool(np.all(error <= units * UNIT * scale + units * 5e-324))


# One answer, however it is asked for


@law
@given(cases(), st.sampled_from([np.float64, np.float32, np.float16]))
def test_fused_equals_separate(case, dtype):
    bce, y, x = case
    x = x.astype(dtype)
    separate = {quantity: getattr(bce, quantity)(y, x) for quantity in QUANTITIES}
    for method, quantities in METHODS.items():
        arguments = {"reduction": "none"} if method == "value_and_gradient" else {}
        results = getattr(bce, method)(y, x, **arguments)
        for quantity, result in zip(quantities, results if len(quantities) > 1 else [results], strict=True):
            assert same(result, separate[quantity])


@law
@given(cases(least=1))
def test_the_gradient_of_a_reduced_value_is_the_gradient_over_the_divisor(case):
    bce, y, x = case
    for reduction, divisor in (("mean", len(x)), ("sum", 1), ("weighted_mean", len(x))):
        value, gradient = bce.value_and_gradient(y, x, reduction=reduction)
        assert same(gradient, bce.gradient(y, x) / divisor)
        assert same(value, bce(y, x, reduction=reduction))


@law
@given(cases(from_logits=True), st.sampled_from([np.float32, np.float16]))
def test_numpy_works_narrow_types_out_wide_and_rounds_once(case, dtype):
    bce, y, z = case
    y, z = y.astype(dtype), z.astype(dtype)
    with kernel("numpy"), np.errstate(over="ignore", under="ignore"):
        for quantity in QUANTITIES:
            wide = getattr(bce, quantity)(y.astype(np.float64), z.astype(np.float64))
            assert same(getattr(bce, quantity)(y, z), wide.astype(dtype))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, np.bool_, np.float16, np.float32])
def test_labels_of_any_type_are_the_same_labels(dtype):
    y = np.array([0, 1, 1, 0, 1])
    z = np.array([-2.0, 0.5, 30.0, -700.0, 1.0])
    bce = BinaryCrossEntropy.focal(from_logits=True, label_smoothing=0.1)
    for quantity in QUANTITIES:
        assert same(getattr(bce, quantity)(y.astype(dtype), z), getattr(bce, quantity)(y.astype(np.float64), z))


def test_the_type_of_the_predictions_decides():
    y = np.array([0.0, 1.0])
    for dtype in (np.float16, np.float32, np.float64):
        assert BinaryCrossEntropy().loss(y, np.array([0.25, 0.5], dtype)).dtype == dtype
    assert BinaryCrossEntropy().loss([0, 1], [0.25, 0.5]).dtype == np.float64
    assert BinaryCrossEntropy(from_logits=True).loss([0, 1], np.array([3, -4], np.int8)).dtype == np.float64


# Weights multiply, masks remove


@law
@given(cases(), st.integers(-20, 20))
def test_weights_multiply(case, power):
    bce, y, x = case
    w = np.full(len(x), 2.0**power)
    for quantity in QUANTITIES:
        plain = getattr(bce, quantity)(y, x)
        weighted = getattr(bce, quantity)(y, x, sample_weight=w)
        with np.errstate(over="ignore", under="ignore"):
            product = w * plain
        ordinary = np.isinf(plain) | (abs(plain) > 1e-290) | (plain == 0)
        assert same(weighted[ordinary], product[ordinary])


@law
@given(cases(), st.data())
def test_a_sum_is_linear_in_the_weights(case, data):
    bce, y, x = case
    w, v = (data.draw(arrays(np.float64, len(x), elements=sizes(100))) for _ in range(2))
    assume(np.all(np.isfinite(bce.loss(y, x))))
    apart = bce(y, x, sample_weight=w, reduction="sum") + bce(y, x, sample_weight=v, reduction="sum")
    assert close(bce(y, x, sample_weight=w + v, reduction="sum"), apart)


@law
@given(cases(), st.data())
def test_weights_of_rows_and_of_sides_are_the_same_weights(case, data):
    bce, y, x = case
    w = data.draw(st.floats(0.01, 100))
    config = bce.get_config()
    other = BinaryCrossEntropy(
        **(config | {"pos_weight": w * config["pos_weight"], "neg_weight": w * config["neg_weight"]})
    )
    weighted = bce.loss(y, x, sample_weight=np.full(len(x), w))
    assert close(weighted, other.loss(y, x))


GARBAGE = [math.nan, math.inf, -math.inf, -1.0, 7.0, 1e300]


@law
@given(cases(), st.data())
def test_masked_elements_may_hold_anything(case, data):
    bce, y, x = case
    mask = data.draw(arrays(np.bool_, len(x)))
    w = data.draw(arrays(np.float64, len(x), elements=st.floats(0.1, 10)))
    dirty = [a.copy() for a in (y, x, w)]
    for a in dirty:
        a[~mask] = data.draw(arrays(np.float64, int((~mask).sum()), elements=st.sampled_from(GARBAGE)))
    for quantity in QUANTITIES:
        result = getattr(bce, quantity)(dirty[0], dirty[1], sample_weight=dirty[2], mask=mask)
        assert same(result[mask], getattr(bce, quantity)(y[mask], x[mask], sample_weight=w[mask]))
        assert same(result[~mask], np.zeros((~mask).sum()))
    for reduction in ("sum", "mean", "weighted_mean") if mask.any() else ("sum",):
        value, gradient = bce.value_and_gradient(
            dirty[0], dirty[1], sample_weight=dirty[2], mask=mask, reduction=reduction
        )
        alone, slope = bce.value_and_gradient(y[mask], x[mask], sample_weight=w[mask], reduction=reduction)
        assert same(value, alone)
        assert same(gradient[mask], slope)


@law
@given(cases(least=1), st.data())
def test_elements_of_weight_zero_may_hold_anything_and_count(case, data):
    bce, y, x = case
    w = data.draw(arrays(np.float64, len(x), elements=st.sampled_from([0.0, -0.0, 1.0, 2.0])))
    dirty = [a.copy() for a in (y, x)]
    for a in dirty:
        a[w == 0] = data.draw(arrays(np.float64, int((w == 0).sum()), elements=st.sampled_from(GARBAGE)))
    for quantity in QUANTITIES:
        result = getattr(bce, quantity)(*dirty, sample_weight=w)
        assert same(result, getattr(bce, quantity)(y, x, sample_weight=w))
        assert not result[w == 0].any()
    each = bce.loss(y, x, sample_weight=w)
    mean = float(sum(map(Fraction, each)) / len(x)) if np.isfinite(each).all() else math.inf
    assert same(bce(*dirty, sample_weight=w), mean)


@law
@given(cases())
def test_a_side_of_weight_zero_is_not_looked_at(case):
    bce, _, x = case
    config = bce.get_config()
    spared = BinaryCrossEntropy(**(config | {"pos_weight": 0.0, "label_smoothing": 0.0}))
    for quantity in QUANTITIES:
        assert same(getattr(spared, quantity)(np.ones(len(x)), x), np.zeros(len(x)))


def test_weights_and_masks_of_rows_hold_for_each_column():
    rng = np.random.default_rng(0)
    y, z = rng.random((5, 3, 2)), rng.normal(size=(5, 3, 2))
    w, mask = rng.random(5), np.array([True, False, True, True, False])
    whole_w, whole_mask = (np.broadcast_to(a[:, None, None], y.shape) for a in (w, mask))
    bce = BinaryCrossEntropy(from_logits=True)
    for reduction in ("none", "sum", "mean", "weighted_mean"):
        rows = bce.value_and_gradient(y, z, sample_weight=w, mask=mask, reduction=reduction)
        each = bce.value_and_gradient(y, z, sample_weight=whole_w, mask=whole_mask, reduction=reduction)
        assert same(rows[0], each[0])
        assert same(rows[1], each[1])


# The shape of the family


@law
@given(cases(label_smoothing=0.0))
def test_the_loss_is_linear_in_the_label(case):
    bce, y, x = case
    for quantity in QUANTITIES:
        one, zero = (getattr(bce, quantity)(np.full(len(x), label), x) for label in (1.0, 0.0))
        finite = np.isfinite(one) & np.isfinite(zero)
        with np.errstate(invalid="ignore"):
            mixed, size = y * one + (1 - y) * zero, np.maximum(y * abs(one), (1 - y) * abs(zero))
        assert close(getattr(bce, quantity)(y, x)[finite], mixed[finite], size=size[finite])


@law
@given(members(from_logits=True, margin=0.0), st.data())
def test_labels_and_logits_mirror(bce, data):
    n = data.draw(st.integers(0, 8))
    y = data.draw(arrays(np.float64, n, elements=st.integers(0, 1024).map(lambda k: k / 1024)))
    z = data.draw(arrays(np.float64, n, elements=logits))
    config = bce.get_config()
    mirror = BinaryCrossEntropy(
        **(
            config
            | {"pos_weight": config["neg_weight"], "neg_weight": config["pos_weight"]}
            | {"gamma": bce.focus.gamma_neg, "gamma_neg": bce.gamma}
        )
    )
    assert same(bce.loss(y, z), mirror.loss(1 - y, -z))
    assert same(bce.gradient(y, z), -mirror.gradient(1 - y, -z))
    assert same(bce.hessian(y, z), mirror.hessian(1 - y, -z))


@law
@given(
    members(margin=0.0, from_logits=False, epsilon=2.0**-10) | members(margin=0.0, from_logits=False, epsilon=0.0),
    st.lists(st.integers(0, 1024), max_size=8),
    st.data(),
)
def test_labels_and_probabilities_mirror(bce, numerators, data):
    # The clip too, where 1 - epsilon is a number of the type; elsewhere it is rounded, and epsilon is not.
    p = np.array(numerators, float) / 1024
    y = data.draw(arrays(np.float64, len(p), elements=st.sampled_from([0.0, 1.0])))
    config = bce.get_config()
    mirror = BinaryCrossEntropy(
        **(
            config
            | {"pos_weight": config["neg_weight"], "neg_weight": config["pos_weight"]}
            | {"gamma": bce.focus.gamma_neg, "gamma_neg": bce.gamma}
        )
    )
    assert close(bce.loss(y, p), mirror.loss(1 - y, 1 - p))


@law
@given(st.floats(-700, 700), labels, st.floats(1e-300, 1e-30))
def test_no_focus_is_exactly_plain(z, y, tiny):
    plain = BinaryCrossEntropy(from_logits=True)
    assert BinaryCrossEntropy.focal(gamma=0, alpha=None) == BinaryCrossEntropy()
    assert BinaryCrossEntropy.asymmetric(gamma_pos=0, gamma_neg=0, margin=0) == BinaryCrossEntropy()
    for focused in (BinaryCrossEntropy.focal(gamma=tiny, alpha=None, from_logits=True),):
        for name in {"numpy", active_kernel()}:
            with kernel(name):
                assert close(focused.loss(y, z), plain.loss(y, z))
                assert close(focused.gradient(y, z), plain.gradient(y, z))
                assert close(focused.hessian(y, z), plain.hessian(y, z))
    half = BinaryCrossEntropy.focal(gamma=0, alpha=0.5, from_logits=True)
    assert same(half.loss(y, z), plain.loss(y, z) / 2)


@law
@given(cases(label_smoothing=0.0), st.integers(0, 20), st.data())
def test_smoothing_is_relabelling(case, k, data):
    bce, y, x = case
    s = 2.0**-k
    y = np.round(y)
    smoothed = BinaryCrossEntropy(**(bce.get_config() | {"label_smoothing": s}))
    for quantity in QUANTITIES:
        assert same(getattr(smoothed, quantity)(y, x), getattr(bce, quantity)(y * (1 - s) + s / 2, x))


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(),
        Parameters(pos_weight=3, neg_weight=0.5, label_smoothing=0.125, gamma=0.5, gamma_neg=2.5),
        Parameters(gamma=1, gamma_neg=4, margin=0.046875),
        Parameters(gamma=2, gamma_neg=0, margin=0.3),
    ],
)
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("function", "points"),
    [
        (reference.in_logit, (-20.5, -2.25, -0.1, 1.5, 30.0)),
        (reference.in_probability, (0.1, 0.5, 0.875)),
    ],
)
@pytest.mark.parametrize(("quantity", "derivative"), [("loss", "gradient"), ("gradient", "hessian")])
def test_derivatives_are_derivatives(parameters, y, function, points, quantity, derivative):
    # Of the reference, at 80 digits; the paths are held to the reference in test_truth.py.
    for point in points:
        numerical = mp.diff(lambda x: function(parameters, x, y)[quantity].exact, mpf(point))
        exact = function(parameters, point, y)[derivative].exact
        assert abs(numerical - exact) <= mpf(10) ** -25 * max(abs(exact), mpf(10) ** -10)


@law
@given(members(epsilon=0.0), st.lists(st.floats(-8, 8), max_size=8), labels)
def test_logits_and_probabilities_agree_by_the_chain_rule(bce, z, y):
    z = np.array(z)
    p, rest = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    assume(np.all(abs(p - bce.margin) > 1e-3))
    y = np.full(len(z), y)
    of_logits, of_probabilities = (
        BinaryCrossEntropy(**(bce.get_config() | {"from_logits": from_logits})) for from_logits in (True, False)
    )
    slope = of_probabilities.gradient(y, p) * p * rest
    bend = of_probabilities.hessian(y, p) * (p * rest) ** 2 + slope * (rest - p)
    np.testing.assert_allclose(of_logits.loss(y, z), of_probabilities.loss(y, p), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(of_logits.gradient(y, z), slope, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(of_logits.hessian(y, z), bend, rtol=1e-7, atol=1e-8)


# Sums


@law
@given(cases(least=1), st.data())
def test_the_four_reductions_agree(case, data):
    bce, y, x = case
    w = data.draw(arrays(np.float64, len(x), elements=st.floats(0.01, 100)))
    each = bce(y, x, sample_weight=w, reduction="none")
    assume(np.all(np.isfinite(each)))
    total = sum(map(Fraction, each))
    assert same(each, bce.loss(y, x, sample_weight=w))
    assert bce(y, x, sample_weight=w, reduction="sum") == float(total)
    assert bce(y, x, sample_weight=w) == float(total / len(x))
    assert bce(y, x, sample_weight=w, reduction="weighted_mean") == float(total / Fraction(math.fsum(w)))


def test_a_mean_is_finite_where_its_sum_is_not():
    bce = BinaryCrossEntropy(from_logits=True, pos_weight=1e308)
    assert bce([1, 1, 1], [-1.0, -1.0, -1.0], reduction="sum") == math.inf
    assert bce([1, 1, 1], [-1.0, -1.0, -1.0]) == bce([1], [-1.0])


@pytest.mark.parametrize("reduction", ["sum", "mean", "weighted_mean"])
def test_an_infinite_loss_makes_every_reduction_infinite(reduction):
    bce = BinaryCrossEntropy(epsilon=0)
    assert bce([1, 1, 0], [0.0, 0.5, 1.0], reduction=reduction) == math.inf


@law
@given(st.lists(st.floats(-1e300, 1e300), max_size=40), st.randoms(use_true_random=False))
def test_sums_are_correctly_rounded_in_any_order_and_partition(terms, random):
    def total_of(parts: list[list[float]]) -> float:
        total = ExactSum()
        for part in parts:
            total.add(np.array(part))
        return total.value

    shuffled = random.sample(terms, len(terms))
    cut = random.randint(0, len(terms))
    assert total_of([terms]) == math.fsum(terms)
    assert total_of([shuffled[:cut], shuffled[cut:]]) == math.fsum(terms)
    assert total_of([[term] for term in shuffled]) == math.fsum(terms)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([1.0, math.inf], math.inf),
        ([1.0, -math.inf], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([1.0, math.nan], math.nan),
        ([1.7e308, 1.7e308], math.inf),
        ([-1.7e308, -1.7e308], -math.inf),
        ([1.7e308, 1.7e308, -1.7e308], 1.7e308),
        ([5e-324, 5e-324, -5e-324], 5e-324),
        ([], 0.0),
    ],
)
def test_sums_are_infinite_or_undefined_only_as_they_must_be(terms, expected):
    total = ExactSum()
    for term in terms:
        total.add(np.array([term]))
    assert same(total.value, expected)


def test_large_sums_keep_every_tiny_loss_in_any_order():
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(-740, 740, 30_000), rng.normal(size=30_000)])
    y = rng.integers(0, 2, len(z))
    w = np.ldexp(1.0, rng.integers(-200, 200, len(z)))
    bce = BinaryCrossEntropy(from_logits=True)
    total = math.fsum(bce.loss(y, z, sample_weight=w))
    order = rng.permutation(len(z))
    assert bce(y, z, sample_weight=w, reduction="sum") == total
    assert bce(y[order], z[order], sample_weight=w[order], reduction="sum") == total
    assert bce(y.reshape(3, -1), z.reshape(3, -1), sample_weight=w.reshape(3, -1), reduction="sum") == total
    if active_kernel() != "numpy":  # which sums what it has not rounded yet
        narrow = bce(y, z.astype(np.float32), reduction="sum")
        assert narrow == math.fsum(bce.loss(y, z.astype(np.float32)).astype(np.float64))


# Arrays however they lie in memory


def layouts(a: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in other places."""
    spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    spread[..., ::2] = a
    packed = np.zeros(a.shape, [("pad", np.int8), ("value", a.dtype)])  # so that nothing is aligned
    packed["value"] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    return {
        "strided": spread[..., ::2],
        "reversed": a[::-1, ::-1].copy()[::-1, ::-1],
        "fortran": np.asfortranarray(a),
        "transposed": a.T.copy().T,
        "read-only": frozen,
        "unaligned": packed["value"],
        "byte-swapped": a.astype(a.dtype.newbyteorder(">")),
        "list": a.tolist(),
    }


@pytest.mark.parametrize("layout", layouts(np.zeros((2, 2))))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("from_logits", [True, False])
def test_no_layout_changes_a_bit(layout, dtype, from_logits):
    rng = np.random.default_rng(0)
    shape = (67, 131)  # more than one block, and no round number
    x = (rng.normal(scale=20, size=shape) if from_logits else rng.random(shape)).astype(dtype)
    y, w, mask = rng.random(shape).astype(dtype), rng.random(shape), rng.random(shape) < 0.9
    bce = BinaryCrossEntropy(from_logits=from_logits, gamma=2.5, margin=0.05, label_smoothing=0.1)
    plain = bce.value_and_gradient(y, x, sample_weight=w, mask=mask, reduction="none")
    value = bce(y, x, sample_weight=w, mask=mask)
    for i, name in enumerate(("y_true", "y_pred", "sample_weight", "mask")):
        arguments = [y, x, w, mask]
        if layout == "list" and (name == "y_pred" or dtype == np.float32):
            continue  # a list is of float64
        arguments[i] = layouts(arguments[i])[layout]
        options = {"sample_weight": arguments[2], "mask": arguments[3]}
        moved = bce.value_and_gradient(*arguments[:2], **options, reduction="none")
        assert same(moved[0], plain[0])
        assert same(moved[1], plain[1])
        assert bce(*arguments[:2], **options) == value


def test_broadcast_arrays_are_arrays():
    bce = BinaryCrossEntropy(from_logits=True)
    y, z = np.broadcast_to(np.float64(1), (4, 3)), np.broadcast_to(np.array([1.0, -2.0, 3.0]), (4, 3))
    assert same(bce.loss(y, z), bce.loss(y.copy(), z.copy()))
    assert bce(y, z) == bce(y.copy(), z.copy())


def test_single_numbers_give_single_numbers():
    bce = BinaryCrossEntropy(from_logits=True)
    for y, z in ((1, 0.5), (np.float64(1), np.float64(0.5)), (np.array(1.0), np.array(0.5))):
        assert bce(y, z) == bce([1.0], [0.5])
        for method in METHODS:
            result = getattr(bce, method)(y, z)
            for number in result if isinstance(result, tuple) else (result,):
                assert np.shape(number) == ()
                assert isinstance(number, float)
        assert bce(y, z, sample_weight=2.0, mask=True, reduction="sum") == 2 * bce(y, z)
        assert bce(y, z, sample_weight=2.0, mask=False, reduction="sum") == 0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_empty_in_is_empty_out(shape):
    bce = BinaryCrossEntropy.focal()
    for quantity in QUANTITIES:
        result = getattr(bce, quantity)(np.zeros(shape), np.zeros(shape, np.float32))
        assert result.shape == shape
        assert result.dtype == np.float32
    assert bce(np.zeros(shape), np.zeros(shape), reduction="sum") == 0
    assert bce([], [], reduction="none").shape == (0,)


def test_arguments_are_never_written():
    rng = np.random.default_rng(0)
    arguments = [rng.random((5, 3)) for _ in range(3)] + [rng.random((5, 3)) < 0.5]
    copies = [a.copy() for a in arguments]
    for reduction in ("none", "mean"):
        BinaryCrossEntropy().value_and_gradient(
            *arguments[:2], sample_weight=arguments[2], mask=arguments[3], reduction=reduction
        )
    assert all(map(same, arguments, copies))


# Buffers


def test_buffers_are_filled_and_returned():
    rng = np.random.default_rng(0)
    y, z = rng.random((9, 7)), rng.normal(size=(9, 7)).astype(np.float32)
    bce = BinaryCrossEntropy.focal(from_logits=True)
    for method, quantities in METHODS.items():
        if method == "value_and_gradient":
            continue
        expected = getattr(bce, method)(y, z)
        for make in (lambda: np.empty((9, 7), np.float32), lambda: np.empty((7, 18), np.float32).T[::2]):
            buffers = [make() for _ in quantities]
            results = getattr(bce, method)(y, z, **{f"{q}_out": b for q, b in zip(quantities, buffers, strict=True)})
            for result, buffer, right in zip(
                results if len(quantities) > 1 else [results],
                buffers,
                expected if len(quantities) > 1 else [expected],
                strict=True,
            ):
                assert result is buffer
                assert same(buffer, right)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_the_gradient_of_a_value_goes_into_its_buffer(reduction):
    y, z = np.array([0.0, 1.0, 1.0]), np.array([0.5, -2.0, 3.0])
    bce, buffer = BinaryCrossEntropy(from_logits=True), np.empty(3)
    value, gradient = bce.value_and_gradient(y, z, reduction=reduction, gradient_out=buffer)
    expected = bce.value_and_gradient(y, z, reduction=reduction)
    assert gradient is buffer
    assert same(value, expected[0])
    assert same(buffer, expected[1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [5, 30_000])
@pytest.mark.parametrize("which", ["y_true", "y_pred", "sample_weight", "next to y_pred", "y_pred backwards"])
def test_a_buffer_may_be_an_input(which, n, dtype):
    rng = np.random.default_rng(0)
    memory = rng.normal(size=n + 1).astype(dtype)
    y, z, w = rng.random(n).astype(dtype), memory[:n], rng.random(n).astype(dtype)
    bce = BinaryCrossEntropy(from_logits=True)
    loss, gradient = bce.loss_gradient(y, z, sample_weight=w)
    out = {"y_true": y, "y_pred": z, "sample_weight": w, "next to y_pred": memory[1:], "y_pred backwards": z[::-1]}
    result = bce.loss_gradient(y, z, sample_weight=w, gradient_out=out[which])
    assert same(result[0], loss)
    assert result[1] is out[which]
    assert same(result[1], gradient)


# Classes


@pytest.mark.parametrize("axis", range(-3, 3))
@pytest.mark.parametrize("from_logits", [True, False])
def test_weights_of_classes_lie_along_their_axis(axis, from_logits):
    rng = np.random.default_rng(0)
    shape = (4, 2, 3)
    y, x = rng.random(shape), rng.random(shape)
    pos, neg = (tuple(rng.random(shape[axis]).tolist()) for _ in range(2))
    bce = BinaryCrossEntropy(from_logits=from_logits, pos_weight=pos, neg_weight=neg, gamma=1, label_smoothing=0.1)
    for quantity in QUANTITIES:
        result = np.moveaxis(getattr(bce, quantity)(y, x, class_axis=axis), axis, 0)
        for k, (a, b) in enumerate(zip(pos, neg, strict=True)):
            alone = BinaryCrossEntropy(**(bce.get_config() | {"pos_weight": a, "neg_weight": b}))
            part = getattr(alone, quantity)(np.take(y, k, axis), np.take(x, k, axis))
            assert same(result[k], part)
    each = bce.loss(y, x, class_axis=axis)
    value, gradient = bce.value_and_gradient(y, x, class_axis=axis, reduction="sum")
    assert value == bce(y, x, class_axis=axis, reduction="sum") == math.fsum(each.ravel())
    assert same(gradient, bce.gradient(y, x, class_axis=axis))


def test_one_side_may_have_weights_of_classes_and_the_other_a_number():
    y, p = np.array([[1.0, 0.0], [0.0, 1.0]]), np.full((2, 2), 0.5)
    loss = BinaryCrossEntropy(pos_weight=(2.0, 4.0), neg_weight=8.0).loss(y, p)
    assert same(loss, np.array([[2.0, 8.0], [8.0, 4.0]]) * math.log(2))


@pytest.mark.parametrize("make", [list, tuple, np.array, lambda w: np.array(w, np.float32)])
def test_weights_of_classes_are_kept_as_tuples(make):
    bce = BinaryCrossEntropy(pos_weight=make([1.0, 3.0]))
    assert bce.pos_weight == (1.0, 3.0)
    assert bce == BinaryCrossEntropy(pos_weight=(1.0, 3.0))
    assert BinaryCrossEntropy(pos_weight=np.float32(2)) == BinaryCrossEntropy(pos_weight=2)


@law
@given(
    arrays(np.float64, st.integers(2, 20), elements=labels) | arrays(np.int64, (6, 3), elements=st.integers(0, 1)),
)
def test_balanced_classes_weigh_the_same(y):
    positive = y.sum(axis=0, dtype=float)
    assume(np.all((positive > 1e-3) & (positive < len(y) - 1e-3)))
    bce = BinaryCrossEntropy.balanced(y, from_logits=True)
    assert close(np.array(bce.pos_weight) * positive, np.full(positive.shape, len(y) / 2))
    assert close(np.array(bce.neg_weight) * (len(y) - positive), np.full(positive.shape, len(y) / 2), 1e4)
    assert bce.from_logits
    # At p = 1/2 both sides cost the same, so the mean is that of an unweighted loss.
    np.testing.assert_allclose(bce(y, np.zeros(y.shape)), math.log(2), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.float16, np.float32])
def test_narrow_labels_are_counted_wide(dtype):
    y = np.zeros(100_000, dtype)
    y[:30_001] = 1
    assert BinaryCrossEntropy.balanced(y) == BinaryCrossEntropy.balanced(y.astype(float))


# Printing and keeping

spelt = st.builds(
    lambda bce, pos, neg: BinaryCrossEntropy(**(bce.get_config() | pos | neg)),
    members(),
    st.just({}) | st.lists(weights, min_size=1, max_size=3).map(lambda w: {"pos_weight": w}),
    st.just({}) | st.lists(weights, min_size=1, max_size=3).map(lambda w: {"neg_weight": w}),
) | st.builds(BinaryCrossEntropy.focal, gammas, st.none() | fractions)


@settings(law, max_examples=300)
@given(spelt)
def test_what_is_printed_can_be_parsed(bce):
    assert BinaryCrossEntropy.parse(str(bce)) == bce
    assert repr(BinaryCrossEntropy.parse(repr(bce))) == repr(bce)


@settings(law, max_examples=300)
@given(spelt)
def test_a_configuration_gives_the_object_back(bce):
    again = BinaryCrossEntropy.from_config(json.loads(json.dumps(bce.get_config(), allow_nan=False)))
    assert again == bce
    assert hash(again) == hash(bce)
    assert repr(again) == repr(bce)


@law
@given(spelt, spelt)
def test_equal_objects_hash_alike_and_print_alike(one, other):
    assert (one == other) == (repr(one) == repr(other))
    assert one != other or hash(one) == hash(other)


def test_one_loss_has_one_object():
    assert BinaryCrossEntropy(gamma=2, gamma_neg=2) == BinaryCrossEntropy(gamma=2)
    assert BinaryCrossEntropy.focal(gamma=2, alpha=0.25) == BinaryCrossEntropy(
        gamma=2, pos_weight=0.25, neg_weight=0.75
    )
    assert BinaryCrossEntropy.asymmetric() == BinaryCrossEntropy(gamma=1, gamma_neg=4, margin=0.05)
    assert repr(BinaryCrossEntropy(pos_weight=-0.0)) == repr(BinaryCrossEntropy(pos_weight=0))
    assert len({BinaryCrossEntropy(gamma=2), BinaryCrossEntropy(gamma=2.0), BinaryCrossEntropy()}) == 2


@pytest.mark.parametrize(
    ("spelling", "bce"),
    [
        ("bce", BinaryCrossEntropy()),
        ("weighted(pos_weight=3)", BinaryCrossEntropy(pos_weight=3)),
        ("smoothed", BinaryCrossEntropy(label_smoothing=0.1)),
        ("smoothed(label_smoothing=0.05)", BinaryCrossEntropy(label_smoothing=0.05)),
        ("focal", BinaryCrossEntropy(gamma=2, pos_weight=0.25, neg_weight=0.75)),
        ("focal(gamma=3, alpha=0.5)", BinaryCrossEntropy(gamma=3, pos_weight=0.5, neg_weight=0.5)),
        ("focal( gamma = 3 , alpha=None )", BinaryCrossEntropy(gamma=3)),
        ("asymmetric", BinaryCrossEntropy(gamma=1, gamma_neg=4, margin=0.05)),
        ("asymmetric(gamma_neg=2)", BinaryCrossEntropy(gamma=1, gamma_neg=2, margin=0.05)),
        ("bce(from_logits=true, epsilon=1e-3)", BinaryCrossEntropy(from_logits=True, epsilon=1e-3)),
        ("weighted(pos_weight=(1, 2.5), gamma=.5)", BinaryCrossEntropy(pos_weight=(1, 2.5), gamma=0.5)),
    ],
)
def test_spellings_of_the_command_line(spelling, bce):
    assert BinaryCrossEntropy.parse(spelling) == bce


def test_weighted_without_weights_balances_the_labels():
    assert BinaryCrossEntropy.parse("weighted", [1, 0, 0, 0]) == BinaryCrossEntropy.balanced([1, 0, 0, 0])
    balanced = BinaryCrossEntropy.parse("weighted(gamma=1)", [1, 0, 0, 0])
    assert balanced == BinaryCrossEntropy.balanced([1, 0, 0, 0], gamma=1)
