"""Names that are imported when they are first used, so that nothing heavy is loaded before it is needed."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from logloss.core.errors import MissingPackageError


def attributes(
    package: str, where: Mapping[str, str], extra: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A module's ``__getattr__`` and ``__dir__`` for names that live in the modules ``where`` says.

    A package that is not installed is named with the ``extra`` that installs it.
    """

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            value = getattr(import_module(where[name]), name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing.startswith("logloss"):
                raise
            raise MissingPackageError(
                f"{package}.{name} needs the package {missing}. Install it with: pip install 'logloss[{extra}]'"
            ) from error
        setattr(sys.modules[package], name, value)  # so that this is asked once
        return value

    return get, lambda: sorted(where)
