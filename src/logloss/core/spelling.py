"""The one spelling of a loss: ``focal(gamma=3, alpha=0.5)``, read and written."""

import re
from collections.abc import Mapping
from typing import Any

from logloss.core.errors import SpellingError

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "none": None}


def read(spelling: str) -> tuple[str, dict[str, Any]]:
    """A name and its options.

    Examples
    --------
    >>> read("focal(gamma=3, alpha=0.5)")
    ('focal', {'gamma': 3.0, 'alpha': 0.5})
    >>> read("weighted(pos_weight=(1, 2))")
    ('weighted', {'pos_weight': (1.0, 2.0)})
    """
    call = _CALL.fullmatch(spelling) if isinstance(spelling, str) else None
    if call is None:
        raise SpellingError(
            f"{spelling!r} is not the spelling of a loss. Write a name, or a name with options: focal(gamma=3)."
        )
    loss, inside = call[1], (call[2] or "").strip()
    options: dict[str, Any] = {}
    # A comma separates options unless it stands within a tuple's parentheses.
    for part in filter(None, (piece.strip() for piece in re.split(r",(?![^()]*\))", inside))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key.isidentifier():
            raise SpellingError(
                f"In {spelling!r}, {part!r} is not an option. Write options as name=value: focal(gamma=3)."
            )
        if key in options:
            raise SpellingError(f"In {spelling!r}, {key} is given twice.")
        options[key] = _value(value, spelling)
    return loss, options


def write(loss: str, options: Mapping[str, Any]) -> str:
    """The spelling of a name and its options, which `read` reads back without loss."""
    inside = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return f"{loss}({inside})" if inside else loss


def name(config: Mapping[str, Any], differs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name that says most about a loss, and the options that spell the rest.

    ``config`` holds every parameter, ``differs`` those that are not the plain loss's.
    """
    options = dict(differs)
    if "gamma_neg" in options or "margin" in options:
        gamma = config["gamma"]
        shape = {"gamma_pos": gamma, "gamma_neg": options.get("gamma_neg", gamma), "margin": config["margin"]}
        rest = {key: value for key, value in options.items() if key not in ("gamma", "gamma_neg", "margin")}
        return "asymmetric", shape | rest
    if "gamma" in options:
        shape = {"gamma": options.pop("gamma"), "alpha": None}
        a, b = config["pos_weight"], config["neg_weight"]
        if isinstance(a, float) and a <= 1 and b == 1 - a:
            shape["alpha"] = a
            options = {key: value for key, value in options.items() if key not in ("pos_weight", "neg_weight")}
        return "focal", shape | options
    if "pos_weight" in options or "neg_weight" in options:
        return "weighted", options
    return ("smoothed" if "label_smoothing" in options else "bce"), options


def _value(text: str, spelling: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if text.startswith("(") and text.endswith(")"):
        return tuple(_value(entry.strip(), spelling) for entry in text[1:-1].split(",") if entry.strip())
    if _NUMBER.fullmatch(text):
        return float(text)
    raise SpellingError(f"In {spelling!r}, {text!r} is not a number. Write options as name=value: focal(gamma=3).")
