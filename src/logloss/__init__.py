"""Binary cross-entropy you can trust, and a clear answer to what a model's probabilities are worth."""

from logloss.core.conventions import conventions
from logloss.core.family import BinaryCrossEntropy
from logloss.core.kernel import active_kernel
from logloss.core.scoring import log_loss

__version__ = "0.1.0"

__all__ = ["BinaryCrossEntropy", "__version__", "active_kernel", "conventions", "log_loss"]
