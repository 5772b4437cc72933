"""One container of a pod: pull, start, watch, restart with back-off, stop.

A pod's order of containers and its status are in `pod`; a single run of the process is in `running`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from serinus.sandbox import images
from serinus.sandbox.kubelet.backoff import BackOff
from serinus.sandbox.kubelet.environment import ConfigError, PodIdentity, container_environment
from serinus.sandbox.kubelet.logs import ContainerLog
from serinus.sandbox.kubelet.running import Run, RunEvents, Started, start_run
from serinus.sandbox.kubelet.runtime import Runtime
from serinus.sandbox.kubelet.states import ContainerStatus, Running, State, Terminated, Waiting
from serinus.sandbox.processes import StartError
from serinus.sandbox.rest import Raw

CONFIG_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What a container is to be. `restart_policy` is Always, OnFailure or Never; `restart_count` is carried over."""

    name: str
    restart_policy: str
    is_sidecar: bool = False
    restart_count: int = 0
    waiting_reason: str = "ContainerCreating"


class Container:
    """Runs in the task that awaits `run`; `changed` is called whenever `status` is different."""

    def __init__(
        self, runtime: Runtime, identity: Callable[[], PodIdentity], plan: ContainerPlan, changed: Callable[[], None]
    ) -> None:
        self.name = plan.name
        self.log = ContainerLog(runtime.workdir / identity().raw_pod["metadata"]["uid"] / self.name)
        self._runtime = runtime
        self._identity = identity
        self._plan = plan
        self._changed = changed
        self._state: State = Waiting(plan.waiting_reason)
        self._last: Terminated | None = None
        self._restart_count = plan.restart_count
        self._ready = False
        self._stopping = False
        self.started = asyncio.Event()
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._restarts = BackOff(runtime.settings)

    @property
    def _raw(self) -> Raw:
        """As it stands in the Pod now: an image, unlike most of a pod, may be changed there for the next start."""
        spec = self._identity().raw_pod["spec"]
        containers = [*(spec.get("initContainers") or []), *spec["containers"]]
        found: Raw = next(raw for raw in containers if raw["name"] == self.name)
        return found

    @property
    def status(self) -> ContainerStatus:
        return ContainerStatus(
            self.name,
            self._raw["image"],
            self._state,
            self._last,
            self._restart_count,
            self._ready,
            self.started.is_set(),
            self._run.container_id if self._run else "",
            self._plan.is_sidecar,
        )

    async def run(self) -> None:
        """Until it has ended for good by its restart policy, or was stopped."""
        self._task = asyncio.current_task()
        while True:
            image = await self._pull()
            environment = await self._configure(image)
            ended = await self._run_once(image, environment)
            if self._is_over(ended):
                return
            await self._wait_for_restart(ended)

    async def stop(self, grace_seconds: float) -> None:
        """End it: hook, SIGTERM, SIGKILL after the grace. Returns when the process is gone and `run` has ended."""
        if self._task is None or self._task.done():
            return
        if self._run is None or not isinstance(self._state, Running):
            self._task.cancel()
        else:
            self._stopping = True
            self._send("Killing", f"Stopping container {self.name}")
            await self._run.stop(grace_seconds)
        await asyncio.wait({self._task})

    def kill(self) -> None:
        """End it at once and tell nobody."""
        if self._task is not None:
            self._task.cancel()

    async def _pull(self) -> images.Image:
        attempts = BackOff(self._runtime.settings)
        while True:
            name = self._raw["image"]
            try:
                return images.pull(name)
            except images.InvalidImageName as error:
                self._wait("InvalidImageName", f'Failed to apply default image tag "{name}": {error}')
                self._send("Failed", f"Error: InvalidImageName: {error}", "Warning")
                await asyncio.Event().wait()
            except images.ImageNotFound as error:
                self._wait("ErrImagePull", str(error))
                self._send("Failed", str(error), "Warning")
                # Both reasons are to be seen: the pull's own for the first half of the wait, then the back-off's.
                pause_seconds = attempts.next_seconds(0.0) or self._runtime.settings.back_off_seconds
                await asyncio.sleep(pause_seconds / 2)
                self._wait("ImagePullBackOff", f'Back-off pulling image "{name}": ErrImagePull: {error}')
                self._send("BackOff", f'Back-off pulling image "{name}"')
                await asyncio.sleep(pause_seconds / 2)

    async def _configure(self, image: images.Image) -> dict[str, str]:
        while True:
            try:
                return await container_environment(self._runtime.api, self._identity(), self._raw, image.environment)
            except ConfigError as error:
                self._wait("CreateContainerConfigError", str(error))
                self._send("Failed", f"Error: {error}", "Warning")
                await asyncio.sleep(CONFIG_RETRY_SECONDS)

    async def _run_once(self, image: images.Image, environment: dict[str, str]) -> Terminated:
        begun = time.time()
        events = RunEvents(self._on_ready, self._on_started, self._send)
        what = Started(self._raw, self._identity(), image, environment)
        try:
            run = await start_run(self._runtime, what, self.log.next_run(), events)
        except StartError as error:
            self._send("Failed", f"Error: {error}", "Warning")
            return self._end(Terminated("StartError", 128, begun, time.time(), "", message=str(error)))
        self._run = run
        if isinstance(self._state, Terminated):
            self._last = self._state
        if self._last is not None:
            self._restart_count += 1
        self._state = Running(run.started_at)
        if "startupProbe" not in self._raw:
            self._set_started()
        self._changed()
        self._send("Started", f"Started container {self.name}")
        return self._end(await run.finish())

    def _end(self, ended: Terminated) -> Terminated:
        self._state = ended
        self._ready = False
        self.started.clear()
        self._changed()
        return ended

    def _is_over(self, ended: Terminated) -> bool:
        policy = self._plan.restart_policy
        return self._stopping or policy == "Never" or (policy == "OnFailure" and ended.exit_code == 0)

    async def _wait_for_restart(self, ended: Terminated) -> None:
        pause_seconds = self._restarts.next_seconds(ended.finished_at - ended.started_at)
        if not pause_seconds:
            return
        metadata = self._identity().raw_pod["metadata"]
        pod = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        self._last = ended
        message = f"back-off {_short(pause_seconds)} restarting failed container={self.name} pod={pod}"
        self._wait("CrashLoopBackOff", message)
        self._send("BackOff", f"Back-off restarting failed container {self.name} in pod {pod}", "Warning")
        await asyncio.sleep(pause_seconds)

    def _wait(self, reason: str, message: str) -> None:
        self._state = Waiting(reason, message)
        self._changed()

    def _on_ready(self, ready: bool) -> None:
        self._ready = ready
        self._changed()

    def _on_started(self) -> None:
        self._set_started()
        self._changed()

    def _set_started(self) -> None:
        self.started.set()
        self._ready = "readinessProbe" not in self._raw

    def _send(self, reason: str, message: str, kind: str = "Normal") -> None:
        self._runtime.events.send(self._identity().raw_pod, reason, message, kind, self.name)


def _short(seconds: float) -> str:
    """Seconds as Go writes a duration: 10s, 1m20s, 500ms."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
