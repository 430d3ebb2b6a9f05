"""The fork server in a container: for machines where only the container engine may make namespaces.

The engine passes on no descriptors, so the server connects to a socket in a folder that is mounted for it. The image is
`HARNESS_SANDBOX_IMAGE` (any with Python 3.11 or newer as `python3`; `python:3.11-slim` by default) and is never pulled.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.sandbox.job import FOLDER_MEGABYTES
from harness.sandbox.namespaces import PRIVATE

IMAGE = "python:3.11-slim"
INSIDE = "/opt/sandbox"
"""Where the harness lies in the container."""
SOCKET = "/control/socket"


def engine() -> str:
    """The container engine's program.

    Raises:
        FileNotFoundError: Neither docker nor podman is installed.
    """
    found = shutil.which("docker") or shutil.which("podman")
    if found is None:
        raise FileNotFoundError("neither docker nor podman is installed")
    return found


def usable(program: str) -> str:
    """The same program if its service answers, else podman where that is installed too.

    Raises:
        OSError: The engine does not answer.
    """
    answer = subprocess.run([program, "info"], capture_output=True, timeout=30)
    if answer.returncode == 0:
        return program
    other = shutil.which("podman")
    if other and other != program:
        return usable(other)
    raise OSError(answer.stderr.decode("utf-8", "replace").strip().splitlines()[-1][:300])


def command(program: str, folder: str, source: str, environment: Mapping[str, str]) -> list[str]:
    """The start of the command line; the arguments of `python3` follow.

    Args:
        program: The engine.
        folder: Holds the control socket.
        source: Folder of the `harness` package.
        environment: Variables of the server, which sees no others.
    """
    # A rootless engine maps the caller to root inside; only as the caller can the judge end a job.
    user = "0:0" if os.geteuid() and "podman" in program else f"{os.geteuid()}:{os.getegid()}"
    flags = ["--rm", "--pull=never", "--network=none", "--read-only", "--cap-drop=ALL", "--pids-limit=512"]
    flags += [f"--tmpfs={PRIVATE}:size={FOLDER_MEGABYTES}m,nr_inodes=256,mode=1777,nosuid,nodev"]
    flags += ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--log-driver=none"]
    flags += ["--security-opt=no-new-privileges", f"--user={user}", "--workdir=/"]
    mounts = [f"--volume={folder}:{os.path.dirname(SOCKET)}:ro", f"--volume={source}:{INSIDE}/harness:ro"]
    variables = [f"--env={name}={value}" for name, value in environment.items() if name != "PATH"]
    return [program, "run", *flags, *mounts, *variables, "--entrypoint=python3", image()]


def image() -> str:
    """The image whose Python, and whose packages, programs are run with."""
    return os.environ.get("HARNESS_SANDBOX_IMAGE", IMAGE)


def start(
    arguments: Sequence[str], source: str, environment: Mapping[str, str], seconds: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a container and wait until its server connects.

    Args:
        arguments: Of `python3`.
        source: Folder of the `harness` package.
        environment: Variables of the server.
        seconds: How long it may take.

    Returns:
        The engine's process, which ends with the container, and the control socket.

    Raises:
        OSError: There is no engine, no image, or the server did not connect.
    """
    program = usable(engine())
    with tempfile.TemporaryDirectory(prefix="harness-sandbox-") as folder, tempfile.TemporaryFile() as said:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(Path(folder, "socket")))
            listener.listen(1)
            listener.settimeout(0.1)
            line = [*command(program, folder, source, environment), *arguments]
            nothing = subprocess.DEVNULL
            process = subprocess.Popen(line, stdin=nothing, stdout=nothing, stderr=said, start_new_session=True)
            end = time.monotonic() + seconds
            while time.monotonic() < end and process.poll() is None:
                try:
                    control = listener.accept()[0]
                except TimeoutError:
                    continue
                control.setblocking(True)
                return process, control
        process.kill()
        process.wait()
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    raise OSError(f"no container was started: {lines[-1][:300] if lines else 'no answer'}")
