"""The rollout's record in the cluster: one ConfigMap per Service, saved by compare-and-swap on its resourceVersion.

`state` holds the record (`core/record.py`), `command` what a person asked of the run from another terminal. A command
changes the ConfigMap, so the runner's next save fails once and it loads again: nobody's word is overwritten.
"""

from serinus.core.record import Command, NewerFormat, Record, Unreadable, decode, decode_command, encode
from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL
from serinus.kube.client import Client, PatchKind
from serinus.kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from serinus.kube.informer import Informer
from serinus.kube.resources import CONFIGMAPS, Raw
from serinus.ports import LostRace, Saved, SavedByNewer, Trouble

SERVICE_LABEL = "serinus.dev/service"
STATE_KEY = "state"
COMMAND_KEY = "command"


def store_name(service: str) -> str:
    """The ConfigMap's name, and the Lease's."""
    return f"serinus-{service}"


class KubeStore:
    """A Store port over a live copy of the ConfigMap; see `ports.Store`."""

    def __init__(self, client: Client, informer: Informer, namespace: str, service: str) -> None:
        self._client = client
        self._informer = informer
        self._namespace = namespace
        self._service = service
        self._name = store_name(service)

    def load(self) -> Saved | None:
        """The latest copy. Raises Trouble when it cannot be read, SavedByNewer when a newer Serinus wrote it."""
        return _read(self._informer.objects.get(self._name), self._namespace, self._name)

    async def save(self, record: Record, version: str | None) -> Saved:
        """Save over `version`; None: there must be none yet."""
        known = self._informer.objects.get(self._name)
        data = dict((known or {}).get("data") or {})
        data[STATE_KEY] = encode(record)
        raw: Raw = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {MANAGED_BY_LABEL: MANAGED_BY, SERVICE_LABEL: self._service},
            },
            "data": data,
        }
        if version is not None:
            raw["metadata"]["resourceVersion"] = version
        try:
            answer = await self._write(raw, version)
        except (AlreadyExists, Conflict, NotFound) as error:
            raise LostRace(str(error)) from error
        except KubeError as error:
            raise Trouble(str(error)) from error
        self._informer.put(answer)
        return saved_of(answer)

    async def _write(self, raw: Raw, version: str | None) -> Raw:
        if version is None:
            return await self._client.create(CONFIGMAPS, raw, self._namespace)
        return await self._client.replace(CONFIGMAPS, raw, self._namespace)

    async def command(self, command: Command, version: str) -> None:
        """Leave a word for whoever drives the rollout, if nothing has changed since. Raises LostRace, KubeError."""
        self._informer.put(await leave_word(self._client, self._namespace, self._service, command, version))


async def look_up(client: Client, namespace: str, service: str) -> Saved | None:
    """What is saved, asked of the server itself: one request. Raises as `KubeStore.load` does, and KubeError."""
    name = store_name(service)
    found = await client.list(
        CONFIGMAPS, namespace, field_selector=f"metadata.name={name}"
    )  # no right beyond the others
    return _read(next(iter(found.items), None), namespace, name)


async def leave_word(client: Client, namespace: str, service: str, command: Command, version: str) -> Raw:
    """Leave a word beside the record, if nothing has changed since; the ConfigMap. Raises LostRace, KubeError."""
    patch = {"metadata": {"resourceVersion": version}, "data": {COMMAND_KEY: encode(command)}}
    try:
        return await client.patch(CONFIGMAPS, store_name(service), namespace, patch, kind=PatchKind.MERGE)
    except Conflict as error:
        raise LostRace(str(error)) from error


def _read(raw: Raw | None, namespace: str, name: str) -> Saved | None:
    if raw is None or STATE_KEY not in (raw.get("data") or {}):
        return None
    where = f"ConfigMap {name} in namespace {namespace}"
    try:
        return saved_of(raw)
    except NewerFormat as error:
        raise SavedByNewer(f"{where}: {error}; run that newer version") from error
    except Unreadable as error:
        hint = f"if no rollout is under way: kubectl -n {namespace} delete configmap {name}"
        raise Trouble(f"{where} is not what Serinus wrote ({error}); {hint}") from error


def saved_of(raw: Raw) -> Saved:
    """A ConfigMap as what was saved in it. Raises NewerFormat, Unreadable."""
    data = raw["data"]
    command = decode_command(data[COMMAND_KEY]) if COMMAND_KEY in data else None
    return Saved(decode(data[STATE_KEY]), raw["metadata"]["resourceVersion"], command)
