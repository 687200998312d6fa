"""What can be wrong with the files of a site that has been built: links that lead nowhere, things fetched from elsewhere."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

ELSEWHERE = ("http", "https", "mailto", "data")  # addresses that do not lead to files of the site; no other scheme is meant for a reader
SETTINGS = "playground"  # the folder of the page whose addresses hold settings behind the #, not places


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
        if tag == "object" and values.get("data"):
            self.fetched.append(values["data"])
        if tag == "link" and values.get("href") and values.get("rel") != "canonical":
            self.fetched.append(values["href"])


def dead_links(site):
    """A line for each link or file that is not there."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for address in [*page.links, *page.fetched]:
            if fault := _fault(address, path, pages, site.resolve()):
                yield f"{path.relative_to(site.resolve())}: {address} {fault}"


def _fault(address, path, pages, site):
    """What is wrong with an address in the page at a path, or nothing."""
    parts = urlsplit(address)
    if parts.scheme and parts.scheme not in ELSEWHERE:
        return f"has the scheme {parts.scheme}"
    if parts.scheme or parts.netloc:
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return "is not there"
    if target.is_dir():
        return "is a folder"
    settings = "=" in parts.fragment and target.parent == site / SETTINGS
    if parts.fragment and target in pages and not settings and unquote(parts.fragment) not in pages[target].ids:
        return "has no such place"
    return None


def fetched_from_elsewhere(site):
    """A line for each file that a browser would fetch over a network."""
    for path in site.rglob("*.html"):
        for address in Page(path).fetched:
            if urlsplit(address).netloc:
                yield f"{path.relative_to(site)}: fetches {address}"
