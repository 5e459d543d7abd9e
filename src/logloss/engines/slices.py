"""Sums for every value of a column: in bounded memory, and to the bit the same for any order and partition of rows."""

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logloss.core.errors import TableError
from logloss.evaluation.cells import Floats
from logloss.evaluation.evidence import Slice
from logloss.evaluation.tally import Integers
from logloss.tables.wording import quoted

MOST_VALUES = 1 << 18

# What is added up: a sum of floats is one of whole numbers, in units of 2^-52 and limbs of 26 bits. A block
# of rows then adds up in doubles without rounding, and 2^37 rows fit in the limbs.
_FLOATS = ("weight", "square", "positives", "said", "loss", "loss_square", "weight_loss")
_COUNTS = ("rows", "infinite_negatives", "infinite_positives")
_LIMBS, _BITS, _UNIT = 5, 26, 52
_AT_ONCE = 1 << 10  # values whose sums stand as Python's numbers, which take much room
_BLOCK = 1 << 15  # rows that stay in the cache


@dataclass(frozen=True)
class Sums:
    """The values of a column that were seen, in their order, and the sums of each."""

    by: str
    values: pa.Array  # text, null for a row without a value
    counts: Integers  # (values, 3)
    limbs: Integers  # (values, 7, 5)

    def __add__(self, other: "Sums") -> "Sums":
        both = pa.concat_arrays([self.values, other.values])
        counts, limbs = (np.concatenate(pair) for pair in ((self.counts, other.counts), (self.limbs, other.limbs)))
        values, place = _encoded(both)
        _refuse_many(self.by, len(values))
        made_counts = np.zeros((len(values), len(_COUNTS)), np.int64)
        made_limbs = np.zeros((len(values), len(_FLOATS), _LIMBS), np.int64)
        np.add.at(made_counts, place, counts)
        np.add.at(made_limbs, place, limbs)
        return Sums(self.by, values, made_counts, _settled(made_limbs)).ordered()

    @classmethod
    def empty(cls, by: str) -> Self:
        """Of no rows."""
        none = np.zeros((0, len(_FLOATS), _LIMBS), np.int64)
        return cls(by, pa.array([], pa.string()), np.zeros((0, len(_COUNTS)), np.int64), none)

    def ordered(self) -> "Sums":
        """In the order of the values."""
        order = pc.array_sort_indices(self.values)
        place = order.to_numpy()
        return Sums(self.by, self.values.take(order), self.counts[place], self.limbs[place])

    def slices(self) -> list[Slice]:
        """A slice for each value."""
        made = []
        for at in range(0, len(self.values), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            columns = self.values[part].to_pylist(), self.counts[part].tolist(), self.limbs[part].tolist()
            for value, counts, limbs in zip(*columns, strict=True):
                sums = {name: _rounded(each) for name, each in zip(_FLOATS, limbs, strict=True)}
                made.append(Slice(self.by, value, counts[0], infinite=(counts[1], counts[2]), content=b"", **sums))
        return made

    def to_bytes(self) -> bytes:
        """For another machine."""
        file = io.BytesIO()
        table = pa.table({"value": self.values}).replace_schema_metadata({"by": self.by})
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        np.save(file, self.counts)
        np.save(file, self.limbs)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` made."""
        file = io.BytesIO(content)
        with pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
        by = table.schema.metadata[b"by"].decode()
        values = table.column("value").combine_chunks()
        return cls(by, values, np.load(file, allow_pickle=False), np.load(file, allow_pickle=False))


class Summing:
    """Rows in, sums out."""

    def __init__(self, by: str) -> None:
        self._by = by
        self._known = pa.array([], pa.string())
        self._counts = np.zeros((0, len(_COUNTS)), np.int64)
        self._limbs = np.zeros((0, len(_FLOATS), _LIMBS), np.int64)

    @property
    def block(self) -> int:
        """How many rows are worth a call."""
        return max(_BLOCK, 4 * len(self._known))

    def add(self, place: Integers, label: Floats, p: Floats, loss: Floats, weight: Floats | None) -> None:
        """Count rows whose sums are at these places; the loss is that of a row that weighs 1."""
        rows = np.bincount(place, minlength=len(self._known))
        self._counts[:, 0] += rows
        is_endless = np.isinf(loss)
        if is_endless.any():
            loss = np.where(is_endless, 0.0, loss)
            if weight is not None:
                is_endless &= weight > 0
            for column, is_class in enumerate((label <= 0.5, label > 0.5), 1):
                self._counts[:, column] += np.bincount(place[is_endless & is_class], minlength=len(rows))
        if weight is None:
            for column in (0, 1):
                self._limbs[:, column, _UNIT // _BITS] += rows
            terms = {2: label, 3: p, 4: loss, 5: loss * loss}
        else:
            cost = weight * loss
            terms = {0: weight, 1: weight * weight, 2: weight * label, 3: weight * p}
            terms |= {4: cost, 5: cost * cost, 6: weight * cost}
        for column, term in terms.items():
            _add_up(self._limbs[:, column], place, term)
        if weight is None:
            self._limbs[:, 6] = self._limbs[:, 4]

    def sums(self) -> Sums:
        """All that was counted."""
        return Sums(self._by, self._known, self._counts, _settled(self._limbs)).ordered()

    def places(self, values: pa.Array) -> Integers:
        """Where the sums of each row's value are, for `add`; there is room for new values afterwards."""
        found, place = _encoded(values)
        at = pc.index_in(found, value_set=self._known)
        if at.null_count:
            seen = np.bincount(place, minlength=len(found)) > 0  # a dictionary may hold what no row has
            fresh = found.filter(pc.and_(pc.is_null(at), pa.array(seen))).unique()
            self._known = pa.concat_arrays([self._known, fresh])
            _refuse_many(self._by, len(self._known))
            room = len(fresh)
            self._counts = np.concatenate([self._counts, np.zeros((room, len(_COUNTS)), np.int64)])
            self._limbs = np.concatenate([self._limbs, np.zeros((room, len(_FLOATS), _LIMBS), np.int64)])
            at = pc.index_in(found, value_set=self._known)
        where: npt.NDArray[np.int64] = at.fill_null(0).to_numpy().astype(np.int64)
        return where[place]


def text_of(values: pa.Array) -> pa.Array:
    """Values as text; not a number counts as no value."""
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return pc.cast(values, pa.string())


def _encoded(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The values as text, null among them, and which of them each row has; one that had two spellings comes twice."""
    if pa.types.is_dictionary(values.type):
        place = values.indices.cast(pa.int64()).fill_null(len(values.dictionary))
        none = pa.nulls(1, pa.string())
        return pa.concat_arrays([text_of(values.dictionary), none]), place.to_numpy()
    coded = values.dictionary_encode(null_encoding="encode")
    return text_of(coded.dictionary), coded.indices.to_numpy().astype(np.int64)


def _add_up(limbs: Integers, place: npt.NDArray[np.int64], term: Floats) -> None:
    """Add terms, rounded to the unit, to the limbs of their places."""
    top = float(term.max(initial=0.0))
    rest = term
    scale = 2.0 ** (_BITS * (_LIMBS - 1) - _UNIT)
    for limb in range(_LIMBS - 1, -1, -1):
        if top >= scale or limb == 0:
            part = np.floor(rest / scale) if limb else np.floor(rest / scale + 0.5)
            if part.any():
                limbs[:, limb] += np.bincount(place, part, len(limbs)).astype(np.int64)
                rest = rest - part * scale
        scale *= 2.0**-_BITS


def _settled(limbs: Integers) -> Integers:
    """The same sums, in place: each limb within its bits but the highest."""
    for i in range(_LIMBS - 1):
        limbs[..., i + 1] += limbs[..., i] >> _BITS
        limbs[..., i] &= (1 << _BITS) - 1
    return limbs


def _rounded(limbs: list[int]) -> float:
    return sum(limb << _BITS * i for i, limb in enumerate(limbs)) / (1 << _UNIT)


def _refuse_many(by: str, count: int) -> None:
    if count > MOST_VALUES:
        raise TableError(
            f"The column {quoted(by)} has more than {MOST_VALUES:,} different values; expected groups of rows, not "
            "names of single ones. Group by a coarser column."
        )
