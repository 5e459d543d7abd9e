"""Counting rows: by the compiled kernel, or by NumPy where there is none."""

from typing import Any, NamedTuple

from logloss.core import native
from logloss.core.inputs import Array
from logloss.evaluation import plain
from logloss.evaluation.tally import CellCounts, Kept, Tally, in_order, settled


class Worst(NamedTuple):
    """The rows of a batch that cost most: all whose loss is at least that of the last one wanted."""

    floor: float
    loss: Array
    place: Array


class Counter:
    """Rows in, a tally out. Values have to have been looked at where `add` gives None.

    Examples
    --------
    >>> import numpy as np
    >>> counter = Counter()
    >>> counter.add(np.array([1, 0, 1]), np.array([0.8, 0.2, 0.7])).loss.size
    0
    >>> counter.tally().rows
    3
    """

    def __init__(self, *, from_logits: bool = False, threads: int | None = None) -> None:
        self.from_logits, self._threads = from_logits, threads
        made: Any = native.new_tally(from_logits)
        self._counts = made or plain.Counts(from_logits)
        self._pending = 0

    def add(
        self,
        y_true: Array,
        y_pred: Array,
        weight: Array | None = None,
        shown: Array | None = None,
        *,
        worst: int = 0,
        floor: float = 0.0,
    ) -> Worst | None:
        """Count rows, (n,) each; None if some value may have to be refused, and then this is spoilt."""
        threads = self._threads or native.threads_for(len(y_pred))
        found: Any = self._counts.add(y_pred, y_true, weight, shown, worst, floor, threads)
        return Worst(*found) if found else None

    def add_pending(self, count: int) -> None:
        """Count rows whose label is not known yet."""
        self._pending += count

    def tally(self) -> Tally:
        """All that was counted."""
        state = self._counts.state()
        rows, negatives, positives = state.pop("counts").tolist()
        sums = settled(state.pop("sums"))
        kept: Kept = in_order(**state) if "score" in state else CellCounts(**state)
        return Tally(self.from_logits, sums, rows, (negatives, positives), self._pending, kept)
