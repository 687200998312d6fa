"""What can be wrong with a site that has been built: links that lead nowhere, things fetched from elsewhere, formulas that no one can read, pages too wide."""

import json
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

PHONE = 390  # pixels


class Page(HTMLParser):
    """The ids, links and fetched files of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.fetched = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note what a tag brings."""
        values = dict(attrs)
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("img", "script", "iframe", "source") and values.get("src"):
            self.fetched.append(values["src"])
        if tag == "link" and values.get("href") and values.get("rel") != "canonical":
            self.fetched.append(values["href"])


def dead_links(site):
    """A line for each link or file that is not there."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for address in [*page.links, *page.fetched]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.relative_to(site)}: {address} is not there"
            elif parts.fragment and target in pages and "=" not in parts.fragment and unquote(parts.fragment) not in pages[target].ids:
                yield f"{path.relative_to(site)}: {address} has no such place"


def fetched_from_elsewhere(site):
    """A line for each file that a browser would fetch over a network."""
    for path in site.rglob("*.html"):
        for address in Page(path).fetched:
            if urlsplit(address).netloc:
                yield f"{path.relative_to(site)}: fetches {address}"


def seen_in_a_browser(site, browser):
    """A line for each page with a formula that cannot be read, that is too wide for a telephone, complains, or asks for something that is not on disk."""
    browser.call("Emulation.setDeviceMetricsOverride", width=PHONE, height=800, deviceScaleFactor=1, mobile=False)
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        if name.parts[0] == "source" or name.name in ("genindex.html", "search.html", "py-modindex.html"):
            continue
        browser.complaints.clear()
        browser.requests.clear()
        browser.open(path.as_uri())
        browser.wait(f"document.readyState === 'complete' && location.pathname === {json.dumps(path.as_uri().removeprefix('file://'))}")
        browser.wait("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        wrong = browser.value("document.querySelectorAll('mjx-merror, [data-mjx-error]').length")
        unread = browser.value("document.querySelectorAll('.math').length > 0 && document.querySelectorAll('mjx-container').length === 0")
        wide = browser.value("document.documentElement.scrollWidth")
        if wrong or unread:
            yield f"{name}: {wrong or 'all'} formulas cannot be read"
        if wide > PHONE:
            yield f"{name}: {wide} pixels wide on a screen of {PHONE}"
        yield from (f"{name}: complains: {complaint}" for complaint in browser.complaints)
        yield from (f"{name}: asks for {address}" for address in browser.requests if not address.startswith(("file:", "data:", "blob:")))
