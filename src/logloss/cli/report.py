"""`logloss report`: make a run's page anew."""

from pathlib import Path
from typing import Annotated

import typer

from logloss.cli.words import tell
from logloss.tables.page_name import refuse_other_format


def report(
    run: Annotated[Path, typer.Argument(help="A run folder of `logloss train`, or a history.jsonl.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; the run's report.html if not given.")
    ] = None,
) -> None:
    """Draw the report of a run, or the curves of a history."""
    if out is not None:
        refuse_other_format(out, "--out")

    from logloss import report as reports
    from logloss.training import read_run

    if run.is_file():
        out = out or run.with_suffix(".html")
        reports.history(run).save(out)
    else:
        out = reports.write_run_report(read_run(run), out)
    tell(f"The report is in {out}.")
