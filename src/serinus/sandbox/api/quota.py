"""ResourceQuota, as far as it counts pods: a pod too many is refused when it is created, rehearsed or not.

Amounts of cpu and memory, scopes, and quotas of other kinds are not here, since nothing in the sandbox asks for them;
nor is a quota's status.
"""

from collections.abc import Iterator

from serinus.sandbox.api.errors import forbidden
from serinus.sandbox.api.kinds import POD, RESOURCE_QUOTA, Kind, Raw
from serinus.sandbox.api.store import Store

_KEYS = ("pods", "count/pods")
_ENDED = ("Succeeded", "Failed")


def check_quota(store: Store, kind: Kind, namespace: str, name: str) -> None:
    """Raises StatusError 403 when a quota of the namespace leaves no room for one more such object."""
    for quota, key, most in _limits(store, namespace) if kind == POD else ():
        used = _pods(store, namespace, key)
        if used + 1 > most:
            why = f"exceeded quota: {quota}, requested: {key}=1, used: {key}={used}, limited: {key}={most}"
            raise forbidden(POD, name, why)


def _limits(store: Store, namespace: str) -> Iterator[tuple[str, str, int]]:
    """Name of the quota, what it counts, and how many there may be."""
    for (home, quota), entry in store.collection(RESOURCE_QUOTA).entries.items():
        spec: Raw = entry.raw.get("spec") or {}
        if home == namespace and not spec.get("scopes") and not spec.get("scopeSelector"):
            yield from ((quota, key, int(most)) for key, most in (spec.get("hard") or {}).items() if key in _KEYS)


def _pods(store: Store, namespace: str, key: str) -> int:
    """Those that have not ended; by count, all that exist."""
    return sum(
        home == namespace and (key != "pods" or (entry.raw.get("status") or {}).get("phase") not in _ENDED)
        for (home, _), entry in store.collection(POD).entries.items()
    )
