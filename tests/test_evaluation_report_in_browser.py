import pytest

from logloss.report import evaluation_html, write_evaluation_report
from tests.evaluations import EVALUATIONS, named
from tests.looking import CROSSED, NARROW, WIDE, assert_it_can_be_read, assert_text_stands_out, written_when_asked_for
from tests.test_report import HOSTILE


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    def write(name, file):
        write_evaluation_report(EVALUATIONS[name](), file, title=HOSTILE[0] if name == "hostile" else name)

    return written_when_asked_for(tmp_path_factory.mktemp("reports"), write)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_page_can_be_read_at_any_width(name, viewport, reports, look):
    assert_it_can_be_read(look(reports(name), viewport))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_verdict_stands_above_the_fold(viewport, reports, look):
    box = look(reports("plain"), viewport).locator(".verdict").bounding_box()
    assert box["y"] + box["height"] <= viewport["height"]


def test_the_slider_moves_by_keyboard_and_changes_the_numbers(reports, look):
    page = look(reports("plain"), WIDE)
    slider, numbers = page.get_by_role("slider", name="Move the threshold"), page.locator("#decision")
    marks = page.locator("#decisions svg [stroke='#8250DF']")
    assert marks.count() == 2
    before, place = numbers.inner_text(), marks.first.bounding_box()["x"]
    assert "0.2\n" in before
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    after = numbers.inner_text()
    assert "0.3\n" in after
    assert after != before
    assert marks.first.bounding_box()["x"] > place + 10
    spoken = slider.get_attribute("aria-valuetext")
    assert spoken.startswith("threshold 0.3, positives caught ")
    row = page.locator("#thresholds tbody tr").filter(has=page.get_by_role("rowheader", name="0.3", exact=True))
    page.get_by_text("Every threshold as a table").click()
    assert [cell.inner_text() for cell in row.locator("td").all()] == numbers.locator("dd").all_inner_texts()[1:]
    page.keyboard.press("Home")


@pytest.mark.parametrize("name", ["plain", "rare"])
def test_the_mark_stands_where_it_was_drawn(name, reports, look, browser):
    """What the script works out for the threshold at the start is where the chart has it."""
    with_script = look(reports(name), WIDE).locator("#decisions svg [stroke='#8250DF']").first.bounding_box()
    without = look(reports(name), WIDE, java_script_enabled=False).locator("#decisions svg [stroke='#8250DF']")
    assert with_script["x"] == pytest.approx(without.first.bounding_box()["x"], abs=0.6)


def test_without_script_the_table_tells_everything(reports, look):
    page = look(reports("plain"), NARROW, java_script_enabled=False)
    assert not page.get_by_role("slider").is_visible()
    assert page.locator("#decision").is_visible()
    page.get_by_text("Every threshold as a table").click()
    assert page.locator("#thresholds tbody tr").count() > 90


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["named", "few", "hostile"])
def test_every_text_stands_out_in_light_and_in_dark(name, scheme, reports, look):
    assert_text_stands_out(look(reports(name), WIDE, color_scheme=scheme), scheme)


def test_an_opened_table_shows_its_columns_side_by_side(reports, look):
    page = look(reports("plain"), WIDE)
    page.get_by_text("Every threshold as a table").click()
    frame = page.get_by_role("region", name="Every threshold as a table").bounding_box()
    shown = page.locator("#thresholds thead th").all()
    assert len(shown) == 8
    assert all(one.bounding_box()["x"] + one.bounding_box()["width"] <= frame["x"] + frame["width"] for one in shown)
    page.set_viewport_size(NARROW)
    second = page.locator("#thresholds tbody td").first.bounding_box()
    assert second["x"] + second["width"] <= NARROW["width"]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_nothing_crosses_the_names_of_slices(name, viewport, reports, look):
    page = look(reports(name), viewport)
    chart = page.locator("section", has=page.get_by_role("heading", name="Slices")).locator("figure svg:visible")
    assert chart.locator("line").count() >= 4
    assert chart.evaluate(CROSSED) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_scrolls_has_a_shade_where_there_is_more(scheme, reports, look):
    page = look(reports("named"), NARROW, color_scheme=scheme)
    frame = page.get_by_role("region", name="The costliest rows")
    before = frame.screenshot()
    assert frame.evaluate("it => it.scrollWidth > it.clientWidth")
    page.add_style_tag(content=".scroll { background: none !important; }")
    assert frame.screenshot() != before
    page.set_viewport_size(WIDE)
    assert frame.evaluate("it => it.scrollWidth == it.clientWidth")
    without = frame.screenshot()
    again = look(reports("named"), WIDE, color_scheme=scheme)
    assert again.get_by_role("region", name="The costliest rows").screenshot() == without


def test_print_is_light_and_complete(reports, look):
    page = look(reports("named"), WIDE, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("slider").is_visible()
    assert page.locator("#decision").is_visible()
    assert page.locator("figure svg:visible").count() == 9
    assert len(page.pdf(format="A4")) > 10_000


def test_a_keyboard_reaches_everything(reports, look):
    page = look(reports("named"), WIDE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the scores"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"INPUT.", "SUMMARY.", "DIV.scroll"} <= reached


def test_a_screen_reader_hears_of_every_part(reports, look):
    page = look(reports("named"), WIDE)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=2).count() == 9
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("img").count() == 9
    assert page.get_by_role("region", name="Verdict").count() == 1
    for table in page.locator("table").all():
        assert table.locator("th[scope=row]").count() == table.locator("tbody tr").count()


def test_hostile_text_is_read_and_not_run(reports, look):
    page = look(reports("hostile"), WIDE)
    assert page.locator("h1").inner_text() == HOSTILE[0]
    assert page.get_by_text(HOSTILE[1], exact=True).count() > 0
    assert page.locator("img, iframe, [onerror], [onload]").count() == 0
    assert page.evaluate("window.reached === undefined")


def test_a_notebook_s_piece_runs_nothing_and_fits(tmp_path, look):
    file = tmp_path / "notebook.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><title>notebook</title>{evaluation_html(named()) * 2}")
    for viewport in (WIDE, NARROW):
        page = look(file, viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert page.locator("svg:visible").count() == 4
        assert page.locator("script, style").count() == 0
