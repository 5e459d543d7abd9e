"""Labels from columns: what is understood without a word, what is explained, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logloss.core.errors import TableError, TargetError
from logloss.training.tables.targets import read_targets


def frame(*values, dtype=None) -> pd.DataFrame:
    return pd.DataFrame({"label": pd.Series(list(values), dtype=dtype), "other": range(len(values))})


def refusal(table, *args, **options) -> str:
    with pytest.raises(TargetError) as caught:
        read_targets(table, *args, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


# Negative, positive; and what the person is told they are.
UNDERSTOOD = [
    (0, 1, "0", "1"),
    (0.0, 1.0, "0", "1"),
    (-1, 1, "-1", "1"),
    (False, True, "false", "true"),
    ("0", "1", "0", "1"),
    ("0.0", "1.0", "0", "1"),
    ("-1", "+1", "-1", "1"),
    ("false", "TRUE", "false", "true"),
    ("No", "Yes", "no", "yes"),
    ("N", "Y", "n", "y"),
    ("F", "T", "f", "t"),
    ("Negative", "positive ", "negative", "positive"),
]


@pytest.mark.parametrize(("no", "yes", "negative", "positive"), UNDERSTOOD)
def test_pairs_that_speak_for_themselves(no, yes, negative, positive):
    for values in ([no, yes, yes, no], [yes, no, no, yes]):
        targets = read_targets(frame(*values), ["label"])
        assert targets.y.tolist() == [float(value == yes) for value in values]
        assert targets.y.dtype == np.float64
        assert (targets.names, targets.negative, targets.positive) == (("label",), (negative,), (positive,))
        assert targets.notes == ()
        assert targets.kept.all()


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "category", "object", "int8", "float32", "string"])
def test_every_dtype_of_pandas(dtype):
    values = ["0", "1", "0"] if dtype == "string" else [0, 1, 0]
    assert read_targets(frame(*values, dtype=dtype), ["label"]).y.tolist() == [0, 1, 0]


def test_case_and_blanks_do_not_make_another_class():
    targets = read_targets(frame("Yes", "yes ", "NO", "no"), ["label"])
    assert targets.y.tolist() == [1, 1, 0, 0]
    assert targets.positive == ("yes",)


def test_of_two_words_the_last_in_the_alphabet_counts_and_it_is_said():
    targets = read_targets(frame("<=50K", ">50K", "<=50K"), ["label"])
    assert (targets.positive, targets.negative) == ((">50K",), ("<=50K",))
    (note,) = targets.notes
    assert "comes last in the alphabet" in note
    assert "positive=\"<=50K\" (--positive '<=50K') turns that round" in note  # as Python and a shell take it
    assert read_targets(frame("apple", "Zebra"), ["label"]).positive == ("Zebra",)  # not the order of ASCII


def test_of_two_numbers_the_greater_counts_and_it_is_said():
    targets = read_targets(frame(2, 10, 2), ["label"])
    assert (targets.y.tolist(), targets.positive, targets.negative) == ([0, 1, 0], ("10",), ("2",))
    assert "the greater" in targets.notes[0]


@given(st.permutations(["b", "b", "a", "a", None]))
def test_the_order_of_rows_decides_nothing(values):
    targets = read_targets(frame(*values), ["label"])
    assert targets.positive == ("b",)
    assert targets.y.tolist() == [float(value == "b") for value in values if value is not None]


@pytest.mark.parametrize(
    ("values", "positive", "chosen"),
    [
        (["yes", "no"], "no", "no"),
        (["yes", "no"], "NO", "no"),
        ([0, 1], "0", "0"),
        ([0, 1], "0.0", "0"),
        ([True, False], "False", "false"),
        (["Gold", "Basic"], "basic", "Basic"),
        (["a", "A"], "A", "A"),
        ([0.2, 0.7], "0.2", "0.2"),
    ],
)
def test_positive_says_which_value_counts(values, positive, chosen):
    targets = read_targets(frame(*values), ["label"], positive=positive)
    assert targets.positive == (chosen,)
    assert targets.y.sum() == 1
    assert targets.notes == ()


def test_positive_sets_one_class_against_the_rest():
    targets = read_targets(frame("a", "b", "c", "b"), ["label"], positive="b")
    assert targets.y.tolist() == [0, 1, 0, 1]
    assert (targets.positive, targets.negative) == (("b",), ("not b",))
    assert targets.notes == ('In "label", "b" counts as positive and the other 2 values together as negative.',)
    assert read_targets(frame(*range(100)), ["label"], positive="7").y.sum() == 1


def test_rows_with_a_gap_are_left_out_and_counted():
    table = pd.DataFrame({"a": [1, 0, None, 1, 0], "b": ["yes", None, "no", "no", "yes"]})
    targets = read_targets(table, ["a", "b"])
    assert targets.kept.tolist() == [True, False, False, True, True]
    assert targets.y.tolist() == [[1, 1], [1, 0], [0, 1]]
    assert targets.notes == ('2 of 5 rows are left out: a value is missing in at least one of "a" and "b".',)
    assert len(table[targets.kept]) == len(targets.y)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], '1 of 3 rows is left out: it has no value in "a".'),
        (["a", "b", "c"], '1 of 3 rows is left out: a value is missing in at least one of "a", "b" and "c".'),
        (
            list("abcdefghij"),
            "1 of 3 rows is left out: a value is missing in at least one of "
            '"a", "b", "c", "d", "e", "f", "g", "h" and 2 more.',
        ),
    ],
)
def test_one_gap_leaves_a_row_out_however_many_the_targets(names, said):
    table = pd.DataFrame({name: [1, 0, 1] for name in names}).astype({"a": float})
    table.loc[2, "a"] = np.nan
    assert read_targets(table, names).notes == (said,)


def test_several_targets():
    table = pd.DataFrame({"a": [1, 0], "b": [True, False], "c": ["no", "yes"]})
    targets = read_targets(table, ["c", "a", "b"])
    assert targets.y.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert targets.positive == ("yes", "1", "true")
    table = pd.DataFrame({"a": ["mild", "severe"], "b": ["severe", "mild"]})
    assert read_targets(table, ["a", "b"], positive="severe").y.tolist() == [[0, 1], [1, 0]]
    sentence = refusal(table, ["a", "b"])
    assert '"a"' in sentence
    assert "--positive" in sentence


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 1, 1], ['is "1" in all 3 rows', "both"]),
        (["yes", "YES"], ['is "yes" in all 2 rows']),
        ([0, 0, None], ["in all 2 rows"]),
        ([None, None], ["No row has a value", "Fill"]),
        (["a", "b", "c"], ['3 classes, "a", "b", "c"', "multi-class", "categorical cross-entropy", "--positive"]),
        ([1, 2, 3], ["multi-class", "--positive"]),
        ([10, 9, 8, 7], ['"7", "8", "9", "10"']),
        (range(100), ["100 different numbers, from 0 to 99", "quantity", "regression"]),
        ([1.5, 2.5, 3.5], ["quantity", "1.5 to 3.5"]),
        ([0.1, 0.9, 0.5], ["probabilities", "soft labels"]),
        ([0.05, 0.95], ["probabilities", "soft labels"]),
        ([0, 1, 0.5], ["soft labels"]),
        ([0, 1, math.inf], ["infinite"]),
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), ["dates or times"]),
        (pd.to_timedelta([1, 2]), ["dates or times"]),
        (pd.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize("UTC"), ["dates or times"]),
    ],
)
def test_columns_that_are_no_binary_label(values, words):
    sentence = refusal(pd.DataFrame({"label": values}), ["label"])
    if "No row" not in sentence:
        assert 'target "label"' in sentence
    for word in words:
        assert word in sentence


def test_a_date_is_no_label_even_with_a_positive_one():
    assert "dates" in refusal(frame(*pd.to_datetime(["2020-01-01", "2021-01-01"])), ["label"], positive="2020-01-01")


def test_positive_must_be_among_the_values():
    assert 'Did you mean "severe"?' in refusal(frame("severe", "mild"), ["label"], positive="sever")
    assert 'holds "1", "2", "10"' in refusal(frame(10, 2, 1), ["label"], positive="zebra")
    assert 'holds "b"' in refusal(frame("b", *"cdefghijklm"), ["label"], positive="zebra")


def test_columns_that_are_not_there():
    table = frame(0, 1)
    assert 'no column "lable". Did you mean "label"?' in refusal(table, ["lable"])
    assert 'The table has "label", "other".' in refusal(table, ["zebra"])
    assert "named twice" in refusal(table, ["label", "label"])
    assert "Name one of" in refusal(table, [])
    assert "more than one column" in refusal(pd.DataFrame([[0, 1]], columns=["a", "a"]), ["a"])


def test_refusals_are_those_of_a_table():
    with pytest.raises(TableError):
        read_targets(frame(1, 1), ["label"])


def test_one_name_may_stand_alone():
    assert read_targets(frame(0, 1), "label").names == ("label",)


def test_values_in_a_sentence_cannot_steer_the_terminal():
    assert "\x1b" not in refusal(frame("\x1b[31m", "b", "c"), ["label"])


def test_the_table_is_left_as_it_was():
    table = frame("Yes", "no", None)
    before = table.copy(deep=True)
    read_targets(table, ["label"])
    pd.testing.assert_frame_equal(table, before)
