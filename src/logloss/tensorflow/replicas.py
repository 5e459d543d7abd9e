"""What replicas that train together have to tell one another: `tf.distribute`."""

import tensorflow as tf

from logloss.tensorflow.quantities import Tensor


def is_one_of_many() -> bool:
    """Whether this runs on one of several replicas."""
    return tf.distribute.in_cross_replica_context() is False and tf.distribute.get_strategy().num_replicas_in_sync > 1


def share(counted: Tensor) -> Tensor:
    """What this replica has of all that counts, between 0 and 1."""
    everywhere = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, counted)
    return tf.math.divide_no_nan(counted, everywhere)


def equal_part(value: Tensor) -> Tensor:
    """What all replicas have, divided by their number; each learns from its own alone.

    Keras reports the mean of what the replicas make of a batch, and weighs each by its rows. If all make the same, the
    mean is that, however the rows lie.
    """
    context = tf.distribute.get_replica_context()
    everywhere = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(value))
    part = everywhere / tf.cast(context.num_replicas_in_sync, value.dtype)
    return tf.custom_gradient(lambda _: (part, lambda incoming: incoming))(value)
