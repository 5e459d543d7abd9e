"""Columns of labels, read as 0 and 1: which value counts as positive, and what is no label at all."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from logloss.core.errors import TargetError, nearest
from logloss.tables.label_words import PAIRS, folded, spelled
from logloss.tables.wording import counted, listed, quoted, repeated


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels of a table's rows, and how they were read."""

    names: tuple[str, ...]
    positive: tuple[str, ...]  # a value each, as a person would write it
    negative: tuple[str, ...]  # the other value, or "not …" where several values stand against one
    y: npt.NDArray[np.float64]  # 0.0 and 1.0 of the rows that are kept: shape (kept,), or (kept, k) for k > 1 targets
    kept: npt.NDArray[np.bool_]  # of all rows: those without a gap in any target
    notes: tuple[str, ...] = ()


def read_targets(frame: pd.DataFrame, names: Sequence[str], *, positive: str | None = None) -> Targets:
    """Read columns as binary labels.

    Understood are 0/1, −1/1, true/false, yes/no, y/n, t/f and positive/negative in any case. A single target may hold
    any two values; unless ``positive`` says which one counts, it is the greater number, or the word that comes last in
    the alphabet. With ``positive`` a column of more than two values is read as that value against the rest.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    names : sequence of str
        The columns; several make a task of several labels a row.
    positive : str, optional
        The value that counts as positive, in every target.

    Returns
    -------
    Targets
        Labels of the rows without gaps. ``frame[targets.kept]`` are the rows that belong to ``targets.y``.

    Raises
    ------
    TargetError
        A column is missing or is no binary label; the sentence says what it looks like instead.

    Examples
    --------
    >>> frame = pd.DataFrame({"churn": ["yes", "no", None, "no"], "plan": ["basic", "gold", "gold", "basic"]})
    >>> targets = read_targets(frame, ["churn"])
    >>> targets.y, targets.positive, targets.notes
    (array([1., 0., 0.]), ('yes',), ('1 of 4 rows is left out: it has no value in "churn".',))
    >>> read_targets(frame, ["plan"], positive="basic").y
    array([1., 0., 0., 1.])
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    _refuse_names(frame, names)
    kept = frame[list(names)].notna().all(axis=1).to_numpy(dtype=np.bool_)
    notes = []
    gaps = len(kept) - int(kept.sum())
    if gaps == len(kept):
        raise TargetError(
            f"No row has a value in {_each(names)}, so there is nothing to learn from. Fill the labels in."
        )
    if gaps:
        left_out = f"{gaps:,} of {counted(len(kept), 'row')} {'is' if gaps == 1 else 'are'} left out"
        notes.append(f"{left_out}: {_what_is_missing(names, gaps)}.")
    read = [_read(_tell_apart(frame.loc[kept, name], name), positive, alone=len(names) == 1) for name in names]
    y = np.column_stack([one.labels for one in read]) if len(read) > 1 else read[0].labels
    notes += [one.note for one in read if one.note]
    return Targets(
        names, tuple(one.positive for one in read), tuple(one.negative for one in read), y, kept, tuple(notes)
    )


_FEW = 20  # more different numbers are measurements rather than classes


@dataclass(frozen=True, eq=False)
class _Classes:
    """A column without gaps: a code for each row, and the word that each code stands for."""

    name: str
    codes: npt.NDArray[np.intp]
    words: list[str]
    numbers: npt.NDArray[np.float64] | None = None  # the words as numbers, if they are

    def __str__(self) -> str:
        return f"The target {quoted(self.name)}"


@dataclass(frozen=True, eq=False)
class _Labels:
    labels: npt.NDArray[np.float64]
    positive: str
    negative: str
    note: str = ""


def _refuse_names(frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    columns = [str(column) for column in frame.columns]
    if not names:
        raise TargetError(f"No target is named. Name one of {listed(columns)}.")
    if twice := repeated(names):
        raise TargetError(f"The target {listed(twice)} is named twice. Name it once.")
    for name in names:
        if name not in columns:
            has = f" The table has {listed(columns, limit=12)}."
            raise TargetError(f"The table has no column {quoted(name)}.{nearest(name, columns) or has}")
        if columns.count(name) > 1:
            raise TargetError(f"The table has more than one column named {quoted(name)}. Rename all but one.")


def _tell_apart(column: Any, name: str) -> _Classes:
    column = column.infer_objects()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype.kind in "mM":
        raise TargetError(
            f"The target {quoted(name)} holds dates or times; expected labels of two values, such as 0 and 1. Name "
            "another column, or make one of two values from it."
        )
    if pd.api.types.is_bool_dtype(column.dtype):
        codes, values = pd.factorize(column.to_numpy(dtype=np.bool_))
        return _Classes(name, codes, ["true" if value else "false" for value in values])
    if pd.api.types.is_numeric_dtype(column.dtype):
        codes, numbers = pd.factorize(column.to_numpy(dtype=np.float64))
        if np.isinf(numbers).any():
            raise TargetError(f"The target {quoted(name)} holds infinite values; expected two values, such as 0 and 1.")
        return _Classes(name, codes, [spelled(number) for number in numbers], numbers)
    codes, texts = pd.factorize(column.astype(str))
    words = [str(text) for text in texts]
    alike = [folded(word) for word in words] if len(words) <= _FEW else []
    if alike and any(set(alike) <= set(pair) for pair in PAIRS):  # "Yes", "yes" and "NO " are two values
        again, fewer = pd.factorize(np.array(alike, dtype=object))
        codes, words = again[codes], list(fewer)
    return _Classes(name, codes, words)


def _read(classes: _Classes, positive: str | None, *, alone: bool) -> _Labels:
    words = classes.words
    if len(words) == 1:
        raise TargetError(
            f"{classes} is {quoted(words[0])} in all {counted(len(classes.codes), 'row')} that count; learning to tell "
            "two classes apart takes both. Name another column, or add rows of the other class."
        )
    pair = next((pair for pair in PAIRS if set(words) == set(pair)), None)
    if positive is not None:
        chosen = _chosen(classes, positive)
    elif pair is not None:
        chosen = pair[1]
    elif len(words) == 2 and alone and not _are_probabilities(classes):
        chosen = _last(classes)
    else:
        raise TargetError(_why_not(classes))
    others = [word for word in words if word != chosen]
    labels = (classes.codes == words.index(chosen)).astype(np.float64)
    if len(others) > 1:
        note = (
            f"In {quoted(classes.name)}, {quoted(chosen)} counts as positive and the other {len(others):,} values "
            "together as negative."
        )
        return _Labels(labels, chosen, f"not {chosen}", note)
    if positive is not None or pair is not None:
        return _Labels(labels, chosen, others[0])
    reason = "it comes last in the alphabet" if classes.numbers is None else "it is the greater"
    note = (
        f"In {quoted(classes.name)}, {quoted(chosen)} counts as positive and {quoted(others[0])} as negative, as "
        f"{reason}: {_positive(others[0])} turns that round."
    )
    return _Labels(labels, chosen, others[0], note)


def _chosen(classes: _Classes, positive: str) -> str:
    """The word that a person means by ``positive``."""
    if positive in classes.words:
        return positive
    alike = [word for word in classes.words if folded(word) == folded(positive)]
    if len(alike) == 1:
        return alike[0]
    hint = nearest(positive, classes.words) or f" It holds {listed(_in_order(classes))}."
    raise TargetError(f"{classes} holds no value {quoted(positive)}, which is to count as positive.{hint}")


def _last(classes: _Classes) -> str:
    return _in_order(classes)[-1]


def _in_order(classes: _Classes) -> list[str]:
    if classes.numbers is not None:
        return [classes.words[i] for i in np.argsort(classes.numbers)]
    return sorted(classes.words, key=lambda word: (word.casefold(), word))


def _why_not(classes: _Classes) -> str:
    """Why a column is no binary label, and what would make it one."""
    words, numbers = classes.words, classes.numbers
    if _are_probabilities(classes):
        return (
            f"{classes} holds numbers between 0 and 1: these look like probabilities (soft labels), which cannot be "
            f"trained on here yet. Make them 0 and 1, or set one value against the rest with {_positive()}."
        )
    if numbers is not None and (len(words) > _FEW or (numbers % 1 != 0).any()) and len(words) > 2:
        return (
            f"{classes} holds {len(words):,} different numbers, from {spelled(numbers.min())} to "
            f"{spelled(numbers.max())}: it looks like a quantity, which is a task for regression. Expected two "
            "values: make a column of whether it exceeds a limit, or set one value against the rest with "
            f"{_positive()}."
        )
    values = listed(_in_order(classes))
    if len(words) == 2:
        return (
            f"{classes} holds {values}; where there are several targets, each must be 0/1, true/false or yes/no. Say "
            f"{_positive()} if one value is the positive one in all of them."
        )
    return (
        f"{classes} holds {len(words):,} classes, {values}: it is a multi-class target, whose loss is the categorical "
        f"cross-entropy. Expected two: set one of them against the rest with {_positive()}."
    )


def _positive(word: str = "") -> str:
    """How a person says, in Python and in a shell, which value counts as positive."""
    if quoted(word) == f'"{word}"' and word:
        return f'positive="{word}" (--positive {shlex.quote(word)})'
    return "positive=VALUE (--positive VALUE)"  # as well where the word is too odd to be copied from a sentence


def _are_probabilities(classes: _Classes) -> bool:
    numbers = classes.numbers
    return numbers is not None and bool(((numbers >= 0) & (numbers <= 1)).all() and (numbers % 1 != 0).any())


def _what_is_missing(names: tuple[str, ...], rows: int) -> str:
    if len(names) == 1:
        return f"{'it has' if rows == 1 else 'they have'} no value in {quoted(names[0])}"
    every = listed(names) if len(names) > 8 else f"{listed(names[:-1])} and {quoted(names[-1])}"
    return f"a value is missing in at least one of {every}"


def _each(names: tuple[str, ...]) -> str:
    return quoted(names[0]) if len(names) == 1 else f"each of {listed(names)}"
