"""Every planted mistake is noticed, and nothing is wrong where none is planted."""

import functools
import re
from pathlib import Path

import pytest

from minicnn import kernels
from minicnn.testing.mutants import MUTANTS, run
from minicnn.testing.mutants.mutant import BACKEND
from minicnn.testing.mutants.page import CHECKS, page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutants.md"
kill = functools.cache(run)


def test_there_are_many_and_all_are_different():
    assert len(MUTANTS) >= 100
    assert len({(mutant.op, mutant.name) for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.op, mutant.mistake) for mutant in MUTANTS}) == len(MUTANTS)


def test_every_operation_with_kernels_has_one():
    assert set(kernels.OPS) <= {mutant.op for mutant in MUTANTS}


@pytest.mark.gradcheck
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.op}-{mutant.name}")
def test_is_noticed(mutant):
    result = kill(mutant)
    assert result.check in CHECKS, f"{mutant.op}: {mutant.mistake}: nothing noticed"
    assert result.report.startswith(f"{mutant.op}: ")
    assert BACKEND not in kernels.registered_backends()


@pytest.mark.gradcheck
def test_no_two_have_the_same_effect():
    reports = {}
    for mutant in MUTANTS:
        other = reports.setdefault(kill(mutant).report, mutant)
        assert other is mutant, f"{mutant.op}: {mutant.name} and {other.name} are the same mistake"


@pytest.mark.gradcheck
@pytest.mark.parametrize("op", sorted({mutant.op for mutant in MUTANTS}))
def test_what_is_right_passes_the_same_checks(op):
    checks = {mutant.prepare().__qualname__: mutant for mutant in MUTANTS if mutant.op == op}
    for mutant in checks.values():
        mutant.prepare()()


@pytest.mark.gradcheck
def test_the_table_of_kills():
    kills = [kill(mutant) for mutant in MUTANTS]
    for result in kills:
        first = result.report.partition("\n")[0]
        print(f"{result.mutant.op:<20} {result.check:<10} {result.mutant.mistake}\n{'':<32}{first}")
    print(f"{sum(bool(result.check) for result in kills)} of {len(kills)} noticed")
    assert all(result.check for result in kills)
    assert without_numbers(PAGE.read_text()) == without_numbers(page(kills)), (
        "docs/mutants.md is out of date: python -m minicnn.testing.mutants > docs/mutants.md"
    )


def without_numbers(text):
    """The last digits of a slope differ from one BLAS to the next."""
    return re.sub(r"\d[\d.]*(e[+-]\d+)?", "0", text)
