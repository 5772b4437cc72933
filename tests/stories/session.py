"""A `serinus` command in a terminal of its own: its lines as they come, its exit code, signals to it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import serinus

PATIENCE_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Result:
    """A command that has ended. Times in seconds since 1970."""

    code: int
    output: str
    errors: str
    ended_at: float

    @property
    def health(self) -> list[str]:
        """What was said of the canary's health."""
        return [line.partition("[CANARY HEALTH]")[2] for line in self.output.splitlines() if "[CANARY HEALTH]" in line]


class Session:
    """One command that runs. `lines` is what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self._process = process
        self._silent = False
        self._more = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        assert process.stderr is not None
        self._errors = asyncio.create_task(process.stderr.read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._more:
                self.lines.append(line.decode().rstrip("\n"))
                self._more.notify_all()
        async with self._more:
            self._silent = True
            self._more.notify_all()

    async def says(self, text: str) -> str:
        """Wait for a line with this text in it; the line. Fails when the command ends without, or in time."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._more:
                while True:
                    found = next((line for line in self.lines if text in line), None)
                    if found is not None:
                        return found
                    assert not self._silent, f"ended without saying {text!r}: {self._story()}"
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"never said {text!r}: {self._story()}") from None

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, within_seconds: float = PATIENCE_SECONDS) -> Result:
        """Wait for its end."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._reading
                errors = await self._errors
                code = await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"did not end within {within_seconds:g} s: {self._story()}") from None
        return Result(code, "\n".join(self.lines), errors.decode(), time.time())

    async def close(self) -> None:
        """End it if it still runs: a story that failed leaves nothing behind."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(self._reading, self._errors, return_exceptions=True)

    def _story(self) -> str:
        return "\n".join(self.lines)


async def start_serinus(arguments: list[str], kubeconfig: Path, home: Path, extra: Mapping[str, str]) -> Session:
    """Start `serinus ARGUMENTS`, with a home and an environment of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(serinus.__file__).parents[1]),  # the same code as the tests see, from any folder
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        **extra,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "serinus",
        *arguments,
        cwd=home,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Session(process)
