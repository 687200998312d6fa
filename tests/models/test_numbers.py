"""Parameters, buffers, multiply-adds and activations of every network are those that independent implementations have."""

import re

import pytest

from minicnn import models, use_backend
from minicnn.analysis import summarize
from minicnn.analysis.stages import table
from minicnn.models import registry
from tests.models.zoo import rounded, zoo

ROWS = zoo()


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_counts(row):
    with use_backend("meta"):
        summary = summarize(row.build())
    assert summary.input[1:] == row.input
    assert (summary.parameters, summary.buffers) == (row.parameters, row.buffers)
    assert rounded(summary.macs, like=row.macs) == row.macs
    if row.activations != "-":
        assert rounded(summary.activations, like=row.activations) == row.activations


def test_every_network_has_a_row():
    assert {row.call.partition("(")[0] for row in ROWS} | WITHOUT_A_ROW == set(models.list_models())


WITHOUT_A_ROW = {"PreActResNet18"}  # no independent count is known


@pytest.mark.parametrize("name", models.list_models())
def test_the_table_in_the_docstring_is_true(name):
    doc = [line.strip() for line in registry._models[name].__doc__.splitlines()]
    with use_backend("meta"):
        expected = table(models.create(name))
    start = doc.index(expected[0]) if expected[0] in doc else 0
    assert doc[start : start + len(expected)] == [line.strip() for line in expected], "run python tools/tables.py"


@pytest.mark.parametrize("name", models.list_models())
def test_the_docstring_says_where_the_network_comes_from(name):
    model = registry._models[name]
    room = __import__(model.__module__, fromlist=["_"])
    texts = [model.__doc__, *(value.__doc__ for value in vars(room).values() if getattr(value, "__module__", "") == room.__name__)]
    assert any("Source:" in (text or "") for text in texts)
    assert re.search(r"%|connections", model.__doc__), "no error rate"


@pytest.mark.parametrize("name", models.list_models())
def test_a_network_is_made_by_its_name_with_its_image(name):
    with use_backend("meta"):
        model = models.create(name, num_classes=7)
        summary = summarize(model)
    assert summary.outputs[""] == (1, 7)
