"""Names that are imported when they are first used, so that nothing heavy is loaded before it is needed."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from logloss.core.errors import MissingPackageError


@contextlib.contextmanager
def missing_named(what: str, extra: str) -> Iterator[None]:
    """Say of a package that is not installed what needs it, and which ``extra`` of logloss installs it.

    Raises
    ------
    MissingPackageError
        A module that was imported within is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("logloss"):
            raise
        raise MissingPackageError(
            f"{what} needs the package {missing}. Install it with: pip install 'logloss[{extra}]'"
        ) from error


def attributes(package: str, **where: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A module's ``__getattr__`` and ``__dir__`` for names that live in other modules.

    ``where`` says in which, by the extra that installs what they need: a package that is not there is named with it.
    """
    found = {name: (module, extra) for extra, modules in where.items() for name, module in modules.items()}

    def get(name: str) -> Any:
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, extra = found[name]
        with missing_named(f"{package}.{name}", extra):
            value = getattr(import_module(module), name)
        setattr(sys.modules[package], name, value)  # so that this is asked once
        return value

    return get, lambda: sorted(found)
