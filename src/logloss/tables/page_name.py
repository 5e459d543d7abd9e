"""The name of a page, which must not be that of another format."""

from pathlib import Path

from logloss.core.errors import ParameterError


def refuse_other_format(page: str | Path, option: str = "") -> None:
    """Refuse to write a page into a file whose name says that it holds something else.

    Raises
    ------
    ParameterError
        The name ends as that of another format does.

    Examples
    --------
    >>> for name in ("page.html", "page.HTM", "page", "2024.05.01"):
    ...     refuse_other_format(name)
    """
    ending = Path(page).suffix.lower()
    if ending[1:2].isalpha() and ending not in (".html", ".htm"):
        named = f"{option} {page}" if option else str(page)
        raise ParameterError(f"{named} would hold HTML under another name. Let the name end in .html.")
