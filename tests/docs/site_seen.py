"""What can be wrong with a site as a browser shows it: formulas that no one can read, images that do not load, pages too wide for a telephone, complaints."""

import json

PHONE = 390  # pixels
LISTS = ("genindex.html", "search.html", "py-modindex.html")  # pages that Sphinx makes by itself
SOURCES = 5  # pages of source code to open: they are alike

FORMULAS = """(() => {
    const found = [];
    for (const node of document.querySelectorAll('.math')) {
        if (!node.querySelector('mjx-container')) found.push('a formula is not typeset: ' + node.textContent.trim().slice(0, 60));
        if (node.querySelector('mjx-merror, [data-mjx-error]')) found.push('a formula is wrong: ' + node.querySelector('[data-mjx-error]')?.dataset.mjxError);
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const raw = texts.currentNode.data.match(/\\$[^$\\s]([^$]*[^$\\s])?\\$/);
        if (raw && !texts.currentNode.parentElement.closest('code, pre, script, style, .math')) found.push('a formula is left in dollars: ' + raw[0]);
    }
    return found;
})()"""
IMAGES = "Promise.all([...document.images].map((image) => image.decode().then(() => [], () => ['an image does not load: ' + image.getAttribute('src')]))).then((lists) => lists.flat())"

# With every dropdown open, and with each tab chosen in its turn. What sticks out counts when no box around it scrolls: furo's .content, which is
# all of a page's text, is not such a box. Its drawers wait beside the screen.
TOO_WIDE = """(() => {
    const found = new Set();
    const scrolls = (node) => node && !node.matches('html, .content') && (/auto|scroll/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const tabs = [...document.querySelectorAll('.sd-tab-set')].map((set) => set.querySelectorAll(':scope > input'));
    document.querySelectorAll('details').forEach((node) => { node.open = true; });
    for (let tab = 0; tab < Math.max(1, ...tabs.map((set) => set.length)); tab++) {
        tabs.forEach((set) => set[Math.min(tab, set.length - 1)]?.click());
        for (const node of document.body.querySelectorAll('*')) {
            const { left, right, width } = node.getBoundingClientRect();
            if (!width || node.ownerSVGElement || (left >= -1 && right <= innerWidth + 1) || scrolls(node.parentElement) || node.closest('.sidebar-drawer, .toc-drawer, mjx-assistive-mml')) continue;
            found.add(`${Math.round(left)} to ${Math.round(right)} on a screen of ${innerWidth}: ${node.outerHTML.slice(0, 100)}`);
        }
        if (document.documentElement.scrollWidth > innerWidth) found.add(`${document.documentElement.scrollWidth} pixels wide on a screen of ${innerWidth}`);
    }
    return [...found];
})()"""


def seen_in_a_browser(site, browser):
    """A line for each thing that is wrong with a page: see the questions above; and for each complaint and each thing that it asks of a network."""
    browser.call("Emulation.setDeviceMetricsOverride", width=PHONE, height=800, deviceScaleFactor=1, mobile=False)
    for path in opened(site):
        browser.complaints.clear()
        browser.requests.clear()
        browser.open(path.as_uri())
        browser.wait(f"document.readyState === 'complete' && location.pathname === {json.dumps(path.as_uri().removeprefix('file://'))}")
        browser.wait("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        faults = [fault for question in (FORMULAS, IMAGES, TOO_WIDE) for fault in browser.value(question)]
        faults += [f"complains: {complaint}" for complaint in browser.complaints]
        faults += [f"asks for {address}" for address in browser.requests if not address.startswith(("file:", "data:", "blob:"))]
        yield from (f"{path.relative_to(site)}: {fault}" for fault in faults)


def opened(site):
    """The pages to look at: all that someone wrote, and some of the source."""
    pages = sorted(path for path in site.rglob("*.html") if path.name not in LISTS)
    sources = [path for path in pages if path.relative_to(site).parts[0] == "source"]
    return [path for path in pages if path not in sources] + sources[:: max(1, len(sources) // SOURCES)]
