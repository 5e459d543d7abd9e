"""`logloss demo`: train on a real table that comes with the package."""

from pathlib import Path
from typing import Annotated

import typer

from logloss.cli.words import tell


def demo(
    loss: Annotated[str, typer.Option(metavar="SPELLING", help="The loss to train with.")] = "bce",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The run folder; runs/flights if not given.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bits.")] = 0,
) -> None:
    """Train a network on 60,000 flights: which will arrive more than 15 minutes late."""
    from logloss.cli.training import new_run_folder, train_and_tell
    from logloss.training import train
    from logloss.training.data import demo_path

    tell("Flights out of New York in 2013: which will arrive more than 15 minutes late?\n")
    data = demo_path()
    folder = out or new_run_folder(data)
    train_and_tell(lambda screen: train(data, target="late", loss=loss, seed=seed, out=folder, listener=screen), folder)
