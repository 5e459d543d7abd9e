"""The command line: one verb a file; parsing and printing only."""

import io
import sys


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot write stops no training
    try:
        from logloss.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while Python was still starting
        code = 130
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("logloss"):
            raise
        from logloss.cli.words import missing_package

        print(f"Error: {missing_package(error, sys.argv[1:])}", file=sys.stderr)  # noqa: T201 -- Typer itself may be what is missing
        code = 2
    sys.exit(code)
