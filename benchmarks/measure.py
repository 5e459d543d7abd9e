"""How everything here is measured: contenders take turns, and what counts is their ratio within each turn."""

import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

Seconds = dict[str, list[float]]


@dataclass(frozen=True)
class Table:
    """What was measured, and what exactly that is."""

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)], *self.rows]
        return "\n".join([f"### {self.title}", "", self.about, "", *(f"| {' | '.join(line)} |" for line in lines)])


def take_turns(contenders: Mapping[str, Callable[[], object]], turns: int, calls: int = 1) -> Seconds:
    """Seconds of a call of each contender in each turn.

    Every turn times all of them one after the other, each time beginning with another, so that a busy spell of the
    machine meets all alike. An untimed turn comes first.
    """
    seconds: Seconds = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(-1, turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            call = contenders[name]
            began = time.perf_counter()
            for _ in range(calls):
                call()
            if turn >= 0:
                seconds[name].append((time.perf_counter() - began) / calls)
    return seconds


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on a single thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def grown(call: Callable[[], object]) -> int:
    """By how many bytes the largest resident memory of the process grew during a call; 0 where it cannot be told."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    call()  # threads and pools that stay

    def kilobytes(name: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the largest so far
    before = kilobytes("VmRSS")
    made = call()
    largest = kilobytes("VmHWM")
    del made
    return 1024 * (largest - before)


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return float(np.median(list(values)))


def ratio(seconds: Seconds, ours: str, peer: str) -> str:
    """Ours over the peer's within each turn: the median, and the middle half of the turns."""
    low, middle, high = np.percentile(np.divide(seconds[ours], seconds[peer]), (25, 50, 75))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


Works = Mapping[str, Mapping[str, Callable[[], object]]]


def compared(works: Works, *, turns: int, calls: int, unit: float) -> list[list[str]]:
    """A row a contender: its median in a unit of seconds, and what the first of its work takes beside it."""
    rows = []
    for what, contenders in works.items():
        seconds = take_turns(contenders, turns, calls)
        ours = next(iter(seconds))
        rows += [
            [f"{what}: {name}", f"{median(times) / unit:.3g}", ratio(seconds, ours, name)]
            for name, times in seconds.items()
        ]
    return rows


def machine(libraries: Sequence[str]) -> str:
    """What a reader must know of the machine, and nothing that would tell whose it is."""
    versions = ", ".join(filter(None, map(_version, libraries)))
    return (
        f"{date.today():%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}. {busy()}"
    )


def _version(library: str) -> str:
    try:
        return f"{library} {metadata.version(library)}"
    except metadata.PackageNotFoundError:  # not every library is on every system
        return ""


def busy() -> str:
    """How much else the machine was doing."""
    if not hasattr(os, "getloadavg"):
        return "Load unknown."
    return f"Load average at the start {os.getloadavg()[0]:.1f} (1 is one core busy)."


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
