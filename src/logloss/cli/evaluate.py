"""`logloss evaluate`: what predicted probabilities are worth."""

import json
from pathlib import Path
from typing import Annotated

import typer

from logloss.cli.condition import Condition, failures
from logloss.cli.evaluation import (
    Request,
    costs_in,
    evaluations_in,
    keep,
    lost_in,
    refuse_overwriting,
    scores_in,
    title_of,
)
from logloss.cli.words import names, tell
from logloss.core.errors import ParameterError
from logloss.core.printable import printable
from logloss.tables.atomic import refuse_unwritable
from logloss.tables.page_name import refuse_other_format


def evaluate(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="CSV, TSV or Parquet: files, folders, patterns; or saved tallies."),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", "--target", metavar="COL", help="What happened: 0/1, or two values.")
    ] = None,
    prob: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Probabilities of the positive class; several are compared.")
    ] = None,
    logit: Annotated[list[str] | None, typer.Option(metavar="COL", help="Logits in place of probabilities.")] = None,
    weight: Annotated[str | None, typer.Option(metavar="COL", help="A column of row weights.")] = None,
    positive: Annotated[str | None, typer.Option(metavar="VALUE", help="Which value of the label is positive.")] = None,
    by: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Look at each value of this column by itself too.")
    ] = None,
    row_id: Annotated[str | None, typer.Option("--id", metavar="COL", help="What names a row.")] = None,
    cost_fp: Annotated[float | None, typer.Option(help="What a false positive costs; needs --cost-fn.")] = None,
    cost_fn: Annotated[float | None, typer.Option(help="What a false negative costs; needs --cost-fp.")] = None,
    show_rows: Annotated[
        str | None, typer.Option(metavar="a,b", help="Columns to show of the rows that cost most; none if not given.")
    ] = None,
    skip_nulls: Annotated[bool, typer.Option("--skip-nulls", help="Leave out rows without a score.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page to look at.")] = None,
    tally: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save what was counted, to be merged with others later.")
    ] = None,
    threshold: Annotated[
        Path | None,
        typer.Option(
            "--save-threshold", metavar="FILE", help="Save the threshold of these costs, for `logloss predict`."
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="End with exit code 1 if one holds: 'log_loss>0.42'."),
    ] = None,
    engine: Annotated[str | None, typer.Option(metavar="spark|dask", help="Read on a cluster.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Try it on predictions that come with the package.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")] = False,
) -> None:
    """Say what predicted probabilities are worth: log loss in its parts, calibration, ranking, the worst rows."""
    conditions = {text: Condition.parse(text) for text in fail_if or ()}
    costs = costs_in(cost_fp, cost_fn)
    if threshold is not None and costs is None:
        raise ParameterError("--save-threshold needs what errors cost. Say --cost-fp and --cost-fn too.")
    scores, from_logits = scores_in(prob, logit)
    if len(scores) > 1 and (outputs := [one for one in (tally, threshold) if one is not None]):
        raise ParameterError(f"{outputs[0]} is for one model, and {len(scores)} were given. Name one.")
    options = {
        "weight": weight,
        "by": [name for text in by or () for name in names(text, "--by")] or None,
        "id": row_id,
        "positive": positive,
        "skip_nulls": skip_nulls,
        "show_rows": () if show_rows is None else names(show_rows, "--show-rows"),
    }
    request = Request(files or [], label, scores, from_logits, costs, engine, options)
    for path in filter(None, (report, tally, threshold)):
        refuse_unwritable(path)
    refuse_overwriting(request.files, {"--report": report, "--tally": tally, "--save-threshold": threshold})
    if report is not None:
        refuse_other_format(report, "--report")
    made = request.of_example() if example else request.evaluated()

    if as_json:
        tell(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False).encode())
    else:
        tell(printable(str(made)))
    notes = keep(made, title=title_of(request.files), report=report, tally=tally, threshold=threshold)
    for note in notes if not as_json else ():
        tell(printable(note))
    if tally is not None and not as_json and (lost := lost_in(tally, options)):
        tell(printable(f"Note: {lost}"), err=True)
    failed = False
    for sentence in failures(conditions, evaluations_in(made)):
        tell(printable(sentence), err=True)
        failed = True
    if failed:
        raise typer.Exit(1)
