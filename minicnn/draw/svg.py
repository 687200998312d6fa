"""Pieces of SVG, and the document around them. Colours are named by what a thing is, and know light and dark.

A picture can stand alone (it then follows the reader's system) or inside a page, whose `body[data-theme]` then says which, if it says
anything. Nothing is fetched, no script runs.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

KINDS = ("data", "conv", "linear", "pool", "norm", "act", "join", "plain", "hot", "cold")
"""What a box can be: a tensor, a layer that multiplies, a pooling, a norm, an activation, a sum or concatenation, and two marks."""

LIGHT = {
    "ink": "#1d2430", "soft": "#5b667d", "line": "#8a94a8", "paper": "#ffffff",
    "data": "#e9ecf2", "conv": "#d3e3fb", "linear": "#f9d9d6", "pool": "#d5efd9", "norm": "#e6dcf7", "act": "#fbe8c4",
    "join": "#cdeef0", "plain": "#f6f7f9", "hot": "#f2994a", "cold": "#4a90d9",
}  # fmt: skip
DARK = {
    "ink": "#e8ecf4", "soft": "#a5b0c6", "line": "#71809b", "paper": "#14181f",
    "data": "#2a303c", "conv": "#1f3a63", "linear": "#5a2a2a", "pool": "#1f4a2a", "norm": "#3d2d62", "act": "#58430f",
    "join": "#164a4e", "plain": "#1d222b", "hot": "#c26a1e", "cold": "#2f6db0",
}  # fmt: skip


def variables(colours: dict[str, str]) -> str:
    """The colours as CSS variables, --m-ink and so on."""
    return " ".join(f"--m-{name}: {value};" for name, value in colours.items())


STYLE = f"""
svg.minicnn {{ {variables(LIGHT)} color-scheme: light dark }}
@media (prefers-color-scheme: dark) {{ svg.minicnn {{ {variables(DARK)} }} }}
body[data-theme="light"] svg.minicnn {{ {variables(LIGHT)} }} body[data-theme="dark"] svg.minicnn {{ {variables(DARK)} }}
.minicnn text {{ font: 12px system-ui, sans-serif; fill: var(--m-ink); text-anchor: middle }}
.minicnn text.left {{ text-anchor: start }} .minicnn text.right {{ text-anchor: end }}
.minicnn text.small {{ font-size: 10.5px; fill: var(--m-soft) }} .minicnn text.big {{ font-size: 15px; font-weight: 600 }}
.minicnn text.code {{ font-family: ui-monospace, monospace; font-size: 11.5px }}
.minicnn path {{ fill: none; stroke: var(--m-line); stroke-width: 1.3 }} .minicnn path.tip {{ fill: var(--m-line); stroke: none }}
.minicnn rect {{ stroke: var(--m-line); stroke-width: 1 }} .minicnn rect.bare {{ stroke: none }}
.minicnn rect.frame {{ fill: none; stroke-dasharray: 5 4 }}
""" + "\n".join(f".minicnn .{kind} {{ fill: var(--m-{kind}) }}" for kind in KINDS)


def document(width: float, height: float, parts: Iterable[str], label: str, style: str = "") -> str:
    """A whole SVG file.

    Args:
        width: in pixels, as is `height`; in a narrower page the picture shrinks. A style sheet may say how far, by `var(--m-width)`.
        parts: pieces of SVG, in the order in which they are painted.
        label: what the picture shows, for those who hear it read aloud.
        style: more CSS, such as that of an animation.

    Example:
        >>> document(100, 50, [text(50, 25, "x")], "a letter")[:53]
        '<svg xmlns="http://www.w3.org/2000/svg" class="minicn'
    """
    inside = "\n".join(parts)
    tip = '<defs><marker id="m-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0,0 L8,4 L0,8 Z"/></marker></defs>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="minicnn" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'style="--m-width: {width:g}px; max-width: 100%; height: auto" role="img" aria-label="{html.escape(label)}">\n'
        f"<style>{STYLE}{style}</style>\n{tip}\n{inside}\n</svg>\n"
    )


def rect(x: float, y: float, width: float, height: float, kind: str = "plain", *, round: float = 5) -> str:
    """A box. Further classes may follow the kind: "frame", "data bare".

    Example:
        >>> rect(0, 0, 10, 10, "conv")
        '<rect class="conv" x="0" y="0" width="10" height="10" rx="5"/>'
    """
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round:g}"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text, with its middle at x and its base line at y; kinds: left, right, small, big, code."""
    start = f'<text class="{kind}"' if kind else "<text"
    return f'{start} x="{x:g}" y="{y:g}">{html.escape(words)}</text>'


def path(points: str, *, tip: bool = False, kind: str = "") -> str:
    """A line given by SVG's path commands, with the tip of an arrow at its end if asked for."""
    start = f'<path class="{kind}"' if kind else "<path"
    return f'{start} d="{points}"' + (' marker-end="url(#m-tip)"/>' if tip else "/>")


def text_width(words: str, size: float = 12) -> float:
    """About how wide a line of text is in pixels, in the widest of the usual sans-serif fonts.

    Example:
        >>> text_width("conv 3x3") > text_width("illicit") > 0
        True
    """
    return size * sum(_EMS.get(letter, 0.7 if letter.isupper() else 0.61) for letter in words)


_EMS = dict.fromkeys("ilj|'.,:;!", 0.32) | dict.fromkeys("ftr()[]/- ", 0.4) | dict.fromkeys("mwMW+−×÷", 0.95) | dict.fromkeys("0123456789", 0.62)
"""Widths of letters in units of the font's size, where they are far from the others'."""


def group(parts: Iterable[str], *, hover: str = "", x: float = 0, y: float = 0, kind: str = "") -> str:
    """Pieces that belong together, moved by (x, y), with what the mouse shows over any of them."""
    attributes = (f' class="{kind}"' if kind else "") + (f' transform="translate({x:g} {y:g})"' if x or y else "")
    title = f"<title>{html.escape(hover)}</title>" if hover else ""
    return f"<g{attributes}>{title}{''.join(parts)}</g>"
