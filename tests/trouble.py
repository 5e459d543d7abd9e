"""Commands that meet trouble at a chosen moment: killed, interrupted, or the disk is full.

Each runs in a process of its own, which costs little: it is forked off a server that has imported everything. Moments
are counted in accesses to a folder's files, which Python tells of just before they happen.
"""

import errno
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["logloss.cli.training", "logloss.report.run", "skrub", "torch._dynamo", "pydantic.fields"]
)


class Access(NamedTuple):
    """An access to a file: what is about to be done, and whether that writes."""

    what: str
    name: str
    writes: bool


class Ended(NamedTuple):
    """How a command ended: its exit code, negative for a signal, what it printed, and what it was about to access."""

    code: int
    out: str
    err: str
    accesses: list[Access]


def die(_: str) -> None:
    """What SIGKILL does: nothing can be tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt(_: str) -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def disk_full(path: str) -> None:
    """What a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def start(arguments: tuple[Any, ...], log: Path, **trouble: Any) -> Any:
    """A process that runs a command; `ended` reads what it leaves in the folder ``log``."""
    log.mkdir()
    process = _SERVER.Process(target=_run, args=([str(one) for one in arguments], log), kwargs=trouble)
    process.start()
    return process


def ended(process: Any, log: Path) -> Ended:
    """Wait for a process of `start`."""
    process.join()
    lines = (log / "accesses").read_text().splitlines()
    accesses = [Access(what, name, writes == "True") for what, name, writes in (line.split("\t") for line in lines)]
    return Ended(process.exitcode, (log / "out").read_text(), (log / "err").read_text(), accesses)


def meet(arguments: tuple[Any, ...], log: Path, **trouble: Any) -> Ended:
    """Run a command that meets trouble: ``trouble`` is called at the access numbered ``at`` to files in ``folder``."""
    return ended(start(arguments, log, **trouble), log)


def _run(
    arguments: list[str], log: Path, folder: Path | None = None, at: int = -1, trouble: Callable[[str], None] = die
) -> None:
    from logloss.cli import main

    sys.argv = ["logloss", *arguments]
    sys.stdout, sys.stderr = (log / "out").open("w"), (log / "err").open("w")
    accesses = (log / "accesses").open("w", buffering=1)
    count = 0

    def listen(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count
        if folder is None or event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"):
            return
        path = os.fsdecode(details[0]) if isinstance(details[0], str | bytes | os.PathLike) else ""
        if Path(path) != folder and folder not in Path(path).parents:
            return
        writes = event != "open" or bool(details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        accesses.write(f"{event}\t{Path(path).name}\t{writes}\n")
        count += 1
        if count == at:
            trouble(path)

    sys.addaudithook(listen)
    main()
