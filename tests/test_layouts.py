"""Arrays of any type and shape, however they lie in memory, are as their values in plain arrays: to the bit.

`make sanitize` runs this with more examples, where a byte read beside an array ends the run.
"""

import os
from typing import Any
from unittest import mock

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logloss import BinaryCrossEntropy
from tests.paths import KERNELS, METHODS, kernel

EXAMPLES = int(os.environ.get("LOGLOSS_EXAMPLES", "100"))
HALVES = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
FLOATS = [np.dtype(np.float32), np.dtype(np.float64), *HALVES]
LABELS = [*map(np.dtype, "?bBhHiIlLqQ"), *FLOATS]

Draw = st.DrawFn


def lengths() -> st.SearchStrategy[int]:
    return st.integers(0, 5) | st.sampled_from([1, 8, 16, 17, 33])


# One axis may be longer than the blocks that kernels work in.
shapes = st.lists(lengths(), max_size=4).map(tuple) | st.sampled_from([(2048,), (4099,), (3, 1025), (1030, 3)])


@st.composite
def laid(draw: Draw, values: Any, *, is_out: bool = False) -> Any:
    """The same values in memory of any axis order, steps and alignment, which ends where they end."""
    order = draw(st.permutations(range(values.ndim)))
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in order]
    offset = draw(st.integers(0, values.dtype.itemsize))
    room = [max((values.shape[axis] - 1) * abs(step) + 1, 0) for axis, step in zip(order, steps, strict=True)]
    memory = np.zeros(offset + int(np.prod(room)) * values.itemsize, np.uint8)
    moved = memory[offset:].view(values.dtype).reshape(room)
    for axis, step in enumerate(steps):
        every = moved.swapaxes(0, axis)[:: abs(step)]
        moved = (every[::-1] if step < 0 else every).swapaxes(0, axis)
    made = moved.transpose(np.argsort(order))
    assert made.shape == values.shape
    made[...] = values
    made.flags.writeable = is_out or draw(st.booleans())
    return made


@st.composite
def repeated(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what is repeated to the shape given, by strides of 0."""
    return tuple(1 if n and draw(st.sampled_from([False, False, True])) else n for n in shape)


@st.composite
def families(draw: Draw, classes: int) -> BinaryCrossEntropy:
    number = st.sampled_from([1.0, 1.0, 0.0, 0.3, 3.7])
    by_class = st.lists(number, min_size=1, max_size=5).map(lambda some: tuple(np.resize(some, classes).tolist()))
    weights = number | by_class if classes else number
    gamma = st.sampled_from([0, 0, 1, 2, 2.5])
    return BinaryCrossEntropy(
        from_logits=draw(st.booleans()),
        margin=draw(st.sampled_from([0.0, 0.0, 0.1])),
        label_smoothing=draw(st.sampled_from([0.0, 0.0, 0.1])),
        pos_weight=draw(weights),
        neg_weight=draw(weights),
        gamma=draw(gamma),
        gamma_neg=draw(gamma),
    )


class Case:
    """A call, and the same call with plain arrays."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.shape = draw(shapes)
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        self.class_axis = draw(st.integers(-len(self.shape), len(self.shape) - 1)) if self.shape else -1
        self.bce = draw(families(self.shape[self.class_axis] if self.shape else 0))
        self.given: dict[str, Any] = {"class_axis": self.class_axis}
        self.plain: dict[str, Any] = {"class_axis": self.class_axis}
        self.hidden = np.zeros(self.shape, bool)
        self.labels()
        if draw(st.booleans()):
            self.weights()
        if draw(st.booleans()):
            self.mask()
        self.predictions()

    def add(self, name: str, values: Any, shape: tuple[int, ...], plain: Any) -> Any:
        """An input in some layout, of which some axes are repeated, and its values in order."""
        array = np.broadcast_to(self.draw(laid(values)), shape)
        self.given[name] = array
        self.plain[name] = np.array(array, plain, order="C")
        return self.plain[name]

    def labels(self) -> None:
        dtype = self.draw(st.sampled_from(LABELS))
        values = self.rng.random(self.draw(repeated(self.shape)))
        hard = self.rng.random(values.shape) < 0.7
        values = np.where(hard, values < 0.5, values)
        if dtype == np.float64:
            values = values.astype(np.float32)  # which floats hold, so that the work is done in them
        self.add("y_true", (values >= 0.5 if dtype.kind in "biu" else values).astype(dtype), self.shape, np.float64)

    def rows(self) -> tuple[int, ...]:
        return self.shape[:1] if len(self.shape) > 1 and self.draw(st.booleans()) else self.shape

    def hide(self, which: Any) -> None:
        self.hidden |= which.reshape(which.shape + (1,) * (len(self.shape) - which.ndim))

    def weights(self) -> None:
        dtype = self.draw(st.sampled_from([*FLOATS, *map(np.dtype, "?bHq")]))
        shape = self.rows()
        values = np.ldexp(1.5, self.rng.integers(-3, 4, self.draw(repeated(shape))))
        values = np.where(self.rng.random(values.shape) < 0.2, 0, values).astype(dtype)
        self.hide(self.add("sample_weight", values, shape, np.float64) == 0)

    def mask(self) -> None:
        shape = self.rows()
        values = self.rng.random(self.draw(repeated(shape))) < 0.7
        self.hide(~self.add("mask", values, shape, np.bool_))

    def predictions(self) -> None:
        self.dtype = self.draw(st.sampled_from(FLOATS))
        self.worked_in = np.float32 if self.dtype in HALVES else self.dtype
        shape = self.draw(repeated(self.shape))
        if self.bce.from_logits:
            values = self.rng.normal(0, 1, shape) * 10.0 ** self.rng.uniform(-2, 3, shape)
            values = np.where(self.rng.random(shape) < 0.02, np.inf, values)
        else:
            values = self.rng.random(shape).round(2)
        if shape == self.shape:
            values = np.where(self.hidden, np.nan, values)
        self.add("y_pred", values.astype(self.dtype), self.shape, self.worked_in)

    def out(self, name: str) -> None:
        """A buffer to write into, which may be the memory of the predictions."""
        kind = self.draw(st.sampled_from(["none", "laid", "in place", "shifted"]))
        x = self.given["y_pred"]
        if kind == "none" or any(key.endswith("_out") for key in self.given):
            return
        if kind == "laid" or not self.shape:
            self.given[name] = self.draw(laid(np.zeros(self.shape, self.dtype), is_out=True))
            return
        memory = self.draw(laid(np.zeros((self.shape[0] + 1, *self.shape[1:]), self.dtype), is_out=True))
        memory[:-1] = x
        self.given["y_pred"] = memory[:-1]
        self.given[name] = memory[:-1] if kind == "in place" else memory[1:]


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_type_shape_and_layout_gives_the_bits_of_plain_arrays(name, data):
    case = data.draw(st.composite(Case)())
    method = data.draw(st.sampled_from([*METHODS, "__call__"]))
    if method in ("__call__", "value_and_gradient"):
        counts = (np.ones(case.shape, bool) & ~case.hidden).any()
        reduction = data.draw(st.sampled_from(["sum", "mean", "weighted_mean"] if counts else ["sum"]))
        case.given["reduction"] = case.plain["reduction"] = reduction
    for quantity in () if method == "__call__" else METHODS[method]:
        if (method, quantity) != ("value_and_gradient", "loss"):
            case.out(f"{quantity}_out")
    # NumPy, which serves where the kernel will not, is not meant here.
    with kernel(name), mock.patch("logloss.core.blocks.run", side_effect=AssertionError("the kernel did not do it")):
        expected = getattr(case.bce, method)(**case.plain)
        made = getattr(case.bce, method)(**case.given)
    pairs = zip(made, expected, strict=True) if isinstance(made, tuple) else [(made, expected)]
    for one, other in pairs:
        if not isinstance(one, float):
            with np.errstate(over="ignore"):
                other = np.asarray(other).astype(case.dtype)
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes(), (case.bce, case.given, one, other)
