"""Where a tally is taken: arrays, tables, Spark, Dask; and `evaluate`, the front door."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.engines.front_door import evaluate
    from logloss.engines.saved import save_tally

__all__ = ["evaluate", "save_tally"]

__getattr__, __dir__ = lazy.attributes(
    __name__, evaluate={"evaluate": "logloss.engines.front_door", "save_tally": "logloss.engines.saved"}
)
