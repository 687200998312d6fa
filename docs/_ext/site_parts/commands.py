"""`{commands}`: what every command of `minicnn` says when asked for help, when the site is built."""

import argparse
import os
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH = 110  # characters of a line


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)


class Commands(SphinxDirective):
    """A section for each command, in the order of `minicnn --help`."""

    def run(self) -> list[nodes.Node]:
        """The sections, as nodes."""
        from minicnn import cli

        with mock.patch.dict(os.environ, {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}):
            every = next(action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction))
            sections = [section for name, parser in every.choices.items() for section in described(parser, name)]
        return self.parse_text_to_nodes("\n\n".join(sections), allow_section_headings=True)


def described(parser: argparse.ArgumentParser, name: str, level: str = "##") -> list[str]:
    """A command's help, and that of the commands below it."""
    found = [f"{level} minicnn {name}", f"```text\n{parser.format_help().rstrip()}\n```"]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, inner in action.choices.items():
                found += described(inner, f"{name} {below}", level + "#")
    return found
