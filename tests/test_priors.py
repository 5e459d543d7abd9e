"""What class weights do to probabilities, and its undoing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import logit

from logloss import BinaryCrossEntropy
from logloss.training import priors

law = settings(deadline=None, derandomize=True)

WEIGHTS = st.floats(1e-3, 1e3)


@law
@given(WEIGHTS, WEIGHTS)
def test_the_shift_is_minus_the_log_of_the_ratio(a, b):
    (shift,) = priors.shift(BinaryCrossEntropy(pos_weight=a, neg_weight=b), 1)
    assert shift == pytest.approx(-math.log(a / b), abs=1e-14, rel=1e-14)


@law
@given(WEIGHTS, WEIGHTS, st.floats(0.01, 0.99), st.sampled_from([0.0, 0.1]))
def test_the_shift_brings_the_best_constant_back_to_the_base_rate(a, b, rate, smoothing):
    bce = BinaryCrossEntropy(pos_weight=a, neg_weight=b, label_smoothing=smoothing, from_logits=True)
    best = minimize_scalar(lambda z: bce([rate], [z]), bounds=(-20, 20), method="bounded", options={"xatol": 1e-9}).x
    soft = rate * (1 - smoothing) + smoothing / 2
    assert best + priors.shift(bce, 1)[0] == pytest.approx(logit(soft), abs=1e-4)


def test_one_shift_a_label():
    bce = BinaryCrossEntropy(pos_weight=(1.0, 2.0, 3.0), neg_weight=2.0)
    np.testing.assert_allclose(priors.shift(bce, 3), [math.log(2), 0, -math.log(1.5)])
    np.testing.assert_allclose(priors.shift(BinaryCrossEntropy(pos_weight=2.0), 2), [-math.log(2)] * 2)
    assert priors.shift(BinaryCrossEntropy(), 2).tolist() == [0, 0]
    assert str(priors.shift(BinaryCrossEntropy(), 1)) == "[0.]"  # not -0


@pytest.mark.parametrize(
    "bce",
    [
        BinaryCrossEntropy.focal(),
        BinaryCrossEntropy.asymmetric(),
        BinaryCrossEntropy(pos_weight=3.0, margin=0.1),
        BinaryCrossEntropy(pos_weight=3.0, gamma_neg=1.0),
        BinaryCrossEntropy(pos_weight=0.0),
        BinaryCrossEntropy(neg_weight=0.0),
    ],
)
def test_what_no_shift_undoes_is_not_shifted_and_stands_distorted(bce):
    assert priors.shift(bce, 1).tolist() == [0]
    assert priors.standing(bce, corrected=True) == priors.standing(bce, corrected=False) == "distorted"


@pytest.mark.parametrize(
    ("bce", "corrected", "raw"),
    [
        (BinaryCrossEntropy(), "exact", "exact"),
        (BinaryCrossEntropy(epsilon=0.1, from_logits=True), "exact", "exact"),
        (BinaryCrossEntropy(pos_weight=3.0, neg_weight=3.0), "exact", "exact"),
        (BinaryCrossEntropy(pos_weight=(2.0, 3.0), neg_weight=(2.0, 3.0)), "exact", "exact"),
        (BinaryCrossEntropy(pos_weight=3.0), "corrected", "distorted"),
        (BinaryCrossEntropy(pos_weight=(1.0, 3.0)), "corrected", "distorted"),
        (BinaryCrossEntropy(pos_weight=(2.0, 3.0), neg_weight=(3.0, 2.0)), "corrected", "distorted"),
        (BinaryCrossEntropy(pos_weight=(1.0, 0.0)), "distorted", "distorted"),
        (BinaryCrossEntropy(label_smoothing=0.1), "distorted", "distorted"),
        (BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.1), "distorted", "distorted"),
    ],
)
def test_what_probabilities_are_worth(bce, corrected, raw):
    assert priors.standing(bce, corrected=True) == corrected
    assert priors.standing(bce, corrected=False) == raw


def test_the_farthest_weights_leave_no_float():
    shift = priors.shift(BinaryCrossEntropy(pos_weight=1e-200, neg_weight=1e200), 1)
    assert shift[0] == pytest.approx(400 * math.log(10))
