"""Starts the controllers over one set of caches."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.deployment.controller import DeploymentController
from serinus.sandbox.controllers.endpoints.controller import EndpointSliceController
from serinus.sandbox.controllers.garbage.controller import GarbageCollector, served_kinds
from serinus.sandbox.controllers.job.controller import JobController
from serinus.sandbox.controllers.replicaset.controller import ReplicaSetController
from serinus.sandbox.rest import Api

NAMES = ("deployment", "replicaset", "job", "endpointslice", "garbage-collector")


class _Controller(Protocol):
    async def run(self) -> None: ...


async def run_controllers(api: Api, names: Iterable[str] = NAMES) -> None:
    """Run the named controllers, by default all of NAMES, until cancelled.

    Raises ValueError for a name that is not in NAMES, and ApiError or aiohttp.ClientError when the API cannot be asked
    what it serves. Later failures of the API are waited out.
    """
    caches = Caches(api)
    controllers = [await _controller(name, api, caches) for name in names]
    async with asyncio.TaskGroup() as group:
        for cache in caches.all():
            group.create_task(cache.mirror.run())
        for cache in caches.all():
            await cache.mirror.synced.wait()
        for controller in controllers:
            group.create_task(controller.run())


async def _controller(name: str, api: Api, caches: Caches) -> _Controller:
    match name:
        case "deployment":
            return DeploymentController(api, caches)
        case "replicaset":
            return ReplicaSetController(api, caches)
        case "job":
            return JobController(api, caches)
        case "endpointslice":
            return EndpointSliceController(api, caches)
        case "garbage-collector":
            return GarbageCollector(api, caches, await served_kinds(api))
        case _:
            raise ValueError(f"no controller is called {name!r}: choose from {', '.join(NAMES)}")
