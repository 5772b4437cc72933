"""Changes of state as Kubernetes Events: what `kubectl describe` and `kubectl get events` show beside the workload.

A courtesy: nothing waits for an Event, and none that fails stops anything. The core group's Event is written, not that
of events.k8s.io: both are one object to the server, but kubectl and older tools read involvedObject, count and the
timestamps, which only the former fills. This stands here and not in a folder of its own, since an Event needs the
client and the live copies that only `kube` may touch.
"""

import asyncio
import contextlib

from serinus.core.notices import Notice
from serinus.core.progress import Progress
from serinus.kube.errors import Forbidden, KubeError
from serinus.kube.resources import EVENTS, Raw
from serinus.kube.target import Target
from serinus.ports import Reporter

COMPONENT = "serinus"
MESSAGE_BYTES_MAX = 1024
SEND_SECONDS_MAX = 5.0
CLOSE_SECONDS_MAX = 2.0
WAITING_MAX = 64
"""Events that wait to be sent; more than that are lost, and counted."""


class KubeNotifier:
    """See `ports.Notifier`. Two Events a notice at most: on the Deployment that serves, and on the Service."""

    def __init__(self, target: Target, runner: str, reporter: Reporter) -> None:
        self._target = target
        self._runner = runner
        self._reporter = reporter
        self._waiting: asyncio.Queue[Raw] = asyncio.Queue(WAITING_MAX)
        self._sending: asyncio.Task[None] | None = None
        self._count = 0
        self._lost = 0
        self._why = ""
        self._refused = False

    def notify(self, notice: Notice) -> None:
        """Note it for sending."""
        deployment = self._target.deployments.objects.get(notice.deployment)
        for raw in (deployment, self._target.raw_service):
            if raw is None:
                continue
            self._count += 1
            try:
                self._waiting.put_nowait(self._event(notice, raw))
            except asyncio.QueueFull:
                self._lose("too many were waiting")
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Send what waits, within the time limit; then say once if any were lost."""
        if self._sending is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._waiting.join()
        self._sending.cancel()
        await asyncio.wait([self._sending])
        self._sending = None
        while not self._waiting.empty():
            self._waiting.get_nowait()
            self._lose("the cluster did not take them in time")
        if self._lost:
            sentence = f"{self._lost} of {self._count} Kubernetes Events could not be written: {self._why}"
            self._reporter.report(Progress("events_lost", sentence))

    async def _send_all(self) -> None:
        while True:
            raw = await self._waiting.get()
            try:
                await self._send(raw)
            finally:
                self._waiting.task_done()

    async def _send(self, raw: Raw) -> None:
        if self._refused:
            self._lose(self._why)
            return
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._target.client.create(EVENTS, raw, self._target.namespace)
        except TimeoutError:
            self._lose("the cluster did not take them in time")
        except KubeError as error:
            self._refused = isinstance(error, Forbidden)
            self._lose("there is no right to create events" if self._refused else error.why)

    def _lose(self, why: str) -> None:
        self._lost += 1
        self._why = why

    def _event(self, notice: Notice, raw: Raw) -> Raw:
        metadata = raw["metadata"]
        transport = self._target.client.transport
        now = transport.clock.now()
        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "name": f"{metadata['name']}.{transport.dice.token()}{int(now.timestamp() * 1000):x}",
                "namespace": self._target.namespace,
            },
            "involvedObject": {
                "apiVersion": raw["apiVersion"],
                "kind": raw["kind"],
                "name": metadata["name"],
                "namespace": self._target.namespace,
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "type": "Warning" if notice.is_warning else "Normal",
            "reason": notice.reason.value,
            "message": bounded(f"{notice.sentence} (rollout {notice.rollout})"),
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._runner,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }


def bounded(message: str) -> str:
    """Cut to what an Event may hold, in bytes, at a whole character."""
    return message.encode()[:MESSAGE_BYTES_MAX].decode(errors="ignore")
