"""Binary cross-entropy in PyTorch: its own names with every option of the family, and any member of it as a module."""

from logloss.core.errors import MissingPackageError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingPackageError(
        "logloss.torch needs the package torch. Install it with: pip install 'logloss[torch]'"
    ) from error

from logloss.torch.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    sigmoid_focal_loss,
)
from logloss.torch.modules import BCELoss, BCEWithLogitsLoss, as_module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "as_module",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "sigmoid_focal_loss",
]
