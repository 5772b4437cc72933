"""Processes of the sandbox, started through a fork server; this is the asyncio side of it.

Knows nothing of pods. The fork server's own side is `serinus.sandbox.forkserver`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

LINE_BYTES_MAX = 4 * 1024 * 1024


class StartError(Exception):
    """The process could not be started: no such command, no right to execute it, no such directory."""


class ForkServerLost(Exception):
    """The fork server ended, and all processes with it."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: `exit_code` as a shell has it (128 + signal), `at` in seconds since 1970."""

    exit_code: int
    signal: int
    at: float


class Process:
    """A running process, or one that has ended: then `exited` has its result."""

    def __init__(self, identity: int, pid: int, owner: "Processes") -> None:
        self.pid = pid
        self.exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._identity = identity
        self._owner = owner

    def terminate(self) -> None:
        self._owner.signal(self._identity, signal.SIGTERM, group=False)

    def kill(self) -> None:
        """SIGKILL to the process and all in its process group."""
        self._owner.signal(self._identity, signal.SIGKILL, group=True)

    async def wait(self) -> Exit:
        return await asyncio.shield(self.exited)

    def resident_bytes(self) -> int:
        """Memory in RAM, pages shared with the fork server included; 0 when the process has ended."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * 4096


class Processes:
    """The client of one fork server. Use as an async context manager; leaving it kills all its processes."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._identities = itertools.count(1)
        self._starting: dict[int, asyncio.Future[Process]] = {}
        self._running: dict[int, Process] = {}

    async def __aenter__(self) -> Self:
        ours, theirs = socket.socketpair()
        arguments = [sys.executable, "-m", "serinus.sandbox.forkserver", str(theirs.fileno())]
        # A session of its own: Ctrl-C in a terminal is for the supervisor, which then stops the pods in order.
        self._server = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], start_new_session=True)  # noqa: ASYNC220
        theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=LINE_BYTES_MAX)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await asyncio.to_thread(self._server.wait)

    async def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, directory: str = ""
    ) -> Process:
        """Start a command, or the demo application when it is empty; output is appended to `log`.

        Raises StartError, or ForkServerLost.
        """
        identity = next(self._identities)
        started: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._starting[identity] = started
        message = {"op": "start", "id": identity, "command": list(command), "environment": dict(environment)}
        self._send(message | {"directory": directory, "log": str(log)})
        try:
            return await started
        except asyncio.CancelledError:
            # The start cannot be called back; whatever comes of it must not live on unowned.
            self.signal(identity, signal.SIGKILL, group=True)
            raise

    def signal(self, identity: int, number: int, group: bool) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if not self.lost.is_set():
            self._send({"op": "signal", "id": identity, "signal": int(number), "group": group})

    def _send(self, message: dict[str, Any]) -> None:
        if self.lost.is_set():
            raise ForkServerLost("the sandbox's fork server has ended; the sandbox must be started again")
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._receive(json.loads(line))
        except ConnectionError:
            pass
        finally:
            self.lost.set()
            self._give_up()

    def _receive(self, message: dict[str, Any]) -> None:
        identity = message["id"]
        if "exit_code" in message:
            process = self._running.pop(identity, None)
            if process is not None and not process.exited.done():
                process.exited.set_result(Exit(message["exit_code"], message["signal"], message["at"]))
            return
        started = self._starting.pop(identity)
        if started.done():
            return
        if "error" in message:
            started.set_exception(StartError(message["error"]))
            return
        process = Process(identity, message["pid"], self)
        self._running[identity] = process
        started.set_result(process)

    def _give_up(self) -> None:
        for started in self._starting.values():
            if not started.done():
                started.set_exception(ForkServerLost("the sandbox's fork server has ended while starting a process"))
        for process in self._running.values():
            # The kernel ended the processes themselves with the fork server, but not the children they may have had.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.exited.cancel()
