"""The examples in docstrings run, and every public function has a docstring."""

import doctest
import importlib
import inspect
import pkgutil
import re
import warnings

import pytest

import minicnn
from minicnn.autograd import KernelFunction

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(minicnn.__path__, "minicnn.") if not m.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples failed (shown above)"


@pytest.mark.parametrize("name", MODULES)
def test_public_things_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    for attribute, value in vars(module).items():
        if attribute.startswith("_") or getattr(value, "__module__", None) != name:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{attribute} has no docstring"
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_") and method not in ("forward", "backward", "extra_repr"):
                    assert inspect.getdoc(function), f"{name}.{attribute}.{method} has no docstring"


NODES = [node for node in KernelFunction.__subclasses__() if node.__module__.startswith("minicnn.ops.")]


@pytest.mark.parametrize("node", NODES, ids=str)
def test_the_nodes_of_operations_give_formula_and_slope(node):
    assert " = " in node.__doc__
    assert re.search(r"\bd(x|logits)\b", node.__doc__)


def test_a_broken_example_would_be_seen():
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "planted", None, 0)
    with warnings.catch_warnings():
        runner = doctest.DocTestRunner(verbose=False)
        assert runner.run(example, out=lambda text: None).failed == 1
