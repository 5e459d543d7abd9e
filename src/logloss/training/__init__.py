"""From a table to a trained classifier: features, models, history, verdict.

Everything here works on logits and ignores a loss's ``from_logits`` and ``epsilon``.
"""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.training.classifier import BinaryClassifier
    from logloss.training.history import Epoch, History, Overfitting
    from logloss.training.prediction import load_model, predict
    from logloss.training.trainer import Listener, Run, read_run, resume, train

__all__ = [
    "BinaryClassifier",
    "Epoch",
    "History",
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
        "Listener": "logloss.training.trainer",
        "Run": "logloss.training.trainer",
        "read_run": "logloss.training.trainer",
        "resume": "logloss.training.trainer",
        "train": "logloss.training.trainer",
    },
    extra="train",
)
