"""Facts as JSON has them (RFC 8259): dataclasses are objects, infinities "inf" and "-inf", NaN is null."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from logloss.evaluation.score import json_number


def plain(fact: Any) -> Any:
    """A fact in dicts, lists, strings and numbers of Python.

    Examples
    --------
    >>> from logloss.evaluation.score import Score
    >>> plain({"log_loss": Score(float("inf")), "counts": (1, 2)})
    {'log_loss': {'value': 'inf', 'low': None, 'high': None}, 'counts': [1, 2]}
    """
    if is_dataclass(fact) and not isinstance(fact, type):
        return {field.name: plain(getattr(fact, field.name)) for field in fields(fact) if field.repr}
    if isinstance(fact, Mapping):
        return {str(name): plain(value) for name, value in fact.items()}
    if isinstance(fact, np.generic | np.ndarray):
        return plain(fact.tolist())
    if isinstance(fact, list | tuple):
        return [plain(value) for value in fact]
    if isinstance(fact, float):
        return json_number(fact)
    return fact if fact is None or isinstance(fact, bool | int) else str(fact)
