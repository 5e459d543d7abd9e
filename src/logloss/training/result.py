"""A finished training, as its folder tells it."""

import warnings as python_warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from logloss.core.errors import RunError
from logloss.core.family import BinaryCrossEntropy
from logloss.training import priors
from logloss.training.fitting import options_of
from logloss.training.frames import as_frame
from logloss.training.history import History
from logloss.training.metrics import Metrics
from logloss.training.model import Model
from logloss.training.prediction import Scorer, load_scorer
from logloss.training.run import METRICS, RunFolder


@dataclass(frozen=True)
class Run:
    """A finished training: what was asked for, what came of it, and a model that scores other tables."""

    path: Path
    config: Mapping[str, Any]
    history: History
    metrics: Metrics
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def loss(self) -> BinaryCrossEntropy:
        """What was trained with."""
        return options_of(self.config).loss

    @property
    def standing(self) -> priors.Standing:
        """Whether the probabilities mean what they say."""
        options = options_of(self.config)
        return priors.standing(options.loss, corrected=options.prior_correction)

    @property
    def model(self) -> Model:
        """The recipe of the features and the weights, read when first asked for."""
        return self._scorer.model

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        r"""Probabilities of the positive class, as `logloss predict` writes them.

        Warns where a column holds values that training never saw, or hardly.

        Parameters
        ----------
        X : data frame, Table or dict
            A table of pandas, polars or pyarrow, or a dict of columns, with the columns that the model was trained on.
            Others are passed over.

        Returns
        -------
        array, shape (n,), or (n, k) for k targets
            In the order of the rows, and of the targets.

        Raises
        ------
        TableError
            A column is missing, or is not what it was in training.
        RunError
            The folder is no longer there, or was edited or damaged.

        Examples
        --------
        >>> import tempfile
        >>> from logloss.training import train
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "hours.csv"
        ...     _ = path.write_text("hours,passed\n" + "1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n" * 2)
        ...     run = train(path, target="passed", model="linear", validation_data=path, out=Path(folder) / "run")
        ...     run.predict_proba({"hours": [2, 3.5]}).round(3)
        array([0.139, 0.5  ])
        """
        probabilities, notes = self._scorer.score(as_frame(X).rename(columns=str))
        for sentence in notes:
            python_warnings.warn(sentence, stacklevel=2)
        return probabilities[:, 0] if probabilities.shape[1] == 1 else probabilities

    @cached_property
    def _scorer(self) -> Scorer:
        return load_scorer(self.path)


def read_run(path: str | Path) -> Run:
    """A finished run, read from its folder.

    Raises
    ------
    RunError
        The folder is not a finished run, or it was edited or damaged.
    """
    folder = RunFolder.open(path)
    config, facts = folder.read_config(), folder.read_metrics()
    try:
        metrics = Metrics.from_plain(facts["metrics"])
        verdict, notes, warnings = (tuple(facts[name]) for name in ("verdict", "notes", "warnings"))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder.path / METRICS} is damaged: {error!r}. Restore it, or train again.") from error
    stops_early = options_of(config).model != "linear"
    history = History(folder.read_history(), metrics.base_rate_loss, stops_early)
    return Run(folder.path, config, history, metrics, verdict, notes, warnings)
