"""The plan of the house: what may import what, what importing loads, and what is public."""

import ast
import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import logloss

ROOT = Path(logloss.__file__).parent
FRAMEWORKS = ("torch", "jax", "keras", "tensorflow", "sklearn", "xgboost", "lightgbm", "catboost")

# What a part may import of the others, directly. Reaching further down the arrows is allowed, and `parts` adds that.
ARROWS: dict[str, tuple[str, ...]] = {
    "cli": ("report", "training", "checking", "engines"),
    "report": ("training", "checking", "engines"),
    "training": ("evaluation", "tables", *(framework for framework in FRAMEWORKS if framework != "sklearn")),
    "checking": ("evaluation", *(framework for framework in FRAMEWORKS if framework != "sklearn")),
    "engines": ("evaluation", "tables"),
    "tables": ("lazy",),
    "evaluation": ("lazy",),
    "sklearn": ("evaluation",),
    **dict.fromkeys((framework for framework in FRAMEWORKS if framework != "sklearn"), ("core",)),
    "keras": ("torch", "jax", "tensorflow"),  # the one that it runs on
    "lazy": ("core",),  # names imported on first use, for the packages that have heavy ones
    "core": ("native",),
    "native": (),
}
LATE = {("evaluation", "report")}  # an evaluation draws itself: within a function, never when it is imported


def below(part: str) -> set[str]:
    """Every part that an arrow, or several in a row, leads to."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        for lower in (*ARROWS[waiting.pop()],):
            if lower not in found:
                found.add(lower)
                waiting.append(lower)
    return found


def part_of(module: str) -> str:
    """``logloss.core.formula`` is of ``core``, and ``logloss`` itself of nothing."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every module that a file imports, with its line and whether that is within a function."""
    module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def walk(node: ast.AST, late: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for name in child.names:
                    yield name.name, child.lineno, late
            elif isinstance(child, ast.ImportFrom):
                start = package.rsplit(".", child.level - 1)[0] if child.level else ""
                source = ".".join(filter(None, (start, child.module)))
                for name in child.names:
                    whole = f"{source}.{name.name}"
                    is_module = (ROOT.parent / Path(*whole.split("."))).with_suffix(".py").exists() or (
                        ROOT.parent / Path(*whole.split("."))
                    ).is_dir()
                    yield whole if source.startswith("logloss") and is_module else source, child.lineno, late
            else:
                yield from walk(child, late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    yield from walk(ast.parse(path.read_text()), False)


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_every_file_has_its_place_in_the_plan():
    for path in files():
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        assert part in (*ARROWS, "__init__", "__main__"), f"{path} is of no part of the plan of the house"


def test_imports_run_one_way():
    broken = []
    for path in files():
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part in ("__init__", "__main__"):
            continue
        allowed = {part, "", *below(part)}
        for module, line, late in imports(path):
            if module.split(".")[0] != "logloss" or part_of(module) in allowed:
                continue
            if late and (part, part_of(module)) in LATE:
                continue
            broken.append(f"{path.relative_to(ROOT.parent)}:{line}: {part} must not import {module}")
    assert not broken, "\n".join(broken)


def test_the_late_exception_is_late():
    for path in (ROOT / "evaluation").rglob("*.py"):
        for module, line, late in imports(path):
            assert part_of(module) != "report" or late, f"{path}:{line} imports {module} when it is imported itself"


def test_no_arrow_leads_back():
    for part in ARROWS:
        assert part not in below(part), f"{part} leads back to itself"


def test_the_core_imports_numpy_and_the_standard_library_only():
    for path in (ROOT / "core").rglob("*.py"):
        for module, line, _ in imports(path):
            root = module.split(".")[0]
            assert root in ("numpy", "logloss", *sys.stdlib_module_names), f"{path}:{line} imports {module}"


def test_files_of_a_framework_import_no_other_framework():
    for framework in FRAMEWORKS:
        for path in files():
            if path.relative_to(ROOT).parts[0].removesuffix(".py") != framework:
                continue
            for module, line, _ in imports(path):
                known = (framework, "numpy", "logloss", *sys.stdlib_module_names)
                assert module.split(".")[0] in known, f"{path}:{line} imports {module}"


def test_the_library_speaks_of_no_option_without_its_keyword():
    """Whoever calls `train` from Python knows no ``--validation``; whole commands are another matter."""
    for path in (ROOT / "training").rglob("*.py"):
        for line, text in strings(ast.parse(path.read_text())):
            alone = [] if "logloss " in text else re.findall(r"(?<![(\w-])--[a-z][a-z-]*", text)
            assert not alone, f"{path}:{line} speaks of {alone[0]}"


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a program and its line; what is put into one that is formatted is left out of it."""
    if isinstance(node, ast.JoinedStr):
        yield node.lineno, "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a statement loads in a fresh interpreter, beyond the standard library."""
    code = f"import sys; {statement}; import json; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    output = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    return set(json.loads(output)) - set(sys.stdlib_module_names)


def test_importing_loads_nothing_heavier_than_numpy():
    bare = loaded_by("pass")
    assert loaded_by("import logloss") - bare <= {"logloss", "numpy"}
    assert loaded_by("import logloss; logloss.BinaryCrossEntropy()([1], [0.5])") - bare <= {"logloss", "numpy"}
    assert loaded_by("import logloss; logloss.log_loss([1], [0.5]); logloss.conventions([1], [0.5])") - bare <= {
        "logloss",
        "numpy",
    }


def public() -> list[str]:
    return [name for name in logloss.__all__ if not name.startswith("__")]


def test_everything_public_is_listed_in_order_and_nothing_else():
    assert logloss.__all__ == sorted(logloss.__all__)
    assert len(set(logloss.__all__)) == len(logloss.__all__)
    for name in logloss.__all__:
        assert hasattr(logloss, name)
    here = {name for name, value in vars(logloss).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert here <= {*logloss.__all__, "TYPE_CHECKING"}
    assert set(public()) <= set(dir(logloss))


def has_example(thing: object) -> bool:
    text = inspect.getdoc(thing) or ""
    return "Examples\n--------" in text and bool(doctest.DocTestParser().get_examples(text))


@pytest.mark.parametrize("name", public())
def test_everything_public_is_documented_and_shows_itself(name):
    thing = getattr(logloss, name)
    if inspect.ismodule(thing):
        assert thing.__doc__
        return
    assert has_example(thing), f"logloss.{name} has no example"
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return
    for attribute, value in vars(thing).items():
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if inspect.isfunction(function) and (not attribute.startswith("_") or attribute == "__call__"):
            assert has_example(function), f"logloss.{name}.{attribute} has no example"


def test_every_module_says_what_it_is():
    for path in files():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


@pytest.mark.parametrize("path", sorted((ROOT / "core").glob("*.py")), ids=lambda path: path.stem)
def test_everything_public_in_the_core_is_documented(path):
    module = importlib.import_module(
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    )
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and callable(value):
            assert inspect.getdoc(value), f"{module.__name__}.{name} has no docstring"
