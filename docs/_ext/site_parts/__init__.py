"""What the documentation needs beyond Sphinx and its extensions: each file here does one thing, and `setup` joins them."""

from sphinx.application import Sphinx

from . import claims, commands, docstrings, kernel_tabs, pictures, source_pages

PARTS = (source_pages, claims, commands, docstrings, kernel_tabs, pictures)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    for part in PARTS:
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
