"""What a file holds, told by its first bytes, and its bytes with the compression taken off."""

import bz2
import contextlib
import gzip
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from logloss.core.errors import TableError, nearest
from logloss.tables.wording import counted, listed, quoted

_PACKINGS = {
    "gzip": rb"\x1f\x8b",
    "bz2": rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",  # "BZh" alone could be the name of a column
    "zstd": rb"\x28\xb5\x2f\xfd",
    "xz": rb"\xfd7zXZ\x00",
    "zip": rb"PK(\x03\x04|\x05\x06)",
}
_SAVE = "Save its table as one of these."
_FOREIGN = {
    rb"PARE": ("an encrypted Parquet file", "Write it without encryption."),
    rb"\xd0\xcf\x11\xe0": ("an old Excel or Office document", "Save the sheet as CSV."),
    rb"%PDF": ("a PDF document", _SAVE),
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a": ("an image", _SAVE),
    rb"SQLite format 3\x00": ("an SQLite database", "Export the table as CSV or Parquet."),
    rb"\x89HDF": ("an HDF5 file", _SAVE),
    rb"ARROW1|FEA1": ("an Arrow or Feather file", _SAVE),
    rb"Obj\x01": ("an Avro file", _SAVE),
    rb"ORC": ("an ORC file", _SAVE),
    rb"\x93NUMPY": ("a NumPy array", _SAVE),
    rb"\x80[\x02-\x05]": ("a Python pickle, which is never opened here, as it could run code", _SAVE),
    rb"\x04\x22\x4d\x18|7z\xbc\xaf|Rar!\x1a": ("an archive of a kind that is not read here", "Unpack it first."),
    rb"\xff\xfe|\xfe\xff": ("UTF-16 text", "Save it as UTF-8, or say: iconv -f UTF-16 -t UTF-8."),
    rb"\s*<(?i:!doctype html|html)": ("a web page, perhaps the page of a failed download", "Download the file itself."),
    rb"\s*\[?\s*\{\s*[\"}]": ("JSON", "Save its table as CSV or Parquet, or give a frame: pandas.read_json."),
    rb"version https://git-lfs": ("a Git LFS pointer in place of the file", "Fetch the file with: git lfs pull."),
}
# These marks are plain letters: the first name in a header may start with them, but is then followed by more text.
_PLAIN_LETTERS = re.compile(rb"(ORC|PAR[1E]|ARROW1|FEA1)[\x20-\x7e]*[,;|\t\r\n]")


@dataclass(frozen=True)
class Source:
    """A file that can be opened again and again, decompressed on the way."""

    path: Path
    packing: str = ""
    member: str = ""  # the file within a zip

    def open(self) -> Any:
        """Open the decompressed bytes: an Arrow file, or a binary file of Python."""
        if self.packing == "gzip":
            return gzip.open(self.path)
        if self.packing == "bz2":
            return bz2.open(self.path)
        if self.packing == "xz":
            return lzma.open(self.path)
        if self.packing == "zip":
            with zipfile.ZipFile(self.path) as archive:  # the member keeps the file open until it is closed itself
                return archive.open(self.member)
        return pa.input_stream(str(self.path), compression="zstd" if self.packing else None)

    def head(self, size: int) -> bytes:
        """The first bytes, decompressed."""
        with reading(self), self.open() as stream:
            return bytes(stream.read(size))


def find(path: str | Path) -> Source:
    """The file of that name, if it is one that can be read, and how it is packed.

    Raises
    ------
    TableError
        No such file, a folder, no permission, nothing in it, or an archive of several files.
    """
    path = Path(path)
    with reading(Source(path)):
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise TableError(_no_such_file(path)) from None
        except ValueError as error:  # a name with a NUL in it
            raise TableError(f"{quoted(path)} cannot be the name of a file: {error}.") from None
        if stat.S_ISDIR(status.st_mode):
            raise TableError(f"{path} is a folder; expected a file. Name one file of it.{_files_in(path, 'It')}")
        if not stat.S_ISREG(status.st_mode):
            raise TableError(f"{path} is a device or a pipe; expected a file. Save its content to one first.")
        if status.st_size == 0:
            raise TableError(f"{path} is empty; expected a table with a header and rows. Was its writing interrupted?")
        with path.open("rb") as file:
            start = file.read(512)
        source = Source(path, packing=next((name for name, magic in _PACKINGS.items() if re.match(magic, start)), ""))
        return Source(path, "zip", _only_member(path)) if source.packing == "zip" else source


def is_parquet(head: bytes) -> bool:
    """Whether a file that starts like this is a Parquet file."""
    return head.startswith(b"PAR1") and not _PLAIN_LETTERS.match(head)


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuse what is known not to be a table of text.

    Raises
    ------
    TableError
        The first bytes are those of another format.
    """
    for magic, (what, mend) in _FOREIGN.items():
        if re.match(magic, head) and not _PLAIN_LETTERS.match(head):
            raise TableError(f"{path} is {what}; expected CSV, TSV or Parquet. {mend}")
    for packing, magic in _PACKINGS.items():
        if re.match(magic, head):
            raise TableError(f"{path} is compressed twice, the second time with {packing}. Unpack it once.")
    refuse_nul(path, head.find(b"\0"))


def refuse_nul(path: Path, place: int) -> None:
    """Refuse text with a NUL byte at ``place``; −1 stands for no such byte.

    Raises
    ------
    TableError
        There is such a byte.
    """
    if place >= 0:
        raise TableError(
            f"{path} is binary or damaged: byte {place:,} is NUL, which no text holds. Expected CSV, TSV or Parquet. "
            "Save it again as one of these."
        )


@contextlib.contextmanager
def reading(source: Source) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a sentence.

    Raises
    ------
    TableError
        No permission, damaged or incomplete compression, too little memory, a failing disk.
    """
    path = source.path
    try:
        yield
    except PermissionError:
        raise TableError(f"You may not read {path}. Change its permissions, or copy it.") from None
    except MemoryError:
        raise TableError(f"{path} does not fit into memory. Take fewer rows or columns of it.") from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
        raise TableError(_damaged(path, source.packing, error)) from error
    except OSError as error:
        if source.packing:
            raise TableError(_damaged(path, source.packing, error)) from error
        raise TableError(f"{path} cannot be read: {first_line(error)}.") from error


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")


def _damaged(path: Path, packing: str, error: BaseException) -> str:
    kind, reason = f" as {packing}" if packing else "", first_line(error)
    return f"{path} is damaged or cut off: it cannot be unpacked{kind} ({reason}). Copy or download it again."


def _no_such_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no file {path}, nor a folder {path.parent}. Check the spelling."
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    hint = nearest(path.name, names) or _files_in(path.parent, "Its folder")
    return f"There is no file {path}.{hint or ' Check the spelling and the folder.'}"


def _files_in(folder: Path, subject: str) -> str:
    tables = re.compile(r"\.(csv|tsv|txt|parquet|pq)(\.\w+)?$", re.IGNORECASE)
    names = sorted(entry.name for entry in folder.iterdir() if tables.search(entry.name))
    return f" {subject} holds {listed(names, limit=5)}." if names else ""


def _only_member(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        every = archive.infolist()
    names = [entry.filename for entry in every if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
    if "[Content_Types].xml" in names:
        raise TableError(f"{path} is an Excel or Office document; expected CSV, TSV or Parquet. Save the sheet as CSV.")
    if len(names) != 1:
        inside = f"{counted(len(names), 'file')}, {listed(names, limit=5)}" if names else "no file"
        raise TableError(f"{path} is an archive that holds {inside}; expected one. Unpack it and name the table.")
    if next(entry for entry in every if entry.filename == names[0]).flag_bits & 1:
        raise TableError(f"{path} is locked with a password. Unpack it first.")
    return names[0]
