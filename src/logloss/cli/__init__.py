"""The command line: one verb a file; parsing and printing only."""

import sys


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 2."""
    try:
        from logloss.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("logloss"):
            raise
        sys.exit(f"The command line needs the package {error.name}. Install it with: pip install 'logloss[train]'")
    sys.exit(run(sys.argv[1:]))
