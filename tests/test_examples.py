"""The examples run as they are, and learn."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def output(name: str, **environment: str) -> str:
    """What an example prints; a warning ends it."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", name],
        cwd=EXAMPLES,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


NETWORKS = {
    "PyTorch": ("network_pytorch.py", {}),
    "JAX": ("network_jax.py", {}),
    "Keras on tensorflow": ("network_keras.py", {"KERAS_BACKEND": "tensorflow"}),
    "Keras on torch": ("network_keras.py", {"KERAS_BACKEND": "torch"}),
    "Keras on jax": ("network_keras.py", {"KERAS_BACKEND": "jax"}),
}


@pytest.mark.parametrize(("framework", "call"), NETWORKS.items(), ids=NETWORKS)
def test_networks_beat_the_base_rate(framework, call):
    said = output(call[0], **call[1])
    assert said.startswith(f"{framework}: ")
    loss, always = map(float, re.findall(r"\d\.\d{4}", said))
    assert loss < always - 0.02


@pytest.mark.parametrize(("name", "least"), [("multi_label", 95), ("masked_labels", 97), ("segmentation", 97)])
def test_others_learn(name, least):
    said = output(f"{name}.py")
    shares = [float(share) for share in re.findall(r"([\d.]+)% of (?:them|all|the)", said)]
    assert shares
    assert min(shares) >= least


def test_every_example_is_run_and_in_the_list():
    listed = set(re.findall(r"python (\w+)\.py", (EXAMPLES / "README.md").read_text()))
    there = {path.stem for path in EXAMPLES.glob("*.py")} - {"flights"}
    run = {name.removesuffix(".py") for name, _ in NETWORKS.values()} | {"multi_label", "masked_labels", "segmentation"}
    assert listed == there == run


def imported(name: str) -> set[str]:
    """The packages that an example imports, by itself or through the others."""
    found = set()
    for node in ast.walk(ast.parse((EXAMPLES / f"{name}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return (found - {"flights"} | imported("flights") | {"pyarrow"}) if "flights" in found else found


def test_the_list_says_what_to_install_for_each():
    rows = [
        line for line in (EXAMPLES / "README.md").read_text().splitlines() if "`python" in line or " python " in line
    ]
    assert len(rows) == 6
    for row in rows:
        name = re.search(r"python (\w+)\.py", row)[1]
        installed = set(re.findall(r"\w+", row.split("|")[3])) | {"numpy", "logloss"}
        assert imported(name) - sys.stdlib_module_names <= installed, name
