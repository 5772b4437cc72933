"""The verbs of the API over plain objects: what Serinus asks of a cluster, each with its limits.

`async with connect(config, ...) as client` is the way in. Errors are those of `errors.py`. Not here: the meaning of any
object; live copies (`informer.py`); the lock (`lease.py`).
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from serinus.ports import Clock, Dice

from .config import Config
from .errors import Failure, Gone, PodUnreachable, ServerError, from_failure
from .resources import PODS, Raw, Resource
from .transport import Answer, Request, Transport

FIELD_MANAGER = "serinus"
PAGE_OBJECTS = 500
LOG_BYTES_MAX = 1024 * 1024
PROXY_SECONDS_MAX = 10.0
PROXY_BYTES_MAX = 1024 * 1024

_Value = TypeVar("_Value")


class PatchKind(Enum):
    """How a patch is read; the value is its content type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Propagation(Enum):
    """What happens to the objects that an object owns when it is deleted."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole collection at one version."""

    items: list[Raw]
    resource_version: str


@dataclass(frozen=True, slots=True)
class PodAnswer:
    """What a pod answered to a request passed on by the API server."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    metadata: _Metadata
    items: list[Raw] | None = None


@contextlib.asynccontextmanager
async def connect(config: Config, *, clock: Clock, dice: Dice, user_agent: str) -> AsyncIterator["Client"]:
    """A client for the cluster of `config`; its connections are closed at the end. Nothing is sent by this alone."""
    async with Transport(config, clock, dice, user_agent) as transport:
        yield Client(transport, config.namespace)


class Client:
    """The verbs. A namespace is always named by the caller; `namespace` is the one that the user chose."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self.transport = transport
        self.namespace = namespace
        self._objects = msgspec.json.Decoder(Raw)
        self._pages = msgspec.json.Decoder(_Page)

    async def server_version(self) -> str:
        """The server's version, such as v1.36.3. Asked once and never again: the quick way to learn that it is away."""
        request = Request("ask for the server's version", "GET", "/version", is_read=True, attempts_max=1)
        return str((await self._object(request)).get("gitVersion", ""))

    async def group_names(self) -> frozenset[str]:
        """The API groups that the server has, those of CustomResourceDefinitions included."""
        raw = await self._object(Request("ask for the server's API groups", "GET", "/apis", is_read=True))
        return frozenset(group["name"] for group in raw.get("groups") or [])

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Raw:
        """One object. Raises NotFound."""
        path = resource.path(namespace, name)
        request = Request(_what("get", resource, name, namespace), "GET", path, is_read=True)
        return await self._object(request)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Listing:
        """All objects of a namespace, or of all namespaces, read in pages; each with its apiVersion and kind."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": str(PAGE_OBJECTS)}
        try:
            return await self._all_pages(resource, namespace, {key: text for key, text in query.items() if text})
        except Gone:  # the list changed under a slow reader: take it in one piece
            whole = {key: text for key, text in query.items() if text and key != "limit"}
            return await self._all_pages(resource, namespace, whole)

    async def create(self, resource: Resource, raw: Raw, namespace: str | None = None, *, dry_run: bool = False) -> Raw:
        """A new object; the server's copy of it. Raises AlreadyExists, Invalid."""
        name = str(raw.get("metadata", {}).get("name", ""))
        return await self._object(
            Request(
                _what("create", resource, name, namespace),
                "POST",
                resource.path(namespace),
                query=_write_query(dry_run=dry_run),
                body=msgspec.json.encode(raw),
            )
        )

    async def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        patch: Any,
        *,
        kind: PatchKind,
        field_manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
    ) -> Raw:
        """Change the named fields; the server's new copy. `force` (APPLY only) takes fields from other managers."""
        query = _write_query(field_manager=field_manager, dry_run=dry_run)
        if force:
            query["force"] = "true"
        return await self._object(
            Request(
                _what("patch", resource, name, namespace),
                "PATCH",
                resource.path(namespace, name),
                query=query,
                body=msgspec.json.encode(patch),
                content_type=kind.value,
            )
        )

    async def replace(self, resource: Resource, raw: Raw, namespace: str | None = None) -> Raw:
        """Compare and swap: the whole object, if its resourceVersion is still the server's. Raises Conflict.

        Only for objects that are wholly ours (the state's ConfigMap, the Lease): it would take away fields of others.
        """
        name = str(raw["metadata"]["name"])
        return await self._object(
            Request(
                _what("save", resource, name, namespace),
                "PUT",
                resource.path(namespace, name),
                query=_write_query(),
                body=msgspec.json.encode(raw),
            )
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Propagation = Propagation.BACKGROUND,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Delete, if uid and resourceVersion (where given) are still those. Raises NotFound, Conflict."""
        options: Raw = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation.value}
        conditions = {"uid": uid, "resourceVersion": resource_version}
        options["preconditions"] = {key: text for key, text in conditions.items() if text}
        what = _what("delete", resource, name, namespace)
        path = resource.path(namespace, name)
        await self.transport.call(Request(what, "DELETE", path, body=msgspec.json.encode(options)))

    async def review(self, resource: Resource, raw: Raw) -> Raw:
        """Ask a question that is posted (SelfSubjectAccessReview); it changes nothing, so it may be asked again."""
        body = msgspec.json.encode(raw)
        return await self._object(Request(f"ask {resource.kind}", "POST", resource.path(), body=body, is_read=True))

    async def logs(self, pod: str, namespace: str, *, container: str, tail_lines: int, previous: bool = False) -> str:
        """The last lines of a container's log, of its `previous` run if asked. Raises NotFound, BadRequest."""
        query = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(LOG_BYTES_MAX)}
        if previous:
            query["previous"] = "true"
        path = PODS.path(namespace, pod, "log")
        what = f"read the log of {container} in Pod {namespace}/{pod}"
        answer = await self.transport.call(Request(what, "GET", path, query=query, is_read=True))
        return answer.body.decode(errors="replace")

    async def pod_proxy(
        self,
        pod: str,
        namespace: str,
        port: int,
        path: str,
        *,
        method: str = "GET",
        scheme: str = "http",
        accept: str = "",
        seconds_max: float = PROXY_SECONDS_MAX,
        bytes_max: int = PROXY_BYTES_MAX,
    ) -> PodAnswer:
        """One request to a pod, passed on by the API server; any status that the pod gives is an answer.

        `scheme`: how the API server speaks to the pod; with https it does not check the pod's certificate. `accept`:
        the header; empty: JSON. Never tried again: how often a pod is asked is the caller's business. Raises
        PodUnreachable when the pod cannot be connected to, Forbidden, NotFound, Unreachable; ServerError when the
        answer is larger than `bytes_max`.
        """
        tail = quote(path.removeprefix("/"), safe="/?&=%:@!$'()*+,;~-._")
        what = f"ask Pod {namespace}/{pod} on port {port} for /{tail}"
        name = f"{scheme}:{pod}:{port}" if scheme == "https" else f"{pod}:{port}"
        root = PODS.path(namespace, name, "proxy")
        request = Request(
            what,
            method,
            f"{root}/{tail}",
            accept=accept,
            is_read=method == "GET",
            seconds_max=seconds_max,
            body_bytes_max=bytes_max,
        )
        answer = await self.transport.exchange(request)
        self._raise_for_api_failure(what, answer)
        return PodAnswer(answer.status, answer.headers, answer.body)

    def _raise_for_api_failure(self, what: str, answer: Answer) -> None:
        """A Status object is the API server's own word; anything else came from the pod."""
        failure = Failure.parse(answer.body) if answer.status >= 400 else None
        if failure is None:
            return
        error = from_failure(what, self.transport.where, answer.status, failure)
        if isinstance(error, ServerError):
            hint = "Check that the container listens on this port"
            raise PodUnreachable(what, where=error.where, why=error.why, hint=hint, status=error.status)
        raise error

    async def _all_pages(self, resource: Resource, namespace: str | None, query: dict[str, str]) -> Listing:
        what = _what("list", resource, "", namespace)
        items: list[Raw] = []
        while True:
            request = Request(what, "GET", resource.path(namespace), query=query, is_read=True)
            page = self._decoded(self._pages, request, await self.transport.call(request))
            items += page.items or []
            if not page.metadata.continue_:
                break
            query = query | {"continue": page.metadata.continue_}
        for item in items:  # the server leaves these out of lists, and watches bring them
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        return Listing(items, page.metadata.resource_version)

    async def _object(self, request: Request) -> Raw:
        return self._decoded(self._objects, request, await self.transport.call(request))

    def _decoded(self, decoder: msgspec.json.Decoder[_Value], request: Request, answer: Answer) -> _Value:
        try:
            return decoder.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ServerError(
                request.what,
                where=self.transport.where,
                why=f"the answer ({answer.status}) is not what the Kubernetes API sends",
                hint="Is this the address of a Kubernetes API server?",
                status=answer.status,
            ) from None


def _what(verb: str, resource: Resource, name: str, namespace: str | None) -> str:
    place = f"{namespace}/{name}" if namespace and name else name or namespace or "in all namespaces"
    return f"{verb} {resource.kind} {place}"


def _write_query(*, field_manager: str = FIELD_MANAGER, dry_run: bool = False) -> dict[str, str]:
    query = {"fieldManager": field_manager}
    if dry_run:
        query["dryRun"] = "All"
    return query
