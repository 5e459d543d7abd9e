"""Files that are whole or not there."""

import os
import secrets
from pathlib import Path

from logloss.core.errors import RunError


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one, or the new one, and never half of it."""
    path = Path(path)
    if not path.parent.is_dir():
        raise RunError(f"{path} cannot be written: there is no folder {path.parent}. Make it, or choose another.")
    # In the same folder, since a file can only be put in another's place within one file system.
    waiting = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with waiting.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(waiting, path)  # noqa: PTH105 - the name that says what is relied on: it is atomic
    finally:
        waiting.unlink(missing_ok=True)
