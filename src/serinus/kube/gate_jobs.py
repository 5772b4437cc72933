"""The Jobs of gates: made from the gate and the plan, read back as facts, and found by their rollout's label."""

import copy

from serinus.core.checks import step_stage
from serinus.core.gates import Gate, Job
from serinus.core.plan import Plan
from serinus.core.pods import Pod
from serinus.core.spec import GATE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ROLLOUT_ANNOTATION
from serinus.core.telling import environment_of
from serinus.core.turn import GateJob, Verdict
from serinus.kube.resources import JOBS, Raw
from serinus.kube.store import SERVICE_LABEL

GATE_ANNOTATION = "serinus.dev/gate"
STEP_ANNOTATION = "serinus.dev/step"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
KEPT_SECONDS = 3600
"""A Job that nobody comes back for goes by itself so long after its end."""


def job_name(plan: Plan, gate: str, step: int) -> str:
    """One for each question: whoever asks again finds the Job of the run before."""
    return f"serinus-gate-{plan.rollout}-{step + 1}-{gate}"


def job_manifest(plan: Plan, gate: Gate, kind: Job, step: int, pods: tuple[Pod, ...] = ()) -> Raw:
    """The Job. Its pod bears labels of ours alone, so that no Service of the user's selects it."""
    labels = {MANAGED_BY_LABEL: MANAGED_BY, SERVICE_LABEL: plan.service, GATE_LABEL: plan.rollout}
    told = environment_of(plan, step_stage(step), plan.steps[step].share_percent, pods) | {"SERINUS_GATE": gate.name}
    metadata = {
        "name": job_name(plan, gate.name, step),
        "namespace": plan.namespace,
        "labels": labels,
        "annotations": {ROLLOUT_ANNOTATION: plan.rollout, GATE_ANNOTATION: gate.name, STEP_ANNOTATION: str(step)},
    }
    spec = {
        "backoffLimit": 0,  # a test that has failed has answered
        "activeDeadlineSeconds": max(1, round(gate.timeout_seconds)),
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {
            "metadata": {"labels": {MANAGED_BY_LABEL: MANAGED_BY, GATE_LABEL: plan.rollout}},
            "spec": _pod_spec(kind, gate.name, told),
        },
    }
    return {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, "spec": spec}


def _pod_spec(kind: Job, name: str, told: dict[str, str]) -> Raw:
    if kind.pod is not None:
        spec: Raw = copy.deepcopy(kind.pod)
    else:
        container: Raw = {"name": name, "image": kind.image}
        container |= {key: list(value) for key, value in (("command", kind.command), ("args", kind.args)) if value}
        container["env"] = [{"name": key, "value": value} for key, value in kind.env.items()]
        spec = {"containers": [container]}
        if kind.service_account is not None:
            spec["serviceAccountName"] = kind.service_account
    for each in spec["containers"]:
        own = each.get("env") or []
        given = {variable["name"] for variable in own}
        each["env"] = [{"name": key, "value": value} for key, value in told.items() if key not in given] + own
    return spec | {"restartPolicy": "Never"}


def job_pod(raw_job: Raw) -> Raw:
    """The pod that a Job would make, for a rehearsal of it."""
    template = raw_job["spec"]["template"]
    metadata = {
        "generateName": f"{raw_job['metadata']['name']}-",
        "namespace": raw_job["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def gate_job(raw: Raw) -> GateJob:
    """A gate's Job as a fact."""
    metadata = raw["metadata"]
    annotations = metadata.get("annotations") or {}
    ended = _ended(raw)
    return GateJob(
        name=metadata["name"],
        gate=annotations.get(GATE_ANNOTATION, ""),
        step=int(annotations.get(STEP_ANNOTATION, "-1")),
        verdict={"Complete": Verdict.PASS, "Failed": Verdict.FAIL}.get(ended.get("type", "")),
        why=str(ended.get("reason", "")),
        deleting="deletionTimestamp" in metadata,
    )


def _ended(raw: Raw) -> Raw:
    conditions = (raw.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] in ("Complete", "Failed") and one["status"] == "True"), {})


def newest_pod(raw_pods: list[Raw]) -> Raw | None:
    """The pod that was made last."""
    return max(raw_pods, key=lambda raw: str(raw["metadata"].get("creationTimestamp", "")), default=None)
