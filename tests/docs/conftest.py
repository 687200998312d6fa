"""The playground's page in a browser."""

import pytest

from tests.browser import running_browser
from tests.docs.playground import PAGE, load


@pytest.fixture(scope="package")
def browser(tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("profile"), "the playground's page") as browser:
        yield browser


@pytest.fixture
def page(browser):
    """The browser with the page open; whatever the test does, the page must not complain, and ask nothing of any server."""
    browser.complaints.clear()
    browser.requests.clear()
    load(browser, "")
    yield browser
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith((PAGE.as_uri(), "data:", "about:"))] == []
