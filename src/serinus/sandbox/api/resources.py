"""Requests for resources: each verb from HTTP to the registry and back."""

import contextlib

import msgspec
from aiohttp import web

from serinus.sandbox.api import deletion, scale
from serinus.sandbox.api.body import decode_object, decode_yaml
from serinus.sandbox.api.errors import Cause, bad_request, invalid, method_not_allowed, no_such_path
from serinus.sandbox.api.kinds import PUT_CREATES, Kind, Raw
from serinus.sandbox.api.listing import ListOptions, Page, list_page
from serinus.sandbox.api.patching import APPLY_PATCH, patch_function
from serinus.sandbox.api.reach import Reach
from serinus.sandbox.api.registry import Alter, Registry, WriteOptions
from serinus.sandbox.api.request import Target, is_true, whole_number
from serinus.sandbox.api.selectors import Selection, select
from serinus.sandbox.api.store import Entry
from serinus.sandbox.api.tables import table
from serinus.sandbox.api.watching import Encoder, Feed, WatchOptions, check_options

_WATCH_SECONDS = 1800
_CREATE_OPTIONS = Kind("meta.k8s.io", "v1", "CreateOptions", "createoptions")
_PATCH_OPTIONS = Kind("meta.k8s.io", "v1", "PatchOptions", "patchoptions")


class Resources:
    """Answers a parsed request. Refuses with StatusError."""

    def __init__(self, registry: Registry, reach: Reach) -> None:
        self._registry = registry
        self._reach = reach

    async def answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.subresource == "proxy":
            return await self._reach.proxy(request, target)
        try:
            return await self._by_verb(request, target)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if target.verb not in ("create", "update", "patch"):
                raise
            # A body of quite another shape than its kind has: what Go's decoder refuses shows itself here.
            raise bad_request(f"{target.kind.name} cannot be handled: {type(error).__name__}: {error}") from error

    async def _by_verb(self, request: web.Request, target: Target) -> web.StreamResponse:
        match target.verb:
            case "get":
                return await self._get(request, target)
            case "list":
                return self._list(request, target)
            case "watch":
                return await self._watch(request, target)
            case "create":
                return await self._create(request, target)
            case "update":
                return await self._update(request, target)
            case "patch":
                return await self._patch(request, target)
            case "delete":
                return await self._delete(request, target)
            case _:
                return await self._delete_collection(request, target)

    async def _get(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.subresource == "log":
            return await self._reach.log(request, target)
        entry = self._registry.read(target.kind, target.namespace, target.name)
        if target.subresource == "scale":
            return _json(msgspec.json.encode(scale.scale_of(target.kind, entry.raw)))
        if target.subresource not in ("", "status"):
            raise method_not_allowed()
        return _json(_encoder(request, target.kind)(entry))

    def _list(self, request: web.Request, target: Target) -> web.Response:
        query = request.query
        options = ListOptions(
            whole_number(query, "limit", 0),
            query.get("continue", ""),
            query.get("resourceVersion", ""),
            query.get("resourceVersionMatch") == "Exact",
        )
        page = list_page(self._registry.store, target.kind, _selection(request, target), options)
        return _json(_list_body(request, target.kind, page))

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        query = request.query
        options = WatchOptions(
            query.get("resourceVersion", ""),
            whole_number(query, "timeoutSeconds", _WATCH_SECONDS),
            is_true(query.get("allowWatchBookmarks", "")),
            is_true(query.get("sendInitialEvents", "")),
        )
        check_options(options, query.get("resourceVersionMatch", ""))
        feed = Feed(
            self._registry.store, target.kind, _selection(request, target), options, _encoder(request, target.kind)
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        with contextlib.suppress(ConnectionResetError):  # the watcher went away: nobody is left to be told
            await response.prepare(request)
            async for lines in feed.lines():
                if lines:
                    await response.write(lines)
        return response

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        raw = decode_object(await request.read(), request.headers.get("Content-Type", ""))
        options = _write_options(request)
        if target.subresource == "binding":
            self._registry.bind(target.namespace, target.name, raw, options)
            return _success(201)
        if target.subresource == "eviction":
            deletion.delete(
                self._registry.store, target.kind, target.namespace, target.name, raw.get("deleteOptions") or {}
            )
            return _success(201)
        if target.name:
            raise method_not_allowed()
        if target.kind.namespaced and not target.namespace:
            raise no_such_path()
        entry = self._registry.create(target.kind, target.namespace, raw, options)
        return _json(entry.encoded, 201)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        raw = decode_object(await request.read(), request.headers.get("Content-Type", ""))
        key = (target.namespace, target.name)
        missing = target.kind.plural in PUT_CREATES and self._registry.store.get(target.kind, key) is None
        if missing and not target.subresource and not raw.get("metadata", {}).get("resourceVersion"):
            entry = self._registry.create(target.kind, target.namespace, raw, _write_options(request))
            return _json(entry.encoded, 201)
        return self._alter(request, target, lambda _: raw)

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        data = await request.read()
        if request.content_type == APPLY_PATCH:
            return self._apply(request, target, decode_yaml(data))
        return self._alter(request, target, patch_function(target.kind, request.content_type, data))

    def _apply(self, request: web.Request, target: Target, config: object) -> web.Response:
        if target.subresource not in ("", "status"):
            raise method_not_allowed()
        if not isinstance(config, dict):
            raise bad_request("error decoding YAML: the configuration is not an object")
        if not request.query.get("fieldManager"):
            cause = Cause("fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
            raise invalid(_PATCH_OPTIONS, "", [cause])
        entry, created = self._registry.apply(
            target.kind,
            target.namespace,
            target.name,
            config,
            target.subresource,
            _write_options(request),
            force=is_true(request.query.get("force", "")),
        )
        return _json(entry.encoded, 201 if created else 200)

    def _alter(self, request: web.Request, target: Target, alter: Alter) -> web.Response:
        kind, options = target.kind, _write_options(request)
        if target.subresource not in ("", "status", "scale"):
            raise method_not_allowed()
        if target.subresource != "scale":
            entry = self._registry.update(kind, target.namespace, target.name, alter, target.subresource, options)
            return _json(entry.encoded)

        def through_scale(raw: Raw) -> Raw:
            return scale.with_scale(kind, raw, alter(scale.scale_of(kind, raw)))

        entry = self._registry.update(kind, target.namespace, target.name, through_scale, "scale", options)
        return _json(msgspec.json.encode(scale.scale_of(kind, entry.raw)))

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options = await _delete_options(request)
        entry, gone = deletion.delete(self._registry.store, target.kind, target.namespace, target.name, options)
        if not gone or target.kind.returns_deleted:
            return _json(entry.encoded)
        details = {
            "name": target.name,
            "group": target.kind.group,
            "kind": target.kind.plural,
            "uid": entry.raw["metadata"]["uid"],
        }
        return _success(200, {key: value for key, value in details.items() if value})

    async def _delete_collection(self, request: web.Request, target: Target) -> web.Response:
        options = await _delete_options(request)
        selection = _selection(request, target)
        entries = deletion.delete_collection(self._registry.store, target.kind, selection, options)
        return _json(_list_body(request, target.kind, Page(entries, self._registry.store.version)))


def _selection(request: web.Request, target: Target) -> Selection:
    fields = request.query.get("fieldSelector", "")
    if target.name:
        fields = f"metadata.name={target.name}"
    return select(target.kind, target.namespace, request.query.get("labelSelector", ""), fields)


def _write_options(request: web.Request) -> WriteOptions:
    agent = request.headers.get("User-Agent", "unknown").split("/")[0]
    dry_run = request.query.get("dryRun", "")
    if dry_run not in ("", "All"):
        cause = Cause("dryRun", f'Unsupported value: ["{dry_run}"]: supported values: "All"', "FieldValueNotSupported")
        raise invalid(_CREATE_OPTIONS, "", [cause])
    return WriteOptions(request.query.get("fieldManager") or agent, bool(dry_run))


async def _delete_options(request: web.Request) -> Raw:
    data = await request.read()
    options = decode_object(data, request.headers.get("Content-Type", "")) if data else {}
    query = request.query
    for name in ("propagationPolicy", "dryRun"):
        if name in query:
            options.setdefault(name, query[name])
    if "gracePeriodSeconds" in query:
        options.setdefault("gracePeriodSeconds", whole_number(query, "gracePeriodSeconds", 0))
    return options


def _table_include(request: web.Request) -> str | None:
    """What rows of a Table shall hold; None when no Table is asked for."""
    wants_table = "as=Table" in request.headers.get("Accept", "")
    return request.query.get("includeObject", "Metadata") if wants_table else None


def _encoder(request: web.Request, kind: Kind) -> Encoder:
    """How this request wants single objects."""
    include = _table_include(request)
    if include is None:
        return lambda entry: entry.encoded

    def as_table(entry: Entry) -> bytes:
        meta = {"resourceVersion": str(entry.version)}
        return msgspec.json.encode(table(kind, [entry.raw], meta, include))

    return as_table


def _list_body(request: web.Request, kind: Kind, page: Page) -> bytes:
    meta: Raw = {"resourceVersion": str(page.version)}
    if page.continue_token:
        meta["continue"] = page.continue_token
        if page.remaining:
            meta["remainingItemCount"] = page.remaining
    include = _table_include(request)
    if include is not None:
        return msgspec.json.encode(table(kind, [entry.raw for entry in page.entries], meta, include))
    head = msgspec.json.encode({"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": meta})
    items = b",".join(entry.encoded for entry in page.entries)
    return head[:-1] + b',"items":[' + items + b"]}"


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


def _success(code: int, details: Raw | None = None) -> web.Response:
    body: Raw = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    body |= {"details": details} if details else {"code": code}
    return _json(msgspec.json.encode(body), code)
