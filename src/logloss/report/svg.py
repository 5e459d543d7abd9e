"""A chart as an SVG that can stand inside a page: no script, no network, no name that another chart has too."""

import re
import xml.etree.ElementTree as ET
from typing import Any, Protocol

import vl_convert
from markupsafe import Markup

_SVG = "http://www.w3.org/2000/svg"
# Vega's classes could meet the page's; its roles and labels, mark by mark, would be read aloud a thousand times.
_DROPPED = re.compile(r"class|role|aria-.*|pointer-events|version")


class Chart(Protocol):
    """What Altair's charts have in common."""

    def to_dict(self) -> dict[str, Any]:
        """The chart in Vega-Lite."""


def inline(chart: Chart, *, name: str, title: str, description: str, css_class: str = "") -> Markup:
    """The chart for a page. ``name`` begins every id in it and must be the page's only one."""
    root = _drawn(chart, name, title, description)
    # As wide as it was drawn where there is room, since its type was chosen for that; smaller, never cut, elsewhere.
    root.set("style", f"width:100%;max-width:{root.attrib.pop('width')}px;height:auto")
    del root.attrib["height"]
    if css_class:
        root.set("class", css_class)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped every text and attribute


def alone(chart: Chart, *, title: str, description: str) -> bytes:
    """The chart as a file of its own."""
    root = _drawn(chart, "chart", title, description)
    root.set("xmlns", _SVG)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode").encode()


def png(chart: Chart) -> bytes:
    """The chart in pixels, two for each of the SVG's."""
    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=2, allowed_base_urls=[]))


def _drawn(chart: Chart, name: str, title: str, description: str) -> ET.Element:
    text = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    root = ET.fromstring(text)  # noqa: S314 - vl-convert has just written it
    ids: dict[str, str] = {}
    for element in root.iter():
        # HTML needs no namespace, and a page without one holds nothing that looks like an address.
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for key in [key for key in element.attrib if _DROPPED.fullmatch(key)]:
            del element.attrib[key]
        if "id" in element.attrib:
            ids[element.attrib["id"]] = f"{name}-{len(ids) + 1}"
            element.set("id", ids[element.attrib["id"]])
    for element in root.iter():
        for key, value in element.attrib.items():
            reference = re.fullmatch(r"url\(#(.+)\)", value)
            if reference:
                element.set(key, f"url(#{ids[reference[1]]})")
    _prune(root)
    for tag, said in (("desc", description), ("title", title)):
        element = ET.Element(tag)
        element.text = said
        root.insert(0, element)
    root.set("role", "img")
    root.set("aria-label", description)
    return root


def _prune(element: ET.Element) -> None:
    """Take away what draws nothing: Vega leaves an invisible path before and behind every group."""
    for child in list(element):
        if child.tag == "defs":
            continue
        _prune(child)
        hidden = child.get("display") == "none" or (child.tag == "path" and child.keys() == ["d"])
        if hidden or (child.tag == "g" and len(child) == 0):
            element.remove(child)
