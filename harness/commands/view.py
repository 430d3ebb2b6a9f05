"""`harness view`: one or two runs as a page, or many as a folder of pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import click

from harness.errors import UsageProblem

BUNDLE = "bundle"


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="[bundle] RUN...")
@click.option(
    "-o",
    "--output",
    metavar="FILE|DIR",
    type=click.Path(),
    help="Write the page to this file instead of serving it; of many runs, the pages into this folder.",
)
@click.option("--pages", type=click.IntRange(min=0), default=50, help="Of one or two runs in a folder. [default: 50]")
@click.option("--max-chars", type=click.IntRange(min=100), help="Longer texts are cut. [default: 20000, fewer if many]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the local server. [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def command(
    runs: tuple[str, ...], output: str | None, pages: int, max_chars: int | None, port: int, no_browser: bool
) -> None:
    """Show a run, two side by side, or many.

    The first of two is the baseline. `harness view RUN` serves the page on 127.0.0.1; `harness view bundle RUN -o
    report.html` writes it. It loads nothing from outside. A RUN is its folder or the start of its id; a folder above
    several runs shows them all: a table, leaderboards, trends by date, any two side by side.

    \b
      harness view results/tuned-7b
      harness view bundle results/base-7b results/tuned-7b -o report.html
      harness view results/
      harness view results/ -o site/
    """
    bundle, names = runs[0] == BUNDLE, runs[1:] if runs[0] == BUNDLE else runs
    if not names:
        raise UsageProblem("view bundle needs a run", "harness view bundle RUN [RUN2] -o report.html")
    found = [_runs(name) for name in names]
    many = len(found) > 2 or any(len(below) > 1 for below in found)
    if many or (output and (Path(output).is_dir() or output.endswith("/"))):
        paths = [Path(name) if Path(name).exists() else below[0] for name, below in zip(names, found, strict=True)]
        target = Path(output or "report") if bundle or output else None
        _many(paths, target, pages, max_chars, partial(_serve, port=port, browser=not no_browser))
        return

    from harness.reports.page import page

    html = page([folder for below in found for folder in below], max_chars)
    if bundle or output:
        target = Path(output or "report.html")
        target.write_text(html, encoding="utf-8")
        click.echo(f"wrote {target} ({target.stat().st_size / 1e6:.1f} MB)")
        return
    _serve({"/": html.encode()}.get, port, not no_browser)


def _runs(name: str) -> list[Path]:
    """Folders of the runs that an argument stands for."""
    from harness.results.store import find_run, find_runs

    below = find_runs(Path(name)) if Path(name).exists() else []
    return below if len(below) > 1 else [find_run(name)]


def _many(
    paths: list[Path],
    output: Path | None,
    most: int,
    max_chars: int | None,
    serve: Callable[[Callable[[str], bytes | None]], None],
) -> None:
    from harness.reports import catalogue
    from harness.reports.site import INDEX, Site

    warn = partial(click.echo, err=True)
    known = catalogue.read(paths)
    for problem in known.problems:
        warn(problem)
    site = Site(known, max_chars)
    if output is None:
        serve(lru_cache(maxsize=8)(site.answer))
        return
    if output.is_file() or output.suffix == ".html":
        raise UsageProblem(f"{len(known.runs)} runs do not fit the one file {output}", "Give a folder: -o site/")
    written = site.write(output, most, warn)
    size = sum(path.stat().st_size for path in output.iterdir()) / 1e6
    click.echo(f"wrote {output / INDEX}: {len(known.runs)} runs, {written} pages of one or two, {size:.1f} MB")


def _serve(pages: Callable[[str], bytes | None], port: int, browser: bool) -> None:
    import webbrowser

    from harness.reports.page_server import PageServer

    with PageServer(pages, port) as server:
        click.echo(f"{server.url} (Ctrl-C ends)")
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")
