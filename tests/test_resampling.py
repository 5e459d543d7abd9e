"""Where resampled intervals are centred, how far they reach, and of how many groups they are drawn."""

import math

import numpy as np
import pytest

from logloss.evaluation import bootstrap, resampling
from logloss.evaluation.bootstrap import about, interval
from logloss.evaluation.calibration_error import expected_calibration_error
from logloss.evaluation.decomposition import Decomposition, log_loss_decomposition
from logloss.evaluation.intervals import student
from logloss.evaluation.redrawing import redrawn
from logloss.evaluation.resampling import parts_of_loss
from logloss.evaluation.score import Score
from tests.populations import Population, tally_of

DRAWN = np.array([0.9, 1.1] * 50)  # their mean is 1, and their standard deviation 0.1 but for the degree of freedom
REACH = student(99) * float(DRAWN.std(ddof=1))


def ends(score):
    return pytest.approx((score.value, score.low, score.high), rel=1e-12)


def groups_of(n=300, slope=1.8):
    return tally_of(*Population(0.2, slope).draw(n, 0)).groups()


def test_an_interval_is_right_for_every_bias_that_may_be():
    assert about(1.0, DRAWN, [0.0]) == Score(1.0, 1 - REACH, 1 + REACH)
    assert about(1.0, DRAWN, [0.0, 0.05]) == Score(1.0, 1 - 0.05 - REACH, 1 + REACH)
    assert about(1.0, DRAWN, [0.5]) == Score(1.0, 0.5 - REACH, 1.0)  # which holds the value
    assert about(1.0, DRAWN, [-0.5]) == Score(1.0, 1.0, 1.5 + REACH)


def test_an_interval_stays_within_what_is_possible_and_begins_there_if_chance_may_do_as_much():
    assert about(1.0, DRAWN, [0.0], least=0.9, most=1.1) == Score(1.0, 0.9, 1.1)
    assert about(1.0, DRAWN, [0.0], least=0.0, chance=1.0).low == 0
    assert about(1.0, DRAWN, [0.0], least=0.0, chance=0.99).low == 1 - REACH


def test_the_bias_that_resamples_show_is_taken_off_below_and_left_above(monkeypatch):
    monkeypatch.setattr(bootstrap, "values", lambda *_: [(0.8, DRAWN)])
    found = interval(groups_of(), expected_calibration_error)
    assert (found.value, found.low, found.high) == ends(Score(0.8, 0.6 - REACH, 0.8 + REACH))


def test_parts_of_the_loss_are_centred_without_all_of_their_bias(monkeypatch):
    monkeypatch.setattr(resampling, "values", lambda *_: [(math.nan, DRAWN), (0.97, DRAWN)])
    found = parts_of_loss(groups_of(), Decomposition(1.0, 0.5, 0.6), Score(0.15, 0.0, 0.2))
    one, other = found["miscalibration"], found["discrimination"]
    assert (one.value, one.low, one.high) == ends(Score(1.0, 0.85 - REACH, 0.85 + REACH))
    assert (other.value, other.low, other.high) == ends(Score(0.5, 0.44 - REACH, 0.44 + REACH))
    assert parts_of_loss(groups_of(), Decomposition(1.0, 0.5, 0.6), Score(0.15, 0.0, 1.0))["miscalibration"].low == 0


def test_no_model_tells_more_apart_than_there_is():
    found = parts_of_loss(groups_of(), Decomposition(0.0, 0.69, 0.69), Score(0.0, 0.0, 0.1))["discrimination"]
    assert found.low < 0.69 < found.high <= math.log(2)


def test_fewer_groups_give_nearly_the_same_intervals(monkeypatch):
    y, p, w = Population(0.2, 1.8).draw(40_000, 0)
    tally = tally_of(y, p, w)
    groups, chance = tally.groups(), Score(0.001, 0.0, 0.002)
    parts, sizes = log_loss_decomposition(tally, groups), []
    drawn_of = bootstrap.values

    def values(groups, *options):
        sizes.append(len(groups.p))
        return drawn_of(groups, *options)

    monkeypatch.setattr(resampling, "values", values)
    found = parts_of_loss(groups, parts, chance)
    monkeypatch.setattr(resampling, "coarser", lambda groups, _: groups)
    exact = parts_of_loss(groups, parts, chance)
    assert sizes[0] == 1 << 14 < sizes[1]
    for name, score in exact.items():
        reach = score.high - score.low
        assert found[name].value == score.value
        assert (found[name].low, found[name].high) == pytest.approx((score.low, score.high), abs=0.15 * reach)


def test_labels_of_single_rows_and_of_many_are_drawn_with_their_probability():
    often = (np.repeat(column, 50) for column in Population(0.2).draw(20, 0))
    for groups in (groups_of(400), tally_of(*often).groups()):
        drawn = np.stack(list(redrawn(groups, 2000, 0)))
        np.testing.assert_allclose(drawn.sum(2), np.broadcast_to(groups.mass, drawn.shape[:2]), rtol=1e-12)
        error = np.sqrt(groups.p * (1 - groups.p) / groups.rows.sum(1) / 2000)
        assert (np.abs(drawn[..., 1].mean(0) / groups.mass - groups.p) <= 5 * error + 1e-3).all()
