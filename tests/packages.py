"""The package as its users get it: built and installed as pip does it, away from this folder."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PYTHON = Path(sys.executable)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What working in the folder leaves there. Planted, so that it is there whatever was run before.
LITTER = (
    ".venv/lib/tests/test_other.py",
    "build/cp399/native/isa_avx2.cpp.o",
    "dist/logloss-0.0.0.tar.gz",
    "docs/_build/index.html",
    "src/logloss/_native.cpython-399.so",
    "src/logloss/__pycache__/family.cpython-399.pyc",
    "tests/__pycache__/paths.cpython-399.pyc",
)


class Installed(NamedTuple):
    """A new virtual environment into which the package was installed."""

    python: Path
    said: str  # by pip

    def answer(self, code: str) -> Any:
        """What the code prints as JSON, run by that Python in a folder of its own."""
        command = [self.python, "-I", "-W", "error", "-c", code]
        done = subprocess.run(command, cwd=self.python.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Packages(NamedTuple):
    """What was built, and what pip may install from."""

    shelf: Path  # the only packages that pip finds
    sdist: Path
    compiled: Installed  # from the sdist
    objects: Path  # the folder in which that was done
    wheel: Path  # the same, as it is published

    def install(self, package: Path, folder: Path, **variables: str) -> Installed:
        """Install a wheel or sdist, and what it depends on, into a new virtual environment."""
        return install(package, folder, **alone(self.shelf) | variables)


def run(*command: Any, **variables: str) -> str:
    """What a command says, which has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def alone(shelf: Path) -> dict[str, str]:
    """The environment in which pip, and whatever calls it, finds nothing but what is on the shelf."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": shelf.as_uri(), "PIP_CACHE_DIR": str(shelf / "cache")}


def make_packages(folder: Path) -> Packages:
    """Build everything as a release does, in the order in which one depends on the other."""
    shelf, dist, objects = folder / "shelf", folder / "dist", folder / "objects"
    # CMake and Ninja, because a build asks for them where the system has none.
    needed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"], "cmake", "ninja"]
    pins = ("-c", ROOT / "constraints.txt")
    run(PYTHON, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", *pins, "-d", shelf, *needed)

    away = ("__pycache__", ".*_cache", ".git", ".hypothesis", ".venv", "_build", "build", "dist", "runs", "*.so")
    tree = shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*away))
    for name in LITTER:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    run(PYTHON, "-m", "build", "--sdist", "--outdir", dist, tree, **alone(shelf))
    (sdist,) = dist.iterdir()

    compiled = install(sdist, folder / "compiled", **alone(shelf), SKBUILD_BUILD_DIR=str(objects))
    assert "The compiled kernel was built." in compiled.said, compiled.said
    # pip keeps a wheel that it had to build, so this compiles nothing again.
    built = folder / "built"
    run(PYTHON, "-m", "pip", "wheel", "--no-deps", "-w", built, f"logloss @ {sdist.as_uri()}", **alone(shelf))
    (wheel,) = built.iterdir()
    if sys.platform == "linux":
        tools = os.pathsep.join((str(PYTHON.parent), os.environ["PATH"]))
        run(PYTHON, "-m", "auditwheel", "repair", "-w", folder / "repaired", wheel, PATH=tools)
        (wheel,) = (folder / "repaired").iterdir()
    return Packages(shelf, sdist, compiled, objects, wheel)


def install(package: Path, folder: Path, **variables: str) -> Installed:
    """Install as `Packages.install` does."""
    run(PYTHON, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return Installed(python, run(PYTHON, "-m", "pip", "--python", python, "install", "-v", package, **variables))
