"""Threads of the compiled kernel: they change no bit, wake for nothing small, and get in nobody's way."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from logloss.core.errors import ParameterError
from tests.kernel_cases import MEMBERS, assert_same_bits, data
from tests.paths import KERNELS, kernel

PLAIN = MEMBERS["plain"]
LARGE = 1_000_000  # worth some threads

linux = pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bce", MEMBERS.values(), ids=MEMBERS)
def test_same_bits_for_any_number_of_threads(name, dtype, bce, monkeypatch):
    y, x = data(bce, 1_300_000 if bce == PLAIN else 600_001, dtype)
    weight = np.random.default_rng(1).random(len(x))
    with kernel(name):
        made = []
        for threads in ("1", "2", "3", "8"):
            monkeypatch.setenv("LOGLOSS_NUM_THREADS", threads)
            made.append([bce(y, x), *bce.value_and_gradient(y, x, sample_weight=weight, reduction="weighted_mean")])
    for other in made[1:]:
        assert_same_bits(made[0], other)


def test_threads_of_python_may_call_at_once():
    y, z = data(PLAIN, LARGE, np.float32)
    expected = PLAIN.value_and_gradient(y, z)
    with ThreadPoolExecutor(8) as pool:
        for value, gradient in pool.map(lambda _: PLAIN.value_and_gradient(y, z), range(40)):
            assert value == expected[0]
            assert gradient.tobytes() == expected[1].tobytes()


def test_other_threads_of_python_run_meanwhile():
    # Long enough that Python would have changed threads many times, had it been able to.
    z = np.broadcast_to(np.float32(1), (300_000_000,))
    y = np.broadcast_to(np.float32(1), z.shape)
    began = threading.Event()
    times: list[float] = []

    def count() -> None:
        began.set()
        while not done.is_set():
            times.append(time.perf_counter())
            time.sleep(0.001)

    done = threading.Event()
    other = threading.Thread(target=count)
    other.start()
    began.wait()
    start = time.perf_counter()
    PLAIN(y, z)
    end = time.perf_counter()
    done.set()
    other.join()
    within = [t for t in times if start < t < end]
    assert len(within) > 5


UNSET = {"LOGLOSS_NUM_THREADS": "", "OMP_NUM_THREADS": ""}


def _answer(code: str, **variables: str) -> Any:
    """What code prints as JSON in a fresh interpreter, with no number of threads but those given."""
    environment = os.environ | UNSET | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


COUNT = """
import json, os
import numpy as np
from logloss import BinaryCrossEntropy
bce = BinaryCrossEntropy(from_logits=True)
def after(n):
    before = len(os.listdir("/proc/self/task"))
    bce(np.ones(n, np.float32), np.ones(n, np.float32))
    return len(os.listdir("/proc/self/task")) - before
"""


@linux
def test_small_inputs_wake_no_thread_and_threads_stay():
    answer = _answer(COUNT + "print(json.dumps([after(n) for n in (32, 200_000, 2_000_000, 2_000_000)]))")
    assert answer == [0, 0, len(os.sched_getaffinity(0)) - 1, 0]


@linux
@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"LOGLOSS_NUM_THREADS": "1"}, 1),
        ({"LOGLOSS_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"LOGLOSS_NUM_THREADS": "2", "OMP_NUM_THREADS": "6"}, 2),
        ({"OMP_NUM_THREADS": "none"}, None),  # which is OpenMP's to refuse
    ],
)
def test_the_environment_says_how_many_threads(variables, threads):
    expected = (threads or len(os.sched_getaffinity(0))) - 1
    assert _answer(COUNT + "print(json.dumps(after(4_000_000)))", **variables) == expected


@pytest.mark.parametrize("asked", ["none", "0", "-1", "1.5"])
def test_what_is_no_number_of_threads_is_refused(asked, monkeypatch):
    y, z = data(PLAIN, LARGE, np.float32)
    monkeypatch.setenv("LOGLOSS_NUM_THREADS", asked)
    with pytest.raises(ParameterError, match=f"LOGLOSS_NUM_THREADS={asked} is not.*whole number from 1"):
        PLAIN(y, z)


@linux
def test_no_more_threads_than_processors_that_may_be_used():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})" + COUNT
    assert _answer(code + "print(json.dumps(after(4_000_000)))") == 0


def _in_child(queue: Any) -> None:
    y, z = data(PLAIN, LARGE, np.float32)
    queue.put(PLAIN(y, z))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_works_after_a_fork():
    y, z = data(PLAIN, LARGE, np.float32)
    expected = PLAIN(y, z)  # with threads, before the fork
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0
    assert PLAIN(y, z) == expected  # the parent's threads are still there


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_works_after_a_fork_in_the_middle_of_a_call():
    y, z = data(PLAIN, LARGE, np.float32)
    expected = PLAIN(y, z)
    context = multiprocessing.get_context("fork")
    stop = threading.Event()

    def keep_calling() -> None:
        while not stop.is_set():
            PLAIN(y, z)

    caller = threading.Thread(target=keep_calling)
    caller.start()
    try:
        for _ in range(5):
            queue = context.Queue()
            child = context.Process(target=_in_child, args=(queue,))
            child.start()
            assert queue.get(timeout=60) == expected
            child.join(60)
    finally:
        stop.set()
        caller.join()


class _Losses(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Each item is a loss that is worth threads."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> float:
        y, z = data(PLAIN, LARGE, np.float32, seed=i)
        return float(PLAIN(y, z))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_works_in_the_workers_of_a_data_loader():
    expected = [_Losses()[i] for i in range(4)]
    loader = torch.utils.data.DataLoader(_Losses(), batch_size=None, num_workers=2, multiprocessing_context="fork")
    assert list(loader) == expected


def test_works_beside_openmp():
    y, z = data(PLAIN, LARGE, np.float32)
    expected = PLAIN(y, z)
    a, b = torch.from_numpy(y), torch.from_numpy(z)
    for _ in range(20):
        torch.add(a, b)
        assert PLAIN(y, z) == expected


INTERRUPTED = """
import signal, time
import numpy as np
from logloss import BinaryCrossEntropy
z = np.broadcast_to(np.float32(1), (200_000_000_000,))
signal.signal(signal.SIGALRM, signal.default_int_handler)  # as Ctrl-C
signal.setitimer(signal.ITIMER_REAL, 0.5)
began = time.perf_counter()
try:
    BinaryCrossEntropy(from_logits=True)(z, z)
except KeyboardInterrupt:
    print(time.perf_counter() - began)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timer")
def test_ctrl_c_is_heard_in_the_middle_of_a_call():
    # Minutes of work, half a second of which are done.
    assert 0.4 < _answer(INTERRUPTED) < 20


def test_more_than_two_to_the_31_elements():
    n = 2**31 + 1001
    y = np.zeros(n, np.uint8)  # memory that nothing is written to, but for one page
    y[-1] = 1
    z = np.broadcast_to(np.float16(1), (n,))
    one, other = (float(PLAIN.loss(np.float32(label), np.float32(1))) for label in (0, 1))
    assert PLAIN(y, z, reduction="sum") == float((n - 1) * Fraction(one) + Fraction(other))
