"""`logloss.evaluate` beside DuckDB and scikit-learn, and the memory that it takes however many rows there are."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from benchmarks.measure import Table, compared
from logloss.engines import evaluate
from logloss.evaluation.evaluation import Evaluation

FILE = """\
Seconds for {n:,} predictions in a Parquet file of {megabytes:,.0f} MB (an int8 label and a float32 score), median of
the turns. Ours is every number but what is redrawn: intervals by resampling, and what chance makes of miscalibration.
DuckDB works out the log loss alone, on {threads} threads. Last column: what ours takes beside the row, within each
turn."""
ARRAYS = """\
Seconds for {n:,} predictions in arrays, an int8 label and a float32 score; scikit-learn's log_loss, roc_auc_score and
brier_score_loss together."""
MEMORY = """\
The most memory of a process above what it held after the imports, for a stream of record batches: a million rows that
come again and again."""
THREADS = 2
_BATCH = 1 << 20


def run(*, quick: bool) -> Iterator[Table]:
    n = 10**5 if quick else 5 * 10**7
    turns = 2 if quick else 7
    header = ["work: contender", "s", "the first takes times"]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.parquet"
        _write(file, n)
        about = FILE.format(n=n, threads=THREADS, megabytes=file.stat().st_size / 1e6)
        rows = compared({"file": _of_file(file)}, turns=turns, calls=1, unit=1.0)
        yield Table("Evaluating a file", about, header, rows)
    n = 10**5 if quick else 10**7
    rows = compared({"arrays": _of_arrays(n)}, turns=2 if quick else 3, calls=1, unit=1.0)
    yield Table("Evaluating arrays", ARRAYS.format(n=n), header, rows)
    sizes = (10**6, 2 * 10**6) if quick else (10**7, 10**9)
    yield Table("Memory of evaluating", MEMORY, ["rows", "MB"], [[f"{n:,}", f"{_memory(n):.0f}"] for n in sizes])


def numbers(evaluation: Evaluation) -> None:
    """All that is not redrawn."""
    for name in (
        "base_rate", "log_loss", "log_loss_bits", "entropy", "normalized_entropy", "skill", "calibration_ratio",
        "recalibration", "brier", "roc_auc", "average_precision", "decomposition", "calibration_errors", "accuracy",
        "infinite_losses", "concentration", "thresholds", "mistakes", "n_positive",
    ):  # fmt: skip
        getattr(evaluation, name)


def batches(n: int) -> Iterator[pa.RecordBatch]:
    """Predictions of a calibrated model, always the same ones."""
    rng = np.random.default_rng(0)
    for at in range(0, n, _BATCH):
        size = min(_BATCH, n - at)
        p = (1 / (1 + np.exp(rng.normal(1.5, 1.5, size)))).astype(np.float32)
        yield pa.record_batch({"label": (rng.random(size, np.float32) < p).astype(np.int8), "score": p})


def stream(n: int) -> pa.RecordBatchReader:
    """As many rows as wanted, of one million that come again."""
    first = next(batches(_BATCH))
    made = (first.slice(0, min(_BATCH, n - at)) for at in range(0, n, _BATCH))
    return pa.RecordBatchReader.from_batches(first.schema, made)


def _write(file: Path, n: int) -> None:
    with pq.ParquetWriter(file, next(batches(1)).schema) as writer:
        for batch in batches(n):
            writer.write_batch(batch)


def _of_file(file: Path) -> dict[str, Callable[[], object]]:
    surprise = "-ln(CASE WHEN label = 1 THEN score::DOUBLE ELSE 1 - score::DOUBLE END)"
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")

    def read() -> int:
        return sum(batch.num_rows for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH))

    return {
        "logloss, all numbers": lambda: numbers(evaluate(str(file), label="label", score="score")),
        "DuckDB, log loss": lambda: connection.execute(f"SELECT avg({surprise}) FROM '{file}'").fetchone(),  # noqa: S608
        "PyArrow, reading": read,
    }


def _of_arrays(n: int) -> dict[str, Callable[[], object]]:
    table = pa.Table.from_batches(batches(n))
    y, p = (table[name].to_numpy() for name in ("label", "score"))
    return {
        "logloss, all numbers": lambda: numbers(evaluate(y, p)),
        "scikit-learn, three scores": lambda: (log_loss(y, p), roc_auc_score(y, p), brier_score_loss(y, p)),
    }


_PROGRAM = """
import ctypes
import sys
from pathlib import Path
from benchmarks.evaluation import numbers, stream
from logloss.engines import evaluate

def held(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))

numbers(evaluate([1, 0], [0.8, 0.2]))
rows = stream(int(sys.argv[1]))
ctypes.CDLL(None).malloc_trim(0)  # what making them took and let go of is not there to be used again
Path("/proc/self/clear_refs").write_text("5")  # from here on the greatest is kept anew
before = held("VmRSS")
numbers(evaluate(rows, label="label", score="score"))
print((held("VmHWM") - before) / 1024)
"""


def _memory(n: int) -> float:
    made = subprocess.run([sys.executable, "-c", _PROGRAM, str(n)], capture_output=True, text=True, check=True)
    return float(made.stdout)
