"""What the losses of Keras make of values that are out of range, on the backend that KERAS_BACKEND names.

tests/test_keras_backends.py runs this file on the others.
"""

import math
import os
from contextlib import nullcontext
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.core.errors import LabelError, ParameterError, ProbabilityError, WeightError
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


BAD = [
    ([[math.nan]], [[0.5]], LabelError, 'ignore_index=float("nan")'),
    ([[1.0]], [[math.nan]], ProbabilityError, "The model made them"),
    ([[255.0], [0.0]], [[0.5], [0.5]], LabelError, "If 255 marks what does not count, say ignore_index=255."),
]


@pytest.mark.parametrize(("y", "x", "error", "words"), BAD)
def test_what_is_refused_is_mended_by_what_the_losses_take(y, x, error, words):
    for function in (BinaryCrossentropy(validate=True), partial(binary_crossentropy, validate=True)):
        with pytest.raises(error) as refusal:
            function(y, x)
        assert words in str(refusal.value)
        assert "mask=" not in str(refusal.value)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the others look at values in fit")
def test_values_that_are_not_there_yet_cannot_be_looked_at():
    X, y = np.zeros((4, 2)), np.zeros(4)
    loss = BinaryCrossentropy(from_logits=True, validate=True)
    for method in ("fit", "evaluate"):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        loss(y, model.predict(X, verbose=0))
        model.compile(loss=loss)
        with pytest.raises(ParameterError, match=r"while JAX compiles.*Leave it out there.*model\.predict"):
            getattr(model, method)(X, y, verbose=0)
