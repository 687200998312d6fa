"""seccomp: from a moment on, this process can ask the kernel for what is listed, and for nothing else. Linux; `man 2 seccomp`.

What is listed is computing, memory, time, and files and pipes. Whatever reaches another process, the network, or the system's settings is not there: starting a process, sending
a signal, opening a socket. Asked for it, the kernel answers that it does not have it.

The list is a program of the kernel's packet filter, four numbers an instruction, which looks at the number of each system call.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2  # of prctl
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # instructions
NUMBER, PROCESSOR, SECOND_ARGUMENT = 0, 4, 24  # where they stand in what a filter is given
ALLOW, ANSWER = 0x7FFF0000, 0x00050000  # the latter with a number of an error
NOT_THERE = (RETURN, 0, 0, ANSWER | errno.ENOSYS)
PROCESSORS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

CALLS = """ x86_64 aarch64
    read 0 63           write 1 64          readv 19 65         writev 20 66        pread64 17 67       lseek 8 62          close 3 57          fcntl 72 25
    open 2 -            openat 257 56       stat 4 -            fstat 5 80          lstat 6 -           newfstatat 262 79   statx 332 291       getdents64 217 61
    access 21 -         faccessat 269 48    faccessat2 439 439  readlink 89 -       readlinkat 267 78   getcwd 79 17        ioctl 16 29         dup 32 23
    dup2 33 -           dup3 292 24         pipe 22 -           pipe2 293 59        poll 7 -            ppoll 271 73        select 23 -         pselect6 270 72
    mmap 9 222          mprotect 10 226     munmap 11 215       mremap 25 216       madvise 28 233      brk 12 214          membarrier 324 283
    rt_sigaction 13 134 rt_sigprocmask 14 135                   rt_sigreturn 15 139 sigaltstack 131 132 restart_syscall 219 128
    futex 202 98        set_robust_list 273 99                  rseq 334 293        sched_yield 24 124  sched_getaffinity 204 123               getcpu 309 168
    clock_gettime 228 113                   clock_getres 229 114                    clock_nanosleep 230 115                 nanosleep 35 101    gettimeofday 96 169
    time 201 -          times 100 153       getitimer 36 102    setitimer 38 103    alarm 37 -
    getpid 39 172       getppid 110 173     gettid 186 178      getpgrp 111 -       getuid 102 174      geteuid 107 175     getgid 104 176      getegid 108 177
    getrandom 318 278   getrusage 98 165    sysinfo 99 179      uname 63 160        exit 60 93          exit_group 231 94
"""
ONLY = {  # what may be asked for with the second argument
    "fcntl": (0, 1, 2, 3, 4, 1030),  # doubles and flags of a file; not who gets a signal when something arrives
    "ioctl": (0x5401, 0x5450, 0x5451),  # is it a terminal, and whether a started process would get it
}


def allow_only_computing() -> None:
    """Shut everything else.

    Raises:
        OSError: the kernel, or the processor, does not have it.
    """
    calls = allowed(platform.machine())
    program = [(LOAD, 0, 0, PROCESSOR), (JUMP_IF_EQUAL, 1, 0, PROCESSORS[platform.machine()]), NOT_THERE, (LOAD, 0, 0, NUMBER)]
    for name, number in calls.items():
        rule = _one_of(ONLY[name]) if name in ONLY else [(RETURN, 0, 0, ALLOW)]
        program += [(JUMP_IF_EQUAL, 0, len(rule), number), *rule]
    program.append(NOT_THERE)
    instructions = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(instructions, len(instructions))
    about = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(memory)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SECCOMP, FILTER, about, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp is not to be had")


def _one_of(values: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Is the second argument one of these?"""
    return [(LOAD, 0, 0, SECOND_ARGUMENT), *(part for value in values for part in ((JUMP_IF_EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW))), NOT_THERE]


def allowed(machine: str) -> dict[str, int]:
    """The system calls in the list, with their numbers for a processor.

    Raises:
        OSError: it is none of those that are known here.
    """
    if machine not in PROCESSORS or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    words = CALLS.split()[len(PROCESSORS) :]
    column = 1 + list(PROCESSORS).index(machine)
    return {words[i]: int(words[i + column]) for i in range(0, len(words), 3) if words[i + column] != "-"}
