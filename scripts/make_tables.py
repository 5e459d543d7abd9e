"""Compute the polynomials of the native kernel and write them to native/tables.hpp.

    python scripts/make_tables.py

Each function is cut into pieces of one width, and each piece gets a polynomial about a centre near its middle. Rounding
the constant term would cost half a unit in the last place, so the centres are moved a little to where the functions
happen to be almost numbers of the type (accurate tables: Gal 1986). The other coefficients are rounded one after the
other, lowest first, and those that remain are fitted anew each time, so that they make good what the rounding took.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mpmath as mp

mp.mp.prec = 160
OUTPUT = Path(__file__).parent.parent / "native" / "tables.hpp"

Function = Callable[[mp.mpf], mp.mpf]


def softplus(x: mp.mpf) -> mp.mpf:
    """The loss of a right answer at the logit x."""
    return mp.log1p(mp.exp(-x))


def logistic(x: mp.mpf) -> mp.mpf:
    """The probability of what is unlikely at the logit x."""
    return 1 / (1 + mp.exp(x))


class Type(NamedTuple):
    """A type of C++ and its binary digits."""

    name: str
    digits: int


class Table(NamedTuple):
    """Polynomials of some functions about common centres, near the multiples of a width."""

    name: str
    functions: dict[str, Function]
    type: Type
    pieces: int
    width: mp.mpf
    degree: int


FLOAT, DOUBLE = Type("float", 24), Type("double", 53)
TAIL = {"softplus": softplus, "logistic": logistic}
TABLES = (
    Table("tail", TAIL, FLOAT, 16, mp.mpf(1), 6),
    Table("tail", TAIL, DOUBLE, 16, mp.mpf(1) / 2, 11),
)


def rounded(x: mp.mpf, digits: int) -> mp.mpf:
    """The nearest number of so many binary digits."""
    mantissa, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, digits)), int(exponent) - digits)


def centre(table: Table, piece: int) -> mp.mpf:
    """A number of the type near the middle of a piece, at which every function is almost one too."""
    middle, digits = piece * table.width, table.type.digits
    if piece == 0:
        return mp.mpf(0)  # so that what is exact at 0 stays so
    step = mp.ldexp(1, int(mp.floor(mp.log(middle, 2))) - digits + 1)
    best = (mp.inf, middle)
    for k in range(6000):
        for x in (middle + k * step, middle - k * step):
            lost = max(abs(rounded(f(x), digits) / f(x) - 1) * 2**digits for f in table.functions.values())
            best = min(best, (lost, x))
            if lost < 1 / 45:
                return x
    return best[1]


def fit(function: Function, low: mp.mpf, high: mp.mpf, degree: int, digits: int) -> tuple[list[mp.mpf], mp.mpf]:
    """Coefficients of a polynomial on [low, high], lowest first, and its largest relative error."""
    n = 6 * (degree + 1)
    half, middle = (high - low) / 2, (high + low) / 2
    # At nodes of Chebyshev, least squares of the relative error come close to its minimax.
    nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    truth = [function(x) for x in nodes]
    made: list[mp.mpf] = []
    for k in range(degree + 1):
        known = [mp.polyval(made[::-1], x) if made else mp.mpf(0) for x in nodes]
        rows = mp.matrix([[x**j / y for j in range(k, degree + 1)] for x, y in zip(nodes, truth, strict=True)])
        right = mp.matrix([(y - was) / y for y, was in zip(truth, known, strict=True)])
        made.append(rounded(mp.lu_solve(rows.T * rows, rows.T * right)[0], digits))
    return made, max(abs(mp.polyval(made[::-1], x) / y - 1) for x, y in zip(nodes, truth, strict=True))


def exponential(digits: int, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """P of exp(r) = 1 + r + r² P(r), for |r| up to half the logarithm of 2."""
    bound = mp.log(2) / 2 * mp.mpf("1.001")
    return fit(lambda r: (mp.exp(r) - 1 - r) / r**2, -bound, bound, degree, digits)


def literal(x: mp.mpf) -> str:
    """Hexadecimal, as C++ reads it; exact."""
    return float(x).hex()


def rows(table: Table) -> tuple[list[list[mp.mpf]], mp.mpf]:
    """The numbers of each piece: its centre, then the coefficients of each function; and the largest error in ulp."""
    digits = table.type.digits
    centres = [centre(table, j) for j in range(table.pieces)] + [table.pieces * table.width]
    made, worst = [], mp.mpf(0)
    for j in range(table.pieces):
        low = (centres[j - 1] - centres[j]) / 2 if j else mp.mpf(0)
        high = (centres[j + 1] - centres[j]) / 2
        numbers = [centres[j]]
        for function in table.functions.values():
            coefficients, error = fit(lambda d, f=function, c=centres[j]: f(c + d), low, high, table.degree, digits)
            numbers += coefficients
            worst = max(worst, error * 2**digits)
        made.append(numbers)
    return made, worst


def main() -> None:
    """Write the header."""
    parts = [
        "// Made by scripts/make_tables.py, which says how. Do not edit.\n#pragma once\n\nnamespace logloss {\n\n"
        "template <class T> struct Tables;\n"
    ]
    for kind in (FLOAT, DOUBLE):
        parts.append(f"\ntemplate <> struct Tables<{kind.name}> {{\n")
        for table in (t for t in TABLES if t.type is kind):
            made, worst = rows(table)
            columns = len(made[0])
            parts.append(
                f"    // A piece a row: its centre, then the polynomials of {' and '.join(table.functions)}. "
                f"At most {mp.nstr(worst, 2)} ulp from the truth.\n"
                f"    static constexpr int {table.name}_pieces = {table.pieces};\n"
                f"    static constexpr int {table.name}_degree = {table.degree};\n"
                f"    static constexpr {kind.name} {table.name}_width = {literal(table.width)};\n"
                f"    static constexpr {kind.name} {table.name}[{table.pieces}][{columns}] = {{\n"
            )
            parts += [f"        {{{', '.join(map(literal, row))}}},\n" for row in made]
            parts.append("    };\n")
        degree = 4 if kind is FLOAT else 10
        coefficients, error = exponential(kind.digits, degree)
        parts.append(
            "    // exp(r) = 1 + r + r^2 P(r) for |r| up to log(2) / 2. "
            f"P is within {mp.nstr(error * 2**kind.digits, 2)} ulp.\n"
            f"    static constexpr {kind.name} exponential[{degree + 1}] = {{\n"
            f"        {', '.join(map(literal, coefficients))},\n    }};\n}};\n"
        )
    parts.append("\n}  // namespace logloss\n")
    OUTPUT.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
