"""Where a tally is taken: arrays, tables, Spark, Dask; and `evaluate`, the front door."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.engines.front_door import evaluate

__all__ = ["evaluate"]

__getattr__, __dir__ = lazy.attributes(__name__, evaluate=dict.fromkeys(__all__, "logloss.engines.front_door"))
