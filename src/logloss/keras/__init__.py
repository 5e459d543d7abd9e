"""The loss in Keras 3, on TensorFlow, PyTorch and JAX: Keras' two losses and their functions, and the whole family."""

from logloss.core.errors import MissingPackageError

try:
    import keras
except ModuleNotFoundError as error:
    if error.name != "keras":
        raise
    raise MissingPackageError(
        "logloss.keras needs the package keras. Install it with: pip install 'logloss[keras]'"
    ) from error

if int(keras.__version__.split(".")[0]) < 3:
    raise MissingPackageError(
        f"logloss.keras needs Keras 3, and this is {keras.__version__}. Install it with: pip install 'logloss[keras]'"
    )

from logloss.keras.functions import binary_crossentropy, binary_focal_crossentropy
from logloss.keras.losses import BinaryCrossentropy, BinaryFocalCrossentropy, as_loss

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "as_loss",
    "binary_crossentropy",
    "binary_focal_crossentropy",
]
