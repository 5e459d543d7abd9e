"""Every refusal of logloss, in one tree.

::

    LogLossError
    ├── ShapeError         (ValueError)   arrays that do not match, or nothing to average
    ├── DtypeError         (TypeError)    something that is not an array of real numbers
    ├── LabelError         (ValueError)   labels outside [0, 1], or not two classes
    ├── ProbabilityError   (ValueError)   probabilities outside [0, 1]
    ├── LogitError         (ValueError)   logits that are not a number
    ├── WeightError        (ValueError)   weights that are negative, infinite or not a number
    ├── ParameterError     (ValueError)   a parameter of the family or an option out of its range
    │   └── SpellingError                 a loss, option or column that nobody knows
    ├── TableError         (ValueError)   a file that is not a usable table
    │   └── TargetError                   a column that is not a usable target
    ├── RunError           (ValueError)   a run folder that is missing, occupied, edited or damaged
    └── MissingPackageError (ImportError) a package that an extra would have installed

Each message says what came, what was expected and how to mend it.
"""

import difflib
import json
from collections.abc import Iterable


class LogLossError(Exception):
    """Whatever logloss refuses."""

    ag_pass_through = True  # within `tf.function` AutoGraph would raise a type of its own in its place


class ShapeError(LogLossError, ValueError):
    """Arrays that do not match, or nothing to average."""


class DtypeError(LogLossError, TypeError):
    """Something that is not an array of real numbers."""


class LabelError(LogLossError, ValueError):
    """Labels outside [0, 1], or not of two classes."""


class ProbabilityError(LogLossError, ValueError):
    """Probabilities outside [0, 1]."""


class LogitError(LogLossError, ValueError):
    """Logits that are not a number."""


class WeightError(LogLossError, ValueError):
    """Weights that are negative, infinite or not a number."""


class ParameterError(LogLossError, ValueError):
    """A parameter of the family, or an option, out of its range."""


class SpellingError(ParameterError):
    """A loss, option or column that nobody knows."""


class TableError(LogLossError, ValueError):
    """A file or frame that is not a usable table."""


class TargetError(TableError):
    """A column that is not a usable target."""


class RunError(LogLossError, ValueError):
    """A run folder that is missing, occupied, edited or damaged."""


class MissingPackageError(LogLossError, ImportError):
    """A package that an extra of logloss would have installed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint that ends a sentence about a misspelt word: ``' Did you mean "focal"?'``, or nothing.

    Examples
    --------
    >>> nearest("gama", ["gamma", "margin"])
    ' Did you mean "gamma"?'
    >>> nearest("zebra", ["gamma", "margin"])
    ''
    """
    choices = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    if not close:
        return ""
    name = choices[close[0]]  # whole, as it is to be typed, but unable to steer a terminal
    return f" Did you mean {json.dumps(name, ensure_ascii=not name.isprintable())}?"
