"""A small network on the demo table, in JAX, with optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from logloss.jax import sigmoid_binary_cross_entropy

import flights


def logits(weights, x):
    """The network: 32 units between the features and one logit."""
    hidden = jax.nn.relu(x @ weights["in"] + weights["in_bias"])
    return hidden @ weights["out"] + weights["out_bias"]


def loss(weights, x, y):
    """The mean loss of a batch."""
    return sigmoid_binary_cross_entropy(  # was: optax.sigmoid_binary_cross_entropy(…).mean()
        logits(weights, x), y, label_smoothing=0.01, reduction="mean"
    )


@jax.jit
def step(weights, state, x, y):
    """One step of the optimizer."""
    gradient = jax.grad(loss)(weights, x, y)
    updates, state = optimizer.update(gradient, state, weights)
    return optax.apply_updates(weights, updates), state


learn, later = flights.read()
one, other = jax.random.split(jax.random.key(0))
features = learn.x.shape[1]
weights = {
    "in": jax.random.normal(one, (features, 32)) / np.sqrt(features),
    "in_bias": jnp.zeros(32),
    "out": jax.random.normal(other, (32,)) / np.sqrt(32),
    "out_bias": jnp.zeros(()),
}
optimizer = optax.adamw(3e-3)
state = optimizer.init(weights)
shuffle = np.random.default_rng(0)
for _ in range(3):
    order = shuffle.permutation(len(learn.x))
    for at in range(0, len(order) - 255, 256):
        batch = order[at : at + 256]
        weights, state = step(weights, state, learn.x[batch], learn.y[batch])
flights.tell("JAX", learn, later, np.asarray(jax.nn.sigmoid(logits(weights, later.x))))
