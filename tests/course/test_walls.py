"""The walls of the kernel around code of students, tried from inside by system calls, where no hook of Python is asked. Linux has them; elsewhere there are none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn.course.sandbox import guard, landlock, seccomp
from minicnn.course.sandbox.student import Limits, Student, StudentError, walls_here

SOON = Limits(seconds=30, memory=2**29)


if sys.platform != "linux" or landlock.version() == 0 or os.uname().machine not in seccomp.PROCESSORS:
    pytest.skip("Landlock (Linux 5.13) and seccomp on x86-64 or AArch64 are what is tried", allow_module_level=True)


def test_the_walls_stand():
    assert walls_here() == ["files", "calls"]


INSIDE = """
import ctypes, errno, json, os, signal, sys
from pathlib import Path
from minicnn.course.sandbox import guard, seccomp

secret, parent = sys.argv[1], int(sys.argv[2])  # a process that may be spoilt
libc = ctypes.CDLL(None, use_errno=True)
calls = dict(json.loads(sys.argv[3]))
print(json.dumps(guard._build_walls(guard.library())), flush=True)
read, write = os.pipe()

def call(name, *arguments):
    done = libc.syscall(calls[name], *arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if done < 0 else "done"

path = secret.encode()
AT = -100
tries = {
    "read": call("openat", AT, path, 0), "write": call("openat", AT, path, 1), "make": call("openat", AT, path + b"2", 0o101, 0o600), "folder": call("openat", AT, b"/", 0o200000),
    "from /proc": call("openat", AT, b"/proc/self/environ", 0), "link": call("linkat", AT, path, AT, path + b"3", 0), "remove": call("unlinkat", AT, path, 0),
    "mode": call("fchmodat", AT, path, 0o777), "time": call("utimensat", AT, path, None, 0), "cut": call("truncate", path, 0), "attribute": call("setxattr", path, b"user.x", b"y", 1, 0),
    "kill": call("kill", parent, 0), "thread kill": call("tgkill", parent, parent, 0), "queue": call("rt_sigqueueinfo", parent, 0, b"0" * 128), "trace": call("ptrace", 16, parent, 0, 0),
    "socket": call("socket", 2, 1, 0), "pair": call("socketpair", 1, 1, 0, b"0" * 8), "start": call("execve", b"/bin/true", None, None), "fork": call("clone", 17, 0, 0, 0, 0), "clone3": call("clone3", b"0" * 88, 88),
    "memory of others": call("process_vm_readv", parent, None, 0, None, 0, 0), "limits of others": call("prlimit64", parent, 7, None, None), "priority": call("setpriority", 0, parent, 19),
    "mount": call("mount", b"none", b"/mnt", b"tmpfs", 0, None), "namespace": call("unshare", 0x10000000), "filter": call("bpf", 0, None, 0), "ring": call("io_uring_setup", 4, b"0" * 120),
    "key": call("add_key", b"user", b"a", b"b", 1, -3), "shared memory": call("shmget", 77, 4096, 0o1666), "anonymous file": call("memfd_create", b"a", 0), "handle": call("open_by_handle_at", AT, b"0" * 16, 0),
    "signal by file": call("fcntl", read, 8, parent), "terminal": call("ioctl", read, 0x5412, b"x"),
    "allowed: time": call("getpid"), "allowed: flags": call("fcntl", read, 3),
    "allowed: numpy": call("openat", AT, guard.np.__file__.encode(), 0),
    "allowed: python": call("openat", AT, os.__file__.encode(), 0),
    "minicnn": call("openat", AT, guard.__file__.encode(), 0),
}
print(json.dumps(tries))
"""
CALLS = {  # numbers on x86-64 and AArch64, from the kernel's own tables
    "openat": (257, 56), "linkat": (265, 37), "unlinkat": (263, 35), "fchmodat": (268, 53), "utimensat": (280, 88), "truncate": (76, 45),
    "setxattr": (188, 5), "kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "ptrace": (101, 117), "socket": (41, 198),
    "socketpair": (53, 199), "execve": (59, 221), "clone": (56, 220), "clone3": (435, 435), "process_vm_readv": (310, 270), "prlimit64": (302, 261),
    "setpriority": (141, 140), "mount": (165, 40), "unshare": (272, 97), "bpf": (321, 280), "io_uring_setup": (425, 425), "add_key": (248, 217),
    "shmget": (29, 194), "memfd_create": (319, 279), "open_by_handle_at": (304, 265), "fcntl": (72, 25), "ioctl": (16, 29), "getpid": (39, 172),
}  # fmt: skip


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What came of each try."""
    secret = tmp_path_factory.mktemp("outside") / "secret"
    secret.write_text("the answer")
    numbers = json.dumps([(name, both[os.uname().machine == "aarch64"]) for name, both in CALLS.items()])
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(minicnn.__file__).parents[1])}
    with subprocess.Popen(["sleep", "60"]) as other:
        done = subprocess.run([sys.executable, "-c", INSIDE, str(secret), str(other.pid), numbers], capture_output=True, text=True, check=False, env=environment, timeout=50)
        assert other.poll() is None
        other.kill()
    assert done.returncode == 0, done.stderr
    standing, tries = map(json.loads, done.stdout.splitlines())
    assert standing == ["files", "calls"]
    assert secret.read_text() == "the answer"
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]
    return tries


def test_nothing_gets_out(tried):
    by_landlock = {"read", "write", "make", "folder", "from /proc", "minicnn"}
    allowed = {name for name in tried if name.startswith("allowed")}
    assert {name: tried[name] for name in by_landlock} == dict.fromkeys(by_landlock, "EACCES")
    others = tried.keys() - by_landlock - allowed
    assert {name: tried[name] for name in others} == dict.fromkeys(others, "ENOSYS")
    assert len(others) > 25


def test_what_computing_needs_is_there(tried):
    allowed = {name for name in tried if name.startswith("allowed")}
    assert {name: tried[name] for name in allowed} == dict.fromkeys(allowed, "done")
    assert len(allowed) == 4


def test_without_the_hook():
    """Whoever takes it apart has won nothing."""
    source = """
import gc, sys
for each in gc.get_objects():
    if isinstance(each, dict) and "_ask_for_file" in each and "watch" in each:
        each["_ask"] = lambda *args: None
def f(what):
    import os, signal
    return str({"read": lambda: open("/etc/hostname").read(), "fork": os.fork, "kill": lambda: os.kill(os.getppid(), 0), "see": lambda: os.listdir("/"), "write": lambda: open("/tmp/x", "w")}[what]())
"""
    with Student([("cell", source)], file="a.ipynb", limits=SOON) as student:
        for what, said in (("read", "Permission denied"), ("see", "Permission denied"), ("write", "Permission denied"), ("fork", "Function not implemented"), ("kill", "Function not implemented")):
            with pytest.raises(StudentError, match=said):
                student.f(what)
        assert student.problems == {}


COMPILE = """
import pathlib, subprocess, sys
pathlib.Path("a.cpp").write_text(TEXT)
done = subprocess.run(["g++", "-shared", "-fPIC", "-o", "a.so", "a.cpp"], capture_output=True, text=True)
import ctypes
f = ctypes.CDLL("./a.so").f if not done.returncode else None
def run(x):
    return f(x)
said = done.stderr
"""


def compiled(text, **options):
    return Student((), file="a.cpp", provided=[("given", f"TEXT = {text!r}\n{COMPILE}")], headers=(), limits=SOON, **options)


def test_a_compiler_runs_before_the_doors_close(tmp_path):
    with compiled('extern "C" int f(int x) { return x + 1; }') as student:
        assert student.walls == ["files", "calls"]
        assert student.run(41) == 42


@pytest.mark.parametrize("text", ['#include "SECRET"', 'asm(".incbin \\"SECRET\\"");', '#include "MINICNN"'])
def test_what_is_compiled_includes_no_secret(text, tmp_path):
    (tmp_path / "secret").write_text("the answer")
    text = text.replace("SECRET", str(tmp_path / "secret")).replace("MINICNN", guard.__file__)
    with compiled(text) as student:
        said = student.said
    assert "Permission denied" in said or "not found" in said, said
    assert "the answer" not in said


def test_machine_code_is_shut_in_as_well(tmp_path):
    (tmp_path / "secret").write_text("the answer")
    text = f"""
#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
extern "C" int f(int what) {{
  int done = what == 0 ? open("{tmp_path}/secret", O_RDONLY) : what == 1 ? kill(getppid(), 0) : what == 2 ? socket(AF_INET, SOCK_STREAM, 0) : what == 3 ? fork() : open("more", O_CREAT | O_WRONLY, 0600);
  return done < 0 ? errno : 0;
}}
"""
    with compiled(text) as student:
        found = [student.run(what) for what in range(5)]
    assert found == [13, 38, 38, 38, 13]  # EACCES and ENOSYS


def test_no_list_for_other_processors():
    from minicnn.course.sandbox import seccomp

    with pytest.raises(OSError, match="no list of system calls for vax"):
        seccomp.allowed("vax")
    assert len(seccomp.allowed("x86_64")) > len(seccomp.allowed("aarch64")) > 50
    assert np.all(np.array(list(seccomp.allowed("x86_64").values())) < 512)
