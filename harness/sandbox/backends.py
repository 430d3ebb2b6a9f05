"""Ways to put the fork server behind a wall, strongest first, and the choice between them."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import SandboxUnavailable, unknown_name
from harness.sandbox import containers, folders, job, landlock, linux, namespaces

START_SECONDS = 60.0
_ROOT = str(Path(__file__).parents[2])
_BOOT = (
    "import json, sys; sys.path.insert(0, sys.argv[1]); from harness.sandbox import server; sys.path.pop(0);"
    " server.main(json.loads(sys.argv[2]))"
)
_FLAGS = ("-s", "-S", "-P", "-c")
# Memory for large values is kept between calls, and in large pages where the kernel has them: fewer page faults.
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}
_FIRST_USER = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to isolate the fork server. Each job adds Landlock, seccomp and rlimits, whatever the backend."""

    name: str
    namespaces: str
    """`make`: the server makes them; `inherit`: it is started inside; `none`."""
    not_covered: str


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("userns", "make", "bugs of the kernel itself"),
        Backend("bwrap", "inherit", "bugs of the kernel itself; no user id of its own"),
        Backend("docker", "inherit", "bugs of the kernel and the container engine; no user id of its own"),
        Backend(
            "landlock",
            "none",
            "bugs of the kernel itself; existence, size and dates of files outside can be asked; the private folder is"
            " not at /tmp, and on the disk",
        ),
    )
}


@dataclass(slots=True)
class Server:
    """A running fork server."""

    backend: Backend
    process: subprocess.Popen[bytes]
    control: socket.socket
    confinement: dict[str, Any]
    folder: str | None = None
    """Made for its jobs on this machine's disk, to be removed with it."""

    def close(self) -> None:
        """End it and everything inside."""
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.folder:
            with contextlib.suppress(OSError):  # the server has done it, unless it was killed
                folders.empty(self.folder)
                os.rmdir(self.folder)


def start(backend: Backend, slot: int = 0) -> Server:
    """Start one fork server.

    Args:
        backend: How to isolate it.
        slot: Number of the worker: each has a user id of its own where ids can be had.

    Returns:
        The server, its layers set up.

    Raises:
        OSError: A layer that the backend stands for could not be set up; the message names it.
    """
    if not linux.supported():
        raise OSError(f"needs Linux on x86-64 or aarch64, this is {platform.system()} on {linux.MACHINE}")
    settings = {
        "site": namespaces.site_packages(),
        "namespaces": backend.namespaces,
        "user": _FIRST_USER + (os.getpid() % 1_000_000) * 100 + slot,
        "folder": namespaces.PRIVATE,
        "counts_threads": os.geteuid() != 0 and linux.counts_by_namespace(),
    }
    if backend.name == "docker":
        inside = settings | {"site": [], "control": containers.SOCKET}
        arguments = [*_FLAGS, _BOOT, containers.INSIDE, json.dumps(inside)]
        process, control = containers.start(arguments, f"{_ROOT}/harness", _ENVIRONMENT, START_SECONDS)
        return _shaken(Server(backend, process, control, {}))
    return _start_here(backend, settings)


def _start_here(backend: Backend, settings: dict[str, Any]) -> Server:
    shown = [*namespaces.python_paths(settings["site"]), os.path.realpath(sys.executable), f"{_ROOT}/harness"]
    settings |= {"folder": namespaces.private_place(shown)}
    wrapper = _bwrap(shown, settings["folder"]) if backend.name == "bwrap" else []
    folder = None
    if backend.namespaces == "none":
        folder = os.path.realpath(tempfile.mkdtemp(prefix="harness-sandbox-"))
        settings |= {"folder": folder}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    settings |= {"control": theirs.fileno()}
    python = [os.path.realpath(sys.executable), *_FLAGS, _BOOT, _ROOT, json.dumps(settings)]
    with theirs, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [*wrapper, *python],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C is meant for the judge: it would count as the program's own end
        )
        theirs.close()
        try:
            return _shaken(Server(backend, process, ours, {}, folder))
        except OSError as error:
            complaints.seek(0)
            said = complaints.read().decode("utf-8", "replace").strip().splitlines()
            raise OSError(f"{error} {said[-1][:300] if said else ''}".strip()) from error


def _shaken(server: Server) -> Server:
    """The server once it has said what it could set up."""
    try:
        server.confinement = _handshake(server.control)
    except OSError:
        server.close()
        raise
    return server


def _handshake(control: socket.socket) -> dict[str, Any]:
    control.settimeout(START_SECONDS)
    answer = control.recv(1 << 16)
    if not answer:
        raise OSError("the server ended at its start:")
    settings: dict[str, Any] = json.loads(answer)
    if "error" in settings:
        raise OSError(settings["error"])
    confinement: dict[str, Any] = settings["confinement"]
    if not (confinement["namespaces"] or confinement["landlock"]):
        raise OSError("the kernel has no Landlock and no namespaces were made")
    return confinement


def _bwrap(shown: list[str], folder: str) -> list[str]:
    program = shutil.which("bwrap")  # the environment it is given has a PATH of its own
    if not program:
        raise FileNotFoundError("bwrap is not installed (Debian and Ubuntu: apt-get install bubblewrap)")
    # Not --die-with-parent: that is the thread that started it. The server ends with its control socket anyway.
    command = [program, "--unshare-all", "--new-session", "--uid", "65534", "--gid", "65534"]
    for path in shown:
        command += ["--dev-bind" if path in namespaces.DEVICES else "--ro-bind", path, path]
    for name in ("lib", "lib64"):
        if os.path.islink(f"/{name}"):
            command += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
    # A small folder for the jobs; before version 0.7 bubblewrap makes it as large as the kernel likes.
    said = subprocess.run([program, "--help"], capture_output=True, timeout=START_SECONDS).stdout
    size = ["--size", str(job.FOLDER_MEGABYTES << 20)] if b"--size" in said else []
    return [*command, *size, "--tmpfs", folder, "--chdir", "/", "--"]


def check_name(name: str) -> None:
    """Refuse a name that no backend has; nothing is started.

    Args:
        name: A backend, or `auto`.

    Raises:
        UsageProblem: No backend has that name.
    """
    if name not in (known := ("auto", *BACKENDS)):
        raise unknown_name("sandbox", name, known)


def choose(name: str = "auto") -> tuple[Server, dict[str, str]]:
    """Start a server of a backend that works here.

    Args:
        name: A backend, or `auto` for the strongest that works.

    Returns:
        The server, and for each stronger backend that was tried why it does not work.

    Raises:
        SandboxUnavailable: The named one, or every one, does not work.
        UsageProblem: No backend has that name.
    """
    check_name(name)
    refused: dict[str, str] = {}
    for backend in BACKENDS.values():
        if name in ("auto", backend.name):
            try:
                return start(backend), refused
            except OSError as error:
                refused[backend.name] = str(error)
    reasons = "; ".join(f"{key}: {value}" for key, value in refused.items())
    raise SandboxUnavailable(
        f"no sandbox works here, so no program is run and nothing is scored ({reasons})",
        "Needed: Linux on x86-64 or aarch64 with seccomp and either Landlock or unprivileged user namespaces. "
        "Install bubblewrap, or use such a machine.",
    )


def describe() -> dict[str, Any]:
    """What this machine offers, for `harness doctor`: every backend with its layers, or why it does not work."""
    found: dict[str, Any] = {"architecture": linux.MACHINE, "landlock_abi": landlock.abi(), "backends": {}}
    for backend in BACKENDS.values():
        try:
            server = start(backend)
        except OSError as error:
            found["backends"][backend.name] = {"works": False, "reason": str(error)}
            continue
        server.close()
        found["backends"][backend.name] = {
            "works": True,
            "layers": layers(server.confinement),
            "not_covered": backend.not_covered,
        }
    found["chosen"] = next((name for name, entry in found["backends"].items() if entry["works"]), None)
    return found


def layers(confinement: dict[str, Any]) -> list[str]:
    """Names of the layers around each job, outermost first."""
    optional = {
        "namespaces": confinement["namespaces"],
        "private /tmp": confinement["folder"] == namespaces.PRIVATE,
        "private folder": confinement["folder"] != namespaces.PRIVATE,
        "own uid": confinement["user"] is not None,
        "landlock": confinement["landlock"],
    }
    threads = "threads counted" if confinement["counted_threads"] else "threads watched"
    return [*(name for name, there in optional.items() if there), "seccomp", "rlimits", threads]
