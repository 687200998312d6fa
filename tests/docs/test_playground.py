"""docs/playground/convolution.html in a real browser, against minicnn: the same sizes, sums, gradients, costs and receptive fields."""

import itertools

import numpy as np
import pytest

import minicnn
from minicnn import nn
from minicnn.analysis import measure_receptive_field
from minicnn.errors import ShapeError
from tests.docs import playground as expected
from tests.docs.playground import button, choose, click, executed, number, numbers, passes, state, text, texts


def shown(values):
    """Numbers as the cells show them."""
    return pytest.approx(np.asarray(values), abs=0.00501)


@pytest.mark.parametrize("seed", range(8))
def test_all_numbers_are_those_of_minicnn(page, seed):
    generator = np.random.default_rng(seed)
    for _ in range(6):
        settings = expected.random_settings(generator)
        found = choose(page, settings)
        P = (expected.output_shape(settings) or (0,))[0]
        assert (found["out"], found["valid"]) == (P, P > 0), settings
        for mine, theirs in zip(expected.fields(settings), found["fields"], strict=True):
            assert (mine.size[0], mine.stride[0], mine.offset[0]) == (theirs["size"], theirs["stride"], theirs["offset"]), settings
        if not P:
            assert text(page, "#answer").endswith("none")
            continue
        dy = generator.integers(-90, 91, (P, P)) / 10
        found = choose(page, {"dy": dy, "forward": P * P, "backward": P * P})
        y, dx, dw = passes(settings, settings["x"], settings["w"], dy)
        for name, value in {"y": y, "dx": dx, "dw": dw}.items():
            assert np.allclose(found[name], value, rtol=1e-12, atol=1e-12), (name, settings)
        assert numbers(page, "#forward [data-grid=y]") == shown(y), settings
        assert numbers(page, "#backward [data-grid=dx]") == shown(dx), settings
        assert numbers(page, "#backward [data-grid=dw]") == shown(dw), settings
        n = settings["size"]
        assert text(page, "#answer") == f"{n} × {n} → {P} × {P}"
        assert text(page, "#size-formula").endswith(f" = {P}")
        assert tuple(number(cell) for cell in texts(page, "#costs strong")) == expected.cost(settings), settings
        assert texts(page, "#check .right") == ["They agree: the backward pass is right in this number."] * 2


def taps(page, grid):
    """The pixels that are marked as below the window, such as x[−1, 2]."""
    return page.value(f"[...document.querySelectorAll('{grid} .tap')].map((cell) => cell.getAttribute('aria-label').match(/x\\[.*?]/)[0])")


def notes(page, grid):
    """The small numbers in the cells."""
    found = page.value(f"[...document.querySelectorAll('{grid} .noted')].map((cell) => cell.dataset.note)")
    return [number(note.lstrip("+×")) for note in found]


@pytest.mark.parametrize("settings", [{"size": 4}, {"stride": 2, "padding": 2, "filter": "blur"}, {"size": 7, "kernel": 2, "dilation": 3, "padding": 0, "filter": "random"}])
def test_every_step_adds_one_output(page, settings):
    choose(page, {**settings, "forward": 0, "backward": 0})
    now = state(page)
    y, _, _ = passes(now, now["x"], now["w"], now["dy"])
    dw = np.zeros_like(now["w"])
    for step in range(1, y.size + 1):
        click(page, button("#forward", "Step"))
        click(page, button("#backward", "Step"))
        cells = numbers(page, "#forward [data-grid=y]").ravel()
        assert cells[:step] == shown(y.ravel()[:step])
        assert np.isnan(cells[step:]).all()
        assert number(text(page, "#sum strong")) == pytest.approx(y.ravel()[step - 1], abs=0.00501)
        p, q = divmod(step - 1, len(y))
        assert taps(page, "#forward [data-grid=x]") == taps(page, "#backward [data-grid=x]") == expected.pixels(now, p, q)
        before, visited = dw, np.where(np.arange(y.size).reshape(y.shape) < step, now["dy"], 0)  # what is to come gives nothing yet
        _, dx, dw = passes(now, now["x"], now["w"], visited)
        assert notes(page, "#backward [data-grid=dw]") == shown(np.ravel(dw - before))
        assert numbers(page, "#backward [data-grid=dx]") == shown(dx)
        assert numbers(page, "#backward [data-grid=dw]") == shown(dw)
    assert text(page, "#forward .where") == f"output {y.size} of {y.size}"
    assert page.value(f"document.querySelector({button('#forward', 'Step')!r}).disabled")
    click(page, button("#forward", "Back"))
    assert state(page)["forward"] == y.size - 1
    click(page, button("#forward", "Reset"))
    assert np.isnan(numbers(page, "#forward [data-grid=y]")).all()


def test_the_sum_and_the_window(page):
    choose(page, {"size": 5, "stride": 2, "padding": 1, "x": np.arange(25).reshape(5, 5), "filter": "vertical", "forward": 2})
    assert texts(page, "#forward .story .soft") == ["rows    r = 0·2 + i·1 − 1 = −1 (padding), 0, 1", "columns s = 1·2 + j·1 − 1 = 1, 2, 3"]
    terms = [term.strip() for term in texts(page, "#forward .sum span")]
    assert terms == ["(−1)·0", "+ 0·0", "+ 1·0", "+ (−1)·1", "+ 0·2", "+ 1·3", "+ (−1)·6", "+ 0·7", "+ 1·8"]
    assert text(page, "#sum") == "= 4"
    assert notes(page, "#forward [data-grid=x]") == [-1, 0, 1] * 3
    choose(page, {"filter": "blur"})
    assert text(page, "#sum").startswith("≈ ")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": 3, "kernel": 5, "padding": 0}, "No output: the window is F = 5 pixels wide, but the padded image has only W + 2P = 3. Take a larger"),
        ({"size": 6, "kernel": 4, "dilation": 3, "padding": 1}, "No output: 4 taps with dilation 3 span F = 10 pixels, but the padded image has only W + 2P = 8."),
    ],
)
def test_no_output(page, settings, sentence):
    choose(page, settings)
    for note in ("#size-note", "#forward .invalid", "#backward .invalid"):
        assert text(page, note).startswith(sentence)
        assert page.value(f"document.querySelector({note!r}).offsetHeight") > 0
    assert page.value("document.querySelector('#forward .stage-box').offsetHeight") == 0
    with pytest.raises(ShapeError):
        executed(text(page, "#program"))
    choose(page, {"padding": 3, "size": 12})
    assert text(page, "#forward .invalid") == ""
    assert page.value("document.querySelector('#forward .stage-box').offsetHeight") > 0


def test_windows_that_do_not_tile(page):
    choose(page, {"size": 6, "kernel": 3, "stride": 2, "padding": 0})
    note = "The division is rounded down, since the windows do not tile the input: behind the last one is 1 pixel, too few for another step of 2"
    assert text(page, "#size-note") == note + ", so that the last row and column of pixels are never seen."
    assert text(page, "#lost-note") == "11 of 36 pixels are in no window; they are struck through."
    assert page.value("document.querySelectorAll('#forward [data-grid=x] .lost').length") == 11
    choose(page, {"padding": 1})
    assert text(page, "#size-note") == note + "; only padding is lost."
    assert text(page, "#lost-note") == ""
    choose(page, {"size": 5})
    assert text(page, "#size-note") == "The windows tile the padded image exactly: nothing is left over."


def test_groups_that_do_not_divide(page):
    assert choose(page, {"channels": 3, "filters": 8, "groups": 2})["costs"] is None
    assert text(page, "#groups-note") == "No such layer: groups must divide channels and filters, but 2 does not divide 3 channels."
    assert texts(page, "#costs strong")[:2] == ["–", "–"]
    assert "layer" not in executed(text(page, "#program"))
    choose(page, {"channels": 8, "filters": 6, "groups": 4})
    assert text(page, "#groups-note").endswith("4 does not divide 6 filters.")
    assert "layer" not in executed(text(page, "#program"))


def test_the_gradient_check_by_hand(page):
    choose(page, {"backward": 5, "checkW": [0, 0], "checkX": [0, 0], "filter": "random"})
    assert "31 outputs have not handed out their shares" in text(page, "#check-w .says")
    click(page, button("#backward", "End"))
    click(page, "#backward [data-grid=dw] [aria-label^='dw[2, 1]']")
    click(page, "#backward [data-grid=dx] [aria-label^='dx[3, 4]']")
    now = state(page)
    assert (now["checkW"], now["checkX"]) == ([2, 1], [3, 4])
    _, dx, dw = passes(now, now["x"], now["w"], now["dy"])
    for name, value in (("w", dw[2, 1]), ("x", dx[3, 4])):
        up, down, slope, gradient = map(number, texts(page, f"#check-{name} td"))
        assert gradient == value == slope
        assert (up - down) / 0.002 == pytest.approx(value)
        assert text(page, f"#check-{name} .says").startswith("They agree")


@pytest.mark.parametrize("settings", [{"kernel": 2, "dilation": 3, "layers": 2}, {"kernel": 3, "stride": 2, "layers": 3}, {"kernel": 3, "dilation": 2, "layers": 3}])
def test_the_receptive_field_by_experiment(page, settings):
    """What position 0 uses, holes and all, is what a gradient reaches from a position in a large image."""
    found = choose(page, settings)
    now = state(page)
    net = nn.Sequential(*[nn.Conv2d(1, 1, now["kernel"], stride=now["stride"], dilation=now["dilation"], padding=now["padding"]) for _ in range(now["layers"])])
    support = measure_receptive_field(net, (1, 64, 64))
    p, _ = support.position
    seen = np.flatnonzero(support.map.any(axis=1)) - p * found["fields"][-1]["stride"]
    assert seen.tolist() == found["used"][0]
    assert text(page, "#fields tbody tr:last-child b") == str(found["fields"][-1]["size"])
    assert ("holes" in text(page, "#field-note")) == (len(seen) < found["fields"][-1]["size"])


@pytest.mark.parametrize("settings", [{"size": 12, "kernel": 3, "stride": 2, "padding": 1, "layers": 3}, {"size": 9, "kernel": 3, "padding": 2, "dilation": 2, "layers": 4}, {"size": 4, "stride": 3, "layers": 5}])
def test_every_cell_of_the_table_of_receptive_fields(page, settings):
    choose(page, settings)
    now = state(page)
    cells = page.value("[...document.querySelectorAll('#fields tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))")
    fields, sides = expected.fields(now), expected.sides(now)
    assert len(cells) == now["layers"] + 1
    assert cells[0] == ["image", "1", "1", "0", f"{now['size']} × {now['size']}"]
    extent = now["dilation"] * (now["kernel"] - 1) + 1
    for layer, (below, field) in enumerate(itertools.pairwise(fields), 1):
        formula = f"{below.size[0]:,} + ({extent} − 1)·{below.stride[0]:,} = {field.size[0]:,}"
        offset = f"{field.offset[0]}".replace("-", "−")
        output = f"{sides[layer]} × {sides[layer]}" if sides[layer] else "none"
        assert cells[layer] == [str(layer), formula, f"{field.stride[0]:,}", offset, output], settings


@pytest.mark.parametrize("settings", [{"size": 7, "kernel": 3, "layers": 2}, {"size": 9, "kernel": 2, "stride": 2, "padding": 1, "dilation": 2, "layers": 3}])
def test_the_cone_stands_on_the_pixels_that_are_seen(page, settings):
    found = choose(page, settings)
    place = {number(pixel): x for pixel, x in page.value("[...document.querySelectorAll('#cone text')].map((node) => [node.textContent, +node.getAttribute('x')])")}
    boxes = page.value("[...document.querySelectorAll('#cone rect')].map((box) => [box.getAttribute('style'), +box.getAttribute('y'), +box.getAttribute('x') + box.getAttribute('width') / 2])")
    hot = [x for style, _, x in boxes if "--hot" in style]
    top = min((y, x) for style, y, x in boxes if "--cold" in style)[1]
    *links, bracket = page.value("[...document.querySelectorAll('#cone path')].map((path) => path.getAttribute('d').match(/[-.0-9]+/g).map(Number))")
    field, used = expected.fields(state(page))[-1], found["used"][0]
    first, last = used[0], used[-1]
    side = place[1] - place[0]
    assert (first, last) == (field.offset[0], field.offset[0] + field.size[0] - 1)
    assert hot == pytest.approx([place[pixel] for pixel in used])
    assert top == pytest.approx((place[first] + place[last]) / 2)
    assert sorted({round(x, 3) for *_, x, y in links if y == max(link[3] for link in links)}) == pytest.approx(hot, abs=0.01)
    assert (bracket[0], bracket[3]) == pytest.approx((place[first + field.stride[0]] - side / 2 + 1, place[last + field.stride[0]] + side / 2 - 1))
    says = f"position 0 of layer {len(found['fields']) - 1} sees {field.size[0]} pixels from {field.offset[0]} on, position 1 those from {field.offset[0] + field.stride[0]} on"
    assert page.value("document.querySelector('#cone svg').getAttribute('aria-label')") == says


@pytest.mark.parametrize("settings", [{}, {"size": 5, "kernel": 2, "stride": 3, "padding": 2, "dilation": 2, "filter": "blur"}])
def test_the_program_gives_the_numbers_of_the_page(page, settings):
    found = choose(page, {**settings, "channels": 4, "filters": 6, "groups": 2})
    room = executed(text(page, "#program"))
    assert text(page, "#line") in text(page, "#program")
    for value, name in ((room["y"], "y"), (room["x"].grad, "dx"), (room["w"].grad, "dw")):
        assert np.allclose(value.numpy()[0, 0], found[name])
    assert sum(p.size for p in room["layer"].parameters()) == found["costs"]["weights"]
    assert isinstance(room["y"], minicnn.Tensor)
