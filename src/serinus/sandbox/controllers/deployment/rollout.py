"""The working copy of one pass over a Deployment and its ReplicaSets, and the writes it adds up to.

Everything that decides (`plan`, `scaling`, `strategies`, `status`) changes the copies held here; `writes` compares them
with what was there. So a ReplicaSet that is marked and scaled in one pass costs one request. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from serinus.sandbox.controllers.deployment.annotations import (
    DESIRED,
    REVISION,
    mark_newest,
    mark_sizes,
    revision_of,
)
from serinus.sandbox.controllers.deployment.arithmetic import has_deadline, is_rolling, max_surge, total_size
from serinus.sandbox.controllers.deployment.conditions import Condition, condition_of, set_condition
from serinus.sandbox.controllers.deployment.template import replica_set_for, same_template
from serinus.sandbox.controllers.objects import annotations_of, copied, creation_order, replicas_of
from serinus.sandbox.controllers.writes import Event, Write, create, delete, update, update_status
from serinus.sandbox.rest import Raw


@dataclass
class Rollout:
    """One pass. `deployment` and `replica_sets` are copies of its own; `newest` is the one with the present template.

    `old_pods_running` matters to the strategy Recreate only. `recheck_seconds` is set when time alone can change the
    outcome.
    """

    deployment: Raw
    replica_sets: list[Raw]
    now: datetime
    old_pods_running: bool = False
    recheck_seconds: float | None = None
    newest: Raw | None = None
    old: list[Raw] = field(default_factory=list)
    created: Raw | None = None
    deleted: list[Raw] = field(default_factory=list)
    _before: dict[str, Raw] = field(default_factory=dict)
    _deployment_before: Raw = field(default_factory=dict)
    _events: dict[str, list[Event]] = field(default_factory=dict)

    @classmethod
    def of(cls, deployment: Raw, owned: Iterable[Raw], now: datetime, *, old_pods_running: bool = False) -> "Rollout":
        ordered = sorted(owned, key=creation_order)
        rollout = cls(copied(deployment), [copied(item) for item in ordered], now, old_pods_running)
        rollout.deployment.setdefault("status", {})
        rollout._before = {item["metadata"]["name"]: item for item in ordered}
        rollout._deployment_before = deployment
        template = deployment["spec"]["template"]
        same = [item for item in rollout.replica_sets if same_template(item["spec"]["template"], template)]
        rollout.newest = same[0] if same else None
        rollout.old = [item for item in rollout.replica_sets if item is not rollout.newest]
        return rollout

    @property
    def wanted(self) -> int:
        return replicas_of(self.deployment)

    @property
    def all(self) -> list[Raw]:
        return [*self.old, *([self.newest] if self.newest is not None else [])]

    def mark_newest(self) -> None:
        """Keep the newest ReplicaSet's revision, annotations and readiness time, and the Deployment's revision."""
        if self.newest is None:
            return
        mark_newest(self.deployment, self.newest, self._next_revision())
        wait = int(self.deployment["spec"].get("minReadySeconds") or 0)
        if int(self.newest["spec"].get("minReadySeconds") or 0) != wait:
            self.newest["spec"]["minReadySeconds"] = wait
        self._take_revision(self.newest)
        if has_deadline(self.deployment) and condition_of(self.deployment, "Progressing") is None:
            message = f'Found new replica set "{self.newest["metadata"]["name"]}"'
            self.set_condition(Condition("Progressing", "True", "FoundNewReplicaSet", message))

    def create_newest(self) -> Raw:
        """Add the ReplicaSet of the present template, at the size that the strategy allows at once."""
        replica_set = replica_set_for(self.deployment, 0)
        replica_set["spec"]["replicas"] = size = self.room_for(replica_set)
        mark_newest(self.deployment, replica_set, self._next_revision())
        mark_sizes(self.deployment, replica_set)
        self.newest = self.created = replica_set
        name = replica_set["metadata"]["name"]
        if size > 0:
            self._tell(name, f"Scaled up replica set {name} from 0 to {size}")
        self._take_revision(replica_set)
        if has_deadline(self.deployment):
            message = f'Created new replica set "{name}"'
            self.set_condition(Condition("Progressing", "True", "NewReplicaSetCreated", message))
        return replica_set

    def room_for(self, newest: Raw) -> int:
        """The size the newest ReplicaSet may have now."""
        if not is_rolling(self.deployment):
            return self.wanted
        size = replicas_of(newest)
        others = [item for item in self.all if item is not newest]
        free = self.wanted + max_surge(self.deployment) - size - total_size(others)
        return size if free <= 0 else size + min(free, self.wanted - size)

    def scale(self, replica_set: Raw, size: int, *, always_mark: bool = False) -> bool:
        """Give a ReplicaSet a size. True when that changes it. Its size annotations follow only when it does, or on
        demand: a ReplicaSet that keeps its size keeps the memory of the size the Deployment had."""
        before, name = replicas_of(replica_set), replica_set["metadata"]["name"]
        if before == size and not always_mark:
            return False
        replica_set["spec"]["replicas"] = size
        mark_sizes(self.deployment, replica_set)
        if before == size:
            return False
        direction = "up" if before < size else "down"
        self._tell(name, f"Scaled {direction} replica set {name} from {before} to {size}")
        return True

    def is_saturated(self, replica_set: Raw | None) -> bool:
        """Whether a ReplicaSet alone already is what the Deployment wants, and was told so."""
        return (
            replica_set is not None
            and replicas_of(replica_set) == self.wanted
            and annotations_of(replica_set).get(DESIRED) == str(self.wanted)
            and int((replica_set.get("status") or {}).get("availableReplicas") or 0) == self.wanted
        )

    def set_condition(self, condition: Condition) -> None:
        set_condition(self.deployment["status"], condition, self.now)

    def writes(self) -> list[Write]:
        """Everything that changed, the Deployment's own status last."""
        wanted = [create(self.created, *self._events_of(self.created))] if self.created is not None else []
        changed = [item for item in self.replica_sets if item != self._before[item["metadata"]["name"]]]
        wanted += [update(item, *self._events_of(item)) for item in changed]
        wanted += [delete(item) for item in self.deleted]
        if self._deployment_changed():
            wanted.append(update_status(self.deployment))
        return wanted

    def _deployment_changed(self) -> bool:
        before = self._deployment_before
        return self.deployment["status"] != (before.get("status") or {}) or annotations_of(
            self.deployment
        ) != annotations_of(before)

    def _next_revision(self) -> int:
        return max((revision_of(item) for item in self.old), default=0) + 1

    def _take_revision(self, replica_set: Raw) -> None:
        # An annotation, but written with the status: otherwise it would count as a change of the Deployment itself.
        revision = annotations_of(replica_set).get(REVISION)
        if revision is not None:
            annotations = self.deployment["metadata"].setdefault("annotations", {})
            annotations[REVISION] = revision

    def _tell(self, name: str, message: str) -> None:
        event = Event(self._deployment_before, "ScalingReplicaSet", message)
        self._events.setdefault(name, []).append(event)

    def _events_of(self, replica_set: Raw) -> list[Event]:
        return self._events.get(replica_set["metadata"]["name"], [])
