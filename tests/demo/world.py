"""What the demo's tests share: the command as a child process, and a mark by which all its processes are found."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "SERINUS_TEST_MARK"
GONE_SECONDS = 15.0


def marked_environment(folder: Path) -> dict[str, str]:
    """An environment of its own: its default folders are under `folder`, and its processes can be found."""
    own = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder), MARK: secrets.token_hex(8)}
    return os.environ | own


def processes(environment: dict[str, str]) -> dict[int, str]:
    """Every process that inherited this environment's mark, by pid, with its command line; zombies are none."""
    wanted = f"{MARK}={environment[MARK]}".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def assert_none_left(environment: dict[str, str]) -> None:
    """Fails when a marked process still lives after a while."""
    deadline = time.monotonic() + GONE_SECONDS
    while (left := processes(environment)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "serinus", *arguments]


def run(environment: dict[str, str], *arguments: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run `serinus` to its end."""
    return subprocess.run(command(*arguments), env=environment, capture_output=True, text=True, timeout=seconds)


@contextlib.contextmanager
def started(environment: dict[str, str], *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """`serinus` as a child with its output in a pipe; all its processes are gone after the block."""
    child = subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        try:
            yield child
        finally:
            kill_all(environment)
            child.wait()


def kill_all(environment: dict[str, str]) -> None:
    """Whatever became of a test: nothing of it stays."""
    for pid in processes(environment):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def read_until(child: "subprocess.Popen[str]", text: str) -> None:
    """Read the child's lines until one has this text; fails when the child ends before."""
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line)
        if text in line:
            return
    raise AssertionError(f"{text!r} was not said:\n{''.join(seen)}")
