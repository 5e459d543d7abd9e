"""`logloss train`: from a table to a trained model."""

from pathlib import Path
from typing import Annotated

import typer

from logloss.cli.words import names, numbers
from logloss.core.errors import ParameterError

_USAGE = "logloss train DATA --target COL"


def train(
    context: typer.Context,
    data: Annotated[Path | None, typer.Argument(help="A CSV, TSV or Parquet file, packed or not.")] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", "--label", metavar="COL", help="What to predict; several 0/1 columns as a,b,c."),
    ] = None,
    loss: Annotated[
        str,
        typer.Option(
            metavar="SPELLING",
            help="bce, weighted, weighted(pos_weight=3), smoothed, focal, focal(gamma=3, alpha=0.5), asymmetric(…).",
        ),
    ] = "bce",
    model: Annotated[str, typer.Option(metavar="mlp|linear", help="A small network, or maximum likelihood.")] = "mlp",
    hidden: Annotated[str, typer.Option(metavar="64,32", help="Units of the network's hidden layers.")] = "64,32",
    epochs: Annotated[int | None, typer.Option(help="At most so many; by the table's size if not given.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a step; by the table's size if not given.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The highest of the schedule; 0.002 if not given.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Which value of the target is positive.")
    ] = None,
    weight: Annotated[str | None, typer.Option(metavar="COL", help="A column of row weights.")] = None,
    drop: Annotated[str | None, typer.Option(metavar="a,b", help="Columns to learn nothing from.")] = None,
    validation: Annotated[float, typer.Option(metavar="SHARE", help="The share of rows kept to validate on.")] = 0.2,
    validation_data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A table to validate on instead.")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option(metavar="COL", help="Validate on the latest rows by this column.")
    ] = None,
    no_header: Annotated[bool, typer.Option("--no-header", help="The file has no header; columns are 0, 1, …")] = False,
    no_prior_correction: Annotated[
        bool, typer.Option("--no-prior-correction", help="Keep probabilities as class weights moved them.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bits.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The run folder; runs/NAME if not given.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Continue a run that was interrupted.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")] = False,
) -> None:
    """Train a classifier on a table, and say what came of it."""
    if resume is not None:
        _refuse_others(context)
        _resume(resume, as_json=as_json)
        return
    if data is None or target is None:
        missing = "table" if data is None else "--target"
        raise ParameterError(f"There is no {missing}. Say what to learn from and what to predict: {_USAGE}")

    if model == "linear":
        _refuse_those_of_a_network(context)

    from logloss.core.family import BinaryCrossEntropy
    from logloss.tables.contents import find

    for file in filter(None, (data, validation_data)):
        find(file)  # what is not there is said at once, as the rest takes seconds to import
    BinaryCrossEntropy.parse(loss, [0, 1])  # and so is a misspelt loss

    from logloss import training
    from logloss.cli.training import new_run_folder, train_and_tell

    columns = names(target, "--target")
    folder = out or new_run_folder(data)

    def start(screen: training.Listener) -> training.Run:
        return training.train(
            data,
            target=columns,
            out=folder,
            positive=positive,
            weight=weight,
            drop=() if drop is None else names(drop, "--drop"),
            header=not no_header,
            validation=validation,
            validation_data=validation_data,
            time_column=time_column,
            loss=loss,
            model=model,  # type: ignore[arg-type]
            hidden=numbers(hidden, "--hidden"),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            prior_correction=not no_prior_correction,
            seed=seed,
            listener=screen,
        )

    train_and_tell(start, folder, as_json=as_json)


def _resume(run: Path, *, as_json: bool) -> None:
    from logloss import training
    from logloss.cli.training import train_and_tell

    train_and_tell(lambda screen: training.resume(run, screen), run, as_json=as_json)


def _refuse_others(context: typer.Context) -> None:
    """Refuse what would have no effect beside --resume."""
    for name, option in _given(context).items():
        if name not in ("resume", "as_json"):
            raise ParameterError(
                "--resume goes on with the table and the options that the run was started with, and "
                f"{option if option.startswith('-') else 'another table'} was given too. Leave that out, or train anew."
            )


def _refuse_those_of_a_network(context: typer.Context) -> None:
    """Refuse what would have no effect on a linear model."""
    given = _given(context)
    for name in ("hidden", "epochs", "batch_size", "learning_rate"):
        if name in given:
            raise ParameterError(f"{given[name]} is an option of the network; --model linear has no use for it.")


def _given(context: typer.Context) -> dict[str, str]:
    """What stands on the command line: parameters and how they are spelled there."""
    names_of = {parameter.name or "": parameter.opts[0] for parameter in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in names_of}
    return {name: names_of[name] for name, source in sources.items() if source and source.name == "COMMANDLINE"}
