"""From a .cu file to a library: what the compiler says, what is kept on disk, and how declarations are rewritten."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from minicnn.errors import BackendError
from minicnn.kernels.cuda.simulator import Module, SimulatorError, cache, compiler
from minicnn.kernels.cuda.simulator.source import rewrite

ADD = """#include "one.cuh"
extern "C" __global__ void add(float* x) { x[threadIdx.x] += ONE; }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache.cache_folder.cache_clear()
    yield tmp_path
    cache.cache_folder.cache_clear()


def written(folder, text, name="kernel.cu"):
    (folder / name).write_text(text)
    return folder / name


def compiled(folder):
    return sorted((folder / "cache" / "minicnn" / "simulator").glob("*.so"))


def added(path, options=()):
    x = np.zeros(4, np.float32)
    Module(path, options).get_function("add")((1,), (4,), (x,))
    return x[0]


def error_of(folder, text):
    with pytest.raises(SimulatorError) as error:
        Module(written(folder, text))
    return str(error.value)


def test_an_error_of_the_compiler_names_file_and_line(folder):
    message = error_of(folder, 'extern "C" __global__ void k(float* x) {\n  x[0] = 1;\n  y[0] = 2;\n}\n')
    assert message.startswith(f"kernel.cu does not compile: {folder / 'kernel.cu'}:3:3: error: 'y' was not declared in this scope")
    assert "y[0] = 2;" in message


def test_an_error_in_a_header_names_the_header(folder):
    written(folder, "#define ONE one\n\n__device__ float wrong() { return one; }\n", "one.cuh")
    assert re.match(r"kernel.cu does not compile: .*one.cuh:3:\d+: error: 'one' was not declared", error_of(folder, ADD))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("#include <cmath>\n", "kernels are compiled without CUDA's headers and those of C++, as CuPy does"),
        ("#include <cuda_fp16.h>\n", "kernels are compiled without CUDA's headers"),
        ('extern "C" __global__ void k(int* x) { asm volatile("mov.u32 %0, %%laneid;" : "=r"(x[0])); }', "put the function that uses them between #ifndef MINICNN_SIMULATOR"),
        ('extern "C" __global__ void k(int* x) { x[0] = __activemask(); }', "which lanes are together is up to the hardware"),
        ('extern "C" __global__ void k(float* x) { volatile float a[40000]; a[threadIdx.x] = x[0]; x[1] = a[0]; }', "a thread has a stack of 96 KB here"),
        ("__global__ void k(float*);\nint main() { k<<<1, 1>>>(0); }", "has no code for the host in it"),
        ('extern "C" __global__ void k(float* x) { threadIdx.x = 1; }', ""),
    ],
)  # fmt: skip
def test_common_errors_come_with_advice(folder, text, hint):
    assert hint in error_of(folder, text)


def test_without_a_compiler_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    compiler._compiler.cache_clear()
    with pytest.raises(BackendError, match=r"needs a C\+\+ compiler, g\+\+ or clang\+\+: sudo apt install g\+\+"):
        Module(Path(__file__).parent / "files" / "reduction.cu")


def test_a_compiler_that_never_ends_is_stopped(folder, monkeypatch):
    monkeypatch.setattr(compiler, "SECONDS", 0.001)
    with pytest.raises(SimulatorError, match=r"the compiler has not finished after 0\.001 seconds"):
        Module(written(folder, "// nothing\n"))


def test_a_file_is_compiled_once_and_again_when_something_changes(folder):
    path, header = written(folder, ADD), written(folder, "#define ONE 1\n", "one.cuh")
    assert (added(path), len(compiled(folder))) == (1, 1)
    made = compiled(folder)[0].stat().st_ino
    assert (added(path), len(compiled(folder))) == (1, 1)
    assert compiled(folder)[0].stat().st_ino == made
    header.write_text("#ifndef ONE\n#define ONE 2\n#endif\n")
    assert (added(path), len(compiled(folder))) == (2, 2)
    assert (added(path, ("-DONE=3",)), len(compiled(folder))) == (3, 3)
    assert (added(written(folder, ADD, "copy.cu")), len(compiled(folder))) == (2, 4)  # messages name the file
    (folder / "elsewhere").mkdir()
    written(folder / "elsewhere", "#define ONE 5\n", "one.cuh")
    (folder / "apart").mkdir()
    assert added(written(folder / "apart", ADD), (f"-I{folder / 'elsewhere'}",)) == 5


def test_the_key_knows_the_compiler_and_the_processor(monkeypatch):
    keys = {cache.hashed("text", "flags")}
    keys.add(cache.hashed("textf", "lags"))
    monkeypatch.setattr(cache, "_processor", lambda: "another")
    keys.add(cache.hashed("text", "flags"))
    assert len(keys) == 3


def test_several_processes_at_once_compile_once(folder):
    path = written(folder, ADD)
    written(folder, "#define ONE 1\n", "one.cuh")
    counter = folder / "g++"
    counter.write_text(f'#!/bin/sh\necho "$*" >> {folder}/calls\nexec {compiler._compiler()[0]} "$@"\n')
    counter.chmod(0o755)
    code = f"""
import numpy as np
from minicnn.kernels.cuda.simulator import Module
x = np.zeros(4, np.float32)
Module({str(path)!r}).get_function("add")((1,), (4,), (x,))
assert x[0] == 1
"""
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: subprocess.run([sys.executable, "-c", code], check=False, env=environment, capture_output=True), range(3)))
    assert [e.returncode for e in ended] == [0, 0, 0], ended[0].stderr
    assert (folder / "calls").read_text().count("-shared") == 1
    assert len(compiled(folder)) == 1
    assert not list(compiled(folder)[0].parent.glob("tmp*"))


def test_a_cache_that_cannot_be_written_is_replaced_for_this_process(folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(written(folder, "a file, and no folder", "no_folder")))
    cache.cache_folder.cache_clear()
    written(folder, "#define ONE 1\n", "one.cuh")
    assert added(written(folder, ADD)) == 1
    assert cache.cache_folder().is_dir()


def test_a_damaged_file_is_made_again(folder):
    path = written(folder, ADD)
    written(folder, "#define ONE 1\n", "one.cuh")
    key = compiler.compile_file(path, (), False)
    key.write_bytes(b"not a library")
    assert added(path) == 1


def test_what_has_not_been_used_for_long_is_removed(folder):
    written(folder, "#define ONE 1\n", "one.cuh")
    old = compiler.compile_file(written(folder, ADD), (), False)
    os.utime(old, (time.time() - 40 * 24 * 3600,) * 2)
    recent = compiler.compile_file(written(folder, ADD, "copy.cu"), (), False)
    assert compiled(folder) == [recent]


@pytest.mark.parametrize(
    ("declared", "rewritten"),
    [
        ("extern __shared__ float s[];", "float (* const s) = reinterpret_cast<float (*)>(simulator::shared_memory);"),
        ("extern __shared__ __align__(16) unsigned char s[][32];", "unsigned char (* const s)[32] = reinterpret_cast<unsigned char (*)[32]>(simulator::shared_memory);"),
        ("extern alignas(16) __shared__ Pack s[];", "Pack (* const s) = reinterpret_cast<Pack (*)>(simulator::shared_memory);"),
        ("__shared__ float s[4];", 'struct simulator_shared_0 {  float s[4]; }; auto& s = simulator::shared_variables<simulator_shared_0>("s").s;'),
        (
            "static __shared__ alignas(16) Pair<int, 2> a[N + (1)][M[2]], b;",
            (
                'struct simulator_shared_0 {  alignas(16) Pair<int, 2> a[N + (1)][M[2]], b; }; auto& a = simulator::shared_variables<simulator_shared_0>("a, b").a; '
                'auto& b = simulator::shared_variables<simulator_shared_0>("a, b").b;'
            ),
        ),
    ],
)  # fmt: skip
def test_declarations_of_shared_memory(declared, rewritten):
    assert rewrite(declared)[0].splitlines()[0] == rewritten


def test_kernels_and_their_parameters_are_found():
    text = """
extern "C" __global__ void __launch_bounds__(256, 2) first(const float* __restrict__ x,
# 7 "somewhere"
    Pair<int, 2> p) { if (a(b)) c(); }
__global__ void declared_only(float* x);
template <class T>
__global__ void a_template(T* x) {}
extern "C" {
__launch_bounds__(32) __global__ void
second() {}
}
"""
    rewritten, kernels = rewrite(text)
    assert kernels == ["first", "second"]
    assert 'SIMULATOR_KERNEL(first, "const float* x", "Pair<int, 2> p",)' in rewritten
    assert "SIMULATOR_KERNEL(second, )" in rewritten
    assert rewritten.startswith(text)


def test_a_declaration_that_cannot_be_read_is_quoted():
    with pytest.raises(SimulatorError, match=r"cannot read the declaration extern __shared__ float s;: it must be like"):
        rewrite("extern __shared__ float s;")
