"""What the losses of Keras make of values that are out of range, on the backend that KERAS_BACKEND names.

tests/test_keras_backends.py runs this file on the others.
"""

import os
from contextlib import nullcontext
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

from logloss import BinaryCrossEntropy
from logloss.core.errors import LabelError, ProbabilityError, WeightError
from logloss.keras import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    as_loss,
    binary_crossentropy,
    binary_focal_crossentropy,
)


@pytest.mark.parametrize(
    ("y", "x", "weight", "error"),
    [
        ([[2.0]], [[0.5]], None, LabelError),
        ([[1.0]], [[1.5]], None, ProbabilityError),
        ([[1.0]], [[0.5]], [float("inf")], WeightError),
    ],
)
@pytest.mark.parametrize("make", [BinaryCrossentropy, BinaryFocalCrossentropy, partial(as_loss, BinaryCrossEntropy())])
def test_values_are_looked_at_where_that_costs_nothing_or_it_is_said(make, y, x, weight, error):
    make(validate=False)(y, x, weight)
    with pytest.raises(error):
        make(validate=True)(y, x, weight)
    with nullcontext() if keras.backend.backend() == "jax" else pytest.raises(error):
        make()(y, x, weight)


@pytest.mark.parametrize("function", [binary_crossentropy, binary_focal_crossentropy])
def test_functions_look_at_values_as_they_are_told(function):
    function([[2.0]], [[0.5]], validate=False)
    with pytest.raises(LabelError):
        function([[2.0]], [[0.5]], validate=True)
