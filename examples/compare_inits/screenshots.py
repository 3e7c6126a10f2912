#!/usr/bin/env python3
"""Opens the page of compare_inits in Chromium and keeps pictures of it, to be looked at by hand.

    python examples/compare_inits/screenshots.py [PAGE] [FOLDER]

PAGE is docs/compare_inits.html if it is not given, FOLDER target/screenshots. Needs the package
playwright, and either `playwright install chromium` or a Chromium of the system on the PATH.
It asserts what needs a browser: nothing scrolls sideways but tables in themselves, the ranking is on the
first screen, the keyboard reaches all there is to operate, the page asks the network for nothing.
"""

import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}


def look(browser, page_url, folder, device, scheme):
    width, height = WIDTHS[device]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_url)
    name = f"{device}-{scheme}"
    page.screenshot(path=folder / f"{name}-first.png")
    first = page.locator(".rank tbody tr").first.bounding_box()
    shown = page.locator(".rank tbody tr").evaluate_all(
        "(rows, height) => rows.filter(row => row.getBoundingClientRect().bottom <= height).length", height
    )
    rows = page.locator(".rank tbody tr").count()
    assert first["y"] + first["height"] < height / 2, f"{name}: the ranking begins at {first['y']}"
    assert shown >= min(rows, 10), f"{name}: {shown} of {rows} rows are on the first screen"
    for state in ["closed", "open"]:
        if state == "open":
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= page.evaluate("innerWidth"), f"{name}, {state}: {wide} pixels wide"
        page.screenshot(path=folder / f"{name}-{state}.png", full_page=True)
    assert asked == [page_url], f"{name}: asked for {asked}"
    print(f"{name}: {shown} of {rows} rows of the ranking on the first screen")
    page.close()


def keys(browser, page_url, folder):
    """Goes through the page with the keyboard alone."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(page_url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip", "Tab comes to the skip link first"
    assert page.locator(".skip").bounding_box()["x"] >= 0, "the skip link is seen"
    page.screenshot(path=folder / "keyboard.png")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "ranking", "the skip link goes to the ranking"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY", "the first table comes next"
    page.keyboard.press("Enter")
    assert page.locator("#ranking details").get_attribute("open") is not None, "Enter opens a table"
    want = page.locator("summary").count() - 1
    seen = 0
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BODY":
            break
        seen += page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert seen == want, f"Tab reaches {seen} of {want} tables"
    print(f"keyboard: skip link, {want + 1} tables")
    page.close()


def paper(browser, page_url, folder):
    page = browser.new_page(color_scheme="dark")
    page.goto(page_url)
    page.pdf(path=folder / "print.pdf", format="A4", prefer_css_page_size=True)
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 690, "height": 980})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 690, f"on paper {wide} pixels wide"
    hidden = page.evaluate("[...document.querySelectorAll('details table')].filter(t => !t.checkVisibility({contentVisibilityAuto: true})).length")
    page.screenshot(path=folder / "print.png", full_page=True)
    assert hidden == 0, f"{hidden} tables are not on paper"
    page.close()


def main():
    page = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs/compare_inits.html").resolve()
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "target/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
        # A container's root user has no sandbox.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for device in WIDTHS:
            for scheme in ["light", "dark"]:
                look(browser, page.as_uri(), folder, device, scheme)
        keys(browser, page.as_uri(), folder)
        paper(browser, page.as_uri(), folder)
        browser.close()
    print(f"pictures in {folder}")


if __name__ == "__main__":
    main()
