"""The history of a training: what is read from it, and its file."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logloss.core.errors import RunError
from logloss.training.history import Epoch, History, read_epochs, total_seconds, write_epoch

law = settings(deadline=None, derandomize=True)

LOSSES = st.floats(0, 10) | st.just(math.inf)
ANYTHING = LOSSES | st.just(math.nan)


def pairs(values):
    return st.lists(st.tuples(values, values), min_size=1, max_size=12)


# The best epoch


@law
@given(pairs(LOSSES))
def test_the_best_epoch_is_the_first_of_least_validation_loss(losses):
    train, validation = zip(*losses, strict=True)
    best = History.from_losses(train, validation).best
    assert best.validation_loss == min(validation)
    assert best.epoch == validation.index(min(validation)) + 1


@law
@given(st.lists(LOSSES, min_size=1))
def test_without_validation_it_is_that_of_least_training_loss(train):
    assert History.from_losses(train).best.epoch == train.index(min(train)) + 1


@law
@given(pairs(ANYTHING))
def test_what_is_no_number_is_never_the_best_of_several(losses):
    train, validation = zip(*losses, strict=True)
    best = History.from_losses(train, validation).best
    if not all(math.isnan(value) or value == math.inf for value in validation):
        assert math.isfinite(best.validation_loss)


def test_an_epoch_without_validation_does_not_compete_with_validated_ones():
    epochs = (
        Epoch(epoch=1, train_loss=0.6, validation_loss=0.7),
        Epoch(epoch=2, train_loss=0.1),
        Epoch(epoch=3, train_loss=0.5, validation_loss=0.65),
    )
    assert History(epochs).best.epoch == 3


@law
@given(pairs(LOSSES), pairs(LOSSES))
def test_a_better_epoch_later_takes_over_and_a_worse_one_does_not(before, after):
    train, validation = zip(*before, strict=True)
    history = History.from_losses(train, validation)
    longer = History.from_losses(*zip(*before, *after, strict=True))
    if min(value for _, value in after) < history.best.validation_loss:
        assert longer.best.epoch > len(before)
    else:
        assert longer.best == history.best


@law
@given(pairs(LOSSES))
def test_where_nothing_stops_early_the_last_is_kept_and_nothing_overfits(losses):
    train, validation = zip(*losses, strict=True)
    history = History(History.from_losses(train, validation).epochs, stops_early=False)
    assert history.best is history.epochs[-1]
    assert history.overfitting is None


# Overfitting


@law
@given(pairs(ANYTHING))
def test_overfitting_is_a_rise_of_the_one_and_a_fall_of_the_other_after_the_best(losses):
    train, validation = zip(*losses, strict=True)
    history = History.from_losses(train, validation)
    over, best, last = history.overfitting, history.best, history.epochs[-1]
    if over is None:
        return
    assert over.since == best.epoch + 1 <= last.epoch
    assert over.validation_rose == pytest.approx(last.validation_loss - best.validation_loss)
    assert over.train_fell == pytest.approx(best.train_loss - last.train_loss)
    assert over.validation_rose > 0.01 * best.validation_loss
    assert over.train_fell >= 0


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        ([0.6], [0.6]),
        ([0.6, 0.5, 0.4], [0.6, 0.5, 0.4]),  # still falling
        ([0.6, 0.5, 0.4], [0.6, 0.5, 0.504]),  # noise
        ([0.6, 0.5, 0.7], [0.6, 0.5, 0.8]),  # both rise: that is no overfitting
        ([0.6, 0.5, 0.4], None),
        ([0.6, 0.5], [math.inf, math.inf]),
        ([0.6, 0.5], [0.5, math.nan]),
    ],
)
def test_what_is_no_overfitting(train, validation):
    assert History.from_losses(train, validation).overfitting is None


def test_overfitting_since_the_epoch_after_the_best():
    over = History.from_losses([0.6, 0.5, 0.4, 0.3], [0.60, 0.55, 0.58, 0.61]).overfitting
    assert (over.since, over.validation_rose, over.train_fell) == (3, 0.06, 0.2)
    assert History.from_losses([0.6, 0.5], [0.6, math.inf]).overfitting.validation_rose == math.inf


def test_there_is_no_best_of_nothing():
    with pytest.raises(RunError, match="no epochs"):
        _ = History(()).best
    with pytest.raises(RunError, match="no epochs"):
        _ = History(()).overfitting
    with pytest.raises(RunError, match="2 training losses and 1 validation loss make"):
        History.from_losses([1, 2], [1])


# The file


def write(path, epochs):
    path.write_text("".join(map(write_epoch, epochs)), encoding="utf-8")
    return path


EPOCHS = st.builds(
    Epoch,
    epoch=st.integers(1, 10**6),
    train_loss=st.floats(),
    validation_loss=st.none() | st.floats(allow_nan=False),
    learning_rate=st.none() | st.floats(0, 1),
    seconds=st.none() | st.floats(0, 1e6),
)


@law
@given(epochs=st.lists(EPOCHS, max_size=5))
def test_every_number_comes_back_to_the_bit(tmp_path_factory, epochs):
    path = write(tmp_path_factory.mktemp("run") / "history.jsonl", epochs)
    again = read_epochs(path)
    assert repr(again) == repr(epochs)  # as NaN equals nothing
    assert repr(History.read(path, 0.5)) == repr(History(tuple(epochs), 0.5))


def test_a_line_is_json_as_others_read_it():
    line = write_epoch(Epoch(epoch=3, train_loss=math.inf, validation_loss=math.nan, seconds=0.25))
    assert line.endswith("}\n")
    assert line.count("\n") == 1

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(line, parse_constant=refuse) == {
        "epoch": 3,
        "train_loss": "inf",
        "validation_loss": None,
        "learning_rate": None,
        "seconds": 0.25,
    }


def test_a_validation_loss_that_was_no_number_is_missing_and_not_the_best(tmp_path):
    epochs = [
        Epoch(epoch=1, train_loss=0.5, validation_loss=0.6),
        Epoch(epoch=2, train_loss=0.1, validation_loss=math.nan),
    ]
    history = History.read(write(tmp_path / "history.jsonl", epochs))
    assert history.epochs[1].validation_loss is None
    assert history.best.epoch == 1


@law
@given(epochs=st.lists(EPOCHS, min_size=1, max_size=3), cut=st.integers(1, 200))
def test_a_last_line_that_was_cut_off_is_passed_over(tmp_path_factory, epochs, cut):
    path = write(tmp_path_factory.mktemp("run") / "history.jsonl", epochs)
    whole = path.read_bytes()
    last = len(write_epoch(epochs[-1]))
    path.write_bytes(whole[: -min(cut, last)])
    kept = epochs if cut == 1 else epochs[:-1]  # without its line break it is whole yet
    assert repr(read_epochs(path)) == repr(kept)


DAMAGED = [
    "",
    "epoch 2",
    "[1, 2]",
    "7",
    "null",
    '"two"',
    "{}",
    '{"epoch": 2}',
    '{"train_loss": 0.5}',
    '{"epoch": null, "train_loss": 0.5}',
    '{"epoch": "two", "train_loss": 0.5}',
    '{"epoch": 1e999, "train_loss": 0.5}',
    '{"epoch": 2, "train_loss": "low"}',
    '{"epoch": 2, "train_loss": [0.5]}',
    '{"epoch": 2, "train_loss": 0.5, "validation_loss": {}}',
    f'{{"epoch": 2, "train_loss": 1{"0" * 400}}}',
]


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "history.jsonl"
    good = write_epoch(Epoch(epoch=1, train_loss=0.5))
    path.write_text(f"{good}{line}\n{good}", encoding="utf-8")
    with pytest.raises(RunError, match=r"Line 2 of .* is not an epoch") as caught:
        read_epochs(path)
    assert line[:40] in str(caught.value)


def test_entries_that_nobody_knows_are_passed_over(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"epoch": 1, "train_loss": 0.5, "accuracy": 0.9}\n', encoding="utf-8")
    assert read_epochs(path) == [Epoch(epoch=1, train_loss=0.5)]


def test_files_that_are_none(tmp_path):
    with pytest.raises(RunError, match="There is no file"):
        read_epochs(tmp_path / "history.jsonl")
    with pytest.raises(RunError, match="cannot be read"):
        read_epochs(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    with pytest.raises(RunError, match="binary is not text in UTF-8; expected a history"):
        read_epochs(tmp_path / "binary")
    (tmp_path / "empty").write_text("")
    assert read_epochs(tmp_path / "empty") == []


def test_time_adds_up():
    assert total_seconds([Epoch(epoch=1, train_loss=1, seconds=2.0), Epoch(epoch=2, train_loss=1)]) == 2
