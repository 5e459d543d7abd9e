"""How often nominal 95 % intervals hold the truth, over more draws than a test has time for: a table, in ten minutes.

Run it from the top of the repository: ``python -m scripts.check_intervals [repeats]``.
"""

import itertools
import sys

from tests.populations import Population, coverage
from tests.test_intervals import scored, truths_of


def main(repeats: int) -> None:
    """Print a line for each population and number of rows, in per cent."""
    heading = False
    for n, rate, (slope, shift), weights in itertools.product(
        (300, 10_000), (0.05, 0.2, 0.5), ((1.0, 0.0), (1.8, 0.3)), ("none", "exponential", "sampled")
    ):
        population = Population(rate, slope, shift, weights)
        found = coverage(population, n, repeats if n < 1000 else repeats // 4, scored, truths_of(population))
        if not heading:
            print(f"{'n':>6} {'rate':>5} {'slope':>5} {'weights':>11}", *(f"{name[:10]:>10}" for name in found))
            heading = True
        cells = (f"{100 * held:10.1f}" for held in found.values())
        print(f"{n:6} {rate:5} {slope:5} {weights:>11}", *cells, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
