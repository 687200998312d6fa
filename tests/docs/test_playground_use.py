"""How docs/playground/convolution.html is used: keys, links, one's own numbers, phones, the dark."""

import json
import re

import numpy as np
import pytest

from minicnn.draw import svg
from tests.docs.playground import PAGE, button, choose, click, load, numbers, press, state, text

START = {"size": 6, "kernel": 3, "stride": 1, "padding": 1, "dilation": 1}


def focus(page, selector):
    page.value(f"document.querySelector({selector!r}).focus()")


def test_one_file_that_needs_no_other():
    source = PAGE.read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|@import|url\(|fetch\(|https?://(?!www\.w3\.org/2000/svg)""", source)


def test_sliders_and_buttons_change_the_state(page):
    for name, value in START.items():
        click(page, f"[aria-label^='more: '][aria-label*='{name}']")
        assert state(page)[name] == value + 1
        page.value(f"(() => {{ const slider = document.getElementById('set-{name}'); slider.value = 2; slider.dispatchEvent(new Event('input')); }})()")
        assert state(page)[name] == (3 if name == "size" else 2)
    for name, value in {"image": "dot", "filter": "blur", "gradient": "ones"}.items():
        page.value(f"(() => {{ const select = document.getElementById('set-{name}'); select.value = '{value}'; select.dispatchEvent(new Event('change')); }})()")
        assert state(page)[name] == value
    page.value("[...document.querySelectorAll('#settings button')].at(-1).click()")
    assert (state(page)["image"], state(page)["seed"]) == ("random", 1)


def test_the_keys_step(page):
    page.value("scrollTo(0, document.querySelector('#forward').offsetTop)")
    page.value("document.activeElement.blur()")
    for key, step in [("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", 36), ("Home", 0)]:
        press(page, key)
        assert (state(page)["forward"], state(page)["backward"]) == (step, 1), key
    focus(page, button("#backward", "Step"))
    press(page, "ArrowRight")
    assert (state(page)["forward"], state(page)["backward"]) == (0, 2)


def test_the_space_bar_plays_and_pauses(page):
    choose(page, {"size": 3, "forward": 0})
    page.value("(document.querySelector('#forward select').value = 'fast', scrollTo(0, document.querySelector('#forward').offsetTop))")
    press(page, " ")
    assert text(page, button("#forward", "Play")) == "Pause"
    page.wait("playground.getState().forward === 3")
    press(page, " ")
    stopped = state(page)["forward"]
    assert text(page, button("#forward", "Play")) == "Play"
    press(page, " ")
    page.wait("playground.getState().forward === 9")
    page.wait(f"document.querySelector({button('#forward', 'Play')!r}).textContent === 'Play'")
    assert 3 <= stopped < 9
    assert not np.isnan(numbers(page, "#forward [data-grid=y]")).any()


def test_the_arrows_of_a_grid_pick_a_cell(page):
    focus(page, "#forward [data-grid=x] [tabindex='0']")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        press(page, key)
    assert text(page, "#forward [data-grid=x] label") == "x[0, 2]"
    assert page.value("document.activeElement.getAttribute('aria-label')") == "x[0, 2] = 1"
    assert state(page)["forward"] == 1
    press(page, "Enter")
    assert page.value("document.activeElement.id") == "edit-x"
    focus(page, "#forward [data-grid=y] [tabindex='0']")
    press(page, "ArrowDown")
    assert state(page)["forward"] == 7
    assert page.value("getComputedStyle(document.activeElement).outlineWidth") == "3px"


@pytest.mark.parametrize(("name", "choice"), [("x", "image"), ("w", "filter"), ("dy", "gradient")])
def test_own_numbers(page, name, choice):
    before = np.array(state(page)[name], float)
    section = "#backward" if name == "dy" else "#forward"
    click(page, f"{section} [data-grid={name}] [aria-label^='{name}[1, 2]']")
    page.value(f"(() => {{ const field = document.getElementById('edit-{name}'); field.value = '-4.5'; field.dispatchEvent(new Event('input')); }})()")
    click(page, f"{section} [data-grid={name}] .editor button:last-child")
    before[1, 2] = -3.5
    assert (np.array(state(page)[name]) == before).all()
    assert (numbers(page, f"{section} [data-grid={name}]") == before).all()
    assert page.value(f"document.getElementById('set-{choice}').value") == "own"
    choose(page, {"size": 7, "kernel": 4, "padding": 2})  # what one has typed stays when there is more room
    assert state(page)[name][1][2] == -3.5


def test_a_link_holds_the_state(page):
    wanted = {"size": 7, "kernel": 2, "stride": 2, "dilation": 2, "channels": 6, "groups": 3, "layers": 4, "image": "random", "seed": 5, "backward": 3, "checkX": [2, 1]}
    choose(page, wanted)
    choose(page, {"w": [[1, -0.5], [0, 2]]})
    before = state(page)
    page.wait("location.hash.includes('w=1,-0.5;0,2')")
    load(page, page.value("location.hash"))
    assert state(page) == before
    page.value("location.hash = '#size=4&filter=blur'")  # a link to the page that is open
    page.wait("playground.getState().size === 4")
    assert state(page)["kernel"] == 3


@pytest.mark.parametrize("link", ["#size=1e9&kernel=-3&stride=x&forward=9999&layers=NaN", "#filter=own&w=<img src=x onerror=alert(1)>;9e999", "#image=constructor&checkX=7,,&x=&=&&%", "#size=%zz&dy=1"])
def test_a_link_that_makes_no_sense_still_gives_a_page(page, link):
    load(page, link)
    now = state(page)
    assert 3 <= now["size"] <= 12
    assert 1 <= now["kernel"] <= 5
    assert now["stride"] == 1
    assert np.isfinite(np.array(now["w"], float)).all()
    assert page.value("document.querySelector('main img')") is None


STATES = [{}, {"size": 12, "kernel": 1, "padding": 3, "filter": "blur"}, {"size": 12, "kernel": 5, "padding": 2, "dilation": 2, "filter": "blur", "backward": 40}, {"size": 3, "kernel": 5, "padding": 0},
          {"size": 12, "kernel": 5, "stride": 4, "padding": 3, "dilation": 3}]
OUTSIDE = """(() => [...document.querySelectorAll('.panel *')].filter((node) => {   // what sticks out of its panel to the right
    const box = node.getBoundingClientRect(), panel = node.closest('.panel').getBoundingClientRect();
    return box.width && !node.closest('pre, .sum') && box.right > panel.right + 1;
}).map((node) => node.outerHTML.slice(0, 80)))()"""
COVERED = """[...document.querySelectorAll('.stage figure')].filter((node) => {   // figures whose grid runs into the next
    return node.querySelector('.grid').getBoundingClientRect().right > node.getBoundingClientRect().right + 1;
}).map((node) => node.dataset.grid)"""
SMALL = """(() => [...document.querySelectorAll('button, select, input')].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width && (box.width < 32 || box.height < 32);
}).map((node) => node.outerHTML))()"""


@pytest.mark.parametrize("width", [360, 390, 641, 1000, 1001, 1280])
@pytest.mark.parametrize("settings", STATES, ids=["start", "largest", "dilated", "none", "small dy"])
def test_nothing_sticks_out_and_fingers_can_hit(page, width, settings):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    choose(page, settings)
    assert page.value("document.documentElement.scrollWidth") == width
    assert page.value(OUTSIDE) == []
    assert page.value(COVERED) == []
    assert page.value(SMALL) == []


def test_every_control_has_a_name(page):
    nameless = "[...document.querySelectorAll('button, select, input')].filter((node) => !(node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim()))"
    assert page.value(f"{nameless}.map((node) => node.outerHTML)") == []


COLOURS = """(() => {
    const style = getComputedStyle(document.body);
    return Object.fromEntries(%s.map((name) => [name, style.getPropertyValue('--' + name).trim()]));
})()"""


def test_the_colours_are_those_of_the_pictures(page):
    names = ["ink", "soft", "line", "paper", "data", "conv", "linear", "pool", "act", "plain", "hot", "cold"]
    colours = {"light": {name: svg.LIGHT[name] for name in names}, "dark": {name: svg.DARK[name] for name in names}}
    for system in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": system}])
        assert page.value(COLOURS % json.dumps(names)) == colours[system]
        for node in ("document.body", "document.documentElement"):
            for theme in ("light", "dark"):
                page.value(f"({node}.dataset.theme = '{theme}')")
                assert page.value(COLOURS % json.dumps(names)) == colours[theme], (system, node, theme)
            page.value(f"delete {node}.dataset.theme")


def test_nothing_moves_for_those_who_asked_for_that(page):
    moves = "getComputedStyle(document.querySelector('.frame')).transitionDuration"
    assert page.value(moves) == "0.16s, 0.16s"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.value(moves) == "0s"
    page.call("Emulation.setEmulatedMedia", features=[])
