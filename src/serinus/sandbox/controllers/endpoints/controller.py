"""The EndpointSlice controller's loop: keeps the slices of every Service that has a selector."""

from typing import Any

import aiohttp

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.endpoints.plan import (
    MANAGER,
    MANAGER_LABEL,
    SERVICE_LABEL,
    plan_slices,
)
from serinus.sandbox.controllers.expectations import Expectations
from serinus.sandbox.controllers.objects import (
    ObjectKey,
    is_deleting,
    labels_of,
    pod_is_ready,
    pod_is_terminal,
)
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.controllers.writes import Writer, create, delete, random_suffix, update
from serinus.sandbox.rest import Api, ApiError, Raw, key_of


class EndpointSliceController:
    """Turns Services and pods into EndpointSlices. `run` once the caches are filled."""

    def __init__(self, api: Api, caches: Caches) -> None:
        self._writer = Writer(api, "endpoint-slice-controller", caches)
        self._services = caches.of("v1", "Service")
        self._pods = caches.of("v1", "Pod")
        self._slices = caches.of("discovery.k8s.io/v1", "EndpointSlice")
        self._in_flight = Expectations()
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue("endpointslice", self._sync)
        self._services.subscribe(self._service_changed)
        self._pods.subscribe(self._pod_changed)
        self._slices.subscribe(self._slice_changed)

    async def run(self) -> None:
        await self._queue.run()

    def _service_changed(self, before: Raw | None, after: Raw | None) -> None:
        if after is not None:
            self._queue.add(key_of(after))
        elif before is not None:
            self._in_flight.forget(key_of(before))

    def _pod_changed(self, before: Raw | None, after: Raw | None) -> None:
        present = after or before
        if present is None or _facts(before) == _facts(after):
            return
        for service in self._services.in_namespace(present["metadata"]["namespace"]):
            if any(pod is not None and _selects(service, pod) for pod in (before, after)):
                self._queue.add(key_of(service))

    def _slice_changed(self, before: Raw | None, after: Raw | None) -> None:
        present = after or before
        if present is None:
            return
        service = labels_of(present).get(SERVICE_LABEL)
        if service and labels_of(present).get(MANAGER_LABEL) == MANAGER:
            key = (present["metadata"]["namespace"], service)
            self._in_flight.seen(key, present["metadata"]["name"])
            self._queue.add(key)

    async def _sync(self, key: ObjectKey) -> None:
        service = self._services.get(key)
        if service is None or is_deleting(service) or not service["spec"].get("selector"):
            return
        if not self._in_flight.satisfied(key):
            return  # a slice of ours is on its way here: the next pass counts it
        pods = [pod for pod in self._pods.in_namespace(key[0]) if _selects(service, pod)]
        changes = plan_slices(service, pods, self._slices_of(key))
        for item in changes.update:
            await self._writer.write(update(item))
        for item in changes.create:
            await self._create(key, item)
        for item in changes.delete:
            await self._delete(item)

    def _slices_of(self, key: ObjectKey) -> list[Raw]:
        def is_ours(labels: dict[str, str]) -> bool:
            return labels.get(SERVICE_LABEL) == key[1] and labels.get(MANAGER_LABEL) == MANAGER

        return [item for item in self._slices.in_namespace(key[0]) if is_ours(labels_of(item))]

    async def _create(self, key: ObjectKey, item: Raw) -> None:
        name = f"{item['metadata']['generateName']}{random_suffix()}"
        named = {**item, "metadata": {**item["metadata"], "name": name}}
        self._in_flight.expect(key, name)
        try:
            await self._writer.write(create(named))
        except (ApiError, aiohttp.ClientError, TimeoutError):
            self._in_flight.seen(key, name)
            raise

    async def _delete(self, item: Raw) -> None:
        try:
            await self._writer.write(delete(item))
        except ApiError as error:
            if error.status != 404:
                raise


def _selects(service: Raw, pod: Raw) -> bool:
    selector: dict[str, str] = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels_of(pod).items()


def _facts(pod: Raw | None) -> Any:
    """Everything about a pod that its endpoint, or its belonging to a Service, depends on."""
    if pod is None:
        return None
    status = pod.get("status") or {}
    addresses = (status.get("podIP"), status.get("podIPs"))
    state = (pod_is_ready(pod), pod_is_terminal(pod), is_deleting(pod), pod["spec"].get("nodeName"))
    return pod["metadata"]["uid"], labels_of(pod), addresses, state
