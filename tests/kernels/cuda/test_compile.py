"""Every `.cu` file compiles as it is asked for, for the GPUs that it is asked for on; and the machine code is what its author had in mind. No GPU is needed."""

import functools
import re

import pytest

from tests.kernels.cuda import tools
from tests.kernels.cuda.launches import UNITS, Version, noted

SOURCES = sorted(path.stem for path in tools.FOLDER.glob("*.cu"))
CAPABILITIES = sorted(UNITS)
APART = {Version("in_numba", "float32"): {"relu", "max_pool2d", "block_sums"}}  # for comparison; no operation launches it
AS_CUPY = ("-ftz=true", "--device-as-default-execution-space")  # what CuPy adds
KERNEL = re.compile(r'extern\s+"C"\s+__global__\s+(?:void\s+)?(?:__launch_bounds__\([^)]*\)\s*)?(?:void\s+)?(\w+)\s*\(')

# Bytes of local memory for each thread. Registers are enough for all but:
LOCAL_MEMORY = {
    "set_numbers": 96,  # picks one of its arguments by its number
    "conv_gather_weights": 16,  # two registers in a step of 1024 multiply-adds
}

# Kernels with a middle part that reads, or reads and writes, 16 bytes at a time. They need not be listed, but what is listed stays so.
READ_WIDE = {"batch_norm": "statistics sums sums_add", "gradients": "sum_of_squares", "layer_norm": "column_sums", "loss": "sums_of_losses", "reduction": "sum_rows"}
WRITE_WIDE = {
    "activation": "relu relu_dx leaky_relu leaky_relu_dx relu6 relu6_dx sigmoid sigmoid_dx hyperbolic_tangent hyperbolic_tangent_dx silu silu_dx hardswish hardswish_dx",
    "adaptive_pool": "adaptive_avg_pool2d adaptive_avg_pool2d_dx global_avg_pool2d",
    "batch_norm": "normalise normalise_add gradient",
    "conv_direct": "conv_depthwise",
    "dropout": "dropout",
    "elementwise": "unary binary",
    "gradients": "clip unscale",
    "layer_norm": "normalise_rows row_gradient",
    "loss": "losses losses_dx",
    "optimizer": "sgd adam rmsprop",
    "pool": "avg_pool2d avg_pool2d_dx max_pool2d max_pool2d_dx",
}

# What feeds the tensor cores, and the instruction itself, by element type.
COPIES = r"LDGSTS\.E\.BYPASS\.128"
MMA = {"float32": r"HMMA\.1688\.F32\.TF32", "float16": r"HMMA\.16816\.F32 ", "bfloat16": r"HMMA\.16816\.F32\.BF16"}
WGMMA = {"float32": r"HGMMA\.64x\d+x8\.F32\.TF32", "float16": r"HGMMA\.64x\d+x16\.F32 ", "bfloat16": r"HGMMA\.64x\d+x16\.F32\.BF16"}
LOADS, LOADS_TURNED = dict.fromkeys(MMA, r"LDSM\.16\.M88\.4"), {"float32": r"LDS", "float16": r"LDSM\.16\.MT88\.4", "bfloat16": r"LDSM\.16\.MT88\.4"}
TENSOR_CORES = [
    *(("conv_tensor", 80, dtype, (COPIES, LOADS[dtype], MMA[dtype])) for dtype in MMA),
    *(("conv_tensor_weights", 80, dtype, (COPIES, LOADS_TURNED[dtype], MMA[dtype])) for dtype in MMA),
    *(("conv_hopper", 90, dtype, (COPIES, WGMMA[dtype])) for dtype in MMA),
    *(("conv_hopper_weights", 90, dtype, (COPIES, WGMMA[dtype])) for dtype in ("float16", "bfloat16")),
]


def versions(source, capability):
    """{version: kernels}: what is launched from a file on such a GPU."""
    return {version: names for version, names in sorted((noted()[capability] | APART).items()) if version.source == source}


def options(version, capability):
    return ["-std=c++17", f"-I{tools.FOLDER}", *version.options, f"-arch={version.arch or f'sm_{capability}'}"]


@pytest.fixture(scope="session")
def compiled(once):
    """(machine code, log) of a version for a GPU, compiled once in a run; the log says what each kernel needs."""
    tools.nvrtc()

    def make(version, capability):
        path = tools.FOLDER / f"{version.source}.cu"
        text = f'#line 1 "{path}"\n{path.read_text()}'
        return tools.compile_with_nvrtc(text, [*options(version, capability), *AS_CUPY, "-Xptxas", "-v"])

    return functools.cache(lambda version, capability: once(f"{version} for {capability}", lambda: make(version, capability)))


@pytest.mark.parametrize("source", SOURCES)
def test_each_kernel_is_launched(source):
    text = re.sub(r"//.*", "", (tools.FOLDER / f"{source}.cu").read_text())
    launched = set().union(*(names for capability in CAPABILITIES for names in versions(source, capability).values()))
    assert launched == set(KERNEL.findall(text))


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("source", SOURCES)
def test_compiles(source, capability, compiled):
    asked = versions(source, capability)
    if capability < 90 and asked.keys() <= versions(source, 90).keys():  # nothing of its own: the widest of two element types will do
        last = {version.dtype: version for version in asked}
        asked = {last[dtype]: asked[last[dtype]] for dtype in ("float32", "bfloat16") if dtype in last}
    for version, names in asked.items():
        code, log = compiled(version, capability)
        assert code
        assert "warning" not in log, log
        needs = local_memory(log)
        assert names <= needs.keys(), version
        if capability == 90:
            assert {name: size for name, size in needs.items() if name in names and size > LOCAL_MEMORY.get(name, 0)} == {}, version


def local_memory(log):
    """{kernel: bytes of each thread that lie in memory, because they are no registers}."""
    return {name: int(size) for name, size in re.findall(r"Function properties for (\w+)\n\D*(\d+) bytes stack frame", log)}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("source", sorted(READ_WIDE.keys() | WRITE_WIDE.keys()))
def test_memory_is_read_and_written_16_bytes_at_a_time(source, dtype, compiled):
    reading, writing = READ_WIDE.get(source, "").split(), WRITE_WIDE.get(source, "").split()
    left = {*reading, *writing}
    for version, names in versions(source, 90).items():
        if version.dtype != dtype or not left & names or not is_widest(version):
            continue
        for name, code in tools.disassembled(compiled(version, 90)[0]).items():
            if name in left & names:
                assert re.search(r"LDG\.E\.128", code), (version, name)
                assert name in reading or re.search(r"STG\.E\.128", code), (version, name)
                left.remove(name)
    assert not left or (dtype == "bfloat16" and source in ("gradients", "optimizer")), "parameters are never of 16 bits"


def is_widest(version):
    """Its threads take as many numbers at once as they can."""
    sizes = [int(macro.partition("=")[2]) for macro in version.macros if macro.startswith(("VECTOR", "LANES"))]
    return not sizes or sizes[0] * (4 if version.dtype == "float32" else 2) == 16


@pytest.mark.parametrize(("source", "capability", "dtype", "instructions"), TENSOR_CORES, ids=lambda value: str(value) if isinstance(value, (str, int)) else "")
def test_tensor_cores_are_used_and_fed(source, capability, dtype, instructions, compiled):
    asked = [version for version in versions(source, capability) if version.dtype == dtype]
    assert asked
    for version in asked:
        (code,) = tools.disassembled(compiled(version, capability)[0]).values()
        for instruction in instructions:
            assert re.search(instruction, code), (version, instruction)
        assert not re.search(r"\b(LDL|STL)\b", code), version


@pytest.mark.parametrize("source", SOURCES)
def test_compiles_with_nvcc(source, tmp_path):
    """One version of each file: nvcc takes seconds for each, and is stricter than NVRTC in a few things."""
    number = SOURCES.index(source)
    capability = max(c for c in CAPABILITIES if versions(source, c)) if number % 2 else min(c for c in CAPABILITIES if versions(source, c))
    asked = list(versions(source, capability))
    tools.compile_with_nvcc(tools.FOLDER / f"{source}.cu", options(asked[number % len(asked)], capability), tmp_path / "code.cubin")
