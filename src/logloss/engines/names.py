"""What the values are called that group rows: one text for each value, whatever type holds it."""

import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.errors import TableError
from logloss.engines.sums_by_value import text_of
from logloss.tables.wording import quoted

_ZEROS = r"(\.\d*?)0+(Z|[+-]\d{4})?$"  # at the end of a fraction, before a time zone
_POINT = r"\.(Z|[+-]\d{4})?$"


def named(values: pa.Array, column: str) -> pa.DictionaryArray:
    """The values of a column as text: a number, a date or a time reads the same in every type that holds it.

    Text stays as it is, but for ``True`` and ``False``, which is how Python writes booleans to a file.

    Raises
    ------
    TableError
        Values of this type have no text.

    Examples
    --------
    >>> for values in ([1, 0], [1.0, -0.0], [True, False], ["True", "1.0"]):
    ...     print(named(pa.array(values), "by").to_pylist())
    ['1', '0']
    ['1', '0']
    ['true', 'false']
    ['true', '1.0']
    """
    coded = values if pa.types.is_dictionary(values.type) else _encoded(values, column)
    return pa.DictionaryArray.from_arrays(coded.indices, _text(coded.dictionary, column))


def _encoded(values: pa.Array, column: str) -> pa.DictionaryArray:
    try:
        return values.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise _unnamed(column, values.type) from None


def _text(values: pa.Array, column: str) -> pa.Array:
    kind = values.type
    if pa.types.is_floating(kind):
        wide = values.cast(pa.float32()) if pa.types.is_float16(kind) else values
        return text_of(pc.add(wide, pa.scalar(0, wide.type)))  # -0 + 0 is 0
    try:
        text = text_of(values)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise _unnamed(column, kind) from None
    if pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
        for pattern, rest in ((_ZEROS, r"\1\2"), (_POINT, r"\1")):
            text = pc.replace_substring_regex(text, pattern, rest)
        return text
    is_python = pc.is_in(text, pa.array(["True", "False"]))
    return pc.if_else(is_python, pc.ascii_lower(text), text)


def _unnamed(column: str, kind: pa.DataType) -> TableError:
    return TableError(f"The column {quoted(column)} holds {kind}, which is not read here; expected text or numbers.")
