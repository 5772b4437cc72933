"""One run of a container's process: started, probed, held to its memory limit, ended."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serinus.sandbox import images
from serinus.sandbox.kubelet.environment import PodIdentity, container_command
from serinus.sandbox.kubelet.handlers import HandlerFailed, Target, call_handler
from serinus.sandbox.kubelet.probes import Prober, parse_probe
from serinus.sandbox.kubelet.quantity import parse_quantity
from serinus.sandbox.kubelet.runtime import Runtime
from serinus.sandbox.kubelet.states import Terminated
from serinus.sandbox.processes import Process
from serinus.sandbox.rest import Raw

MEMORY_WATCH_SECONDS = 0.05
GRACE_AFTER_HOOK_SECONDS = 2.0
DEFAULT_GRACE_SECONDS = 30.0
OUT_OF_MEMORY = "OOMKilled"


@dataclass(frozen=True, slots=True)
class Started:
    """What a run is made of."""

    raw_container: Raw
    identity: PodIdentity
    image: images.Image
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunEvents:
    """Whom a run tells: readiness changed, startup done, something worth an Event (reason, message, kind)."""

    on_ready: Callable[[bool], None]
    on_started: Callable[[], None]
    send: Callable[[str, str, str], None]


@dataclass(slots=True)
class Run:
    """A process and what watches it."""

    process: Process
    target: Target
    events: RunEvents
    raw_container: Raw
    grace_seconds: float
    started_at: float = field(default_factory=time.time)
    _killed_for: str = ""
    _restarting: asyncio.Task[None] | None = None

    @property
    def container_id(self) -> str:
        return f"sandbox://{self.process.pid}-{self.started_at:.3f}"

    async def finish(self) -> Terminated:
        """Watch the process until it has ended; how it ended. When cancelled the process is killed."""
        watchers = [asyncio.create_task(watcher) for watcher in self._watchers()]
        try:
            ended = await self.process.wait()
        finally:
            self.process.kill()
            for task in (*watchers, *([self._restarting] if self._restarting else [])):
                task.cancel()
        reason = self._killed_for or ("Completed" if ended.exit_code == 0 else "Error")
        return Terminated(reason, ended.exit_code, self.started_at, ended.at, self.container_id, ended.signal)

    async def stop(self, grace_seconds: float) -> None:
        """preStop hook, SIGTERM, and SIGKILL when the grace is over. Returns when the process has ended."""
        deadline = time.monotonic() + grace_seconds
        raw_hook = (self.raw_container.get("lifecycle") or {}).get("preStop")
        if raw_hook and grace_seconds > 0:
            await self._run_hook(raw_hook, grace_seconds)
            deadline = max(deadline, time.monotonic() + GRACE_AFTER_HOOK_SECONDS)
        self.process.terminate()
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _run_hook(self, raw_hook: Raw, grace_seconds: float) -> None:
        """Wait for the hook, but not for longer than the process lives or the grace lasts."""
        hook = asyncio.create_task(call_handler(self.target, raw_hook, grace_seconds))
        waited: set[asyncio.Future[Any]] = {hook, self.process.exited}
        await asyncio.wait(waited, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
        hook.cancel()
        result = (await asyncio.gather(hook, return_exceptions=True))[0]
        if isinstance(result, HandlerFailed):
            self.events.send("FailedPreStopHook", f"PreStopHook failed: {result}", "Warning")

    def _watchers(self) -> list[Coroutine[Any, Any, None]]:
        watchers = [self._probe()]
        limit = ((self.raw_container.get("resources") or {}).get("limits") or {}).get("memory")
        return watchers + ([self._watch_memory(parse_quantity(limit))] if limit else [])

    async def _watch_memory(self, limit_bytes: float) -> None:
        while True:
            await asyncio.sleep(MEMORY_WATCH_SECONDS)
            if self.process.resident_bytes() > limit_bytes:
                self._killed_for = OUT_OF_MEMORY
                self.process.kill()
                return

    async def _probe(self) -> None:
        startup = self._prober("startup", lambda good: None if good else self._restart("startup"))
        if startup is not None:
            await startup.run(until_success=True)
            self.events.on_started()
        probers = [
            self._prober("readiness", self.events.on_ready),
            self._prober("liveness", lambda good: None if good else self._restart("liveness")),
        ]
        await asyncio.gather(*(prober.run() for prober in probers if prober is not None))

    def _prober(self, kind: str, on_verdict: Callable[[bool], None]) -> Prober | None:
        raw_probe = self.raw_container.get(f"{kind}Probe")
        if not raw_probe:
            return None

        def on_failure(text: str) -> None:
            self.events.send("Unhealthy", f"{kind.capitalize()} probe failed: {text}", "Warning")

        return Prober(parse_probe(raw_probe), self.target, on_verdict, on_failure)

    def _restart(self, kind: str) -> None:
        """A failed liveness or startup probe ends this run; the restart policy then does the rest."""
        raw_probe = self.raw_container[f"{kind}Probe"]
        grace_seconds = raw_probe.get("terminationGracePeriodSeconds") or self.grace_seconds
        message = f"Container {self.raw_container['name']} failed {kind} probe, will be restarted"
        self.events.send("Killing", message, "Normal")
        self._restarting = asyncio.create_task(self.stop(grace_seconds))


async def start_run(runtime: Runtime, what: Started, log: Path, events: RunEvents) -> Run:
    """Start the process. Raises StartError."""
    command = container_command(what.raw_container, what.image.command, what.environment)
    # A command of the user's own finds its interpreter and tools as in the terminal the sandbox was started from.
    inherited = dict(os.environ) if command else {}
    environment = inherited | what.environment
    directory = what.raw_container.get("workingDir") or ""
    process = await runtime.processes.start(command, environment, log, directory)
    ports = {port["name"]: port["containerPort"] for port in what.raw_container.get("ports") or [] if "name" in port}
    target = Target(runtime, what.identity.pod_ip, ports, os.environ | environment, directory)
    grace_seconds = what.identity.raw_pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return Run(process, target, events, what.raw_container, grace_seconds)
