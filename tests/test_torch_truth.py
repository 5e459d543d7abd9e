"""PyTorch's own operations, as on other devices, agree with the truth within the bounds of tests/tolerances.py."""

from typing import Any
from unittest import mock

import pytest
import torch

from logloss import BinaryCrossEntropy
from logloss.torch import as_module, loss
from tests import reference
from tests.paths import METHODS, Path, array
from tests.test_truth import LOGITS, assert_within_bounds, every_exponent, members, sweep
from tests.tolerances import TYPES


def call(bce: BinaryCrossEntropy, method: str, y: Any, x: Any) -> tuple[Any, ...]:
    leaf = torch.from_numpy(x.astype(float)).to(getattr(torch, x.dtype.name)).requires_grad_()
    with mock.patch.object(loss, "is_at_hand", return_value=False):
        made = [as_module(bce, reduction="none", validate=False)(leaf, torch.from_numpy(y.astype(float)))]
    made += torch.autograd.grad(made[0].sum(), leaf, create_graph=True)
    made += torch.autograd.grad(made[1].sum(), leaf)
    wanted = {"loss": 0, "gradient": 1, "hessian": 2}
    return tuple(array(made[wanted[name]].detach().double().numpy(), x.dtype.name) for name in METHODS[method])


WORKED_IN = {"float64": "float64", "float32": "float32", "float16": "float32", "bfloat16": "float32"}
OPERATIONS = Path("operations", WORKED_IN, call)
dtypes = pytest.mark.parametrize("dtype", OPERATIONS.worked_in)
methods = pytest.mark.parametrize("method", ["loss_gradient", "hessian"])


@dtypes
@methods
@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_truth_in_logits(dtype: str, method: str, rows: tuple[reference.Row, ...]):
    y, z = [row.y for row in rows], [row.x for row in rows]
    assert_within_bounds(OPERATIONS, dtype, method, rows[0].parameters, y, z)


@dtypes
@methods
def test_truth_in_probabilities(dtype: str, method: str):
    rows = reference.truth_of_probabilities()
    y, p = (array([getattr(row, name) for row in rows], dtype) for name in ("y", "x"))
    inside = (p > 0) & (p < 1)
    assert_within_bounds(OPERATIONS, dtype, method, reference.Parameters(), y[inside], p[inside], from_logits=False)


@dtypes
@methods
@members
def test_every_exponent_and_a_sweep(dtype: str, method: str, parameters: reference.Parameters):
    z = every_exponent(dtype)[:: max(1, len(every_exponent(dtype)) // 50)]
    soft, points = sweep("logits")
    y = [*[0.0, 1.0, 0.3, 1.0] * (len(z) // 4), *[0.5] * (len(z) % 4), *soft[::4]]
    assert_within_bounds(OPERATIONS, dtype, method, parameters, y, [*z, *points[::4]])


@dtypes
@methods
@members
def test_a_sweep_of_probabilities(dtype: str, method: str, parameters: reference.Parameters):
    y, p = sweep("probabilities")
    p = array(p, dtype).astype(float)
    inside = (p > 2.0 ** TYPES[dtype].lowest) & (p < 1)
    assert_within_bounds(OPERATIONS, dtype, method, parameters, y[inside][::2], p[inside][::2], from_logits=False)
