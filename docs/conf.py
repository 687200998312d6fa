"""The documentation as a site: `sphinx-build -W docs docs/_build/html` makes it, without a network. The pages run as they are built."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

from site_parts.source_hash import source_hash

from minicnn._version import __version__

project, author, release = "minicnn", "the authors of minicnn", __version__
copyright = author
language = "en_GB"
exclude_patterns = ["_build", "_ext", "jupyter_execute", ".jupyter_cache"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_design",
    "sphinx_copybutton",
    "site_parts",
]

# Markdown, with formulas in dollars; pages that say `file_format: mystnb` run.
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3
myst_url_schemes = ["http", "https", "mailto", "source", "page"]
nb_execution_mode = "cache"                # a page runs again when its code, or minicnn's, has changed
nb_execution_cache_path = str(Path(os.environ.get("MINICNN_SITE_CACHE", DOCS / "_build" / "cache")) / source_hash(DOCS.parent))
nb_execution_raise_on_error = True
nb_execution_timeout = 300                 # seconds a cell; on a first run it compiles kernels
nb_execution_show_tb = True
nb_merge_streams = True

# The reference, from docstrings.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True           # as they are written
autodoc_inherit_docstrings = False         # what does as its base says is not listed again
autodoc_type_aliases = {"Open": "minicnn.io.download.Open", "Report": "minicnn.data.published.Report", "Array": "Array"}
python_maximum_signature_line_length = 170 # with modules, which are not shown; one argument a line in longer ones
napoleon_numpy_docstring, napoleon_use_ivar, napoleon_attr_annotations = False, True, False
napoleon_custom_sections = [("Shapes", "params_style"), ("Source", "notes_style")]
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries = False

# The site: everything that a browser needs lies in it.
html_theme = "furo"
html_title = "minicnn"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {
    "options": {"enableMenu": False},                       # its menu would fetch a script that is not here
    "tex": {"packages": {"[-]": ["noundefined"]}},          # a macro that does not exist is an error, which a test finds
}
pygments_style, pygments_dark_style = "tango", "native"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
