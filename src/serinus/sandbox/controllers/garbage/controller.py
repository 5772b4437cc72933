"""The garbage collector's loop: deletes what has lost all its owners, and lets owners go that wait for it."""

import asyncio
from collections import OrderedDict

from serinus.sandbox.controllers.cache import Caches
from serinus.sandbox.controllers.garbage.graph import Graph
from serinus.sandbox.controllers.garbage.plan import Owner, owner_state, plan_dependent, plan_owner
from serinus.sandbox.controllers.objects import PATHS, collection_path, group_path, owners_of, uid_of
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.controllers.writes import Write, Writer
from serinus.sandbox.rest import Api, ApiError, Raw

GONE_MEMORY = 4096
"""Uids of owners known to be gone, remembered so that the API is asked once for each."""


class GarbageCollector:
    """Follows every kind in `objects.PATHS` that the API serves. `run` once the caches are filled."""

    def __init__(self, api: Api, caches: Caches, kinds: list[tuple[str, str]]) -> None:
        self._api = api
        self._writer = Writer(api, "garbage-collector", caches)
        self._graph = Graph()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._queue: KeyedQueue[str] = KeyedQueue("garbage-collector", self._sync)
        for api_version, kind in kinds:
            caches.of(api_version, kind).subscribe(self._changed)

    async def run(self) -> None:
        await self._queue.run()

    def _changed(self, before: Raw | None, after: Raw | None) -> None:
        self._graph.change(before, after)
        present = after or before
        if present is None:
            return
        uid = uid_of(present)
        self._queue.add(uid)
        # Dependents look again when their owner starts to leave or is gone; owners when a dependent goes.
        if after is None:
            self._remember_gone(uid)
        if after is None or owner_state(after) is Owner.WAITING:
            for dependent in self._graph.dependents_of(uid):
                self._queue.add(uid_of(dependent))
        for item in (before, after):
            for owner in owners_of(item) if item is not None else []:
                self._queue.add(owner["uid"])

    async def _sync(self, uid: str) -> None:
        item = self._graph.get(uid)
        if item is None:
            return
        dependents = self._graph.dependents_of(uid)
        for wanted in plan_owner(item, dependents):
            await self._write(wanted)
        states = {owner["uid"]: await self._state(owner, item) for owner in owners_of(item)}
        wanted_for_item = plan_dependent(item, lambda owner: states[owner["uid"]], dependents)
        if wanted_for_item is not None:
            await self._write(wanted_for_item)

    async def _write(self, wanted: Write) -> None:
        try:
            await self._writer.write(wanted)
        except ApiError as error:
            if error.status != 404:
                raise

    async def _state(self, owner: Raw, dependent: Raw) -> Owner:
        """How an owner stands: by what was seen, else by asking the API, which alone knows that there is none."""
        uid = owner["uid"]
        if uid in self._gone:
            return Owner.GONE
        seen = self._graph.get(uid)
        if seen is not None:
            return owner_state(seen)
        if (owner["apiVersion"], owner["kind"]) not in PATHS:
            return Owner.ALIVE  # a kind that is not followed: nothing is deleted on a guess
        collection = collection_path(owner["apiVersion"], owner["kind"], dependent["metadata"]["namespace"])
        try:
            fresh = await self._api.call("GET", f"{collection}/{owner['name']}")
        except ApiError as error:
            if error.status != 404:
                raise
            self._remember_gone(uid)
            return Owner.GONE
        if uid_of(fresh) != uid:
            self._remember_gone(uid)
            return Owner.GONE
        return owner_state(fresh)

    def _remember_gone(self, uid: str) -> None:
        self._gone[uid] = None
        if len(self._gone) > GONE_MEMORY:
            self._gone.popitem(last=False)


async def served_kinds(api: Api) -> list[tuple[str, str]]:
    """The kinds of `objects.PATHS` that this API serves. Raises ApiError or aiohttp.ClientError."""
    versions = sorted({api_version for api_version, _ in PATHS})
    lists = await asyncio.gather(*(_resources(api, api_version) for api_version in versions))
    served = dict(zip(versions, lists, strict=True))
    return [kind for kind in PATHS if PATHS[kind] in served[kind[0]]]


async def _resources(api: Api, api_version: str) -> set[str]:
    try:
        answer = await api.call("GET", group_path(api_version))
    except ApiError as error:
        if error.status != 404:
            raise
        return set()
    return {resource["name"] for resource in answer.get("resources") or []}
