"""What JAX compiles agrees with the truth within the bounds of tests/tolerances.py."""

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
    MEMBERS,
    assert_within_bounds,
    every_exponent,
    exact,
    family,
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
ROWS = {rows[0].parameters: rows for rows in LOGITS.values()}
FOCI = dict(HARD_FOCI)
EVERY = {MEMBERS[name]: name for name in MEMBERS} | {parameters: f"{parameters.gamma:g}" for parameters in FOCI}
# The kernel's bits are held by tests/test_truth.py, and half types are worked out in float32: there few stand for all.
FEW = {MEMBERS[name]: name for name in ("bce", "everything", "tiny smoothing")}
HALVES = ("float16", "bfloat16")
points = pytest.mark.parametrize(
    ("path", "dtype", "parameters"),
    [
        pytest.param(path, dtype, parameters, id=f"{path.name}-{dtype}-{name}")
        for path in PATHS
        for dtype in path.worked_in
        for parameters, name in (EVERY if path is FORMULA and dtype not in HALVES else FEW).items()
    ],
)


@points
def test_truth_in_logits(path: Path, dtype: str, parameters: reference.Parameters):
    """At all points together, because compiling takes far longer than computing."""
    exponents = every_exponent(dtype)[:: max(1, len(every_exponent(dtype)) // 50)]
    soft, points = sweep("logits")
    foci = np.outer([-1, 1], FOCI.get(parameters, ())).ravel()
    rows = ROWS.get(parameters, ())
    y = [[row.y for row in rows], np.random.default_rng(2).random(len(exponents)), soft[::4], 0 * foci, 0 * foci + 1]
    z = [[row.x for row in rows], exponents, points[::4], foci, foci]
    for method in METHODS_OF[path.name]:
        assert_within_bounds(path, dtype, method, parameters, np.concatenate(y), np.concatenate(z))


@points
def test_truth_in_probabilities(path: Path, dtype: str, parameters: reference.Parameters):
    y, p = (values[::2] for values in sweep("probabilities"))
    if parameters == reference.Parameters():
        rows = reference.truth_of_probabilities()
        y, p = np.append(y, [row.y for row in rows]), np.append(p, [row.x for row in rows])
    p = array(p, dtype).astype(float)
    inside = (p > 2.0 ** TYPES[dtype].lowest) & (p < 1)  # XLA takes what is below for 0
    for method in METHODS_OF[path.name]:
        assert_within_bounds(path, dtype, method, parameters, y[inside], p[inside], from_logits=False)


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
