"""Kinds that CustomResourceDefinitions add to the table of kinds: served, listed and watched like any other.

What a definition says of versions and names holds; its schema is not enforced here, and it is established at once.
"""

from serinus.sandbox.api.kinds import DEFINITION, Kind, Raw
from serinus.sandbox.api.store import Store


def custom_kinds(store: Store) -> tuple[Kind, ...]:
    """The kinds of the definitions in the store: one for each, of its first served version."""
    return tuple(kind_of(entry.raw) for entry in store.collection(DEFINITION).entries.values())


def kind_of(raw_definition: Raw) -> Kind:
    """The kind that a definition defines."""
    spec = raw_definition["spec"]
    names, version = spec["names"], next(each for each in spec["versions"] if each["served"])
    return Kind(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        subresources=("status",) if "status" in (version.get("subresources") or {}) else (),
        counts_generation=True,
    )


def established(raw_definition: Raw) -> Raw:
    """The status of a definition whose kind is served."""
    conditions = [{"type": kind, "status": "True"} for kind in ("NamesAccepted", "Established")]
    return {"conditions": conditions, "acceptedNames": raw_definition["spec"]["names"], "storedVersions": []}


def forget(store: Store, raw_definition: Raw) -> None:
    """A definition is gone, and all objects of its kind with it."""
    kind = kind_of(raw_definition)
    for key, entry in list(store.collection(kind).entries.items()):
        store.remove(kind, key, entry.copy())
