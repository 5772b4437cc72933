"""What the tests of the Kubernetes client share: a client for a server's address, and small objects."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from serinus.kube.client import Client, connect
from serinus.kube.config import Cluster, Config, User
from serinus.ports import Clock
from tests.fakes.clock import FakeClock, FakeDice


@contextlib.asynccontextmanager
async def client_for(url: str, clock: Clock | None = None, user: User | None = None) -> AsyncIterator[Client]:
    config = Config(Cluster(url), user or User(), "shop", "test")
    async with connect(config, clock=clock or FakeClock(), dice=FakeDice(), user_agent="serinus/test") as client:
        yield client


def pod(name: str, version: int, uid: str = "", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"labels": labels}}


def pod_list(version: int, *items: dict[str, Any], **metadata: str) -> dict[str, Any]:
    bare = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in items]
    metadata = {"resourceVersion": str(version)} | metadata
    return {"apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": bare}


def event(kind: str, raw: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": raw}


def bookmark(version: int) -> dict[str, Any]:
    return event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}})
