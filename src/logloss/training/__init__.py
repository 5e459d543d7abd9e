"""From a table to a trained classifier: features, models, history, verdict.

Everything here works on logits and ignores a loss's ``from_logits`` and ``epsilon``.
"""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.training.classifier import BinaryClassifier
    from logloss.training.history import Epoch, History, Overfitting
    from logloss.training.prediction import predict
    from logloss.training.result import Run, read_run
    from logloss.training.trainer import Listener, resume, train

__all__ = [
    "BinaryClassifier",
    "Epoch",
    "History",
    "Listener",
    "Overfitting",
    "Run",
    "predict",
    "read_run",
    "resume",
    "train",
]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    train={
        "BinaryClassifier": "logloss.training.classifier",
        "Epoch": "logloss.training.history",
        "History": "logloss.training.history",
        "Overfitting": "logloss.training.history",
        "predict": "logloss.training.prediction",
        "Run": "logloss.training.result",
        "read_run": "logloss.training.result",
        "Listener": "logloss.training.trainer",
        "resume": "logloss.training.trainer",
        "train": "logloss.training.trainer",
    },
)
