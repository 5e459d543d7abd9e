"""Sums in units of 2^-106, as six limbs of 32 bits, the lowest first: in any order they add up the same.

native/tally.hpp says the same.
"""

import numpy as np
import numpy.typing as npt

from logloss.evaluation.groups import Floats, Integers

Limbs = npt.NDArray[np.uint32]  # (..., 6)

LIMBS, _UNIT, _BITS = 6, -106, 32


def fixed(numbers: Floats) -> Limbs:
    """Numbers below 2^41, each rounded half up.

    Examples
    --------
    >>> floats(fixed(np.array([0.1, 3.0]))).tolist()
    [0.1, 3.0]
    """
    made, rest = np.zeros((*numbers.shape, LIMBS), np.int64), numbers
    for limb in range(LIMBS - 1, -1, -1):
        scale = 2.0 ** (_BITS * limb + _UNIT)
        part = np.floor(rest / scale) if limb else np.floor(rest / scale + 0.5)
        rest = rest - part * scale
        made[..., limb] = part
    return settled(made)


def ones(count: Integers) -> Limbs:
    """So many ones, below 2^54, added up."""
    made = np.zeros((*count.shape, LIMBS), np.int64)
    limb, shift = divmod(-_UNIT, _BITS)
    room = _BITS - shift
    made[..., limb], above = (count & ((1 << room) - 1)) << shift, count >> room
    made[..., limb + 1], made[..., limb + 2] = above & 0xFFFFFFFF, above >> _BITS
    return settled(made)


def summed(limbs: Limbs, place: Integers, count: int) -> Limbs:
    """The sums of what goes to each of so many places, at most 2^31 numbers to one."""
    made = np.zeros((count, *limbs.shape[1:]), np.int64)
    np.add.at(made, place, limbs.astype(np.int64))
    return settled(made)


def floats(limbs: Limbs) -> Floats:
    """As doubles."""
    made = np.zeros(limbs.shape[:-1])
    for limb in range(LIMBS):
        made += limbs[..., limb] * 2.0 ** (_BITS * limb + _UNIT)
    return made


def settled(limbs: Integers) -> Limbs:
    """The same numbers, each limb within its 32 bits."""
    for limb in range(LIMBS - 1):
        limbs[..., limb + 1] += limbs[..., limb] >> _BITS
    return (limbs & 0xFFFFFFFF).astype(np.uint32)
