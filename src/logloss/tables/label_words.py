"""Words that stand for labels: which pairs speak for themselves, and when two spellings are one."""

from collections.abc import Iterable

from logloss.tables.csv_dialect import is_number

# Pairs that speak for themselves: the negative, then the positive.
PAIRS = (
    ("0", "1"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("negative", "positive"),
)  # fmt: skip


def folded(word: str) -> str:
    """A word as it compares: without case and outer blanks, "1.0" like "1".

    Examples
    --------
    >>> folded(" Yes"), folded("1.0")
    ('yes', '1')
    """
    word = word.strip().casefold()
    return spelled(float(word)) if is_number(word) else word


def spelled(number: float) -> str:
    """A number as a person writes it.

    Examples
    --------
    >>> spelled(1.0), spelled(0.5)
    ('1', '0.5')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def in_order(words: Iterable[str]) -> list[str]:
    """Numbers by value if all are numbers, else words by the alphabet.

    Examples
    --------
    >>> in_order({"10", "9"}), in_order({"b", "a", "10"})
    (['9', '10'], ['10', 'a', 'b'])
    """
    every = list(words)
    if all(map(is_number, every)):
        return sorted(every, key=float)
    return sorted(every, key=lambda word: (word.casefold(), word))
