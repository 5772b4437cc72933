"""The real client and engine in this process, on a faster clock: for what takes minutes to be noticed."""

import asyncio
import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serinus.cli.exits import Exit
from serinus.cli.output import PlainWriter
from serinus.cli.run import release
from serinus.core.spec import Image, Spec
from serinus.kube.client import connect
from serinus.kube.kubeconfig import Choice, load_config
from serinus.system import SystemDice
from serinus.wiring import Session

TIMES_AS_FAST = 5


class FastClock:
    """The Clock port; each second of it lasts a fifth of one."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * TIMES_AS_FAST

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / TIMES_AS_FAST)


async def release_in_fast_time(kubeconfig: Path, namespace: str, service: str, image: str) -> tuple[Exit, str]:
    """A whole `serinus deploy`: its exit code, and what it printed."""
    clock, dice = FastClock(), SystemDice()
    config = load_config(Choice(kubeconfig), {})
    spec = Spec(namespace, service, images=(Image(image),), bake_seconds=1.0)
    output = io.StringIO()
    async with connect(config, clock=clock, dice=dice, user_agent="serinus-test") as client:
        code = await release(Session(client, clock, dice, "in-fast-time"), spec, PlainWriter(clock, output))
    return code, output.getvalue()
