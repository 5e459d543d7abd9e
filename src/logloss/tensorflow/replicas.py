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
