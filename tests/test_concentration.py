"""What the worst rows carry of the loss: as sorting the rows says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logloss.evaluation.concentration import SHARES, concentration
from tests.populations import Population, tally_of

law = settings(deadline=None, derandomize=True)

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0.01, 0.99), st.integers(0, 5)), max_size=25)


def carried(*data, **options):
    tally = tally_of(*data, **options)
    return concentration(tally, tally.groups()).carried


@pytest.mark.parametrize("digits", [1, 17])
def test_the_worst_hundredth_is_what_sorting_says(digits):
    y, p, _ = Population(0.1, 2.0).draw(10_000, 0)
    p = np.clip(p.round(digits), 0.01, 0.99)
    loss = np.sort(-np.log(np.where(y == 1, p, 1 - p)))[::-1]
    by_hand = [loss[: round(10_000 * share)].sum() / loss.sum() for share in SHARES]
    assert carried(y, p) == pytest.approx(by_hand, rel=1e-12)


@law
@given(ROWS)
def test_a_row_of_weight_two_is_two_rows(rows):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    repeats = w.astype(int)
    np.testing.assert_allclose(
        carried(y, p, w), carried(np.repeat(y, repeats), np.repeat(p, repeats)), rtol=1e-12, atol=1e-15
    )


@law
@given(ROWS)
def test_the_curve_rises_and_bends_downwards(rows):
    y, p, w = np.array(rows, np.float64).reshape(-1, 3).T
    found = np.array(carried(y, p, w))
    if w.sum() > 0:
        assert (found >= np.array(SHARES) - 1e-12).all()
        assert (np.diff(np.append(0, found)) >= -1e-12).all()
        steep = np.diff(np.append(0, found)) / np.diff(np.append(0, SHARES))
        assert (np.diff(steep) <= 1e-9).all()
    else:
        assert np.isnan(found).all()


def test_equal_losses_are_carried_alike():
    assert carried([0, 1, 0], [0.3, 0.7, 0.3]) == pytest.approx(SHARES)


def test_an_infinite_loss_is_all_of_it_and_none_is_nan():
    assert carried([1, 0], [0.0, 0.5]) == (1.0,) * len(SHARES)
    assert carried([1, 0], [0.0, 0.5], [0.0, 1.0]) == pytest.approx(SHARES)
    for nothing in (([], []), ([1, 0], [1.0, 0.0])):
        assert all(map(math.isnan, carried(*nothing)))


def test_a_far_logit_carries_what_it_costs():
    z = np.append(np.linspace(-2, 2, 1000), -800.0)
    y = np.append(np.tile([0, 1], 500), 1)
    loss = np.sort(np.logaddexp(0, np.where(y == 1, -z, z)))[::-1]
    by_hand = [np.interp(share * 1001, np.arange(1002), np.append(0, np.cumsum(loss))) / loss.sum() for share in SHARES]
    assert carried(y, z, from_logits=True) == pytest.approx(by_hand, rel=0.05)  # costs that doubles have no p for
