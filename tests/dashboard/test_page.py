"""The page in a real browser, while a run goes on."""

import numpy as np
import pytest

from minicnn.train import read_log
from tests.browser import running_browser
from tests.dashboard.serving import serving
from tests.dashboard.writing import Writer, held_out, write_held_out

HOSTILE = "<img src=x onerror=document.title='hacked'>"  # the name of a run, of a class and of a setting
GENERATOR = np.random.default_rng(0)
LABELS = np.arange(40) % 10
FOUND = np.where(np.arange(40) < 3, (LABELS + 1) % 10, LABELS)  # 0, 1 and 2 are once taken for the next
PICTURES = GENERATOR.integers(0, 256, (40, 8, 8), dtype=np.uint8)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("profile"), "the dashboard's page") as browser:
        yield browser


@pytest.fixture
def runs(tmp_path):
    """Two runs: one that has ended, and one after the first of its epochs."""
    first, second = Writer(tmp_path / "first", epochs=2), Writer(tmp_path / HOSTILE, seed=1, lr=0.02, epochs=3)
    for run in (first, second):
        run.start(note=HOSTILE)
        run.epoch(1)
        write_held_out(run.folder, held_out(1, PICTURES, LABELS, FOUND))
    first.epoch(2)
    first.end()
    return first, second


@pytest.fixture
def page(browser, runs, tmp_path):
    """The browser with the page open; whatever the test does, the page must not complain, and ask nothing of any other server."""
    with serving(tmp_path) as server:
        browser.server = server
        browser.complaints.clear()
        browser.requests.clear()
        browser.open(server.url)
        browser.wait("document.querySelectorAll('.run').length === 2 && document.querySelectorAll('#loss .curve').length === 6")
        yield browser
        assert browser.value("document.title") != "hacked"
        assert browser.complaints == []
        assert server.url + "events" in browser.requests
        assert [url for url in browser.requests if not url.startswith((server.url, "data:"))] == []
        browser.open("about:blank")


TICKS = """(() => {   // of the loss: by how much the places of three values on the axis are logarithmic; 1 if they are
    const ticks = [...document.querySelectorAll('#loss text[text-anchor=end]')].map((text) => [Number(text.textContent), Number(text.getAttribute('y'))]);
    const [[a, ya], [b, yb], [c, yc]] = [ticks[0], ticks[1], ticks.at(-2)].map(([value, y]) => [Math.log(value), y]);
    return (yb - ya) / (yc - ya) / ((b - a) / (c - a));
})()"""


def texts(page, selector):
    return page.value(f"[...document.querySelectorAll({selector!r})].map((node) => node.textContent)")


def last_epoch(run):
    return [line for line in read_log(run.folder / "log.jsonl") if line["kind"] == "epoch"][-1]


def choose(page, selector, act="click()"):
    page.value(f"document.querySelector({selector!r}).{act}, 0")


def test_runs_and_curves(page, runs):
    assert texts(page, ".run .name") == [HOSTILE, "first"]
    assert texts(page, ".run .epoch") == ["epoch 1 of 3", "epoch 2 of 2"]
    assert texts(page, ".run .status") == ["running", "ended"]
    assert page.value("document.querySelector('.live').textContent") == "live"
    assert page.value("document.title") == "1 running – minicnn"
    for plot, curves in {"loss": 6, "accuracy": 6, "lr": 2, "gradient_norm": 4, "images_per_second": 2}.items():
        assert page.value(f"document.querySelectorAll('#{plot} .curve').length") == curves, plot
    choose(page, ".run input")
    page.wait("document.querySelectorAll('#loss .curve').length === 3")
    assert page.value("new Set([...document.querySelectorAll('#loss .curve')].map((path) => path.dataset.of)).size") == 3  # raw, training, held out


def test_a_new_line_moves_the_curves_without_a_reload(page, runs):
    _, second = runs
    page.value("window.untouched = true")
    before = page.value("document.querySelector('#loss .curve[data-of=\"held out\"]').getAttribute('d')")
    second.epoch(2)
    page.wait(f"document.querySelector('#loss .curve[data-of=\"held out\"]').getAttribute('d') !== {before!r}")
    page.wait("document.querySelector('.run .epoch').textContent === 'epoch 2 of 3'")
    third = Writer(second.folder.parent / "third")
    third.start()
    page.wait("document.querySelectorAll('.run').length === 3")
    (third.folder / "log.jsonl").unlink()
    page.wait("document.querySelectorAll('.run').length === 2")
    assert page.value("window.untouched") is True


def test_a_lost_connection_is_said_and_made_again(page, runs, tmp_path):
    page.value("window.untouched = true")
    page.server.closing.set()  # ends the stream
    page.wait("document.getElementById('connection').textContent === 'not connected: trying again'")
    (runs[0].folder / "log.jsonl").unlink()
    page.server.closing.clear()
    page.wait("document.querySelector('.live') && document.querySelectorAll('.run').length === 1")
    assert page.value("window.untouched") is True


def test_confusion_and_mistakes(page, runs):
    assert texts(page, "#which option") == [HOSTILE, "first"]
    cells = np.array([int(text) for text in texts(page, "#confusion td.cell")]).reshape(10, 10)
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (LABELS, FOUND), 1)
    assert (cells == expected).all()
    assert page.value("document.getElementById('held-out-summary').textContent") == "After epoch 1: 92.5 % of 40 are right, 3 wrong."
    assert texts(page, "#mistakes figcaption") == ["✗ 1 97 %is 0", "✗ 2 92 %is 1", "✗ 3 87 %is 2"]
    assert page.value("document.querySelectorAll('#samples canvas').length") == 12
    pixels = page.value("[...document.querySelectorAll('#samples canvas')[3].getContext('2d').getImageData(0, 0, 8, 8).data]")
    assert (np.reshape(pixels, (8, 8, 4))[..., :3] == PICTURES[3][..., None]).all()
    _, second = runs
    write_held_out(second.folder, held_out(2, PICTURES, LABELS, LABELS))
    page.wait("document.getElementById('mistakes').textContent === 'none'")


def test_many_classes_and_colours(page, runs):
    _, second = runs
    classes = [HOSTILE, *(f"class {k}" for k in range(1, 120))]
    colours = GENERATOR.integers(0, 256, (4, 5, 7, 3), dtype=np.uint8)
    write_held_out(second.folder, held_out(2, colours, np.array([0, 0, 5, 7]), np.array([9, 9, 5, 8]), classes))
    page.wait("document.querySelectorAll('#confusion tbody tr').length === 2")
    assert texts(page, "#confusion tbody td") == [HOSTILE, "class 9", "2", "100.0 %", "class 7", "class 8", "1", "100.0 %"]
    pixels = page.value("[...document.querySelector('#samples canvas').getContext('2d').getImageData(0, 0, 7, 5).data]")
    assert (np.reshape(pixels, (5, 7, 4))[..., :3] == colours[0]).all()


def test_the_cursor_tells_values_by_the_keyboard(page, runs):
    first, _ = runs
    choose(page, "#none")
    page.wait("document.querySelectorAll('.curve').length === 0")
    choose(page, ".run:nth-child(2) input")
    page.wait("document.querySelectorAll('#loss .curve').length === 3")
    page.value("document.querySelector('#loss svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'End'})), 0")
    rows = texts(page, "#loss .tip tr")
    assert rows[1] == f"firstheld out{float(format(last_epoch(first)['test_loss'], '.4g')):g}"
    assert page.value("document.querySelector('#loss .tip').firstChild.textContent") == "epoch 2"
    page.value("document.querySelector('#loss svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'})), 0")
    assert page.value("document.querySelector('#loss .tip').hidden") is True


def test_axes_error_smoothing_and_settings(page, runs):
    choose(page, "[name=share][value=error]")
    page.wait("document.querySelector('#accuracy h3').textContent === 'Error'")
    page.value("document.querySelector('#accuracy svg').dispatchEvent(new KeyboardEvent('keydown', {key: 'End'})), 0")
    assert texts(page, "#accuracy .tip tr")[-1] == f"firstheld out{100 * (1 - last_epoch(runs[0])['test_accuracy']):.2f}".rstrip("0") + " %"
    choose(page, "[name=axis][value=step]")
    page.wait("document.querySelector('#loss svg').getAttribute('aria-label').includes('over steps')")
    assert page.value(TICKS) != pytest.approx(1, abs=0.05)
    choose(page, "[name=log]")
    page.wait(f"Math.abs({TICKS} - 1) < 0.02")
    page.value("(() => { const slider = document.querySelector('[name=smooth]'); slider.value = 0; slider.dispatchEvent(new Event('input', {bubbles: true})); })()")
    page.wait("document.querySelectorAll('#loss .faint').length === 0")
    assert texts(page, "#settings tr.differs th") == ["epochs", "seed", "lr"]
    assert HOSTILE in texts(page, "#settings td")
    choose(page, "#differences")
    page.wait("document.querySelectorAll('#settings tbody tr').length === 3")


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_sticks_out(page, width, tmp_path):
    page.screenshot(tmp_path / "page.png", width)
    assert page.value("document.documentElement.scrollWidth") == width
