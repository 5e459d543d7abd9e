"""Parts of a table read and counted side by side, each worker with counts of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TypeVar

from logloss.engines.gathering import Batch, Gatherer, Part

P = TypeVar("P")
MOST_WORKERS = 6  # each keeps counts, which take some 20 MB


class Told:
    """How many rows are done, told to whoever wants to know."""

    def __init__(self, progress: Callable[[int, int | None], None] | None, of: int | None) -> None:
        self._progress, self._of, self._lock = progress, of, Lock()
        self.rows = 0

    def add(self, rows: int) -> None:
        """Tell of more."""
        with self._lock:
            self.rows += rows
            if self._progress is not None:
                self._progress(self.rows, self._of)


def side_by_side(
    parts: Sequence[P],
    workers: int,
    gatherer: Callable[[], Gatherer],
    batches: Callable[[P], Iterator[Batch]],
    told: Told,
) -> list[Part]:
    """What each worker gathered; each takes the first of the parts that are left, again and again.

    Raises
    ------
    Exception
        What went wrong in a worker; the others stop at their next batch.
    """
    waiting = iter(parts)  # of which one thread at a time takes the next
    is_over = Event()

    def work() -> Part:
        own = gatherer()
        try:
            while not is_over.is_set() and (part := next(waiting, None)) is not None:
                for batch in batches(part):
                    own.add(batch)
                    told.add(len(batch.score))
                    if is_over.is_set():
                        break
        except BaseException:
            is_over.set()
            raise
        return own.part()

    with ThreadPoolExecutor(workers) as pool:
        done = [pool.submit(work) for _ in range(workers)]
        try:
            return [one.result() for one in done]
        finally:  # an interrupt too
            is_over.set()
