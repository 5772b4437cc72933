"""What the API server refuses with 422: names, labels, required fields, fields that may not change.

Not all that the real one checks: what a user of Serinus can run into. Wrong types are `shape.py`'s.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from serinus.sandbox.api.errors import Cause, invalid
from serinus.sandbox.api.kinds import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    LEASE,
    NAMESPACE,
    PDB,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Raw,
)
from serinus.sandbox.api.selectors import selector_tests
from serinus.sandbox.api.validate_metadata import (
    DNS_LABEL,
    DNS_LABEL_WORDS,
    check_finalizers,
    check_labels,
    check_metadata,
)
from serinus.sandbox.api.validate_pods import check_pod_spec, check_pod_update

_SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
_DATA_BYTES_MAX = 1024 * 1024
_DATA_KEY = r"[-._a-zA-Z0-9]+"

_NAME_RULES = {
    "label": (DNS_LABEL, 63, DNS_LABEL_WORDS),
    "subdomain": (
        _SUBDOMAIN,
        253,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
        "and must start and end with an alphanumeric character",
    ),
    "path": (r"[^/%]+", 253, "may not contain '/' or '%'"),
}
_TEMPLATE_KINDS = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET)
_NEEDS_VERSION = (LEASE, PDB)


def check_new(kind: Kind, raw: Raw) -> None:
    """Raises StatusError 422 with every broken field."""
    _refuse(kind, raw, [*_name(kind, raw), *_common(kind, raw)])


def check_update(kind: Kind, old: Raw, new: Raw, given_version: str) -> None:
    """Raises StatusError 422 with every broken field, those that may not change included.

    `given_version` is the resourceVersion that the writer named, which some kinds insist on.
    """
    causes = []
    if kind in _NEEDS_VERSION and not given_version:
        message = "Invalid value: 0x0: must be specified for an update"
        causes.append(Cause("metadata.resourceVersion", message))
    _refuse(kind, new, [*causes, *_common(kind, new), *_immutable(kind, old, new)])


def _refuse(kind: Kind, raw: Raw, causes: list[Cause]) -> None:
    if causes:
        raise invalid(kind, raw["metadata"]["name"], causes)


def _name(kind: Kind, raw: Raw) -> Iterator[Cause]:
    name = raw["metadata"]["name"]
    rule = "path" if kind.group.startswith("rbac.") else "subdomain"
    if kind in (NAMESPACE, SERVICE):
        rule = "label"
    pattern, longest, words = _NAME_RULES[rule]
    if len(name) > longest:
        yield Cause("metadata.name", f'Invalid value: "{name}": must be no more than {longest} bytes')
    if not re.fullmatch(pattern, name):
        used = f" (regex used for validation is '{pattern}')"
        yield Cause("metadata.name", f'Invalid value: "{name}": {words}{used}')


def _common(kind: Kind, raw: Raw) -> Iterator[Cause]:
    yield from check_metadata(raw["metadata"])
    spec = raw.get("spec") or {}
    if kind in _TEMPLATE_KINDS:
        yield from _workload(kind, spec)
    elif kind == POD:
        yield from check_pod_spec("spec", spec)
    elif kind == SERVICE:
        yield from _service(spec)
    elif kind == LEASE:
        yield from _lease(spec)
    elif kind == EVENT:
        yield from _event(raw)
    elif kind == PDB and "minAvailable" in spec and "maxUnavailable" in spec:
        yield Cause("spec", f"Invalid value: {_text(spec)}: minAvailable and maxUnavailable cannot be both set")
    elif kind in (CONFIG_MAP, SECRET):
        size = sum(len(value) for field in ("data", "binaryData") for value in (raw.get(field) or {}).values())
        if size > _DATA_BYTES_MAX:
            yield Cause("[]", f"Too long: may not be more than {_DATA_BYTES_MAX} bytes", "FieldValueTooLong")
        for key in raw.get("data") or {}:
            if not re.fullmatch(_DATA_KEY, key):
                yield Cause(f"data[{key}]", f'Invalid value: "{key}": a valid key matches {_DATA_KEY}')


def _workload(kind: Kind, spec: Raw) -> Iterator[Cause]:
    if spec.get("replicas", 0) < 0:
        yield Cause("spec.replicas", f"Invalid value: {spec['replicas']}: must be greater than or equal to 0")
    selector = spec.get("selector")
    labels = spec["template"]["metadata"].get("labels") or {}
    if selector is None:
        yield Cause("spec.selector", "Required value", "FieldValueRequired")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield Cause("spec.selector", f"Invalid value: {_text(selector)}: empty selector is invalid for {kind.singular}")
    elif not all(test(labels) for test in selector_tests(selector)):
        message = f"Invalid value: {_text(labels)}: `selector` does not match template `labels`"
        yield Cause("spec.template.metadata.labels", message)
    yield from check_labels("spec.template.labels", labels)
    yield from check_pod_spec("spec.template.spec", spec["template"]["spec"])
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy != "Always":
        message = f'Unsupported value: "{policy}": supported values: "Always"'
        yield Cause("spec.template.spec.restartPolicy", message, "FieldValueNotSupported")
    if spec.get("minReadySeconds", 0) < 0:
        yield Cause(
            "spec.minReadySeconds", f"Invalid value: {spec['minReadySeconds']}: must be greater than or equal to 0"
        )
    if kind == DEPLOYMENT:
        yield from _strategy(spec.get("strategy") or {})
        deadline = spec["progressDeadlineSeconds"]
        if deadline <= spec.get("minReadySeconds", 0):
            message = f"Invalid value: {deadline}: must be greater than minReadySeconds"
            yield Cause("spec.progressDeadlineSeconds", message)


def _event(raw: Raw) -> Iterator[Cause]:
    namespace = (raw.get("involvedObject") or {}).get("namespace", "")
    if namespace != raw["metadata"]["namespace"]:
        yield Cause("involvedObject.namespace", f"Invalid value: {_text(namespace)}: does not match event.namespace")
    if raw.get("eventTime"):  # the newer form of events insists on more
        for field in ("reportingComponent", "reportingInstance", "action"):
            if not raw.get(field):
                yield Cause(field, "Required value", "FieldValueRequired")


def _lease(spec: Raw) -> Iterator[Cause]:
    if spec.get("leaseDurationSeconds", 1) <= 0:
        message = f"Invalid value: {spec['leaseDurationSeconds']}: must be greater than 0"
        yield Cause("spec.leaseDurationSeconds", message)
    if spec.get("leaseTransitions", 0) < 0:
        message = f"Invalid value: {spec['leaseTransitions']}: must be greater than or equal to 0"
        yield Cause("spec.leaseTransitions", message)


def _strategy(strategy: Raw) -> Iterator[Cause]:
    kind = strategy.get("type")
    if kind not in ("RollingUpdate", "Recreate"):
        message = f'Unsupported value: "{kind}": supported values: "Recreate", "RollingUpdate"'
        yield Cause("spec.strategy.type", message, "FieldValueNotSupported")
    if kind == "Recreate" and strategy.get("rollingUpdate"):
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        yield Cause("spec.strategy.rollingUpdate", message, "FieldValueForbidden")
    rolling = strategy.get("rollingUpdate") or {}
    share = str(rolling.get("maxUnavailable", ""))
    if share.endswith("%") and share[:-1].isdigit() and int(share[:-1]) > 100:
        message = f'Invalid value: "{share}": must not be greater than 100%'
        yield Cause("spec.strategy.rollingUpdate.maxUnavailable", message)
    if rolling and all(rolling.get(field) in (0, "0%") for field in ("maxSurge", "maxUnavailable")):
        message = f"Invalid value: {_text(rolling['maxUnavailable'])}: may not be 0 when `maxSurge` is 0"
        yield Cause("spec.strategy.rollingUpdate.maxUnavailable", message)


def _service(spec: Raw) -> Iterator[Cause]:
    ports = spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    if not ports and not headless and spec["type"] != "ExternalName":
        yield Cause("spec.ports", "Required value", "FieldValueRequired")
    seen: set[tuple[Any, Any]] = set()
    for place, port in enumerate(ports):
        path = f"spec.ports[{place}]"
        number = port.get("port")
        if not isinstance(number, int) or not 0 < number < 65536:
            yield Cause(f"{path}.port", f"Invalid value: {number}: must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.get("name"):
            yield Cause(f"{path}.name", "Required value", "FieldValueRequired")
        if (number, port.get("protocol")) in seen:
            yield Cause(path, f"Duplicate value: {_text(port)}", "FieldValueDuplicate")
        seen.add((number, port.get("protocol")))
    yield from check_labels("spec.selector", spec.get("selector") or {})


def _immutable(kind: Kind, old: Raw, new: Raw) -> Iterator[Cause]:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from check_finalizers(old["metadata"], new["metadata"])
    if kind in _TEMPLATE_KINDS and before.get("selector") != after.get("selector"):
        yield Cause("spec.selector", f"Invalid value: {_text(after.get('selector'))}: field is immutable")
    if kind == POD:
        yield from check_pod_update(before, after)
    if kind == SERVICE and "ExternalName" not in (before["type"], after["type"]):
        addresses = after.get("clusterIPs")
        if before.get("clusterIP") not in (None, after.get("clusterIP")):
            yield Cause("spec.clusterIPs[0]", f"Invalid value: {_text(addresses)}: may not change once set")
    if kind == SECRET and old.get("type") != new.get("type"):
        yield Cause("type", f"Invalid value: {_text(new.get('type'))}: field is immutable")
    if (
        kind in (CONFIG_MAP, SECRET)
        and old.get("immutable")
        and (not new.get("immutable") or old.get("data") != new.get("data"))
    ):
        yield Cause("data", "Forbidden: field is immutable when `immutable` is set", "FieldValueForbidden")
    if "roleRef" in old and old["roleRef"] != new.get("roleRef"):
        yield Cause("roleRef", f"Invalid value: {_text(new.get('roleRef'))}: cannot change roleRef")


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
