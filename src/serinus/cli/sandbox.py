"""`serinus sandbox`: the embedded cluster, kept up to be tried out with kubectl and serinus."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from serinus.cli.exits import Exit
from serinus.cli.sandbox_process import (
    check_machine,
    cluster_command,
    default_folder,
    export_line,
    make_folder,
    running_pid,
    stop_cluster,
    stop_line,
    wait_until_ready,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def _folder_option(command: Command) -> Command:
    kind = click.Path(path_type=Path, file_okay=False)
    option = click.option("--dir", "folder", type=kind, help="The cluster's folder. Default: one of your login's own.")
    return option(command)


@click.group()
def sandbox() -> None:
    """An embedded Kubernetes cluster: a real API, and pods that are processes. Nothing of it outlives `stop`."""


@sandbox.command()
@click.option("--foreground", is_flag=True, help="Stay, and end the cluster on Ctrl-C.")
@_folder_option
def start(foreground: bool, folder: Path | None) -> int:
    """Start it, in the background, and say how to reach it."""
    check_machine()
    folder = make_folder(folder or default_folder(os.environ))
    if (pid := running_pid(folder)) is not None:
        click.echo(f"the cluster of {folder} runs already (process {pid}); to reach it:\n\n  {export_line(folder)}\n")
        return Exit.DONE
    with (folder / "cluster.log").open("wb") as log:
        command = cluster_command(folder, with_parent=foreground)
        cluster = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    assert cluster.stdout is not None
    with cluster.stdout:
        try:
            wait_until_ready(cluster.stdout.fileno(), folder)
        except BaseException:  # a person's Ctrl-C as well
            cluster.kill()
            cluster.wait()
            raise
    click.echo(f"the cluster is up (process {cluster.pid}); to reach it:\n\n  {export_line(folder)}\n")
    if foreground:
        return _stay(cluster)
    click.echo(f"to end it: {stop_line(folder)}")
    cluster.returncode = 0  # it stays, on purpose: Popen need not warn of a child that still runs
    return Exit.DONE


def _stay(cluster: "subprocess.Popen[bytes]") -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.DONE))
    click.echo("Ctrl-C ends it")
    try:
        return Exit.DONE if cluster.wait() == 0 else Exit.UNDECIDED
    except KeyboardInterrupt:
        return Exit.DONE
    finally:
        with contextlib.suppress(ProcessLookupError):
            cluster.terminate()
        cluster.wait()


@sandbox.command()
@_folder_option
def stop(folder: Path | None) -> int:
    """End it, and every pod with it."""
    folder = (folder or default_folder(os.environ)).resolve()
    pid = stop_cluster(folder)
    click.echo(f"no cluster runs in {folder}" if pid is None else f"the cluster (process {pid}) has ended")
    return Exit.DONE


@sandbox.command()
@_folder_option
def status(folder: Path | None) -> int:
    """Say whether it runs, and how to reach it; exit code 3 when it does not."""
    folder = (folder or default_folder(os.environ)).resolve()
    pid = running_pid(folder)
    if pid is None:
        click.echo(f"no cluster runs in {folder}; start one: serinus sandbox start")
        return Exit.UNDECIDED
    click.echo(f"the cluster of {folder} runs (process {pid}); to reach it:\n\n  {export_line(folder)}\n")
    return Exit.DONE
