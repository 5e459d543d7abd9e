"""What the recipe of a table's features promises."""

import copy
import datetime as dt
import json
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets

from logloss.core.errors import LogLossError, RunError, ShapeError, TableError
from logloss.training.features import Category, Features, Recipe, giveaways

MLP: dict[str, bool] = {"embed": True, "standardize": True, "drop_first": False}
LINEAR: dict[str, bool] = {"embed": False, "standardize": False, "drop_first": True}
both = pytest.mark.parametrize("options", [MLP, LINEAR], ids=["mlp", "linear"])


def mixed(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """A column of every kind."""
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 86_400 * 700, n), unit="s")
    frame = pd.DataFrame(
        {
            "height": rng.normal(1.7, 0.1, n),
            "income": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(8, 3, n)),
            "children": rng.poisson(0.4, n),
            "smokes": rng.random(n) < 0.3,
            "visits": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(0, 9, n)), dtype="Int64"),
            "carrier": rng.choice(["UA", "DL", "AA"], n, p=[0.6, 0.3, 0.1]),
            "town": rng.choice([f"town {i}" for i in range(30)], n),
            "cabin": np.where(rng.random(n) < 0.7, None, rng.choice(["A", "B"], n)),
            "when": days,
            "local": days.tz_localize("UTC").tz_convert("Europe/Paris"),
            "written": days.strftime("%d/%m/%Y"),
            "alarm": [dt.time(int(hour), 30) for hour in rng.integers(4, 10, n)],
            "wait": pd.to_timedelta(rng.integers(0, 900, n), unit="s"),
            "price": [f"{value:,}" for value in rng.integers(1, 10_000, n)],
            "odd": [1 if value < 0.5 else "one" for value in rng.random(n)],
            "id": rng.permutation(n),
            "same": 7.0,
            "empty": np.nan,
        }
    )
    frame.loc[rng.random(n) < 0.1, "when"] = pd.NaT
    frame.loc[3, "carrier"] = "rare one"
    return frame


def same(a: Features, b: Features) -> None:
    np.testing.assert_array_equal(a.numbers, b.numbers, strict=True)
    np.testing.assert_array_equal(a.codes, b.codes, strict=True)


def through_json(recipe: Recipe) -> Recipe:
    return Recipe.from_config(json.loads(json.dumps(recipe.to_config(), allow_nan=False)))


def only(values: Any, **options: bool) -> Recipe:
    """The recipe of a table of one column, x."""
    return Recipe.learn(pd.DataFrame({"x": values}), **{**LINEAR, **options})


def numbers_of(recipe: Recipe, values: Any) -> list[Any]:
    return recipe.transform(pd.DataFrame({"x": values})).numbers.T.tolist()


def kind_of(values: Any, **options: bool) -> str:
    recipe = only(values, **options)
    return str(recipe.to_config()["columns"][0]["kind"])


# Laws of every table


@both
def test_a_recipe_that_was_written_and_read_makes_the_same_bits(options: dict[str, bool]) -> None:
    frame = mixed()
    recipe = Recipe.learn(frame, **options)
    again = through_json(recipe)
    assert again == recipe
    assert again.names == recipe.names
    assert again.notes() == recipe.notes()
    same(again.transform(frame), recipe.transform(frame))


@both
def test_rows_are_transformed_one_by_one_as_all_together(options: dict[str, bool]) -> None:
    frame = mixed(60)
    recipe = Recipe.learn(frame, **options)
    together = recipe.transform(frame)
    for row in range(len(frame)):
        one = recipe.transform(frame.iloc[[row]])
        same(one, Features(together.numbers[[row]], together.codes[[row]]))


@both
def test_the_order_of_the_rows_does_not_matter(options: dict[str, bool]) -> None:
    frame = mixed()
    order = np.random.default_rng(1).permutation(len(frame))
    recipe, shuffled = Recipe.learn(frame, **options), Recipe.learn(frame.iloc[order], **options)
    assert shuffled == recipe
    features = recipe.transform(frame)
    same(shuffled.transform(frame.iloc[order]), Features(features.numbers[order], features.codes[order]))


@both
def test_the_order_of_the_columns_does_not_matter_in_prediction(options: dict[str, bool]) -> None:
    frame = mixed()
    recipe = Recipe.learn(frame, **options)
    same(recipe.transform(frame[frame.columns[::-1]]), recipe.transform(frame))


@both
def test_neither_learning_nor_applying_changes_the_table(options: dict[str, bool]) -> None:
    frame = mixed()
    before = frame.copy(deep=True)
    Recipe.learn(frame, **options).transform(frame)
    pd.testing.assert_frame_equal(frame, before)


@both
def test_every_column_of_features_has_a_name_and_a_finite_value(options: dict[str, bool]) -> None:
    frame = mixed()
    recipe = Recipe.learn(frame, **options)
    features = recipe.transform(frame)
    assert features.numbers.shape == (400, len(recipe.names))
    assert features.codes.shape == (400, len(recipe.n_levels))
    assert np.isfinite(features.numbers).all()
    assert features.codes.dtype == np.int64
    assert features.numbers.dtype == (np.float32 if options["standardize"] else np.float64)
    assert ((features.codes >= 0) & (features.codes < recipe.n_levels)).all()
    assert (np.ptp(features.numbers, axis=0) > 0).all()


def test_the_kinds_and_names_of_a_table() -> None:
    recipe = Recipe.learn(mixed(), **LINEAR)
    assert [column.reason for column in recipe.left_out if column.name == "empty"] == ["every value is missing"]
    assert {column.name for column in recipe.left_out} == {"id", "same", "empty"}
    expected = {
        "height",
        "income is missing",
        "visits is missing",
        "smokes",
        "carrier=DL",
        "cabin=A",
        "town=town 7",
        "when: month (sine)",
        "when is missing",
        "local: hour (cosine)",
        "written: weekday (sine)",
        "alarm (seconds)",
        "wait (seconds)",
        "price",
        "odd=one",
    }
    assert expected - {"odd=one"} <= set(recipe.names)
    assert {"odd=one", "odd=1"} & set(recipe.names)
    assert not {"carrier=UA", "id", "same", "written: hour (sine)"} & set(recipe.names)


@pytest.mark.parametrize("seed", range(5))
def test_with_an_intercept_the_design_of_a_linear_model_has_full_rank(seed: int) -> None:
    frame = mixed(seed=seed)
    frame["income too"] = np.where(frame["income"].isna(), np.nan, frame["height"] ** 2)  # the same gaps
    frame["two days"] = pd.to_datetime(np.where(frame["smokes"], "2020-01-31", "2021-06-01"))
    frame = frame.drop(columns=["local", "written", "smokes"])  # which say nothing new
    recipe = Recipe.learn(frame, **LINEAR)
    design = np.column_stack([np.ones(len(frame)), recipe.transform(frame).numbers])
    design /= np.linalg.norm(design, axis=0)
    assert np.linalg.svd(design, compute_uv=False)[-1] > 1e-6


# Numbers


def test_unscaled_numbers_are_exactly_those_of_the_table() -> None:
    values = np.array([1 / 3, -1e300, 5e-324, 1e16 + 2, 0.0] * 4)
    assert numbers_of(only(values), values) == [values.tolist()]


def test_gaps_are_filled_with_the_median_and_marked() -> None:
    recipe = only([1.0, 2.0, 9.0, None] * 5)
    assert recipe.names == ("x", "x is missing")
    assert numbers_of(recipe, [4.0, None]) == [[4.0, 2.0], [0.0, 1.0]]


def test_a_gap_where_training_had_none_is_filled_and_not_marked() -> None:
    recipe = only([1.0, 2.0, 9.0] * 5)
    assert numbers_of(recipe, [4.0, None]) == [[4.0, 2.0]]


def test_too_few_gaps_are_not_marked() -> None:
    assert only([1.0, 2.0, None] + [3.0] * 97).names == ("x",)


def test_gaps_of_a_constant_column_are_all_that_it_says() -> None:
    recipe = only([5.0, None] * 20)
    assert recipe.names == ("x is missing",)
    assert numbers_of(recipe, [5.0, None, 6.0]) == [[0.0, 1.0, 0.0]]


def test_columns_with_the_same_gaps_are_marked_once_in_a_linear_model() -> None:
    frame = pd.DataFrame(
        {"a": [1.0, 2.0, None, 4.0] * 9, "b": [8.0, 2.0, None, 3.0] * 9, "c": [1.0, 1.0, None, 1.0] * 9}
    )
    recipe = Recipe.learn(frame, **LINEAR)
    assert recipe.names == ("a", "b", "a is missing")
    assert "same gaps" in recipe.notes()[0]
    assert "b is missing" in Recipe.learn(frame, **MLP).names


@pytest.mark.parametrize("factor", [1e-320, 1e-150, 1.0, 1e150, 1e298])
def test_standardised_numbers_are_bounded_whatever_their_size(factor: float) -> None:
    values = np.random.default_rng(0).normal(size=100) * factor
    recipe = only(values, **MLP)
    wild = [0.0, 1.7e308, -1.7e308, math.inf, -math.inf, 5e-324]
    assert np.abs(numbers_of(recipe, wild)).max() <= 3
    scaled = np.array(numbers_of(recipe, values)[0])
    assert np.array_equal(np.argsort(scaled, kind="stable"), np.argsort(values, kind="stable")) or factor < 1e-300
    assert 0.3 < scaled.std() < 3


def test_a_quartile_range_from_the_median_is_one_and_smoothly_bounded_by_three() -> None:
    recipe = only([0.0, 10.0, 20.0, 30.0, 40.0] * 4, **MLP)
    expected = [0.0, 1 / math.sqrt(1 + 1 / 9), -2 / math.sqrt(1 + 4 / 9), 3.0]
    assert numbers_of(recipe, [20.0, 40.0, -20.0, 1e9])[0] == pytest.approx(expected, rel=1e-6)


def test_an_absurd_entry_does_not_squeeze_the_others() -> None:
    zeros_mostly = np.concatenate([np.zeros(960), np.arange(1, 40), [1e15]])
    for values in (zeros_mostly, np.append(np.random.default_rng(0).normal(size=999), 1e30)):
        scaled = np.array(numbers_of(only(values, **MLP), values)[0])
        assert np.std(scaled[-40:-1]) > 0.1


def test_a_bulk_that_differs_by_rounding_alone_does_not_set_the_scale() -> None:
    values = np.concatenate([np.tile([0.3, 0.1 + 0.2], 48), [1.0, 2.0, 3.0, 4.0]])
    scaled = np.array(numbers_of(only(values, **MLP), values)[0])
    assert len(np.unique(scaled[-4:].round(2))) == 4


def test_infinities_do_not_crash() -> None:
    values = [1.0, 2.0, math.inf, -math.inf, 3.0] * 5
    for options in (MLP, LINEAR):
        assert np.isfinite(numbers_of(only(values, **options), values)).all()


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12.0), (" -1.5e3 ", -1500.0), ("1,234,567.5", 1234567.5), (".5", 0.5), ("+7", 7.0)]
)
def test_text_counts_as_a_number_if_it_is_one(text: str, number: float) -> None:
    recipe = only([1.0, 2.0, 3.0, 4.0])
    assert numbers_of(recipe, [text, "8"]) == [[number, 8.0]]


@pytest.mark.parametrize("text", ["abc", "1,23", "1_000", "٣", "0x1A", "nan", "", "1 2", "12%", "1,2345"])
def test_other_text_among_numbers_is_refused_by_row(text: str) -> None:
    recipe = only([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(TableError) as caught:
        recipe.transform(pd.DataFrame({"x": ["1", None, text]}))
    assert str(caught.value) == f'Row 3 of the column "x" is "{text}"; expected a number, as in training.'


def test_dates_and_durations_are_no_numbers() -> None:
    recipe = only([1.0, 2.0, 3.0])
    for value in (pd.Timestamp("2020-01-01"), pd.Timedelta("1h"), dt.date(2020, 1, 1), 1j):
        with pytest.raises(TableError, match=r'Row 2 of the column "x" is ".*"; expected a number'):
            recipe.transform(pd.DataFrame({"x": [None, value]}))


def test_numbers_as_text_are_numbers_unless_their_zeros_count() -> None:
    assert numbers_of(only(["1,234", "5", None, "6.5"] * 9), ["1,000"]) == [[1000.0], [0.0]]
    assert kind_of(["007", "008", "009"] * 9) == "category"
    assert kind_of(["12", "x", "9"] * 9) == "category"


def test_truth_values_are_zero_and_one() -> None:
    for values in ([True, False, True], pd.array([True, False, None], dtype="boolean"), [True, None, False]):
        recipe = only(pd.Series(list(values) * 9, dtype=getattr(values, "dtype", None)))
        assert numbers_of(recipe, [True, False])[0] == [1.0, 0.0]
        assert numbers_of(recipe, ["True", "false"])[0] == [1.0, 0.0]
        assert numbers_of(recipe, [1, 0])[0] == [1.0, 0.0]
        for wrong in ("maybe", 2):
            with pytest.raises(TableError, match="expected true or false"):
                recipe.transform(pd.DataFrame({"x": [wrong]}))


def test_times_of_day_and_durations_are_seconds() -> None:
    times = only([dt.time(0, 1), dt.time(2, 0, 5), dt.time(3)] * 3)
    assert times.names == ("x (seconds)",)
    assert numbers_of(times, [dt.time(0, 0, 2), dt.time(1)]) == [[2.0, 3600.0]]
    assert numbers_of(times, ["00:00:02", "01:00"]) == [[2.0, 3600.0]]
    waits = only(pd.to_timedelta([1, 90, -5], unit="s"))
    assert numbers_of(waits, [dt.timedelta(seconds=-90), dt.timedelta(days=1)]) == [[-90.0, 86_400.0]]
    assert numbers_of(waits, ["0 days 00:01:30", None]) == [[90.0, 1.0]]
    assert only(["08:15", "09:30", "23:59"] * 9).names == ("x (seconds)",)
    for wrong in ("soon", 5):
        with pytest.raises(TableError, match="expected a time of day or a duration"):
            waits.transform(pd.DataFrame({"x": [wrong]}))


# Categories


def test_a_few_levels_are_columns_and_many_are_codes() -> None:
    few, many = [f"l{i}" for i in range(12)] * 9, [f"l{i:02}" for i in range(13)] * 9
    assert len(only(few, **MLP).names) == 12
    recipe = only(many, **MLP)
    assert (recipe.names, recipe.n_levels) == ((), (14,))
    assert recipe.transform(pd.DataFrame({"x": ["l00", "l12", "new", None]})).codes.T.tolist() == [[1, 13, 0, 0]]
    assert only(many).n_levels == ()
    assert len(only(many).names) == 12  # the first is what zeros mean


def test_the_commonest_level_comes_first_and_is_dropped_in_a_linear_model() -> None:
    recipe = only(["b"] * 20 + ["a"] * 10 + ["c"] * 10)
    assert recipe.names == ("x=a", "x=c")
    assert numbers_of(recipe, ["a", "b", "c"]) == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert only(["b"] * 20 + ["a"] * 10, **MLP).names == ("x=b", "x=a")


@both
def test_rare_levels_are_one_group_and_new_ones_join_it(options: dict[str, bool]) -> None:
    recipe = only(["a"] * 50 + ["b"] * 40 + [f"rare {i}" for i in range(10)], **options)
    assert recipe.names[0] == "x is rare or new"
    assert numbers_of(recipe, ["rare 1", "new", None, "a"])[0] == [1.0, 1.0, 1.0, 0.0]
    assert isinstance(recipe.columns[0], Category)
    assert recipe.columns[0].others == 10


@both
def test_new_levels_are_zeros_where_nothing_was_rare(options: dict[str, bool]) -> None:
    recipe = only(["a"] * 50 + ["b"] * 40 + ["c"] * 8 + ["rare"] * 2, **options)
    assert not np.any(numbers_of(recipe, ["new", None, "rare"]))


@both
def test_missing_is_a_level_where_training_had_it(options: dict[str, bool]) -> None:
    recipe = only(["a", "a", "a", "b", None] * 10, **options)
    assert recipe.names[-2:] == ("x=b", "x is missing")
    assert numbers_of(recipe, [None, "a"])[-1] == [1.0, 0.0]


def test_a_column_that_is_filled_in_now_and_then_says_that_much() -> None:
    recipe = only([f"cabin {i}" if i % 4 == 0 else None for i in range(100)])
    assert recipe.names == ("x is rare or new",)
    assert numbers_of(recipe, ["cabin 4", "cabin 401", None]) == [[1.0, 1.0, 0.0]]


def test_codes_of_rare_levels_are_zero() -> None:
    values = [f"l{i}" for i in range(20)] * 10 + ["rare"] * 4
    recipe = only(values, **MLP)
    codes = recipe.transform(pd.DataFrame({"x": values})).codes[:, 0]
    assert recipe.n_levels == (21,)
    assert (codes[-4:] == 0).all()
    assert sorted(np.unique(codes[:-4])) == list(range(1, 21))


def test_the_number_of_levels_is_bounded() -> None:
    values = [f"l{i}" for i in range(1500)] * 8
    assert only(values, **MLP).n_levels == (1001,)
    rng = np.random.default_rng(0)
    assert len(only([f"l{i}" for i in rng.integers(0, 150, 12_000)]).names) == 100  # 99 levels, and the rest


def test_numbers_and_text_are_the_same_level_if_they_read_the_same() -> None:
    recipe = only(["1", "2", "x"] * 9)
    expected = numbers_of(recipe, ["1", "2", "1"])
    assert numbers_of(recipe, [1, 2, 1]) == expected
    assert numbers_of(recipe, [1.0, 2.0, 1.0]) == expected
    assert numbers_of(recipe, pd.Categorical([1, 2, 1])) == expected
    assert numbers_of(recipe, pd.Series([1, 2.0, "1"], dtype=object)) == expected


def test_things_that_python_calls_equal_are_different_levels() -> None:
    values = pd.Series([True, 1, "y"] * 9, dtype=object)
    assert len(only(values, **MLP).names) == 3
    assert numbers_of(only(values, **MLP), values) == numbers_of(only(values[::-1], **MLP), values)


# Dates


def test_a_date_is_days_since_the_first_and_places_on_circles() -> None:
    moments = pd.date_range("2013-01-01 06:00", periods=500, freq="7h")
    recipe = only(moments)
    assert recipe.names[0] == "x: days since 2013-01-01"
    assert len(recipe.names) == 9
    features = dict(zip(recipe.names, numbers_of(recipe, [pd.Timestamp("2013-01-31 18:00")]), strict=True))
    assert features["x: days since 2013-01-01"] == [30.75]
    assert features["x: hour (sine)"] == pytest.approx([-1.0])
    assert features["x: month (sine)"] == pytest.approx([0.5])


def test_seconds_are_not_lost_in_float32() -> None:
    moments = pd.date_range("2024-05-05 12:00", periods=100, freq="s")
    values = numbers_of(only(moments, **MLP), moments)[0]
    assert (np.diff(values) > 0).all()


def test_parts_of_dates_that_say_nothing_new_are_left_out() -> None:
    assert only(pd.date_range("2020-01-01", periods=900)).names == (
        "x: days since 2020-01-01",
        *(f"x: {unit} ({wave})" for unit in ("month", "day", "weekday") for wave in ("sine", "cosine")),
    )
    assert only(pd.to_datetime(["2020-01-01 00:00", "2021-05-07 12:00"] * 9)).names == ("x: days since 2020-01-01",)


def test_missing_dates_are_marked_and_in_the_middle() -> None:
    moments = list(pd.date_range("2020-01-01", periods=101)) + [pd.NaT] * 20
    recipe = only(moments)
    features = dict(zip(recipe.names, numbers_of(recipe, [pd.NaT, moments[0]]), strict=True))
    assert features["x is missing"] == [1.0, 0.0]
    assert features["x: days since 2020-01-01"] == [50.0, 0.0]
    assert features["x: weekday (sine)"][0] == 0.0


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d %B %Y", "%Y/%m/%d"],
)
def test_dates_in_text_are_read_by_the_format_that_fits_them_all(form: str) -> None:
    moments = pd.date_range("2020-01-01", periods=3000, freq="11h")
    if form == "%d %B %Y":
        moments = moments[moments.day > 12]
    text = moments.strftime(form)
    recipe = only(text)
    assert recipe.to_config()["columns"][0]["format"] == form
    read = pd.to_datetime(text, format=form)
    np.testing.assert_allclose(numbers_of(recipe, text)[0], (read - read[0]) / pd.Timedelta("1D"), atol=1e-9)
    assert numbers_of(recipe, read) == numbers_of(recipe, text)
    with pytest.raises(TableError, match=f'Row 2 of the column "x" is "soon"; expected a date written as {form}'):
        recipe.transform(pd.DataFrame({"x": [text[0], "soon"]}))


def test_one_day_after_the_twelfth_tells_the_order_of_day_and_month() -> None:
    text = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/20{10 + i // 144}" for i in range(600)]
    for last, form in ((["13/01/2020"], "%d/%m/%Y"), (["01/13/2020"], "%m/%d/%Y"), ([], "%m/%d/%Y")):
        assert only(text + last).to_config()["columns"][0]["format"] == form


def test_offsets_in_text_are_understood() -> None:
    text = [f"2020-01-{1 + i % 28:02}T04:00:00+0{i % 3}:00" for i in range(90)]
    recipe = only(text)
    zone = recipe.to_config()["columns"][0]["zone"]
    assert zone == "UTC"
    assert numbers_of(recipe, ["2020-01-02T04:00:00+02:00"]) == numbers_of(recipe, ["2020-01-02T02:00:00+00:00"])


@pytest.mark.parametrize("text", ["10-19", "1.2.3", "UA 12", "12", "2020", "v1", "may", "192.168.0.1"])
def test_other_text_is_no_date(text: str) -> None:
    assert kind_of([text, "another", "third"] * 9) == "category"
    assert kind_of([text, text + "1"] * 9) in ("category", "number")


def test_hours_are_those_of_the_time_zone_of_training() -> None:
    utc = pd.date_range("2020-06-01", periods=300, freq="5h", tz="UTC")
    recipe = through_json(only(utc.tz_convert("America/New_York")))
    assert recipe.to_config()["columns"][0]["zone"] == "America/New_York"
    same_moment = [utc[:9], utc[:9].tz_convert("Asia/Tokyo"), utc[:9].tz_convert("America/New_York")]
    features = [numbers_of(recipe, moments) for moments in same_moment]
    assert features[0] == features[1] == features[2]
    assert features[0] != numbers_of(only(utc), utc[:9])
    assert numbers_of(recipe, utc[:9].tz_localize(None)) == features[0]  # without a zone it is UTC
    assert numbers_of(only(utc.tz_localize(None)), utc[:9].tz_convert("Asia/Tokyo")) == numbers_of(only(utc), utc[:9])
    offset = utc.tz_convert(dt.timezone(dt.timedelta(hours=2)))
    assert numbers_of(through_json(only(offset)), utc) == numbers_of(only(offset), offset)


def test_dates_in_objects_periods_and_categories_are_dates() -> None:
    days = pd.date_range("2020-01-01", periods=50)
    expected = numbers_of(only(days), days)
    for values in (
        [day.date() for day in days],
        pd.Series(list(days), dtype=object),
        days.to_period("D"),
        pd.Categorical(days),
        pd.Series(pa.array(days.date)),
    ):
        assert numbers_of(only(values), values) == expected
        assert numbers_of(only(days), values) == expected
    assert numbers_of(only(days), [str(day.date()) for day in days]) == expected


def test_numbers_are_no_dates() -> None:
    recipe = only(pd.date_range("2020-01-01", periods=50))
    for value in (5, 20200101.0, True, "5 o'clock", pd.Timedelta("1h")):
        with pytest.raises(TableError, match="expected a date, as in training"):
            recipe.transform(pd.DataFrame({"x": [value]}))


def test_dates_far_away_do_not_overflow() -> None:
    moments = pd.Series(np.array(["0001-01-01", "9999-12-31", "2020-02-02", "-9000-01-01", "90000-01-01"], "M8[s]"))
    for options in (MLP, LINEAR):
        assert np.isfinite(numbers_of(only(moments, **options), moments)).all()
    assert np.isfinite(numbers_of(only([dt.date(1, 1, 1), dt.date(9999, 12, 31)]), [dt.date(2020, 1, 1)])).all()


# The same values in other types


def arrow(values: list[Any], kind: Any = None) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))


WHOLE = [3, 1, 4, 1, 5, 9, 2, 6] * 4
GAPPY = [3.5, None, 4.0, 1.0] * 8
WORDS = ["a", None, "b", "a"] * 8
DAYS = [dt.datetime(2020, 1, 1), None, dt.datetime(2021, 7, 5, 12), dt.datetime(2022, 2, 2)] * 8


@both
@pytest.mark.parametrize(
    "columns",
    [
        [pd.Series(WHOLE, dtype=kind) for kind in ("int64", "int8", "uint16", "float32", "Int64", "Float32", object)]
        + [arrow(WHOLE), arrow(WHOLE, pa.int8()), pd.Series([Decimal(v) for v in WHOLE]), pd.Series(map(str, WHOLE))]
        + [pd.Series(WHOLE, dtype="Sparse[int64]"), arrow([Decimal(v) for v in WHOLE])],
        [pd.Series(GAPPY, dtype=kind) for kind in ("float64", "float16", "Float64", object, "Sparse[float64]")]
        + [arrow(GAPPY), pd.Series([None if v is None else str(v) for v in GAPPY])],
        [pd.Series(WORDS, dtype=kind) for kind in ("str", object, "category", "string[python]", "string[pyarrow]")]
        + [arrow(WORDS), arrow(WORDS, pa.large_string()), arrow(WORDS, pa.dictionary(pa.int8(), pa.string()))]
        + [pd.Series(pd.Categorical(WORDS, categories=["unused", "b", "a"], ordered=True))],
        [pd.Series(DAYS, dtype=kind) for kind in ("M8[s]", "M8[ms]", "M8[us]", "M8[ns]", object)]
        + [arrow(DAYS), pd.Series(DAYS, dtype="category")],
    ],
    ids=["whole", "gappy", "words", "days"],
)
def test_the_type_of_a_column_does_not_matter(columns: list[pd.Series], options: dict[str, bool]) -> None:
    expected = only(columns[0], **options)
    features = numbers_of(expected, columns[0])
    for column in columns[1:]:
        recipe = only(column, **options)
        assert recipe == expected, column.dtype
        assert numbers_of(recipe, column) == features
        assert numbers_of(expected, column) == features


def test_many_rows_are_transformed_as_few() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=120_000), "y": np.arange(120_000) % 7})
    recipe = Recipe.learn(frame, **MLP)
    parts = [recipe.transform(frame.iloc[start : start + 7_000]).numbers for start in range(0, 120_000, 7_000)]
    np.testing.assert_array_equal(np.concatenate(parts), recipe.transform(frame).numbers)


def test_a_frame_that_was_an_array_has_numbered_columns() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    recipe = through_json(Recipe.learn(pd.DataFrame(values), **LINEAR))
    assert recipe.names == ("0", "1", "2")
    assert [column.name for column in recipe.columns] == [0, 1, 2]
    np.testing.assert_array_equal(recipe.transform(pd.DataFrame(values)).numbers, values)
    named = pd.DataFrame(values, columns=pd.Index([np.int64(0), np.int32(1), 2], dtype=object))
    np.testing.assert_array_equal(recipe.transform(named).numbers, values)
    assert Recipe.learn(named, **LINEAR) == recipe
    with pytest.raises(TableError, match="columns 0, 1 and 2"):
        recipe.transform(pd.DataFrame(values, columns=["0", "1", "2"]))


def test_a_number_and_its_text_are_different_names() -> None:
    frame = pd.DataFrame([[1.0, 5.0], [2.0, 7.0], [3.0, 6.0]] * 5, columns=pd.Index([0, "0"], dtype=object))
    recipe = through_json(Recipe.learn(frame, **LINEAR))
    np.testing.assert_array_equal(recipe.transform(frame[["0", 0]]).numbers, frame.to_numpy())


HOSTILE = [
    "",
    " ",
    "a=b",
    "<script>alert(1)</script>",
    '"',
    "\\",
    "a\nb",
    "é",
    "\x00",
    "nan",
    "None",
    "__class__",
    "💥" * 30,
]


def test_hostile_names_and_levels_are_only_text() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.choice(np.array(HOSTILE, dtype=object), 200) for name in HOSTILE})
    for options in (MLP, LINEAR):
        recipe = through_json(Recipe.learn(frame, **options))
        assert [column.name for column in recipe.columns] == HOSTILE
        features = recipe.transform(frame)
        assert len(np.unique(np.hstack([features.numbers, features.codes]), axis=0)) == 200
        with pytest.raises(TableError, match="lacks"):
            recipe.transform(frame.iloc[:, 1:])


def test_half_a_surrogate_pair_is_a_level_like_any_other() -> None:
    values = pd.Series(["\ud800", "a", "b"] * 9, dtype=object)
    recipe = through_json(only(values, **MLP))
    assert np.array(numbers_of(recipe, values)).sum() == len(values)


# What is left out


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("row", np.arange(20)),
        ("row", np.arange(1, 1001)),
        ("x", np.random.default_rng(0).permutation(500) + 70_000),
        ("order", np.cumsum(np.random.default_rng(0).integers(1, 40, 500))),
        ("snowflake", (1 << 60) + np.cumsum(np.random.default_rng(0).integers(1, 2**40, 60))),
        ("PassengerId", np.random.default_rng(0).choice(10**9, 100, replace=False)),
        ("customer_id", [f"c{i * 7919 % 1000}" for i in range(200)]),
        ("x", [f"{i:08x}-77" for i in range(30)]),
        ("review", [f"I liked it {i} times" for i in range(40)]),
        ("number", [str(i) for i in range(40)]),
        ("as float", np.arange(40.0)),
    ],
)
def test_what_only_numbers_the_rows_is_left_out(name: str, values: Any) -> None:
    with pytest.raises(TableError, match=f'Left out column "{name}"'):
        Recipe.learn(pd.DataFrame({name: values}), **MLP)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("height", np.random.default_rng(0).normal(size=5000)),
        ("sorted height", np.sort(np.random.default_rng(0).normal(size=5000))),
        ("population", np.random.default_rng(0).choice(10**5, 300, replace=False)),
        ("sorted mass", np.sort(np.random.default_rng(0).uniform(1e20, 1e21, 500))),
        ("mass", np.random.default_rng(0).uniform(1e20, 1e21, 500)),
        ("rows", np.arange(19)),
        ("id", np.random.default_rng(0).integers(0, 50, 300)),
        ("id", [7, 3, 5, 9, 1]),
        ("year", np.arange(1900, 2000)),
        ("paid", np.random.default_rng(0).choice(10**9, 100, replace=False)),
        ("id", np.random.default_rng(0).normal(size=100)),
        ("gappy", np.where(np.arange(100) % 9 == 0, np.nan, np.arange(100))),
        ("word", ["a", "b", "c"]),
    ],
)
def test_measurements_are_never_taken_for_row_numbers(name: str, values: Any) -> None:
    for options in (MLP, LINEAR):
        assert [column.name for column in Recipe.learn(pd.DataFrame({name: values}), **options).columns] == [name]


def test_no_column_of_real_tables_is_taken_for_a_row_number() -> None:
    for load in (datasets.load_iris, datasets.load_breast_cancer, datasets.load_wine, datasets.load_diabetes):
        frame = load(as_frame=True).data
        assert Recipe.learn(frame, **LINEAR).left_out == ()
        np.testing.assert_array_equal(Recipe.learn(frame, **LINEAR).transform(frame).numbers, frame.to_numpy())


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([7] * 30, "the value never changes."),
        (["a"] * 30, "the value never changes."),
        ([pd.Timestamp("2020-01-01")] * 30, "the value never changes."),
        ([7] * 29 + [None], "the value never changes, but for 1 missing one"),
        ([7] * 28 + [None] * 2, "the value never changes, but for 2 missing ones"),
        (["a"] * 98 + ["b"] * 2, "all but 2 rows hold the same value"),
        ([None] * 30, "every value is missing"),
        ([float("nan")] * 30, "every value is missing"),
        ([pd.NaT] * 30, "every value is missing"),
        ([f"w{i // 2}" for i in range(100)], "none of the 50 values occurs 5 times"),
        ([f"w{i}" for i in range(100)], "every value is different"),
    ],
)
def test_what_says_nothing_is_left_out_and_said(values: list[Any], why: str) -> None:
    recipe = Recipe.learn(pd.DataFrame({"x": values, "y": np.arange(len(values)) % 3}), **LINEAR)
    assert [column.name for column in recipe.columns] == ["y"]
    assert len(recipe.notes()) == 1
    assert recipe.notes()[0].startswith(f'Left out column "x": {why}')


def test_notes_name_columns_together() -> None:
    frame = pd.DataFrame({f"c{i}": 1 for i in range(9)} | {"y": np.arange(30) % 4})
    assert Recipe.learn(frame, **LINEAR).notes() == (
        'Left out columns "c0", "c1", "c2", "c3" and 5 more: the value never changes.',
    )


def test_why_columns_are_left_out_is_as_true_of_several_as_of_one() -> None:
    n = 100
    pair = {
        "constant": [7] * n,
        "rare": [f"w{i // 2}" for i in range(n)],
        "row": list(range(n)),
        "shuffled": [37 * i % n for i in range(n)],
        "user id": [1_000_003 * (37 * i % n) for i in range(n)],
    }
    frame = pd.DataFrame({f"{name} {i}": values for name, values in pair.items() for i in (1, 2)} | {"y": [0, 1] * 50})
    notes = Recipe.learn(frame, **LINEAR).notes()
    assert len(notes) == len(pair)
    for note in notes:
        assert re.match(r'Left out columns "[a-z ]+ 1" and "[a-z ]+ 2": ', note)
        assert not re.search(r"\b(it|its|is constant)\b", note), note


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1, 1, 1]}),
        pd.DataFrame({"x": [1]}),
        pd.DataFrame(index=range(3)),
        pd.DataFrame({"x": [None] * 9}),
    ],
)
def test_a_table_that_tells_no_rows_apart_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="Every feature is constant or left out"):
        Recipe.learn(frame, **LINEAR)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(TableError, match="no rows"):
        Recipe.learn(pd.DataFrame({"x": []}), **LINEAR)


# Prediction


def test_a_missing_column_is_named_with_the_one_that_was_meant() -> None:
    recipe = Recipe.learn(pd.DataFrame({"age": [1, 2, 3], "fare": [3, 1, 2]}), **LINEAR)
    with pytest.raises(TableError) as caught:
        recipe.transform(pd.DataFrame({"Age": [1], "fare": [2], "zzz": [3]}))
    assert str(caught.value) == 'The table lacks the column "age", which training had. Did you mean "Age"?'


def test_new_columns_are_ignored_and_said() -> None:
    frame = pd.DataFrame({"age": [1, 2, 3, 1], "same": 1})
    recipe = Recipe.learn(frame, **LINEAR)
    assert recipe.check(frame) == recipe.check(frame[["age"]]) == ()
    more = frame.assign(other=5)
    assert recipe.check(more) == ('Ignored, because training had no such column: column "other".',)
    same(recipe.transform(more), recipe.transform(frame))


def test_a_table_of_no_rows_gives_no_rows() -> None:
    frame = mixed()
    for options in (MLP, LINEAR):
        recipe = Recipe.learn(frame, **options)
        features = recipe.transform(frame.iloc[:0])
        assert features.numbers.shape == (0, len(recipe.names))
        assert features.codes.shape == (0, len(recipe.n_levels))
        with pytest.raises(TableError, match="lacks"):
            recipe.transform(frame.iloc[:0, 1:])


def test_a_column_that_is_all_missing_in_prediction_is_filled() -> None:
    frame = mixed()
    for options in (MLP, LINEAR):
        recipe = Recipe.learn(frame, **options)
        for gap in (None, np.nan, pd.NaT, pd.NA):
            empty = pd.DataFrame({name: pd.Series([gap] * 2, dtype=object) for name in frame})
            assert np.isfinite(recipe.transform(empty).numbers).all()


def test_names_that_nobody_can_write_down_are_refused() -> None:
    for name in (None, 1.5, ("a", "b"), True, pd.Timestamp("2020-01-01")):
        frame = pd.DataFrame({0: [1, 2, 3]})
        frame.columns = pd.Index([name], dtype=object)
        with pytest.raises(TableError, match="expected text or a whole number"):
            Recipe.learn(frame, **LINEAR)
    with pytest.raises(TableError, match='has the column "a" twice'):
        Recipe.learn(pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]), **LINEAR)


def test_the_index_of_a_frame_does_not_matter() -> None:
    frame = mixed()
    recipe = Recipe.learn(frame, **MLP)
    other = frame.set_axis(np.zeros(len(frame)))
    assert Recipe.learn(other, **MLP) == recipe
    same(recipe.transform(other), recipe.transform(frame))


# Damage


def places_in(config: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    return [path, *(place for key, value in inner for place in places_in(value, (*path, key)))]


def test_a_damaged_recipe_is_refused_wherever_the_damage_is() -> None:
    frame = mixed(60)[["income", "carrier", "when", "same"]]
    config = Recipe.learn(frame, **MLP).to_config()
    refused = 0
    for place in places_in(config):
        for junk in (None, "junk", -1, [], {}, math.nan, 1e400, True, ["junk", "junk"]):
            damaged = copy.deepcopy(config)
            target: Any = damaged
            for key in place[:-1]:
                target = target[key]
            if place:
                target[place[-1]] = junk
            else:
                damaged = junk
            try:
                recipe = Recipe.from_config(damaged)
            except RunError:
                refused += 1
                continue
            # Another fact, but a fact: what it says can be done.
            renamed = dict(zip(frame, [column.name for column in recipe.columns], strict=False))
            recipe.transform(frame.rename(columns=renamed))
    assert refused > 300


def test_every_entry_of_a_recipe_is_needed() -> None:
    config = Recipe.learn(mixed(60), **MLP).to_config()
    for place in places_in(config):
        if place and isinstance(place[-1], str):
            damaged = copy.deepcopy(config)
            target: Any = damaged
            for key in place[:-1]:
                target = target[key]
            del target[place[-1]]
            with pytest.raises(RunError):
                Recipe.from_config(damaged)


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        ("scale", {"low": True, "center": 2.0, "high": 3.0}),
        ("scale", {"low": 3.0, "center": 2.0, "high": 1.0}),
        ("more", 1),
        ("source", "seances"),
        ("name", 1.5),
        ("kind", "animal"),
    ],
)
def test_facts_that_cannot_be_are_refused(entry: str, change: Any) -> None:
    config = only([1.0, 2.0, 3.0]).to_config()
    config["columns"][0][entry] = change
    with pytest.raises(RunError, match=r"columns\[0\] of the recipe"):
        Recipe.from_config(config)


@pytest.mark.parametrize(
    ("values", "entry", "change"),
    [
        (["a", "b"], "levels", ["a", "a"]),
        (["a", "b"], "shown", [1, 3]),
        (["a", "b"], "shown", [2, 1]),
        (pd.date_range("2020-01-01", periods=9), "zone", "Middle-earth"),
        (pd.date_range("2020-01-01", periods=9), "zone", "dateutil//dev/zero"),
        (pd.date_range("2020-01-01", periods=9), "zone", "UTC+99:00"),
        (pd.date_range("2020-01-01", periods=9), "parts", ["century (sine)"]),
        (pd.date_range("2020-01-01", periods=9), "format", "%Q"),
    ],
)
def test_levels_and_dates_that_cannot_be_are_refused(values: Any, entry: str, change: Any) -> None:
    config = only(list(values) * 9).to_config()
    assert entry in config["columns"][0]
    config["columns"][0][entry] = change
    with pytest.raises(RunError, match=r"columns\[0\] of the recipe is damaged"):
        Recipe.from_config(config)


def test_a_column_twice_is_refused() -> None:
    config = only([1.0, 2.0, 3.0]).to_config()
    with pytest.raises(RunError, match="twice"):
        Recipe.from_config(config | {"columns": config["columns"] * 2})


def test_another_version_is_refused() -> None:
    config = only([1, 2, 3]).to_config()
    assert config["version"] == 1
    with pytest.raises(RunError, match="version 2; this logloss reads 1"):
        Recipe.from_config(config | {"version": 2})


# Anything at all

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.text(alphabet="0123456789-/:. ", max_size=10),
    st.binary(max_size=3),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=2))])),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.complex_numbers(),
    st.just(pd.NA),
    st.lists(st.integers(), max_size=2),
)
KINDS = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 3),
        st.floats(),
        st.one_of(st.none(), st.floats(-1e3, 1e3)),
        st.booleans(),
        st.one_of(st.none(), st.booleans()),
        st.sampled_from(["a", "b", "c", None]),
        st.text(max_size=4),
        st.datetimes(),
        st.datetimes(timezones=st.just(dt.UTC)),
        st.dates(),
        st.dates().map(str),
        st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
        st.times(),
        st.timedeltas(),
        st.decimals(allow_nan=False),
        st.text(alphabet="0123456789-/:. ,", max_size=10),
        SCALARS,
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table to learn from and one to predict, whose columns may be of quite another kind."""
    n = draw(st.integers(1, 60))
    learnt, predicted = {}, {}
    for name in draw(st.lists(st.one_of(st.integers(0, 3), st.text(max_size=3)), min_size=1, max_size=3, unique=True)):
        kind = draw(KINDS)
        pool = draw(st.lists(kind, min_size=1, max_size=8))
        learnt[name] = pd.Series([pool[i % len(pool)] for i in range(n)], dtype=object)
        other = draw(st.lists(draw(st.sampled_from([kind, draw(KINDS)])), min_size=3, max_size=3))
        predicted[name] = pd.Series(other, dtype=object)
        dtype = draw(st.sampled_from([None, "infer", "nullable", "category"]))
        if dtype == "infer":
            learnt[name] = learnt[name].infer_objects()
        elif dtype == "nullable":
            learnt[name] = learnt[name].convert_dtypes()
        elif dtype == "category":
            learnt[name] = learnt[name].map(str, na_action="ignore").astype("category")
    return pd.DataFrame(learnt), pd.DataFrame(predicted)


@settings(max_examples=150, deadline=None)
@given(tables(), st.booleans(), st.booleans(), st.booleans())
def test_any_table_is_learnt_or_refused_in_words(
    tables: tuple[pd.DataFrame, pd.DataFrame], embed: bool, standardize: bool, drop_first: bool
) -> None:
    frame, other = tables
    try:
        recipe = Recipe.learn(frame, embed=embed, standardize=standardize, drop_first=drop_first)
    except LogLossError:
        return
    recipe = through_json(recipe)
    features = recipe.transform(frame)
    assert np.isfinite(features.numbers).all()
    assert features.numbers.shape == (len(frame), len(recipe.names))
    for row in range(0, len(frame), 7):
        one = recipe.transform(frame.iloc[[row]])
        same(one, Features(features.numbers[[row]], features.codes[[row]]))
    giveaways(frame, np.arange(len(frame)) % 2)
    try:
        features = recipe.transform(other)
    except LogLossError:
        return
    assert np.isfinite(features.numbers).all()
    assert ((features.codes >= 0) & (features.codes < recipe.n_levels)).all()


# Giveaways


def noise(n: int, k: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for i in range(k // 5):
        columns[f"normal {i}"] = rng.normal(size=n)
        columns[f"whole {i}"] = rng.integers(0, 4, n)
        columns[f"gappy {i}"] = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
        columns[f"words {i}"] = rng.choice([f"w{j}" for j in range(2 + i)], n)
        columns[f"pairs {i}"] = rng.permutation(np.arange(n) // 2).astype(str)
    return pd.DataFrame(columns)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.03])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_noise_gives_nothing_away(n: int, share: float) -> None:
    y = np.random.default_rng(100).permutation(np.arange(n) < max(1, round(share * n)))
    assert giveaways(noise(n, 200, 0), y) == []


def outcome(n: int = 300) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(0)
    return rng.random(n) < 0.3, rng


def leaks() -> dict[str, Any]:
    y, rng = outcome()
    n = len(y)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.where(y, 100, 0) + rng.uniform(0, 90, n), unit="D")
    return {
        "number": np.where(y, 2.0, 0.0) + rng.normal(size=n) * 0.1,
        "backwards": -(np.where(y, 2.0, 0.0) + rng.normal(size=n) * 0.1),
        "copy": y,
        "code": np.where(y, 2, rng.choice([1, 3], n)),
        "word": np.where(y, rng.choice(["sunk", "lost"], n), rng.choice(["safe", "home"], n)),
        "date": days,
        "date in text": days.strftime("%Y-%m-%d"),
        "only where it happened": np.where(y, rng.normal(size=n), np.nan),
        "reason": np.where(y, rng.choice(["a", "b"], n), None),
        "where present": np.where(rng.random(n) < 0.5, np.nan, np.where(y, 2.0, 0.0) + rng.normal(size=n) * 0.1),
        "patient": np.where(y, "p", "q") + pd.Series(rng.integers(0, 10, n).astype(str)).to_numpy(),
    }


@pytest.mark.parametrize("name", leaks())
def test_what_gives_the_target_away_is_found(name: str) -> None:
    y, _ = outcome()
    frame = noise(len(y), 10, 0).assign(**{name: leaks()[name]})
    found = giveaways(frame, y)
    assert [one.name for one in found] == [name]
    assert 0.99 <= found[0].auc <= 1
    assert f'column "{name}"' in found[0].words.replace("Column", "column")
    assert giveaways(frame, ~y)[0].name == name
    several = giveaways(frame, np.stack([np.arange(len(y)) % 2, y], axis=1), names=["odd", "sick"])
    assert 'tells the classes of "sick" apart' in several[0].words


def test_an_identifier_gives_nothing_away() -> None:
    y, rng = outcome(400)
    frame = pd.DataFrame({"pair": np.arange(400) // 2, "few": rng.permutation(np.arange(400) // 3).astype(str)})
    frame["pair"] = frame["pair"].map(lambda i: f"p{i}")
    frame["text"] = [f"t{i}" for i in range(400)]
    frame["nearly text"] = [f"t{max(i, 5)}" for i in range(400)]
    assert giveaways(frame, np.sort(y)[rng.permutation(400)]) == []


@pytest.mark.parametrize(("ones", "zeros"), [(3, 3), (8, 8), (3, 300), (300, 3)])
def test_a_few_rows_say_nothing(ones: int, zeros: int) -> None:
    y = np.arange(ones + zeros) < ones
    frame = pd.DataFrame({"perfect": y + np.random.default_rng(0).random(len(y)) / 2})
    assert giveaways(frame, y) == []
    assert len(giveaways(pd.concat([frame] * 10), np.tile(y, 10))) == 1


def test_a_good_feature_is_no_giveaway() -> None:
    y, rng = outcome(3000)
    assert giveaways(pd.DataFrame({"good": np.where(y, 2.0, 0.0) + rng.normal(size=3000)}), y) == []


def test_each_of_several_labels_may_be_given_away() -> None:
    y, rng = outcome()
    labels = np.column_stack([rng.random(300) < 0.5, y, rng.random(300) < 0.5]).astype(float)
    labels[:20, 1] = np.nan  # not known
    frame = pd.DataFrame({"copy": y * 1.0, "noise": rng.normal(size=300)})
    (one,) = giveaways(frame, labels)
    assert (one.name, one.label, one.auc) == ("copy", 1, 1.0)


def test_only_the_columns_that_were_asked_for_are_looked_at() -> None:
    y, _ = outcome()
    frame = pd.DataFrame(leaks())
    assert {one.name for one in giveaways(frame, y, columns=["copy", "word"])} == {"copy", "word"}


def test_many_rows_are_sampled_the_same_way_each_time() -> None:
    y = np.random.default_rng(0).random(120_000) < 0.01
    noise = np.random.default_rng(1).normal(size=len(y))
    frame = pd.DataFrame({"nearly": y + noise / 5, "noise": noise})
    assert giveaways(frame, y) == giveaways(frame, y)
    assert [one.name for one in giveaways(frame, y)] == ["nearly"]


def test_one_label_a_row_is_expected() -> None:
    with pytest.raises(ShapeError, match="3 rows"):
        giveaways(pd.DataFrame({"x": [1, 2, 3]}), [0, 1])


def test_labels_of_one_class_are_given_away_by_nothing() -> None:
    assert giveaways(pd.DataFrame({"x": np.arange(50) % 7}), np.zeros(50)) == []
    assert giveaways(pd.DataFrame({"x": []}), np.zeros(0)) == []
