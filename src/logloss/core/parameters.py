"""The parameters of the family: their ranges, and the sentences that refuse anything else by name."""

import math
from collections.abc import Callable, Collection, Iterable
from numbers import Real
from typing import Any

from logloss.core.errors import ParameterError, SpellingError, nearest

Weight = float | tuple[float, ...]

_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "weight": ("finite and at least 0", lambda x: 0 <= x < math.inf),
    "gamma": ("between 0 and 1e6", lambda x: 0 <= x <= 1e6),  # beyond, squares overflow and nothing is left to learn
    "smoothing": ("between 0 and 1", lambda x: 0 <= x <= 1),
    "alpha": ("between 0 and 1", lambda x: 0 <= x <= 1),
    "margin": ("at least 0 and below 1", lambda x: 0 <= x < 1),
    "epsilon": ("at least 0 and below 0.5", lambda x: 0 <= x < 0.5),
}


def number(name: str, value: Any) -> float:
    """The value as a float, if it lies in the range of the parameter so named."""
    expected, holds = next(_RANGES[kind] for kind in _RANGES if kind in name)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ParameterError(f"{name}={value!r} is not a number; expected one that is {expected}.")
    try:
        made = float(value)
    except OverflowError:  # an integer beyond every float
        made = math.inf
    if not holds(made):
        raise ParameterError(f"{name}={value!r} is out of range; expected a number that is {expected}.")
    return made + 0.0  # of -0, which is equal and prints otherwise, 0


def weight(name: str, value: Any) -> Weight:
    """One weight, or a tuple of one weight a class."""
    if not isinstance(value, float | int) and hasattr(value, "tolist"):  # an array or a tensor
        value = value.tolist()
    if not isinstance(value, list | tuple):
        return number(name, value)
    entries = tuple(number(f"{name}[{i}]", entry) for i, entry in enumerate(value))
    if not entries:
        raise ParameterError(f"{name} is empty; expected a number, or one number a class.")
    return entries


def check_options(owner: str, options: Iterable[str], known: Collection[str]) -> None:
    """Refuse an option that nobody knows, naming the nearest."""
    for option in options:
        if option not in known:
            raise SpellingError(
                f'{owner} has no option "{option}"; known are {", ".join(known)}.{nearest(option, known)}'
            )
