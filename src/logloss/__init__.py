"""Binary cross-entropy you can trust, and a clear answer to what a model's probabilities are worth."""

from typing import TYPE_CHECKING

from logloss import lazy

if TYPE_CHECKING:
    from logloss.core.conventions import conventions
    from logloss.core.family import BinaryCrossEntropy
    from logloss.core.kernel import active_kernel
    from logloss.core.scoring import log_loss
    from logloss.engines.front_door import evaluate

__version__ = "0.1.0"

__all__ = ["BinaryCrossEntropy", "__version__", "active_kernel", "conventions", "evaluate", "log_loss"]

# Not even NumPy is needed by `logloss --help`.
__getattr__, __dir__ = lazy.attributes(
    __name__,
    evaluate={
        "BinaryCrossEntropy": "logloss.core.family",
        "active_kernel": "logloss.core.kernel",
        "conventions": "logloss.core.conventions",
        "evaluate": "logloss.engines.front_door",
        "log_loss": "logloss.core.scoring",
    },
)
