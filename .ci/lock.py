"""Writes constraints.txt: the versions that .venv holds, or with --lowest the lower bounds of pyproject.toml.

Both cover what `.[dev]` asks for by name; what those packages need in turn is left to them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^]]*)\])?(?P<bounds>[^;]*)(?P<marker>;.*)?")


def direct(project: Mapping[str, Any], extra: str | None = None) -> Iterator[re.Match[str]]:
    """The requirements of a project, or of one of its extras; extras that the extra names are followed."""
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    for found in map(REQUIREMENT.fullmatch, wanted):
        assert found, wanted
        if found["name"] != project["name"]:
            yield found
            continue
        for other in found["extras"].split(","):
            yield from direct(project, other.strip())


def installed(requirement: re.Match[str]) -> str:
    """The version in this environment, without the build's own suffix (`2.13.0+cpu`)."""
    return metadata.version(requirement["name"]).partition("+")[0]


def lowest(requirement: re.Match[str]) -> str | None:
    """The lower bound, or None where there is none."""
    bound = re.search(r">=\s*([\w.]+)", requirement["bounds"])
    return bound[1] if bound else None


def main(arguments: list[str]) -> None:
    """Write the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = arguments == ["--lowest"]
    pins = {
        f"{each['name']}=={version}{each['marker'] or ''}"
        for each in [*direct(project), *direct(project, "dev")]
        if (version := (lowest if least else installed)(each))
    }
    what = "The lower bounds of pyproject.toml" if least else "What the tests last passed with"
    head = [f"# {what}, written by .ci/lock.py; reasons for upper bounds stand in pyproject.toml."]
    (ROOT / "constraints.txt").write_text("\n".join([*head, *sorted(pins, key=str.lower)]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
