"""Tables in memory, from whichever library, as frames of pandas."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.sparse import issparse

from logloss.core.errors import TableError


def is_table(X: Any) -> bool:
    """Whether something has columns with names, as a matrix has not."""
    return isinstance(X, pd.DataFrame) or hasattr(X, "to_pandas") or _is_dict(X)


def as_frame(X: Any) -> pd.DataFrame:
    """A table of pandas, polars or pyarrow, or a dict of columns, as a frame whose rows are counted from 0.

    Raises
    ------
    TableError
        Something that is no table.

    Examples
    --------
    >>> as_frame({"age": [22, 35], "sex": ["m", "f"]})
       age sex
    0   22   m
    1   35   f
    """
    frame = X
    if _is_dict(X):
        try:
            frame = pd.DataFrame({name: _unlabelled(column) for name, column in X.items()})
        except ValueError as error:
            raise TableError(
                f"The columns make no table: {error}. Give each as many values, an entry a row, such as "
                '{"age": [22, 35]}.'
            ) from error
    elif hasattr(X, "to_pandas"):
        frame = X.to_pandas()
    if not isinstance(frame, pd.DataFrame):
        raise TableError(
            f"Something of type {type(X).__name__} is not a table; expected a frame of pandas or polars, a Table of "
            "pyarrow, or a dict of columns."
        )
    return frame.reset_index(drop=True)


def _is_dict(X: Any) -> bool:
    return isinstance(X, Mapping) and not issparse(X)  # one kind of sparse matrix is a dict of its entries


def _unlabelled(column: Any) -> Any:
    """A column without its index, by which pandas would put rows together that do not belong together."""
    if hasattr(column, "to_pandas"):
        column = column.to_pandas()
    return column.array if isinstance(column, pd.Series) else column
