"""Every framework's way to the same numbers: cases that all can compute, and how each is asked.

``python -m tests.frameworks FILE`` writes what Keras makes of the cases on the backend that KERAS_BACKEND names.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from logloss import BinaryCrossEntropy
from tests.paths import array, kernel
from tests.reference import Parameters

MEMBERS = {
    "plain": Parameters(),
    "weighted": Parameters(pos_weight=3.7, neg_weight=0.3),
    "smoothed": Parameters(label_smoothing=0.1),
    "focal": Parameters(pos_weight=0.25, neg_weight=0.75, gamma=2, gamma_neg=2),
    "asymmetric": Parameters(gamma=1, gamma_neg=4, margin=0.05),
}
REDUCTIONS = ("sum", "mean", "none", "weighted_mean")
EPSILON = 2.0**-7  # whose inverse has a square that float16 holds


class Case(NamedTuple):
    member: str
    from_logits: bool
    is_hidden: bool  # by weights, some of them 0, and a mask
    reduction: str
    dtype: str

    @property
    def bce(self) -> BinaryCrossEntropy:
        options = MEMBERS[self.member]._asdict()
        return BinaryCrossEntropy(from_logits=self.from_logits, epsilon=EPSILON, **options)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Labels, predictions, weights and mask, in columns; labels and weights are numbers of every type."""
        rng = np.random.default_rng(0)
        far = [0.0, -0.0, 30.0, -30.0, 80.0, -80.0, 1e-5, 9.0]
        z = np.concatenate([np.repeat(far, 2), rng.normal(0, 3, 24)])
        y = np.concatenate([np.tile([0.0, 1.0], len(far)), rng.choice([0.0, 1.0, 0.25, 0.875], 24)])
        x = array((z if self.from_logits else 1 / (1 + np.exp(-z)))[:, None], self.dtype)
        y = y[:, None]
        if not self.is_hidden:
            return y, x, None, None
        weight, mask = rng.choice([0.0, 0.5, 1.0, 3.0], y.shape), rng.random(y.shape) < 0.7
        hidden = ~mask | (weight == 0)
        return np.where(hidden, np.nan, y), np.where(hidden, x.dtype.type(np.nan), x), weight, mask


def _cases() -> Iterator[Case]:
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        is_half = dtype.endswith("16")
        for i, member in enumerate(["plain", "focal"] if is_half else MEMBERS):
            for from_logits in (True, False):
                for is_hidden in (False, True):
                    chosen = REDUCTIONS if member == "plain" and not is_half else [REDUCTIONS[(i + is_hidden) % 4]]
                    yield from (Case(member, from_logits, is_hidden, reduction, dtype) for reduction in chosen)


CASES = tuple(_cases())


EDGES = {  # prediction, label: the loss, and its gradient in the logit
    "right and sure": (np.inf, 1.0, 0.0, 0.0),
    "wrong and sure": (-np.inf, 1.0, np.inf, -1.0),
    "right and sure of a negative": (-np.inf, 0.0, 0.0, 0.0),
    "wrong and sure of a negative": (np.inf, 0.0, np.inf, 1.0),
}


class Edges(Case):
    """Infinite logits; hidden, they are not numbers, and no element is left."""

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        z, y, *_ = (np.array(column)[:, None] for column in zip(*EDGES.values(), strict=True))
        if not self.is_hidden:
            return y, array(z, self.dtype), None, None
        return y * np.nan, array(z * np.nan, self.dtype), np.ones_like(y), np.zeros_like(y, bool)


def edges(member: str, dtype: str) -> tuple[Edges, Edges]:
    """Infinite logits, and nothing at all."""
    return Edges(member, True, False, "none", dtype), Edges(member, True, True, "mean", dtype)


EDGY = tuple(itertools.product(("plain", "focal"), ("float64", "float32", "float16", "bfloat16")))


class Made(NamedTuple):
    """What a way makes of a case, as float64: the reduced loss, its gradient, and the slope of the gradient's sum."""

    value: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray | None = None


class Way(NamedTuple):
    name: str
    library: str  # as the table of bounds has it
    call: Callable[[Case], Made]

    def worked_in(self, dtype: str) -> str:
        return (dtype if dtype == "float64" else "float32") + self.library


def _plain(values: Any) -> np.ndarray:
    return np.asarray(values).astype(np.float64)


def _core(case: Case) -> Made:
    y, x, weight, mask = case.arrays()
    options = {"sample_weight": weight, "mask": mask}
    value, gradient = case.bce.value_and_gradient(y, x, reduction=case.reduction, **options)
    curvature = case.bce.hessian(y, x, **options) if case.reduction == "sum" else None
    return Made(_plain(value), _plain(gradient), None if curvature is None else _plain(curvature))


def _torch(forced: bool) -> Callable[[Case], Made]:
    import torch

    from logloss.torch import as_module, loss

    def call(case: Case) -> Made:
        tensors = [None if a is None else torch.from_numpy(a.astype(np.float64)) for a in case.arrays()]
        y, x, weight, mask = tensors
        z = x.to(getattr(torch, case.dtype)).requires_grad_()
        module = as_module(case.bce, reduction=case.reduction)
        with mock.patch.object(loss, "is_at_hand", return_value=False) if forced else nullcontext():
            value = module(z, y, weight, None if mask is None else mask.bool())
        has_curvature = case.reduction == "sum"
        (gradient,) = torch.autograd.grad(value.sum(), z, create_graph=has_curvature)
        curvature = torch.autograd.grad(gradient.sum(), z)[0] if has_curvature else None
        made = (value, gradient, curvature)
        return Made(*(None if tensor is None else _plain(tensor.detach().double()) for tensor in made))

    return call


def _tensorflow(mode: str) -> Callable[[Case], Made]:
    import tensorflow as tf

    from logloss.tensorflow import as_function

    def call(case: Case) -> Made:
        y, x, weight, mask = case.arrays()
        loss = as_function(case.bce, reduction=case.reduction)

        def steps(z: Any) -> Any:
            with tf.GradientTape() as outer:
                outer.watch(z)
                with tf.GradientTape() as inner:
                    inner.watch(z)
                    value = loss(y, z, sample_weight=weight, mask=mask)
                gradient = inner.gradient(value, z)
            return value, gradient, outer.gradient(gradient, z) if case.reduction == "sum" else None

        if mode != "eager":
            steps = tf.function(steps, jit_compile=mode == "XLA")
        made = steps(tf.constant(x))
        return Made(*(None if tensor is None else _plain(tf.cast(tensor, tf.float64)) for tensor in made))

    return call


def _jax(name: str) -> Callable[[Case], Made]:
    import jax

    from logloss.jax import as_function

    def call(case: Case) -> Made:
        y, x, weight, mask = case.arrays()
        loss = as_function(case.bce, reduction=case.reduction)

        def total(z: Any) -> Any:
            value = loss(z, y, sample_weight=weight, mask=mask)
            return value.sum(), value

        def slope(z: Any) -> Any:
            gradient, value = jax.grad(total, has_aux=True)(z)
            return gradient.sum(), (value, gradient)

        with jax.enable_x64(True), kernel(name):
            if case.reduction != "sum":
                _, made = jax.jit(slope)(x)
                return Made(*map(_plain, made))
            curvature, (value, gradient) = jax.jit(jax.grad(slope, has_aux=True))(x)
            return Made(_plain(value), _plain(gradient), _plain(curvature))

    return call


def _keras_here() -> Callable[[Case], Made]:
    """Keras in this process; its mask is a label that does not count."""
    import keras
    from keras import ops

    from logloss.keras import as_loss

    names = {"mean": "sum_over_batch_size", "weighted_mean": "mean_with_sample_weight"}

    def call(case: Case) -> Made:
        y, x, weight, mask = case.arrays()
        y = y if mask is None else np.where(mask, np.nan_to_num(y), np.nan)
        reduction = names.get(case.reduction, case.reduction)
        loss = as_loss(case.bce, reduction=reduction, ignore_index=np.nan, dtype=case.dtype)
        z = ops.convert_to_tensor(x.astype(np.float64), dtype=case.dtype)
        made = _KERAS[keras.backend.backend()](lambda z: loss(y, z, sample_weight=weight), z, case.reduction == "sum")
        return Made(*(None if a is None else _plain(ops.convert_to_numpy(ops.cast(a, "float64"))) for a in made))

    return call


def _by_tape(function: Any, z: Any, has_curvature: bool) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as outer:
        outer.watch(z)
        with tf.GradientTape() as inner:
            inner.watch(z)
            value = function(z)
        gradient = inner.gradient(value, z)
    return value, gradient, outer.gradient(gradient, z) if has_curvature else None


def _by_jax(function: Any, z: Any, has_curvature: bool) -> Any:
    import jax

    def total(z: Any) -> Any:
        value = function(z)
        return value.sum(), value

    slope = jax.grad(total, has_aux=True)
    gradient, value = slope(z)
    return value, gradient, jax.grad(lambda z: slope(z)[0].sum())(z) if has_curvature else None


def _by_torch(function: Any, z: Any, has_curvature: bool) -> Any:
    import torch

    z.requires_grad_()
    value = function(z)
    (gradient,) = torch.autograd.grad(value.sum(), z, create_graph=has_curvature)
    curvature = torch.autograd.grad(gradient.sum(), z)[0] if has_curvature else None
    return value.detach(), gradient.detach(), curvature


_KERAS = {"tensorflow": _by_tape, "jax": _by_jax, "torch": _by_torch}


def keras_on(backend: str, folder: Path) -> Callable[[Case], Made]:
    """What Keras makes of all cases in a process of its own, since it chooses a backend once."""
    file = folder / f"{backend}.npz"
    known = os.environ | {"KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"}
    command = [sys.executable, "-m", "tests.frameworks", str(file)]
    done = subprocess.run(command, env=known, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    numbers = dict(np.load(file))
    return lambda case: Made(*(numbers.get(f"{name} of {case!r}") for name in Made._fields))


def ways(folder: Path) -> dict[str, Way]:
    """Every way there is on this machine, by its name."""
    from logloss.core import native
    from logloss.jax import kernel as in_jax

    made = [
        Way("NumPy", "", _core),
        Way("PyTorch, kernel", "", _torch(forced=False)),
        Way("PyTorch, operations", "", _torch(forced=True)),
        Way("TensorFlow, kernel", " in TensorFlow", _tensorflow("eager")),
        Way("TensorFlow, graph", " in TensorFlow", _tensorflow("graph")),
        Way("TensorFlow, XLA", " in TensorFlow", _tensorflow("XLA")),
        Way("JAX, formula", " in XLA", _jax("numpy")),
        Way("Keras on TensorFlow", " in TensorFlow", keras_on("tensorflow", folder)),
        Way("Keras on JAX", " in XLA", keras_on("jax", folder)),
        Way("Keras on PyTorch", "", keras_on("torch", folder)),
    ]
    if in_jax.is_here():
        made.append(Way("JAX, kernel", " in XLA", _jax(native.name)))
    return {way.name: way for way in made}


def main() -> None:
    """Write what Keras makes of the cases."""
    call, numbers = _keras_here(), {}
    for case in (*CASES, *itertools.chain.from_iterable(itertools.starmap(edges, EDGY))):
        made = call(case)._asdict()
        numbers |= {f"{name} of {case!r}": made[name] for name in made if made[name] is not None}
    np.savez(sys.argv[1], **numbers)


if __name__ == "__main__":
    main()
