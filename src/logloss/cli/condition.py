"""What `--fail-if` says: a name, a comparison, a number."""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logloss.cli.words import joined
from logloss.core.errors import ParameterError, SpellingError, nearest
from logloss.lazy import missing_named

if TYPE_CHECKING:
    from logloss.evaluation.evaluation import Evaluation

_INFINITE = "infinite_losses"  # whose number is meant
_COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_GRAMMAR = re.compile(r"\s*([a-z_0-9]+)(?:\.(value|low|high))?\s*(>=|<=|>|<)\s*([+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*")


@dataclass(frozen=True)
class Condition:
    """A score, its value or an end of its interval, and what it is compared with."""

    name: str
    part: str
    comparison: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """A condition as it is written on the command line.

        Raises
        ------
        ParameterError, SpellingError
            It is not one, or there is no number of that name.

        Examples
        --------
        >>> Condition.parse("log_loss>0.42")
        Condition(name='log_loss', part='value', comparison='>', limit=0.42)
        >>> Condition.parse("roc_auc.low < .7").part
        'low'
        """
        found = _GRAMMAR.fullmatch(text)
        try:
            name, part, comparison, limit = found.groups() if found else ("", "", "", "")
            made = cls(name, part or "value", comparison, float(limit))
        except ValueError:
            raise ParameterError(
                f"--fail-if {text!r} is not a condition; expected a name, a comparison and a number, such as "
                "'log_loss>0.42' or 'roc_auc.low<0.7'."
            ) from None
        with missing_named("logloss evaluate", "evaluate"):
            from logloss.evaluation.evaluation import COUNTS, SCORES
        counts = (*COUNTS, _INFINITE)
        if name not in (known := (*counts, *SCORES)):
            hint = nearest(name, known) or f" There are {', '.join(known)}."
            raise SpellingError(f"--fail-if: there is no number called {name!r}.{hint}")
        if name in counts and made.part != "value":
            raise ParameterError(f"--fail-if: {name} is a plain number, without {made.part}. Leave that out.")
        return made

    def holds(self, evaluation: "Evaluation") -> bool:
        """Whether it holds of an evaluation, of which only the number that is named is worked out.

        Raises
        ------
        ParameterError
            The number is not known, as with AUC where there is one class only.

        Examples
        --------
        >>> from logloss import evaluate
        >>> Condition.parse("log_loss>0.42").holds(evaluate([1, 0], [0.6, 0.5]))
        True
        >>> Condition.parse("infinite_losses>=2").holds(evaluate([1, 0, 1], [0.0, 1.0, 0.5]))
        True
        """
        if self.name == _INFINITE:
            value = float(evaluation.infinite_losses.positives_at_0 + evaluation.infinite_losses.negatives_at_1)
        else:
            fact = getattr(evaluation, self.name)
            value = float(getattr(fact, self.part, fact))
        if math.isnan(value):
            part = "" if self.part == "value" else f".{self.part}"
            raise ParameterError(f"--fail-if: {self.name}{part} cannot be told from this data, so nothing is decided.")
        return bool(_COMPARISONS[self.comparison](value, self.limit))


def failures(conditions: Mapping[str, Condition], models: "Mapping[str, Evaluation]") -> Iterator[str]:
    """A sentence for each condition that holds of a model; it names the models if there are several.

    Examples
    --------
    >>> from logloss import evaluate
    >>> models = evaluate([1, 0], {"old": [0.6, 0.5], "new": [0.8, 0.2]}).evaluations
    >>> conditions = {text: Condition.parse(text) for text in ("log_loss>0.42", "brier>0.9", "n<9")}
    >>> for sentence in failures(conditions, models):
    ...     print(sentence)
    Failed, as was asked for: log_loss>0.42 holds of old.
    Failed, as was asked for: n<9 holds of new and old.
    """
    for text, condition in conditions.items():
        if held := [name for name, one in models.items() if condition.holds(one)]:
            yield f"Failed, as was asked for: {text}{f' holds of {joined(held)}' if len(models) > 1 else ''}."
