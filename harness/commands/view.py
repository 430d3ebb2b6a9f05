"""`harness view`: one or two runs as a page."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import UsageProblem

BUNDLE = "bundle"


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="[bundle] RUN [RUN2]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page to this file instead of serving it.",
)
@click.option("--max-chars", type=click.IntRange(min=100), help="Longer texts are cut. [default: 20000, fewer if many]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the local server. [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def command(runs: tuple[str, ...], output: Path | None, max_chars: int | None, port: int, no_browser: bool) -> None:
    """Show a run, or two side by side, as one static page.

    The first of two is the baseline. `harness view RUN` serves the page on 127.0.0.1; `harness view bundle RUN -o
    report.html` writes it. It loads nothing from outside. A RUN is its folder or the start of its id.

    \b
      harness view results/tuned-7b
      harness view bundle results/base-7b results/tuned-7b -o report.html
    """
    from harness.reports.page import page
    from harness.results.store import find_run

    bundle, names = runs[0] == BUNDLE, runs[1:] if runs[0] == BUNDLE else runs
    if not names:
        raise UsageProblem("view bundle needs a run", "harness view bundle RUN [RUN2] -o report.html")
    html = page([find_run(name) for name in names], max_chars)
    if bundle or output:
        target = output or Path("report.html")
        target.write_text(html, encoding="utf-8")
        click.echo(f"wrote {target} ({target.stat().st_size / 1e6:.1f} MB)")
        return
    _serve(html.encode(), port, not no_browser)


def _serve(html: bytes, port: int, browser: bool) -> None:
    import webbrowser

    from harness.reports.page_server import PageServer

    with PageServer(html, port) as server:
        click.echo(f"{server.url} (Ctrl-C ends)")
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")
