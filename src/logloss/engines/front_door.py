"""`evaluate`: arrays or a table, by what comes."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from logloss.core.errors import ParameterError
from logloss.engines.arrays import from_arrays
from logloss.engines.columns import Columns
from logloss.engines.tables import Progress, from_table
from logloss.evaluation.decisions import Costs
from logloss.evaluation.evaluation import Evaluation
from logloss.evaluation.evidence import Evidence


def evaluate(
    data: Any,
    y_pred: Any = None,
    *,
    sample_weight: Any = None,
    label: str | None = None,
    score: str | None = None,
    weight: str | None = None,
    by: Any = None,
    id: str | None = None,  # noqa: A002 -- what it is called everywhere
    positive: Any = None,
    costs: Costs | tuple[float, float] | None = None,
    from_logits: bool = False,
    skip_nulls: bool = False,
    show_rows: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """What predicted probabilities are worth: an `Evaluation`.

    Parameters
    ----------
    data : array, shape (n,), or table
        Labels in [0, 1], with ``y_pred`` beside them; or a table: a path to CSV, TSV or Parquet (a file, a folder, a
        pattern, here or remote), or one of Arrow, pandas, Polars, DuckDB, Spark or Dask.
    y_pred : array, shape (n,), optional
        Probabilities of the positive class, or logits with ``from_logits``.
    sample_weight : array, shape (n,), optional
        Weights from 0 to 2^20.
    label, score, weight, id : str
        Columns of a table: labels, probabilities or logits, weights, and what names a row.
    by : array, or columns of a table, optional
        Each value's rows are a slice.
    positive : optional
        The value of a table's label that is positive.
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
    """
    evidence = evidence_of(
        data, y_pred, sample_weight=sample_weight, label=label, score=score, weight=weight, by=by, id=id,
        positive=positive, from_logits=from_logits, skip_nulls=skip_nulls, show_rows=show_rows, progress=progress,
    )  # fmt: skip
    return evaluation_of(evidence, costs)


def evaluation_of(evidence: Evidence, costs: Costs | tuple[float, float] | None = None) -> Evaluation:
    """An evaluation of what is known of the data."""
    return Evaluation(evidence, costs if costs is None or isinstance(costs, Costs) else Costs(*costs))


def evidence_of(
    data: Any,
    y_pred: Any = None,
    *,
    sample_weight: Any = None,
    by: Any = None,
    from_logits: bool = False,
    **table: Any,
) -> Evidence:
    """What `evaluate` makes an evaluation of, with the same parameters.

    Raises
    ------
    ParameterError
        What belongs to arrays is said of a table, or the other way round.
    """
    given = {name: value for name, value in table.items() if value is not None and value is not False and value != ()}
    if y_pred is not None:
        if given:
            raise ParameterError(f"{next(iter(given))} is said of tables, and arrays were given. Leave it out.")
        return from_arrays(data, y_pred, sample_weight=sample_weight, by=by, from_logits=from_logits)
    if sample_weight is not None:
        raise ParameterError("sample_weight is an array, and a table was given. Name its column: weight='w'.")
    missing = [name for name in ("label", "score") if name not in given]
    if missing:
        raise ParameterError(
            f"There is no {missing[0]}. Say evaluate(y_true, y_pred) of arrays, or name the columns of a table: "
            "evaluate(table, label='y', score='p')."
        )
    if (engine := _ENGINES.get(type(data).__module__.partition(".")[0])) is not None:
        return _on_cluster(engine, data, by, from_logits=from_logits, **given)
    return from_table(data, by=by, from_logits=from_logits, **given)


_ENGINES = {"pyspark": "spark", "dask": "dask"}


def _on_cluster(
    engine: str,
    data: Any,
    by: Any,
    *,
    label: str,
    score: str,
    weight: str | None = None,
    id: str | None = None,  # noqa: A002
    positive: Any = None,
    from_logits: bool = False,
    skip_nulls: bool = False,
    show_rows: Sequence[str] = (),
    progress: Progress | None = None,  # noqa: ARG001 -- a cluster has its own
) -> Evidence:
    by = (by,) if isinstance(by, str) else tuple(by or ())
    columns = Columns(label, score, weight, by, id, from_logits, skip_nulls)
    take = getattr(import_module(f"logloss.engines.{engine}"), f"from_{engine}")
    made: Evidence = take(data, columns, positive=None if positive is None else str(positive), shown=show_rows)
    return made
