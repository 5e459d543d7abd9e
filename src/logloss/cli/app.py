"""The command line as a whole: its verbs, and what becomes of an error."""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from logloss import __version__
from logloss.cli import demo, evaluate, predict, report, train
from logloss.cli.words import missing_package, refuse_empty, tell, verb_in
from logloss.core.errors import LogLossError, nearest
from logloss.core.printable import printable

app = typer.Typer(
    name="logloss",
    help="Binary cross-entropy: train a classifier with it, and see what its probabilities are worth.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("demo")(demo.demo)


_SOFTWARE = 70  # as sysexits.h calls it; 1 is said by --fail-if
_LESS = {
    "train": "Train on fewer rows or columns.",
    "evaluate": "Evaluate its parts one by one with --tally, and merge these.",
    "": "Use fewer rows or columns.",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"logloss {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
    _traceback: bool = typer.Option(False, "--traceback", help="Show where in the program an error arose."),
) -> None:
    """Options that hold for every verb."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 2 for a refusal, which is one sentence, 70 for a bug."""
    show_traceback = "--traceback" in arguments
    try:
        if verb_in(arguments) == "evaluate":  # elsewhere an empty list is a choice
            refuse_empty(arguments)
        code = app([one for one in arguments if one != "--traceback"], prog_name="logloss", standalone_mode=False)
    except SystemExit:  # whoever read the output has seen enough
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if show_traceback:
            traceback.print_exc()
        sentence = _sentence(error, arguments)
        tell(printable(f"Error: {sentence or _bug(error)}"), err=True)
        return 2 if sentence else _SOFTWARE
    return code or 0


def _sentence(error: Exception, arguments: Sequence[str]) -> str | None:
    """What to tell a person who can mend it; None for what is a fault of logloss."""
    if isinstance(error, LogLossError):
        return str(error)
    if hasattr(error, "format_message"):  # what Typer says of a wrong command; it has no public name for these errors
        return _usage(error)
    if isinstance(error, MemoryError):
        return f"The memory does not suffice for this table. {_LESS.get(verb_in(arguments), _LESS[''])}"
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("logloss"):
        return missing_package(error, arguments)
    return None


def _bug(error: Exception) -> str:
    kind = type(error).__name__
    return f"Something went wrong inside logloss ({kind}: {error}). This is a bug; --traceback shows where."


def _usage(error: Any) -> str:
    words = error.format_message()
    if getattr(error, "possibilities", None):
        words = f"{error.message}.{nearest(error.option_name, error.possibilities)}"
    end = "" if words.endswith((".", "?")) else "."
    return f"{words}{end} See: {error.ctx.command_path if error.ctx else 'logloss'} --help"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
