"""What `--fail-if` says: a name, a comparison, a number."""

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logloss.core.errors import ParameterError, SpellingError, nearest

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
        ParameterError
            It is not one.

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
            return cls(name, part or "value", comparison, float(limit))
        except ValueError:
            raise ParameterError(
                f"--fail-if {text!r} is not a condition; expected a name, a comparison and a number, such as "
                "'log_loss>0.42' or 'roc_auc.low<0.7'."
            ) from None

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds of an evaluation's facts, as JSON has them.

        Raises
        ------
        SpellingError
            There is no such number among them.
        ParameterError
            The number is not known, as with AUC where there is one class only.

        Examples
        --------
        >>> Condition.parse("log_loss>0.42").holds({"log_loss": {"value": 0.5, "low": None, "high": None}})
        True
        """
        numbers = {name: fact for name, fact in facts.items() if _is_number(fact) or _is_score(fact)}
        if self.name not in numbers:
            hint = nearest(self.name, numbers) or f" There are {', '.join(numbers)}."
            raise SpellingError(f"--fail-if: there is no number called {self.name!r}.{hint}")
        fact = numbers[self.name]
        if not _is_score(fact) and self.part != "value":
            raise ParameterError(f"--fail-if: {self.name} is a plain number, without {self.part}. Leave that out.")
        value = fact[self.part] if _is_score(fact) else fact
        if value is None or math.isnan(float(value)):
            part = "" if self.part == "value" else f".{self.part}"
            raise ParameterError(f"--fail-if: {self.name}{part} cannot be told from this data, so nothing is decided.")
        return bool(_COMPARISONS[self.comparison](float(value), self.limit))


def _is_number(fact: Any) -> bool:
    return isinstance(fact, int | float) and not isinstance(fact, bool)


def _is_score(fact: Any) -> bool:
    return isinstance(fact, Mapping) and {"value", "low", "high"} <= set(fact)
