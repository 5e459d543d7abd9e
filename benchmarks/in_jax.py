"""The functions for JAX beside optax, with the compiled kernel and with the formula that JAX compiles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import optax

from benchmarks.loss_call import data_of
from benchmarks.measure import Table, Works, compared
from logloss import BinaryCrossEntropy
from logloss.core import native
from logloss.jax import as_function, kernel

Call = Callable[[], object]
Function = Callable[[jax.Array, jax.Array], jax.Array]

ABOUT = """\
{unit} of jitted functions on {n:,} elements of float32, median of the turns, on {devices}. Ours calls the compiled
kernel where it was built for JAX (here: {here}); "formula" is what JAX itself compiles. Last column: what ours, the
first row of each work, takes beside the row, within each turn, with the middle half."""


def run(*, quick: bool) -> Iterator[Table]:
    here = "yes" if kernel.is_here() else "no"
    devices = ", ".join(map(str, jax.devices()))
    for n in (32, 10**4 if quick else 10**7):
        unit, name, each = (1e-6, "µs", "Microseconds") if n == 32 else (n * 1e-9, "ns", "Nanoseconds an element")
        rows = compared(_works(n), turns=2 if quick else 15, calls=100 if n == 32 and not quick else 1, unit=unit)
        about = ABOUT.format(unit=each, n=n, devices=devices, here=here)
        yield Table(f"In JAX, {n:,} elements", about, ["work: contender", name, "the first takes times"], rows)


def _works(n: int) -> Works:
    y, z, *_ = map(jnp.asarray, data_of(n, "float32"))

    def called(make: Callable[[], Function]) -> Call:
        function = jax.jit(make())
        function(z, y)  # traced here, with the kernel or without
        return lambda: jax.block_until_ready(function(z, y))

    def work(bce: BinaryCrossEntropy, theirs: Function, limits: dict[str, Function]) -> dict[str, dict[str, Call]]:
        ways: dict[str, tuple[str, Callable[[Function], Function]]] = {
            "mean": ("mean", lambda loss: loss),
            "value and gradient": ("mean", jax.value_and_grad),
            "each element": ("none", lambda loss: loss),
        }
        made: dict[str, dict[str, Call]] = {}
        for what, (reduction, transformed) in ways.items():

            def ours(reduction: str = reduction, transformed: Callable[[Function], Function] = transformed) -> Function:
                return transformed(as_function(bce, reduction=reduction))

            peer = theirs if reduction == "none" else lambda z, y: theirs(z, y).mean()
            made[what] = {"logloss": called(ours)}
            with _formula():
                made[what]["logloss, formula"] = called(ours)
            made[what]["optax"] = called(lambda peer=peer, transformed=transformed: transformed(peer))
            made[what][f"limit: {limits[what].__name__}"] = called(lambda limit=limits[what]: limit)
        return made

    limits = {"mean": jnp.vdot, "value and gradient": jnp.add, "each element": jnp.add}
    plain = work(BinaryCrossEntropy(from_logits=True), optax.sigmoid_binary_cross_entropy, limits)
    focal = work(BinaryCrossEntropy.focal(from_logits=True), _focal, limits)
    return plain | {f"focal, {what}": calls for what, calls in focal.items()}


def _focal(z: jax.Array, y: jax.Array) -> jax.Array:
    return optax.sigmoid_focal_loss(z, y, alpha=0.25)


@contextmanager
def _formula() -> Iterator[None]:
    """What is traced here calls no kernel."""
    before = native.name
    native.choose("numpy")
    try:
        yield
    finally:
        native.choose(before)
