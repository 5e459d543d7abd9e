"""What several files of tests share and what takes long to make: the package as its users get it."""

import os
import shutil
from pathlib import Path

import pytest

from tests.packages import Packages, make_packages

pytest.register_assert_rewrite("tests.looking")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The sdist, the wheel that was built from it, and the object files that the wheel was linked from."""
    return make_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        found = found or (own if Path(own).exists() else None)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("No Chromium was found to look at reports with.")
        started = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture
def look(browser):
    """Open a file, and hold whatever it says, asks for or throws against it."""
    pages, complaints = [], []

    def opened(file, viewport, **options):
        page = browser.new_page(viewport=viewport, **options)
        pages.append(page)
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append("a dialog opened"))
        page.on(
            "request", lambda request: request.url == file.as_uri() or complaints.append(f"asked for {request.url}")
        )
        page.goto(file.as_uri())
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
