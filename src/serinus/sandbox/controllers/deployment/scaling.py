"""Scaling a Deployment that is not being rolled out: paused, or its size was changed. Pure."""

from serinus.sandbox.controllers.deployment.annotations import DESIRED, MAXIMUM, number
from serinus.sandbox.controllers.deployment.arithmetic import (
    active,
    is_rolling,
    max_surge,
    rounded,
    total_size,
)
from serinus.sandbox.controllers.deployment.rollout import Rollout
from serinus.sandbox.controllers.objects import count, creation_order, replicas_of
from serinus.sandbox.rest import Raw


def size_was_changed(rollout: Rollout) -> bool:
    """Whether some ReplicaSet remembers another size of the Deployment than it has now."""
    remembered = [number(item, DESIRED) for item in active(rollout.all)]
    return any(size is not None and size != rollout.wanted for size in remembered)


def scale(rollout: Rollout) -> None:
    """Give the ReplicaSets the sizes that `spec.replicas` asks for, without moving the rollout on."""
    only = _only_active_or_latest(rollout)
    if only is not None:
        rollout.scale(only, rollout.wanted)
    elif rollout.is_saturated(rollout.newest):
        for replica_set in active(rollout.old):
            rollout.scale(replica_set, 0)
    elif is_rolling(rollout.deployment):
        _scale_in_proportion(rollout)


def _only_active_or_latest(rollout: Rollout) -> Raw | None:
    present = active(rollout.all)
    if len(present) == 1:
        return present[0]
    if present:
        return None
    return rollout.newest or (rollout.old[-1] if rollout.old else None)


def _scale_in_proportion(rollout: Rollout) -> None:
    """Share what is to be added or removed among the ReplicaSets by their size: the rollout keeps its risk."""
    present = active(rollout.all)
    allowed = rollout.wanted + max_surge(rollout.deployment) if rollout.wanted > 0 else 0
    missing = allowed - total_size(present)
    present.sort(key=creation_order, reverse=missing > 0)  # of equal sizes, the newer grows and the older shrinks
    present.sort(key=replicas_of, reverse=True)
    left, sizes = missing, []
    for replica_set in present:
        part = _part(rollout, replica_set, left) if missing else 0
        left -= part
        sizes.append(replicas_of(replica_set) + part)
    if sizes:
        sizes[0] = max(0, sizes[0] + left)
    for replica_set, size in zip(present, sizes, strict=True):
        rollout.scale(replica_set, size, always_mark=True)


def _part(rollout: Rollout, replica_set: Raw, left: int) -> int:
    size = replicas_of(replica_set)
    if left == 0:
        return 0
    if rollout.wanted == 0:
        fair = -size
    else:
        before = number(replica_set, MAXIMUM) or count(rollout.deployment, "replicas")
        if before == 0:
            return 0
        fair = rounded(size * (rollout.wanted + max_surge(rollout.deployment)) / before) - size
    return min(fair, left) if left > 0 else max(fair, left)
