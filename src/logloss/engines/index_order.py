"""Columns of pandas whose rows seem to be the same ones in other orders, where all are paired by their place."""

from collections.abc import Mapping
from typing import Any


def notes_of_order(columns: Mapping[str, Any]) -> tuple[str, ...]:
    """A note of each column that has the first one's index in another order; of one that is no pandas column, none.

    Examples
    --------
    >>> import pandas as pd
    >>> y, p = pd.Series([1, 0], index=["a", "b"]), pd.Series([0.2, 0.9], index=["b", "a"])
    >>> for note in notes_of_order({"y_true": y, "y_pred": p}):
    ...     print(note)
    y_true and y_pred have the same index in different orders, and were paired by place. If the index is what pairs \
them, give y_pred.loc[y_true.index].
    """
    indexes = {name: one.index for name, one in columns.items() if hasattr(getattr(one, "index", None), "is_unique")}
    if not indexes:
        return ()
    (first, index), *others = indexes.items()
    return tuple(
        f"{first} and {name} have the same index in different orders, and were paired by place. If the index is what "
        f"pairs them, give {name}.loc[{first}.index]."
        for name, other in others
        if _is_reordered(index, other)
    )


def _is_reordered(one: Any, other: Any) -> bool:
    try:
        if len(one) != len(other) or one.equals(other) or one.nlevels != other.nlevels:
            return False
        if one.dtype.kind in "iu" and other.dtype.kind in "iu" and (one.min(), one.max()) != (other.min(), other.max()):
            return False  # which is told at once, where the rest takes seconds for millions of rows
        return bool(one.is_unique and other.is_unique and len(one.intersection(other)) == len(one))
    except (TypeError, ValueError):  # what has no order and no hash cannot be told
        return False
