"""The Job controller's loop: makes a Job's pod, notes how it ended, and removes the Job when its time is over."""

import asyncio
from datetime import UTC, datetime

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.expectations import Expectations
from serinus.sandbox.controllers.job.plan import (
    is_finished,
    needs_pod,
    new_pod,
    plan_status,
    seconds_to_deadline,
    seconds_to_live,
)
from serinus.sandbox.controllers.objects import (
    ObjectKey,
    controller_of,
    copied,
    is_deleting,
    path_of,
    pod_is_active,
    uid_of,
)
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.controllers.writes import Event, Write, Writer, create, random_suffix, update_status
from serinus.sandbox.rest import Api, ApiError, Raw, key_of


class JobController:
    """Turns Jobs into pods. `run` once the caches are filled."""

    def __init__(self, api: Api, caches: Caches) -> None:
        self._writer = Writer(api, "job-controller", caches)
        self._jobs = caches.of("batch/v1", "Job")
        self._pods = caches.of("v1", "Pod")
        self._in_flight = Expectations()
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue("job", self._sync)
        self._jobs.subscribe(self._job_changed)
        self._pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run())
            group.create_task(self._queue.run())

    def _job_changed(self, before: Raw | None, after: Raw | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))
        elif before is not None:
            self._in_flight.forget(key_of(before))

    def _pod_changed(self, before: Raw | None, after: Raw | None) -> None:
        owner = controller_of(after or before)
        present = after or before
        if owner is not None and present is not None and owner["kind"] == "Job":
            namespace, name = key_of(present)
            self._in_flight.seen((namespace, owner["name"]), name)
            self._queue.add((namespace, owner["name"]))

    async def _sync(self, key: ObjectKey) -> None:
        job = self._jobs.get(key)
        if job is None or is_deleting(job):
            return
        now = datetime.now(UTC)
        left = seconds_to_live(job, now)
        if left is not None:
            await self._expire(job, key, left)
            return
        if not self._in_flight.satisfied(key):
            return
        pods = self._pods.controlled_by(uid_of(job))
        status = plan_status(job, pods, now)
        if needs_pod(status):
            await self._create_pod(job, key)
        if (left := seconds_to_deadline(job, status, now)) is not None:
            self._queue.add_after(key, left)
        if is_finished({"status": status}):
            await self._end([pod for pod in pods if pod_is_active(pod)])
        if status != (job.get("status") or {}):
            fresh = copied(job)
            fresh["status"] = status
            await self._writer.write(update_status(fresh))

    async def _end(self, pods: list[Raw]) -> None:
        """What still runs of a Job that has finished ends."""
        for pod in pods:
            await self._writer.write(Write("DELETE", path_of(pod), {"preconditions": {"uid": uid_of(pod)}}))

    async def _expire(self, job: Raw, key: ObjectKey, seconds: float) -> None:
        """A finished Job that may not stay is deleted with its pod."""
        if seconds > 0:
            self._queue.add_after(key, seconds)
            return
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid_of(job)}}
        await self._writer.write(Write("DELETE", path_of(job), options))

    async def _create_pod(self, job: Raw, key: ObjectKey) -> None:
        pod = new_pod(job, random_suffix())
        name = pod["metadata"]["name"]
        self._in_flight.expect(key, name)
        try:
            await self._writer.write(create(pod, Event(job, "SuccessfulCreate", f"Created pod: {name}")))
        except ApiError as error:
            self._in_flight.seen(key, name)
            self._writer.tell(Event(job, "FailedCreate", f"Error creating: {error.message}", warning=True))
            raise
