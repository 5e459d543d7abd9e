"""Decimals as doubles, to the last bit as their text says them."""

import pyarrow as pa


def as_doubles(values: pa.Array) -> pa.Array:
    """Each decimal's nearest double, so that the same rows give the same bits, whether decimals or doubles hold them.

    Arrow's own cast is often a unit in the last place beside it.

    Examples
    --------
    >>> from decimal import Decimal
    >>> as_doubles(pa.array([Decimal("0.009"), None])).to_pylist()
    [0.009, None]
    """
    return values.cast(pa.string()).cast(pa.float64())
