"""The sheet that a picture is drawn on: the document, the styles that all pictures share, and a few marks."""

from collections.abc import Iterable

from minicnn.draw import svg

# A picture may stand in a page beside others: what is here is the same in all of them, and what is a picture's own begins with its name.
STYLE = """
.minicnn text.number { font-size: 13px; font-variant-numeric: tabular-nums }
.minicnn text.weight { font-size: 10.5px; fill: var(--m-strong) } .minicnn text.faint { fill: var(--m-soft) }
.minicnn text.said { font-size: 12.5px } .minicnn text.bold { font-weight: 600 }
.minicnn path.grid { stroke-width: .7 } .minicnn path.thin { stroke-width: .9; stroke-dasharray: 3 3 }
.minicnn rect.mark { fill: var(--m-hot); fill-opacity: .22; stroke: var(--m-hot); stroke-width: 2.2 }
.minicnn rect.other { fill: var(--m-cold); fill-opacity: .2; stroke: var(--m-cold); stroke-width: 2.2 }
.minicnn rect.outline { fill: none; stroke: var(--m-hot); stroke-width: 2.2 }
.minicnn rect.padding { fill: none; stroke-dasharray: 3 3 }
.minicnn { --m-strong: #1f62b8 } @media (prefers-color-scheme: dark) { .minicnn { --m-strong: #86b6f2 } }
body[data-theme="light"] .minicnn { --m-strong: #1f62b8 } body[data-theme="dark"] .minicnn { --m-strong: #86b6f2 }
"""


def picture(name: str, width: float, height: float, parts: Iterable[str], label: str, style: str = "") -> str:
    """A whole picture; its own styles begin with `.picture-NAME`."""
    ground = f'<rect class="bare" width="{width:g}" height="{height:g}" style="fill: none; pointer-events: all"/>'
    return svg.document(width, height, [svg.group([ground, *parts], kind=f"picture-{name}")], label, STYLE + style)


def minus(value: float) -> str:
    """A number as it is written in a cell: 3, −1, 2.25.

    >>> minus(3.0), minus(-1.0), minus(2.25)
    ('3', '−1', '2.25')
    """
    return f"{value:g}".replace("-", "−")
