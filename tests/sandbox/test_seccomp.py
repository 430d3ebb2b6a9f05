"""The filter as the kernel reads it, interpreted here for both architectures."""

from __future__ import annotations

import errno
import struct

import pytest

from harness.sandbox import seccomp

PID = 4321
ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
REFUSE = 0x0005_0000 | errno.EPERM
ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
FORBIDDEN = {
    # name: (x86-64, aarch64), from the kernel's tables
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "symlinkat": (266, 36),
    "linkat": (265, 37),
    "fchmodat": (268, 53),
    "fchownat": (260, 54),
    "truncate": (76, 45),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "setuid": (105, 146),
    "sched_setaffinity": (203, 122),
    "openat2": (437, 437),
}


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """Run the filter over one `struct seccomp_data`."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, audit or ARCHITECTURES[machine], 0, *padded)
    code, place, held = seccomp.program(machine, PID), 0, 0
    while True:
        operation, if_true, if_false, operand = code[place]
        place += 1
        match operation:
            case 0x20:
                held = struct.unpack_from("=I", data, operand)[0]
            case 0x54:
                held &= operand
            case 0x15:
                place += if_true if held == operand else if_false
            case 0x35:
                place += if_true if held >= operand else if_false
            case 0x45:
                place += if_true if held & operand else if_false
            case 0x06:
                return operand


def number(machine: str, name: str) -> int:
    return seccomp.numbers(seccomp.CONDITIONAL, machine)[name]


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_listed_calls_pass(machine: str) -> None:
    for call in seccomp.numbers(seccomp.ALLOWED, machine).values():
        assert verdict(machine, call) == ALLOW


@pytest.mark.parametrize("name", FORBIDDEN)
def test_calls_that_reach_outside_are_refused(machine: str, name: str) -> None:
    call = FORBIDDEN[name][list(ARCHITECTURES).index(machine)]
    if call is not None:
        assert verdict(machine, call) == REFUSE


def test_every_unlisted_number_is_refused(machine: str) -> None:
    listed = {*seccomp.numbers(seccomp.ALLOWED + ";" + seccomp.CONDITIONAL, machine).values()}
    assert {verdict(machine, call) for call in range(600) if call not in listed} == {REFUSE}


def test_threads_but_no_processes(machine: str) -> None:
    assert verdict(machine, number(machine, "clone"), 0x3D0F00) == ALLOW
    assert verdict(machine, number(machine, "clone"), 17) == REFUSE
    assert verdict(machine, number(machine, "clone3"), 1) == 0x0005_0000 | errno.ENOSYS


@pytest.mark.parametrize("name", ["kill", "tgkill"])
def test_signals_only_to_oneself(machine: str, name: str) -> None:
    assert verdict(machine, number(machine, name), PID) == ALLOW
    for other in (1, 0, PID + 1, 2**32 - 1):
        assert verdict(machine, number(machine, name), other) == REFUSE


def test_descriptors_cannot_be_made_to_signal_others(machine: str) -> None:
    set_owner, set_signal, duplicate = 8, 10, 1030
    assert verdict(machine, number(machine, "fcntl"), 3, set_owner, 1) == REFUSE
    assert verdict(machine, number(machine, "fcntl"), 3, set_signal, 9) == REFUSE
    assert verdict(machine, number(machine, "fcntl"), 3, duplicate) == ALLOW
    assert verdict(machine, number(machine, "ioctl"), 0, 0x5412) == REFUSE  # TIOCSTI types into a terminal
    assert verdict(machine, number(machine, "ioctl"), 0, 0x5401) == ALLOW


def test_only_connected_socket_pairs(machine: str) -> None:
    cloexec = 0o2000000
    assert verdict(machine, number(machine, "socketpair"), 1, 1 | cloexec) == ALLOW
    assert verdict(machine, number(machine, "socketpair"), 1, 2) == REFUSE  # a datagram pair can send anywhere
    assert verdict(machine, number(machine, "socketpair"), 2, 1) == REFUSE
    assert verdict(machine, number(machine, "sendto"), 3, 0, 0, 0, 0) == ALLOW
    assert verdict(machine, number(machine, "sendto"), 3, 0, 0, 0, 1) == REFUSE
    assert verdict(machine, number(machine, "sendto"), 3, 0, 0, 0, 1 << 32) == REFUSE


def test_limits_of_other_processes_are_out_of_reach(machine: str) -> None:
    assert verdict(machine, number(machine, "prlimit64"), 0) == ALLOW
    assert verdict(machine, number(machine, "prlimit64"), 1) == REFUSE


def test_other_calling_conventions_are_fatal() -> None:
    assert verdict("x86_64", 1, audit=0x4000_0003) == KILL  # 32-bit calls have other numbers
    assert verdict("x86_64", 0x4000_0000 | 59) == KILL  # x32
    assert verdict("aarch64", 1, audit=ARCHITECTURES["x86_64"]) == KILL


def test_the_prepared_filter_is_that_of_the_process(machine: str) -> None:
    assert seccomp.for_process(machine, 4321) == seccomp.packed(seccomp.program(machine, 4321))


def test_no_jump_is_longer_than_the_kernel_can_tell(machine: str) -> None:
    code = seccomp.program(machine, PID)
    assert len(code) < 256
    assert all(0 <= jump <= 255 for _, if_true, if_false, _ in code for jump in (if_true, if_false))
