"""Facts as JSON (RFC 8259): infinities are the strings "inf" and "-inf", NaN is null."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from logloss.core.errors import RunError

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Dataclasses, mappings, sequences, arrays and numbers as values that JSON knows; anything else as its text.

    Fields that a dataclass leaves out of its own text are left out here.

    Examples
    --------
    >>> plain({"losses": (0.5, float("inf"), float("nan"))})
    {'losses': [0.5, 'inf', None]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):  # NumPy's, which `logloss --help` does not wait for
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """The value as JSON text."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def read_plain(cls: type[T], value: Any, where: str) -> T:
    """A dataclass from the mapping that `plain` made of it, with every type checked; ``where`` says what is read.

    Raises
    ------
    RunError
        An entry is missing, unknown, or of another type than its field.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Point:
    ...     x: float
    ...     label: str | None
    >>> read_plain(Point, {"x": 1, "label": None}, "The point")
    Point(x=1.0, label=None)
    >>> read_plain(Point, {"x": "1", "label": None}, "The point")
    Traceback (most recent call last):
    logloss.core.errors.RunError: The point.x is '1'; expected float.
    """
    if not isinstance(value, Mapping):
        raise RunError(f"{where} is {_short(value)}; expected an object with named entries.")
    hints = typing.get_type_hints(cls)
    expected = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if expected != set(value):
        differ = ", ".join(sorted(map(str, expected ^ set(value))))
        raise RunError(f"{where} has not the entries that it should have; they differ in {differ}.")
    try:
        return cls(**{key: _read(hints[key], entry, f"{where}.{key}") for key, entry in value.items()})
    except RunError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise RunError(f"{where} is damaged: {str(error).rstrip('.')}.") from error


def _read(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return read_plain(hint, value, where)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_read(typing.get_args(hint)[0], entry, where) for entry in value)
    if not _fits(hint, value):
        raise RunError(f"{where} is {_short(value)}; expected {getattr(hint, '__name__', hint)}.")
    return float(value) if hint is float else value


def _fits(hint: Any, value: Any) -> bool:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(_fits(part, value) for part in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return isinstance(value, str) and value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is hint or (hint is types.NoneType and value is None)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"
