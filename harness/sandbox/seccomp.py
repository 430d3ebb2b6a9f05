"""A seccomp filter: the system calls that plain computation needs, and no other.

Threads are allowed, processes are not; no sockets but connected pairs (asyncio wakes itself by one); no signals but to
oneself. Everything else fails with EPERM, so that a program that only probes still runs.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable, Sequence
from functools import cache

from harness.sandbox import linux

# name, number on x86-64, number on aarch64 ("-": that architecture has no such call)
ALLOWED = """
read 0 63; write 1 64; readv 19 65; writev 20 66; pread64 17 67; pwrite64 18 68; preadv 295 69; pwritev 296 70;
lseek 8 62; close 3 57; close_range 436 436; openat 257 56; open 2 -; fstat 5 80; stat 4 -; lstat 6 -;
newfstatat 262 79; statx 332 291; access 21 -; faccessat 269 48; faccessat2 439 439; readlink 89 -; readlinkat 267 78;
getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80 49; fchdir 81 50; dup 32 23; dup2 33 -; dup3 292 24;
pipe 22 -; pipe2 293 59; mkdir 83 -; mkdirat 258 34; rmdir 84 -; unlink 87 -; unlinkat 263 35; rename 82 -;
renameat 264 38; renameat2 316 276; ftruncate 77 46; fsync 74 82; fdatasync 75 83; statfs 137 43; fstatfs 138 44;
umask 95 166; flock 73 32; fadvise64 221 223; copy_file_range 326 285; sendfile 40 71; mmap 9 222; munmap 11 215;
mprotect 10 226; mremap 25 216; madvise 28 233; brk 12 214; msync 26 227; mincore 27 232; futex 202 98;
futex_waitv 449 449; set_robust_list 273 99; get_robust_list 274 100; rseq 334 293; set_tid_address 218 96;
sched_yield 24 124; sched_getaffinity 204 123; sched_getparam 143 121; sched_getscheduler 145 120; membarrier 324 283;
getcpu 309 168; rt_sigaction 13 134; rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigsuspend 130 133;
rt_sigpending 127 136; rt_sigtimedwait 128 137; sigaltstack 131 132; pause 34 -; alarm 37 -; setitimer 38 103;
getitimer 36 102; restart_syscall 219 128; nanosleep 35 101; clock_nanosleep 230 115; clock_gettime 228 113;
clock_getres 229 114; gettimeofday 96 169; time 201 -; times 100 153; getrusage 98 165; getpid 39 172;
getppid 110 173; gettid 186 178; getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177; getresuid 118 148;
getresgid 120 150; getgroups 115 158; getpgrp 111 -; getpgid 121 155; getsid 124 156; getpriority 140 141; uname 63 160;
sysinfo 99 179; getrlimit 97 163; getrandom 318 278; poll 7 -; ppoll 271 73; select 23 -; pselect6 270 72;
epoll_create 213 -; epoll_create1 291 20; epoll_ctl 233 21; epoll_wait 232 -; epoll_pwait 281 22; epoll_pwait2 441 441;
eventfd 284 -; eventfd2 290 19; recvfrom 45 207; shutdown 48 210; getsockopt 55 209; setsockopt 54 208;
getsockname 51 204; getpeername 52 205; exit 60 93; exit_group 231 94; wait4 61 260; waitid 247 95
"""
CONDITIONAL = """
clone 56 220; clone3 435 435; fcntl 72 25; ioctl 16 29; kill 62 129; tgkill 234 131; prlimit64 302 261; prctl 157 167;
socketpair 53 199; sendto 44 206
"""

_AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_X32_BIT = 0x4000_0000
_COLUMN = {"x86_64": 1, "aarch64": 2}

_LOAD, _AND, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_KILL, _ALLOW = 0x8000_0000, 0x7FFF_0000
_SET_MODE_FILTER = 1
_ANY_PROCESS = 0x7E57_A11D

_CLONE_THREAD = 0x0001_0000
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE = 1, 1, 0xF
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. F_SETOWN and F_SETSIG would send signals.
_FCNTL = (0, 1, 2, 3, 4, 1030)
_IOCTL = (0x5401, 0x5421, 0x5450, 0x5451)  # TCGETS, FIONBIO, FIONCLEX, FIOCLEX
_PRCTL = (15, 16)  # PR_SET_NAME, PR_GET_NAME

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


@cache
def numbers(table: str, machine: str) -> dict[str, int]:
    """Call numbers of one architecture by name; calls it does not have are left out."""
    rows = (row.split() for row in table.split(";"))
    return {row[0]: int(row[_COLUMN[machine]]) for row in rows if row[_COLUMN[machine]] != "-"}


def _refuse(code: int) -> Instruction:
    return (_RETURN, 0, 0, 0x0005_0000 | code)


def _argument(index: int, *, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * index + 4 * high)


def _one_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow if the lower half of an argument is one of the values (at most 255)."""
    last = len(values)
    tests = [(_JUMP_EQUAL, last - place, 0, value) for place, value in enumerate(values)]
    return [_argument(index), *tests, _refuse(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _conditions(pid: int) -> dict[str, list[Instruction]]:
    refuse, allow = _refuse(errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    return {
        "clone": [_argument(0), (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD), allow, refuse],
        # Its flags lie in memory, out of the filter's reach; the C library falls back to clone.
        "clone3": [_refuse(errno.ENOSYS)],
        "fcntl": _one_of(1, _FCNTL),
        "ioctl": _one_of(1, _IOCTL),
        "kill": _one_of(0, (pid,)),
        "tgkill": _one_of(0, (pid,)),
        "prlimit64": _one_of(0, (0, pid)),
        "prctl": _one_of(0, _PRCTL),
        "socketpair": [
            _argument(0),
            (_JUMP_EQUAL, 0, 4, _AF_UNIX),
            _argument(1),
            (_AND, 0, 0, _SOCK_TYPE),
            (_JUMP_EQUAL, 0, 1, _SOCK_STREAM),
            allow,
            refuse,
        ],
        # Only without an address: send() on a connected pair.
        "sendto": [
            _argument(4),
            (_JUMP_EQUAL, 0, 3, 0),
            _argument(4, high=True),
            (_JUMP_EQUAL, 0, 1, 0),
            allow,
            refuse,
        ],
    }


def program(machine: str, pid: int) -> list[Instruction]:
    """The filter for one process.

    Args:
        machine: `x86_64` or `aarch64`.
        pid: The only process that may be sent signals: the filtered one itself, as its own namespace numbers it.

    Returns:
        Classic BPF over `struct seccomp_data` (nr, arch, instruction pointer, six 64-bit arguments).
    """
    code: list[Instruction] = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]), (_RETURN, 0, 0, _KILL)]
    code.append((_LOAD, 0, 0, 0))
    if machine == "x86_64":
        code += [(_JUMP_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    return code + _decisions(machine, pid)


def _decisions(machine: str, pid: int) -> list[Instruction]:
    """A search tree over the ranges of call numbers that share an outcome, then one block for each outcome.

    The kernel runs a new filter on every call number and translates it, for each job: a tree takes half the time of a
    list of comparisons. Built from its end, because jumps lead forwards only.
    """
    outcomes = {**_conditions(pid), "allow": [(_RETURN, 0, 0, _ALLOW)], "refuse": [_refuse(errno.EPERM)]}
    code: list[Instruction] = []
    ends: dict[str, int] = {}
    for name, block in outcomes.items():
        code = block + code
        ends[name] = len(code)

    def tree(ranges: Sequence[tuple[int, str]]) -> int:
        if len(ranges) == 1:
            return ends[ranges[0][1]]
        half = len(ranges) // 2
        right, left = tree(ranges[half:]), tree(ranges[:half])
        code.insert(0, (_JUMP_AT_LEAST, len(code) - right, len(code) - left, ranges[half][0]))
        return len(code)

    tree(_ranges(machine))
    return code


def _ranges(machine: str) -> list[tuple[int, str]]:
    """First number and outcome of each range of call numbers."""
    known = dict.fromkeys(numbers(ALLOWED, machine).values(), "allow")
    known |= {number: name for name, number in numbers(CONDITIONAL, machine).items()}
    ranges = [(0, known.get(0, "refuse"))]
    for number in range(1, max(known) + 2):
        if known.get(number, "refuse") != ranges[-1][1]:
            ranges.append((number, known.get(number, "refuse")))
    return ranges


def packed(instructions: Iterable[Instruction]) -> bytes:
    """Instructions as the kernel takes them."""
    return b"".join(struct.pack("=HBBI", *item) for item in instructions)


@cache
def prepare(machine: str) -> bytes:
    """The packed filter with a mark for the process number; made before forking, so that no job spends time on it."""
    return packed(program(machine, _ANY_PROCESS))


def for_process(machine: str, pid: int) -> bytes:
    """The packed filter of one process."""
    return prepare(machine).replace(struct.pack("=I", _ANY_PROCESS), struct.pack("=I", pid))


def restrict(pid: int) -> None:
    """Filter this thread for good. `no_new_privs` must be set.

    Args:
        pid: This process.

    Raises:
        OSError: The kernel has no seccomp filters, or the architecture is not one of the two known.
    """
    if linux.MACHINE not in _AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"seccomp: no system call table for {linux.MACHINE}")
    code = for_process(linux.MACHINE, pid)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
    linux.syscall("seccomp", _SET_MODE_FILTER, 0, header)
