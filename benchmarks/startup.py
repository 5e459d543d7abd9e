"""How long a fresh process takes to import logloss, and to show the help of the command line."""

import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.measure import Table, median, ratio, take_turns

HELP = "logloss --help"
CODE = {
    "nothing": "pass",
    "import numpy": "import numpy",
    "import logloss": "from logloss import BinaryCrossEntropy",  # a name, lest lazy ones seem to cost nothing
    HELP: "import sys; from logloss.cli import main; sys.argv = ['logloss', '--help']; main()",
}


def run(*, quick: bool) -> Iterator[Table]:
    contenders = {name: _process("-c", code) for name, code in CODE.items()}
    turns = 2 if quick else 60
    seconds = take_turns(contenders, turns)
    yield Table(
        "Start",
        f"Wall time of a fresh Python process, median of {turns} turns, its own start included. Targets: `import "
        f"logloss` at most 1.3 times `import numpy`, and `{HELP}` under 300 ms.",
        ["process", "ms", "times `import numpy` (middle half)"],
        [
            [f"`{name}`", f"{median(times) * 1e3:.0f}", ratio(seconds, name, "import numpy")]
            for name, times in seconds.items()
        ],
    )


def _process(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
