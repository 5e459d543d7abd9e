"""The options of the drop-in names as members of the family, and PyTorch's convention for probabilities."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch

from logloss.core.family import BinaryCrossEntropy
from logloss.core.formula import Ends


@dataclass(frozen=True, kw_only=True, repr=False)
class ClampedBinaryCrossEntropy(BinaryCrossEntropy):
    """Probabilities as `torch.nn.BCELoss` takes them: no logarithm is below -100, and no slope above 1e12."""

    def ends(self, work: type[np.floating[Any]]) -> Ends:  # noqa: ARG002
        """The same in every type."""
        return Ends(low=0.0, high=1.0, largest_surprise=100.0, smallest_divisor=1e-12)


class Options(NamedTuple):
    """What the drop-in names add to PyTorch's, beside class weights."""

    from_logits: bool
    label_smoothing: float = 0.0
    gamma: float = 0.0
    gamma_neg: float | None = None
    margin: float = 0.0


def weighed(family: BinaryCrossEntropy, pos_weight: float, neg_weight: float) -> BinaryCrossEntropy:
    """The member with class weights, of one that has none."""
    options = Options(family.from_logits, family.label_smoothing, family.gamma, family.gamma_neg, family.margin)
    return member(options, pos_weight, neg_weight)


def member(options: Options, pos_weight: float = 1.0, neg_weight: float = 1.0) -> BinaryCrossEntropy:
    """The member of the family with these options; the same object for the same ones."""
    # A compiler sees constants, and warns of caches.
    make = _member if torch.compiler.is_compiling() else _remembered
    return make(options, pos_weight, neg_weight)


def _member(options: Options, pos_weight: float, neg_weight: float) -> BinaryCrossEntropy:
    kind = BinaryCrossEntropy if options.from_logits else ClampedBinaryCrossEntropy
    return kind(pos_weight=pos_weight, neg_weight=neg_weight, **options._asdict())


_remembered = lru_cache(maxsize=1024)(_member)


def without_smoothing(family: BinaryCrossEntropy) -> BinaryCrossEntropy:
    """The member that takes labels as they are."""
    return replace(family, label_smoothing=0.0) if family.label_smoothing else family


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def ends_in(family: BinaryCrossEntropy, work: torch.dtype) -> Ends:
    """How probabilities near 0 and 1 are taken, in the type that is worked in."""
    return family.ends(np.float64 if work == torch.float64 else np.float32)
