"""What garbage collection does with one object, as owner and as dependent. Pure."""

from collections.abc import Callable, Iterable
from enum import Enum

from serinus.sandbox.controllers.objects import is_deleting, owners_of, path_of, uid_of
from serinus.sandbox.controllers.writes import Write, set_owners
from serinus.sandbox.rest import MERGE, Raw

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Owner(Enum):
    """How an owner stands: it lives, it is gone or never was, or it waits for its dependents to be deleted."""

    ALIVE = "alive"
    GONE = "gone"
    WAITING = "waiting"


def owner_state(owner: Raw) -> Owner:
    """The state of an owner that exists."""
    return Owner.WAITING if is_deleting(owner) and FOREGROUND in _finalizers(owner) else Owner.ALIVE


def plan_owner(owner: Raw, dependents: Iterable[Raw]) -> list[Write]:
    """What is to be done for an object that is being deleted and has dependents, or had some."""
    finalizers, uid = _finalizers(owner), uid_of(owner)
    if not is_deleting(owner):
        return []
    if ORPHAN in finalizers:
        freed = [set_owners(item, [ref for ref in owners_of(item) if ref["uid"] != uid]) for item in dependents]
        return [*freed, _without_finalizer(owner, ORPHAN)]
    if FOREGROUND in finalizers and not any(_holds_up(item, uid) for item in dependents):
        return [_without_finalizer(owner, FOREGROUND)]
    return []


def plan_dependent(item: Raw, state: Callable[[Raw], Owner], dependents: list[Raw]) -> Write | None:
    """What is to be done with an object, given how each of its owner references stands and what depends on it."""
    references = owners_of(item)
    if is_deleting(item) or not references:
        return None
    states = [state(reference) for reference in references]
    alive = [ref for ref, standing in zip(references, states, strict=True) if standing is Owner.ALIVE]
    if alive:
        return set_owners(item, alive) if len(alive) < len(references) else None
    return _delete(item, Owner.WAITING in states, dependents)


def _delete(item: Raw, owner_waits: bool, dependents: list[Raw]) -> Write:
    finalizers = _finalizers(item)
    if ORPHAN in finalizers:
        policy = "Orphan"
    elif FOREGROUND in finalizers or (owner_waits and dependents):
        policy = "Foreground"
    else:
        policy = "Background"
    metadata = item["metadata"]
    # The version too: an object that lost its dead owner a moment ago must not be deleted for it.
    preconditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    return Write("DELETE", path_of(item), {"propagationPolicy": policy, "preconditions": preconditions})


def _holds_up(dependent: Raw, owner_uid: str) -> bool:
    return any(owner["uid"] == owner_uid and owner.get("blockOwnerDeletion") for owner in owners_of(dependent))


def _finalizers(item: Raw) -> list[str]:
    return item["metadata"].get("finalizers") or []


def _without_finalizer(item: Raw, finalizer: str) -> Write:
    kept = [name for name in _finalizers(item) if name != finalizer]
    metadata = {"finalizers": kept, "resourceVersion": item["metadata"]["resourceVersion"]}
    return Write("PATCH", path_of(item), {"metadata": metadata}, MERGE)
