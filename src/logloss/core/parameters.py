"""The parameters of the family: their ranges, and the sentences that refuse anything else by name."""

import math
from collections.abc import Callable, Collection, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from logloss.core.errors import ParameterError, SpellingError, nearest

Weight = float | tuple[float, ...]

# What holds of a number, or of each of an array.
_RANGES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "weight": ("finite and at least 0", lambda x: (x >= 0) & (x < math.inf)),
    "gamma": ("between 0 and 1e6", lambda x: (x >= 0) & (x <= 1e6)),  # beyond, squares overflow and nothing is learnt
    "smoothing": ("between 0 and 1", lambda x: (x >= 0) & (x <= 1)),
    "alpha": ("between 0 and 1", lambda x: (x >= 0) & (x <= 1)),
    "margin": ("at least 0 and below 1", lambda x: (x >= 0) & (x < 1)),
    "epsilon": ("at least 0 and below 0.5", lambda x: (x >= 0) & (x < 0.5)),
}


def _range(name: str) -> tuple[str, Callable[[Any], Any]]:
    return next(_RANGES[kind] for kind in _RANGES if kind in name)


def number(name: str, value: Any) -> float:
    """The value as a float, if it lies in the range of the parameter so named."""
    expected, holds = _range(name)
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
    if isinstance(value, float | int):  # asked first: to PyTorch's compiler it may be a symbol, of which little can be
        return number(name, value)
    if getattr(value, "ndim", 0) > 1:
        raise ParameterError(
            f"{name} has shape {tuple(value.shape)}; expected a number, or one number a class. "
            f"Use {name}.ravel(), and name the axis of the classes with class_axis."
        )
    if hasattr(value, "__array__") and not hasattr(value, "tolist"):  # a tensor of TensorFlow
        value = np.asarray(value)
    if hasattr(value, "tolist"):  # an array or a tensor
        value = value.tolist()
    if not isinstance(value, list | tuple):
        return number(name, value)
    entries = tuple(number(f"{name}[{i}]", entry) for i, entry in enumerate(value))
    if not entries:
        raise ParameterError(f"{name} is empty; expected a number, or one number a class.")
    return entries


def check_numbers(name: str, values: Any) -> None:
    """Refuse an array of which one entry is out of the range of the parameter so named, by the entry's place."""
    entries = np.asarray(values).astype(np.float64)
    bad = np.logical_not(_range(name)[1](entries))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        number(f"{name}[{', '.join(map(str, place))}]" if place else name, float(entries[place]))


def ignore_index(value: object) -> int | float | None:
    """The label that does not count as a number of Python; None where all count.

    Examples
    --------
    >>> import numpy as np
    >>> ignore_index(np.uint8(255)), ignore_index(np.float32("nan")), ignore_index(None)
    (255, nan, None)
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ParameterError(
            f"ignore_index={value!r} is not a number; expected the label that does not count. "
            "Give one number, such as 255 or NaN; that of an array is taken out by .item()."
        )
    return int(value) if isinstance(value, Integral) else float(value)


def axis(name: str, value: Any) -> int:
    """An axis, a whole number, as one of Python."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ParameterError(f"{name}={value!r} is not a whole number; expected an axis, as -1 for the last.")
    return int(value)


def check_validate(value: object) -> None:
    """Refuse a switch that is neither on nor off nor left alone."""
    if value is not None and not isinstance(value, bool):
        raise ParameterError(f"validate={value!r} is not True, False or None.")


def refuse_keywords(call: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse keywords that a call does not take, by the name under which it is public."""
    for keyword in given:
        raise TypeError(
            f"{call} got an unexpected keyword argument {keyword!r}; known are {', '.join(known)}."
            f"{nearest(keyword, known)}"
        )


def as_label(index: int | float, dtype: Any) -> int | float | None:
    """An ``ignore_index`` as labels of a type hold it; None where they cannot, so that all of them count.

    Integers and booleans hold it exactly, floating types round it.

    Examples
    --------
    >>> as_label(255.0, "uint8"), as_label(-1, "uint8"), as_label(-1, "float32")
    (255, None, -1.0)
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        low, high = (False, True) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return type(low)(index) if low <= index <= high and index == int(index) else None
    try:
        with np.errstate(over="ignore"):
            label = float(dtype.type(index))
    except OverflowError:  # an integer beyond every float
        return None
    return None if math.isinf(label) and label != index else label


def check_options(owner: str, options: Iterable[str], known: Collection[str]) -> None:
    """Refuse an option that nobody knows, naming the nearest."""
    for option in options:
        if option not in known:
            raise SpellingError(
                f'{owner} has no option "{option}"; known are {", ".join(known)}.{nearest(option, known)}'
            )
