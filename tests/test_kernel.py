"""The compiled kernels: one answer whatever the layout, the instruction set and the caller's settings."""

import itertools
import os
import subprocess
import sys
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from logloss import BinaryCrossEntropy
from logloss.core.errors import LogitError
from tests.kernel_cases import MEMBERS, assert_same_bits, data, results
from tests.paths import KERNELS, METHODS, kernel

FUSED = [name for name in KERNELS if name != "baseline"]  # which have fused multiply-add

members = pytest.mark.parametrize("bce", MEMBERS.values(), ids=MEMBERS)
kernels = pytest.mark.parametrize("name", KERNELS)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_there_is_a_compiled_kernel():
    assert KERNELS


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(FUSED, 2)))
@dtypes
@members
def test_same_bits_on_every_instruction_set(one, other, dtype, bce):
    y, z = data(bce, 20_001, dtype)
    y = np.where(np.arange(len(y)) % 3, y, np.random.default_rng(1).random(len(y)).astype(dtype))
    made = []
    for name in (one, other):
        with kernel(name):
            made.append(results(bce, y, z))
    assert_same_bits(*made)


@kernels
@dtypes
@members
def test_any_layout_gives_the_same_bits(name, dtype, bce):
    y, z = (a.reshape(30, 41, 7) for a in data(bce, 30 * 41 * 7, dtype))
    weight = np.random.default_rng(2).random(30)
    shown = np.random.default_rng(3).random((30, 41, 7)) < 0.8

    def unaligned(a: np.ndarray) -> np.ndarray:
        memory = np.empty(a.nbytes + 1, np.uint8)
        made = memory[1:].view(a.dtype).reshape(a.shape)
        made[...] = a
        return made

    def spread(a: np.ndarray) -> np.ndarray:
        made = np.zeros((*a.shape[:-1], 3 * a.shape[-1]), a.dtype)
        made[..., ::3] = a
        return made[..., ::3]

    layouts = [np.asfortranarray, unaligned, spread, lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]]
    with kernel(name):
        whole = bce.value_and_gradient(y, z, sample_weight=weight, mask=shown)
        for one, other in itertools.product(layouts, repeat=2):
            made = bce.value_and_gradient(one(y), other(z), sample_weight=weight, mask=one(shown))
            assert made[0] == whole[0]
            assert np.array_equal(made[1], whole[1])
        out = spread(np.zeros_like(z))
        assert np.array_equal(bce.loss(y, z, loss_out=out), bce.loss(y, z))


@kernels
@dtypes
@settings(max_examples=40, deadline=None, derandomize=True)
@given(n=st.integers(0, 70), seed=st.integers(0, 9))
def test_every_length_and_element_is_the_same_alone(name, dtype, n, seed):
    y, z = data(MEMBERS["plain"], n, dtype, seed)
    bce = MEMBERS["plain"]
    with kernel(name):
        whole = bce.loss_gradient(y, z)
        alone = [bce.loss_gradient(y[i], z[i]) for i in range(n)]
        assert bce(y, z, reduction="sum") == float(sum(map(Fraction, whole[0].tolist())))
    for i, pair in enumerate(alone):
        assert (whole[0][i], whole[1][i]) == pair


@kernels
@dtypes
def test_sums_are_exact_however_far_apart_the_terms(name, dtype):
    y, z = data(MEMBERS["plain"], 30_000, dtype)
    z[::7] = np.random.default_rng(1).uniform(-700, 700, len(z[::7])) if dtype == np.float64 else z[::7] / 10
    # Heavier ones would be worked out in float64, and summed before they are rounded to float32.
    weight = np.ldexp(1.0, np.random.default_rng(2).integers(-60, 60 if dtype == np.float64 else 4, len(z)))
    bce = MEMBERS["plain"]
    with kernel(name):
        each = bce.loss(y, z, sample_weight=weight)
        total = sum(map(Fraction, each.tolist()))
        assert bce(y, z, sample_weight=weight, reduction="sum") == float(total)
        assert bce(y, z, sample_weight=weight) == float(total / len(z))


@kernels
@dtypes
@pytest.mark.parametrize("n", [2, 1000, 30_000])
def test_an_infinite_loss_makes_every_reduction_infinite(name, dtype, n):
    y, z = np.ones(n, dtype), np.full(n, 3, dtype)
    z[n // 2] = -np.inf
    with kernel(name):
        for reduction in ("sum", "mean", "weighted_mean"):
            value, gradient = MEMBERS["plain"].value_and_gradient(y, z, reduction=reduction)
            assert value == np.inf
            assert np.isfinite(gradient).all()


@kernels
def test_no_weight_is_too_small_or_too_large_for_float32_to_be_one(name):
    y, z = data(MEMBERS["plain"], 100, np.float32)
    z = np.clip(z, -80, 80)
    with kernel(name):
        for light in (1e-60, 1e-44, 1e-30, 1e30, 1e60):
            for bce in (
                BinaryCrossEntropy(from_logits=True, pos_weight=light, neg_weight=light),
                BinaryCrossEntropy(from_logits=True, pos_weight=(light,), neg_weight=light),
            ):
                made = bce(y[:, None], z[:, None], reduction="sum")
                assert made == pytest.approx(light * MEMBERS["plain"](y, z, reduction="sum"), rel=1e-6, abs=0)
            for dtype in (np.float64, np.float32):
                if dtype == np.float32 and not 1e-45 < light < 1e38:
                    continue  # which that type cannot hold
                weight = np.full(100, light, dtype)
                bce = BinaryCrossEntropy(from_logits=True, pos_weight=0.5**29, neg_weight=0.5**29)
                made = bce(y, z, sample_weight=weight, reduction="sum")
                expected = float(weight[0]) * 0.5**29 * MEMBERS["plain"](y, z, reduction="sum")
                assert made == pytest.approx(expected, rel=1e-6, abs=0)


@kernels
def test_the_callers_settings_of_the_processor_neither_matter_nor_change(name):
    # Beyond -87 results of float32 are subnormal, and PyTorch can tell the processor to make them 0.
    y, z = np.ones(100, np.float32), np.linspace(88, 102, 100, dtype=np.float32)
    bce = MEMBERS["plain"]
    with kernel(name):
        expected = bce.loss(y, z)
        torch.set_flush_denormal(True)
        try:
            made = bce.loss(y, z)
            flushed = float((torch.tensor(1e-40) * 1).item())
        finally:
            torch.set_flush_denormal(False)
    assert (expected > 0).all()
    assert made.tobytes() == expected.tobytes()
    assert flushed == 0


@pytest.mark.parametrize("wanted", [*KERNELS, "numpy"])
def test_the_environment_forces_a_kernel(wanted):
    code = "import logloss; print(logloss.active_kernel())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"LOGLOSS_KERNEL": wanted}, capture_output=True, text=True
    )
    assert done.stdout.strip() == wanted, done.stderr


def test_a_kernel_that_is_none_is_refused():
    code = "import logloss; logloss.active_kernel()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"LOGLOSS_KERNEL": "avx513"}, capture_output=True, text=True
    )
    assert "LOGLOSS_KERNEL=avx513 is not a kernel that was built for this processor" in done.stderr


@kernels
@pytest.mark.parametrize("method", METHODS)
def test_labels_of_any_type_are_the_same_labels(name, method):
    y, z = data(MEMBERS["plain"], 1000, np.float32)
    bce = MEMBERS["plain"]
    with kernel(name):
        expected = getattr(bce, method)(y, z)
        for dtype in (np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64):
            made = getattr(bce, method)(y.astype(dtype), z)
            pairs = zip(made, expected, strict=True) if isinstance(made, tuple) else [(made, expected)]
            for one, other in pairs:
                assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


@kernels
@dtypes
@pytest.mark.parametrize("bce", [BinaryCrossEntropy(), BinaryCrossEntropy.focal(from_logits=True)], ids=str)
def test_a_zero_of_either_sign_is_the_same_label_probability_and_weight(name, dtype, bce):
    zeros, others = np.zeros(100, dtype), np.linspace(0, 1, 100, dtype=dtype)
    weight = np.where(np.arange(100) % 2, 1, 0).astype(dtype)
    with kernel(name), mock.patch("logloss.core.blocks.run", side_effect=AssertionError("the kernel did not do it")):
        for y, x, w in ((zeros, others, None), (others, zeros, None), (zeros, zeros, weight)):
            negated = [np.where(a == 0, -a, a) for a in (y, x)]
            signed = [np.where(w == 0, -w, w) if w is not None else None]
            made = bce.loss_gradient(*negated, sample_weight=signed[0])
            expected = bce.loss_gradient(y, x, sample_weight=w)
            np.testing.assert_allclose(made, expected, rtol=4 * np.finfo(dtype).eps, atol=0)


HEAVY = [
    # a logit far out, beside coefficients that bring back what float32 has lost there
    (BinaryCrossEntropy(from_logits=True), 1, 104, {"sample_weight": 2.0**20}),
    (BinaryCrossEntropy(from_logits=True), 1, 100, {"sample_weight": 1e6}),
    (BinaryCrossEntropy(from_logits=True, pos_weight=1e6), 1, 100, {}),
    (BinaryCrossEntropy(from_logits=True, pos_weight=(1e6,)), 1, 100, {}),
    (BinaryCrossEntropy.focal(alpha=None, from_logits=True), 1, 36, {"sample_weight": 1e6}),
    (BinaryCrossEntropy.focal(alpha=None, from_logits=True, pos_weight=1e6), 1, 36, {}),
    # a label so small that its coefficient would be lost
    (BinaryCrossEntropy(from_logits=True), 1e-30, -50, {"sample_weight": 1e-18}),
    (BinaryCrossEntropy(from_logits=True, pos_weight=2.0**-30), 1e-38, -50, {}),
    (BinaryCrossEntropy(from_logits=True, pos_weight=2.0**-30), 1e-38, -np.inf, {}),
]


@kernels
@pytest.mark.parametrize(("bce", "y", "z", "options"), HEAVY)
def test_a_coefficient_brings_back_no_digits_that_were_lost(name, bce, y, z, options):
    y, z = np.full((3, 1), y, np.float32), np.full((3, 1), z, np.float32)
    weights = {key: np.full(3, value, np.float32) for key, value in options.items()}
    made = {}
    for path in (name, "numpy"):
        with kernel(path):
            made[path] = [*bce.loss_gradient(y, z, **weights), bce(y, z, reduction="sum", **weights)]
    for one, other in zip(made[name], made["numpy"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=3e-45)
        assert np.array_equal(np.equal(one, 0), np.equal(other, 0))


@kernels
@pytest.mark.parametrize("light", [1e-6, 1e-17])
def test_a_small_divisor_brings_back_no_digits_that_were_lost(name, light):
    y, z, weight = np.ones(2, np.float32), np.array([85, 70], np.float32), np.array([light, light], np.float32)
    made = {}
    for path in (name, "numpy"):
        with kernel(path):
            _, made[path] = MEMBERS["plain"].value_and_gradient(y, z, sample_weight=weight, reduction="weighted_mean")
    np.testing.assert_allclose(made[name], made["numpy"], rtol=1e-6, atol=0)


@kernels
def test_a_mean_gradient_is_finite_where_the_sums_is_not(name):
    p, y = np.full(10, 1e-39, np.float32), np.ones(10, np.float32)
    with kernel(name):
        _, gradient = BinaryCrossEntropy(epsilon=0).value_and_gradient(y, p)
    np.testing.assert_allclose(gradient, -1 / p.astype(float) / 10, rtol=1e-6)


@pytest.mark.parametrize("name", [*KERNELS, "numpy"])
@pytest.mark.parametrize(
    "bce", [BinaryCrossEntropy(epsilon=0), BinaryCrossEntropy.focal(epsilon=0, alpha=None)], ids=str
)
def test_a_probability_of_minus_zero_is_zero(name, bce):
    with kernel(name):
        loss, gradient = bce.loss_gradient([1.0], [-0.0])
    assert (loss[0], gradient[0]) == (np.inf, -np.inf)


@kernels
def test_a_boolean_is_true_whatever_its_byte(name):
    odd = np.frombuffer(bytes([0, 1, 2, 255]), np.bool_)
    y, z = np.array([1, 0, 1, 0.0]), np.array([1.0, -2, 3, 4])
    with kernel(name):
        for arguments in ({"sample_weight": odd}, {"mask": odd}):
            plain = {key: value.astype(np.uint8).astype(np.bool_) for key, value in arguments.items()}
            assert MEMBERS["plain"](y, z, **arguments) == MEMBERS["plain"](y, z, **plain)
        assert MEMBERS["plain"](odd, z) == MEMBERS["plain"]([0, 1, 1, 1], z)


@kernels
def test_two_sides_that_are_finite_have_a_finite_sum(name):
    with kernel(name):
        alone = float(MEMBERS["plain"].loss([0.875], [1.8])[0])
        for bce, weight in (
            (BinaryCrossEntropy(from_logits=True, pos_weight=2, neg_weight=2), 1e308),
            (BinaryCrossEntropy(from_logits=True, pos_weight=1.5e308, neg_weight=1.5e308), 1.0),
        ):
            made = bce.loss([0.875], [1.8], sample_weight=[weight])
            assert made[0] == pytest.approx(bce.pos_weight * (weight * alone), rel=1e-15)


@kernels
def test_results_side_by_side_are_the_kernels(name):
    y, z = data(MEMBERS["plain"], 1000, np.float32)
    both = np.zeros((1000, 2), np.float32)
    with kernel(name):
        expected = MEMBERS["plain"].gradient_hessian(y, z)
        with mock.patch("logloss.core.blocks.run", side_effect=AssertionError("the kernel did not do it")):
            MEMBERS["plain"].gradient_hessian(y, z, gradient_out=both[:, 0], hessian_out=both[:, 1])
    assert_same_bits(list(both.T), list(expected))


@kernels
def test_a_buffer_over_an_input_is_written_last(name):
    y, z = np.array([1.0, 0, 1], np.float32), np.array([100.0, 2, -3], np.float32)
    bce = BinaryCrossEntropy(from_logits=True, pos_weight=1e6)  # for which the kernel has to begin again
    with kernel(name):
        expected = bce.gradient(y, z)
        memory = z.copy()
        assert_same_bits([bce.gradient(y, memory, gradient_out=memory)], [expected])
        memory = np.array([100.0, np.nan, -3], np.float32)
        with pytest.raises(LogitError, match=r"1 of 3.*y_pred\[1\] = nan"):
            bce.gradient(y, memory, gradient_out=memory)


@kernels
def test_a_reduced_value_is_kept_from_the_callers_settings_too(name):
    expected = MEMBERS["plain"]([1.0], [720.0])
    with kernel(name):
        torch.set_flush_denormal(True)
        try:
            made = MEMBERS["plain"]([1.0], [720.0])
        finally:
            torch.set_flush_denormal(False)
    assert made == expected > 0
