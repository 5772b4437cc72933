"""Copies of ConfigMaps and Secrets as raw objects: what a pod template names, other names in it, the copy itself. Pure.

By structure, never by text: environment, volumes (projected ones too), init containers. Not looked at: pull secrets and
the credentials of storage drivers, which belong to the node and not to a version. Reading and sending: `copying.py`.
"""

import copy
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from serinus.core.config import ConfigCopy, ConfigKind, ConfigPlan
from serinus.core.plan import Plan
from serinus.core.spec import RELEASE_LABEL, ROLLOUT_ANNOTATION
from serinus.kube.resources import CONFIGMAPS, SECRETS, Raw, Resource

COPY_LABEL = "serinus.dev/config-of"
"""On a copy: the Service whose release it goes with. Not the label of the record, which is no copy."""
COPY_ANNOTATION = "serinus.dev/copy-of"
RESOURCES: dict[ConfigKind, Resource] = {ConfigKind.CONFIG_MAP: CONFIGMAPS, ConfigKind.SECRET: SECRETS}
TOKEN_TYPES = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})
"""Secrets that the cluster itself fills: a copy would be nobody's token."""
_CONTENT = ("data", "binaryData", "type", "immutable")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name in a pod template. `optional`: at every place where it stands."""

    kind: ConfigKind
    name: str
    optional: bool


def references(raw_pod_spec: Raw) -> tuple[Reference, ...]:
    """What a pod spec names, each once, in the order of its first place."""
    found: dict[tuple[ConfigKind, str], bool] = {}
    for kind, holder, key in _places(raw_pod_spec):
        name, optional = holder.get(key), bool(holder.get("optional"))
        if name:
            found[kind, name] = found.get((kind, name), True) and optional
    return tuple(Reference(kind, name, optional) for (kind, name), optional in found.items())


def rename_config(raw_pod_spec: Raw, config: ConfigPlan | None) -> None:
    """Let a pod spec name the release's copies, in place."""
    if config is None:
        return
    names = {(each.kind, each.named): each.name for each in config.copies}
    for kind, holder, key in _places(raw_pod_spec):
        holder[key] = names.get((kind, holder.get(key, "")), holder.get(key))


def _places(raw_pod_spec: Raw) -> Iterator[tuple[ConfigKind, dict[str, Any], str]]:
    """Each mapping of a pod spec that holds such a name, and under which key."""
    for container in (*(raw_pod_spec.get("initContainers") or []), *raw_pod_spec["containers"]):
        for source in container.get("envFrom") or []:
            yield from _if_there(source, "configMapRef", "secretRef")
        for variable in container.get("env") or []:
            yield from _if_there(variable.get("valueFrom") or {}, "configMapKeyRef", "secretKeyRef")
    for volume in raw_pod_spec.get("volumes") or []:
        yield from _if_there(volume, "configMap", "")
        if "secret" in volume:
            yield ConfigKind.SECRET, volume["secret"], "secretName"
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _if_there(source, "configMap", "secret")


def _if_there(holder: Raw, config_map: str, secret: str) -> Iterator[tuple[ConfigKind, dict[str, Any], str]]:
    if config_map in holder:
        yield ConfigKind.CONFIG_MAP, holder[config_map], "name"
    if secret in holder:
        yield ConfigKind.SECRET, holder[secret], "name"


def named_by(raw_pod_specs: Iterable[Raw]) -> frozenset[tuple[ConfigKind, str]]:
    """Everything that any of these pod specs names."""
    return frozenset((each.kind, each.name) for spec in raw_pod_specs for each in references(spec))


def original_of(raw: Raw, service: str) -> str | None:
    """Of which object this one is a copy of ours; None: it is none, or one for another Service."""
    if (raw["metadata"].get("labels") or {}).get(COPY_LABEL) != service:
        return None
    name: str | None = (raw["metadata"].get("annotations") or {}).get(COPY_ANNOTATION)
    return name


def content_digest(raw_original: Raw, service: str) -> str:
    """A hash of what it holds, for this Service: two Services never share a copy, so neither takes the other's away."""
    content = {key: raw_original[key] for key in _CONTENT if raw_original.get(key)}
    content |= {"name": raw_original["metadata"]["name"], "service": service}
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def copy_manifest(raw_original: Raw, one: ConfigCopy, plan: Plan) -> Raw:
    """The copy: the same content, never to be changed. Labels and annotations of the original stay with it."""
    resource = RESOURCES[one.kind]
    content = {key: copy.deepcopy(raw_original[key]) for key in _CONTENT if raw_original.get(key)}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": one.name,
            "namespace": plan.namespace,
            "labels": {COPY_LABEL: plan.service, RELEASE_LABEL: plan.release},
            "annotations": {COPY_ANNOTATION: one.original, ROLLOUT_ANNOTATION: plan.rollout},
        },
        **content,
        "immutable": True,
    }
