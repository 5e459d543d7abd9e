"""An instruction set stays where it was asked for: no function of it goes by a name that other files may define too.

Of several copies of an inline function the linker keeps one. If that were the copy made for AVX-512, a processor
without it would stop at the first call, wherever the call is.
"""

import subprocess

from tests.packages import run


def shared(name, symbols):
    """The symbols that other files may define too: all but the instruction set's own and the one that names it."""
    kernel, own = f"logloss::{name}_kernel", f"logloss::{name}::"
    # Not code: the tables of the formulas, and where exceptions find their handler.
    data = ("logloss::Tables<", "DW.ref.__gxx_personality_v0")
    return [symbol for symbol in symbols if own not in symbol and symbol != kernel and not symbol.startswith(data)]


def symbols_of(path):
    """The names under which a linker finds what is defined in an object file."""
    lines = [line.split(maxsplit=2) for line in run("nm", "-C", "--defined-only", "-g", path).splitlines()]
    return [line[2] for line in lines if len(line) == 3]


def objects(packages):
    """The object file of each instruction set."""
    paths = sorted(packages.objects.rglob("isa_*.cpp.o*"))
    return {path.name.split(".")[0].removeprefix("isa_"): path for path in paths}


def test_no_instruction_set_defines_what_another_may_define(packages):
    found = objects(packages)
    assert packages.compiled.answer("import json, logloss; print(json.dumps(logloss.active_kernel()))") in found
    for name, path in found.items():
        symbols = symbols_of(path)
        assert f"logloss::{name}_kernel" in symbols
        assert not shared(name, symbols), f"{path.name} shares {shared(name, symbols)}"


def test_a_shared_function_would_be_found(tmp_path):
    source = tmp_path / "isa_leaky.cpp"
    source.write_text(
        "template <class T> inline T twice(T x) { return x + x; }\n"
        "namespace logloss::leaky { float run(float x) { return twice(x); } }\n"
        "namespace logloss { extern const int leaky_kernel = 1; }\n"
    )
    subprocess.run(["c++", "-std=c++20", "-O0", "-c", source, "-o", tmp_path / "isa_leaky.o"], check=True)
    assert shared("leaky", symbols_of(tmp_path / "isa_leaky.o")) == ["float twice<float>(float)"]
