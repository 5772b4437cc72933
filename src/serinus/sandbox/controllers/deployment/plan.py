"""One pass over a Deployment: objects in, writes out. Pure."""

from collections.abc import Iterable
from datetime import datetime

from serinus.sandbox.controllers.deployment.arithmetic import is_rolling
from serinus.sandbox.controllers.deployment.rollout import Rollout
from serinus.sandbox.controllers.deployment.scaling import scale, size_was_changed
from serinus.sandbox.controllers.deployment.status import mark_paused, set_counters, set_progress
from serinus.sandbox.controllers.deployment.strategies import clean_up, recreate, roll
from serinus.sandbox.controllers.objects import controller_of, count, is_deleting, pod_is_terminal, uid_of
from serinus.sandbox.rest import Raw


def plan_deployment(deployment: Raw, owned: Iterable[Raw], pods: Iterable[Raw], now: datetime) -> Rollout:
    """Decide on everything that can be done now for a Deployment and the ReplicaSets it owns.

    `pods` are those of its namespace or fewer; they matter to the strategy Recreate only. The answer's `writes()` are
    to be carried out in order, and its `recheck_seconds`, when set, is when to plan again without any news.
    """
    rollout = Rollout.of(deployment, owned, now)
    rollout.old_pods_running = _old_pods_running(rollout, pods)
    if is_deleting(deployment):
        set_counters(rollout)
        return rollout
    mark_paused(rollout)
    rollout.mark_newest()
    paused = bool(deployment["spec"].get("paused"))
    if paused or size_was_changed(rollout):
        scale(rollout)
        if paused:
            clean_up(rollout)
        set_counters(rollout)
        return rollout
    if is_rolling(deployment):
        roll(rollout)
    else:
        recreate(rollout)
    set_progress(rollout)
    return rollout


def _old_pods_running(rollout: Rollout, pods: Iterable[Raw]) -> bool:
    if any(count(item, "replicas") for item in rollout.old):
        return True
    old = {uid_of(item) for item in rollout.old}
    owners = ((controller_of(pod) or {}).get("uid") for pod in pods if not pod_is_terminal(pod))
    return any(uid in old for uid in owners)
