"""managedFields: who wrote an object last, by manager, operation and subresource."""

from serinus.sandbox.api import metadata
from serinus.sandbox.api.kinds import Kind, Raw


def record_update(kind: Kind, old: Raw | None, new: Raw, manager: str, subresource: str) -> None:
    """Notes a write that was no apply; changes `new`."""
    kept = [
        each
        for each in (old or {}).get("metadata", {}).get("managedFields") or []
        if (each["manager"], each["operation"], each.get("subresource", "")) != (manager, "Update", subresource)
    ]
    entry: Raw = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": kind.api_version,
        "time": metadata.timestamp(),
    }
    if subresource:
        entry["subresource"] = subresource
    new["metadata"]["managedFields"] = [*kept, entry]
