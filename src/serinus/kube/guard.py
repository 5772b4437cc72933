"""The guard's objects: a Job that takes an abandoned rollout back, and the account it acts as; putting them up.

A Job, since it outlives its pod's node, and goes by itself when it has finished. It has no owner and owns nothing of
the release's: deleting it changes nothing but that nobody stands guard. What the guard does is `cli/guard.py`'s.
"""

import contextlib
from dataclasses import dataclass

from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL
from serinus.kube.client import Client
from serinus.kube.errors import AlreadyExists, Forbidden, NotFound
from serinus.kube.resources import JOBS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS, Raw, Resource
from serinus.kube.store import SERVICE_LABEL

ACCOUNT = "serinus-guard"
AFTER_SECONDS_DEFAULT = 600.0
RESTARTS_MAX = 100
"""How often a pod that was lost with its node is made again."""

RULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("apps", ("deployments",), ("list", "watch", "patch", "delete")),
    ("apps", ("replicasets",), ("list", "watch")),
    ("", ("pods",), ("list", "watch", "delete")),
    ("", ("services",), ("list", "watch", "patch")),
    ("discovery.k8s.io", ("endpointslices",), ("list", "watch")),
    ("autoscaling", ("horizontalpodautoscalers",), ("list", "watch", "patch")),
    ("keda.sh", ("scaledobjects",), ("list", "watch", "patch")),
    ("", ("configmaps",), ("get", "list", "watch", "update", "patch", "delete")),
    ("coordination.k8s.io", ("leases",), ("get", "list", "watch", "delete")),
    ("", ("events",), ("create",)),
)
"""API group, resources, verbs: what the way back needs, and nothing that could begin a release."""
SECRETS_RULE = ("", ("secrets",), ("list", "watch", "delete"))
"""Besides, where copies of Secrets go with a release: the way back removes them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard as asked for: the image whose entry point is `serinus`, and how long a rollout may stand abandoned."""

    image: str
    after_seconds: float = AFTER_SECONDS_DEFAULT


def account_manifests(namespace: str, secrets: bool = False) -> list[tuple[Resource, Raw]]:
    """ServiceAccount, Role and RoleBinding: one each for all guards of a namespace. `secrets`: with SECRETS_RULE."""
    metadata = {"name": ACCOUNT, "namespace": namespace, "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
    granted = (*RULES, SECRETS_RULE) if secrets else RULES
    rules = [
        {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
        for group, resources, verbs in granted
    ]
    binding = {
        "roleRef": {"apiGroup": ROLES.group, "kind": ROLES.kind, "name": ACCOUNT},
        "subjects": [{"kind": SERVICE_ACCOUNTS.kind, "name": ACCOUNT, "namespace": namespace}],
    }
    return [
        (SERVICE_ACCOUNTS, _object(SERVICE_ACCOUNTS, metadata)),
        (ROLES, _object(ROLES, metadata) | {"rules": rules}),
        (ROLE_BINDINGS, _object(ROLE_BINDINGS, metadata) | binding),
    ]


def job_manifest(namespace: str, service: str, name: str, guard: Guard) -> Raw:
    """The Job. Its pod has no label that a Service of the user's could select."""
    labels = {MANAGED_BY_LABEL: MANAGED_BY, SERVICE_LABEL: service}
    container = {
        "name": "guard",
        "image": guard.image,
        "args": ["guard", "run", service, "--namespace", namespace, "--after", f"{guard.after_seconds:g}"],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod_spec = {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "OnFailure",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    spec = {
        "backoffLimit": RESTARTS_MAX,
        "ttlSecondsAfterFinished": 0,  # it has nothing to say that the record and the Events do not
        "template": {"metadata": {"labels": {MANAGED_BY_LABEL: MANAGED_BY}}, "spec": pod_spec},
    }
    return _object(JOBS, {"name": name, "namespace": namespace, "labels": labels}) | {"spec": spec}


def job_name(rollout: str) -> str:
    """One for each rollout, so that a guard on its way out is never in the way of the next."""
    return f"serinus-guard-{rollout}"


def _object(resource: Resource, metadata: Raw) -> Raw:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


async def rehearse(client: Client, raw_job: Raw) -> bool:
    """Whether the guard's account is there; and the cluster's word on the Job, as a dry run. Raises KubeError."""
    namespace = raw_job["metadata"]["namespace"]
    await client.create(JOBS, raw_job, namespace, dry_run=True)
    try:
        await client.get(SERVICE_ACCOUNTS, ACCOUNT, namespace)
    except NotFound:
        return False
    return True


async def may_remove_secrets(client: Client, namespace: str) -> bool:
    """Whether the guard's Role has SECRETS_RULE; True as well where this user may not look. Raises KubeError."""
    try:
        rules = (await client.get(ROLES, ACCOUNT, namespace)).get("rules") or []
    except (Forbidden, NotFound):
        return True
    _, resources, verbs = SECRETS_RULE
    return any({*resources} <= {*rule["resources"]} and {*verbs} <= {*rule["verbs"]} for rule in rules)


async def put_up(client: Client, raw_job: Raw) -> None:
    """Create the Job; one that is there already is as good. Raises KubeError."""
    with contextlib.suppress(AlreadyExists):
        await client.create(JOBS, raw_job, raw_job["metadata"]["namespace"])


async def take_down(client: Client, namespace: str, name: str) -> None:
    """Delete the Job with its pod, if it has not gone by itself. Raises KubeError."""
    with contextlib.suppress(NotFound):
        await client.delete(JOBS, name, namespace)
