"""The Deployment controller's loop: who must be looked at when something changes, and carrying out what `plan` says."""

import asyncio
from datetime import UTC, datetime

from serinus.sandbox.controllers.cache import Cache, Caches
from serinus.sandbox.controllers.deployment.arithmetic import has_deadline
from serinus.sandbox.controllers.deployment.conditions import Condition
from serinus.sandbox.controllers.deployment.plan import plan_deployment
from serinus.sandbox.controllers.deployment.rollout import Rollout
from serinus.sandbox.controllers.deployment.template import same_template
from serinus.sandbox.controllers.objects import (
    ObjectKey,
    controller_of,
    copied,
    count,
    labels_of,
    selector_matches,
    uid_of,
)
from serinus.sandbox.controllers.ownership import claim, settle
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.controllers.writes import Event, Writer, update_status
from serinus.sandbox.rest import Api, ApiError, Raw, key_of


class DeploymentController:
    """Turns Deployments into ReplicaSets. `run` once the caches are filled."""

    def __init__(self, api: Api, caches: Caches) -> None:
        self._writer = Writer(api, "deployment-controller", caches)
        self._deployments = caches.of("apps/v1", "Deployment")
        self._replica_sets = caches.of("apps/v1", "ReplicaSet")
        self._pods: Cache = caches.of("v1", "Pod")
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue("deployment", self._sync)
        self._deployments.subscribe(self._deployment_changed)
        self._replica_sets.subscribe(self._replica_set_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run())
            group.create_task(self._queue.run())

    def _deployment_changed(self, _before: Raw | None, after: Raw | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))

    def _replica_set_changed(self, before: Raw | None, after: Raw | None) -> None:
        owners = {owner["name"] for owner in (controller_of(before), controller_of(after)) if owner is not None}
        present = after or before
        if present is None:
            return
        namespace = present["metadata"]["namespace"]
        if after is not None and controller_of(after) is None:
            for deployment in self._deployments.in_namespace(namespace):
                if selector_matches(deployment["spec"]["selector"], labels_of(after)):
                    owners.add(deployment["metadata"]["name"])
        for name in owners:
            self._queue.add((namespace, name))

    async def _sync(self, key: ObjectKey) -> None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return
        claims = claim(deployment, self._replica_sets.in_namespace(key[0]))
        if await settle(claims, deployment, self._writer):
            return  # the new copies come through the watch, and with them the next pass
        pods = [pod for item in claims.owned for pod in self._pods.controlled_by(uid_of(item))]
        rollout = plan_deployment(deployment, claims.owned, pods, datetime.now(UTC))
        for wanted in rollout.writes():
            try:
                await self._writer.write(wanted)
            except ApiError as error:
                if wanted.method == "POST":
                    await self._creation_failed(deployment, rollout, error)
                raise
        if rollout.recheck_seconds is not None:
            self._queue.add_after(key, rollout.recheck_seconds)

    async def _creation_failed(self, deployment: Raw, rollout: Rollout, error: ApiError) -> None:
        """Say why there is no new ReplicaSet; choose another name when it belongs to something else."""
        wanted, fresh = rollout.created, copied(deployment)
        if wanted is None:
            return
        if error.status == 409:
            if self._name_is_taken(deployment, wanted):
                fresh.setdefault("status", {})["collisionCount"] = count(deployment, "collisionCount") + 1
                await self._writer.write(update_status(fresh))
            return  # else our copy was old: the ReplicaSet is ours already
        message = f'Failed to create new replica set "{wanted["metadata"]["name"]}": {error.message}'
        self._writer.tell(Event(deployment, "ReplicaSetCreateError", message, warning=True))
        if has_deadline(deployment):
            rollout.set_condition(Condition("Progressing", "False", "ReplicaSetCreateError", message))
            fresh.setdefault("status", {})["conditions"] = rollout.deployment["status"]["conditions"]
            await self._writer.write(update_status(fresh))

    def _name_is_taken(self, deployment: Raw, wanted: Raw) -> bool:
        present = self._replica_sets.get(key_of(wanted))
        if present is None:
            return False
        owner = controller_of(present)
        ours = owner is not None and owner["uid"] == uid_of(deployment)
        return not (ours and same_template(present["spec"]["template"], wanted["spec"]["template"]))
