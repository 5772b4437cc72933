"""Running a command of the user's: by the shell, its output bounded, and ended with all that it started."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

OUTPUT_LINES = 10
END_SECONDS_MAX = 1.0
OUTPUT_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit code (negative: the signal that ended it), and the last lines of its output."""

    code: int
    lines: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The lines as evidence."""
        return tuple(f"output: {line}" for line in self.lines)


async def run_command(command: str, environment: Mapping[str, str]) -> Ran:
    """Run it to its end. Who stops waiting (a time limit, a cancelled task) ends it, and what it left behind."""
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,  # so that what it starts can be ended with it
    )
    try:
        output = await _bounded_output(process)
        code = await process.wait()
    finally:
        await _end(process)
    return Ran(code, tuple(output.decode(errors="replace").splitlines()[-OUTPUT_LINES:]))


async def _bounded_output(process: asyncio.subprocess.Process) -> bytes:
    """All output is read, so that the command never blocks on it; only the end is kept."""
    kept = b""
    if process.stdout is not None:
        while chunk := await process.stdout.read(OUTPUT_BYTES_MAX):
            kept = (kept + chunk)[-OUTPUT_BYTES_MAX:]
    return kept


async def _end(process: asyncio.subprocess.Process) -> None:
    """End what is left of the command: itself, and what it started and left behind; and see it gone.

    What made itself independent may hold the output open for as long as it likes: that is not waited for.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS_MAX):
            await process.wait()
            await _bounded_output(process)
