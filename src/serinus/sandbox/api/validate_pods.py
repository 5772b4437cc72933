"""What the API server refuses in a pod spec, alone or inside a template."""

import copy
import re
from collections.abc import Iterator

from serinus.sandbox.api.errors import Cause
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.validate_metadata import DNS_LABEL, DNS_LABEL_WORDS

_MUTABLE = ("activeDeadlineSeconds", "tolerations", "ephemeralContainers", "schedulingGates", "nodeName")
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_RESTART = ("Always", "OnFailure", "Never")
_PULL = ("Always", "IfNotPresent", "Never")


def check_pod_spec(path: str, spec: Raw) -> Iterator[Cause]:
    """Broken fields of a pod spec that lies at `path`."""
    containers = spec.get("containers") or []
    if not containers:
        yield Cause(f"{path}.containers", "Required value", "FieldValueRequired")
    names: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for list_name in ("initContainers", "containers"):
        for place, container in enumerate(spec.get(list_name) or []):
            where = f"{path}.{list_name}[{place}]"
            yield from _container(where, container, volumes)
            if container.get("name") in names:
                yield Cause(f"{where}.name", f'Duplicate value: "{container["name"]}"', "FieldValueDuplicate")
            names.add(container.get("name", ""))
    if spec.get("restartPolicy") not in _RESTART:
        yield _unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), _RESTART)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        message = f"Invalid value: {spec['terminationGracePeriodSeconds']}: must be greater than or equal to 0"
        yield Cause(f"{path}.terminationGracePeriodSeconds", message)


def _container(where: str, container: Raw, volumes: set[str | None]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield Cause(f"{where}.name", "Required value", "FieldValueRequired")
    elif len(name) > 63 or not re.fullmatch(DNS_LABEL, name):
        yield Cause(f"{where}.name", f'Invalid value: "{name}": {DNS_LABEL_WORDS}')
    image = container.get("image")
    if not image:
        yield Cause(f"{where}.image", "Required value", "FieldValueRequired")
    elif image != image.strip():
        yield Cause(f"{where}.image", f'Invalid value: "{image}": must not have leading or trailing whitespace')
    if container.get("imagePullPolicy") not in _PULL:
        yield _unsupported(f"{where}.imagePullPolicy", container.get("imagePullPolicy"), _PULL)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) and not any(handler in container[probe] for handler in _HANDLERS):
            yield Cause(f"{where}.{probe}", "Required value: must specify a handler type", "FieldValueRequired")
    for place, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort")
        if not isinstance(number, int) or not 0 < number < 65536:
            message = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            yield Cause(f"{where}.ports[{place}].containerPort", message)
    for place, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield Cause(f"{where}.env[{place}].name", "Required value", "FieldValueRequired")
    for place, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            yield Cause(
                f"{where}.volumeMounts[{place}].name", f'Not found: "{mount.get("name")}"', "FieldValueNotFound"
            )


def _unsupported(path: str, value: object, supported: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{each}"' for each in sorted(supported))
    return Cause(path, f'Unsupported value: "{value}": supported values: {listed}', "FieldValueNotSupported")


def check_pod_update(old: Raw, new: Raw) -> Iterator[Cause]:
    """A pod keeps its spec but for images, deadline, added tolerations and ephemeral containers."""
    if _frozen(old) != _frozen(new) or old.get("nodeName") != new.get("nodeName"):
        message = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
            "(only additions to existing tolerations)"
        )
        yield Cause("spec", message, "FieldValueForbidden")
    tolerations = new.get("tolerations") or []
    if any(each not in tolerations for each in old.get("tolerations") or []):
        message = "Forbidden: existing toleration can not be modified except its tolerationSeconds"
        yield Cause("spec.tolerations", message, "FieldValueForbidden")


def _frozen(spec: Raw) -> Raw:
    kept = copy.deepcopy({key: value for key, value in spec.items() if key not in _MUTABLE})
    for list_name in ("initContainers", "containers"):
        for container in kept.get(list_name) or []:
            container.pop("image", None)
    return kept
