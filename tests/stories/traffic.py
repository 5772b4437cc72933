"""Users: an open-loop load on the Service from a process of its own, and what became of each request."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS_MAX = 600


@dataclass(slots=True)
class Traffic:
    """What users met; filled when the load has stopped. Each of `requests` has due, ms, status, version, error."""

    sent: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    by_version: dict[str, Any] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def unanswered(self) -> int:
        """Requests that had no answer when the load ended, and 10 s later still had none."""
        return self.sent - len(self.requests)

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Requests without an answer, or with an error for one."""
        return [request for request in self.requests if not request["status"] or request["status"] >= 500]


@contextlib.asynccontextmanager
async def users(url: str, rate: int, connections: str, folder: Path) -> AsyncIterator[Traffic]:
    """Users at work inside the block: the first answers are in when it begins, the last when it has ended."""
    out = folder / f"requests-{connections}.jsonl"
    arguments = ["--url", url, "--rate", str(rate), "--seconds", str(SECONDS_MAX), "--connections", connections]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serinus.sandbox.load", *arguments, "--out", str(out), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    traffic = Traffic()
    try:
        await process.stdout.readline()
        yield traffic
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    summary = json.loads(output.splitlines()[-1])
    traffic.sent, traffic.errors, traffic.by_version = summary["sent"], summary["errors"], summary["by_version"]
    traffic.requests += (json.loads(line) for line in out.read_text().splitlines())
