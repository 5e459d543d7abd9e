"""The losses of Keras on every backend, on several devices, and where there is no Keras 3."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=known, cwd=ROOT)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_losses_are_the_same_on_every_backend(backend):
    # In a process of its own, because Keras chooses a backend once.
    files = "tests/test_keras.py", "tests/test_keras_values.py"
    result = run("-m", "pytest", *files, "-p", "no:cacheprovider", KERAS_BACKEND=backend)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_no_backend_is_imported_but_the_one_in_use(backend):
    code = (
        "import sys, json, numpy as np, keras; y, p = np.ones((2, 1), 'float32'), np.full((2, 1), 0.5, 'float32'); "
        "keras.losses.BinaryCrossentropy()(y, p); before = set(sys.modules); "
        "from logloss.keras import BinaryCrossentropy; BinaryCrossentropy()(y, p); "
        "print(json.dumps(sorted({'jax', 'torch', 'tensorflow'} & (set(sys.modules) - before))))"
    )
    result = run("-c", code, KERAS_BACKEND=backend)
    assert json.loads(result.stdout.splitlines()[-1]) == [], result.stderr


def test_keras_2_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "keras.py").write_text("__version__ = '2.15.0'")
    result = run("-c", "import logloss.keras", PYTHONPATH=str(tmp_path))
    assert "MissingPackageError: logloss.keras needs Keras 3, and this is 2.15.0." in result.stderr


def test_a_backend_without_a_loss_is_refused_in_a_sentence():
    code = "import logloss.keras as k, numpy as np; k.BinaryCrossentropy()(np.ones((2, 1)), np.ones((2, 1)))"
    result = run("-c", code, KERAS_BACKEND="numpy")
    assert "logloss.keras has no loss for the backend numpy" in result.stderr


REPLICAS = """
import json, sys
import numpy as np, tensorflow as tf, keras
from logloss.keras import BinaryCrossentropy

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
strategies = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategies[1].num_replicas_in_sync == 2
cases = [(rows, "sum_over_batch_size", is_weighted) for rows in (20, 11, 21, 101) for is_weighted in (False, True)]
results = {}
for rows, reduction, is_weighted in cases + [(21, "mean_with_sample_weight", True), (21, "sum", True)]:
    X = rng.normal(size=(rows, 3)).astype("float32")
    y = (X[:, :2] > 0).astype("float32")
    y[:7, 0] = -1  # so that the replicas have not the same number of elements that count
    data = (X, y, rng.random(rows).astype("float32"))[: 3 if is_weighted else 2]
    for strategy in strategies:
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
            loss = BinaryCrossentropy(from_logits=True, ignore_index=-1, reduction=reduction)
            model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
        told = {"batch_size": 10, "verbose": 0}
        weight = dict(zip(["sample_weight"], data[2:]))
        made = model.fit(X, y, **weight, validation_data=data, epochs=2, shuffle=False, **told).history
        made["evaluated"] = [model.evaluate(X, y, **weight, **told)]
        made["weights"] = np.concatenate([w.ravel() for w in model.get_weights()]).tolist()
        results.setdefault(f"{reduction} of {rows} rows, weighted: {is_weighted}", []).append(made)
print(json.dumps(results))
"""


def test_two_replicas_learn_and_report_what_one_does():
    result = run("-c", REPLICAS, KERAS_BACKEND="tensorflow")
    assert result.returncode == 0, result.stderr[-3000:]
    for case, (alone, together) in json.loads(result.stdout.splitlines()[-1]).items():
        for name, numbers in alone.items():
            assert together[name] == pytest.approx(numbers, rel=1e-4, abs=1e-6), f"{name}, {case}"
