"""A column of labels as numbers: which value counts as positive."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.errors import TargetError, nearest
from logloss.core.inputs import Array
from logloss.engines.decimals import as_doubles
from logloss.engines.sums_by_value import text_of
from logloss.tables.csv_dialect import is_number
from logloss.tables.label_words import PAIRS, folded, in_order
from logloss.tables.wording import listed, quoted

_MANY = 20  # values, of which more are no classes


@dataclass(frozen=True)
class Labels:
    """How a column's values become numbers: as they are, or 1 for what is positive and 0 for what is negative."""

    positive: str | None = None  # folded, as `negative` is
    negative: str | None = None  # None if all others together are
    notes: tuple[str, ...] = field(default=())

    def read(self, values: pa.Array) -> tuple[Array, Array | None]:
        """Labels, and which of them are known if some are not. A third value is 2, which is refused later."""
        if self.positive is None:
            return _numbers(values)
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        words = [None if word is None else folded(word) for word in text_of(coded.dictionary).to_pylist()]
        other = 0.0 if self.negative is None else 2.0
        by_word = {self.positive: 1.0, self.negative: 0.0, None: math.nan}
        of_code = np.array([*(by_word.get(word, other) for word in words), math.nan])
        if words and pa.types.is_floating(coded.dictionary.type):
            of_code[:-1][np.isnan(coded.dictionary.to_numpy(zero_copy_only=False))] = math.nan
        return _without_nan(of_code[coded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)])


def labels_at_once(first: pa.Array, positive: str | None = None) -> Labels | None:
    """How to read a column that begins with these values; None where it takes a look at all of it.

    Examples
    --------
    >>> labels_at_once(pa.array(["yes", None, "no"])).positive
    'yes'
    """
    if positive is not None:
        return Labels(folded(positive))
    if _is_plain(first):
        return Labels()
    pair = _pair(_distinct([first]))
    return Labels(pair[1], pair[0]) if pair else None


def labels_of(name: str, every: Iterable[pa.Array]) -> Labels:
    """How to read a column of all these values.

    Raises
    ------
    TargetError
        These are not two values, or it is open which one is positive.

    Examples
    --------
    >>> labels_of("plan", [pa.array(["gold", None]), pa.array(["basic"])]).positive
    'gold'
    """
    words = _distinct(every)
    if pair := _pair(words):
        return Labels(pair[1], pair[0])
    if len(words) == 2:
        negative, chosen = words
        note = f"In {quoted(name)}, {quoted(chosen)} counts as positive and {quoted(negative)} as negative: positive="
        return Labels(chosen, negative, (f"{note}{quoted(negative)} (--positive) turns that round.",))
    if len(words) == 1 and not is_number(words[0]):
        raise TargetError(
            f"The label {quoted(name)} is {quoted(words[0])} wherever it was looked at, which may be the positive "
            "class or the negative. Say which value is positive (--positive VALUE)."
        )
    several = "more than 20 values" if len(words) > _MANY else listed(words)
    raise TargetError(
        f"The label {quoted(name)} holds {several}; expected numbers in [0, 1], booleans or two values. Set one value "
        "against the rest with positive=VALUE (--positive VALUE)."
    )


def refuse_absent(name: str, positive: str, seen: Sequence[str]) -> None:
    """Refuse a positive value that no row has.

    Raises
    ------
    TargetError
        Always; the nearest of the values seen is said.
    """
    hint = nearest(positive, seen) or f" It holds {listed(seen)}."
    raise TargetError(f"No label in {quoted(name)} is {quoted(positive)}, which is to count as positive.{hint}")


def words_in(values: pa.Array) -> list[str]:
    """The first distinct values, in order."""
    return _distinct([values])


def _is_plain(values: pa.Array) -> bool:
    """Whether values are labels as they stand."""
    kind = values.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return True
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return False
    numbers, known = _numbers(values)
    numbers = numbers if known is None else numbers[known]
    return not numbers.size or bool(numbers.min() >= 0 and numbers.max() <= 1)


def _distinct(batches: Iterable[pa.Array]) -> list[str]:
    """The values, folded, in their order; no more than tell that there are too many."""
    found: set[str] = set()
    for values in batches:
        own = pc.unique(values)
        if pa.types.is_dictionary(own.type):  # which may hold what no row has
            own = own.dictionary_decode()
        found |= {folded(word) for word in text_of(own.slice(0, 2000)).to_pylist() if word is not None}
        if len(found) > _MANY:
            break
    return in_order(found)


def _pair(words: Sequence[str]) -> tuple[str, str] | None:
    return next((pair for pair in PAIRS if words and set(words) <= set(pair)), None)


def _numbers(values: pa.Array) -> tuple[Array, Array | None]:
    if pa.types.is_null(values.type):
        return np.zeros(len(values)), np.zeros(len(values), np.bool_)
    if pa.types.is_decimal(values.type):
        values = as_doubles(values)
    if not values.null_count:
        return _without_nan(values.to_numpy(zero_copy_only=False))
    known = values.is_valid().to_numpy(zero_copy_only=False)
    filled = values.fill_null(False if pa.types.is_boolean(values.type) else 0)
    numbers, are_numbers = _without_nan(filled.to_numpy(zero_copy_only=False))
    return numbers, known if are_numbers is None else known & are_numbers


def _without_nan(numbers: npt.NDArray[Any]) -> tuple[Array, Array | None]:
    """Numbers, 0 for each that is none, and which ones these are."""
    if numbers.dtype.kind != "f" or not np.isnan(np.max(numbers, initial=0)):  # the greatest is NaN if any is
        return numbers, None
    known = ~np.isnan(numbers)
    return np.where(known, numbers, 0), known
