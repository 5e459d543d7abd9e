"""How far reading has come: a bar on the terminal, where it takes long enough for one."""

import sys
import time
from types import TracebackType
from typing import Any, Self

_PATIENCE = 1.0  # seconds


class Bar:
    """Called with the rows done and the rows in all, None where that is not known."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int, rows: int | None) -> None:
        """Move the bar."""
        if self._progress is None and sys.stderr.isatty() and time.monotonic() - self._begun > _PATIENCE:
            self._start(rows)
        if self._progress is not None:
            self._progress.update(self._task, completed=min(done, rows or done), total=rows)

    def _start(self, rows: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        rows_done = TextColumn("{task.completed:,.0f} rows")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            rows_done,
            TimeRemainingColumn(compact=True),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("Reading", total=rows)
        self._progress.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
