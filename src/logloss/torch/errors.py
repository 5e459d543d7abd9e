"""Refusals that are PyTorch's too: it raises ValueError for shapes and options, and RuntimeError for the rest."""

from logloss.core import errors


class DtypeError(errors.DtypeError, RuntimeError):
    """Something that is not a tensor of real numbers."""


class LabelError(errors.LabelError, RuntimeError):
    """Labels outside [0, 1]."""


class ProbabilityError(errors.ProbabilityError, RuntimeError):
    """Probabilities outside [0, 1]."""


class LogitError(errors.LogitError, RuntimeError):
    """Logits that are not a number."""


class WeightError(errors.WeightError, RuntimeError):
    """Weights that are infinite or not a number."""


def of_values(error: errors.LogLossError) -> errors.LogLossError:
    """The same refusal of a value, as PyTorch raises it."""
    for kind in (LabelError, ProbabilityError, LogitError, WeightError):
        if type(error) in kind.__mro__:
            return kind(*error.args)
    return error
