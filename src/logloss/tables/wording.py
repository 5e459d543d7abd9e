"""How names and values from a table stand in a sentence: quoted, cut short, unable to steer a terminal."""

import collections
import json
from collections.abc import Iterable


def quoted(text: object, limit: int = 40) -> str:
    r"""A name or value in double quotes, its control characters escaped.

    Examples
    --------
    >>> print(quoted("age"), quoted("a\x1b[31m"), quoted("x" * 100, limit=5))
    "age" "a\u001b[31m" "xxxxx…"
    """
    word = str(text)
    word = word if len(word) <= limit else word[:limit] + "…"
    return json.dumps(word, ensure_ascii=any(not c.isprintable() for c in word))


def listed(names: Iterable[object], limit: int = 8) -> str:
    """Names in a row, each quoted, the rest counted.

    Examples
    --------
    >>> print(listed(["a", "b", "c"]), "-", listed("abcd", limit=2))
    "a", "b", "c" - "a", "b" and 2 more
    """
    every = list(names)
    shown = ", ".join(quoted(name) for name in every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit:,} more"


def repeated(names: Iterable[str]) -> list[str]:
    """The names that come more than once.

    Examples
    --------
    >>> repeated(["a", "b", "a"])
    ['a']
    """
    return [name for name, times in collections.Counter(names).items() if times > 1]


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1234, "row")
    ('1 row', '1,234 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
