"""From templates and charts to pages: whatever came from data is escaped, and nothing is loaded from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from logloss.report import charts, svg, words
from logloss.tables.wording import counted

SINGLE = 476  # pixels: a square diagram that leaves room for words beside it


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A page from a template of this package. Strings are escaped; only an SVG of ours is taken as it is."""
    return _environment().get_template(template).render(values).encode("utf-8")


class Draw(Protocol):
    """A chart of any width."""

    def __call__(self, *, width: int) -> svg.Chart: ...  # noqa: D102


def drawn(draw: Draw, widths: Mapping[str, int], *, name: str, title: str, description: str) -> dict[str, Markup]:
    """A chart in each of the widths, of which the page's style displays one."""
    return {
        kind: svg.inline(draw(width=width), name=f"{name}-{kind}", title=title, description=description, css_class=kind)
        for kind, width in widths.items()
    }


def script(name: str) -> tuple[Markup, str]:
    """A script of this package for standing inside a page, and what a policy calls it by: no other one may then run."""
    loader = _environment().loader
    assert loader is not None  # noqa: S101, for the type checker
    text = loader.get_source(_environment(), name)[0]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"  # noqa: S704 - a file of ours, without a value of the page in it


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("logloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {"loss": words.loss, "share": words.share, "bits": words.bits, "counted": counted}
    environment.globals["dark"] = charts.DARK
    return environment


def _printable(value: Any) -> Any:
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
