"""What minicnn says to the settings of docs/playground/convolution.html, and how to read the page."""

import json
import warnings
from pathlib import Path

import numpy as np

import minicnn
from minicnn import nn, ops
from minicnn.analysis import receptive_field, summarize
from minicnn.analysis.receptive_field import ReceptiveField
from minicnn.errors import ShapeError
from minicnn.ops.checks import WindowWarning

PAGE = Path(__file__).resolve().parents[2] / "docs" / "playground" / "convolution.html"
SPATIAL = {"size": (3, 12), "kernel": (1, 5), "stride": (1, 4), "padding": (0, 3), "dilation": (1, 3)}


def random_settings(generator):
    """Any setting that the page's sliders reach, with numbers of one place behind the point."""
    settings = {name: int(generator.integers(low, high + 1)) for name, (low, high) in SPATIAL.items()}
    groups = int(generator.integers(1, 4))
    settings |= {"groups": groups, "channels": groups * int(generator.integers(1, 5)), "filters": groups * int(generator.integers(1, 5))}
    settings |= {"layers": int(generator.integers(1, 6)), "checkW": [settings["kernel"] - 1, 0], "checkX": [1, settings["size"] - 1]}
    for name, side in (("x", settings["size"]), ("w", settings["kernel"])):
        settings[name] = generator.integers(-90, 91, (side, side)) / 10
    return settings


def window(settings):
    return {name: settings[name] for name in ("stride", "padding", "dilation")}


def output_shape(settings):
    """(P, Q) of minicnn's output, or None where minicnn refuses."""
    x, w = (np.ones((1, 1, n, n)) for n in (settings["size"], settings["kernel"]))
    try:
        return run(x, w, settings).shape[2:]
    except ShapeError:
        return None


def run(x, w, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WindowWarning)
        return ops.conv2d(x, w, **window(settings))


def passes(settings, x, w, dy):
    """y, dx and dw as plain matrices."""
    x, w = (minicnn.tensor(np.asarray(values, float)[None, None], requires_grad=True, dtype="float64") for values in (x, w))
    y = run(x, w, settings)
    y.backward(minicnn.tensor(np.asarray(dy, float)[None, None], dtype="float64"))
    return y.numpy()[0, 0], x.grad.numpy()[0, 0], w.grad.numpy()[0, 0]


def pixels(settings, p, q):
    """What output (p, q) looks at, in the words of the page."""
    places = [[at * settings["stride"] + tap * settings["dilation"] - settings["padding"] for tap in range(settings["kernel"])] for at in (p, q)]
    return [f"x[{r}, {s}]".replace("-", "−") for r in places[0] for s in places[1]]


def layer(settings):
    names = ("channels", "filters", "kernel")
    return nn.Conv2d(*(settings[name] for name in names), groups=settings["groups"], bias=False, **window(settings))


def cost(settings):
    """Weights, multiply-adds, numbers in the output."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WindowWarning)
        summary = summarize(layer(settings), (settings["channels"], settings["size"], settings["size"]))
    return summary.parameters, summary.macs, int(np.prod(summary.layers[-1].output[1:]))


def fields(settings):
    """The receptive fields after 0, 1, ... layers."""
    k, s, p, d = (settings[name] for name in ("kernel", "stride", "padding", "dilation"))
    found = [ReceptiveField((1, 1))]
    for _ in range(settings["layers"]):
        found.append(found[-1].after((k, k), (s, s), (p,) * 4, (d, d)))
    if d == 1:
        assert found[-1] == receptive_field([(k, s, p)] * settings["layers"])
    return found


def sides(settings):
    """The output's side after 0, 1, ... layers; 0 from where minicnn refuses."""
    found = [settings["size"]]
    for _ in range(settings["layers"]):
        found.append((output_shape({**settings, "size": found[-1]}) or (0,))[0] if found[-1] else 0)
    return found


def load(page, link):
    """Open the page anew, with what stands behind the # of its address."""
    page.open("about:blank")
    page.wait("location.href === 'about:blank'")
    page.open(PAGE.as_uri() + link)
    page.wait("window.playground !== undefined")


def choose(page, settings):
    """Set the page's state; returns all that the page computes from it."""
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in settings.items()}
    return page.value(f"(playground.setState({json.dumps(plain)}), playground.compute())")


def state(page):
    return page.value("playground.getState()")


def numbers(page, grid):
    """The numbers in a grid such as '#forward [data-grid=y]' without its padding; those not yet computed are NaN."""
    rows = page.value(f"""[...document.querySelectorAll("{grid} [role=row]")].map((row) => [...row.children].filter((cell) => !cell.classList.contains("pad")).map((cell) => cell.textContent))""")
    return np.array([[number(cell) if cell else np.nan for cell in row] for row in rows if row])


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def text(page, selector):
    return page.value(f"document.querySelector({selector!r}).textContent")


def texts(page, selector):
    return page.value(f"[...document.querySelectorAll({selector!r})].map((node) => node.textContent)")


def executed(program):
    """The names that the page's program has set, run as a reader would run it."""
    room = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WindowWarning)
        exec(program, room)  # noqa: S102 - we wrote it
    return room


def click(page, selector):
    page.value(f"document.querySelector({selector!r}).click()")


def button(section, words):
    place = ["Reset", "Back", "Play", "Step", "End"].index(words) + 1
    return f"{section} .buttons button:nth-child({place})"


def press(page, key):
    """A real key, as the browser would get it from a keyboard."""
    extra = {"text": " "} if key == " " else {}
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code="Space" if key == " " else key, **extra)
