"""Every planted mistake is noticed, and nothing is wrong where none is planted."""

import dataclasses
import re
from pathlib import Path

import pytest

from minicnn import kernels
from minicnn.testing.mutants import FAMILIES, MUTANTS, check, run
from minicnn.testing.mutants.mutant import BACKEND, Kill
from minicnn.testing.mutants.page import CHECKS, page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutants.md"


@pytest.fixture(scope="session")
def kill(once):
    """What becomes of a mutant. It is planted once in a run, for all the tests that ask."""

    def plant(mutant):
        result = run(mutant)
        assert BACKEND not in kernels.registered_backends()
        return result.check, result.report

    return lambda mutant: Kill(mutant, *once(f"mutant {MUTANTS.index(mutant)}", lambda: plant(mutant)))


def test_there_are_many_and_all_are_different():
    assert len(MUTANTS) >= 125
    assert len({(mutant.op, mutant.name) for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.op, mutant.mistake) for mutant in MUTANTS}) == len(MUTANTS)


def test_every_operation_with_kernels_has_one():
    assert set(kernels.OPS) <= {mutant.op for mutant in MUTANTS}


@pytest.mark.gradcheck
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.op}-{mutant.name}")
def test_is_noticed(mutant, kill):
    result = kill(mutant)
    assert result.check in CHECKS, f"{mutant.op}: {mutant.mistake}: nothing noticed"
    assert result.report.startswith(f"{mutant.op}: ")


@pytest.mark.gradcheck
def test_no_two_have_the_same_effect(kill):
    reports = {}
    for mutant in MUTANTS:
        other = reports.setdefault(kill(mutant).report, mutant)
        assert other is mutant, f"{mutant.op}: {mutant.name} and {other.name} are the same mistake"


def corrected(mutant):
    """The mutant with what is right in the place of what is wrong: planted and checked in the same way."""
    if mutant.layer:
        return dataclasses.replace(mutant, layer=mutant.layer.__mro__[1])
    if mutant.function:
        return dataclasses.replace(mutant, function=type("Right", (mutant.function.__mro__[1],), {}))
    kernel = kernels.find(mutant.op, ["array"])
    return dataclasses.replace(mutant, forward=kernel.forward, backward=kernel.backward)


@pytest.mark.gradcheck
@pytest.mark.parametrize("mutant", {(m.op, m.layer is None, m.constant): m for m in MUTANTS}.values(), ids=lambda mutant: mutant.op + mutant.name)
def test_what_is_right_passes_the_same_check(mutant):
    check(corrected(mutant))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.split(".")[-1])
def test_every_mistake_is_entered(family):
    """A wrong function that is missing in the list of its file would never be planted."""
    entered = {part for m in family.MUTANTS for part in (m.forward, m.backward, m.function, m.layer) if part}
    written = {value for value in vars(family).values() if getattr(value, "__module__", "") == family.__name__}
    helpers = {value for value in written if value.__name__.startswith("_")}
    assert written - helpers == entered


def test_a_mistake_that_nothing_notices_is_seen():
    assert run(corrected(MUTANTS[0])).check == ""


def test_the_right_function_is_back_after_a_mistake():
    from minicnn.ops import arithmetic

    right = arithmetic.Multiply
    mutant = next(m for m in MUTANTS if m.function and m.function.__mro__[1] is right)
    assert run(mutant).check == "gradient"
    assert arithmetic.Multiply is right


@pytest.mark.gradcheck
def test_the_table_of_kills(kill):
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
