"""`{claims} AlexNet`: what the lecture's slides say on a topic beside what comes out here, computed when the site is built."""

import functools

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from minicnn.analysis.lecture import Claim, claims


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("claims", Claims)


class Claims(SphinxDirective):
    """A table of one topic or several, divided by commas; the topics are those that `minicnn lecture` prints."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The table, as nodes."""
        wanted, every = [topic.strip() for topic in self.arguments[0].split(",")], _all_claims()
        unknown = set(wanted) - {claim.topic for claim in every}
        if unknown:
            raise self.error(f"{{claims}}: no topic {min(unknown)!r}; there are {sorted({claim.topic for claim in every})}")
        rows = ["| | of what | the slides | minicnn |", "|---|---|---|---|"]
        notes = []
        for claim in (claim for topic in wanted for claim in every if claim.topic == topic):
            mark = "✓" if claim.agrees else "≠"
            if claim.reason:
                notes.append(f"- {_plain(claim.what)}: {_plain(claim.reason)}")
            here = f"{_plain(claim.here)} (from a paper)" if claim.looked_up else _plain(claim.here)
            rows.append(f"| {mark} | {_plain(claim.what)} | {_plain(claim.lecture)} | {here} |")
        return self.parse_text_to_nodes("\n".join([*rows, "", *notes]))


@functools.cache
def _all_claims() -> list[Claim]:
    """Computed once for all pages."""
    return claims()


def _plain(text: str) -> str:
    """Text without meaning for Markdown."""
    return "".join("\\" + c if c in "\\`*_{}[]<>#|$" else c for c in text)
