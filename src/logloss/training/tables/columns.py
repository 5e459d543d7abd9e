"""Arrow's columns as pandas', so that a table means the same whichever kind of file it came from."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from logloss.core.errors import TableError
from logloss.tables.contents import first_line
from logloss.tables.wording import listed, quoted


def to_frame(table: pa.Table, path: Path) -> pd.DataFrame:
    """A table of Arrow as a frame of pandas.

    Numbers and booleans stay what they are; integers with gaps become float64, booleans with gaps ``boolean``;
    decimals become float64, categories the type of their values, dates and timestamps ``datetime64[us]``, times of day
    and durations ``timedelta64[us]``: one unit, as a file with fractions of a second and one without must agree.

    Raises
    ------
    TableError
        A column is nested, or holds what no column of a table should.
    """
    refuse_nested(table.schema, path)
    gaps = []
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            plain = _plain(column)
        except pa.ArrowInvalid as error:
            reason = first_line(error)
            raise TableError(f"{path}, column {quoted(name)}: {reason}. Leave the column out, or mend it.") from error
        columns.append(plain)
        if kinds.is_boolean(plain.type) and plain.null_count:
            gaps.append(name)
    table = pa.table(columns, names=table.column_names)
    del columns
    # Arrow frees each column as soon as pandas has it, so the two copies never stand side by side.
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, self_destruct=True)
    for name in gaps:
        frame[name] = frame[name].astype("boolean")
    return frame


def refuse_nested(schema: pa.Schema, path: Path) -> None:
    """Refuse columns that are tables themselves, or bytes.

    Raises
    ------
    TableError
        Names them.
    """
    nested = [field.name for field in schema if kinds.is_nested(_stored(field.type)) or kinds.is_union(field.type)]
    if nested:
        raise TableError(
            f"{path} holds lists or structures in {listed(nested)}; expected one value a cell. Spread them over "
            "columns, or leave them out."
        )
    odd = [field.name for field in schema if not _is_known(_stored(field.type))]
    if odd:
        raise TableError(
            f"{path} holds {schema.field(odd[0]).type} in {listed(odd)}; expected numbers, text, booleans or times. "
            "Write them as one of these, or leave them out."
        )


def _stored(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(kind.storage_type)
    return _stored(kind.value_type) if kinds.is_dictionary(kind) else kind


def _is_known(kind: pa.DataType) -> bool:
    known = (
        kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_boolean, kinds.is_null,
        kinds.is_date, kinds.is_timestamp, kinds.is_time, kinds.is_duration,
        kinds.is_string, kinds.is_large_string, kinds.is_string_view,
        # Text in disguise, as older writers of Parquet leave it; what is not text is refused when it is decoded.
        kinds.is_binary, kinds.is_large_binary, kinds.is_binary_view,
    )  # fmt: skip
    return any(holds(kind) for holds in known)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if _stored(kind) != kind:
        return _plain(column.cast(kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type))
    if kinds.is_null(kind) or kinds.is_decimal(kind):
        return column.cast(pa.float64())
    if kinds.is_float16(kind):
        return column.cast(pa.float32())
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_binary_view(kind):
        return column.cast(pa.large_string())
    if kinds.is_date(kind):
        return column.cast(pa.timestamp("us"))
    if kinds.is_timestamp(kind):
        return pc.cast(column, options=_whole_microseconds(pa.timestamp("us", kind.tz)))
    if kinds.is_time(kind):
        finest = pc.cast(column, options=_whole_microseconds(pa.time64("us")))
        return finest.cast(pa.int64()).cast(pa.duration("us"))
    if kinds.is_duration(kind):
        return pc.cast(column, options=_whole_microseconds(pa.duration("us")))
    return column


def _whole_microseconds(kind: pa.DataType) -> pc.CastOptions:
    """Nanoseconds are cut off; a date beyond what the type can say is still refused."""
    return pc.CastOptions(target_type=kind, allow_time_truncate=True)
