"""Facts as JSON (RFC 8259): infinities are the strings "inf" and "-inf", NaN is null."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Dataclasses, mappings, sequences and numbers as values that JSON knows.

    Examples
    --------
    >>> plain({"losses": (0.5, float("inf"), float("nan"))})
    {'losses': [0.5, 'inf', None]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """The value as JSON text."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
