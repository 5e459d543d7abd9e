"""The losses for Keras on TensorFlow, and the functions for TensorFlow, beside their own: XLA, graph and eager."""

import os
from collections.abc import Callable, Iterator

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from benchmarks.loss_call import data_of
from benchmarks.measure import Table, Works, compared
from logloss import BinaryCrossEntropy
from logloss.keras import BinaryCrossentropy, BinaryFocalCrossentropy
from logloss.tensorflow import as_function

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Call = Callable[[], object]

ABOUT = """\
Nanoseconds an element, median of the turns; float32, logits of {rows:,} rows with {columns} labels each. The mean, and
the mean with its gradient in the logits. Last column: what ours, the first row of each work, takes beside the row,
within each turn, with the middle half."""
COLUMNS = 10


def run(*, quick: bool) -> Iterator[Table]:
    n = 10**4 if quick else 10**7
    about = ABOUT.format(rows=n // COLUMNS, columns=COLUMNS)
    for way, compiled in {
        "XLA": lambda function: tf.function(function, jit_compile=True),
        "graph": tf.function,
        "eager": lambda function: function,
    }.items():
        turns = 2 if quick else 15 if way == "XLA" else 5
        rows = compared(_works(n, compiled), turns=turns, calls=1, unit=n * 1e-9)
        yield Table(f"In Keras, {way}", about, ["work: contender", "ns", "the first takes times"], rows)


def _works(n: int, compiled: Callable[[Loss], Loss]) -> Works:
    y, z, *_ = (tf.constant(values.reshape(-1, COLUMNS)) for values in data_of(n, "float32"))

    def theirs(y: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z))

    plain, focal = BinaryCrossEntropy(from_logits=True), BinaryCrossEntropy.focal(from_logits=True)
    balanced = {"from_logits": True, "apply_class_balancing": True}
    works: dict[str, dict[str, Loss]] = {
        "Keras": {
            "logloss": BinaryCrossentropy(from_logits=True),
            "Keras": keras.losses.BinaryCrossentropy(from_logits=True),
        },
        "Keras, focal": {
            "logloss": BinaryFocalCrossentropy(**balanced),
            "Keras": keras.losses.BinaryFocalCrossentropy(**balanced),
        },
        "TensorFlow": {"logloss": as_function(plain, reduction="mean"), "tf.nn": theirs},
        "TensorFlow, focal": {"logloss": as_function(focal, reduction="mean")},
    }
    made: dict[str, dict[str, Call]] = {}
    for what, losses in works.items():
        for name, loss in losses.items():
            made.setdefault(what, {})[name] = _call(compiled(loss), y, z)
            made.setdefault(f"{what}, with gradient", {})[name] = _call(compiled(_with_gradient(loss)), y, z)
    return made


def _call(function: Loss, y: tf.Tensor, z: tf.Tensor) -> Call:
    return lambda: tf.nest.map_structure(lambda made: made.numpy(), function(y, z))


def _with_gradient(loss: Loss) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    def both(y: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = loss(y, z)
        return value, tape.gradient(value, z)

    return both
