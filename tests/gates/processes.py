"""Processes that commands of the tests start: what they run, and how to wait for their beginning and their end."""

import asyncio
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 10.0
FORKING = """
import os, sys, time
pid = os.fork()
if pid == 0:
    open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


async def until_written(mark: Path) -> None:
    await _until(lambda: mark.exists() and mark.read_text() != "")


async def until_gone(pid: int) -> None:
    """Until the process is dead: gone, or a zombie whose parent has not looked yet."""
    stat = Path(f"/proc/{pid}/stat")
    await _until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")


async def _until(holds: Callable[[], bool]) -> None:
    """Another process makes it hold, so there is nothing to be woken by."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
