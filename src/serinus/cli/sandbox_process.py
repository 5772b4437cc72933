"""The embedded cluster as a process on this machine: where it is kept, whether it runs, how it is started and stopped.

A cluster belongs to a folder, and its pid stands in the folder's file `pid`. A pid is believed only when that process
is a cluster of this very folder: after a reboot the number may be a stranger's.
"""

import contextlib
import importlib.util
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from serinus.cli.exits import Exit

MODULE = "serinus.sandbox.cluster"
READY_LINE = b"ready\n"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOG_LINES_SHOWN = 5


class SandboxError(click.ClickException):
    """The embedded cluster cannot be had: what, where, why and what to do."""

    exit_code = Exit.REFUSED

    def __init__(self, what: str, where: str, why: str, hint: str) -> None:
        super().__init__(f"serinus: {what}\n  where: {where}\n  why:   {why}\n  do:    {hint}")

    def show(self, file: object = None) -> None:
        """All of it, as it is."""
        click.echo(self.message, err=True)


class SandboxFailed(SandboxError):
    """It was asked for rightly, and did not come about."""

    exit_code = Exit.UNDECIDED


def default_folder(environment: Mapping[str, str]) -> Path:
    """Where the user's own cluster is kept; the same for every command of one login."""
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        if environment.get(name):
            return Path(environment[name]) / "serinus" / "sandbox"
    return Path.home() / ".local" / "state" / "serinus" / "sandbox"


def check_machine() -> None:
    """Raises SandboxError where the embedded cluster cannot run."""
    if sys.platform != "linux":
        raise SandboxError(
            "the embedded cluster runs on Linux only",
            f"this machine: {sys.platform}",
            "its pods are processes with loopback addresses of their own, which only Linux gives without asking root",
            "use Linux, in a virtual machine or a container too; or any real cluster: serinus deploy --help",
        )
    if importlib.util.find_spec("cryptography") is None:
        raise SandboxError(
            "the embedded cluster is not installed",
            sys.prefix,
            "its package 'cryptography' is missing: it comes with the extra 'sandbox'",
            f"{sys.executable} -m pip install 'serinus[sandbox]'",
        )


def make_folder(folder: Path) -> Path:
    """The folder, readable by its owner only. Raises SandboxError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why, hint = error.strerror or str(error), "name a folder that can be written to: --dir DIR"
        raise SandboxError("the embedded cluster has no folder", str(folder), why, hint) from error
    return folder.resolve()


def cluster_command(folder: Path, with_parent: bool) -> list[str]:
    """The command line of a cluster's process."""
    return [sys.executable, "-m", MODULE, "--dir", str(folder), *(["--with-parent"] if with_parent else [])]


def running_pid(folder: Path) -> int | None:
    """The pid of the cluster of this folder, or None when it does not run."""
    try:
        pid = int((folder / "pid").read_text())
        status = Path(f"/proc/{pid}")
        arguments = (status / "cmdline").read_bytes().decode(errors="replace").split("\0")
        is_ours = status.stat().st_uid == os.getuid()
    except (OSError, ValueError):
        return None
    wanted = cluster_command(folder.resolve(), with_parent=False)[1:]
    return pid if is_ours and arguments[1 : 1 + len(wanted)] == wanted else None


def refuse_second(folder: Path) -> None:
    """Raises SandboxError when a cluster runs in this folder already."""
    if (pid := running_pid(folder)) is not None:
        raise SandboxError(
            "a cluster runs there already", str(folder), f"it is process {pid}", f"stop it first: {stop_line(folder)}"
        )


def not_started(folder: Path, why: str) -> SandboxFailed:
    """The error of a cluster that did not come up, with the end of what it said."""
    log = folder / "cluster.log"
    said = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:] if log.exists() else []
    indented = "\n         ".join([why, *said])
    return SandboxFailed("the embedded cluster did not start", str(folder), indented, f"see {log}")


def wait_until_ready(descriptor: int, folder: Path) -> None:
    """Wait for the line by which a cluster says that pods can run. Raises SandboxError."""
    readable, _, _ = select.select([descriptor], [], [], START_SECONDS)
    if not readable:
        raise not_started(folder, f"it was not ready within {START_SECONDS:g} s")
    if os.read(descriptor, len(READY_LINE)) != READY_LINE:
        raise not_started(folder, "it ended before it was ready")


def stop_cluster(folder: Path) -> int | None:
    """End the cluster of this folder, in order, else by force; its pid, or None when there was none to stop."""
    if (pid := running_pid(folder)) is None:
        return None
    with contextlib.suppress(ProcessLookupError), contextlib.ExitStack() as stack:
        # The descriptor names this very process: its number cannot be given to a stranger in the meantime.
        ending = os.pidfd_open(pid)
        stack.callback(os.close, ending)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if running_pid(folder) == pid and not _has_ended(ending, 0.0):
                signal.pidfd_send_signal(ending, number)
            if _has_ended(ending, STOP_SECONDS):
                break
    (folder / "pid").unlink(missing_ok=True)
    return pid


def _has_ended(process: int, within_seconds: float) -> bool:
    return bool(select.select([process], [], [], within_seconds)[0])


def export_line(folder: Path) -> str:
    """What to type so that kubectl and serinus find this cluster, and the shell finds both."""
    path = f"PATH={Path(sys.executable).parent}:$PATH " if sys.prefix != sys.base_prefix else ""
    return f"export {path}KUBECONFIG={folder / 'kubeconfig'}"


def stop_line(folder: Path) -> str:
    """The command that stops this cluster."""
    usual = folder == default_folder(os.environ).resolve()
    return "serinus sandbox stop" + ("" if usual else f" --dir {folder}")
