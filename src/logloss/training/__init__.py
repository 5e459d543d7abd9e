"""From a table to a trained classifier: features, models, history, verdict.

Everything here works on logits and ignores a loss's ``from_logits`` and ``epsilon``.
"""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.training.classifier import BinaryClassifier
    from logloss.training.history import Epoch, History, Overfitting
    from logloss.training.job import Listener, Run, read_run, resume, train
    from logloss.training.prediction import load_model, predict
    from logloss.training.preparation import Job

__all__ = [
    "BinaryClassifier",
    "Epoch",
    "History",
    "Job",
    "Listener",
    "Overfitting",
    "Run",
    "load_model",
    "predict",
    "read_run",
    "resume",
    "train",
]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    {
        "BinaryClassifier": "logloss.training.classifier",
        "Epoch": "logloss.training.history",
        "History": "logloss.training.history",
        "Overfitting": "logloss.training.history",
        "load_model": "logloss.training.prediction",
        "predict": "logloss.training.prediction",
        "Job": "logloss.training.preparation",
        "Listener": "logloss.training.job",
        "Run": "logloss.training.job",
        "read_run": "logloss.training.job",
        "resume": "logloss.training.job",
        "train": "logloss.training.job",
    },
    extra="train",
)
