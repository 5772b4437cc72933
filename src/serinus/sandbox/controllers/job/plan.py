"""One look at a Job: whether a pod is missing, what its status says, when it is to be removed. Pure.

Jobs of one pod only: parallelism and completions beyond 1, indexes, suspension and pod failure policies are not here,
since nothing in the sandbox asks for them.
"""

from collections.abc import Iterable
from datetime import datetime

from serinus.sandbox.controllers.objects import (
    controller_reference,
    copied,
    format_time,
    parse_time,
    pod_is_active,
)
from serinus.sandbox.rest import Raw

BACKOFF_LIMIT_DEFAULT = 6
_NAME_PREFIX_LENGTH_MAX = 57
_JOB_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")


def is_finished(job: Raw) -> bool:
    """Whether it has completed, or failed for good."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(item["type"] in ("Complete", "Failed") and item["status"] == "True" for item in conditions)


def plan_status(job: Raw, pods: Iterable[Raw], now: datetime) -> Raw:
    """The status by the pods it owns; that of a finished Job stays as it is."""
    status: Raw = copied(job.get("status") or {})
    if is_finished(job):
        return status
    pods = list(pods)
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    succeeded, failed = phases.count("Succeeded"), phases.count("Failed")
    status.setdefault("startTime", format_time(now))
    counters = {"active": sum(pod_is_active(pod) for pod in pods), "succeeded": succeeded, "failed": failed}
    for name, value in counters.items():
        status.pop(name, None)
        if value:
            status[name] = value
    limit = job["spec"].get("backoffLimit")
    if succeeded:
        status["completionTime"] = format_time(now)
        status["conditions"] = [_condition("Complete", now)]
    elif failed > (BACKOFF_LIMIT_DEFAULT if limit is None else limit):
        status["conditions"] = [_failed(now, "BackoffLimitExceeded", "Job has reached the specified backoff limit")]
    elif (left := seconds_to_deadline(job, status, now)) is not None and left <= 0:
        status["conditions"] = [_failed(now, "DeadlineExceeded", "Job was active longer than specified deadline")]
        status.pop("active", None)
    return status


def seconds_to_deadline(job: Raw, status: Raw, now: datetime) -> float | None:
    """How long a Job that runs may still do so; None: it has no deadline, or has finished."""
    limit, started = job["spec"].get("activeDeadlineSeconds"), parse_time(status.get("startTime"))
    if limit is None or started is None or status.get("conditions"):
        return None
    return float(limit) - (now - started).total_seconds()


def _failed(now: datetime, reason: str, message: str) -> Raw:
    return _condition("Failed", now) | {"reason": reason, "message": message}


def _condition(kind: str, now: datetime) -> Raw:
    return {"type": kind, "status": "True", "lastTransitionTime": format_time(now)}


def needs_pod(status: Raw) -> bool:
    """Whether a pod is to be made, by the status just planned."""
    return not status.get("conditions") and not status.get("active")


def new_pod(job: Raw, suffix: str) -> Raw:
    """A pod of the template, named here so that it is known before the API answers."""
    template = copied(job["spec"]["template"])
    name = job["metadata"]["name"]
    given = template.get("metadata") or {}
    metadata: Raw = {
        "name": f"{name[:_NAME_PREFIX_LENGTH_MAX]}-{suffix}",
        "namespace": job["metadata"]["namespace"],
        "labels": {**(given.get("labels") or {}), **dict.fromkeys(_JOB_NAME_LABELS, name)},
        "annotations": given.get("annotations") or {},
        "ownerReferences": [controller_reference(job)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def seconds_to_live(job: Raw, now: datetime) -> float | None:
    """How long a finished Job stays; None: for ever, or it has not finished."""
    keep = job["spec"].get("ttlSecondsAfterFinished")
    if keep is None or not is_finished(job):
        return None
    ended = max(parse_time(item["lastTransitionTime"]) or now for item in job["status"]["conditions"])
    return max(0.0, float(keep) - (now - ended).total_seconds())
