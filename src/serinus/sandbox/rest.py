"""A small client of the Kubernetes API for the sandbox's own parts: controllers, kubelet, proxy.

It serves the embedded API and a real one alike. It is not the product's client (`serinus.kube`), and shares nothing
with it, so that the two cannot share a mistake.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
WATCH_SECONDS = 300
RECONNECT_SECONDS = 0.2
TLS_CLOSE_SECONDS = 0.05
"""What aiohttp needs after closing to let go of TLS sockets; it offers nothing to wait for."""

_Answer = contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]
Raw = dict[str, Any]
"""An API object as plain JSON."""


class ApiError(Exception):
    """An answer of the API that is not a success: the HTTP code, and the Status object's `reason` and `message`."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API is: `url` such as https://127.0.0.1:6443, a bearer token, the certificate authority's file."""

    url: str
    token: str | None = None
    ca_file: str | None = None


class Api:
    """One connection pool to one API server. Use as an async context manager."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.server.token}"} if self.server.token else {}
        tls = ssl.create_default_context(cafile=self.server.ca_file) if self.server.ca_file else True
        connector = aiohttp.TCPConnector(limit=0, ssl=tls)
        self._session = aiohttp.ClientSession(headers=headers, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            if self.server.ca_file is not None:
                await asyncio.sleep(TLS_CLOSE_SECONDS)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **params: str,
    ) -> Raw:
        """One request; the decoded answer. Raises ApiError, or aiohttp.ClientError when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type} if data is not None else {}
        async with self._open(method, path, params, data=data, headers=headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise _error(response.status, text)
            answer: Raw = json.loads(text) if text else {}
            return answer

    async def watch(self, path: str, resource_version: str, **params: str) -> AsyncIterator[tuple[str, Raw]]:
        """The events (type, object) after a resourceVersion, until the server ends the stream."""
        query = params | {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_read=WATCH_SECONDS + 30)
        async with self._open("GET", path, query, timeout=timeout) as response:
            if response.status >= 400:
                raise _error(response.status, await response.text())
            try:
                async for event in _events(response.content):
                    yield event["type"], event["object"]
            finally:
                _hang_up(response)

    def _open(self, method: str, path: str, params: dict[str, str], **options: Any) -> _Answer:
        if self._session is None:
            raise RuntimeError("Api is used as an async context manager")
        return self._session.request(method, self.server.url + path, params=params, **options)


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[Raw]:
    buffer = b""
    async for chunk in stream.iter_any():
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """Cut a watch that is left midway: over TLS a polite close waits for the server, and can outlive the event loop."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()


def _error(status: int, text: str) -> ApiError:
    try:
        body = json.loads(text)
        return ApiError(status, body.get("reason", ""), body.get("message", text[:256]))
    except (ValueError, AttributeError):
        return ApiError(status, "", text[:256])


class Mirror:
    """A live copy of one collection: list, watch, list again when the watch's version is gone.

    `objects` maps (namespace, name) to the raw object. `on_change(type, object)` is called for every ADDED, MODIFIED
    and DELETED, those found by a second list included.
    """

    def __init__(self, api: Api, path: str, on_change: Callable[[str, Raw], None] | None = None, **params: str) -> None:
        self.objects: dict[tuple[str, str], Raw] = {}
        self.synced = asyncio.Event()
        self._api = api
        self._path = path
        self._params = params
        self._on_change = on_change or (lambda _type, _object: None)

    async def run(self) -> None:
        """Follow the collection until cancelled."""
        while True:
            with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError):
                version = await self._list()
                self.synced.set()
                await self._follow(version)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _list(self) -> str:
        answer = await self._api.call("GET", self._path, **self._params)
        fresh = {key_of(item): item for item in answer.get("items") or []}
        for key in [key for key in self.objects if key not in fresh]:
            self._on_change("DELETED", self.objects.pop(key))
        for key, item in fresh.items():
            self.put(item, "MODIFIED" if key in self.objects else "ADDED")
        version: str = answer["metadata"]["resourceVersion"]
        return version

    async def _follow(self, version: str) -> None:
        """Watch, reconnecting from the last version seen; returns when a new list is needed."""
        while True:
            try:
                async for kind, item in self._api.watch(self._path, version, **self._params):
                    if kind == "ERROR":
                        return
                    version = item["metadata"]["resourceVersion"]
                    if kind == "DELETED":
                        self.objects.pop(key_of(item), None)
                        self._on_change(kind, item)
                    elif kind != "BOOKMARK":
                        self.put(item, kind)
            except ApiError:
                return  # 410 Gone as a status, or the server is restarting: list again
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(RECONNECT_SECONDS)

    def put(self, item: Raw, kind: str = "MODIFIED") -> None:
        """Take a newer copy of an object, from the watch or from the answer to a write of ours."""
        self.objects[key_of(item)] = item
        self._on_change(kind, item)


def key_of(item: Raw) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
