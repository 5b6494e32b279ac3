"""A real browser for the page: Chromium, without a network, and all that goes wrong in it."""

import contextlib

from playwright.sync_api import sync_playwright
from support.optional import find_browser, need


@contextlib.contextmanager
def running_browser():
    """Run Chromium until the end."""
    need("browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser, file, width=1280, zone="UTC", **how):
    """Open a file of this machine; in the end, nothing may have failed, nor asked for more."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, timezone_id=zone, offline=True, **how
    )
    page = context.new_page()
    messages, asked = [], []
    page.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function(
        "document.querySelectorAll('.chart:not([data-drawn])').length === 0", timeout=30_000
    )
    yield page
    context.close()
    assert not messages, messages
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
