"""The rows that cost most: the same ones whatever their order, and told as exactly as logits allow."""

import numpy as np
import pyarrow as pa
import pytest

from logloss.engines.arrays import from_arrays
from logloss.engines.gathering import Batch, Gatherer


def part_of(ages):
    gatherer = Gatherer(from_logits=False, worst=20)
    shown = pa.RecordBatch.from_pydict({"age": pa.array(ages, pa.int64()), "plan": pa.array(["x"] * len(ages))})
    gatherer.add(Batch(np.ones(len(ages)), np.full(len(ages), 0.3), shown=shown))
    return gatherer.part()


def told(part):
    return [one.shown for one in part.worst]


@pytest.mark.parametrize("ages", [list(range(100)), [None, *range(10)] * 9])
def test_of_equal_rows_those_are_shown_that_come_first_by_what_is_shown(ages):
    texts = sorted((age is None, "" if age is None else str(age)) for age in ages)[:20]
    expected = [{"age": None if is_none else text, "plan": "x"} for is_none, text in texts]
    assert told(part_of(ages)) == told(part_of(ages[::-1])) == expected
    split = [part_of(ages[:35]), part_of(ages[35:])]
    assert told(split[0] + split[1]) == told(split[1] + split[0]) == expected


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_probability_of_what_happened_keeps_its_digits(sign):
    (one,) = from_arrays([float(sign < 0)], [40.0 * sign], from_logits=True).mistakes
    assert one.p_actual == pytest.approx(np.exp(-40), rel=1e-15, abs=0)


@pytest.mark.parametrize("weight", [1.0, 2.0**20])
def test_logits_beyond_all_measure_can_be_in_slices(weight):
    data = [0] * 21, [1e30, 1.0, 1e300] * 7
    (one,) = from_arrays(*data, sample_weight=[weight] * 21, from_logits=True, by={"x": ["a"] * 21}).slices
    assert 0 < one.loss <= 21 * 2.0**39
    assert one.loss_square >= one.loss**2 / 21 > 0
    if weight == 1:
        (other,) = from_arrays(*data, from_logits=True, by={"x": ["a"] * 21}).slices
        assert (other.loss, other.loss_square, other.weight_loss) == (one.loss, one.loss_square, one.weight_loss)
