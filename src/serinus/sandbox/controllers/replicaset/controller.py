"""The ReplicaSet controller's loop: makes and deletes pods until there are as many as asked for."""

import asyncio
from datetime import UTC, datetime

import aiohttp

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.expectations import Expectations
from serinus.sandbox.controllers.objects import (
    ObjectKey,
    controller_of,
    copied,
    is_deleting,
    labels_of,
    pod_is_active,
    pod_is_terminal,
    selector_matches,
    uid_of,
)
from serinus.sandbox.controllers.ownership import claim, settle
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.controllers.replicaset.plan import PodChanges, new_pod, plan_pods, plan_status, seconds_to_recheck
from serinus.sandbox.controllers.writes import Event, Writer, create, delete, random_suffix, update_status
from serinus.sandbox.rest import Api, ApiError, Raw, key_of


class ReplicaSetController:
    """Turns ReplicaSets into pods. `run` once the caches are filled."""

    def __init__(self, api: Api, caches: Caches) -> None:
        self._writer = Writer(api, "replicaset-controller", caches)
        self._replica_sets = caches.of("apps/v1", "ReplicaSet")
        self._pods = caches.of("v1", "Pod")
        self._in_flight = Expectations()
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue("replicaset", self._sync)
        self._replica_sets.subscribe(self._replica_set_changed)
        self._pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run())
            group.create_task(self._queue.run())

    def _replica_set_changed(self, before: Raw | None, after: Raw | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))
        elif before is not None:
            self._in_flight.forget(key_of(before))

    def _pod_changed(self, before: Raw | None, after: Raw | None) -> None:
        present = after or before
        if present is None:
            return
        namespace, name = key_of(present)
        for owner in (controller_of(before), controller_of(after)):
            if owner is not None and owner["kind"] == "ReplicaSet":
                key = (namespace, owner["name"])
                self._in_flight.seen(key, name)
                if after is None or is_deleting(after):
                    self._in_flight.seen(key, uid_of(present))
                self._queue.add(key)
        if after is not None and controller_of(after) is None:
            for replica_set in self._replica_sets.in_namespace(namespace):
                if selector_matches(replica_set["spec"]["selector"], labels_of(after)):
                    self._queue.add(key_of(replica_set))

    async def _sync(self, key: ObjectKey) -> None:
        replica_set = self._replica_sets.get(key)
        if replica_set is None:
            return
        orphans = [pod for pod in self._pods.controlled_by("") if pod["metadata"]["namespace"] == key[0]]
        candidates = [*self._pods.controlled_by(uid_of(replica_set)), *orphans]
        claims = claim(replica_set, [pod for pod in candidates if not pod_is_terminal(pod)])
        if await settle(claims, replica_set, self._writer):
            return  # the new copies come through the watch, and with them the next pass
        error: ApiError | None = None
        now = datetime.now(UTC)
        changes = plan_pods(replica_set, claims.owned, self._related(replica_set), now)
        if self._in_flight.satisfied(key) and not is_deleting(replica_set):
            error = await self._change_pods(replica_set, changes)
        await self._write_status(replica_set, claims.owned, changes, error, now)
        if error is not None:
            raise error
        recheck = seconds_to_recheck(replica_set, claims.owned, now)
        if recheck is not None:
            self._queue.add_after(key, recheck)

    def _related(self, replica_set: Raw) -> list[Raw]:
        owner = controller_of(replica_set)
        siblings = self._replica_sets.controlled_by(owner["uid"]) if owner else [replica_set]
        return [pod for item in siblings for pod in self._pods.controlled_by(uid_of(item)) if pod_is_active(pod)]

    async def _write_status(
        self, replica_set: Raw, pods: list[Raw], changes: PodChanges, error: ApiError | None, now: datetime
    ) -> None:
        failure = None
        if error is not None:
            failure = ("FailedDelete" if changes.surplus else "FailedCreate", error.message)
        status = plan_status(replica_set, pods, failure, now)
        if status != (replica_set.get("status") or {}):
            fresh = copied(replica_set)
            fresh["status"] = status
            await self._writer.write(update_status(fresh))

    async def _change_pods(self, replica_set: Raw, changes: PodChanges) -> ApiError | None:
        """Returns the first refusal; pods not tried because of it are tried again with the next pass."""
        if changes.surplus:
            results = await asyncio.gather(*(self._delete_pod(replica_set, pod) for pod in changes.surplus))
            return next((error for error in results if error is not None), None)
        # Doubling batches: where one pod is refused (a quota, say), hundreds are not asked for.
        left, batch = changes.missing, 1
        while left > 0:
            results = await asyncio.gather(*(self._create_pod(replica_set) for _ in range(min(batch, left))))
            refused = next((error for error in results if error is not None), None)
            if refused is not None:
                return refused
            left, batch = left - len(results), batch * 2
        return None

    async def _create_pod(self, replica_set: Raw) -> ApiError | None:
        key, pod = key_of(replica_set), new_pod(replica_set, random_suffix())
        name = pod["metadata"]["name"]
        self._in_flight.expect(key, name)
        try:
            await self._writer.write(create(pod, Event(replica_set, "SuccessfulCreate", f"Created pod: {name}")))
        except ApiError as error:
            self._in_flight.seen(key, name)
            # Without the name that was made up for this try, so that every try says the same and is one event.
            words = error.message.replace(name, pod["metadata"]["generateName"])
            self._writer.tell(Event(replica_set, "FailedCreate", f"Error creating: {words}", warning=True))
            return ApiError(error.status, error.reason, words)
        except (aiohttp.ClientError, TimeoutError):
            self._in_flight.seen(key, name)  # made or not, the next pass counts what is there
            raise
        return None

    async def _delete_pod(self, replica_set: Raw, pod: Raw) -> ApiError | None:
        key, uid, name = key_of(replica_set), uid_of(pod), pod["metadata"]["name"]
        self._in_flight.expect(key, uid)
        try:
            await self._writer.write(delete(pod, Event(replica_set, "SuccessfulDelete", f"Deleted pod: {name}")))
        except ApiError as error:
            self._in_flight.seen(key, uid)
            if error.status == 404:
                return None
            self._writer.tell(Event(replica_set, "FailedDelete", f"Error deleting: {error.message}", warning=True))
            return error
        except (aiohttp.ClientError, TimeoutError):
            self._in_flight.seen(key, uid)
            raise
        return None
