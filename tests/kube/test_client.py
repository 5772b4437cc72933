"""The verbs and the informer on the embedded API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from serinus.kube import errors
from serinus.kube.client import Client, PatchKind
from serinus.kube.config import User
from serinus.kube.informer import Informer
from serinus.kube.resources import CONFIGMAPS, NAMESPACES, Raw
from serinus.sandbox.api import User as ApiUser
from serinus.sandbox.api import serve
from serinus.system import SystemClock
from tests.kube.support import client_for


@contextlib.asynccontextmanager
async def cluster() -> AsyncIterator[Client]:
    async with (
        serve(tokens={"secret": ApiUser("admin", ("system:masters",))}) as server,
        client_for(server.url, SystemClock(), User(token="secret")) as client,
    ):
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield client


def config_map(name: str, **data: str) -> Raw:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "a"}}, "data": data}


async def test_an_object_is_made_read_changed_and_deleted() -> None:
    async with cluster() as client:
        made = await client.create(CONFIGMAPS, config_map("c", a="1"), "shop")
        patched = await client.patch(CONFIGMAPS, "c", "shop", {"data": {"b": "2"}}, kind=PatchKind.MERGE)
        assert patched["data"] == {"a": "1", "b": "2"}
        operations = [{"op": "remove", "path": "/data/a"}]
        await client.patch(CONFIGMAPS, "c", "shop", operations, kind=PatchKind.JSON)
        assert (await client.get(CONFIGMAPS, "c", "shop"))["data"] == {"b": "2"}
        await client.delete(CONFIGMAPS, "c", "shop", uid=made["metadata"]["uid"])
        with pytest.raises(errors.NotFound, match="get ConfigMap shop/c"):
            await client.get(CONFIGMAPS, "c", "shop")


async def test_the_server_tells_its_version() -> None:
    async with cluster() as client:
        assert (await client.server_version()).startswith("v1.")


async def test_a_dry_run_changes_nothing() -> None:
    async with cluster() as client:
        await client.create(CONFIGMAPS, config_map("c"), "shop", dry_run=True)
        with pytest.raises(errors.NotFound):
            await client.get(CONFIGMAPS, "c", "shop")


async def test_a_save_over_a_newer_version_is_refused() -> None:
    async with cluster() as client:
        old = await client.create(CONFIGMAPS, config_map("c", a="1"), "shop")
        new = await client.replace(CONFIGMAPS, old | {"data": {"a": "2"}}, "shop")
        assert new["data"] == {"a": "2"}
        with pytest.raises(errors.Conflict):
            await client.replace(CONFIGMAPS, old | {"data": {"a": "3"}}, "shop")
        with pytest.raises(errors.AlreadyExists):
            await client.create(CONFIGMAPS, config_map("c"), "shop")


async def test_an_object_that_is_another_one_now_is_not_deleted() -> None:
    async with cluster() as client:
        await client.create(CONFIGMAPS, config_map("c"), "shop")
        with pytest.raises(errors.Conflict):
            await client.delete(CONFIGMAPS, "c", "shop", uid="another")
        with pytest.raises(errors.Conflict):
            await client.delete(CONFIGMAPS, "c", "shop", resource_version="1")


async def test_a_list_of_many_pages_is_whole() -> None:
    async with cluster() as client:
        for number in range(3):
            await client.create(CONFIGMAPS, config_map(f"c{number}"), "shop")
        listing = await client.list(CONFIGMAPS, "shop", label_selector="app=a")
        assert [item["metadata"]["name"] for item in listing.items] == ["c0", "c1", "c2"]
        assert {item["kind"] for item in listing.items} == {"ConfigMap"}
        assert not (await client.list(CONFIGMAPS, "shop", field_selector="metadata.name=none")).items


async def test_an_informer_follows_one_object_through_its_life() -> None:
    async with cluster() as client, Informer(client, CONFIGMAPS, "shop", field_selector="metadata.name=c") as informer:
        changed = asyncio.Event()
        informer.subscribe(changed.set)
        await informer.synced()
        await client.create(CONFIGMAPS, config_map("other"), "shop")
        raw = await client.create(CONFIGMAPS, config_map("c", a="1"), "shop")
        informer.put(raw)
        assert informer.objects["c"]["data"] == {"a": "1"}
        await client.patch(CONFIGMAPS, "c", "shop", {"data": {"a": "2"}}, kind=PatchKind.MERGE)
        async with asyncio.timeout(10):
            while informer.objects["c"]["data"] != {"a": "2"}:
                changed.clear()
                await changed.wait()
            await client.delete(CONFIGMAPS, "c", "shop")
            while informer.objects:
                changed.clear()
                await changed.wait()


async def test_an_unknown_token_is_unauthorized() -> None:
    async with (
        serve(tokens={"secret": ApiUser("admin", ("system:masters",))}) as server,
        client_for(server.url, user=User(token="wrong")) as client,
    ):
        with pytest.raises(errors.Unauthorized, match="Log in again"):
            await client.get(CONFIGMAPS, "c", "shop")
