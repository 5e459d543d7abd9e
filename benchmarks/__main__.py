"""`python -m benchmarks [NAME …] [--quick] [--markdown FILE]`."""

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Table, machine

NAMES = ("startup", "loss_call", "in_torch", "in_jax", "in_keras", "evaluation", "training_step", "networks")
LIBRARIES = ("logloss", "numpy", "torch", "jax", "tensorflow-cpu", "keras", "optax", "scikit-learn", "pandas", "typer")


def tables(name: str, *, quick: bool) -> Iterator[Table]:
    """The tables of one benchmark, each as soon as it is measured."""
    yield from import_module(f"benchmarks.{name}").run(quick=quick)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside each peer, in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all if not given")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that all runs, measures nothing")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there as well")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.names if name not in NAMES]:
        parser.error(f"{unknown[0]} is not a benchmark; known are {', '.join(NAMES)}")
    parts = [machine(LIBRARIES)]
    print(parts[0], flush=True)
    for name in chosen.names or NAMES:
        for table in tables(name, quick=chosen.quick):
            parts.append(str(table))
            print(f"\n{table}", flush=True)
    if chosen.markdown:
        chosen.markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
