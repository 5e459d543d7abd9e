"""What the verbs of the command line read and say alike."""

import csv
import os
import sys
from collections.abc import Sequence

from logloss.core.errors import ParameterError


def names(text: str, option: str) -> tuple[str, ...]:
    """Names with commas between them; one that holds a comma itself stands in double quotes.

    Examples
    --------
    >>> names('age, "height, in cm"', "--columns")
    ('age', 'height, in cm')
    """
    try:
        found = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
    except csv.Error:
        found = ("",)
    if not all(found):
        raise ParameterError(f'{option} "{text}" is not usable; expected names of columns, such as a,b.')
    return found


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers with commas between them.

    Examples
    --------
    >>> numbers("64,32", "--hidden")
    (64, 32)
    """
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ParameterError(f'{option} "{text}" is not usable; expected whole numbers, such as 64,32.') from None


def joined(words: Sequence[str]) -> str:
    """Words as a sentence has them.

    Examples
    --------
    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty word, which a variable of the shell leaves that was never set.

    Raises
    ------
    ParameterError
        There is one; where it stands is said.

    Examples
    --------
    >>> refuse_empty(["evaluate", "t.csv", "--by", ""])
    Traceback (most recent call last):
    logloss.core.errors.ParameterError: An empty word stands after --by. Is a variable of the shell empty?
    """
    for before, word in zip(("", *arguments), arguments, strict=False):
        option = word.removesuffix("=") or before
        if word == "" or (word.startswith("--") and word.endswith("=")):
            where = f"stands after {option}" if option.startswith("--") and option[2:] else "is among the arguments"
            raise ParameterError(f"An empty word {where}. Is a variable of the shell empty?")


def tell(text: str | bytes, *, err: bool = False) -> None:
    """Print a line. Whoever reads may have seen enough and gone: that stops no work and changes no exit code."""
    from typer import echo  # which may be missing where other words of this file are needed

    try:
        echo(text, err=err)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())


def verb_in(arguments: Sequence[str]) -> str:
    """What is to be done: the first word that is no option.

    Examples
    --------
    >>> verb_in(["--traceback", "evaluate", "t.csv"])
    'evaluate'
    """
    return next((one for one in arguments if not one.startswith("-")), "")


def missing_package(error: ModuleNotFoundError, arguments: Sequence[str]) -> str:
    """What to say where a package is not installed that this command needs.

    Examples
    --------
    >>> missing_package(ModuleNotFoundError(name="typer"), ["evaluate", "t.csv"])
    "The command line needs the package typer. Install it with: pip install 'logloss[evaluate]'"
    """
    extra = "evaluate" if verb_in(arguments) == "evaluate" else "train"
    return f"The command line needs the package {error.name}. Install it with: pip install 'logloss[{extra}]'"
