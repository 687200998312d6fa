"""The table of docs/scaling.md is what the code does."""

from pathlib import Path

from minicnn.search import FAMILIES, scale

PAGE = Path(__file__).parents[2] / "docs/scaling.md"


def table():
    """A line for each family: what of it grows and how, and what its first network costs for phi = 1, 2 and 3, as a multiple."""
    yield "| networks | depth | width | image | φ = 1 | φ = 2 | φ = 3 |"
    yield "|---|---|---|---|---|---|---|"
    for family in FAMILIES.values():
        networks = ", ".join(f"`{network}`" for network in family.networks)
        if len(family.networks) > 4:
            networks = f"`{family.networks[0]}` to `{family.networks[-1]}`"
        grows = [", ".join(f"`{argument}`: {grow}" for argument, grow in arguments.items()) for arguments in (family.depth, family.width)]
        costs = [f"{scale(family.networks[0], phi).ratio:.2f}" for phi in (1, 2, 3)]
        yield f"| {networks} | {' | '.join(grows)} | {'any size' if family.side == 1 else f'steps of {family.side}'} | {' | '.join(costs)} |"


def test_the_pages_table_is_what_comes_out():
    text = PAGE.read_text()
    shown = text[text.index("| networks |") :].partition("\n\n")[0]
    assert shown == "\n".join(table())
