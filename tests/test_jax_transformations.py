"""The functions for JAX go through every transformation of JAX, and give the derivatives of the family."""

import itertools
import json
import math
import os
import subprocess
import sys
from functools import partial

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.jax import as_function, sigmoid_binary_cross_entropy, sigmoid_focal_loss

MEMBERS = {
    "bce": {},
    "focal": {"gamma": 2.0, "pos_weight": 0.25},
    "all at once": {"gamma": 1.5, "gamma_neg": 2.5, "margin": 0.1, "label_smoothing": 0.2, "pos_weight": (1.0, 2.0)},
}
HESSIANS = (jax.hessian, lambda f: jax.jacrev(jax.jacrev(f)), lambda f: jax.jacfwd(jax.jacfwd(f)))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def batch(from_logits=True, n=5, seed=0):
    rng = np.random.default_rng(seed)
    z = jnp.asarray(rng.normal(0, 2, (n, 2)))
    pred = z if from_logits else jax.nn.sigmoid(z)
    weight, mask = jnp.asarray(rng.choice([0.5, 1.0, 3.0], (n, 2))), jnp.asarray(rng.random((n, 2)) < 0.7)
    return pred, jnp.asarray(rng.random((n, 2))), weight, mask


def loss_of(name, from_logits=True, reduction="mean"):
    return as_function(BinaryCrossEntropy(**MEMBERS[name], from_logits=from_logits), reduction=reduction)


@pytest.mark.parametrize("from_logits", [True, False])
def test_hessians_are_the_familys_whichever_way_they_are_made(from_logits):
    z, y, weight, mask = batch(from_logits)
    loss = loss_of("all at once", from_logits, "weighted_mean")
    bce = BinaryCrossEntropy(**MEMBERS["all at once"], from_logits=from_logits)
    expected = bce.hessian(np.asarray(y), np.asarray(z), sample_weight=np.asarray(weight), mask=np.asarray(mask))
    expected = expected / np.asarray(weight)[np.asarray(mask)].sum()

    def reduced(z):
        return loss(z, y, sample_weight=weight, mask=mask)

    for make in HESSIANS if from_logits else HESSIANS[:1]:
        hessian = jax.jit(make(reduced))(z).reshape(z.size, z.size)
        np.testing.assert_allclose(jnp.diag(hessian), expected.ravel(), rtol=1e-12)
        assert (hessian - jnp.diag(jnp.diag(hessian)) == 0).all()


@pytest.mark.parametrize(("name", "from_logits"), [("all at once", True), ("focal", False)])
def test_derivatives_agree_with_differences(name, from_logits):
    """In predictions, labels and weights, with all that is mixed."""
    *arrays, mask = batch(from_logits, n=3)
    loss = loss_of(name, from_logits, "weighted_mean")

    def reduced(point):
        return loss(point[0], point[1], sample_weight=point[2], mask=mask)

    point, step = jnp.stack(arrays), 1e-4
    moves = step * np.eye(point.size).reshape(-1, *point.shape)
    both = jax.jit(jax.value_and_grad(reduced))
    ends = [(both(point + move), both(point - move)) for move in moves]
    rises, bends = ([(up[i] - down[i]).ravel() / (2 * step) for up, down in ends] for i in (0, 1))
    np.testing.assert_allclose(both(point)[1].ravel(), np.ravel(rises), rtol=1e-4, atol=1e-6)
    for make in HESSIANS if from_logits else HESSIANS[:1]:
        hessian = jax.jit(make(reduced))(point).reshape(point.size, point.size)
        np.testing.assert_allclose(hessian, bends, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["bce", "focal"])
def test_no_derivative_at_infinity_is_nan(name):
    loss = loss_of(name, reduction="none")
    slope, bend = jax.jit(jax.grad(loss, argnums=(0, 1))), jax.jit(jax.hessian(loss))
    weighted = {"bce": (1, 1), "focal": (0.25, 1)}[name]
    for z, y in itertools.product((math.inf, -math.inf), (0.0, 0.3, 1.0)):
        push = -y * weighted[0] if z < 0 else (1 - y) * weighted[1]
        assert slope(z, y)[0] == pytest.approx(push)
        assert slope(z, y)[1] == -z
        assert bend(z, y) == 0


def test_smoothing_leaves_the_derivative_in_the_label_infinite():
    smooth = as_function(BinaryCrossEntropy(from_logits=True, label_smoothing=0.1))
    for z in (math.inf, -math.inf):
        assert jax.grad(smooth, argnums=1)(z, 0.5) == -z


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 2.5])
def test_the_third_derivative_is_that_of_the_second(gamma):
    """At 0 too, where |z| has a corner, and the family none."""
    bend = jax.jit(jax.hessian(lambda z: sigmoid_binary_cross_entropy(z, 1.0, gamma=gamma)))
    third, step = jax.jit(jax.grad(bend)), 1e-4
    for z in (0.0, 1.3, -0.4):
        difference = float((bend(z + step) - bend(z - step)) / (2 * step))
        assert third(z) == pytest.approx(difference, rel=1e-6, abs=1e-9)


def test_the_loss_is_linear_in_labels_and_weights():
    z, y, weight, mask = batch()
    loss = loss_of("all at once", reduction="sum")
    slope, pull = jax.grad(lambda y, w: loss(z, y, sample_weight=w, mask=mask), argnums=(0, 1))(y, weight)
    each = loss_of("all at once", reduction="none")
    rise = each(z, jnp.ones_like(y), sample_weight=weight) - each(z, jnp.zeros_like(y), sample_weight=weight)
    np.testing.assert_allclose(slope, jnp.where(mask, rise, 0), rtol=1e-12)
    np.testing.assert_allclose(pull, jnp.where(mask, each(z, y), 0), rtol=1e-12)


def test_the_weighted_mean_moves_with_its_divisor():
    z, y, weight, _ = batch()
    loss = loss_of("bce", reduction="weighted_mean")
    pull = jax.grad(lambda w: loss(z, y, sample_weight=w))(weight)
    each = loss_of("bce", reduction="none")(z, y)
    np.testing.assert_allclose(pull, (each - loss(z, y, sample_weight=weight)) / weight.sum(), rtol=1e-12)


def test_labels_that_are_no_numbers_of_the_reals_have_no_derivative():
    z = batch()[0]
    slope = jax.grad(lambda z, y: loss_of("bce")(z, y), argnums=(0, 1), allow_int=True)(z, jnp.ones(z.shape, int))
    assert slope[0].dtype == z.dtype
    assert slope[1].dtype == jax.dtypes.float0


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_forwards_and_backwards_are_one(reduction):
    z, y, weight, mask = batch()
    loss = loss_of("all at once", reduction=reduction)
    arguments = (z, y, weight)
    directions = tuple(jnp.asarray(np.random.default_rng(i).normal(size=z.shape)) for i in range(3))

    @jax.jit
    def ways(arguments, directions):
        function = lambda z, y, w: loss(z, y, sample_weight=w, mask=mask)  # noqa: E731
        again, pull = jax.vjp(function, *arguments)
        linear, push = jax.linearize(function, *arguments)
        moved = jax.jvp(function, arguments, directions)
        return *moved, again, pull(jnp.ones_like(again)), linear, push(*directions)

    value, move, again, pulled, linear, pushed = ways(arguments, directions)
    np.testing.assert_allclose(value, again, rtol=1e-15)
    np.testing.assert_allclose(value, linear, rtol=1e-15)
    np.testing.assert_allclose(move, pushed, rtol=1e-12)
    back = sum(jnp.vdot(a, b) for a, b in zip(pulled, directions, strict=True))
    assert jnp.sum(move) == pytest.approx(float(back), rel=1e-12)


def test_a_batch_by_vmap_is_a_batch():
    z, y, weight, mask = batch()
    whole, each = loss_of("all at once", reduction="none"), loss_of("all at once", reduction="sum")
    losses = whole(z, y, sample_weight=weight, mask=mask)
    call = lambda z, y, w, m: whole(z, y, sample_weight=w, mask=m)  # noqa: E731
    np.testing.assert_allclose(jax.vmap(call)(z, y, weight, mask), losses, rtol=1e-14)
    np.testing.assert_allclose(
        jax.vmap(call, in_axes=(0, 0, None, 0))(z, y, weight[0], mask),
        whole(z, y, sample_weight=jnp.broadcast_to(weight[0], z.shape), mask=mask),
        rtol=1e-14,
    )
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(each)))(z, y)
    np.testing.assert_allclose(value, whole(z, y).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(slope, jax.grad(each)(z, y), rtol=1e-14)
    twice = jax.vmap(jax.vmap(each, in_axes=(None, 0)), in_axes=(0, None))(z, y)
    np.testing.assert_allclose(jnp.diag(twice), whole(z, y).sum(axis=1), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, -2])
def test_per_class_weights_keep_their_axis_under_vmap(axis):
    z, y, *_ = (array.reshape(3, 2, 2) for array in batch(n=6))
    loss = as_function(BinaryCrossEntropy(from_logits=True, pos_weight=(1.0, 5.0)), class_axis=axis)
    expected = jnp.stack([loss(*row) for row in zip(z, y, strict=True)])
    np.testing.assert_allclose(jax.vmap(loss)(z, y), expected, rtol=1e-14)
    np.testing.assert_allclose(
        jax.vmap(loss, in_axes=2, out_axes=2)(z[0, ..., None], y[0, ..., None])[..., 0], expected[0]
    )


def test_vmap_hides_no_wrong_shape():
    with pytest.raises(ValueError, match=r"labels has shape \(\) and logits has shape \(2,\)"):
        jax.vmap(sigmoid_binary_cross_entropy)(jnp.zeros((3, 2)), jnp.zeros(3))


def test_jit_scan_remat_and_donation_change_nothing():
    z, y, *_ = batch(n=8)
    loss = loss_of("focal")
    expected, slope = jax.value_and_grad(loss)(z, y)
    donated = jax.jit(jax.value_and_grad(loss), donate_argnums=0)(z + 0, y)
    remade = jax.jit(jax.value_and_grad(jax.checkpoint(loss)))(z, y)

    def scanned(z):
        rows = jax.lax.scan(lambda total, row: (total + loss(*row), None), jnp.zeros(()), (z, y))[0]
        return rows / len(z)

    for value, gradient in (donated, remade, jax.jit(jax.value_and_grad(scanned))(z)):
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        np.testing.assert_allclose(gradient, slope, rtol=1e-14)


def test_a_loop_of_training_learns():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(200, 3)))
    y = (x @ jnp.array([2.0, -1.0, 0.5]) > 0).astype(float)
    for loss in (sigmoid_binary_cross_entropy, sigmoid_focal_loss):

        def step(w, _, loss=loss):
            value, slope = jax.value_and_grad(lambda w: loss(x @ w, y, reduction="mean"))(w)
            return w - 5 * slope, value

        w, losses = jax.lax.scan(step, jnp.zeros(3), length=100)
        assert losses[-1] < losses[0] / 2
        assert ((x @ w > 0) == (y > 0.5)).mean() > 0.9


def test_a_loss_for_any_size_can_be_exported():
    (length,) = jax.export.symbolic_shape("n")
    shape = jax.ShapeDtypeStruct((length,), np.float32)
    made = jax.export.export(jax.jit(jax.grad(loss_of("focal"))))(shape, shape)
    z, y = (np.asarray(array, np.float32)[:, 0] for array in batch()[:2])
    np.testing.assert_allclose(made.call(z, y), jax.grad(loss_of("focal"))(z, y), rtol=1e-5)


SHARDED = """
import json
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from logloss import BinaryCrossEntropy
from logloss.jax import as_function

assert len(jax.devices()) == 2
mesh = jax.make_mesh((2,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
rng = np.random.default_rng(0)
z, y = jnp.asarray(rng.normal(0, 3, (8, 3)), jnp.float32), jnp.asarray(rng.random((8, 3)), jnp.float32)
mask = jnp.asarray(rng.random((8, 3)) < 0.7)
bce = BinaryCrossEntropy.focal(from_logits=True)
total, mean = as_function(bce, reduction="sum"), as_function(bce, reduction="mean")


def of_shards(z, y, mask):
    parts = jax.lax.psum(total(z, y, mask=mask), "batch"), jax.lax.psum(mask.sum(), "batch")
    return parts[0] / parts[1]


by_shards = jax.shard_map(of_shards, mesh=mesh, in_specs=(P("batch"), P("batch"), P("batch")), out_specs=P())
places = NamedSharding(mesh, P("batch"))
spread = [jax.device_put(array, places) for array in (z, y, mask)]
explicit = jax.make_mesh((2,), ("batch",), axis_types=(jax.sharding.AxisType.Explicit,))
with jax.set_mesh(explicit):
    typed = [jax.device_put(array, NamedSharding(explicit, P("batch"))) for array in (z, y, mask)]
    by_type = jax.jit(jax.value_and_grad(lambda z, y, mask: mean(z, y, mask=mask)))(*typed)
compiled = jax.jit(jax.grad(lambda z, y, mask: mean(z, y, mask=mask))).lower(*spread).compile().as_text()
assert "all-gather" not in compiled  # each device works on its own rows
made = {
    "by type": by_type,
    "alone": jax.value_and_grad(lambda z: mean(z, y, mask=mask))(z),
    "shard_map": jax.jit(jax.value_and_grad(by_shards))(*spread),
    "by the compiler": jax.jit(jax.value_and_grad(lambda z, y, mask: mean(z, y, mask=mask)))(*spread),
}
print(json.dumps({name: [float(value), np.asarray(slope).tolist()] for name, (value, slope) in made.items()}))
"""


def test_shards_on_two_devices_are_one_batch():
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", SHARDED], env=os.environ | flags, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    for name in ("shard_map", "by the compiler", "by type"):
        for one, other in zip(made[name], made["alone"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_a_mesh_of_one_device_changes_nothing(reduction):
    z, y, weight, mask = batch(n=8)
    spread = jax.sharding.PartitionSpec("x")

    def whole(z, y, weight, mask):
        return sigmoid_focal_loss(z, y, 0.25, 2.0, weights=weight, mask=mask, reduction=reduction).sum()

    alone = jax.value_and_grad(whole)(z, y, weight, mask), jax.hessian(whole)(z, y, weight, mask)
    with jax.set_mesh(jax.make_mesh((1,), ("x",))):
        placed = [jax.device_put(array, spread) for array in (z, y, weight, mask)]
        made = jax.jit(jax.value_and_grad(whole))(*placed), jax.jit(jax.hessian(whole))(*placed)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-15), made, alone)
