"""The label that does not count: one rule for what it may be, and for labels whose type cannot hold it."""

import math
import os
from fractions import Fraction
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.core.errors import ParameterError
from logloss.core.parameters import as_label, ignore_index


@pytest.mark.parametrize("value", [255, -1, 0.5, math.inf, 10**400, np.uint8(255), np.int64(-100), np.float16(0.5)])
def test_a_number_of_python_or_numpy_is_taken(value):
    made = ignore_index(value)
    assert made == value
    assert type(made) in (int, float)


@pytest.mark.parametrize("nan", [math.nan, np.float32("nan"), np.float64("nan")])
def test_nan_is_a_label_that_can_be_named(nan):
    made = ignore_index(nan)
    assert type(made) is float
    assert math.isnan(made)
    assert ignore_index(None) is None
    assert ignore_index(Fraction(1, 2)) == 0.5


@pytest.mark.parametrize("value", ["x", "nan", True, np.True_, np.array(255), np.array([1, 2]), 1j, [255]])
def test_anything_else_is_refused_with_the_way_to_mend_it(value):
    with pytest.raises(ParameterError, match=r"is not a number; expected the label that does not count\. Give one"):
        ignore_index(value)


@pytest.mark.parametrize(
    ("index", "dtype", "expected"),
    [
        (256, "uint8", None),
        (-1, "uint8", None),
        (255, "int8", None),
        (2**40, "int32", None),
        (10**30, "int64", None),
        (0.5, "int32", None),
        (math.nan, "uint8", None),
        (-math.inf, "int64", None),
        (2, "bool", None),
        (1, "bool", 1),
        (2**53 + 1, "int64", 2**53 + 1),
        (10**400, "float64", None),
        (10**5, "float16", None),
        (1e39, "float32", None),
        (math.inf, "float32", math.inf),
    ],
)
def test_a_label_is_what_its_type_can_hold(index, dtype, expected):
    assert as_label(index, dtype) == expected


# In the frameworks


def _tensorflow(y: Any, z: Any, index: Any) -> Any:
    from logloss.tensorflow import sigmoid_cross_entropy_with_logits

    return sigmoid_cross_entropy_with_logits(y, z, ignore_index=index, validate=False).numpy()


def _jax(y: Any, z: Any, index: Any) -> Any:
    from logloss.jax import sigmoid_binary_cross_entropy

    return np.asarray(sigmoid_binary_cross_entropy(z, y, ignore_index=index))


def _keras(y: Any, z: Any, index: Any) -> Any:
    from keras import ops

    from logloss.keras import BinaryCrossentropy

    loss = BinaryCrossentropy(from_logits=True, reduction="none", ignore_index=index, validate=False)
    return ops.convert_to_numpy(loss(y[:, None], z[:, None]))


def _torch(y: Any, z: Any, index: Any) -> Any:
    import torch

    from logloss.torch import BCEWithLogitsLoss

    loss = BCEWithLogitsLoss(reduction="none", ignore_index=index, validate=False)
    return loss(torch.from_numpy(z), torch.from_numpy(y)).numpy()


frameworks = pytest.mark.parametrize("framework", [_tensorflow, _jax, _keras, _torch])


@frameworks
@pytest.mark.parametrize(
    ("dtype", "index"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", 257),
        ("int8", 255),
        ("int8", 10**30),
        ("int32", 2**32),
        ("int32", 2**32 + 1),
        ("int64", 10**30),
        ("int32", 0.5),
        ("int32", math.nan),
        ("int32", math.inf),
        ("bool", 2),
        ("float32", 1e39),
        ("float16", 10**5),
    ],
)
def test_what_labels_cannot_hold_ignores_nothing(framework, dtype, index):
    y, z = np.array([0, 1, 1, 0]).astype(dtype), np.float32([0.5, -1, 2, 3])
    expected = BinaryCrossEntropy(from_logits=True).loss(y.astype(float), z)
    np.testing.assert_allclose(framework(y, z, index), expected, rtol=2e-6)


@frameworks
@pytest.mark.parametrize(
    ("dtype", "index"),
    [
        ("uint8", 255),
        ("uint8", np.uint8(255)),
        ("uint8", 255.0),
        ("int8", -1),
        ("int64", np.int64(-100)),
        ("int32", 2**24 + 1),
        ("float32", 0.1),
        ("float16", 0.1),
        ("float64", np.float32("nan")),
        ("float32", math.inf),
    ],
)
def test_labels_that_equal_it_in_their_type_do_not_count_and_no_others(framework, dtype, index):
    y, z = np.array([0, 1, index, 0]).astype(dtype), np.float32([0.5, -1, math.nan, 3])
    made = framework(y, z, index)
    assert made[2] == 0
    expected = BinaryCrossEntropy(from_logits=True).loss([0, 1, 0], [0.5, -1.0, 3.0])
    np.testing.assert_allclose(made[[0, 1, 3]], expected, rtol=2e-6)


@frameworks
@pytest.mark.parametrize("index", ["x", True, [255]])
def test_what_is_no_number_is_refused_everywhere_alike(framework, index):
    with pytest.raises(ParameterError, match=r"is not a number; expected the label that does not count\. Give one"):
        framework(np.zeros(2), np.zeros(2), index)


def test_an_integer_label_is_compared_as_one():
    for framework in (_tensorflow, _keras):  # JAX has int64 only where it is switched on for all
        made = framework(np.array([2**24, 1]), np.float32([0.5, -1]), 2**24 + 1)
        assert made[0] != 0
