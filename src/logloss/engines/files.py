"""Which files a path names: one, a folder of them, a pattern, here or on a remote filesystem."""

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs

from logloss.core.errors import MissingPackageError, TableError
from logloss.tables.contents import Source, find, first_line

_TABLES = re.compile(r"\.(csv|tsv|txt|parquet|pq)(\.\w+)?$|^[^.]+$", re.IGNORECASE)
_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+(://|::)")
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Remote(Source):
    """A file on a filesystem of Arrow's or fsspec's."""

    filesystem: Any = None
    address: str = ""  # the path as the filesystem has it: a PurePath makes one stroke of two

    def open(self) -> Any:
        """Open the bytes, decompressed."""
        packing = self.packing or None
        return self.filesystem.open_input_stream(self.address, compression=packing)


@dataclass(frozen=True)
class File:
    """A file, and what the names of its folders say of all its rows."""

    source: Source
    keys: tuple[tuple[str, str | None], ...] = ()

    @property
    def name(self) -> str:
        """As it stands in sentences."""
        return str(self.source.path)


def files_of(path: str | Path) -> list[File]:
    """The files that a path names, in the order of their names.

    Raises
    ------
    TableError
        There is none, or it may not be read.
    """
    text = str(path)
    if _REMOTE.match(text):
        return _remote(text)
    if (found := fitting(path)) != [text]:
        if not found:
            raise TableError(f"No file fits the pattern {text}. Check it, and the folder.")
        return [file for name in found for file in files_of(name)]
    if not Path(path).is_dir():
        return [File(find(path), keys_in(str(path)))]
    root = Path(path)
    inside = [p for p in files_below(root) if is_table(p.relative_to(root))]
    if not inside:
        raise TableError(f"{path} is a folder without data; expected CSV, TSV or Parquet files in it.")
    return [File(find(p), keys_in(str(p))) for p in inside]


def files_below(root: Path) -> list[Path]:
    """Every file of a folder and of those in it, in order.

    Raises
    ------
    TableError
        One of the folders may not be read. Patterns would pass over it.
    """

    def refuse(error: OSError) -> None:
        if isinstance(error, PermissionError):
            raise error

    try:
        every = [Path(folder, name) for folder, _, names in os.walk(root, onerror=refuse) for name in names]
        return sorted(filter(Path.is_file, every))
    except PermissionError as error:
        raise TableError(f"You may not read {error.filename}. Change its permissions, or copy it.") from None


def fitting(path: str | Path) -> list[str]:
    """What a pattern fits, in order; of what is there by that name, or is no pattern, itself."""
    text = str(path)
    if Path(path).exists() or not _PATTERN.search(text):
        return [text]
    return sorted(glob.glob(text, recursive=True))  # noqa: PTH207 -- which takes patterns of relative paths only


def refuse_twice(paths: Iterable[str | Path]) -> None:
    """Refuse to count the rows of a file twice.

    Raises
    ------
    TableError
        A file is named twice, perhaps by different names.
    """
    seen: dict[Path, str | Path] = {}
    for path in paths:
        place = Path(path).resolve()
        if place in seen:
            also = "" if str(seen[place]) == str(path) else f", also as {seen[place]}"
            raise TableError(f"{path} is named twice{also}: its rows would count twice. Name each file once.")
        seen[place] = path


def keys_in(path: str) -> tuple[tuple[str, str | None], ...]:
    """What partitioned folders say, written as Hive does.

    Examples
    --------
    >>> keys_in("data/day=2024-05-01/country=__HIVE_DEFAULT_PARTITION__/part-0.parquet")
    (('day', '2024-05-01'), ('country', None))
    """
    pairs = (folder.partition("=") for folder in PurePosixPath(path).parts[:-1] if "=" in folder)
    return tuple((unquote(k), None if v == "__HIVE_DEFAULT_PARTITION__" else unquote(v)) for k, _, v in pairs if k)


def is_table(path: PurePath) -> bool:
    """Whether a file in a folder is a table, as its name says."""
    return not is_hidden(path) and bool(_TABLES.search(path.name))


def is_hidden(path: PurePath) -> bool:
    """Whether a file in a folder is hidden, or a mark that some program left."""
    return any(part[0] in "._" and "=" not in part for part in path.parts)


def _remote(uri: str) -> list[File]:
    filesystem, path = _filesystem(uri)
    try:
        if _PATTERN.search(path):
            base = _PATTERN.split(path)[0].rpartition("/")[0]
            every = filesystem.get_file_info(pyarrow.fs.FileSelector(base, recursive=True))
            fits = _as_regex(path)
            found = {one.path: fits.fullmatch(one.path) for one in every if one.is_file}
            # Of a folder that fits, the data in it.
            names = [name for name, m in found.items() if m and (not m["in"] or is_table(PurePosixPath(m["in"])))]
        else:
            info = filesystem.get_file_info(path)
            if info.type == pyarrow.fs.FileType.NotFound:
                raise TableError(f"There is no {uri}, or you may not see it. Check the spelling and your access.")
            names = [path]
            if not info.is_file:
                every = filesystem.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
                inside = [one.path for one in every if one.is_file]
                names = [name for name in inside if is_table(PurePosixPath(name).relative_to(path))]
        if not names:
            raise TableError(f"{uri} holds no data; expected CSV, TSV or Parquet files.")
        return [File(_opened(filesystem, name), keys_in(name)) for name in sorted(names)]
    except ImportError as error:
        raise _missing(uri, error) from error
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{uri} cannot be read: {first_line(error)}. Check the spelling and your access.") from error


def _as_regex(pattern: str) -> re.Pattern[str]:
    """A pattern of paths, as `glob` has it; what lies in a folder that fits is ``in`` it.

    Examples
    --------
    >>> fits = _as_regex("data/**/*.[pc]*")
    >>> [bool(fits.fullmatch(path)) for path in ("data/a.csv", "data/b/c.parquet", "data/b.txt")]
    [True, True, False]
    """
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.findall(r"\*\*/|\*\*|\[[^\]]+\]|.", pattern, re.DOTALL)
    made = [
        known.get(piece) or (piece.replace("[!", "[^", 1) if len(piece) > 1 else re.escape(piece)) for piece in pieces
    ]
    return re.compile("".join(made) + "(?:/(?P<in>.+))?", re.DOTALL)


def _opened(filesystem: Any, path: str) -> Remote:
    with filesystem.open_input_stream(path, compression=None) as stream:
        start = bytes(stream.read(4))
    packings = {b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\x28\xb5": "zstd"}
    packing = packings.get(start[:2], "")
    return Remote(PurePosixPath(path), packing, filesystem=filesystem, address=path)  # type: ignore[arg-type]


def _filesystem(uri: str) -> tuple[Any, str]:
    """A filesystem of Arrow's if it knows the scheme, else one of fsspec's."""
    patient = re.match(r"(gs|gcs)://", uri) and "retry_limit_seconds" not in uri  # for a quarter of an hour
    try:
        found: tuple[Any, str] = pyarrow.fs.FileSystem.from_uri(
            f"{uri}{'&' if '?' in uri else '?'}retry_limit_seconds=20" if patient else uri
        )
        return found
    except pa.ArrowInvalid:  # no scheme that it knows
        pass
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{uri} cannot be reached: {first_line(error)}. Check the address and your access.") from error
    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(uri)
    except ImportError as error:
        raise _missing(uri, error) from error
    except Exception as error:  # each kind of filesystem has its own
        raise TableError(f"{uri} cannot be reached: {first_line(error)}. Check the address and your access.") from error
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(filesystem)), path


def _missing(uri: str, error: ImportError) -> MissingPackageError:
    name = error.name or "fsspec"
    return MissingPackageError(f"{uri} needs the package {name} ({first_line(error)}). Install it with pip.")
