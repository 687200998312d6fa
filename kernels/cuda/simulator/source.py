"""Rewrites what CUDA C++ has and C++ has not, in text that the preprocessor has been through already.

    extern __shared__ float sums[];        becomes a pointer to the shared memory of the block
    __shared__ float tile[32][33], sum;    becomes a structure, a place for it in shared memory, and references to its members
    __global__ void add(float* x) {...}    is left as it is; at the end a line makes it callable from Python

Lines stay lines, so that the compiler and the errors of a kernel name those of the .cu file.
"""

import itertools
import re
from collections.abc import Iterator

from minicnn.errors import SimulatorError

ALIGNMENT = r"(?:alignas|__align__)\s*\([^()]*\)\s*"
DYNAMIC = re.compile(r'\bextern\b(?P<before>[^;{}()"]*(?:\([^()]*\)[^;{}()"]*)*)\b__shared__\b(?P<after>[^;{}]*);')
ARRAY = re.compile(r"^(?P<type>.*?)\b(?P<name>\w+)\s*\[\s*\](?P<more>(?:\s*\[[^\]]*\])*)\s*$", re.DOTALL)
STATIC = re.compile(rf"(?P<alignment>{ALIGNMENT})?(?:\bstatic\s+)?\b__shared__\b(?P<declaration>[^;{{}}]*);")
KERNEL = re.compile(
    r"\b__global__\s+(?:(?:void|static|inline|__forceinline__)\s+|__launch_bounds__\s*\((?:[^()]|\([^()]*\))*\)\s*|" + ALIGNMENT + r")*(?P<name>\w+)\s*\("
)


def rewrite(text: str) -> tuple[str, list[str]]:
    """The text for the C++ compiler, and the names of the kernels in it."""
    text = DYNAMIC.sub(_dynamic, text)
    numbers = itertools.count()
    text = STATIC.sub(lambda match: _static(match, next(numbers)), text)
    kernels = dict(_kernels(text))
    lines = [f"SIMULATOR_KERNEL({name}, {' '.join(_quoted(p) + ',' for p in parameters)})" for name, parameters in kernels.items()]
    names = f'extern "C" __global__ const char* simulator_kernels() {{ return "{" ".join(kernels)}"; }}'
    return "\n".join([text, '# 1 "the end of the file"', *lines, names, ""]), list(kernels)


def _dynamic(match: re.Match[str]) -> str:
    array = ARRAY.match(re.sub(ALIGNMENT, "", match["before"] + match["after"]))
    if array is None:
        raise SimulatorError(f"cannot read the declaration {_plain(match[0])}: it must be like extern __shared__ float name[];")
    pointer = f"{array['type'].strip()} (*{{}}){array['more']}"
    newlines = "\n" * (match[0].count("\n") - pointer.count("\n") * 2)
    return f"{pointer.format(' const ' + array['name'])} = reinterpret_cast<{pointer.format('')}>(simulator::shared_memory);{newlines}"


def _static(match: re.Match[str], number: int) -> str:
    names, structure = _declared(match["declaration"]), f"simulator_shared_{number}"
    place = f'simulator::shared_variables<{structure}>("{", ".join(names)}")'
    references = " ".join(f"auto& {name} = {place}.{name};" for name in names)
    return f"struct {structure} {{ {match['alignment'] or ''}{match['declaration']}; }}; {references}"


def _declared(declaration: str) -> list[str]:
    """The names in a declaration.

    >>> _declared("alignas(16) float tile[A + 1][32], sum")
    ['tile', 'sum']
    """
    bare = re.sub(ALIGNMENT, "", declaration)
    for brackets in (r"\[[^\[\]]*\]", r"\([^()]*\)", r"<[^<>]*>"):
        while re.search(brackets, bare):
            bare = re.sub(brackets, "", bare)
    return [part.split()[-1].lstrip("*&") for part in bare.split(",")]


def _kernels(text: str) -> Iterator[tuple[str, list[str]]]:
    """Names and parameters of the kernels that are defined in the text; templates have no name of their own."""
    for match in KERNEL.finditer(text):
        before = re.split(r"[;{}]|^#.*$", text[: match.start()], flags=re.MULTILINE)[-1]
        end = _closing(text, match.end())
        if "template" not in before and re.match(r"\s*(?:#.*\s*)*\{", text[end + 1 :]):
            yield match["name"], _split(text[match.end() : end])


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that was opened before `start` is closed."""
    depth = 1
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text)


def _split(parameters: str) -> list[str]:
    """Parameters one by one, as they are declared.

    >>> _split("const float* __restrict__ x,  Pair<int, 2> pair")
    ['const float* x', 'Pair<int, 2> pair']
    """
    parts, depth = [""], 0
    for character in _plain(parameters):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip() not in ("", "void")]


def _plain(text: str) -> str:
    """On one line, without what only the compiler wants to know."""
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\b(?:__restrict__|__restrict|__grid_constant__)\b", "", text)
    return re.sub(r"\s+([*&,])", r"\1", re.sub(r"\s+", " ", text)).strip()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
