"""Several models on the same rows: an evaluation of each, and then by how much they differ."""

import math
from collections.abc import Callable, Mapping, Sequence

from logloss.core.errors import ParameterError
from logloss.engines.pairing import Rival, apart_in
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.comparison import Comparison
from logloss.evaluation.difference import Difference, Errors, Sides, difference_of
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.ranking import placements
from logloss.evaluation.score import Score

_COMPARED = ("log_loss", "brier", "roc_auc")


def compared(
    evaluate: Callable[[str], Evaluation],
    names: Sequence[str],
    pair: Callable[[list[str], list[Rival]], Sequence[Sequence[Sums]]],
) -> Comparison:
    """Models evaluated one by one, and each beside the best; ``pair`` reads the rows once more, the best first.

    Raises
    ------
    ParameterError
        There is none, or one is named twice.
    """
    if not names or len(set(names)) < len(names):
        raise ParameterError(
            f"The scores are {', '.join(names) or 'of no model'}; expected those of one or more models, each once."
        )
    made = {name: evaluate(name) for name in names}
    order = sorted(made, key=lambda name: (made[name].log_loss.value, made[name].brier.value, name))
    evaluations = {name: made[name] for name in order}
    rivals = [Rival(one.brier.value, placements(one.groups)) for one in evaluations.values()]
    best, *others = order
    pairs = pair(order, rivals) if others else []
    differences = (_difference(evaluations, (best, name), sums) for name, sums in zip(others, pairs, strict=True))
    return Comparison(evaluations, tuple(differences))


def _difference(evaluations: Mapping[str, Evaluation], models: tuple[str, str], sums: Sequence[Sums]) -> Difference:
    first, second = (evaluations[name] for name in models)
    scores = {name: Sides(getattr(first, name).value, getattr(second, name).value) for name in _COMPARED}
    errors, everywhere, bands, *slices = sums
    if not first.groups.weight.any():
        nothing = Score(math.nan)
        return Difference(models[1], models[0], nothing, nothing, nothing, math.nan, ())
    (squares,) = errors.rounded()
    (everything,) = apart_in(everywhere).values()
    by_slice = [(one.by, apart_in(one)) for one in slices]
    return difference_of(models, scores, first.groups, Errors(*squares), everything, apart_in(bands), by_slice)
