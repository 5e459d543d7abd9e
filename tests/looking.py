"""What is looked for in a page that is open in a browser, partly by functions in its own language."""

from collections.abc import Callable
from pathlib import Path

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

CLIPPED = """() => [...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - .5 || box.right > frame.right + .5
            || box.top < frame.top - .5 || box.bottom > frame.bottom + .5;
    }).map(text => text.textContent);
})"""
OVERLAPPING = """() => [...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).flatMap(svg => {
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent);
    const boxes = texts.map(text => text.getBoundingClientRect());
    return boxes.flatMap((a, i) => boxes.slice(i + 1).flatMap((b, j) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2
        ? [texts[i].textContent + ' | ' + texts[i + 1 + j].textContent] : []));
})"""
# Texts that a line, a dot or a bar of the same chart crosses, or comes nearer than three pixels to.
CROSSED = """(chart) => {
    const marks = [...chart.querySelectorAll('line, path[stroke], path[fill]')].filter(mark =>
        !mark.closest('[fill="transparent"]') && mark.getAttribute('stroke') !== 'transparent');
    const boxes = marks.map(mark => mark.getBoundingClientRect());
    return [...chart.querySelectorAll('text')].filter(text => {
        const a = text.getBoundingClientRect();
        return boxes.some(b => a.left < b.right && b.left < a.right && a.top < b.bottom + 3 && b.top < a.bottom + 3);
    }).map(text => text.textContent);
}"""
TYPE_SIZES = """() => [...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).flatMap(svg => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return [...svg.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize) * scale);
})"""
# Of each text, how much it stands out from what is behind the page (WCAG 2.1, 1.4.3).
CONTRASTS = """() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
            .map((c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const texts = [...document.querySelectorAll('p, th, td, dt, dd, li, h1, h2, summary, figcaption, svg text')];
    return texts.filter((text) => text.checkVisibility() && text.textContent).map((text) => {
        const style = getComputedStyle(text);
        const ink = light(text.closest('svg') ? style.fill : style.color);
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    });
}"""


def written_when_asked_for(folder: Path, write: Callable[[str, Path], object]) -> Callable[[str], Path]:
    """The page of a name, which `write` writes the first time."""
    files: dict[str, Path] = {}

    def file_of(name: str) -> Path:
        if name not in files:
            write(name, folder / f"{len(files)}.html")
            files[name] = folder / f"{len(files)}.html"
        return files[name]

    return file_of


def assert_it_can_be_read(page):
    """Nothing beside the screen, cut off, one over the other, too small or run: folded and then with all of it open."""
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for figure in page.locator("figure").all():
        assert sum(svg.is_visible() for svg in figure.locator("svg").all()) == 1
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(OVERLAPPING) == []
    assert min(page.evaluate(TYPE_SIZES), default=12) >= 10.5
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.reached === undefined")


def assert_text_stands_out(page, scheme):
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert min(page.evaluate(CONTRASTS)) >= 4.5
