"""Smooth calibration error: how far frequencies are from probabilities, without bins."""

import math

import numpy as np

from logloss.evaluation.groups import Floats, Groups

_PLACES = 1 << 13  # on [0, 1]; the width that is found is far greater, or the error next to nothing
_CLOSE = 1e-12


def smooth_calibration_error(groups: Groups) -> float:
    """The mean residual, smoothed by a kernel, in absolute value; NaN without rows that weigh anything.

    The kernel is a Gaussian reflected at 0 and 1, and its width is the error itself, so that nothing is to be chosen:
    residuals that cancel within a distance as small as the error do not count.

    Notes
    -----
    Błasiok and Nakkiran (2023), "Smooth ECE: principled reliability diagrams via kernel smoothing". Residuals are
    gathered at 8,192 places. Reflected, the kernel multiplies each cosine wave by a factor of its own, so that
    smoothing is a cosine transform there and back.

    Examples
    --------
    >>> from logloss.evaluation.counting import Counter
    >>> counter = Counter()
    >>> _ = counter.add(np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 0.5, 0.5]))
    >>> round(smooth_calibration_error(counter.tally().groups()), 6)
    0.25
    """
    from scipy.fft import dct, idct
    from scipy.optimize import brentq

    total = float(groups.weight.sum())
    if not total > 0:
        return math.nan
    residual = (groups.weight[:, 1] * (1 - groups.p) - groups.weight[:, 0] * groups.p) / total
    # Each residual is shared by the places beside it.
    at = np.clip(groups.p * _PLACES - 0.5, 0, _PLACES - 1)
    left = np.minimum(at.astype(np.int64), _PLACES - 2)
    share = at - left
    placed = np.bincount(left, residual * (1 - share), _PLACES) + np.bincount(left + 1, residual * share, _PLACES)
    waves: Floats = dct(placed, norm="ortho")
    squared = (np.pi * np.arange(_PLACES)) ** 2 / 2

    def error(width: float) -> float:
        return float(np.abs(idct(waves * np.exp(-squared * width**2), norm="ortho")).sum())

    # The error falls as the width grows, from what it is without smoothing to the mean residual, which may be 1.
    if not error(0.0) > 0 or not error(1.0) < 1:
        return min(error(1.0), 1.0)
    return float(brentq(lambda width: error(width) - width, 0.0, 1.0, xtol=_CLOSE))
