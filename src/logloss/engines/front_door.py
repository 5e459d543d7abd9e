"""`evaluate`: arrays or a table, one model or several, by what comes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from numbers import Real
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from logloss.core.errors import ParameterError
from logloss.engines.arrays import from_arrays, paired_in_arrays
from logloss.engines.columns import Columns
from logloss.engines.index_order import notes_of_order
from logloss.engines.pairing import Rival
from logloss.engines.saved import read_tallies, tallies_in
from logloss.engines.scattered import Scattered, from_scattered, paired_in_scattered
from logloss.engines.several import compared
from logloss.engines.sums_by_value import Sums
from logloss.engines.tables import Progress, from_table, paired_in_table
from logloss.evaluation.comparison import Comparison
from logloss.evaluation.decisions import Costs
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence

GivenCosts = Costs | tuple[float, float] | None


class _Options(TypedDict, total=False):
    """What `evaluate` takes whatever it evaluates."""

    sample_weight: Any
    label: str | None
    weight: str | None
    by: Any
    id: str | None
    positive: Any
    costs: GivenCosts
    from_logits: bool
    skip_nulls: bool
    show_rows: Sequence[str]
    progress: Progress | None


@overload
def evaluate(y_true: Any, y_pred: Mapping[str, Any], **options: Unpack[_Options]) -> Comparison: ...
@overload
def evaluate(y_true: Any, y_pred: Any, **options: Unpack[_Options]) -> Evaluation: ...
@overload
def evaluate(table: Any, /, *, score: str | None = None, **options: Unpack[_Options]) -> Evaluation: ...
@overload
def evaluate(table: Any, /, *, score: Sequence[str], **options: Unpack[_Options]) -> Comparison: ...
def evaluate(
    y_true: Any,
    y_pred: Any = None,
    *,
    sample_weight: Any = None,
    label: str | None = None,
    score: str | Sequence[str] | None = None,
    weight: str | None = None,
    by: Any = None,
    id: str | None = None,  # noqa: A002 -- what it is called everywhere
    positive: Any = None,
    costs: GivenCosts = None,
    from_logits: bool = False,
    skip_nulls: bool = False,
    show_rows: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation | Comparison:
    """What predicted probabilities are worth: an `Evaluation`; of several models a `Comparison`.

    Parameters
    ----------
    y_true : array, shape (n,), or table
        Labels: numbers in [0, 1], booleans or two values, with ``y_pred`` beside them; or a table: a path to CSV, TSV
        or Parquet (a file, a folder, a pattern, here or remote), or one of Arrow, pandas, Polars, DuckDB, Spark or
        Dask; or saved tallies, by path.
    y_pred : array, shape (n,), or a mapping of names to such, optional
        Probabilities of the positive class, or logits with ``from_logits``; of several models by their names.
    sample_weight : array, shape (n,), optional
        Weights of 0, or from 2^-40 to 2^20.
    label, score, weight, id : str
        Columns of a table: labels, probabilities or logits, weights, and what names a row. A sequence of scores is of
        several models.
    by : array, or columns of a table, optional
        Each value's rows are a slice.
    positive : optional
        The value of the label that is positive.
    costs : (false positive, false negative), optional
        What a wrong decision costs, either way.
    from_logits : bool
        Whether predictions are logits.
    skip_nulls : bool
        Leave out a table's rows without a score; else they are refused.
    show_rows : sequence of str
        Columns of a table to show of the costliest rows.
    progress : callable, optional
        Told how many rows of a table are done, and how many there are (None if that is not known).

    Raises
    ------
    LogLossError
        In one sentence: what came, what was expected and how to mend it.

    Examples
    --------
    >>> evaluation = evaluate([1, 0, 1, 0], [0.8, 0.2, 0.7, 0.3])
    >>> evaluation.n, round(evaluation.log_loss.value, 3)
    (4, 0.29)
    >>> evaluate([1, 0, 1, 0], {"old": [0.6, 0.4, 0.6, 0.4], "new": [0.8, 0.2, 0.7, 0.3]}).best
    'new'
    """
    costs, shown = _costs(costs), _names("show_rows", show_rows)
    table = {
        "label": label, "score": score, "weight": weight, "id": id,
        "skip_nulls": skip_nulls or None, "show_rows": shown or None, "progress": progress,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in table.items() if value is not None}
    if y_pred is not None:
        if given:
            raise ParameterError(f"{next(iter(given))} is said of tables, and arrays were given. Leave it out.")
        options = {"sample_weight": sample_weight, "by": by, "positive": positive, "from_logits": from_logits}
        return _of_arrays(y_true, y_pred, costs, **options)
    if sample_weight is not None:
        raise ParameterError("sample_weight is an array, and a table was given. Name its column: weight='w'.")
    if tallies := _tallies(y_true):
        also = {"positive": positive, "by": by, "from_logits": from_logits or None}
        said = [*given, *(name for name, value in also.items() if value is not None)]
        if said:
            raise ParameterError(f"A saved tally has no columns. Leave out {', '.join(said)}, or name tables.")
        return evaluation_of(read_tallies(tallies), costs)
    if label is None or score is None:
        raise ParameterError(
            f"There is no {'label' if label is None else 'score'}. Say evaluate(y_true, y_pred) of arrays, or name the "
            "columns of a table: evaluate(table, label='y', score='p')."
        )
    for option in ("label", "weight", "id"):
        if option in given:
            _check_name(option, given[option])
    scores = _names("score", score)
    given |= {"score": score if isinstance(score, str) else scores, "by": _names("by", by), "positive": positive}
    return _of_table(y_true, costs=costs, from_logits=from_logits, **given)


def evaluation_of(evidence: Evidence, costs: Costs | None = None) -> Evaluation:
    """An evaluation of what is known of the data."""
    return Evaluation(evidence, costs)


def _tallies(data: Any) -> list[Path]:
    """The saved tallies, if these are paths of such."""
    paths = [data] if isinstance(data, str | Path) else data if isinstance(data, list | tuple) else []
    are_paths = paths and all(isinstance(path, str | Path) for path in paths)
    return tallies_in(paths) if are_paths else []


def _costs(given: GivenCosts) -> Costs | None:
    """What wrong decisions cost, if it was said."""
    if given is None or isinstance(given, Costs):
        return given
    both = list(given) if isinstance(given, Iterable) else []
    if len(both) != 2 or not all(isinstance(cost, Real) for cost in both):
        raise ParameterError(f"costs={given!r} is not usable; expected two numbers, (false positive, false negative).")
    return Costs(*both)


def _names(option: str, given: Any) -> tuple[str, ...]:
    """Columns as they were named: one, several or none."""
    if given is None:
        return ()
    names = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    for name in names:
        _check_name(option, name)
    return names


def _check_name(option: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise ParameterError(f"{option} names {name!r}; expected the name of a column.")


def _of_arrays(y_true: Any, y_pred: Any, costs: Costs | None, **options: Any) -> Evaluation | Comparison:
    by = options["by"]
    others = {"sample_weight": options["sample_weight"], **(by if isinstance(by, Mapping) else {"by": by})}

    def evaluation(name: str, scores: Any) -> Evaluation:
        evidence = from_arrays(y_true, scores, **options)
        notes = notes_of_order({"y_true": y_true, name: scores, **others})
        return evaluation_of(replace(evidence, notes=(*evidence.notes, *notes)), costs)

    if not hasattr(y_pred, "keys") or hasattr(y_pred, "dtype"):
        return evaluation("y_pred", y_pred)
    by_name = {str(name): y_pred[name] for name in y_pred.keys()}  # noqa: SIM118 -- a frame's too
    return compared(
        lambda name: evaluation(name, by_name[name]),
        list(by_name),
        lambda order, rivals: paired_in_arrays(y_true, [by_name[name] for name in order], rivals, **options),
    )


def _of_table(data: Any, *, score: str | Sequence[str], costs: Costs | None, **options: Any) -> Evaluation | Comparison:
    read, pair = _ways(data)
    if isinstance(score, str):
        return evaluation_of(read(data, score=score, **options), costs)
    positives = []

    def evaluation(name: str) -> Evaluation:
        evidence = read(data, score=name, others=[other for other in score if other != name], **options)
        positives.append(evidence.positive)
        return evaluation_of(evidence, costs)

    def paired(order: list[str], rivals: Sequence[Rival]) -> Sequence[Sequence[Sums]]:
        columns = _columns(score=order[0], others=order[1:], **options)
        return pair(data, columns, rivals, positives[0])

    return compared(evaluation, list(score), paired)


_ENGINES = {"pyspark": "spark", "dask": "dask"}


def _ways(data: Any) -> tuple[Callable[..., Evidence], Callable[..., Sequence[Sequence[Sums]]]]:
    """What reads a table, and what reads it once more for pairs of models."""
    if isinstance(data, Scattered):
        return _on_cluster(from_scattered), paired_in_scattered
    engine = _ENGINES.get(type(data).__module__.partition(".")[0])
    if engine is None:
        return from_table, paired_in_table
    module = import_module(f"logloss.engines.{engine}")
    return _on_cluster(getattr(module, f"from_{engine}")), getattr(module, f"paired_in_{engine}")


def _on_cluster(take: Callable[..., Evidence]) -> Callable[..., Evidence]:
    """What reads a table on a cluster, as it is read on one machine."""

    def read(data: Any, *, positive: Any = None, show_rows: Sequence[str] = (), **options: Any) -> Evidence:
        positive = None if positive is None else str(positive)
        return take(data, _columns(**options), positive=positive, shown=show_rows)

    return read


def _columns(
    *,
    label: str,
    score: str,
    weight: str | None = None,
    by: tuple[str, ...] = (),
    id: str | None = None,  # noqa: A002
    from_logits: bool = False,
    skip_nulls: bool = False,
    others: Sequence[str] = (),
    **_: Any,
) -> Columns:
    return Columns(label, score, weight, by, id, from_logits, skip_nulls, tuple(others))
