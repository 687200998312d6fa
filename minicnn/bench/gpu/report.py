"""The table of a benchmark on a GPU, from the dictionaries that go into JSON, so that a page can be made of an old file as well."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
HEAD = ("model", "input", "batch", "mode", "precision", "minicnn", "graph", "torch", "graph", "ratio", "graph", "best", "GB", "torch", "ratio", "deviation")
GROUPS = {5: "images per second", 9: "minicnn : torch", 12: "memory"}  # what stands above which column
LEFT = 5  # columns of words
WIDTHS = (8, 9, 5, 9, 9, 9, 9, 9, 9, 6, 6, 6, 6, 6, 6, 9)


def cells(row: Row) -> list[str]:
    """A row of the table.

    Of PyTorch's two memory layouts the faster one counts. "best" compares minicnn's faster style with PyTorch's faster style and layout. Memory is what
    the allocators hold, of the styles in "best".
    """
    words = [row["model"], "x".join(map(str, row["input"])), str(row["batch_size"]), row["mode"], row["precision"]]
    speeds = [_speed(best(row, own, style)) for own in (True, False) for style in ("eager", "graph")]
    ratios = [_ratio(final(row, style)) for style in ("eager", "graph", None)]
    own, rival = (best(row, mine, None) for mine in (True, False))
    memory = [_reserved(own), _reserved(rival)]
    deviation = max((h["deviation"] for h in row["heats"] if not h["is_rival"] and not h["error"] and h["deviation"] is not None), default=None)
    return [
        *words, *speeds, *ratios,
        *("" if m is None else f"{m / 1e9:.2f}" for m in memory), f"{memory[0] / memory[1]:.2f}" if memory[0] and memory[1] else "",
        "" if deviation is None else f"{deviation:.0e}",
    ]  # fmt: skip


def head() -> list[str]:
    """The two lines above the table."""
    above = ""
    for column, text in GROUPS.items():
        above = above.ljust(sum(WIDTHS[:column]) + 2 * column) + text
    return [above, _line(HEAD)]


def line(row: Row) -> str:
    """A row, and below it whatever went wrong."""
    return "\n".join([_line(cells(row)), *(f"    {trouble}" for trouble in troubles(row))])


def troubles(row: Row) -> list[str]:
    """What is to be known of a row besides its figures."""
    found = [row["error"]] if row["error"] else []
    for heat in row["heats"]:
        said = [heat["error"], heat["note"], f"deviates from PyTorch by {heat['deviation']:.1e}" if heat["deviates"] else ""]
        found += [f"{heat['name']}: {' '.join(text.split())[:300]}" for text in said if text]
    found += [f"{f['own']} against {f['rival']}: {' '.join(f['error'].split())[:300]}" for f in row["finals"] if f["error"]]
    return found


def best(row: Row, own: bool, style: str | None) -> Row | None:
    """The fastest heat of a side in a style; None if none has finished."""
    found = [h for h in row["heats"] if h["is_rival"] != own and style in (None, h["style"]) and h["images_per_second"] and not h["error"]]
    return max(found, key=lambda h: h["images_per_second"]["median"], default=None)


def final(row: Row, style: str | None) -> Row | None:
    """The final of the fastest of both sides in a style, or in any; None if it was not held, or failed."""
    names = [None if h is None else h["name"] for h in (best(row, True, style), best(row, False, style))]
    return next((f for f in row["finals"] if [f["own"], f["rival"]] == names and f["ratio"]), None)


NOTES = (
    "images per second: alone on the GPU, median of the blocks; of PyTorch's two memory layouts, the faster; graph: the whole step as one CUDA graph",
    "minicnn : torch: median of the ratios of neighbouring blocks, in turns; above 1 minicnn is faster; best: each side's faster style",
    "memory: GB that the allocator holds at most during steps, of each side's faster style; deviation: of losses or scores from PyTorch's",
)


def machine_line(machine: Mapping[str, Any]) -> str:
    """What was measured on, in one line."""
    smi = machine.get("nvidia_smi", {})
    parts = [machine.get("gpu", "no GPU"), f"driver {smi['driver_version']}" if smi else "", f"minicnn {machine['minicnn']}"]
    parts += [f"{name} {machine[key]}" for name, key in (("CuPy", "cupy"), ("PyTorch", "torch"), ("cuDNN", "cudnn"), ("NVRTC", "nvrtc")) if key in machine]
    return ", ".join([*filter(None, parts), machine["date"]])


def _line(texts: Sequence[str]) -> str:
    padded = (text.ljust(w) if i < LEFT else text.rjust(w) for i, (text, w) in enumerate(zip(texts, WIDTHS, strict=True)))
    return "  ".join(padded).rstrip()


def _speed(heat: Row | None) -> str:
    return "" if heat is None else f"{heat['images_per_second']['median']:,.0f}"


def _ratio(found: Row | None) -> str:
    return "" if found is None else f"{found['ratio']['median']:.2f}"


def _reserved(heat: Row | None) -> int | None:
    return None if heat is None else heat["memory"].get("reserved")
