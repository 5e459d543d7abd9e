"""The same number everywhere: every framework, backend and precision against the truth, and against each other."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests import reference
from tests.frameworks import CASES, EDGES, EDGY, EPSILON, MEMBERS, Case, Made, Way, edges, ways
from tests.reference import Value, mp, mpf
from tests.tolerances import allowed, ulp

NAMES = (
    "NumPy",
    "PyTorch, kernel",
    "PyTorch, operations",
    "TensorFlow, kernel",
    "TensorFlow, graph",
    "TensorFlow, XLA",
    "JAX, formula",
    "JAX, kernel",
    "Keras on TensorFlow",
    "Keras on JAX",
    "Keras on PyTorch",
)


@pytest.fixture(scope="module")
def every_way(tmp_path_factory) -> dict[str, Way]:
    return ways(tmp_path_factory.mktemp("keras"))


class Truth:
    """What is true of a case, element by element."""

    def __init__(self, case: Case) -> None:
        y, x, weight, mask = (None if a is None else a[:, 0].astype(float) for a in case.arrays())
        n = len(x)
        self.y, self.weight = y, np.ones(n) if weight is None else weight
        self.counts = np.ones(n, bool) if mask is None else mask.astype(bool)
        self.shown = self.counts & (self.weight != 0)
        of = reference.in_logit if case.from_logits else reference.in_probability
        points = x if case.from_logits else np.clip(x, EPSILON, 1 - EPSILON)
        self.values = [
            of(MEMBERS[case.member], point, label, w) if shown else None
            for point, label, w, shown in zip(points, y, self.weight, self.shown, strict=True)
        ]
        whole = {"mean": self.counts.sum(), "weighted_mean": self.weight[self.counts].sum()}
        self.divisor = mpf(float(whole.get(case.reduction, 1)))


@cache
def truth(case: Case) -> Truth:
    return Truth(case)


def far(number: float, name: str, case: Case, value: Value, label: float, work: str, divisor: Any) -> float:
    """An error over what is allowed; a division and a product may round once more each."""
    exact = value.exact / divisor
    error = allowed(name, MEMBERS[case.member], label, value, case.dtype, work) / divisor
    error += 2 * ulp(max(abs(exact), value.largest / divisor), work.partition(" in ")[0]) + ulp(exact, case.dtype)
    return float(abs(mpf(number) - exact) / error)


def assert_true(way: Way, case: Case, made: Made) -> None:
    expected, work = truth(case), way.worked_in(case.dtype)
    rows = {"gradient": made.gradient, "hessian": made.curvature, "loss": made.value}
    if case.reduction != "none":
        del rows["loss"]
        assert_true_sum(case, work, float(made.value))
    for name, numbers in rows.items():
        if numbers is None:
            continue
        for i, number in enumerate(numbers.ravel().tolist()):
            if expected.values[i] is None:
                assert number == 0, f"what is hidden has a {name} of {number}"
                continue
            value, divisor = expected.values[i][name], 1 if name == "loss" else expected.divisor
            error = far(number, name, case, value, expected.y[i], work, divisor)
            assert error <= 1, (
                f"{name} {i} of {case} is {number}, not {mp.nstr(value.exact / divisor, 17)}: {error:.3g}"
            )


def assert_true_sum(case: Case, work: str, number: float) -> None:
    expected = truth(case)
    shown = [(v["loss"], y) for v, y in zip(expected.values, expected.y, strict=True) if v is not None]
    exact, own = mp.fsum(value.exact for value, _ in shown), work.partition(" in ")[0]
    # Losses are not rounded to a narrower type before they are added, and adding rounds a few times more.
    error = mp.fsum(allowed("loss", MEMBERS[case.member], y, value, own, work) for value, y in shown)
    error += 8 * ulp(exact, own)
    exact, error = exact / expected.divisor, error / expected.divisor
    error += ulp(exact, case.dtype)
    assert abs(mpf(number) - exact) <= error, f"{case} is {number}, not {mp.nstr(exact, 17)}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_every_way_leads_to_the_truth(every_way, name, case):
    if name not in every_way:
        pytest.skip("the kernel was built without JAX")
    assert_true(every_way[name], case, every_way[name].call(case))


@pytest.mark.parametrize("case", [c for c in CASES if c.dtype == "float64"], ids=lambda case: "-".join(map(str, case)))
def test_all_ways_agree(every_way, case):
    made = [way.call(case) for way in every_way.values()]
    for one in made[1:]:
        np.testing.assert_allclose(one.value.ravel(), made[0].value.ravel(), rtol=1e-14, atol=1e-300)
        np.testing.assert_allclose(one.gradient, made[0].gradient, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("member", "dtype"), EDGY)
def test_edges(every_way, name, dtype, member):
    if name not in every_way:
        pytest.skip("the kernel was built without JAX")
    far, nothing = edges(member, dtype)
    made = every_way[name].call(far)
    weight = {"plain": (1, 1), "focal": (0.25, 0.75)}[member]
    for i, (_, y, loss, slope) in enumerate(EDGES.values()):
        factor = weight[0] if y else weight[1]
        assert made.value.ravel()[i] == (loss * factor if loss else 0)
        assert made.gradient.ravel()[i] == slope * factor
    if name == "NumPy":  # where the mean of nothing is refused
        return
    made = every_way[name].call(nothing)
    assert made.value == 0
    assert (made.gradient == 0).all()
