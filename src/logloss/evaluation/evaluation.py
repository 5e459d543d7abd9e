"""What predictions are worth: every number of one read of the data, each worked out when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logloss.core.errors import SpellingError, nearest
from logloss.core.plain import plain
from logloss.evaluation import calibration, ranking, scores
from logloss.evaluation.best_threshold import BestThreshold, best_threshold
from logloss.evaluation.concentration import Concentration, concentration, with_shares
from logloss.evaluation.decisions import Costs, Thresholds, thresholds
from logloss.evaluation.decomposition import (
    Decomposition,
    brier_decomposition,
    log_loss_decomposition,
    miscalibration_if_calibrated,
)
from logloss.evaluation.evidence import Evidence, Mistake
from logloss.evaluation.findings import Finding, findings
from logloss.evaluation.groups import Groups
from logloss.evaluation.ranking import Ranking
from logloss.evaluation.reliability import Reliability, reliability_of
from logloss.evaluation.resampling import ERRORS, calibration_error, parts_of_loss
from logloss.evaluation.score import Score
from logloss.evaluation.slice_scores import SliceScore, slice_scores
from logloss.evaluation.table import number, text
from logloss.evaluation.tally import Tally
from logloss.evaluation.verdict import verdict

if TYPE_CHECKING:
    import pandas as pd

SCORES = (
    "base_rate", "log_loss", "log_loss_bits", "entropy", "normalized_entropy", "skill", "calibration_ratio",
    "calibration_intercept", "calibration_slope", "brier", "roc_auc", "average_precision", "miscalibration",
    "miscalibration_if_calibrated", "discrimination", "uncertainty", "ece", "smooth_ece", "ici", "accuracy",
)  # fmt: skip
"""The names of the scores, in the order in which they are shown."""

COUNTS = ("n", "n_positive", "pending", "skipped")
"""The names of the numbers of rows."""

_FACTS = (
    "infinite_losses",
    "brier_decomposition",
    "concentration",
    "reliability",
    "thresholds",
    "best_threshold",
    "slices",
    "mistakes",
    "findings",
)


@dataclass(frozen=True)
class InfiniteLosses:
    """Rows that were certain and wrong, and the log loss without them and with a clip, in nats."""

    positives_at_0: int
    negatives_at_1: int
    finite_part: Score  # what the other rows add to the mean
    keras_clip: Score  # the mean of probabilities clipped to [1e-7, 1 - 1e-7]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What predictions are worth. `logloss.evaluate` makes it; ``print`` shows it.

    Scores are `Score`: a value and its 95 % interval. Each number is worked out when it is first read and then kept;
    what is redrawn (intervals of the decomposition and of calibration errors, and what chance makes of miscalibration)
    takes a second or two for large data, and is seeded: the same rows give the same numbers.

    Attributes
    ----------
    n, n_positive, pending, skipped : int
        Rows with a known label; positives among them; rows that wait for their label; rows left out without a score.
    base_rate, log_loss, log_loss_bits, entropy, normalized_entropy, skill : Score
        Log loss in nats and bits, beside the loss of always saying the base rate; their quotient, and 1 less that.
    calibration_ratio, calibration_intercept, calibration_slope : Score
        Σp / Σy, and the logistic change that would mend the probabilities.
    brier, roc_auc, average_precision, accuracy : Score
        As scikit-learn defines them; accuracy at one half.
    miscalibration, miscalibration_if_calibrated, discrimination, uncertainty : Score
        Of the log loss, in nats: ``log_loss = miscalibration - discrimination + uncertainty``. The second is what
        chance alone makes of the first; its ``high`` is the 95 % point.
    ece, smooth_ece, ici : Score
        Calibration errors: of 15 bins of equal weight, smooth, and integrated.
    brier_decomposition : Decomposition
        The same three parts of the Brier score, without intervals.
    infinite_losses, concentration, reliability, thresholds, slices, mistakes, findings
        Facts.
    """

    evidence: Evidence
    costs: Costs | None = None

    @property
    def tally(self) -> Tally:
        """What is kept of the rows."""
        return self.evidence.tally

    @cached_property
    def groups(self) -> Groups:
        """The rows by probability."""
        return self.tally.groups()

    @property
    def n(self) -> int:  # noqa: D102
        return self.tally.rows

    @cached_property
    def n_positive(self) -> int:  # noqa: D102
        return int(self.groups.rows[:, 1].sum())

    @property
    def pending(self) -> int:  # noqa: D102
        return self.tally.pending

    @property
    def skipped(self) -> int:  # noqa: D102
        return self.evidence.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of how the data was read, such as which value of the label is positive."""
        return self.evidence.notes

    @cached_property
    def base_rate(self) -> Score:  # noqa: D102
        return scores.base_rate(self.tally, self.groups)

    @cached_property
    def _log_loss(self) -> scores.LogLoss:
        return scores.log_loss(self.tally, self.groups)

    @property
    def log_loss(self) -> Score:  # noqa: D102
        return self._log_loss.score

    @cached_property
    def log_loss_bits(self) -> Score:  # noqa: D102
        return scores.in_bits(self.log_loss)

    @cached_property
    def entropy(self) -> Score:  # noqa: D102
        return scores.entropy(self.tally, self.groups)

    @cached_property
    def normalized_entropy(self) -> Score:  # noqa: D102
        return scores.normalized_entropy(self.tally, self.groups)

    @cached_property
    def skill(self) -> Score:  # noqa: D102
        return scores.skill(self.normalized_entropy)

    @cached_property
    def calibration_ratio(self) -> Score:  # noqa: D102
        return scores.calibration_ratio(self.tally, self.groups)

    @cached_property
    def recalibration(self) -> calibration.Recalibration:
        """Calibration intercept and slope, and which rows they leave out."""
        return calibration.recalibration(self.groups)

    @property
    def calibration_intercept(self) -> Score:  # noqa: D102
        return self.recalibration.intercept

    @property
    def calibration_slope(self) -> Score:  # noqa: D102
        return self.recalibration.slope

    @cached_property
    def brier(self) -> Score:  # noqa: D102
        return scores.brier(self.tally, self.groups)

    @cached_property
    def roc_auc_ranking(self) -> Ranking:
        """ROC AUC, and a proven bound on what counting in cells may have changed in it."""
        return ranking.roc_auc(self.groups)

    @property
    def roc_auc(self) -> Score:  # noqa: D102
        return self.roc_auc_ranking.score

    @cached_property
    def average_precision_ranking(self) -> Ranking:
        """Average precision, with the same bound."""
        return ranking.average_precision(self.groups)

    @property
    def average_precision(self) -> Score:  # noqa: D102
        return self.average_precision_ranking.score

    @cached_property
    def accuracy(self) -> Score:  # noqa: D102
        return scores.accuracy(self.tally, self.groups)

    @cached_property
    def decomposition(self) -> Decomposition:
        """The log loss in its three parts, without intervals."""
        return log_loss_decomposition(self.tally, self.groups)

    @cached_property
    def brier_decomposition(self) -> Decomposition:
        """The Brier score in its three parts, without intervals."""
        return brier_decomposition(self.tally, self.groups)

    @cached_property
    def calibration_errors(self) -> dict[str, float]:
        """ECE, smooth ECE and ICI, without intervals."""
        return {name: error(self.groups) for name, error in ERRORS.items()}

    @cached_property
    def _parts(self) -> dict[str, Score]:
        return parts_of_loss(self.groups, self.decomposition, self.miscalibration_if_calibrated)

    def _error(self, name: str) -> Score:
        return calibration_error(name, self.groups, self.calibration_errors[name])

    @property
    def miscalibration(self) -> Score:  # noqa: D102
        return self._parts["miscalibration"]

    @cached_property
    def miscalibration_if_calibrated(self) -> Score:  # noqa: D102
        chance = miscalibration_if_calibrated(self.groups)
        return Score(chance.mean, 0.0, chance.point_95)

    @property
    def discrimination(self) -> Score:  # noqa: D102
        return self._parts["discrimination"]

    @property
    def uncertainty(self) -> Score:  # noqa: D102
        return self.entropy

    @cached_property
    def ece(self) -> Score:  # noqa: D102
        return self._error("ece")

    @cached_property
    def smooth_ece(self) -> Score:  # noqa: D102
        return self._error("smooth_ece")

    @cached_property
    def ici(self) -> Score:  # noqa: D102
        return self._error("ici")

    @cached_property
    def infinite_losses(self) -> InfiniteLosses:  # noqa: D102
        negatives, positives = self.tally.infinite
        return InfiniteLosses(positives, negatives, self._log_loss.finite, self._log_loss.clipped)

    @cached_property
    def concentration(self) -> Concentration:  # noqa: D102
        return concentration(self.tally, self.groups)

    @property
    def worst_hundredth(self) -> float:
        """The share of the loss that the worst 1 % of the rows carry."""
        return self.concentration.carried[self.concentration.rows.index(0.01)]

    @cached_property
    def reliability(self) -> Reliability | None:
        """The reliability diagram; None where no row weighs anything."""
        return reliability_of(self.groups) if self.groups.weight.any() else None

    @cached_property
    def thresholds(self) -> Thresholds:  # noqa: D102
        return thresholds(self.groups, self.costs)

    @cached_property
    def best_threshold(self) -> BestThreshold | None:
        """Where to decide, by theory and by the data; None unless costs were given."""
        return best_threshold(self.groups, self.costs) if self.costs else None

    @cached_property
    def slices(self) -> tuple[SliceScore, ...]:  # noqa: D102
        return slice_scores(self.evidence.slices, self.tally)

    def of_slice(self, value: str | None, by: str | None = None) -> "Evaluation":
        """The evaluation of a slice that is among the hundred which matter most; its costliest rows are not known.

        Parameters
        ----------
        value : str or None
            The slice's value, as text; None is that of rows without one.
        by : str, optional
            Its column, where several have such a value.

        Raises
        ------
        SpellingError
            No such slice is there, or it is too small or too far behind to have been counted by itself.

        Examples
        --------
        >>> from logloss import evaluate
        >>> evaluation = evaluate([1, 0] * 20, [0.8, 0.2, 0.7, 0.3] * 10, by={"site": ["a", "a", "b", "b"] * 10})
        >>> round(evaluation.of_slice("b").log_loss.value, 3)
        0.357
        """
        every = self.evidence.slices
        found = [one for one in every if one.value == value and by in (None, one.by) and one.content]
        if len(found) == 1 and (tally := found[0].tally) is not None:
            return Evaluation(Evidence(tally), self.costs)
        if found:
            columns = " or ".join(f"by={one.by!r}" for one in found)
            raise SpellingError(f"Several columns have the slice {value!r}. Say which: {columns}.")
        known = [str(one.value) for one in every if one.content]
        hint = nearest(str(value), known) or (f" There are {', '.join(known[:12])}." if known else "")
        raise SpellingError(f"There is no slice {value!r} that was counted by itself.{hint}")

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:  # noqa: D102
        return with_shares(self.evidence.mistakes, self.tally)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:  # noqa: D102
        return findings(self)

    @cached_property
    def verdict(self) -> str:
        """What it comes to, in sentences."""
        return verdict(self)

    def __repr__(self) -> str:
        return f"<Evaluation of {self.n:,} rows: log loss {number(self.log_loss.value)}>"

    def __str__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        from logloss.report import evaluation_html  # an evaluation draws itself

        return str(evaluation_html(self))

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it (RFC 8259): infinities are "inf" and "-inf", NaN is null."""
        names = (*COUNTS, "notes", "verdict", *SCORES, *_FACTS)
        return {name: plain(getattr(self, name)) for name in names}

    def to_frame(self) -> "pd.DataFrame":
        """The scores as a table: a row each, with value, low and high."""
        import pandas as pd

        columns = [(score.value, score.low, score.high) for score in (getattr(self, name) for name in SCORES)]
        return pd.DataFrame(columns, index=list(SCORES), columns=["value", "low", "high"])

    @property
    def plot(self) -> Any:
        """Charts: ``plot.reliability()``, ``plot.scores()`` and so on; each an Altair chart with its points."""
        from logloss.report import EvaluationPlots  # an evaluation draws itself

        return EvaluationPlots(self)

    def report(self, path: str | Path, *, title: str = "Evaluation") -> Path:
        """Write the page, one HTML file that opens offline, with ``title`` at its head; its path."""
        from logloss.report import write_evaluation_report  # an evaluation draws itself

        return Path(write_evaluation_report(self, path, title=title))
