"""Files that are written whole or not at all."""

import contextlib
import errno
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from logloss.core.errors import RunError


def write_atomically(path: str | Path, data: bytes | str) -> None:
    r"""Write a file so that a crash leaves the old content or the new, never a part.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    data : bytes or str
        What it shall hold; text is written as UTF-8, its line breaks as they are.

    Raises
    ------
    RunError
        The disk is full, the folder is missing or may not be written to, and the like.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "note.txt", "Grüße\n")
    ...     (Path(folder) / "note.txt").read_text(encoding="utf-8")
    'Grüße\n'
    """
    content = data.encode() if isinstance(data, str) else data
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the file's folder; it takes the file's place when the block ends well.

    The temporary file keeps the name's ending, for writers that go by it. Symbolic links are followed. Devices and
    pipes (``/dev/stdout``) have nothing that could be kept, so they are written to directly.

    Parameters
    ----------
    path : str or Path
        The file to be written; its folder must exist.

    Raises
    ------
    RunError
        The file could not be written. What it held before is untouched, and the temporary file is gone.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "model.json") as temporary:
    ...         _ = temporary.write_text("{}")
    ...     [entry.name for entry in Path(folder).iterdir()]
    ['model.json']
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        if _is_device(path):  # before links are followed: that of a pipe leads to a name that is none
            yield path
            return
        target = Path(os.path.realpath(path))
        temporary = target.with_name(f".{secrets.token_hex(_MARK // 2)}-{target.name}")
        # Made before the block runs: a folder that cannot be written to is found out before the work, not after it.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        yield temporary
        _to_disk(temporary)
        temporary.replace(target)
        with contextlib.suppress(OSError):  # a folder cannot be opened on Windows; there the rename alone must do
            _to_disk(target.parent)
    except OSError as error:
        if _is_about_another_file(error, path, temporary):
            raise
        raise RunError(_sentence(path, error)) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


class _Abandoned(Exception):  # noqa: N818 -- no error
    """Ends a block that has nothing to write."""


def refuse_unwritable(path: str | Path) -> None:
    """Refuse a file that cannot be written, before the work whose result it is to hold; nothing is changed.

    Raises
    ------
    RunError
        As `atomic_path`.

    Examples
    --------
    >>> refuse_unwritable("nosuch/model.json")
    Traceback (most recent call last):
    logloss.core.errors.RunError: nosuch/model.json could not be written: there is no folder nosuch. Nothing was lost: \
what stood there before is untouched. Make it first, or name another one.
    """
    with contextlib.suppress(_Abandoned), atomic_path(path):
        raise _Abandoned


def remove_leftovers(path: str | Path) -> None:
    """Remove what a process that was killed while it wrote this file left beside it."""
    path = Path(path)
    for leftover in path.parent.glob(f".{'[0-9a-f]' * _MARK}-{glob.escape(path.name)}"):
        leftover.unlink(missing_ok=True)


_MARK = 8  # hexadecimal digits that tell temporary files of one name apart


def _is_device(target: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes what may be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_about_another_file(error: OSError, path: Path, temporary: Path | None) -> bool:
    """Whether the block failed at a file of its own, which is its caller's to explain."""
    if error.filename is None or error.errno in _FULL:
        return False
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes | os.PathLike) else None
    return named not in (temporary, path, Path(os.path.realpath(path)))


_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM}


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        reason, mend = "the disk is full", "Free some space, or write to another disk."
    elif error.errno == errno.EROFS:
        reason, mend = "the file system can only be read", "Write to another folder."
    elif error.errno in _DENIED:
        reason, mend = f"you may not write to {path.parent}", "Write to another folder, or change its permissions."
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        reason, mend = f"there is no folder {path.parent}", "Make it first, or name another one."
    elif error.errno == errno.EISDIR:
        reason, mend = "it is a folder", "Name a file."
    elif error.errno == errno.ENAMETOOLONG:
        reason, mend = "its name is too long", "Choose a shorter one."
    else:
        reason, mend = error.strerror or str(error), "Try another folder."
    return f"{path} could not be written: {reason}. Nothing was lost: what stood there before is untouched. {mend}"
