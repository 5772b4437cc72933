"""Watches over HTTP, on the embedded API or a real one (see conftest.py)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from serinus.sandbox.api import serve
from serinus.sandbox.api.kinds import CONFIG_MAP
from serinus.sandbox.rest import Server
from tests.sandbox.api.conftest import ADMIN_TOKEN, TOKENS
from tests.sandbox.api.examiner import exam_namespace

EVENT_SECONDS = 10
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Events:
    """The events of one open watch, one at a time."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, dict[str, Any]]:
        async with asyncio.timeout(EVENT_SECONDS):
            event = json.loads(await self.response.content.readline())
        return event["type"], event["object"]

    async def next_name(self) -> tuple[str, str]:
        kind, found = await self.next()
        return kind, found["metadata"]["name"]

    async def ended(self) -> bool:
        async with asyncio.timeout(EVENT_SECONDS):
            return await self.response.content.read() == b""


class Maps:
    """ConfigMaps of one namespace, over plain HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str, namespace: str) -> None:
        self._session = session
        self._url = f"{url}/api/v1/namespaces/{namespace}/configmaps"

    async def send(self, method: str, name: str = "", body: Any = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        path = f"{self._url}/{name}" if name else self._url
        async with self._session.request(method, path, json=body, headers={"Content-Type": kind}) as answer:
            assert answer.status < 300, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

    async def create(self, name: str, **labels: str) -> dict[str, Any]:
        return await self.send("POST", body={"metadata": {"name": name, "labels": labels}})

    async def version(self) -> str:
        listed = await self.send("GET")
        version: str = listed["metadata"]["resourceVersion"]
        return version

    @asynccontextmanager
    async def watch(self, accept: str = "application/json", **query: str) -> AsyncIterator[Events]:
        parameters = {"watch": "true"} | query
        async with self._session.get(self._url, params=parameters, headers={"Accept": accept}) as response:
            yield Events(response)


@pytest.fixture
async def maps(examinee: Server, session: aiohttp.ClientSession) -> AsyncIterator[Maps]:
    async with exam_namespace(session, examinee.url) as namespace:
        yield Maps(session, examinee.url, namespace)


async def test_a_watch_reports_what_comes_after_its_version(maps: Maps) -> None:
    await maps.create("before")
    async with maps.watch(resourceVersion=await maps.version()) as events:
        await maps.create("a")
        await maps.send("PATCH", "a", {"data": {"x": "1"}})
        await maps.send("DELETE", "a")
        assert [await events.next_name() for _ in range(3)] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_watch_without_a_version_begins_with_what_is_there(maps: Maps) -> None:
    await maps.create("a")
    async with maps.watch(fieldSelector="metadata.name=a") as events:
        assert await events.next_name() == ("ADDED", "a")


async def test_a_selector_makes_objects_come_and_go(maps: Maps) -> None:
    async with maps.watch(resourceVersion=await maps.version(), labelSelector="tier=x") as events:
        await maps.create("other", tier="y")
        await maps.create("a", tier="x")
        assert await events.next_name() == ("ADDED", "a")
        await maps.send("PATCH", "a", {"data": {"x": "1"}})
        assert await events.next_name() == ("MODIFIED", "a")
        left = await maps.send("PATCH", "a", {"metadata": {"labels": {"tier": "y"}}})
        kind, last = await events.next()
        assert (kind, last["metadata"]["labels"]) == ("DELETED", {"tier": "x"})
        assert last["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]
        await maps.send("PATCH", "a", {"metadata": {"labels": {"tier": "x"}}})
        assert await events.next_name() == ("ADDED", "a")


async def test_watch_list_marks_the_end_of_the_first_events(maps: Maps) -> None:
    await maps.create("a")
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    async with maps.watch(**query) as events:
        kind, found = await events.next()
        while kind == "ADDED":  # a real cluster adds a ConfigMap of its own to each namespace
            kind, found = await events.next()
        assert kind == "BOOKMARK"
        assert found["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        await maps.create("b")
        assert await events.next_name() == ("ADDED", "b")


async def test_a_bookmark_comes_shortly_before_the_end(maps: Maps) -> None:
    version = await maps.version()
    async with maps.watch(resourceVersion=version, timeoutSeconds="3", allowWatchBookmarks="true") as events:
        await maps.create("a", tier="unseen")
        assert await events.next_name() == ("ADDED", "a")
        kind, found = await events.next()
        assert (kind, found["kind"]) == ("BOOKMARK", "ConfigMap")
        assert int(found["metadata"]["resourceVersion"]) > int(version)


async def test_a_watch_ends_when_its_time_is_up(maps: Maps) -> None:
    async with maps.watch(resourceVersion=await maps.version(), timeoutSeconds="1") as events:
        assert events.response.status == 200
        assert await events.ended()


async def test_tables_are_watched_too(maps: Maps) -> None:
    async with maps.watch(TABLE, resourceVersion=await maps.version()) as events:
        await maps.create("a")
        kind, table = await events.next()
        assert (kind, table["kind"]) == ("ADDED", "Table")
        assert table["rows"][0]["cells"][0] == "a"
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@asynccontextmanager
async def _small_log() -> AsyncIterator[Maps]:
    """An embedded API whose watches can look back on two changes only."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with serve(tokens=TOKENS, log_size=2) as server, aiohttp.ClientSession(headers=headers) as session:
        yield Maps(session, server.url, "default")


async def test_a_version_that_is_no_longer_in_the_log_is_gone() -> None:
    async with _small_log() as maps:
        version = await maps.version()
        for name in "abc":
            await maps.create(name)
        async with maps.watch(resourceVersion=version) as events:
            assert events.response.status == 410
            body = await events.response.json()
            assert (body["reason"], body["code"]) == ("Expired", 410)


async def test_a_watcher_that_falls_behind_is_told_in_the_stream() -> None:
    """The writes are made in one breath, so that the watch has no turn between them."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with serve(tokens=TOKENS, log_size=2) as server, aiohttp.ClientSession(headers=headers) as session:
        maps = Maps(session, server.url, "default")
        async with maps.watch(resourceVersion=await maps.version()) as events:
            for name in "abc":
                server.registry.create(CONFIG_MAP, "default", {"metadata": {"name": name}})
            kind, status = await events.next()
            assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
            assert await events.ended()


async def test_a_page_from_before_the_log_is_gone() -> None:
    async with _small_log() as maps:
        for name in "abcde":
            await maps.create(name)
        first = await maps.send("GET", "?limit=2")
        token = first["metadata"]["continue"]
        assert first["metadata"]["remainingItemCount"] == 3
        await maps.send("DELETE", "c")
        second = await maps.send("GET", f"?limit=2&continue={token}")
        assert [item["metadata"]["name"] for item in second["items"]] == ["c", "d"]  # as they were at the first page
        for name in "xyz":
            await maps.create(name)
        with pytest.raises(AssertionError, match="too old"):
            await maps.send("GET", f"?limit=2&continue={token}")


async def test_a_server_that_stops_ends_its_watches() -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with serve(tokens=TOKENS) as server:
            url = f"{server.url}/api/v1/pods"
            response = await session.get(url, params={"watch": "true", "resourceVersion": "1"})
        async with asyncio.timeout(EVENT_SECONDS):
            assert await response.content.read() == b""
