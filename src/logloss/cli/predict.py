"""`logloss predict`: score a table with a trained model."""

from pathlib import Path
from typing import Annotated

import typer

from logloss.cli.words import names, tell
from logloss.core.printable import printable


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder of `logloss train`.")],
    data: Annotated[Path, typer.Argument(help="A table with the columns that the model was trained on.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write: .parquet, .csv or .tsv, also .gz.")],
    columns: Annotated[
        str | None, typer.Option(metavar="a,b", help="Which of the table's own columns to keep; all if not given.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(metavar="X|FILE", help="Decide by it: a number or a file of `logloss evaluate --save-threshold`."),
    ] = None,
    no_header: Annotated[bool, typer.Option("--no-header", help="The file has no header.")] = False,
) -> None:
    """Write a table's rows with the column `probability` added, and with a threshold `decision` too."""
    kept = None if columns is None else names(columns, "--columns")

    from logloss.tables.contents import find
    from logloss.tables.decision_threshold import threshold_in
    from logloss.training.run import RunFolder

    RunFolder.open(run)  # what is not there is said at once, as the rest takes seconds to import
    find(data)
    decides_from = None if threshold is None else threshold_in(threshold)

    from logloss import training

    header = False if no_header else None
    rows, notes = training.predict(run, data, out, columns=kept, header=header, threshold=decides_from)
    for note in notes:
        tell(printable(note), err=True)
    what = "1 row with its probability is" if rows == 1 else f"{rows:,} rows with their probability are"
    tell(f"{what} in {out}.")
