"""The loss of arrays of JAX as Keras gives it, with weights of either sign."""

import jax

from logloss.core.errors import ParameterError
from logloss.core.family import BinaryCrossEntropy
from logloss.core.inputs import Words
from logloss.jax.call import Call, Mask
from logloss.jax.kernel import Array, Maybe


def loss(
    bce: BinaryCrossEntropy,
    reduction: str,
    class_axis: int,
    validate: bool | None,
    words: Words,
    y_true: Array,
    y_pred: Array,
    weight: Maybe,
    shown: Maybe,
) -> Array:
    """The reduced loss; weight and mask have y_pred's shape."""
    if validate and any(map(_is_open, (y_true, y_pred, weight, shown))):
        raise ParameterError(
            "validate=True looks at values, and there are none yet while JAX compiles, as it does in fit and evaluate. "
            "Leave it out, or compile the model with run_eagerly=True."
        )
    call = Call(bce, reduction, class_axis, validate, words, is_weight_signed=True)
    return call(y_pred, y_true, weight, None if shown is None else Mask(shown))


def _is_open(array: Maybe) -> bool:
    """Whether the values of an array are not there; beneath a derivative they are."""
    return isinstance(jax.lax.stop_gradient(array), jax.core.Tracer)
