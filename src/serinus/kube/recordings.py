"""The last rollouts' recordings in the cluster: one ConfigMap per Service, beside that of the record.

Each rollout has a key of its own. One request a save: a merge patch, and the answer shows which older ones are too
many; those go with one more. A ConfigMap of its own, so that neither a runner's compare-and-swap nor anybody's watch of
the record has to carry the readings (docs/decisions/2026-11-24-readings-beside-the-record.md).
"""

from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL
from serinus.judge.kept import Kept, decode_kept, encode_kept
from serinus.judge.packing import NotARecording
from serinus.kube.client import Client, PatchKind
from serinus.kube.errors import AlreadyExists, KubeError, NotFound
from serinus.kube.resources import CONFIGMAPS, Raw
from serinus.kube.store import store_name
from serinus.ports import Trouble

READINGS_OF_LABEL = "serinus.dev/readings-of"
KEPT_MAX = 3


def recordings_name(service: str) -> str:
    """The ConfigMap's name. No Service can be called so that its record would have this name: there is a dot in it."""
    return f"{store_name(service)}.readings"


class KubeRecordings:
    """See `ports.Recordings`."""

    def __init__(self, client: Client, namespace: str, service: str) -> None:
        self._client = client
        self._namespace = namespace
        self._service = service
        self._name = recordings_name(service)

    async def load(self) -> tuple[Kept, ...]:
        """The newest first. One that cannot be read is left out. Raises Trouble."""
        try:
            listing = await self._client.list(CONFIGMAPS, self._namespace, field_selector=f"metadata.name={self._name}")
        except KubeError as error:
            raise Trouble(str(error)) from error
        return _kept_in(listing.items[0]) if listing.items else ()

    async def save(self, kept: Kept) -> None:
        """Save this rollout's, and forget the oldest ones. Raises Trouble."""
        data: dict[str, str | None] = {kept.rollout: encode_kept(kept)}
        try:
            answer = await self._patch(data)
            if gone := _too_many(answer):
                await self._patch(dict.fromkeys(gone))
        except KubeError as error:
            raise Trouble(str(error)) from error

    async def _patch(self, data: dict[str, str | None]) -> Raw:
        try:
            return await self._client.patch(
                CONFIGMAPS, self._name, self._namespace, {"data": data}, kind=PatchKind.MERGE
            )
        except NotFound:
            pass
        labels = {MANAGED_BY_LABEL: MANAGED_BY, READINGS_OF_LABEL: self._service}
        raw: Raw = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self._name, "namespace": self._namespace, "labels": labels},
            "data": {key: text for key, text in data.items() if text is not None},
        }
        try:
            return await self._client.create(CONFIGMAPS, raw, self._namespace)
        except AlreadyExists:  # another runner was faster: beside its data, then
            return await self._client.patch(
                CONFIGMAPS, self._name, self._namespace, {"data": data}, kind=PatchKind.MERGE
            )


def _too_many(raw: Raw) -> list[str]:
    """The keys that go, once there are more than KEPT_MAX: those nobody can read, then the oldest."""
    newest_first = [kept.rollout for kept in _kept_in(raw)]
    keys = [*newest_first, *sorted(set(raw.get("data") or {}) - set(newest_first))]
    return keys[KEPT_MAX:]


def _kept_in(raw: Raw) -> tuple[Kept, ...]:
    found = []
    for text in (raw.get("data") or {}).values():
        try:
            found.append(decode_kept(text))
        except NotARecording:
            continue  # of a newer Serinus, or spoilt by hand: there is nothing to show
    return tuple(sorted(found, key=lambda kept: kept.started, reverse=True))
