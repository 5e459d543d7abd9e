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
LOG_FIRST = mp.mpf(0xAB) / 256  # 0.668, so that 1 lies well inside a piece
OUTPUT = Path(__file__).parent.parent / "native" / "tables.hpp"

Function = Callable[[mp.mpf], mp.mpf]


def softplus(x: mp.mpf) -> mp.mpf:
    """The loss of a right answer at the logit x."""
    return mp.log1p(mp.exp(-x))


def logistic(x: mp.mpf) -> mp.mpf:
    """The probability of what is unlikely at the logit x."""
    return 1 / (1 + mp.exp(x))


def surprise(t: mp.mpf) -> mp.mpf:
    """The loss of a right answer, where t is the probability of the wrong one."""
    return -mp.log1p(-t)


class Type(NamedTuple):
    """A type of C++ and its binary digits."""

    name: str
    digits: int


class Table(NamedTuple):
    """Polynomials of some functions about common centres, near the multiples of a width."""

    name: str
    functions: dict[str, Function]
    type: Type
    width: mp.mpf
    end: mp.mpf
    degree: int


FLOAT, DOUBLE = Type("float", 24), Type("double", 53)
PIECES = 16
TAIL = {"softplus": softplus, "logistic": logistic}
SURPRISE = {"surprise": surprise}
TABLES = (
    Table("tail", TAIL, FLOAT, mp.mpf(1), mp.mpf(15.5), 6),
    Table("surprise", SURPRISE, FLOAT, mp.mpf(1) / 32, mp.mpf(0.5), 5),
    Table("tail", TAIL, DOUBLE, mp.mpf(1) / 2, mp.mpf(7.75), 11),
    Table("surprise", SURPRISE, DOUBLE, mp.mpf(1) / 32, mp.mpf(0.5), 11),
)


def rounded(x: mp.mpf, digits: int) -> mp.mpf:
    """The nearest number of so many binary digits."""
    mantissa, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, digits)), int(exponent) - digits)


def lost(x: mp.mpf, digits: int) -> mp.mpf:
    """What rounding takes from a number, in units of about its last place."""
    return abs(rounded(x, digits) / x - 1) * 2**digits


def bounds(table: Table, piece: int) -> tuple[mp.mpf, mp.mpf]:
    """Where a piece begins and ends; the last may reach farther than half a width."""
    low = max(piece - mp.mpf(0.5), 0) * table.width
    return low, table.end if piece == PIECES - 1 else (piece + mp.mpf(0.5)) * table.width


def centre(table: Table, piece: int) -> mp.mpf:
    """A number of the type near the middle of a piece, at which every function is almost one too."""
    if piece == 0:
        return mp.mpf(0)  # so that what is exact at 0 stays so
    digits = table.type.digits
    middle = rounded(mp.fsum(bounds(table, piece)) / 2, digits)
    step = mp.ldexp(1, int(mp.floor(mp.log(middle, 2))) - digits + 1)
    best = (mp.inf, middle)
    for k in range(6000):
        for x in (middle + k * step, middle - k * step):
            best = min(best, (max(lost(f(x), digits) for f in table.functions.values()), x))
            if best[0] < 1 / 45:
                return best[1]
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


def logarithm(digits: int, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """Q of -log(1 + r) = -r + r² Q(r), for the r that `mantissas` leave; its error as one of r² Q(r) / log(2)."""
    bound = mp.mpf(1) / 28
    return fit(lambda r: (r - mp.log1p(r)) / r**2 if r else mp.mpf(0.5), -bound, bound, degree, digits)


def mantissas(digits: int) -> list[list[mp.mpf]]:
    """For each sixteenth of the mantissas from 2/3 to 4/3, the reciprocal of its middle and the logarithm of that.

    The reciprocals are moved to where the logarithm is almost a number of the type; what is left of it comes third.
    """
    made = []
    first = mp.mpf(LOG_FIRST)
    for piece in range(PIECES):
        # Equal steps of the bits: below 1 the numbers lie twice as close.
        ends = [
            first + mp.mpf(k) / 32 if first + mp.mpf(k) / 32 <= 1 else 1 + 2 * (first + mp.mpf(k) / 32 - 1)
            for k in (piece, piece + 1)
        ]
        low, high = ends
        if low <= 1 <= high:
            made.append([mp.mpf(1), mp.mpf(0), mp.mpf(0)])
            continue
        start = rounded(2 / (low + high), 20)
        step = mp.mpf(2) ** -20
        best = (mp.inf, start)
        for k in range(3000):
            for x in (start + k * step, start - k * step):
                best = min(best, (lost(mp.log(x), digits), x))
            if best[0] < 1 / 45:
                break
        inverse = best[1]
        high_part = rounded(mp.log(inverse), digits)
        made.append([inverse, high_part, rounded(mp.log(inverse) - high_part, digits)])
    return made


def literal(x: mp.mpf) -> str:
    """Hexadecimal, as C++ reads it; exact."""
    return float(x).hex()


def rows(table: Table) -> tuple[list[list[mp.mpf]], mp.mpf]:
    """The numbers of each piece: its centre, then the coefficients of each function; and the largest error in ulp."""
    digits = table.type.digits
    made, worst = [], mp.mpf(0)
    for piece in range(PIECES):
        low, high = bounds(table, piece)
        c = centre(table, piece)
        numbers = [c]
        for function in table.functions.values():
            # What is 0 at 0 is fitted as d times a polynomial, and so is exact there.
            at_zero = int(function(c) == 0)
            coefficients, error = fit(
                lambda d, f=function, c=c, k=at_zero: f(c + d) / d**k, low - c, high - c, table.degree - at_zero, digits
            )
            numbers += [mp.mpf(0)] * at_zero + coefficients
            worst = max(worst, error * 2**digits)
        made.append(numbers)
    return made, worst


def array(type_: Type, name: str, numbers: list[mp.mpf]) -> str:
    """A row of numbers in C++."""
    body = ", ".join(map(literal, numbers))
    return f"    static constexpr {type_.name} {name}[{len(numbers)}] = {{\n        {body},\n    }};\n"


def matrix(type_: Type, name: str, made: list[list[mp.mpf]]) -> str:
    """Rows of numbers in C++."""
    body = "".join(f"        {{{', '.join(map(literal, row))}}},\n" for row in made)
    return f"    static constexpr {type_.name} {name}[{len(made)}][{len(made[0])}] = {{\n{body}    }};\n"


def header(type_: Type) -> str:
    """All that one type needs."""
    parts = [f"\ntemplate <> struct Tables<{type_.name}> {{\n"]
    for table in (t for t in TABLES if t.type is type_):
        made, worst = rows(table)
        parts.append(
            f"    // A piece a row: its centre, then the polynomials of {' and '.join(table.functions)}. "
            f"At most {mp.nstr(worst, 2)} ulp from the truth.\n"
            f"    static constexpr int {table.name}_degree = {table.degree};\n"
            f"    static constexpr {type_.name} {table.name}_width = {literal(table.width)};\n"
            f"    static constexpr {type_.name} {table.name}_end = {literal(table.end)};\n"
        )
        parts.append(matrix(type_, table.name, made))
    coefficients, error = exponential(type_.digits, 4 if type_ is FLOAT else 10)
    parts.append(
        "    // exp(r) = 1 + r + r^2 P(r) for |r| up to log(2) / 2. "
        f"P is within {mp.nstr(error * 2**type_.digits, 2)} ulp.\n"
    )
    parts.append(array(type_, "exponential", coefficients))
    coefficients, error = logarithm(type_.digits, 2 if type_ is FLOAT else 9)
    parts.append(
        "    // -log(1 + r) = -r + r^2 Q(r) for |r| up to 1/28. "
        f"That is within {mp.nstr(error * mp.mpf(0.5) / 28**2 / mp.log(2) * 2**type_.digits, 2)} ulp of log(2).\n"
    )
    parts.append(array(type_, "logarithm", coefficients))
    parts.append(
        "    // A sixteenth of the mantissas a row: the reciprocal of its middle, and its logarithm in two parts.\n"
        f"    static constexpr {type_.name} first_mantissa = {literal(LOG_FIRST)};\n"
    )
    parts.append(matrix(type_, "mantissas", mantissas(type_.digits)))
    return "".join(parts) + "};\n"


def main() -> None:
    """Write the header."""
    about = (
        "// Made by scripts/make_tables.py, which says how. Do not edit.\n#pragma once\n\nnamespace logloss {\n\n"
        "template <class T> struct Tables;\n"
    )
    text = about + "".join(map(header, (FLOAT, DOUBLE))) + "\n}  // namespace logloss\n"
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
