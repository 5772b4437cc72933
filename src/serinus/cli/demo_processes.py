"""The demo's child processes: the cluster, the load, the real `serinus`. None outlives the demo, however that ends.

Each has a session of its own, so that Ctrl-C in a terminal reaches the demo alone, which then ends them in order; and
each is on a leash: the kernel ends it when the demo is killed.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from serinus.cli.sandbox_process import READY_LINE, START_SECONDS, cluster_command, not_started

END_SECONDS = 8.0
LAST_ANSWERS_SECONDS = 20.0  # the load itself waits ten
LINE_BYTES_MAX = 1024 * 1024
SNAPSHOTS = 5
Raw = dict[str, Any]


class Child:
    """A running child; `keep()` lets it live on after its block."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self.process = process
        self.output = process.stdout
        self.kept = False

    def keep(self) -> None:
        """Do not end it with its block."""
        self.kept = True

    async def lines(self) -> AsyncIterator[str]:
        """What it writes, line by line, until it ends."""
        async for line in self.output:
            yield line.decode(errors="replace").rstrip("\n")

    async def end(self, number: int) -> None:
        """Ask it to end with a signal, insist after a while; what it still writes is dropped."""
        if self.process.returncode is None:
            # Not `send_signal`: it looks for the end by itself, and the event loop then knows of no such child.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
        try:
            await asyncio.wait_for(self._drained(), END_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self._drained()

    async def _drained(self) -> None:
        while await self.output.read(LINE_BYTES_MAX):
            continue
        await self.process.wait()


@contextlib.asynccontextmanager
async def _child(command: Sequence[str], stderr: int, number: int, **environment: str) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=stderr,
        start_new_session=True,
        limit=LINE_BYTES_MAX,
        env={**os.environ, **environment},
    )
    child = Child(process)
    try:
        yield child
    finally:
        if not child.kept:
            await child.end(number)


def _leashed(*arguments: str) -> list[str]:
    """A command of this very Python that the kernel kills when this process dies."""
    leash = [sys.executable, "-m", "serinus.sandbox.leash", str(os.getpid())]
    return [*leash, sys.executable, "-m", *arguments]


@contextlib.asynccontextmanager
async def run_cluster(folder: Path, keeps: bool) -> AsyncIterator[Child]:
    """A cluster that is ready. `keeps`: it may outlive this process, if told to. Raises SandboxError."""
    with (folder / "cluster.log").open("wb") as log:
        command = cluster_command(folder, with_parent=not keeps)
        async with _child(command, log.fileno(), signal.SIGTERM) as child:
            try:
                first = await asyncio.wait_for(child.output.readline(), START_SECONDS)
            except TimeoutError as error:
                raise not_started(folder, f"it was not ready within {START_SECONDS:g} s") from error
            if first != READY_LINE:
                raise not_started(folder, "it ended before it was ready")
            yield child


@contextlib.asynccontextmanager
async def run_serinus(arguments: Sequence[str], kubeconfig: Path) -> AsyncIterator[Child]:
    """The real command, its output and errors in one stream; interrupted, it is killed: its cluster goes as well."""
    command = _leashed("serinus", *arguments)
    async with _child(command, STDOUT, signal.SIGKILL, KUBECONFIG=str(kubeconfig)) as child:
        yield child


class Traffic:
    """The load that runs; `now` has its running totals, at most half a second old."""

    def __init__(self, child: Child) -> None:
        self.now: Raw = {"sent": 0, "failed": 0, "slow": 0, "by_version": {}}
        self._past: deque[Raw] = deque(maxlen=SNAPSHOTS)
        self._child = child

    async def follow(self) -> None:
        """Read its totals until it ends."""
        async for line in self._child.lines():
            totals = json.loads(line)
            if "summary" not in totals:
                self._past.append(totals)
            self.now = totals

    def shares_percent(self) -> dict[str, float]:
        """Each version's share of the requests answered in the last two seconds."""
        if not self._past:
            return {}
        before = {name: counts["requests"] for name, counts in self._past[0]["by_version"].items()}
        recent = {n: c["requests"] - before.get(n, 0) for n, c in self._past[-1]["by_version"].items()}
        total = sum(recent.values())
        return {name: 100 * count / total for name, count in recent.items()} if total else {}


@contextlib.asynccontextmanager
async def run_load(url: str, rate: float, seconds: float, slow_ms: float, out: Path) -> AsyncIterator[Traffic]:
    """The open-loop load until the block ends; then `out` has a line for each request."""
    arguments = ["serinus.sandbox.load", "--url", url, "--rate", f"{rate:g}", "--seconds", f"{seconds:g}"]
    arguments += ["--connections", "both", "--slow-ms", f"{slow_ms:g}", "--out", str(out)]
    with (out.parent / "load.log").open("wb") as log:
        async with _child(_leashed(*arguments), log.fileno(), signal.SIGTERM) as child:
            traffic = Traffic(child)
            following = asyncio.create_task(traffic.follow())
            try:
                yield traffic
                child.process.terminate()  # it waits for the answers still due, then writes its closing line
                await asyncio.wait_for(following, LAST_ANSWERS_SECONDS)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
