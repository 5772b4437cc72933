"""What a Deployment says about itself: counters, and the conditions Available, Progressing, ReplicaFailure. Pure."""

from datetime import timedelta

from serinus.sandbox.controllers.deployment.arithmetic import has_deadline, max_unavailable, total, total_size
from serinus.sandbox.controllers.deployment.conditions import (
    Condition,
    condition_of,
    remove_condition,
    set_condition,
)
from serinus.sandbox.controllers.deployment.rollout import Rollout
from serinus.sandbox.controllers.objects import copied, count, parse_time, replicas_of
from serinus.sandbox.rest import Raw


def mark_paused(rollout: Rollout) -> None:
    """Say that the Deployment was paused or resumed: the time it was paused must not count against its deadline."""
    progressing = condition_of(rollout.deployment, "Progressing")
    reason = progressing["reason"] if progressing else ""
    if not has_deadline(rollout.deployment) or reason == "ProgressDeadlineExceeded":
        return
    paused = bool(rollout.deployment["spec"].get("paused"))
    if paused and reason != "DeploymentPaused":
        rollout.set_condition(Condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"))
    elif not paused and reason == "DeploymentPaused":
        rollout.set_condition(Condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed"))


def set_counters(rollout: Rollout) -> None:
    """Write counters and Available, and nothing about progress."""
    rollout.deployment["status"] = _counted(rollout)


def set_progress(rollout: Rollout) -> None:
    """Write counters, Available, Progressing and ReplicaFailure, and when to look again for the deadline's sake."""
    deployment, before = rollout.deployment, rollout.deployment["status"]
    status = _counted(rollout)
    if has_deadline(deployment):
        _progress(rollout, before, status)
    else:
        remove_condition(status, "Progressing")
    failures = [condition_of(item, "ReplicaFailure") for item in reversed(rollout.all)]
    failure = next((condition for condition in failures if condition is not None), None)
    if failure is None:
        remove_condition(status, "ReplicaFailure")
    else:
        words = (str(failure.get(name) or "") for name in ("status", "reason", "message"))
        set_condition(status, Condition("ReplicaFailure", *words), rollout.now)
    deployment["status"] = status
    rollout.recheck_seconds = _seconds_to_deadline(rollout)


def is_complete(deployment: Raw, status: Raw) -> bool:
    """Whether every pod is of the newest template and available, and the status speaks of the present spec."""
    wanted = replicas_of(deployment)
    counters = ("updatedReplicas", "replicas", "availableReplicas")
    observed, generation = count({"status": status}, "observedGeneration"), deployment["metadata"].get("generation")
    counted = all(int(status.get(name) or 0) == wanted for name in counters)
    return counted and observed >= int(generation or 0)


def _counted(rollout: Rollout) -> Raw:
    everything = rollout.all
    available = total(everything, "availableReplicas")
    counters = {
        "observedGeneration": int(rollout.deployment["metadata"].get("generation") or 0),
        "replicas": total(everything, "replicas"),
        "updatedReplicas": total([rollout.newest] if rollout.newest is not None else [], "replicas"),
        "readyReplicas": total(everything, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total_size(everything) - available),
        "collisionCount": count(rollout.deployment, "collisionCount"),
    }
    status: Raw = {name: value for name, value in counters.items() if value}
    status["terminatingReplicas"] = total(everything, "terminatingReplicas")
    status["conditions"] = copied(rollout.deployment["status"].get("conditions") or [])
    if available >= rollout.wanted - max_unavailable(rollout.deployment):
        words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        words = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    set_condition(status, Condition("Available", *words), rollout.now)
    return status


def _progress(rollout: Rollout, before: Raw, status: Raw) -> None:
    present = condition_of({"status": status}, "Progressing")
    settled = int(status.get("replicas") or 0) == int(status.get("updatedReplicas") or 0)
    if settled and present is not None and present["reason"] == "NewReplicaSetAvailable":
        return  # a rollout that is over stays so, whatever its pods do later
    deployment, newest = rollout.deployment, rollout.newest
    subject = f'Deployment "{deployment["metadata"]["name"]}"'
    if newest is not None:
        subject = f'ReplicaSet "{newest["metadata"]["name"]}"'
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        set_condition(status, Condition("Progressing", "True", "NewReplicaSetAvailable", message), rollout.now)
    elif _moved(before, status):
        since = present["lastTransitionTime"] if present is not None and present["status"] == "True" else None
        remove_condition(status, "Progressing")  # so that its time of update starts anew with every move
        message = f"{subject} is progressing."
        set_condition(status, Condition("Progressing", "True", "ReplicaSetUpdated", message), rollout.now, since)
    elif present is not None and _timed_out(rollout, present):
        message = f"{subject} has timed out progressing."
        set_condition(status, Condition("Progressing", "False", "ProgressDeadlineExceeded", message), rollout.now)


def _moved(before: Raw, after: Raw) -> bool:
    def counter(status: Raw, name: str) -> int:
        return int(status.get(name) or 0)

    def old_pods(status: Raw) -> int:
        return counter(status, "replicas") - counter(status, "updatedReplicas")

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_pods(after) < old_pods(before) or any(counter(after, name) > counter(before, name) for name in grown)


def _timed_out(rollout: Rollout, progressing: Raw) -> bool:
    updated = parse_time(progressing.get("lastUpdateTime"))
    if progressing["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded") or updated is None:
        return bool(progressing["reason"] == "ProgressDeadlineExceeded")
    deadline = timedelta(seconds=int(rollout.deployment["spec"]["progressDeadlineSeconds"]))
    return updated + deadline < rollout.now


def _seconds_to_deadline(rollout: Rollout) -> float | None:
    deployment = rollout.deployment
    progressing = condition_of(deployment, "Progressing")
    if not has_deadline(deployment) or progressing is None or is_complete(deployment, deployment["status"]):
        return None
    updated = parse_time(progressing.get("lastUpdateTime"))
    if progressing["reason"] == "ProgressDeadlineExceeded" or updated is None:
        return None
    left = (updated - rollout.now).total_seconds() + int(deployment["spec"]["progressDeadlineSeconds"])
    return max(left, 0.0) + 1.0  # times in the API are whole seconds: a second later it is past for certain
