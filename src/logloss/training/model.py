"""A trained model: a table goes in, probabilities come out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import expit

from logloss.training import loop
from logloss.training.features import Features, Recipe
from logloss.training.networks import MLP
from logloss.training.tables import refuse_infinite

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """What turns a table's columns into logits: the features' recipe, the weights, and the prior's shift.

    Either ``network`` is there, or ``coefficients`` of shape (k, d) and ``intercept`` of shape (k,), for k labels.
    ``shift``, of shape (k,), is added to every logit.
    """

    recipe: Recipe
    shift: Array
    network: MLP | None = None
    coefficients: Array | None = None
    intercept: Array | None = None

    def __post_init__(self) -> None:
        if self.network is not None:
            self.network.double()  # so that a row's logit does not depend on the rows beside it

    def features(self, frame: pd.DataFrame) -> Features:
        """The features of a table.

        Raises
        ------
        TableError
            A column is missing, infinite, or not what it was in training.
        """
        self.recipe.check(frame)
        used = frame.columns.isin([column.name for column in self.recipe.columns])
        refuse_infinite(frame, frame.columns[used])
        return self.recipe.transform(frame)

    def logits(self, rows: pd.DataFrame | Features) -> Array:
        """Logits of shape (n, k), of a table or of what the recipe made of it."""
        features = rows if isinstance(rows, Features) else self.features(rows)
        if self.network is None:
            made: Array = features.numbers @ self.coefficients.T + self.intercept + self.shift  # type: ignore[union-attr, operator]
            return made
        given = loop.Rows(
            torch.from_numpy(features.numbers).double(), torch.from_numpy(features.codes), torch.empty(0), None
        )
        return loop.predict(self.network, given).numpy() + self.shift

    def probabilities(self, rows: pd.DataFrame | Features) -> Array:
        """Probabilities of shape (n, k), of a table or of what the recipe made of it."""
        made: Array = expit(self.logits(rows))
        return made

    def tensors(self) -> dict[str, Any]:
        """The weights by name, for safetensors."""
        if self.network is not None:
            return {name: value.detach().float().contiguous() for name, value in self.network.state_dict().items()}
        return {"coefficients": torch.from_numpy(self.coefficients), "intercept": torch.from_numpy(self.intercept)}
