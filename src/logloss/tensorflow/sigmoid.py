"""The logits of probabilities that a sigmoid made, where TensorFlow can tell."""

import tensorflow as tf

from logloss.tensorflow.quantities import Tensor


def logits_of(y_pred: Tensor) -> Tensor | None:
    """What a sigmoid made the tensor from; None where it made it not, or nobody knows."""
    if not tf.executing_eagerly():
        operation = getattr(y_pred, "op", None)
        return operation.inputs[0] if operation is not None and operation.type == "Sigmoid" else None
    # Keras keeps the logits of a softmax under the same name.
    logits = getattr(y_pred, "_keras_logits", None)
    if logits is None or logits.shape != y_pred.shape or logits.dtype != y_pred.dtype:
        return None
    return logits if tf.reduce_all(tf.sigmoid(logits) == y_pred) else None
