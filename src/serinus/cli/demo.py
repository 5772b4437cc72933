"""`serinus demo`: a good release and two bad ones on the embedded cluster, watched by steady traffic."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from serinus.cli.demo_figures import Figures, as_json, report
from serinus.cli.demo_run import Screen, perform
from serinus.cli.demo_screen import PlainScreen
from serinus.cli.demo_world import IMAGE, SERVICE
from serinus.cli.exits import Exit
from serinus.cli.options import is_terminal
from serinus.cli.sandbox_process import (
    check_machine,
    default_folder,
    export_line,
    make_folder,
    refuse_second,
    stop_line,
)


@click.command()
@click.option("--json", "as_object", is_flag=True, help="One closing JSON object; what happens goes to standard error.")
@click.option("--keep", is_flag=True, help="Leave the cluster up, and say how to go on with it.")
@click.option("--reports", type=click.Path(file_okay=False, path_type=Path), help="Where the releases' pages go.")
def demo(as_object: bool, keep: bool, reports: Path | None) -> int:
    """Release a good and two bad versions on an embedded cluster, under steady traffic. Takes about a minute.

    \b
    Exit codes: 0 the good one was promoted without a lost request and the bad ones taken back, with nothing left
    behind; 1 not so; 3 the demo could not be played to its end; 130 interrupted: then nothing stays.
    """
    check_machine()
    pages = _reports_folder(reports)
    with _folder(keep) as folder, _screen(as_object) as screen:
        try:
            figures = asyncio.run(_interruptible(folder, pages, keep, screen))
        except asyncio.CancelledError:
            return Exit.INTERRUPTED
    _close(figures, as_object)
    if keep:
        click.echo(_how_to_go_on(folder), err=as_object)
    return 0 if figures.ended_well else 1


@contextlib.contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """Where the cluster has its files: the place where `serinus sandbox` finds it if it stays, else a passing one."""
    if keep:
        folder = make_folder(default_folder(os.environ))
        refuse_second(folder)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="serinus-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def _screen(as_object: bool) -> Iterator[Screen]:
    if as_object or not is_terminal() or os.environ.get("TERM") in (None, "dumb"):
        yield PlainScreen(sys.stderr if as_object else sys.stdout)
        return
    from serinus.cli.demo_live import live_screen  # rich is loaded only where somebody watches

    with live_screen() as screen:
        yield screen


def _reports_folder(asked: Path | None) -> Path:
    """Where the pages go, made if need be: a new folder for passing files unless one was named. They stay."""
    if asked is None:
        return Path(tempfile.mkdtemp(prefix="serinus-reports-"))
    try:
        asked.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"cannot make the folder {asked}: {error.strerror}; name another one") from error
    return asked.absolute()


async def _interruptible(folder: Path, reports: Path, keep: bool, screen: Screen) -> Figures:
    """Signals end it in order, children first; a further one does not hurry what takes but a moment."""
    task = asyncio.current_task()
    assert task is not None
    interrupted = False

    def on_signal() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return await perform(folder, reports, keep, screen)


def _close(figures: Figures, as_object: bool) -> None:
    if as_object:
        click.echo(json.dumps(as_json(figures)))
        return
    click.echo("\n" + "\n".join(report(figures)))


def _how_to_go_on(folder: Path) -> str:
    return f"""
the cluster stays up; to go on with it, copy:

  {export_line(folder)}
  kubectl get pods
  serinus deploy {SERVICE} --image {IMAGE}:v5 --bake 5
  serinus status {SERVICE}
  {stop_line(folder)}
"""
