"""Every path agrees with the truth within the bounds of tests/tolerances.py."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest

from logloss import BinaryCrossEntropy
from tests import reference
from tests.paths import METHODS, NATIVE, NUMPY, PATHS, Path, array
from tests.reference import Parameters, Row, Value, mp, mpf
from tests.tolerances import GAMMA, TYPES, allowed, excess, table

LOGITS = {case: tuple(rows) for case, rows in itertools.groupby(reference.truth_of_logits(), lambda row: row.case)}

# Members of the family that the truth files have not, where the formula takes other turns.
OTHERS = {
    "focal by one": Parameters(gamma=1, gamma_neg=1),
    "hardly focal": Parameters(gamma=0.1, gamma_neg=0.1),
    "focal by thirds": Parameters(gamma=10 / 3, gamma_neg=1 / 3),
    "as focal as the bounds go": Parameters(gamma=GAMMA, gamma_neg=GAMMA),
    "focus on negatives alone": Parameters(gamma_neg=2.5),
    "focus on positives alone": Parameters(gamma=2.5),
    "margin alone": Parameters(margin=0.2),
    "tiny margin": Parameters(gamma=0.5, gamma_neg=0.5, margin=1e-12),
    "huge margin": Parameters(gamma=3, gamma_neg=2.2, margin=0.9),
    "tiny smoothing": Parameters(gamma=1, gamma_neg=1, label_smoothing=1e-9),
    "one side weighs nothing": Parameters(pos_weight=0, gamma=2, gamma_neg=2),
}
MEMBERS = {case: rows[0].parameters for case, rows in LOGITS.items()} | OTHERS

paths = pytest.mark.parametrize(
    ("path", "dtype"),
    [pytest.param(path, dtype, id=f"{path.name}-{dtype}") for path in PATHS for dtype in path.worked_in],
)
methods = pytest.mark.parametrize("method", METHODS)
members = pytest.mark.parametrize("parameters", MEMBERS.values(), ids=MEMBERS)


@cache
def exact(parameters: Parameters, x: float, y: float, from_logits: bool) -> dict[str, Value]:
    return (reference.in_logit if from_logits else reference.in_probability)(parameters, x, y)


def family(parameters: Parameters, from_logits: bool) -> BinaryCrossEntropy:
    return BinaryCrossEntropy(from_logits=from_logits, epsilon=0, **parameters._asdict())


def assert_within_bounds(
    path: Path, dtype: str, method: str, parameters: Parameters, y: Any, x: Any, from_logits: bool = True
) -> None:
    """The numbers of a path, at inputs as the type has them, against the reference at the same inputs."""
    y, x = array(y, dtype), array(x, dtype)
    bce = family(parameters, from_logits)
    results = path.call(bce, method, y, x)
    for quantity, result in zip(METHODS[method], results, strict=True):
        assert result.dtype == x.dtype
        assert result.shape == x.shape
        for label, point, number in zip(y.tolist(), x.tolist(), result.tolist(), strict=True):
            value = exact(parameters, point, label, from_logits)[quantity]
            over = excess(number, quantity, parameters, label, value, dtype, path.worked_in[dtype])
            assert over <= 1, (
                f"{quantity} of {bce} at y = {label!r}, x = {point!r} is {number!r}, not {mp.nstr(value.exact, 20)}: "
                f"{over:.3g} times what is allowed"
            )


def every_exponent(dtype: str) -> np.ndarray:
    """A number of each exponent that a type has, subnormal ones too, with both signs."""
    digits, lowest, highest = TYPES[dtype]
    exponents = np.arange(lowest - digits + 1, highest + 1)
    sizes = np.ldexp(1 + np.random.default_rng(0).random(len(exponents)), exponents)
    return np.concatenate([-sizes, sizes, [-0.0, 0.0]])


def sweep(domain: str, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Labels, half of them hard, and logits or probabilities of every size that matters."""
    rng = np.random.default_rng(1)
    if domain == "logits":
        x = np.concatenate([rng.uniform(-40, 40, n), rng.normal(0, 2, n), rng.uniform(-745, 745, n)])
    else:
        small = np.ldexp(1 + rng.random(n), rng.integers(-1074, -1, n))
        x = np.concatenate([rng.random(n), small, 1 - np.ldexp(1 + rng.random(n), rng.integers(-53, -2, n))])
    y = np.where(rng.random(len(x)) < 0.5, rng.integers(0, 2, len(x)), rng.random(len(x)))
    return y, x


@pytest.mark.parametrize(
    ("rows", "function"),
    [
        (reference.truth_of_logits, reference.in_logit),
        (reference.truth_of_probabilities, reference.in_probability),
    ],
)
def test_the_reference_has_all_digits_of_the_truth(rows, function):
    for row in rows():
        for quantity, truth in row.truth.items():
            value = function(row.parameters, row.x, row.y)[quantity].exact
            assert abs(value - truth) <= mpf(10) ** -39 * abs(truth), row


def test_the_inputs_of_the_truth_are_numbers_of_float32():
    for row in reference.truth_of_logits():
        assert float(np.float32(row.x)) == row.x
        assert float(np.float32(row.y)) == row.y


def test_the_docs_print_the_bounds():
    page = (reference.TRUTH.parents[1] / "docs" / "numerics.md").read_text()
    assert table() in page, f"docs/numerics.md should hold this table:\n{table()}"


@paths
@methods
@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_logits_agree_with_the_truth(path: Path, dtype: str, method: str, rows: tuple[Row, ...]):
    if len(METHODS[method]) > 1:
        rows = rows[::4]  # the parts of a fused method have been held to the truth alone
    parameters = rows[0].parameters
    assert_within_bounds(path, dtype, method, parameters, [row.y for row in rows], [row.x for row in rows])


@paths
@methods
def test_probabilities_agree_with_the_truth(path: Path, dtype: str, method: str):
    rows = reference.truth_of_probabilities()[:: 4 if len(METHODS[method]) > 1 else 1]
    y, p = array([row.y for row in rows], dtype), array([row.x for row in rows], dtype)
    inside = (p > 0) & (p < 1)  # some round to 0 or 1, which are edges
    assert_within_bounds(path, dtype, method, Parameters(), y[inside], p[inside], from_logits=False)


@pytest.mark.parametrize("quantity", ["loss", "gradient"])
def test_probabilities_agree_with_the_file(quantity: str):
    rows = reference.truth_of_probabilities()
    bce = family(Parameters(), from_logits=False)
    results = getattr(bce, quantity)([row.y for row in rows], [row.x for row in rows])
    for row, result in zip(rows, results.tolist(), strict=True):
        largest = exact(row.parameters, row.x, row.y, False)[quantity].largest
        value = Value(row.truth[quantity], largest)
        assert excess(result, quantity, row.parameters, row.y, value, "float64", "float64") <= 1, row


@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("path", [NUMPY, *NATIVE], ids=lambda path: path.name)
def test_logits_agree_with_the_file(rows: tuple[Row, ...], dtype: str, path: Path):
    y, z = array([row.y for row in rows], dtype), array([row.x for row in rows], dtype)
    bce = family(rows[0].parameters, from_logits=True)
    for quantity in reference.QUANTITIES:
        for row, result in zip(rows, path.call(bce, quantity, y, z)[0].tolist(), strict=True):
            value = Value(row.truth[quantity], exact(row.parameters, row.x, row.y, True)[quantity].largest)
            assert excess(result, quantity, row.parameters, row.y, value, dtype, path.worked_in[dtype]) <= 1, row


@paths
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_plain_loss_keeps_its_bounds_at_every_exponent(path: Path, dtype: str, y: float):
    z = every_exponent(dtype)
    for method in ("loss", "gradient", "hessian"):
        assert_within_bounds(path, dtype, method, Parameters(), np.full_like(z, y), z)


# Found by searching millions: here e / (1 + e) is wrong by up to 2.5 ulp, in float64 and in float32.
HARD = (
    *("0x1.0a030c54ea844p+2", "0x1.09fe8d1a674b4p+2", "0x1.62c6f97c4e9dbp+2", "0x1.8f2b42dd14ce0p+2"),
    *("0x1.5aea51dfa5c3ap+1", "0x1.6090a4c705068p+1", "0x1.b97fa4391b895p+1", "0x1.3d52e37069668p+0"),
    *("0x1.0a111ap+2", "0x1.09ca5ep+2", "0x1.b853fp+1", "0x1.62d9f6p+2", "0x1.36289p+2", "0x1.32006ap+0"),
)


@paths
def test_the_hardest_logits_keep_the_bounds(path: Path, dtype: str):
    z = np.array([sign * float.fromhex(text) for text in HARD for sign in (-1, 1)])
    for method in ("loss", "gradient", "hessian"):
        for y in (0.0, 1.0):
            assert_within_bounds(path, dtype, method, Parameters(), np.full_like(z, y), z)


# Found in the same way: here a rounded probability raised to its gamma, or to it with 1 + e as rounded, is beyond them.
HARD_FOCI = [
    (Parameters(gamma=2, gamma_neg=2), [0.9582969257690228, 13.075648838251631]),
    (LOGITS["focal_smoothed"][0].parameters, [0.6571763491052205]),
    (Parameters(gamma=2.5, gamma_neg=2.5), [2.5984116738157734, 7.471750236302572]),
    (Parameters(gamma=3, gamma_neg=3), [0.6245582496646003, 0.6834220483000378, 3.4288591768315086]),
    (Parameters(gamma=5, gamma_neg=5), [0.6844299752663938, 6.834657570039056, 6.892103327392551]),
    (Parameters(gamma=4.2, gamma_neg=4.2), [0.03186201]),  # of these two, as float32 has gamma itself
    (Parameters(gamma=4.7, gamma_neg=4.7), [0.27027872]),
]


@paths
@pytest.mark.parametrize(("parameters", "sizes"), HARD_FOCI)
def test_the_hardest_foci_keep_the_bounds(path: Path, dtype: str, parameters: Parameters, sizes: list[float]):
    z = np.concatenate([sizes, np.negative(sizes)])
    for method in ("loss", "gradient", "hessian"):
        for y in (0.0, 1.0):
            assert_within_bounds(path, dtype, method, parameters, np.full_like(z, y), z)


@paths
@members
def test_the_family_keeps_its_bounds_at_every_exponent(path: Path, dtype: str, parameters: Parameters):
    z = every_exponent(dtype)[:: max(1, len(every_exponent(dtype)) // 50)]
    y = np.random.default_rng(2).random(len(z))
    for method in ("loss", "gradient", "hessian"):
        assert_within_bounds(path, dtype, method, parameters, y, z)


@paths
@members
@pytest.mark.parametrize("domain", ["logits", "probabilities"])
def test_the_family_keeps_its_bounds_in_a_sweep(path: Path, dtype: str, parameters: Parameters, domain: str):
    y, x = (a[:: 4 if dtype in ("float16", "bfloat16") else 1] for a in sweep(domain))
    if domain == "probabilities":
        x = array(x, dtype).astype(float)
        y, x = y[(x > 0) & (x < 1)], x[(x > 0) & (x < 1)]
    for method in ("loss", "gradient", "hessian"):
        assert_within_bounds(path, dtype, method, parameters, y, x, from_logits=domain == "logits")


@paths
@pytest.mark.parametrize("margin", [0.05, 0.3])
@pytest.mark.parametrize("gamma_neg", [0.0, 1.0, 2.5])
def test_the_bounds_grow_near_the_margin_as_the_definition_does(path, dtype, margin: float, gamma_neg: float):
    centre = float(np.log(margin / (1 - margin)))
    z = centre + np.concatenate([[0], *np.outer([-1, 1], 2.0 ** -np.arange(4, 50))])
    parameters = Parameters(gamma_neg=gamma_neg, margin=margin)
    for method in ("loss", "gradient", "hessian"):
        assert_within_bounds(path, dtype, method, parameters, np.zeros_like(z), z)


@paths
@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0, 2.5, 4.0, GAMMA])
def test_powers_that_are_subnormal_have_lost_no_digits(path: Path, dtype: str, gamma: float):
    # Of p**gamma and p**(gamma - 1), as the derivatives in a probability have them.
    digits, lowest, _ = TYPES[dtype]
    sizes = np.concatenate([np.arange(lowest - digits, lowest, 2.3) / g for g in (gamma, gamma - 1) if g > 0])
    p = array(2.0 ** sizes[sizes > lowest], dtype).astype(float)
    for method in ("loss", "gradient", "hessian"):
        parameters = Parameters(gamma=gamma, gamma_neg=gamma)
        assert_within_bounds(path, dtype, method, parameters, np.zeros_like(p), p, from_logits=False)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("epsilon", [1e-7, 1e-3, 0.3, 1e-12, 1e-300])
@pytest.mark.parametrize("parameters", [Parameters(), MEMBERS["everything"]], ids=["bce", "everything"])
@pytest.mark.parametrize("path", [NUMPY, *NATIVE], ids=lambda path: path.name)
def test_beyond_the_clip_everything_is_as_at_the_clip(path: Path, dtype: str, epsilon: float, parameters: Parameters):
    # Half types are worked out in float32, and so clipped there. The clip must leave p within (0, 1).
    work = np.float64 if dtype == "float64" else np.float32
    low = max(float(work(epsilon)), float(np.finfo(work).smallest_subnormal))
    high = min(float(work(1 - epsilon)), 1 - float(np.finfo(work).epsneg))
    p = array([0, epsilon / 3, epsilon, epsilon * 1.5, 0.25, 0.5, 0.75, 1 - epsilon * 1.5, 1 - epsilon, 1], dtype)
    bce = BinaryCrossEntropy(epsilon=epsilon, **parameters._asdict())
    for y in (0.0, 0.25, 1.0):
        for quantity in reference.QUANTITIES:
            results = path.call(bce, quantity, np.full(p.shape, y), p)[0]
            for point, result in zip(p.tolist(), results.tolist(), strict=True):
                value = exact(parameters, min(max(point, low), high), y, False)[quantity]
                assert excess(result, quantity, parameters, y, value, dtype, path.worked_in[dtype]) <= 1, (y, point)


@pytest.mark.parametrize("rows", LOGITS.values(), ids=LOGITS)
def test_reduced_values_and_gradients_agree_with_the_truth(rows: tuple[Row, ...]):
    parameters = rows[0].parameters
    bce = family(parameters, from_logits=True)
    value, gradient = bce.value_and_gradient([row.y for row in rows], [row.x for row in rows])
    values = [exact(parameters, row.x, row.y, True) for row in rows]
    errors = [
        allowed("loss", parameters, row.y, v["loss"], "float64", "float64") for row, v in zip(rows, values, strict=True)
    ]
    mean = mp.fsum(row.truth["loss"] for row in rows) / len(rows)
    assert abs(mpf(value) - mean) <= mp.fsum(errors) / len(rows) + mpf(2) ** -52 * mean
    for row, number, v in zip(rows, gradient.tolist(), values, strict=True):
        error = allowed("gradient", parameters, row.y, v["gradient"], "float64", "float64")
        truth = row.truth["gradient"]
        assert abs(mpf(number) * len(rows) - truth) <= error + mpf(2) ** -52 * abs(truth)
