"""The lock that says which runner drives a rollout: a Lease, taken, kept and given back.

A courtesy between runners and a word for `status`; what protects the cluster is the compare-and-swap of the saved
state. Other runners' clocks are not trusted: a holder counts as dead when *we* saw its record unchanged for its whole
duration. Not here: what a runner does when it has the lock, or has lost it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from serinus.ports import Clock

from .client import Client
from .errors import Conflict, KubeError, NotFound, ServerError, Unreachable
from .informer import Informer
from .resources import LEASES, Raw

DURATION_SECONDS = 15
RENEW_SECONDS = 5.0
RENEW_SECONDS_MAX = 10.0  # unrenewed for this long, we stop believing that it is ours: before anyone else may take it
RETRY_SECONDS = 1.0
DELETE_ATTEMPTS_MAX = 3
LONG_EXPIRED_DURATIONS = 2.0  # by the wall clock; less than this and the clocks may simply disagree


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lease, by its own record."""

    identity: str
    renewed: datetime
    duration_seconds: float

    def is_live(self, now: datetime) -> bool:
        """Whether the record says that the lease is still held; as good as the two clocks agree."""
        return now - self.renewed <= timedelta(seconds=self.duration_seconds)

    def seconds_left(self, now: datetime) -> float:
        """Until the lease ends, if it is not renewed; 0 when it has ended."""
        return max(0.0, self.duration_seconds - (now - self.renewed).total_seconds())


class LeaseHeld(KubeError):
    """Somebody else has the lease, and is alive. `holder` says who."""

    def __init__(self, name: str, holder: Holder | None, where: str) -> None:
        who = holder.identity if holder else "another runner that was faster"
        hint = "Wait until it has finished, or abort its rollout first"
        super().__init__(f"the lease {name} cannot be taken", where=where, why=f"{who} holds it", hint=hint)
        self.holder = holder


def holder_of(raw_lease: Raw) -> Holder | None:
    """The holder that a Lease names, or None when it names nobody."""
    spec: dict[str, Any] = raw_lease.get("spec") or {}
    identity = spec.get("holderIdentity")
    if not identity:
        return None
    try:
        renewed = datetime.fromisoformat(spec.get("renewTime") or "")
    except ValueError:
        renewed = datetime.min.replace(tzinfo=UTC)
    return Holder(identity, renewed, float(spec.get("leaseDurationSeconds") or DURATION_SECONDS))


async def remove_lease(client: Client, name: str, namespace: str) -> None:
    """Remove the lease of a run that has ended, whoever held it. Raises KubeError."""
    with contextlib.suppress(NotFound):
        await client.delete(LEASES, name, namespace)


class Lease:
    """One runner's side of one lease. `lost` is set when it is not ours any more, or cannot be known to be."""

    def __init__(
        self, client: Client, name: str, namespace: str, identity: str, labels: Mapping[str, str] | None = None
    ) -> None:
        self.lost = asyncio.Event()
        self._client = client
        self._clock = client.transport.clock
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._labels = dict(labels or {})
        self._raw: Raw = {}
        self._renewed_at = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.release()

    async def acquire(self) -> None:
        """Take the lease and keep renewing it. Raises LeaseHeld, for which it may have to watch for one duration."""
        raw = await self._look()
        if raw is not None and not self._is_free(raw):
            raw = await self._outlast(raw)
        await self._take(raw)
        self._renewing = asyncio.create_task(self._keep())
        self._renewing.add_done_callback(lambda _: self.lost.set())

    async def release(self) -> None:
        """Stop renewing, and delete the Lease if it is still ours. Raises KubeError when it may still be there."""
        if self._renewing is None:
            return
        was_lost = self.lost.is_set()
        self._renewing.cancel()
        await asyncio.wait([self._renewing])
        if not self._renewing.cancelled():
            self._renewing.result()
        if not was_lost:
            await self._delete()

    async def clear(self) -> bool:
        """Delete the Lease that a dead runner left, which takes its duration to know; False: there was none.

        Raises LeaseHeld when its holder is alive, and the other errors of the API.
        """
        if await self._look() is None:
            return False
        await self.acquire()
        await self.release()
        return True

    async def _look(self) -> Raw | None:
        try:
            return await self._client.get(LEASES, self._name, self._namespace)
        except NotFound:
            return None

    def _is_free(self, raw: Raw) -> bool:
        holder = holder_of(raw)
        if holder is None or holder.identity == self._identity:
            return True
        patience = timedelta(seconds=LONG_EXPIRED_DURATIONS * holder.duration_seconds)
        return holder.renewed + patience < self._clock.now()

    async def _outlast(self, seen: Raw) -> Raw | None:
        """Watch the record: raises LeaseHeld at its first sign of life; the dead record when there was none."""
        holder = holder_of(seen)
        give_up_at = self._clock.monotonic() + (holder.duration_seconds if holder else 0.0)
        changed = asyncio.Event()
        async with Informer(
            self._client, LEASES, self._namespace, field_selector=f"metadata.name={self._name}"
        ) as leases:
            leases.subscribe(changed.set)
            await leases.synced()
            while True:
                changed.clear()
                current = leases.objects.get(self._name)
                if current is None or self._is_free(current):
                    return current
                if current.get("spec") != seen.get("spec"):
                    raise LeaseHeld(self._name, holder_of(current), self._client.transport.where)
                left = give_up_at - self._clock.monotonic()
                if left <= 0:
                    return current
                await _within(self._clock, left, changed.wait())

    async def _take(self, raw: Raw | None) -> None:
        began = self._clock.monotonic()
        try:
            self._raw = await self._write(raw)
        except Conflict:
            raise await self._beaten() from None
        except Unreachable as error:
            current = await self._look() if error.may_have_happened else None
            if current is None or not self._is_ours(current):
                raise
            self._raw = current
        self._renewed_at = began

    async def _write(self, raw: Raw | None) -> Raw:
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if raw is None:
            metadata = {"name": self._name, "namespace": self._namespace, "labels": self._labels}
            fresh = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata}
            return await self._client.create(LEASES, fresh | {"spec": self._spec({}, now)}, self._namespace)
        return await self._client.replace(
            LEASES, raw | {"spec": self._spec(raw.get("spec") or {}, now)}, self._namespace
        )

    def _spec(self, before: dict[str, Any], now: str) -> dict[str, Any]:
        spec = before | {"renewTime": now, "leaseDurationSeconds": DURATION_SECONDS}
        if before.get("holderIdentity") != self._identity:
            transitions = before.get("leaseTransitions") or 0
            spec |= {"acquireTime": now, "leaseTransitions": transitions + 1 if before else 0}
        return spec | {"holderIdentity": self._identity}

    def _is_ours(self, raw: Raw) -> bool:
        holder = holder_of(raw)
        return holder is not None and holder.identity == self._identity

    async def _beaten(self) -> LeaseHeld:
        current = await self._look()
        return LeaseHeld(self._name, holder_of(current) if current else None, self._client.transport.where)

    async def _keep(self) -> None:
        """Renew until the lease is lost."""
        pause = RENEW_SECONDS
        while True:
            await self._clock.sleep(pause)
            left = self._renewed_at + RENEW_SECONDS_MAX - self._clock.monotonic()
            renewed = await _within(self._clock, left, self._renew()) if left > 0 else None
            if renewed is None:
                return  # too long unheard
            pause = RENEW_SECONDS if renewed else RETRY_SECONDS

    async def _renew(self) -> bool | None:
        """True: renewed; False: not now; None: it is somebody else's, or gone."""
        began = self._clock.monotonic()
        try:
            self._raw = await self._write(self._raw)
        except NotFound:
            return None
        except Conflict:
            current = await self._look_if_possible()
            if current is None or not self._is_ours(current):
                return None
            self._raw = current  # somebody touched its labels, or an answer to us was lost
            return False
        except KubeError:
            return False
        self._renewed_at = began
        return True

    async def _look_if_possible(self) -> Raw | None:
        try:
            return await self._look()
        except KubeError:
            return self._raw  # not known to be lost; the time limit decides

    async def _delete(self) -> None:
        """Bound to what was seen, so it may be tried again whatever became of the attempt before."""
        raw: Raw | None = self._raw
        for attempt in range(1, DELETE_ATTEMPTS_MAX + 1):
            if raw is None or not self._is_ours(raw):
                return
            metadata = raw["metadata"]
            try:
                with contextlib.suppress(NotFound):
                    await self._client.delete(
                        LEASES,
                        self._name,
                        self._namespace,
                        uid=metadata["uid"],
                        resource_version=metadata["resourceVersion"],
                    )
                return
            except (Conflict, ServerError, Unreachable) as error:
                if attempt == DELETE_ATTEMPTS_MAX:
                    raise
                if not isinstance(error, Conflict):
                    await self._clock.sleep(self._client.transport.backoff_seconds(attempt))
                raw = await self._look()


async def _within(clock: Clock, seconds: float, work: Awaitable[Any]) -> Any:
    """The work's result, or None when it took longer by the Clock port; then it is cancelled."""
    task, limit = asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait([task, limit], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, limit):
            each.cancel()
        await asyncio.wait([task, limit])
