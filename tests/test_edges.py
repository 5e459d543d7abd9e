"""The edges of the domain: the table "Edges" of docs/numerics.md row by row, ranges of parameters, and silence."""

import math
import pickle
from dataclasses import fields
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from logloss import BinaryCrossEntropy, conventions, log_loss
from logloss.core import formula
from logloss.core.errors import LogitError, ParameterError
from logloss.core.work import clip_bounds

INF = math.inf
DTYPES = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]
LARGE = {np.float64: 700.0, np.float32: 100.0, np.float16: 15.0, ml_dtypes.bfloat16: 80.0}

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
gammas = pytest.mark.parametrize("gamma", [0, 0.3, 0.5, 1, 2, 2.5, 50])


def logit(**options: Any) -> BinaryCrossEntropy:
    return BinaryCrossEntropy(from_logits=True, **options)


def probability(**options: Any) -> BinaryCrossEntropy:
    return BinaryCrossEntropy(**({"epsilon": 0} | options))


def of(bce: BinaryCrossEntropy, y: float, x: float, dtype: Any = np.float64) -> tuple[float, float, float]:
    """Loss, gradient and hessian of one element."""
    x = np.array(x, dtype)
    return tuple(float(getattr(bce, quantity)(y, x)) for quantity in ("loss", "gradient", "hessian"))


# Infinite logits


@dtypes
@gammas
def test_a_certainty_that_was_right_costs_nothing(dtype, gamma):
    assert of(logit(gamma=gamma), 1, INF, dtype) == (0, 0, 0)
    assert of(logit(gamma=gamma), 0, -INF, dtype) == (0, 0, 0)


@dtypes
@gammas
def test_a_certainty_that_was_wrong_costs_infinity_and_pulls_with_its_weight(dtype, gamma):
    bce = logit(gamma=gamma, pos_weight=3, neg_weight=0.5)
    assert of(bce, 1, -INF, dtype) == (INF, -3, 0)
    assert of(bce, 0, INF, dtype) == (INF, 0.5, 0)
    assert of(bce, 0.25, -INF, dtype) == (INF, -0.75, 0)
    assert of(bce, 0.25, INF, dtype) == (INF, 0.375, 0)


def test_a_smoothed_certainty_is_wrong_on_one_side():
    bce = logit(label_smoothing=0.25)
    assert of(bce, 1, INF) == (INF, 0.125, 0)
    assert of(bce, 0, -INF) == (INF, -0.125, 0)


@dtypes
@pytest.mark.parametrize("gamma_neg", [0, 0.5, 1, 2, 4])
def test_a_margin_gives_a_wrong_certainty_a_finite_limit(dtype, gamma_neg):
    bce = logit(gamma_neg=gamma_neg, margin=0.25, neg_weight=2)
    loss, gradient, hessian = of(bce, 0, INF, dtype)
    assert loss == float(np.array(2 * 0.75**gamma_neg * math.log(4), dtype))
    assert (gradient, hessian) == (0, 0)
    assert of(bce, 1, -INF, dtype) == (INF, -1, 0)


@pytest.mark.parametrize("margin", [1e-5, 1e-100, 1e-160, 1e-300, 5e-324])
def test_the_smallest_margin_saturates_too(margin):
    loss, gradient, hessian = of(logit(margin=margin), 0, INF)
    assert loss == pytest.approx(-math.log(margin), rel=1e-15)
    assert (gradient, hessian) == (0, 0)


@gammas
@pytest.mark.parametrize("z", [-1e300, -1e5, -1e4, -800.0, 800.0, 1e4, 1e5, 1e300])
def test_limits_are_reached_before_infinity(gamma, z):
    bce = logit(gamma=gamma)
    assert of(bce, float(z < 0), z) == (abs(z), math.copysign(1, z), 0)
    assert of(bce, float(z > 0), z) == (0, 0, 0)


@pytest.mark.parametrize("gamma", [1e-300, 1e-5, 1e3, 123456.789, 1e6])
def test_no_gamma_makes_a_loss_negative_or_undefined(gamma):
    z = np.concatenate([np.linspace(-50, 50, 201), [-INF, INF, -1e5, 1e5, 1e-300]])
    loss, gradient = logit(gamma=gamma).loss_gradient(np.ones_like(z), z)
    assert np.all(loss >= 0)
    assert np.all(gradient <= 0)
    p = np.concatenate([np.linspace(0, 1, 101), [1e-300, 1e-20, 1 - 1e-16]])
    loss, gradient = probability(gamma=gamma).loss_gradient(np.ones_like(p), p)
    assert np.all(loss >= 0)
    assert np.all(gradient <= 0)


# The margin


@dtypes
@pytest.mark.parametrize("gamma_neg", [0, 0.5, 1, 4])
@pytest.mark.parametrize("margin", [0.25, 0.5])
def test_at_the_margin_and_below_a_negative_costs_nothing(dtype, gamma_neg, margin):
    bce = probability(gamma_neg=gamma_neg, margin=margin)
    for p in (0, margin / 2, margin):
        assert of(bce, 0, p, dtype) == (0, 0, 0)
    above = margin + 0.125
    assert of(bce, 0, above, dtype)[0] > 0
    assert of(bce, 0, above, dtype)[1] > 0


def test_at_the_margin_a_logit_costs_nothing():
    assert of(logit(margin=0.5), 0, 0.0) == (0, 0, 0)
    assert of(logit(margin=0.5), 0, 1e-9)[1] > 0
    assert of(logit(margin=0.05, gamma_neg=4), 0, -3.0) == (0, 0, 0)


# Zero to the power of zero, and zero times infinity


def test_zero_to_the_power_of_zero_is_one():
    assert of(probability(gamma=0), 1, 0.0) == (INF, -INF, INF)
    assert of(probability(gamma=0), 1, 1.0) == (0, -1, 1)
    assert of(probability(gamma_neg=0, gamma=3), 0, 0.0) == (0, 1, 1)
    assert of(logit(gamma=0), 0, INF)[1] == 1


@gammas
def test_probabilities_of_zero_and_one_without_a_clip(gamma):
    bce = probability(gamma=gamma)
    wrong, right = of(bce, 1, 0.0), of(bce, 1, 1.0)
    assert wrong == (INF, -INF, INF)
    assert right[0] == 0
    assert right[1] == (-1 if gamma == 0 else 0)
    # Near p = 1 the loss is as (1 - p) ** (gamma + 1).
    assert right[2] == (1 if gamma == 0 else INF if gamma < 1 else 2 if gamma == 1 else 0)
    assert of(bce, 0, 1.0) == (INF, INF, INF)
    assert of(bce, 0, 0.0) == (0, -right[1], right[2])


def test_a_term_without_a_coefficient_is_zero_even_beside_infinity():
    assert of(probability(pos_weight=0), 1, 0.0) == (0, 0, 0)
    assert of(probability(neg_weight=0), 0, 1.0) == (0, 0, 0)
    assert of(logit(pos_weight=0), 1, -INF) == (0, 0, 0)
    assert probability().loss(1, 0.0, sample_weight=0.0) == 0
    assert probability()([1, 1], [0.0, 0.5], sample_weight=[0, 1], reduction="sum") == math.log(2)


# Not a number


@pytest.mark.parametrize("margin", [0, 0.3])
@pytest.mark.parametrize("gamma", [0, 1, 2.5])
def test_not_a_number_is_refused_or_stays_what_it_is(gamma, margin):
    # Where values are looked at it is refused; in traced code nobody looks, and it must not turn into a loss of 0.
    with pytest.raises(LogitError):
        logit(gamma=gamma, margin=margin).loss([0.5], [math.nan])
    x, focus = np.array([math.nan]), formula.Focus(gamma, gamma, margin)
    for positive, negative in ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5)):
        sides, all_of_it = (np.array([positive]), np.array([negative])), ("loss", "gradient", "hessian")
        for result in (
            *formula.from_logits(np, x, *sides, focus, all_of_it),
            *formula.from_probabilities(np, x, *sides, focus, formula.Ends(0, 1), all_of_it),
        ):
            assert np.isnan(result).all()


# Clips


@pytest.mark.parametrize("work", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("epsilon", [1e-300, 1e-45, 1e-17, 1e-8, 1e-7, 1e-3, 0.25, 0.4999])
def test_one_minus_epsilon_is_below_one_and_epsilon_above_zero(work, epsilon):
    low, high = clip_bounds(epsilon, work)
    assert 0 < low <= high < 1
    assert float(work(low)) == low
    assert float(work(high)) == high
    assert clip_bounds(0.0, work) == (0, 1)


@dtypes
@pytest.mark.parametrize("epsilon", [1e-300, 1e-12, 1e-7, 1e-3])
def test_a_clipped_probability_costs_finitely_in_every_type(dtype, epsilon):
    bce = BinaryCrossEntropy(epsilon=epsilon)
    for y, p in ((1, 0.0), (0, 1.0)):
        value, gradient = bce.value_and_gradient([y], np.array([p], dtype))
        assert 0 < value < INF
        assert abs(float(gradient[0])) > 1


@dtypes
def test_beyond_the_clip_the_gradient_is_the_gradient_at_the_clip(dtype):
    bce = BinaryCrossEntropy(epsilon=0.125)
    for outside, at in ((0, 0.125), (0.0625, 0.125), (1, 0.875), (0.9375, 0.875)):
        for y in (0, 0.5, 1):
            assert of(bce, y, outside, dtype) == of(bce, y, at, dtype)
    assert of(bce, 1, 0.0, dtype)[1] == -8


def test_logits_are_never_clipped():
    for z in (-40.0, 40.0):
        assert of(logit(epsilon=0.4), 1, z) == of(logit(epsilon=0), 1, z)


# Nothing vanishes


@dtypes
@gammas
def test_a_confident_mistake_keeps_its_gradient(dtype, gamma):
    z = np.array([-LARGE[dtype], LARGE[dtype]], dtype)
    loss, gradient = logit(gamma=gamma).loss_gradient([1, 0], z)
    np.testing.assert_array_equal(gradient.astype(float), [-1, 1])
    np.testing.assert_array_equal(loss, abs(z))


@dtypes
def test_a_tiny_loss_is_never_zero_while_it_can_be_represented(dtype):
    info = ml_dtypes.finfo(dtype)
    smallest = float(info.smallest_subnormal)
    z = np.linspace(1, -math.log(smallest), 200).astype(dtype)
    z = z[np.exp(-z.astype(float)) > smallest]
    for y, sign in ((1, 1), (0, -1)):
        loss, gradient = logit().loss_gradient(np.full(z.shape, y), sign * z)
        assert np.all(loss > 0)
        assert np.all(sign * gradient < 0)
        assert np.all(logit().hessian(np.full(z.shape, y), sign * z) > 0)
    p = np.array([smallest], dtype)
    assert float(probability().loss([0], p)[0]) == smallest
    assert probability()([0], p) == pytest.approx(smallest, rel=1e-7, abs=0)  # a sum is of float64


def test_the_values_that_famous_formulas_lose():
    # softplus(z) - y z is 0 here, p - y as well, and max(z, 0) - z y + log1p(e) is 1.9e-6 in the third.
    assert logit().loss(1, 20.0) == pytest.approx(2.0611536203e-09, rel=1e-10)
    assert logit().gradient(1, 20.0) == pytest.approx(-2.0611536182e-09, rel=1e-10)
    y, z = np.array([1 - 2.0**-24], np.float32), np.array([20], np.float32)
    assert logit().loss(y, z)[0] == pytest.approx(1.1941538e-06, rel=1e-7)
    assert logit().loss(0, -700.0) == pytest.approx(math.exp(-700), rel=1e-15)


def test_a_weight_too_small_for_the_predictions_is_still_a_weight():
    p = np.array([0.25, 0.5], np.float32)
    light = BinaryCrossEntropy()([1, 1], p, sample_weight=[1e-60, 1e-60], reduction="weighted_mean")
    assert light == pytest.approx(BinaryCrossEntropy()([1, 1], p), rel=2**-22)  # of which one is worked out in float64
    heavy = BinaryCrossEntropy().loss([1, 1], np.array([1, 0.5], np.float32), sample_weight=[1e60, 1e-60])
    assert heavy[1] == 0
    assert not np.isnan(heavy).any()


def test_a_label_too_close_to_one_for_the_predictions_is_still_soft():
    # 1 - y is 1e-9, and float32 would round this label to 1.
    assert logit().loss([1 - 1e-9], np.array([60], np.float32))[0] == pytest.approx(60e-9, rel=1e-6)


# Parameters


@pytest.mark.parametrize(
    ("name", "refused", "taken"),
    [
        ("gamma", [-1e-9, INF, math.nan, "2", None, True, [1], 1j, 10**400], [0, 5, 1e3, np.float32(0.5), np.int64(2)]),
        ("gamma_neg", [-1e-9, INF, math.nan, "2", True], [0, 5, None]),
        ("margin", [-1e-9, 1, 1.5, INF, math.nan, "0", None], [0, 0.5, 1 - 1e-16]),
        ("label_smoothing", [-1e-9, 1.0000001, INF, math.nan, "0", None], [0, 0.5, 1]),
        ("epsilon", [-1e-9, 0.5, 1, INF, math.nan, "auto", None], [0, 1e-300, 0.499]),
        ("pos_weight", [-1e-9, INF, math.nan, "1", None, {0: 1.0}, {1.0}, [], [1, -1], [[1]], ["1"]], [0, 3, (1, 0)]),
        ("neg_weight", [-1e-9, INF, math.nan, "1", None, [1, INF]], [0, 3, [1, 0], np.array([1.0, 2.0])]),
        ("from_logits", ["yes", 1, 0, None], [True, False, np.True_]),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(name, refused, taken):
    for value in refused:
        with pytest.raises(ParameterError, match=name):
            BinaryCrossEntropy(**{name: value})
    for value in taken:
        BinaryCrossEntropy(**{name: value})


def test_class_weights_along_several_axes_are_refused_with_the_way_to_name_one():
    with pytest.raises(ParameterError, match=r"neg_weight has shape \(1, 2\).*Use neg_weight\.ravel\(\).*class_axis"):
        BinaryCrossEntropy(neg_weight=np.ones((1, 2)))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan, "1"])
def test_alpha_out_of_range_is_refused_by_name(alpha):
    with pytest.raises(ParameterError, match="alpha"):
        BinaryCrossEntropy.focal(alpha=alpha)


def test_a_loss_cannot_be_changed():
    bce = BinaryCrossEntropy()
    with pytest.raises(AttributeError):
        bce.gamma = 2.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        BinaryCrossEntropy(True)  # type: ignore[misc]


# Silence


def corners(dtype: Any) -> dict[str, Any]:
    """Values from every corner of a type, made where nothing is raised."""
    with np.errstate(all="ignore"):
        p = np.array([0, 5e-324, 1e-310, 1e-160, 1e-8, 0.25, 0.5, 0.75, 1 - 1e-8, 1 - 1e-16, 1]).astype(dtype)
        return {
            "logits": np.array([-INF, -1e5, -750, -100, -1, -1e-310, 0, 1e-310, 1, 750, INF]).astype(dtype),
            "probabilities": p,
            "pairs": np.stack([p, (1 - p.astype(float)).astype(dtype)], axis=1),
            "weights": np.linspace(0, 1, len(p)) * 1e-310,
            "hidden": np.array([math.nan, INF, -INF, 1e38, -7, 0.5]).astype(dtype),
        }


def call_everything(at: dict[str, Any]) -> None:
    n = len(at["logits"])
    for gamma, margin in ((0, 0), (0.3, 0), (1, 0.25), (2, 0), (2.5, 1e-310), (50, 0.5)):
        for from_logits, x in ((True, at["logits"]), (False, at["probabilities"])):
            for epsilon in (0, 1e-300, 1e-7):
                bce = BinaryCrossEntropy(
                    from_logits=from_logits,
                    gamma=gamma,
                    margin=margin,
                    epsilon=epsilon,
                    label_smoothing=1e-310,
                    pos_weight=1e-200,
                    neg_weight=1e308,
                )
                for y in (0.0, 5e-324, 0.5, 1.0):
                    y = np.full(n, y)
                    for reduction in ("none", "sum", "mean", "weighted_mean"):
                        bce.value_and_gradient(y, x, sample_weight=at["weights"], reduction=reduction)
                    bce.gradient_hessian(y, x, mask=at["weights"] > 0)
    for bce in (BinaryCrossEntropy(), logit()):
        bce(at["hidden"], at["hidden"], mask=np.arange(6) == 5)
        bce(at["hidden"], at["hidden"], sample_weight=np.arange(6) == 5, reduction="weighted_mean")
        for y, x in ((0.5, math.nan), (math.nan, 0.5)):
            with pytest.raises(ValueError, match=r"not a number|outside"):
                bce(np.full(6, y).astype(x_type := at["hidden"].dtype), np.full(6, x).astype(x_type))
    for y in (np.arange(n) % 2, np.full(n, 5e-324)):
        conventions(y, at["probabilities"])
    log_loss(np.arange(n) % 2, at["probabilities"], sample_weight=at["weights"])
    log_loss(np.arange(n) % 2, at["pairs"], sample_weight=at["weights"])
    BinaryCrossEntropy.balanced(np.array([1e-310, 0.5, 1.0]))


@dtypes
@pytest.mark.parametrize("mode", ["warn", "raise", "call"])
def test_numpy_never_complains_and_the_callers_error_state_stays(dtype, mode):
    # Warnings are errors in these tests, and a call of NumPy's error handler is one here.
    def complain(kind: str, _: int) -> None:
        raise AssertionError(kind)

    at = corners(dtype)
    with np.errstate(all=mode, call=complain):
        before = np.geterr(), np.geterrcall()
        call_everything(at)
        assert (np.geterr(), np.geterrcall()) == before


def test_a_pickled_loss_holds_its_parameters_and_nothing_else():
    bce = BinaryCrossEntropy.focal(gamma=2.5, from_logits=True)
    bce([1.0], [0.0])
    copy = pickle.loads(pickle.dumps(bce))  # noqa: S301, made here
    assert copy == bce
    assert set(vars(copy)) == {field.name for field in fields(bce)}
    assert copy([1.0], [0.3]) == bce([1.0], [0.3])
