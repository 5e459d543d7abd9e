"""What a person sees while a model is trained: notes, a progress bar, the verdict, and where things are."""

import contextlib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from logloss.cli.words import tell
from logloss.core.errors import RunError
from logloss.core.plain import to_json
from logloss.core.printable import printable
from logloss.report import write_run_report
from logloss.training import Epoch, Listener, Run
from logloss.training.run import CONFIG, resume_command

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C stopped


def train_and_tell(start: Callable[[Listener], Run], folder: Path, *, as_json: bool = False) -> None:
    """Start or resume a run in ``folder``, and show how it goes and what came of it."""
    screen = Screen(silent=as_json)
    try:
        run = start(screen)
    except KeyboardInterrupt:
        kept = (folder / CONFIG).exists()
        end = f"Continue with: {resume_command(folder)}" if kept else "Nothing was begun."
        tell(printable(f"Stopped. {end}"), err=True)
        raise typer.Exit(INTERRUPTED) from None
    for sentence in ("", *run.verdict, ""):
        screen.say(sentence)
    path = shlex.quote(str(run.path))
    try:
        report = write_run_report(run)
    except RunError as error:
        raise RunError(f"{error} The run itself is whole; draw its report with: logloss report {path}") from error
    if as_json:
        facts = {"run": str(run.path), "report": str(report), "metrics": run.metrics, "verdict": run.verdict}
        # JSON is UTF-8, whatever the terminal speaks.
        tell(to_json(facts | {"notes": run.notes, "warnings": run.warnings}).encode())
        return
    screen.say(f"The run is in {run.path}, and its report in {report}.")
    screen.say(f"Score another table: logloss predict {path} DATA --out FILE")


def new_run_folder(data: Path) -> Path:
    """``runs/NAME``, or ``runs/NAME-2`` and so on where that is taken."""
    name = data.name.split(".")[0] or "run"
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


class Screen(Listener):
    """A listener that prints: sentences as they come, and a progress bar where there is a terminal."""

    def __init__(self, *, silent: bool) -> None:
        self._console = Console(highlight=False)
        self._silent = silent
        self._base = float("nan")
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def say(self, sentence: str, style: str | None = None) -> None:
        """Print a line, wrapped at the terminal's width."""
        if not self._silent:
            wrap = self._console.is_terminal
            with contextlib.suppress(SystemExit):  # which Rich raises where whoever read has gone; the training goes on
                self._console.print(printable(sentence), markup=False, emoji=False, style=style, soft_wrap=not wrap)

    def note(self, sentence: str) -> None:
        """Print a note."""
        self.say(sentence)

    def warn(self, sentence: str) -> None:
        """Print a warning."""
        self.say(f"Warning: {sentence}", "yellow")

    def begin(self, epochs: int | None, base_rate_loss: float, done: Sequence[Epoch]) -> None:
        """Start the bar."""
        self._base = base_rate_loss
        if done:
            self.say(f"Continuing after epoch {done[-1].epoch}.")
        if self._silent or not self._console.is_terminal:
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
        )
        self._task = self._progress.add_task(
            "Epoch" if epochs else "Iteration", total=epochs, completed=len(done), losses=self._losses(*done[-1:])
        )
        self._progress.start()

    def epoch(self, epoch: Epoch) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.update(self._task, advance=1, losses=self._losses(epoch))

    def end(self) -> None:
        """Leave the bar as it stands."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _losses(self, epoch: Epoch | None = None) -> str:
        if epoch is None:
            return f"base rate {self._base:.4f}"
        validation = "" if epoch.validation_loss is None else f"validation {epoch.validation_loss:.4f}  "
        return f"training {epoch.train_loss:.4f}  {validation}base rate {self._base:.4f}"
