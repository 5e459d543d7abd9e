"""What JAX compiles agrees with the truth within the bounds of tests/tolerances.py."""

import itertools
from typing import Any

import jax
import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from logloss.jax import kernel
from logloss.jax.quantities import Rule, quantities
from tests import reference
from tests.paths import METHODS, NATIVE, Path, array
from tests.test_truth import (
    HARD_FOCI,
    LOGITS,
    assert_within_bounds,
    every_exponent,
    exact,
    family,
    members,
    sweep,
)
from tests.tolerances import TYPES, excess

compiled = jax.jit(quantities, static_argnums=(0, 1))


def way(has_kernel: bool) -> Any:
    def call(bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]:
        with jax.enable_x64(True):
            made = compiled(Rule(bce, -1, has_kernel), METHODS[method], x, y, None, None)
            return tuple(np.asarray(result.astype(x.dtype)) for result in made)

    return call


WORKED_IN = {
    "float64": "float64 in XLA",
    "float32": "float32 in XLA",
    "float16": "float32 in XLA",
    "bfloat16": "float32 in XLA",
}
FORMULA = Path("formula", WORKED_IN, way(has_kernel=False))
PATHS = (FORMULA, Path("kernel", NATIVE[0].worked_in, way(has_kernel=True))) if kernel.is_here() else (FORMULA,)
METHODS_OF = {"formula": ("loss_gradient", "hessian"), "kernel": ("loss_gradient",)}  # JAX has no other Hessian
paths = pytest.mark.parametrize(
    ("path", "dtype"),
    [pytest.param(path, dtype, id=f"{path.name}-{dtype}") for path in PATHS for dtype in path.worked_in],
)


@paths
@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_truth_in_logits(path: Path, dtype: str, rows: tuple[reference.Row, ...]):
    y, z = [row.y for row in rows], [row.x for row in rows]
    for method in METHODS_OF[path.name]:
        assert_within_bounds(path, dtype, method, rows[0].parameters, y, z)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_truth_in_probabilities(path: Path, dtype: str):
    rows = reference.truth_of_probabilities()
    y, p = (array([getattr(row, name) for row in rows], dtype) for name in ("y", "x"))
    inside = (p > 2.0 ** TYPES[dtype].lowest) & (p < 1)  # XLA takes what is below for 0
    assert_within_bounds(path, dtype, "loss_gradient", reference.Parameters(), y[inside], p[inside], from_logits=False)


@paths
@members
def test_every_exponent_and_a_sweep(path: Path, dtype: str, parameters: reference.Parameters):
    z = every_exponent(dtype)[:: max(1, len(every_exponent(dtype)) // 50)]
    soft, points = sweep("logits")
    y = np.concatenate([np.random.default_rng(2).random(len(z)), soft[::4]])
    for method in METHODS_OF[path.name]:
        assert_within_bounds(path, dtype, method, parameters, y, np.concatenate([z, points[::4]]))


@paths
@members
def test_a_sweep_of_probabilities(path: Path, dtype: str, parameters: reference.Parameters):
    y, p = sweep("probabilities")
    p = array(p, dtype).astype(float)
    inside = (p > 2.0 ** TYPES[dtype].lowest) & (p < 1)
    for method in METHODS_OF[path.name]:
        assert_within_bounds(path, dtype, method, parameters, y[inside][::2], p[inside][::2], from_logits=False)


@paths
@pytest.mark.parametrize(("parameters", "sizes"), HARD_FOCI)
def test_the_hardest_foci(path: Path, dtype: str, parameters: reference.Parameters, sizes: list[float]):
    z = np.concatenate([sizes, np.negative(sizes)])
    for y, method in itertools.product((0.0, 1.0), METHODS_OF[path.name]):
        assert_within_bounds(path, dtype, method, parameters, np.full_like(z, y), z)


@pytest.mark.parametrize("case", ["bce", "everything"])
def test_derivatives_of_derivatives_are_the_truth(case: str):
    """Not the formulas themselves, but what JAX makes of the loss by differentiating it."""
    rows = LOGITS[case]
    bce, parameters = family(rows[0].parameters, from_logits=True), rows[0].parameters

    def loss(z: Any, y: Any) -> Any:
        return quantities(Rule(bce, -1, False), ("loss",), z, y, None, None)[0]

    with jax.enable_x64(True):
        y, z = (np.array([getattr(row, name) for row in rows]) for name in ("y", "x"))
        slope = jax.jit(jax.vmap(jax.grad(loss)))(z, y)
        for bend in (jax.hessian(loss), jax.jacrev(jax.jacfwd(loss)), jax.jacrev(jax.jacrev(loss))):
            results = {"gradient": np.asarray(slope), "hessian": np.asarray(jax.jit(jax.vmap(bend))(z, y))}
            for quantity, made in results.items():
                for row, number in zip(rows, made.tolist(), strict=True):
                    value = exact(parameters, row.x, row.y, True)[quantity]
                    over = excess(number, quantity, parameters, row.y, value, "float64", "float64 in XLA")
                    assert over <= 1, (quantity, row)
