"""From raw objects to the preflight's facts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from serinus.core.plan import Plan
from serinus.core.preflight import facts
from serinus.core.preflight.facts import Unread
from serinus.core.preflight.owners import ARGO_CD, FLUX, FLUX_HELM
from serinus.kube.keda import is_still, scales
from serinus.kube.quantity import Amounts, amounts_of, container_amounts, pod_amounts
from serinus.kube.read import labels_of, matches
from serinus.kube.resources import Raw
from serinus.kube.store import store_name

ACTIVE_MODES = ("Auto", "Recreate", "InPlaceOrRecreate", "InPlace")
LEADER = re.compile(r"leader.?elect", re.IGNORECASE)
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
ARGO_PREFIX = "argocd.argoproj.io/"
FLUX_PREFIX = "kustomize.toolkit.fluxcd.io/"
FLUX_HELM_PREFIX = "helm.toolkit.fluxcd.io/"

# The template


def pod_shape(raw_pod: Raw, raw_deployment: Raw | None) -> facts.PodShape:
    """A pod as the cluster would store it. What its own containers say is read in production's template, where there is
    one: a container that a webhook adds is nobody's fault here."""
    spec = raw_pod["spec"]
    own = raw_deployment["spec"]["template"]["spec"] if raw_deployment is not None else spec
    requests, limits = pod_amounts(spec)
    containers = tuple((container["name"], *container_amounts(container)) for container in spec["containers"])
    annotations = {**_annotations(raw_pod), **(_annotations(raw_deployment) if raw_deployment is not None else {})}
    return facts.PodShape(
        requests=requests,
        limits=limits,
        containers=containers,
        host_ports=tuple(_host_ports(spec)),
        claims=tuple(_claims(spec)),
        leader_hints=tuple(dict.fromkeys([*_leader_words(own), *_leader_annotations(annotations)])),
        has_readiness_probe=all("readinessProbe" in container for container in own["containers"]),
    )


def _host_ports(pod_spec: Raw) -> Iterator[int]:
    """Ports of the node: with hostNetwork every container port is one."""
    for container in pod_spec["containers"]:
        for port in container.get("ports") or []:
            number = port.get("hostPort") or (port["containerPort"] if pod_spec.get("hostNetwork") else None)
            if number is not None:
                yield number


def _claims(pod_spec: Raw) -> Iterator[str]:
    for volume in pod_spec.get("volumes") or []:
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _leader_words(pod_spec: Raw) -> Iterator[str]:
    for container in pod_spec["containers"]:
        for word in (*(container.get("command") or []), *(container.get("args") or [])):
            if LEADER.search(word) and not word.endswith("=false"):
                yield word.split("\n", 1)[0][:80]
        for variable in container.get("env") or []:
            if LEADER.search(variable["name"]) and variable.get("value", "").lower() not in ("false", "0"):
                yield f"env {variable['name']}"


def _leader_annotations(annotations: dict[str, str]) -> Iterator[str]:
    return (f"annotation {key}" for key in annotations if key == LEADER_ANNOTATION or LEADER.search(key))


def lock_names(raw_leases: list[Raw] | Unread, plan: Plan) -> tuple[str, ...] | Unread:
    """Leases that a pod of production holds, or that are named like production; none of Serinus's own."""
    if isinstance(raw_leases, Unread) or plan.stable is None:
        return raw_leases if isinstance(raw_leases, Unread) else ()
    name = plan.stable.name
    return tuple(
        lease
        for raw in raw_leases
        if (lease := raw["metadata"]["name"]) != store_name(plan.service)
        and (lease in (name, plan.service) or str((raw.get("spec") or {}).get("holderIdentity")).startswith(f"{name}-"))
    )


def injected_containers(raw_pod: Raw, raw_template: Raw, raw_pods: list[Raw]) -> tuple[str, ...]:
    """Containers of a rehearsed pod that neither the template nor any of production's pods has."""
    known = {name for raw in (raw_template, *raw_pods) for name in _container_names(raw)}
    return tuple(name for name in _container_names(raw_pod) if name not in known) if raw_pods else ()


def _container_names(raw: Raw) -> list[str]:
    spec = raw["spec"]
    return [container["name"] for container in (*(spec.get("initContainers") or []), *spec["containers"])]


# Room


def quotas(raws: list[Raw] | Unread, raw_pod: Raw) -> tuple[facts.Quota, ...] | Unread:
    """The quotas that count such a pod."""
    if isinstance(raws, Unread):
        return raws
    return tuple(
        facts.Quota(
            raw["metadata"]["name"],
            amounts_of((raw.get("status") or {}).get("hard") or raw["spec"].get("hard")),
            amounts_of((raw.get("status") or {}).get("used")),
        )
        for raw in raws
        if _counts(raw["spec"], raw_pod["spec"])
    )


def _counts(quota_spec: Raw, pod_spec: Raw) -> bool:
    scopes = [{"scopeName": name, "operator": "Exists"} for name in quota_spec.get("scopes") or []]
    scopes += (quota_spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return all(_in_scope(scope, pod_spec) for scope in scopes)


def _in_scope(scope: Raw, pod_spec: Raw) -> bool:
    ends = pod_spec.get("activeDeadlineSeconds") is not None
    requests, limits = pod_amounts(pod_spec)
    best_effort = not any(requests.get(name) or limits.get(name) for name in ("cpu", "memory"))
    match scope["scopeName"]:
        case "Terminating":
            return ends
        case "NotTerminating":
            return not ends
        case "BestEffort":
            return best_effort
        case "NotBestEffort":
            return not best_effort
        case "PriorityClass":
            labels = {"name": pod_spec["priorityClassName"]} if pod_spec.get("priorityClassName") else {}
            return matches({"matchExpressions": [{**scope, "key": "name"}]}, labels)
        case _:
            return False  # a scope nobody here knows: better no word than a wrong one


def limits(raws: list[Raw] | Unread) -> tuple[facts.Limit, ...] | Unread:
    """Every entry of every LimitRange that is about pods."""
    if isinstance(raws, Unread):
        return raws
    return tuple(
        facts.Limit(raw["metadata"]["name"], item["type"], amounts_of(item.get("min")), amounts_of(item.get("max")))
        for raw in raws
        for item in raw["spec"].get("limits") or []
        if item["type"] in ("Pod", "Container")
    )


def nodes(raw_nodes: list[Raw] | Unread, raw_pods: list[Raw] | Unread, raw_pod: Raw) -> tuple[facts.Node, ...] | Unread:
    """The nodes that such a pod may be put on, with what the pods on them leave; None where that is not known."""
    if isinstance(raw_nodes, Unread):
        return raw_nodes
    fitting = [raw for raw in raw_nodes if _may_run_on(raw, raw_pod["spec"])]
    if isinstance(raw_pods, Unread):
        return tuple(facts.Node(raw["metadata"]["name"], None) for raw in fitting)
    return tuple(facts.Node(raw["metadata"]["name"], _free(raw, raw_pods)) for raw in fitting)


def _free(raw_node: Raw, raw_pods: list[Raw]) -> Amounts:
    free = amounts_of((raw_node.get("status") or {}).get("allocatable"))
    for raw in raw_pods:
        if raw["spec"].get("nodeName") != raw_node["metadata"]["name"] or not _is_alive(raw):
            continue
        for resource, amount in {**pod_amounts(raw["spec"])[0], "pods": 1.0}.items():
            free[resource] = free.get(resource, 0.0) - amount
    return free


def _is_alive(raw_pod: Raw) -> bool:
    return (raw_pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _may_run_on(raw_node: Raw, pod_spec: Raw) -> bool:
    labels = labels_of(raw_node)
    if any(labels.get(key) != value for key, value in (pod_spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or []
    if terms and not any(matches(term, labels) for term in terms):
        return False
    node_spec = raw_node.get("spec") or {}
    taints = [taint for taint in node_spec.get("taints") or [] if taint["effect"] in ("NoSchedule", "NoExecute")]
    tolerations = pod_spec.get("tolerations") or []
    tolerated = all(any(_tolerates(each, taint) for each in tolerations) for taint in taints)
    return tolerated and not node_spec.get("unschedulable")


def _tolerates(toleration: Raw, taint: Raw) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    same_key = bool(toleration.get("key") == taint["key"])
    return same_key and bool(toleration.get("value", "") == taint.get("value", ""))


def claims(raws: list[Raw] | Unread, names: Iterable[str]) -> tuple[facts.Claim, ...] | Unread:
    """The claims of the template that exist."""
    if isinstance(raws, Unread):
        return raws
    known = {raw["metadata"]["name"]: raw for raw in raws}
    return tuple(
        facts.Claim(name, tuple(known[name]["spec"].get("accessModes") or ())) for name in names if name in known
    )


# Others who have a say


def budgets(
    raws: list[Raw] | Unread, stable_labels: dict[str, str], canary_labels: dict[str, str]
) -> tuple[facts.Budget, ...] | Unread:
    """The budgets that count production's pods."""
    if isinstance(raws, Unread):
        return raws
    return tuple(
        facts.Budget(
            raw["metadata"]["name"],
            raw["spec"].get("minAvailable"),
            raw["spec"].get("maxUnavailable"),
            counts_canary=matches(raw["spec"].get("selector") or {}, canary_labels),
        )
        for raw in raws
        if raw["spec"].get("selector") is not None and matches(raw["spec"]["selector"], stable_labels)
    )


def scaled_objects(raws: list[Raw] | Unread, deployment: str) -> tuple[facts.Scaler, ...] | Unread:
    """KEDA's ScaledObjects of a Deployment."""
    if isinstance(raws, Unread):
        return raws
    return tuple(
        facts.Scaler(raw["metadata"]["name"], active=not is_still(_annotations(raw)))
        for raw in raws
        if scales(raw) == deployment
    )


def vertical_autoscalers(raws: list[Raw] | Unread, deployment: str) -> tuple[facts.Scaler, ...] | Unread:
    """VerticalPodAutoscalers of a Deployment."""
    if isinstance(raws, Unread):
        return raws
    found = []
    for raw in raws:
        mode = (raw["spec"].get("updatePolicy") or {}).get("updateMode", "Auto")
        if _is_deployment(raw["spec"].get("targetRef") or {}, deployment):
            found.append(facts.Scaler(raw["metadata"]["name"], mode in ACTIVE_MODES, mode))
    return tuple(found)


def _is_deployment(reference: Raw, name: str) -> bool:
    return reference.get("kind", "Deployment") == "Deployment" and reference.get("name") == name


def neighbours(raw_pods: list[Raw], stable_selector: Raw | None) -> tuple[facts.Neighbour, ...]:
    """Whose pods stand behind the Service and are not production's."""
    found: Counter[tuple[str, str]] = Counter()
    for raw in raw_pods:
        if "deletionTimestamp" in raw["metadata"] or not _is_alive(raw):
            continue
        owner: Raw = next((each for each in raw["metadata"].get("ownerReferences") or [] if each.get("controller")), {})
        kind, name = owner.get("kind", ""), owner.get("name", "")
        ours = stable_selector is not None and matches(stable_selector, labels_of(raw))
        if not (ours and kind == "ReplicaSet"):
            found[kind, name] += 1
    return tuple(facts.Neighbour(kind, name, pods) for (kind, name), pods in sorted(found.items()))


def keepers(raws: Iterable[Raw]) -> tuple[facts.Keeper, ...]:
    """Which of these objects a GitOps tool keeps; one that it was told to leave alone is not named."""
    return tuple(keeper for raw in raws for keeper in _keepers(raw))


def _keepers(raw: Raw) -> Iterator[facts.Keeper]:
    labels, annotations = labels_of(raw), _annotations(raw)
    kind, name = raw["kind"], raw["metadata"]["name"]
    if any(key.startswith(ARGO_PREFIX) for key in (*labels, *annotations)):
        tracked = annotations.get(f"{ARGO_PREFIX}tracking-id", "").partition(":")[0]
        fallback = labels.get(f"{ARGO_PREFIX}instance") or labels.get("app.kubernetes.io/instance", "")
        yield facts.Keeper(ARGO_CD, tracked or fallback, kind, name)
    left_alone = (
        annotations.get(f"{FLUX_PREFIX}reconcile") == "disabled"
        or annotations.get(f"{FLUX_PREFIX}ssa") in ("Ignore", "IfNotPresent")
    )  # fmt: skip
    if f"{FLUX_PREFIX}name" in labels and not left_alone:
        yield facts.Keeper(FLUX, labels[f"{FLUX_PREFIX}name"], kind, name)
    if f"{FLUX_HELM_PREFIX}name" in labels:
        yield facts.Keeper(FLUX_HELM, labels[f"{FLUX_HELM_PREFIX}name"], kind, name)


def _annotations(raw: Raw) -> dict[str, str]:
    return (raw.get("metadata") or {}).get("annotations") or {}
