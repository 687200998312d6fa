"""`{picture} file.svg` puts an SVG into the page itself, where it follows the page's light or dark; `{network} ResNet18` draws a network when the site is built."""

import os
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("picture", Picture)
    app.add_directive("network", Network)


def figure(svg: str, caption: str) -> nodes.raw:
    """An SVG and the words below it, as part of the page."""
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return nodes.raw("", f'<figure class="drawing"><div class="scroll">{svg}</div>{below}</figure>', format="html")


class Picture(SphinxDirective):
    """An SVG file, by its path from the document; the content is its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The picture, as a node."""
        path = Path(os.path.normpath(Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]))
        self.env.note_dependency(str(path))
        if not path.exists():
            raise self.error(f"{{picture}}: there is no file {self.arguments[0]}")
        return [figure(path.read_text(), " ".join(self.content))]


class Network(SphinxDirective):
    """A network of the zoo, drawn from its modules; the content is its caption; the options are those of `draw.architecture`."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"depth": directives.nonnegative_int, "block": directives.unchanged_required, "name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The drawing, as a node."""
        from minicnn import draw, models, use_backend

        with use_backend("meta"):
            model = getattr(models, self.arguments[0])()
        drawing = draw.architecture(model, **{"name": self.arguments[0], **self.options})
        return [figure(drawing._repr_svg_(), " ".join(self.content))]
