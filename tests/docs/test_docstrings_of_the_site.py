"""Docstrings on their way to the site: plain text keeps its meaning, whatever it looks like to Sphinx."""

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

if importlib.util.find_spec("sphinx") is None:
    pytest.skip('the site is built with pip install -e ".[docs]"', allow_module_level=True)

EXT = Path(__file__).resolve().parents[2] / "docs" / "_ext"


@pytest.fixture(scope="module")
def docstrings():
    sys.path.insert(0, str(EXT))
    yield importlib.import_module("site_parts.docstrings")
    sys.path.remove(str(EXT))


@pytest.fixture
def converted(docstrings):
    return lambda text, links=(): "\n".join(docstrings.converted(text.split("\n"), links))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a * b, |x|, C:\\dir", "a \\* b, \\|x\\|, C:\\\\dir"),
        ("the last letter of x_ and bias_", "the last letter of x\\_ and bias\\_"),
        ("of `x_1` and ``y * z``", "of ``x_1`` and ``y * z``"),
        ("`a` times `b`", "``a`` times ``b``"),
        ("a lone ` and a * star", "a lone ` and a \\* star"),
    ],
)
def test_text_stays_text(converted, given, wanted):
    assert converted(given) == wanted


def test_names_are_links_where_they_lead_somewhere(converted):
    text = converted("See `minicnn.ops.relu`, `Conv2d`, `Conv2d.forward`, `stride` and `Conv2d(3)`.", {"Conv2d"})
    assert text == "See :py:obj:`minicnn.ops.relu`, :py:obj:`Conv2d`, :py:obj:`Conv2d.forward`, ``stride`` and ``Conv2d(3)``."


def test_a_formula_is_a_block_without_the_colours_of_python(converted):
    assert converted("Sum.\n\n    y = sum over c of x[c]\n    z = 2 y\n\nDone.") == (
        "Sum.\n\n.. code-block:: text\n\n    y = sum over c of x[c]\n    z = 2 y\n\nDone."
    )


def test_code_has_the_colours_of_python(converted):
    assert ".. code-block:: python" in converted("Use:\n\n    with x() as y:\n        y.run()")
    assert ".. code-block:: python" in converted("Use:\n\n    >>> sum over")


def test_a_block_right_behind_text_is_kept_apart(converted):
    assert converted("Parts:\n    a b\nEnd.") == "Parts:\n\n.. code-block:: text\n\n    a b\n\nEnd."


def test_blank_lines_inside_a_block_do_not_end_it(converted):
    assert converted("A.\n\n    a b\n\n    c d") == "A.\n\n.. code-block:: text\n\n    a b\n\n    c d\n"


def test_a_section_right_behind_text_or_a_block_is_kept_apart(converted):
    assert converted("A.\nArgs:\n    x: a * b.") == "A.\n\nArgs:\n    x: a \\* b."
    assert converted("A.\n\n    a b\nRaises:\n    E: x.") == "A.\n\n.. code-block:: text\n\n    a b\n\nRaises:\n    E: x."


def test_examples_are_left_alone(converted):
    example = "Example:\n    >>> a * b  # `x`\n    *\n\n    >>> |c|"
    assert converted(example) == example


def test_text_after_a_section_is_text_again(converted):
    assert converted("Example:\n    >>> 1\n\nA * b.\n\n    c d") == "Example:\n    >>> 1\n\nA \\* b.\n\n.. code-block:: text\n\n    c d\n"


def test_names_that_share_an_entry_stay_together(converted, docstrings):
    assert converted("Args:\n    rtol, atol: a, b: c.").replace(docstrings.COMMA, "_") == "Args:\n    rtol_atol: a, b: c."
    assert docstrings.COMMA not in converted("Rows, columns: two.\n\nArgs:\n    x: of rows, columns: two.")


def test_the_first_line_of_a_property_is_no_type(docstrings):
    lines = ["(N, 4): left, top: a"]
    docstrings._process(None, "property", "minicnn.x", None, None, lines)
    assert lines[0].replace(docstrings.COLON, ":") == "(N, 4): left, top: a"
    assert lines[0].startswith(f"(N, 4){docstrings.COLON} ")


def test_what_stood_in_for_a_comma_or_a_colon_is_put_back(docstrings):
    from docutils import nodes

    document = nodes.container("", nodes.paragraph("", f"a{docstrings.COMMA}b{docstrings.COLON} c"))
    docstrings._restore(None, document)
    assert document.astext() == "a, b: c"


def test_fields_of_named_tuples_are_left_to_their_docstring(docstrings):
    class Pair(NamedTuple):
        a: int

    assert docstrings._skipped(None, "class", "a", Pair.a, False, None) is True
    assert docstrings._skipped(None, "class", "a", len, False, None) is None


def test_types_have_the_names_of_the_source(docstrings):
    given = "(x: ~numpy.ndarray[~typing.Any, ~typing.Any] | None)", "numpy.ndarray[typing.Any, typing.Any] | TypeAliasForwardRef('Array')"
    assert docstrings._aliases(None, "function", "f", None, None, *given) == ("(x: Array | None)", "Array | Array")
    given = "(x: TypeAliasForwardRef('minicnn.io.Open') | None = <factory>)", None
    assert docstrings._aliases(None, "class", "f", None, None, *given) == ("(x: ~minicnn.io.Open | None = ...)", None)


def test_names_of_arguments_are_no_links(docstrings):
    for package in ("minicnn.nn", "minicnn.ops"):
        importlib.import_module(package)
    found = docstrings.linked("minicnn.ops.pad", lambda x, max: x)
    assert {"conv2d", "min"} <= found
    assert "max" not in found
    assert "Conv2d" in docstrings.linked("minicnn.nn.Linear.forward", lambda self, x: x)
