"""Processes of this machine, as `/proc` tells of them."""

from __future__ import annotations

from pathlib import Path


def descendants(process: int) -> dict[int, bytes]:
    """Command lines by id of a process and all below it, whichever thread started them."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                names[int(entry.name)] = (entry / "cmdline").read_bytes()
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue

    def descends(pid: int) -> bool:
        while pid in parents and pid != process:
            pid = parents[pid]
        return pid == process

    return {pid: name for pid, name in names.items() if descends(pid)}


def tree(process: int) -> list[int]:
    """A process and those below it: a cheap look, for sampling."""
    found = [process]
    try:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            found += [one for child in children.read_text().split() for one in tree(int(child))]
    except OSError:
        pass
    return found
