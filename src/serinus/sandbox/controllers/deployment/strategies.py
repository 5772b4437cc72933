"""Moving a rollout on: RollingUpdate and Recreate. Pure."""

from serinus.sandbox.controllers.deployment.annotations import revision_of
from serinus.sandbox.controllers.deployment.arithmetic import (
    NO_LIMIT,
    active,
    max_unavailable,
    total,
    total_size,
)
from serinus.sandbox.controllers.deployment.rollout import Rollout
from serinus.sandbox.controllers.deployment.status import is_complete
from serinus.sandbox.controllers.objects import count, creation_order, is_deleting, replicas_of
from serinus.sandbox.rest import Raw


def roll(rollout: Rollout) -> None:
    """One move of a rolling update: grow the newest as far as surge allows, else shrink the old as far as availability
    allows, else clean up."""
    newest = rollout.newest if rollout.newest is not None else rollout.create_newest()
    size = rollout.wanted if replicas_of(newest) >= rollout.wanted else rollout.room_for(newest)
    if rollout.scale(newest, size) or _shrink_old(rollout, newest):
        return
    if is_complete(rollout.deployment, rollout.deployment["status"]):
        clean_up(rollout)


def recreate(rollout: Rollout) -> None:
    """One move of a recreation: all old pods go first, then the new ones come at once."""
    shrunk = [rollout.scale(replica_set, 0) for replica_set in active(rollout.old)]
    if any(shrunk) or rollout.old_pods_running:
        return
    newest = rollout.newest if rollout.newest is not None else rollout.create_newest()
    rollout.scale(newest, rollout.wanted)
    if is_complete(rollout.deployment, rollout.deployment["status"]):
        clean_up(rollout)


def clean_up(rollout: Rollout) -> None:
    """Delete the oldest revisions beyond `revisionHistoryLimit`, as far as they are empty."""
    limit = rollout.deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == NO_LIMIT:
        return
    alive = [item for item in rollout.old if not is_deleting(item)]
    alive.sort(key=lambda item: (revision_of(item), creation_order(item)))
    rollout.deleted += [item for item in alive[: max(0, len(alive) - limit)] if _is_empty(item)]


def _is_empty(replica_set: Raw) -> bool:
    seen = count(replica_set, "observedGeneration") >= int(replica_set["metadata"].get("generation") or 0)
    return seen and replicas_of(replica_set) == 0 and count(replica_set, "replicas") == 0


def _shrink_old(rollout: Rollout, newest: Raw) -> bool:
    old = sorted(active(rollout.old), key=creation_order)
    floor = rollout.wanted - max_unavailable(rollout.deployment)
    newest_missing = replicas_of(newest) - count(newest, "availableReplicas")
    spare = total_size(rollout.all) - floor - newest_missing
    if not old or spare <= 0:
        return False
    before = total_size(old)
    # Pods that serve nobody go first: they cost no availability.
    for replica_set in old:
        unhealthy = replicas_of(replica_set) - count(replica_set, "availableReplicas")
        if unhealthy < 0 and spare > 0:
            return False  # its counters still speak of pods already given up: they would be given up twice
        if unhealthy > 0 and spare > 0:
            rollout.scale(replica_set, replicas_of(replica_set) - min(spare, unhealthy))
            spare -= min(spare, unhealthy)
    surplus = total([*old, newest], "availableReplicas") - floor
    for replica_set in old:
        if surplus > 0 and replicas_of(replica_set) > 0:
            part = min(surplus, replicas_of(replica_set))
            rollout.scale(replica_set, replicas_of(replica_set) - part)
            surplus -= part
    return total_size(old) < before
