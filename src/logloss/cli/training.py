"""What a person sees while a model is trained: notes, a progress bar, the verdict, and where things are."""

from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from logloss.core.errors import ParameterError
from logloss.core.plain import to_json
from logloss.report import write_run_report
from logloss.training import Epoch, Listener, Run
from logloss.training.run import CONFIG

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C stopped


def train_and_tell(start: Callable[[Listener], Run], folder: Path, *, as_json: bool = False) -> None:
    """Start or resume a run in ``folder``, and show how it goes and what came of it."""
    screen = Screen(silent=as_json)
    try:
        run = start(screen)
    except KeyboardInterrupt:
        if (folder / CONFIG).exists():
            typer.echo(f"Stopped. Continue with: logloss train --resume {folder}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    report = write_run_report(run)
    if as_json:
        facts = {"run": str(run.path), "report": str(report), "metrics": run.metrics, "verdict": run.verdict}
        typer.echo(to_json(facts | {"notes": run.notes, "warnings": run.warnings}))
        return
    screen.say("")
    for sentence in run.verdict:
        screen.say(sentence)
    screen.say("")
    screen.say(f"The run is in {run.path}, and its report in {report}.")
    screen.say(f"Score another table: logloss predict {run.path} DATA --out FILE")


def new_run_folder(data: Path) -> Path:
    """``runs/NAME``, or ``runs/NAME-2`` and so on where that is taken."""
    name = data.name.split(".")[0] or "run"
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ParameterError(f"{option} {text} is not usable; expected whole numbers, such as 64,32.") from None


class Screen(Listener):
    """A listener that prints: sentences as they come, and a progress bar where there is a terminal."""

    def __init__(self, *, silent: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=False)
        self._silent = silent
        self._base = float("nan")
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def say(self, sentence: str) -> None:
        """Print a line, wrapped at the terminal's width."""
        if not self._silent:
            self._console.print(sentence, markup=False, soft_wrap=not self._console.is_terminal)

    def note(self, sentence: str) -> None:
        """Print a note."""
        self.say(sentence)

    def warn(self, sentence: str) -> None:
        """Print a warning."""
        if not self._silent:
            self._console.print(
                f"Warning: {sentence}", markup=False, style="yellow", soft_wrap=not self._console.is_terminal
            )

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
