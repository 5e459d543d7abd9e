"""Cells of probability: fine everywhere, finest where events are rare. native/tally.hpp says the same.

The cell of a probability is that of the lesser of p and 1 - p, on its side of one half: an octave and one of 2048 steps
in it, by the bits of a double. So a cell is narrower than a 2048th of the distance to the nearer end, and rare events
keep their resolution. 0 and 1 have cells of their own.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int32]

OCTAVES, STEPS = 150, 11
A_SIDE = (OCTAVES << STEPS) + 2
_SHIFT = 52 - STEPS
_TOP = int(np.float64(0.5).view(np.int64)) >> _SHIFT


def cells_of(lesser: Floats, is_upper: npt.NDArray[np.bool_]) -> Cells:
    """The cells of probabilities whose distance to the nearer end is ``lesser``, from above one half or from below.

    Examples
    --------
    >>> cells_of(np.array([0.5, 0.25, 0.0]), np.array([True, False, False])).tolist()
    [307202, 2048, 307201]
    """
    below = _TOP - (lesser.view(np.int64) >> _SHIFT)
    below = np.where(lesser == 0, A_SIDE - 1, np.minimum(below, A_SIDE - 2))
    return (below + np.where(is_upper, A_SIDE, 0)).astype(np.int32)


def ends_of(cells: Cells) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """The least and the greatest distance to the nearer end in each cell, and whether it lies above one half.

    Examples
    --------
    >>> least, greatest, is_upper = ends_of(np.array([2048], np.int32))
    >>> float(least[0]), float(greatest[0]), bool(is_upper[0])
    (0.25, 0.2501220703125, False)
    """
    is_upper = cells >= A_SIDE
    below = (cells - np.where(is_upper, A_SIDE, 0)).astype(np.int64)
    least = ((_TOP - below) << _SHIFT).view(np.float64)
    greatest = np.minimum(((_TOP - below + 1) << _SHIFT).view(np.float64), 0.5)
    lowest = below == A_SIDE - 2
    least = np.where(lowest | (below == A_SIDE - 1), 0.0, least)
    return least, np.where(below == A_SIDE - 1, 0.0, greatest), is_upper
