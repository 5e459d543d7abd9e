import pytest

from logloss.report import comparison_html, write_comparison_report
from tests.comparisons import COMPARISONS
from tests.looking import NARROW, WIDE, assert_it_can_be_read, assert_text_stands_out, written_when_asked_for
from tests.test_report import HOSTILE


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    def write(name, file):
        write_comparison_report(COMPARISONS[name](), file, title=HOSTILE[0] if name == "hostile" else name)

    return written_when_asked_for(tmp_path_factory.mktemp("reports"), write)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_a_page_can_be_read_at_any_width(name, viewport, reports, look):
    assert_it_can_be_read(look(reports(name), viewport))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_verdict_stands_above_the_fold(viewport, reports, look):
    box = look(reports("plain"), viewport).locator(".verdict").bounding_box()
    assert box["y"] + box["height"] <= viewport["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain", "two infinite", "hostile"])
def test_every_text_stands_out_in_light_and_in_dark(name, scheme, reports, look):
    assert_text_stands_out(look(reports(name), WIDE, color_scheme=scheme), scheme)


def test_an_opened_table_shows_its_columns_side_by_side(reports, look):
    page = look(reports("plain"), WIDE)
    for details in page.locator("summary").all():
        details.click()
    for region in page.locator(".scroll").all():
        frame = region.bounding_box()
        for column in region.locator("thead th").all():
            box = column.bounding_box()
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 0.5


def test_print_is_light_and_complete(reports, look):
    page = look(reports("plain"), WIDE, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("figure svg:visible").count() == 1 + 3 + 2
    assert len(page.pdf(format="A4")) > 10_000


def test_a_keyboard_reaches_everything(reports, look):
    page = look(reports("plain"), WIDE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the scores"
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            page.keyboard.press("Enter")
    assert {"A.", "SUMMARY.", "DIV.scroll"} <= reached


def test_a_model_leads_to_its_part(reports, look):
    page = look(reports("several"), NARROW)
    page.get_by_role("link", name="model 5").click()
    box = page.get_by_role("heading", name="model 5 beside model 0").bounding_box()
    assert 0 <= box["y"] < NARROW["height"]


def test_a_screen_reader_hears_of_every_part(reports, look):
    page = look(reports("plain"), WIDE)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=2).count() == 5  # the last is of what was evaluated
    assert page.get_by_role("heading", level=3).count() == 1
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("img").count() == 6
    assert page.get_by_role("region", name="Verdict").count() == 1
    names = [region.get_attribute("aria-label") for region in page.locator(".scroll").all()]
    assert len(set(names)) == len(names)
    for table in page.locator("table").all():
        assert table.locator("th[scope=row]").count() == table.locator("tbody tr").count()


def test_hostile_text_is_read_and_not_run(reports, look):
    page = look(reports("hostile"), WIDE)
    assert page.locator("h1").inner_text() == HOSTILE[0]
    assert page.get_by_text(HOSTILE[1], exact=True).count() > 0
    assert page.locator("img, iframe, script, [onerror], [onload]").count() == 0
    assert page.evaluate("window.reached === undefined")


@pytest.mark.parametrize("name", ["several", "hostile"])
def test_a_notebook_s_piece_runs_nothing_and_fits(name, tmp_path, look):
    file = tmp_path / "notebook.html"
    piece = comparison_html(COMPARISONS[name]())
    file.write_text(f"<!doctype html><meta charset='utf-8'><title>notebook</title>{piece * 2}")
    for viewport in (WIDE, NARROW):
        page = look(file, viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert page.locator("svg:visible").count() == 2
        assert page.locator("script, style").count() == 0
