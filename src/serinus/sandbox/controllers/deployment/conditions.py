"""The conditions in a Deployment's status. Pure; they change the status they are given."""

from dataclasses import dataclass
from datetime import datetime

from serinus.sandbox.controllers.objects import format_time
from serinus.sandbox.rest import Raw


@dataclass(frozen=True, slots=True)
class Condition:
    """`status` is True, False or Unknown as text; `reason` the stable word."""

    type: str
    status: str
    reason: str
    message: str


def condition_of(item: Raw, kind: str) -> Raw | None:
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == kind), None)


def remove_condition(status: Raw, kind: str) -> None:
    kept = [condition for condition in status.get("conditions") or [] if condition["type"] != kind]
    if kept or "conditions" in status:
        status["conditions"] = kept


def set_condition(status: Raw, condition: Condition, now: datetime, since: str | None = None) -> None:
    """Put a condition in place. One with the same status and reason stays as it is, its times included.

    `since` overrides the time of the last transition; otherwise it is kept while the status word stays the same.
    """
    present = condition_of({"status": status}, condition.type)
    if present is not None:
        if (present["status"], present["reason"]) == (condition.status, condition.reason):
            return
        if present["status"] == condition.status:
            since = since or present.get("lastTransitionTime")
    remove_condition(status, condition.type)
    status.setdefault("conditions", []).append(
        {
            "type": condition.type,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message,
            "lastUpdateTime": format_time(now),
            "lastTransitionTime": since or format_time(now),
        }
    )
