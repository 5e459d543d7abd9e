"""Draw the README's picture: the top of the report that `logloss demo` makes, as a browser shows it.

Usage: python scripts/make_readme_picture.py runs/flights/report.html docs/img/report.png
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def main(report: str, picture: str) -> None:
    """Open the report and keep what stands above its table of numbers."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 840, "height": 1000}, device_scale_factor=1.5)
        page.goto(Path(report).resolve().as_uri())
        heading = page.get_by_role("heading", name="Final numbers").bounding_box()
        height = heading["y"] - 50 if heading else 800
        page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 840, "height": height})
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
