"""Tallies in files: a day each, merged when all are looked at, and one replaced when late labels arrive."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path

from logloss.core.errors import LogLossError
from logloss.engines.files import files_below, fitting, is_hidden, is_table, refuse_twice
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.tally import Tally, TallyError
from logloss.tables.atomic import write_atomically
from logloss.tables.contents import find

_START, _FIRST_NAME = b"PK\x03\x04", b"numbers.npy"


def save_tally(evaluation: Evaluation | Evidence | Tally, path: str | Path) -> None:
    """Write the tally of an evaluation, whole or not at all; what stood there is replaced.

    `evaluate` takes such files, several or one, and merges them.

    Raises
    ------
    RunError
        It could not be written.

    Examples
    --------
    >>> import tempfile
    >>> from logloss import evaluate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tally(evaluate([1, 0], [0.8, 0.2]), Path(folder) / "monday.tally")
    ...     save_tally(evaluate([1, 1], [0.6, 0.9]), Path(folder) / "tuesday.tally")
    ...     evaluate(list(Path(folder).iterdir())).n
    4
    """
    write_atomically(path, (evaluation if isinstance(evaluation, Tally) else evaluation.tally).to_bytes())


def read_tallies(paths: Iterable[str | Path]) -> Evidence:
    """Saved tallies, merged: in any order the same.

    Raises
    ------
    TableError, TallyError
        One is not there, or is not a tally; or some are of logits and others of probabilities.
    """
    named = [Path(path) for path in paths]
    refuse_twice(named)
    tallies = {path: _read(path) for path in named}
    if not tallies:
        raise TallyError("There is no tally to read. Name at least one file.")
    settings = {"saved tallies": f"{len(tallies):,}"}
    return Evidence(reduce(add, tallies.values()), notes=_alike(tallies), settings=settings)


def _alike(tallies: Mapping[Path, Tally]) -> tuple[str, ...]:
    """A note of each that holds what one before does: it may be a copy."""
    first: dict[bytes, Path] = {}
    copies = [(first.setdefault(tally.to_bytes(), path), path) for path, tally in tallies.items() if tally.rows]
    return tuple(
        f"{one} and {other} hold the same: were rows counted twice?" for one, other in copies if one is not other
    )


def tallies_in(paths: Sequence[str | Path]) -> list[Path]:
    """The saved tallies that paths name, as files, by their folder or a pattern; none if they are of tables.

    Raises
    ------
    TallyError, TableError
        Some are tallies, and others are not; or a folder may not be read.
    """
    found = [file for path in paths for name in fitting(path) for file in _files(Path(name))]
    tallies = [file for file in found if is_tally(file)]
    if tallies and len(tallies) < len(found):
        other = next(file for file in found if file not in tallies)
        find(other)  # which says so if there is no such file
        raise _mixed(other)
    return tallies


def _files(path: Path) -> list[Path]:
    """The file, or those of a folder that hold data."""
    if not path.is_dir():
        return [path]
    names = {file: file.relative_to(path) for file in files_below(path)}
    return [file for file, name in names.items() if is_table(name) or (not is_hidden(name) and is_tally(file))]


def is_tally(path: str | Path) -> bool:
    """Whether a file is a saved tally, told by its content; False if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(30 + len(_FIRST_NAME))
    except (OSError, ValueError):
        return False
    return start.startswith(_START) and start.endswith(_FIRST_NAME)


def _read(path: Path) -> Tally:
    if not is_tally(path):
        find(path)  # which says so if there is no such file
        raise _mixed(path)
    try:
        return Tally.from_bytes(path.read_bytes())
    except LogLossError as error:
        raise TallyError(f"{path}: {error}") from None


def _mixed(path: str | Path) -> TallyError:
    return TallyError(f"{path} is not a saved tally. Name files of --tally only, or tables only.")
