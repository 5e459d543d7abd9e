"""The command line as a whole: its verbs, and what becomes of an error."""

import sys
import traceback
from collections.abc import Sequence

import typer

from logloss import __version__
from logloss.cli import demo, predict, report, train
from logloss.core.errors import LogLossError

app = typer.Typer(
    name="logloss",
    help="Binary cross-entropy: train a classifier with it, and see what its probabilities are worth.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("report")(report.report)
app.command("demo")(demo.demo)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"logloss {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    show_traceback: bool = typer.Option(False, "--traceback", help="Show where in the program an error arose."),
) -> None:
    """Options that hold for every verb."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 2 for a refusal, which is one sentence."""
    show_traceback = "--traceback" in arguments
    try:
        app([argument for argument in arguments if argument != "--traceback"])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0  # whoever read the output has seen enough
    except Exception as error:
        if show_traceback:
            traceback.print_exc()
        typer.echo(_sentence(error), err=True)
        return 2
    return 0


def _sentence(error: Exception) -> str:
    if isinstance(error, LogLossError):
        return f"Error: {error}"
    if isinstance(error, MemoryError):
        return "Error: The memory does not suffice for this table. Train on fewer rows or columns."
    if isinstance(error, OSError):
        return f"Error: {error.filename or 'A file'} cannot be used: {error.strerror or error}."
    kind = type(error).__name__
    return f"Error: Something went wrong inside logloss ({kind}: {error}). This is a bug; --traceback shows where."


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
