"""managedFields: which manager owns which fields, kept up by updates and asked by server-side apply."""

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass

from serinus.sandbox.api import metadata
from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.fieldsets import FieldSet, changed_paths, from_fields, leaves, remove_path, to_fields
from serinus.sandbox.api.kinds import Kind, Raw
from serinus.sandbox.api.schema import is_whole_map, list_rule

_EMPTY: FieldSet = frozenset()


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry's identity: `operation` is Apply or Update."""

    manager: str
    operation: str
    subresource: str = ""


def record_update(kind: Kind, old: Raw | None, new: Raw, manager: str, subresource: str) -> None:
    """Gives the fields that an update added or altered to its manager, and takes them from the others."""
    touched, removed = changed_paths(old or {"metadata": {}}, new)
    if kind.has_status and subresource != "status":
        touched = frozenset(path for path in touched if path[0] != "f:status")  # the server's own first status
    entries = [entry for entry in new["metadata"].get("managedFields") or [] if entry.get("manager")]
    owner = Owner(manager, "Update", subresource)
    kept = _lessened(entries, touched | removed, owner)
    own = (_owned(entries, owner) - removed) | touched
    if touched:
        kept.append(_entry(kind, owner, own))
    elif own:
        kept += [entry for entry in entries if _owner(entry) == owner]
    new["metadata"]["managedFields"] = kept


def apply(kind: Kind, live: Raw | None, config: Raw, owner: Owner, force: bool) -> Raw:
    """Server-side apply: the live object with the configuration merged in.

    Fields that the manager applied before and now leaves out are removed, if nobody else owns them. Raises StatusError
    409 when another manager owns a field that would get another value, unless `force` takes it over.
    """
    base = live or {"metadata": {}}
    entries = base["metadata"].get("managedFields") or []
    wanted = leaves(config)
    own = frozenset(wanted)
    current = leaves(base)
    differing = frozenset(path for path in own if path in current and current[path] != wanted[path])
    others = [entry for entry in entries if _owner(entry) != owner]
    if not force:
        _check_conflicts(others, differing, owner)
    merged = merge_config(base, config)
    _remove_dropped(merged, _owned(entries, owner) - own, _union(others))
    kept = _lessened(others, differing, owner)
    merged["metadata"]["managedFields"] = [*kept, _entry(kind, owner, own)]
    return merged


def _remove_dropped(merged: Raw, dropped: FieldSet, kept: FieldSet) -> None:
    """Removes paths that nobody owns any more; an item of a list goes before its fields, as these tell which it is."""
    for path in sorted(dropped - kept, key=len):
        names_kept_item = len(path) > 1 and path[-2][:2] == "k:" and path[-1][2:] in json.loads(path[-2][2:])
        if not names_kept_item and not any(other[: len(path)] == path for other in kept):
            remove_path(merged, path)


def settle_times(old: Raw, merged: Raw) -> None:
    """An apply that changes nothing keeps the times of its entries, so that it is seen to change nothing."""
    before = {_owner(entry): entry for entry in old["metadata"].get("managedFields") or []}
    for entry in merged["metadata"].get("managedFields") or []:
        known = before.get(_owner(entry))
        if known and known.get("fieldsV1") == entry.get("fieldsV1"):
            entry["time"] = known["time"]


def _check_conflicts(others: list[Raw], differing: FieldSet, owner: Owner) -> None:
    causes = [
        (entry, _readable(path))
        for entry in others
        for path in sorted(differing & from_fields(entry.get("fieldsV1") or {}))
    ]
    if not causes:
        return
    lines = [f"conflict with {_described(entry)}: {field}" for entry, field in causes]
    text = lines[0] if len(lines) == 1 else "conflicts with " + _listed(causes)
    plural = "s" if len(causes) > 1 else ""
    details = {
        "causes": [
            {"reason": "FieldManagerConflict", "message": f"conflict with {_described(entry)}", "field": field}
            for entry, field in causes
        ]
    }
    message = f"Apply failed with {len(causes)} conflict{plural}: {text}"
    raise StatusError(409, "Conflict", message, details)


def _listed(causes: list[tuple[Raw, str]]) -> str:
    by_manager: dict[str, list[str]] = {}
    for entry, field in causes:
        by_manager.setdefault(_described(entry), []).append(field)
    return "\n".join(f"{who}:\n" + "\n".join(f"- {each}" for each in fields) for who, fields in by_manager.items())


def _described(entry: Raw) -> str:
    text = f'"{entry["manager"]}"'
    if entry.get("subresource"):
        text += f' with subresource "{entry["subresource"]}"'
    return text if entry["operation"] == "Apply" else f"{text} using {entry['apiVersion']}"


def _readable(path: Iterable[str]) -> str:
    """`.spec.template.spec.containers[name="app"].image`"""
    text = ""
    for step in path:
        kind, rest = step[:2], step[2:]
        if kind == "f:":
            text += f".{rest}"
        elif kind == "k:":
            text += "[" + rest.strip("{}").replace('":', "=").replace('"', "", 1).replace(',"', ",") + "]"
        else:
            text += f"[={rest}]"
    return text


def merge_config(live: Raw, config: Raw, field: str = "") -> Raw:
    """The applied configuration laid over the live object: keyed lists item by item, all else replaced."""
    merged = dict(live)
    for key, value in config.items():
        before = merged.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and not is_whole_map(key):
            merged[key] = merge_config(before, value, key)
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = _merge_items(before, value, field, key)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _merge_items(live: list[Raw], config: list[Raw], parent: str, field: str) -> list[Raw]:
    rule = list_rule(parent, field)
    if rule is None:
        return copy.deepcopy(config)
    if not rule.patch_key:
        return [*live, *(value for value in config if value not in live)]
    keys = rule.apply_keys
    if not keys:
        return copy.deepcopy(config)
    defaults = {"protocol": "TCP"}

    def identity(item: Raw) -> tuple[object, ...]:
        return tuple(item.get(key, defaults.get(key)) for key in keys)

    before = {identity(item): item for item in live}
    wanted = [identity(item) for item in config]
    applied = [
        merge_config(before[identity(item)], item, field) if identity(item) in before else copy.deepcopy(item)
        for item in config
    ]
    return [*applied, *(item for item in live if identity(item) not in wanted)]


def _owner(entry: Raw) -> Owner:
    return Owner(entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", ""))


def _owned(entries: list[Raw], owner: Owner) -> FieldSet:
    found = next((entry for entry in entries if _owner(entry) == owner), None)
    return from_fields(found.get("fieldsV1") or {}) if found else _EMPTY


def _union(entries: list[Raw]) -> FieldSet:
    return _EMPTY.union(*(from_fields(entry.get("fieldsV1") or {}) for entry in entries))


def _lessened(entries: list[Raw], paths: FieldSet, owner: Owner) -> list[Raw]:
    """The other owners' entries without these paths; an owner of nothing is gone."""
    kept = []
    for entry in entries:
        if _owner(entry) == owner:
            continue
        owned = from_fields(entry.get("fieldsV1") or {})
        left = owned - paths
        if left == owned:
            kept.append(entry)
        elif left:
            kept.append(entry | {"fieldsV1": to_fields(left)})
    return kept


def _entry(kind: Kind, owner: Owner, paths: FieldSet) -> Raw:
    entry: Raw = {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": kind.api_version,
        "time": metadata.timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields(paths),
    }
    return entry | ({"subresource": owner.subresource} if owner.subresource else {})
