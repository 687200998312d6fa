"""The page of kills: which check noticed which mistake, and how its report begins."""

from collections.abc import Iterable, Iterator

from minicnn.testing.mutants.mutant import Kill

CHECKS = {
    "gradient": "the gradient differs from the measured slopes",
    "definition": "the result differs from the definition, element by element",
    "float32": "the gradient in float32 differs from that in float64",
    "contract": "a shape, an element type, a missing gradient, or an array that was changed in place",
}


def page(kills: Iterable[Kill]) -> str:
    """The whole of `docs/mutants.md`."""
    return "\n".join(_lines(list(kills))) + "\n"


def _lines(kills: list[Kill]) -> Iterator[str]:
    yield "# Planted mistakes"
    yield ""
    yield (
        "A check that nothing escapes is one that has been tried on mistakes. Each line below is an operation with one classic "
        "mistake planted in it, in `minicnn/testing/mutants/`, and the first line that `minicnn.testing.check_kernel` or "
        "`minicnn.testing.gradcheck` then prints. `tests/testing/test_mutants.py` plants them all, and fails if one survives or "
        "if this page is out of date; it is made by"
    )
    yield ""
    yield "    python -m minicnn.testing.mutants > docs/mutants.md"
    yield ""
    yield f"{len(kills)} mistakes, {sum(1 for kill in kills if kill.check)} noticed:"
    yield ""
    for check, meaning in CHECKS.items():
        yield f"- **{check}** ({sum(kill.check == check for kill in kills)}): {meaning}"
    yield ""
    yield "| operation | mistake | noticed by | report |"
    yield "|---|---|---|---|"
    for kill in kills:
        report = kill.report.partition("\n")[0].replace("|", "\\|")
        yield f"| {kill.mutant.op} | {kill.mutant.mistake} | {kill.check or '**nothing**'} | `{report}` |"
