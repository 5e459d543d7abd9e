"""The table that comes with logloss, for a first try without a file of one's own."""

from importlib.resources import files
from pathlib import Path


def demo_path() -> Path:
    """Where the demonstration table lies: 60,000 flights from New York, and whether each was late (see README.md).

    Examples
    --------
    >>> demo_path().name
    'flights.parquet'
    """
    return Path(str(files(__name__) / "flights.parquet"))
