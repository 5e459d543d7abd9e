"""Text as a terminal may show it: what came from data must not steer it."""

_JOINER = "\u200d"  # which makes one sign of several


def printable(text: str, *, lines: bool = True) -> str:
    r"""The text with its control characters escaped; without ``lines``, line breaks too.

    Examples
    --------
    >>> print(printable("a\x1b[31m b"), printable("a\nb", lines=False), len(printable("\u200d")))
    a\x1b[31m b a\nb 1
    """
    kept = ("\n", _JOINER) if lines else (_JOINER,)
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)
