"""The package as its users get it: what is in it, what it needs, and that it works where nothing else is."""

import math
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packages import LITTER, ROOT

CODE = """
import importlib.metadata, json, sys
import logloss
value = logloss.BinaryCrossEntropy(from_logits=True)([1, 0], [2.0, -1.0])
said = {
    "file": logloss.__file__,
    "kernel": logloss.active_kernel(),
    "value": float(value),
    "loaded": sorted({module.split(".")[0] for module in sys.modules}),
    "installed": sorted(package.name for package in importlib.metadata.distributions()),
}
print(json.dumps(said))
"""
LOSS = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2


def kernel_of(installed):
    """The kernel on which the loss is computed, and computed well, with NumPy alone beside it."""
    said = installed.answer(CODE)
    assert Path(said["file"]).is_relative_to(installed.python.parents[1])
    assert said["value"] == pytest.approx(LOSS, rel=1e-15, abs=0)
    assert said["installed"] == ["logloss", "numpy"]
    assert set(said["loaded"]) - set(sys.stdlib_module_names) <= {"__main__", "logloss", "numpy"}
    return said["kernel"]


def test_a_wheel_needs_numpy_only_and_brings_the_kernel(packages, tmp_path):
    assert kernel_of(packages.install(packages.wheel, tmp_path)) != "numpy"


def test_an_sdist_is_compiled_where_it_is_installed(packages):
    assert kernel_of(packages.compiled) != "numpy"


def test_without_a_compiler_an_sdist_runs_on_numpy_and_says_so(packages, tmp_path):
    none = shutil.which("false")
    installed = packages.install(packages.sdist, tmp_path, CC=none, CXX=none, PIP_NO_CACHE_DIR="1")
    assert "No C++ compiler was found, or it failed: the loss runs on NumPy, which is slower." in installed.said
    assert kernel_of(installed) == "numpy"


def test_a_wheel_says_where_it_runs(packages):
    assert not packages.wheel.name.endswith("-any.whl")
    if sys.platform == "linux":
        assert "linux_" in packages.wheel.name
        assert "-linux_" not in packages.wheel.name  # which no index takes


def test_a_wheel_holds_what_runs_and_nothing_else(packages):
    with zipfile.ZipFile(packages.wheel) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    assert {name.split("/")[0] for name in names} == {"logloss", "logloss-0.1.0.dist-info"}
    source = ROOT / "src"
    kept = {path.relative_to(source).as_posix() for path in (source / "logloss").rglob("*") if path.is_file()}
    kept = {name for name in kept if "__pycache__" not in name and "_native" not in name}
    assert kept <= names, kept - names
    (extension,) = {name for name in names - kept if name.startswith("logloss/")}
    assert extension.startswith("logloss/_native.")
    assert "logloss-0.1.0.dist-info/licenses/LICENSE" in names


def test_an_sdist_holds_all_sources_and_no_product(packages):
    with tarfile.open(packages.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for part in ("native", "src", "tests", "docs", "benchmarks", "scripts"):
        sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / part).rglob("*") if path.is_file()}
        sources = {name for name in sources if "__pycache__" not in name and "docs/_build/" not in name}
        sources = {name for name in sources if not name.endswith(".so")}
        assert sources <= names, sources - names
        assert {name for name in names if name.startswith(f"{part}/")} <= sources
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CMakeLists.txt", "Makefile", "constraints.txt"} <= names
    assert not names & set(LITTER)
    assert len({name for name in names if "/" not in name}) < 15, names
