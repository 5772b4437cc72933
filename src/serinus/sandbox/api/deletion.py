"""Removing objects: preconditions, grace periods of pods, finalizers and propagation, namespaces with their contents.

The work behind `foregroundDeletion` and `orphan` is the garbage collector's, not ours.
"""

import datetime

from serinus.sandbox.api.custom import forget
from serinus.sandbox.api.errors import Cause, conflict, invalid
from serinus.sandbox.api.kinds import DEFINITION, JOB, NAMESPACE, POD, REPLICATION_CONTROLLER, Kind, Raw
from serinus.sandbox.api.selectors import Selection
from serinus.sandbox.api.store import Entry, Store, encode

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"
_DELETE_OPTIONS = Kind("meta.k8s.io", "v1", "DeleteOptions", "deleteoptions")


def delete(store: Store, kind: Kind, namespace: str, name: str, options: Raw) -> tuple[Entry, bool]:
    """Carries out DeleteOptions; the object as it is now (or last was), and whether it is gone."""
    _policy(options)
    old = store.read(kind, (namespace, name))
    _check_preconditions(kind, old, options.get("preconditions") or {})
    new = old.copy()
    _set_finalizers(kind, new["metadata"], options)
    key = (namespace, name)
    dry_run = bool(options.get("dryRun"))
    held = bool(new["metadata"].get("finalizers")) or kind in (POD, NAMESPACE)
    if held:
        _set_grace(kind, new, options)
    if not held or is_complete(kind, new):
        if dry_run:
            return encode(new, 0), True
        entry = store.remove(kind, key, new)
        if kind == DEFINITION:
            forget(store, new)
        finish_namespace(store, namespace)
        return entry, True
    if new == old.raw:
        return old, False
    if dry_run:
        return encode(new, 0), False
    if kind == NAMESPACE:
        new["status"]["phase"] = "Terminating"
    entry = store.put(kind, key, new)
    if kind == NAMESPACE:
        _empty(store, name)
    return store.get(kind, key) or entry, False


def delete_collection(store: Store, kind: Kind, selection: Selection, options: Raw) -> list[Entry]:
    """Deletes every object that the selection holds; the entries as they were left."""
    entries = list(store.collection(kind).entries.items())
    chosen = [key for key, entry in entries if selection.matches(entry.raw)]
    return [delete(store, kind, namespace, name, options)[0] for namespace, name in chosen]


def is_complete(kind: Kind, raw: Raw) -> bool:
    """True for an object marked for deletion that nothing holds any more."""
    meta = raw["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if kind == NAMESPACE:
        return not (raw.get("spec") or {}).get("finalizers")
    return kind != POD or meta.get("deletionGracePeriodSeconds", 0) == 0


def check_may_bind(raw: Raw) -> None:
    """Raises StatusError 409 for a pod that is leaving or has its node already."""
    name = raw["metadata"]["name"]
    if raw["metadata"].get("deletionTimestamp"):
        raise conflict(POD, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if raw["spec"].get("nodeName"):
        raise conflict(POD, name, f'pod {name} is already assigned to node "{raw["spec"]["nodeName"]}"')


def finish_namespace(store: Store, namespace: str) -> None:
    """Removes a terminating namespace once its last object is gone."""
    entry = store.get(NAMESPACE, ("", namespace))
    if entry is None or not entry.raw["metadata"].get("deletionTimestamp"):
        return
    if next(store.in_namespace(namespace), None) is None:
        last = entry.copy()
        last["spec"]["finalizers"] = []
        if is_complete(NAMESPACE, last):
            store.remove(NAMESPACE, ("", namespace), last)


def _empty(store: Store, namespace: str) -> None:
    for kind, key in store.in_namespace(namespace):
        if store.get(kind, key) is not None:
            delete(store, kind, *key, {"propagationPolicy": "Background"})
    finish_namespace(store, namespace)


def _check_preconditions(kind: Kind, old: Entry, wanted: Raw) -> None:
    meta = old.raw["metadata"]
    checks = (
        ("uid", "UID", meta["uid"], "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", str(old.version), "modified"),
    )
    for field, label, found, guess in checks:
        if wanted.get(field) and wanted[field] != found:
            given = f"the {label} in the precondition ({wanted[field]}) does not match the {label} in record ({found})"
            raise conflict(kind, meta["name"], f"{given}. The object might have been {guess}")


def _set_finalizers(kind: Kind, meta: Raw, options: Raw) -> None:
    policy = _policy(options)
    finalizers = list(meta.get("finalizers") or [])
    chosen = [each for each in finalizers if each in (_FOREGROUND, _ORPHAN)]
    if policy is None:
        policy = "Orphan" if not chosen and kind in (JOB, REPLICATION_CONTROLLER) else None
    if policy is not None:
        finalizers = [each for each in finalizers if each not in (_FOREGROUND, _ORPHAN)]
        finalizers += {"Foreground": [_FOREGROUND], "Orphan": [_ORPHAN]}.get(policy, [])
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)


def _policy(options: Raw) -> str | None:
    """Raises StatusError 422 for a policy that does not exist."""
    policy: str | None = options.get("propagationPolicy")
    if policy is None and options.get("orphanDependents") is not None:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    if policy not in (None, "Foreground", "Orphan", "Background"):
        message = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        raise invalid(_DELETE_OPTIONS, "", [Cause("propagationPolicy", message, "FieldValueNotSupported")])
    return policy


def _set_grace(kind: Kind, raw: Raw, options: Raw) -> None:
    """Marks the object as going: a pod with its grace period, which a later delete may only shorten."""
    meta = raw["metadata"]
    grace = _grace_seconds(raw, options) if kind == POD else 0
    if meta.get("deletionTimestamp"):
        if grace < meta.get("deletionGracePeriodSeconds", 0):
            meta["deletionGracePeriodSeconds"] = grace
            meta["deletionTimestamp"] = _after(grace)
        return
    meta["deletionTimestamp"] = _after(grace)
    if kind != NAMESPACE:
        meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation"):
        meta["generation"] += 1


def _grace_seconds(raw: Raw, options: Raw) -> int:
    spec, phase = raw["spec"], (raw.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Failed", "Succeeded"):
        return 0
    asked = options.get("gracePeriodSeconds")
    grace: int = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return max(grace, 1) if grace < 0 else grace


def _after(seconds: int) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
