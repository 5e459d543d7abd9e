"""From where on `logloss predict` decides: a number, or the file in which `logloss evaluate` leaves one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from logloss.core.errors import LogLossError, ParameterError, RunError
from logloss.core.plain import read_plain, to_json
from logloss.tables.atomic import write_atomically


@dataclass(frozen=True)
class DecisionThreshold:
    """From which probability on a row is taken as positive, and what it was chosen by and for.

    Raises
    ------
    ParameterError
        The threshold is not a number from 0 on; above 1, no row is taken.

    Examples
    --------
    >>> DecisionThreshold(0.2, "theory", cost_fp=1, cost_fn=4).threshold
    0.2
    """

    threshold: float
    chosen_by: Literal["theory", "data"]
    cost_fp: float
    cost_fn: float

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < float("inf"):
            raise ParameterError(f"A threshold of {self.threshold:g} is not usable; expected one from 0 to 1.")

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all."""
        write_atomically(path, to_json(self) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The threshold of a file.

        Raises
        ------
        LogLossError
            The file is not there, or is no threshold.
        """
        command = "logloss evaluate … --cost-fp 1 --cost-fn 10 --save-threshold FILE"
        made_by = f"Say a number from 0 to 1, or make a file with: {command}"
        try:
            said = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not JSON"
            raise ParameterError(f"{path} cannot be read as a threshold ({why}). {made_by}") from None
        try:
            return read_plain(cls, said, str(path))
        except (RunError, ParameterError) as error:
            raise LogLossError(f"{error} {made_by}") from None


def threshold_in(said: str) -> float:
    """The threshold that a word of a command says, as a number or as the name of a file.

    Raises
    ------
    LogLossError
        The number is not from 0 to 1; or the file is not there, or is no threshold.

    Examples
    --------
    >>> threshold_in("0.3")
    0.3
    """
    try:
        number = float(said)
    except ValueError:
        return DecisionThreshold.read(said).threshold
    if not 0 <= number <= 1:
        raise ParameterError(f"A threshold of {said} is not usable; expected a number from 0 to 1, or a file.")
    return number
