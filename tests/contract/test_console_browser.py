"""The console in a real browser: live, by keyboard, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import open_browser
from support.control_plane import ControlPlane, create_database, delete_all, new_key
from support.receiver import Receiver

SECTIONS = ("/", "/console/databases", "/console/applications", "/console/webhooks", "/console/requests")
WIDTHS = (1280, 360)

AUDIT = (Path(__file__).parents[1] / "support" / "audit.js").read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """With something of everything: good, failed, waiting, deleted."""
    with (
        ControlPlane("--ephemeral", "--pool-size", "1") as plane,
        plane.client() as api,
        Receiver([500, 204]) as receiver,
    ):
        api.post("/webhook_endpoints", json={"url": receiver.url}, headers=new_key())
        gone = "https://127.0.0.1:9/hooks/with/quite/a/long/path/that/must/be/broken"
        api.post("/webhook_endpoints", json={"url": gone}, headers=new_key())
        sql = "CREATE TABLE t (w text); INSERT INTO t VALUES ({{w}}); SELECT {{w}}::text::integer"
        variables = {"w": {"type": "string", "default": "1"}}
        body = {"name": "Numbers", "sql_content": sql, "variables": variables}
        blueprint = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
        databases = [create_database(api, name)["uuid"] for name in ("first", "second", "n" * 63)]
        for value in ("7", "seven"):
            body = {"blueprint_uuid": blueprint, "variables": {"w": value}}
            api.post(f"/databases/{databases[0]}/blueprint_applications", json=body, headers=new_key())
        api.patch(f"/databases/{databases[0]}", json={"name": "renamed"}, headers=new_key())
        delete_all(api, databases[1:2])
        api.post("/databases", json={"name": "Not a Name"}, headers=new_key())
        receiver.wait_for(2)
        yield plane


@pytest.fixture
def page(chromium: Browser, plane: ControlPlane) -> Iterator[Page]:
    """A fresh page in a context of its own; whatever it says on its console fails the test."""
    yield from fresh(chromium, plane)


def fresh(chromium: Browser, plane: ControlPlane, **options: Any) -> Iterator[Page]:
    context = chromium.new_context(base_url=plane.origin, **{"viewport": {"width": 1280, "height": 800}, **options})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: request.url.startswith(plane.origin) or said.append(f"asks {request.url}"))
    yield page
    context.close()
    assert said == []


def reloads(page: Page) -> list[str]:
    """Filled with every navigation from now on."""
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    return seen


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.textContent.trim()")
    return found


def rows_of(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#live a.row").all_text_contents()]


def client_of(plane: ControlPlane) -> httpx.Client:
    """One that can pause: the control plane ends connections that are idle for some seconds."""
    return plane.client(limits=httpx.Limits(max_keepalive_connections=0))


def test_news_appears_without_a_reload(page: Page, plane: ControlPlane) -> None:
    page.goto("/console/databases")
    seen = reloads(page)
    expect(page.locator("#news")).to_have_text("")
    with client_of(plane) as api:
        database = create_database(api, "appearing")
        row = page.locator(f"#database-{database['uuid']}")
        expect(row).to_have_text("appearing", timeout=6000)
        expect(page.locator("#news")).to_contain_text("databases on this page")
        expect(page.locator("#state")).to_contain_text("Live")
        api.patch(f"/databases/{database['uuid']}", json={"name": "again"}, headers=new_key())
        expect(row).to_have_text("again", timeout=6000)
        delete_all(api, [database["uuid"]])
        expect(row).to_have_count(0, timeout=6000)
    assert seen == []


def test_a_renewal_leaves_focus_and_scrolling_where_they_are(page: Page, plane: ControlPlane) -> None:
    page.set_viewport_size({"width": 1280, "height": 300})
    page.goto("/console/requests")
    page.keyboard.press("j")
    page.keyboard.press("j")
    before = page.evaluate("[document.activeElement.id, scrollY]")
    assert before[0].startswith("request-")
    with client_of(plane) as api:
        reply = api.get("/me")
    expect(page.locator("#live tbody tr").first).to_contain_text("/me", timeout=6000)
    page.wait_for_function("id => document.activeElement.id === id", arg=before[0])
    assert reply.status_code == 200
    page.goto("/console/databases")
    page.fill("#filter", "half a wor")
    with client_of(plane) as api:
        database = create_database(api, "meanwhile")
        expect(page.locator(f"#database-{database['uuid']}")).to_be_visible(timeout=6000)
        assert page.input_value("#filter") == "half a wor"
        assert page.evaluate("document.activeElement.id") == "filter"
        delete_all(api, [database["uuid"]])


def test_what_is_being_marked_stays_until_it_is_not(page: Page, plane: ControlPlane) -> None:
    page.goto("/console/databases")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#live a.row'))")
    with client_of(plane) as api:
        database = create_database(api, "patient")
        page.wait_for_timeout(3000)
        assert page.locator(f"#database-{database['uuid']}").count() == 0
        page.evaluate("getSelection().removeAllRanges()")
        expect(page.locator(f"#database-{database['uuid']}")).to_be_visible(timeout=6000)
        delete_all(api, [database["uuid"]])


def test_pausing(page: Page, plane: ControlPlane) -> None:
    page.goto("/console/databases")
    page.keyboard.press("p")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    with client_of(plane) as api:
        database = create_database(api, "unseen")
        page.wait_for_timeout(3000)
        assert page.locator(f"#database-{database['uuid']}").count() == 0
        page.click("#pause")
        expect(page.locator(f"#database-{database['uuid']}")).to_be_visible(timeout=6000)
        delete_all(api, [database["uuid"]])


def test_rows_by_keyboard(page: Page) -> None:
    page.goto("/console/databases")
    names = rows_of(page)
    assert len(names) >= 2
    page.keyboard.press("j")
    assert focused(page) == names[0]
    page.keyboard.press("ArrowDown")
    assert focused(page) == names[1]
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    assert focused(page) == names[0]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "2px"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(names[0])
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("Databases")


def test_search_and_sections_by_keyboard(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("2")
    expect(page.locator("h1")).to_have_text("Databases")
    page.wait_for_load_state()  # the heading shows before the keys are heard
    page.keyboard.press("/")
    page.keyboard.type("no-such/j2?p")
    assert page.input_value("#filter") == "no-such/j2?p"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("/")
    page.keyboard.type("renamed")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/databases?*q=renamed*")
    assert rows_of(page) == ["renamed"]


def test_help(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("h1")).to_have_text("Overview")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()
    page.click("#help-button")
    page.uncheck("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.reload()
    page.keyboard.press("2")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_have_text("Overview")


def test_the_skip_link_comes_first(page: Page) -> None:
    page.goto("/console/databases")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_curl_line_is_copied(chromium: Browser, plane: ControlPlane) -> None:
    for page in fresh(chromium, plane, permissions=["clipboard-read", "clipboard-write"]):
        page.goto("/console/requests?operation=createWebhookEndpoint")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.click("[data-copy=curl]")
        expect(page.locator("[data-copy=curl]")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator("#curl").text_content()
        assert 'curl -sS -X POST --globoff --path-as-is "$POLYKOMOS_BASE_URL"/webhook_endpoints' in copied


def test_the_theme_is_stored(page: Page) -> None:
    page.goto("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.click("#theme")
    expect(page.locator("#theme")).to_have_text("Theme: light")
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == dark


def test_motion_is_reduced_where_wished(page: Page, plane: ControlPlane) -> None:
    page.goto("/console/databases")
    page.evaluate("document.querySelector('#live tbody tr').classList.add('new')")
    names = "getComputedStyle(document.querySelector('tr.new')).animationName"
    assert page.evaluate(names) == "arrive"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(names) == "none"


def test_the_page_says_when_the_control_plane_does_not_respond(chromium: Browser) -> None:
    with ControlPlane("--ephemeral", "--pool-size", "0") as short:
        context = chromium.new_context(base_url=short.origin)
        page = context.new_page()
        page.goto("/console/databases")
        short.stop()
        expect(page.locator("#state")).to_contain_text("No answer since", timeout=8000)
        expect(page.locator("#news")).to_have_text("The control plane does not answer.")
        short.start()
        expect(page.locator("#state")).to_contain_text("Live", timeout=30000)
        context.close()


def test_everything_is_there_without_javascript(chromium: Browser, plane: ControlPlane) -> None:
    for page in fresh(chromium, plane, java_script_enabled=False):
        page.goto("/")
        page.get_by_role("link", name="Databases", exact=True).click()
        page.fill("#filter", "renamed")
        page.get_by_role("button", name="Filter").click()
        page.get_by_role("link", name="renamed").click()
        expect(page.locator("h1")).to_have_text("renamed")
        expect(page.get_by_role("link", name="load it again")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)


def every_page(plane: ControlPlane, page: Page) -> dict[str, str]:
    """A path for every kind of page."""
    paths = {section.rpartition("/")[2] or "overview": section for section in SECTIONS}
    for name in ("databases", "applications", "webhooks", "requests"):
        page.goto(paths[name])
        paths[f"one of {name}"] = page.locator("#live a.row").last.get_attribute("href") or ""
    return {**paths, "nothing found": "/console/databases?q=nothing"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_legible(chromium: Browser, plane: ControlPlane, tmp_path: Path, scheme: Any, width: int) -> None:
    """Labels, headers, contrast and width by rules; the pictures are for people, in pytest's temporary directory."""
    viewport = {"width": width, "height": 800}
    for page in fresh(chromium, plane, color_scheme=scheme, viewport=viewport):
        for name, path in every_page(plane, page).items():
            page.goto(path)
            assert page.evaluate(AUDIT) == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            page.screenshot(path=tmp_path / f"{name}-{scheme}-{width}.png", full_page=True)
            assert (tmp_path / f"{name}-{scheme}-{width}.png").stat().st_size > 5000


def test_the_audit_finds_what_it_looks_for(page: Page) -> None:
    page.goto("/console/databases")
    page.evaluate(
        """document.querySelector("#live").insertAdjacentHTML("beforeend",
        '<input><a href="/x"></a><table><tr><th>x</th></tr></table><h3>x</h3>' +
        '<p id="live" class="quiet">pale</p><pre>x</pre>')"""
    )
    page.evaluate("document.querySelector('p.quiet').style.color = '#999999'")
    told = " ".join(page.evaluate(AUDIT))
    for problem in (
        "no label",
        "no name",
        "no caption",
        "no scope",
        "heading skips",
        "id twice",
        "contrast",
        "keyboard",
    ):
        assert problem in told


def test_an_empty_control_plane(chromium: Browser, tmp_path: Path) -> None:
    with ControlPlane("--ephemeral", "--pool-size", "0") as empty:
        for page in fresh(chromium, empty, viewport={"width": 360, "height": 800}):
            for number, path in enumerate(SECTIONS):
                page.goto(path)
                assert page.evaluate(AUDIT) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= 360
                page.screenshot(path=tmp_path / f"empty-{number}.png", full_page=True)
                with httpx.Client(trust_env=False) as client:
                    assert client.get(f"{empty.origin}{path}").status_code == 200
