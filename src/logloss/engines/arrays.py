"""From arrays to what an evaluation is made from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from logloss.core.errors import LabelError, ShapeError, WeightError
from logloss.core.inputs import Array, Inputs, Words, any_array, check_values, per_element, read
from logloss.engines.gathering import Batch, Gatherer
from logloss.engines.labels import Labels, labels_at_once, labels_of, refuse_absent, words_in
from logloss.engines.mistakes import to_mistake
from logloss.engines.names import named
from logloss.engines.pairing import Rival, paired
from logloss.engines.refusals import of_scores
from logloss.engines.second_read import ranked, tallies_of, with_tallies
from logloss.engines.sums_by_value import Sums
from logloss.evaluation.evidence import Evidence
from logloss.evaluation.plain import HEAVIEST, LIGHTEST

_BATCH = 1 << 19  # rows, all of which may cost as much as the costliest
_WORDS = Words(
    missing_predictions="Leave these rows out of all arrays, with ~np.isnan(y_pred).",
    missing_labels="Leave these rows out of all arrays, with ~np.isnan(y_true).",
)


def from_arrays(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    by: Any = None,
    positive: Any = None,
    from_logits: bool = False,
) -> Evidence:
    """What is known of labels and predictions, one a row.

    Parameters
    ----------
    y_true : array, shape (n,)
        Labels: numbers in [0, 1], booleans, or two values of any type. NumPy, lists, pandas, Polars or Arrow.
    y_pred : array, shape (n,)
        Probabilities of the positive class, or logits with ``from_logits``.
    sample_weight : array, shape (n,), optional
        Weights of 0, or from 2^-40 to 2^20.
    by : array, shape (n,), or a mapping of names to such, optional
        Values of any type; each one's rows are a slice.
    positive : optional
        The value of the label that is positive; all others are negative.
    from_logits : bool
        Whether predictions are logits.

    Raises
    ------
    ShapeError, DtypeError, LabelError, ProbabilityError, LogitError, WeightError
        As `BinaryCrossEntropy` does; ShapeError if there are no rows.
    TargetError
        Labels hold other values than two, or it is open which is positive.

    Examples
    --------
    >>> evidence = from_arrays([1, 0] * 20, [0.8, 0.2, 0.7, 0.3] * 10, by=["a", "a", "b", "b"] * 10)
    >>> evidence.tally.rows, [(one.value, one.rows, round(one.loss, 3)) for one in evidence.slices]
    (40, [('b', 20, 7.133), ('a', 20, 4.463)])
    """
    y_true, labels = in_numbers(y_true, positive)
    inputs = _read(y_true, y_pred, sample_weight)
    groups = _groups(by, inputs.y_pred.size)

    def batches() -> Iterator[Batch]:
        return _batches(inputs, groups)

    gatherer = Gatherer(from_logits=from_logits, by=tuple(groups))
    for batch in batches():
        gatherer.add(batch)
    part = gatherer.part()
    if part.refusals:
        words = _WORDS._replace(logits=of_scores(part.refusals, "say from_logits=True"))
        check_values(inputs, from_logits=from_logits, words=words)
        _refuse_extreme(inputs)
    slices, suppressed = ranked(part)
    slices = with_tallies(slices, lambda some: tallies_of(some, tuple(groups), batches(), from_logits=from_logits))
    mistakes = tuple(to_mistake(one, from_logits) for one in part.worst)
    settings = {"scores are": "logits" if from_logits else "probabilities"}
    settings |= {} if labels.positive is None else {"positive value": labels.positive}
    settings |= {} if inputs.weight is None else {"weights": "an array"}
    return Evidence(part.tally, 0, mistakes, slices, suppressed, labels.notes, labels.positive, settings)


def paired_in_arrays(
    y_true: Any,
    y_preds: Sequence[Any],
    rivals: Sequence[Rival],
    *,
    sample_weight: Any = None,
    by: Any = None,
    positive: Any = None,
    from_logits: bool = False,
) -> list[tuple[Sums, ...]]:
    """By how much each of the other models differs from the first, as `pairing.paired`."""
    y_true, _ = in_numbers(y_true, positive)
    first, *others = (_read(y_true, y_pred, sample_weight) for y_pred in y_preds)
    groups = _groups(by, first.y_pred.size)
    return paired(_batches(first, groups, others), tuple(groups), rivals, from_logits)


def in_numbers(y_true: Any, positive: Any = None) -> tuple[Any, Labels]:
    """Labels as numbers, and what they were taken for: labels that are numbers in [0, 1] are left as they are.

    Raises
    ------
    TargetError, LabelError, DtypeError
        There are not two values, or it is open which is positive; or one is missing where others are no numbers.

    Examples
    --------
    >>> in_numbers(["late", "soon", "late"], "late")[0].tolist()
    [1.0, 0.0, 1.0]
    """
    array = any_array(y_true, "y_true")
    is_real = array.dtype.kind not in "OUSTM"
    if array.ndim != 1 or not array.size or (is_real and positive is None and not _are_two_others(array)):
        return y_true, Labels()
    words = _as_arrow(y_true)
    text = None if positive is None else str(positive)
    labels = labels_at_once(words, text) or labels_of("y_true", [words])
    numbers, known = labels.read(words)
    if known is not None:
        raise LabelError(
            f"{int(np.count_nonzero(~known)):,} of {len(known):,} values in y_true are missing. "
            f"{_WORDS.missing_labels.replace('np.isnan', 'pd.isna')}"
        )
    if text is not None and not numbers.any():
        refuse_absent("y_true", text, words_in(words))
    return numbers, labels


def _are_two_others(array: Array) -> bool:
    """Whether numbers are two values, and some not in [0, 1], such as -1 and 1."""
    if array.dtype.kind not in "iuf":
        return False
    low, high = array.min(), array.max()
    is_outside = np.isfinite([low, high]).all() and (low < 0 or high > 1)
    return bool(is_outside) and bool(((array == low) | (array == high)).all())


def _read(y_true: Any, y_pred: Any, sample_weight: Any) -> Inputs:
    inputs = read(y_true, y_pred, sample_weight)
    if inputs.y_pred.ndim != 1:
        raise ShapeError(
            f"y_pred has shape {inputs.shape}; expected one prediction a row, (n,). Evaluate each column by itself."
        )
    if not inputs.y_pred.size:
        raise ShapeError("There are no rows to evaluate: y_pred is empty. Expected at least one.")
    return inputs


def _batches(inputs: Inputs, groups: Mapping[str, pa.Array], others: Sequence[Inputs] = ()) -> Iterator[Batch]:
    label, score = _plain(inputs.y_true), _plain(inputs.y_pred)
    weight = None if inputs.weight is None else _plain(inputs.weight)
    more = [_plain(other.y_pred) for other in others]
    for at in range(0, len(score), _BATCH):
        part = slice(at, at + _BATCH)
        yield Batch(
            label[part],
            score[part],
            None if weight is None else weight[part],
            tuple(group.slice(at, _BATCH) for group in groups.values()),
            place=at,
            others=tuple(other[part] for other in more),
        )


def _plain(array: Array) -> Array:
    """As the kernel takes it: in the machine's byte order, and no type that NumPy has from elsewhere."""
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _groups(by: Any, rows: int) -> dict[str, pa.Array]:
    if by is None:
        return {}
    columns = {str(name): by[name] for name in by} if hasattr(by, "keys") and not hasattr(by, "dtype") else None
    if columns is None:
        name = getattr(by, "name", None)
        columns = {name if isinstance(name, str) and name else "by": by}
    made = {name: _as_arrow(values) for name, values in columns.items()}
    for name, values in made.items():
        if len(values) != rows:
            raise ShapeError(f"{name} has {len(values):,} values; expected one a row, of which there are {rows:,}.")
    return {name: named(values, name) for name, values in made.items()}


def _as_arrow(values: Any) -> pa.Array:
    if hasattr(values, "to_arrow"):  # of Polars
        values = values.to_arrow()
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, pa.Array):
        return values
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeError(f"by has shape {array.shape}; expected one value a row, (n,).")
    try:
        return pa.array(values if isinstance(values, list) else array, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # values of several types
        return pa.array([None if one is None else str(one) for one in array.tolist()])


def _refuse_extreme(inputs: Inputs) -> None:
    weight = per_element(inputs.weight, inputs.y_pred, "sample_weight")
    heavy, light = weight > HEAVIEST, (weight < LIGHTEST) & (weight > 0)
    rows, what, mend = (
        (heavy, f"greater than {HEAVIEST:,.0f}; the greatest is {float(weight.max()):g}", "Divide")
        if heavy.any()
        else (light, f"less than {LIGHTEST:.2g} and not 0, such as {float(weight[light].min(initial=1)):g}", "Multiply")
    )
    raise WeightError(
        f"{int(np.count_nonzero(rows)):,} of {weight.size:,} values in sample_weight are {what}. {mend} all weights by "
        "one number, which changes no mean."
    )
