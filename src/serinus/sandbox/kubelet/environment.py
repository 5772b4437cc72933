"""The environment and command of a container, worked out from its specification as a kubelet does."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from serinus.sandbox.kubelet.quantity import parse_quantity
from serinus.sandbox.rest import Api, ApiError, Raw

DEFAULT_PORT = 8080
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z0-9_.-]+)\)")
_MAP_KEY = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ConfigError(Exception):
    """The container's environment names something that is not there."""


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """What the environment of a pod's containers may refer to besides the Pod object."""

    raw_pod: Raw
    pod_ip: str
    host_ip: str


async def container_environment(
    api: Api, identity: PodIdentity, raw_container: Raw, defaults: Mapping[str, str]
) -> dict[str, str]:
    """The variables of one container; later sources win: `defaults`, ours, envFrom, env. Raises ConfigError."""
    metadata = identity.raw_pod["metadata"]
    sources = _Sources(api, metadata["namespace"])
    environment = dict(defaults) | {
        "PORT": str(_first_port(raw_container)),
        "POD_IP": identity.pod_ip,
        "POD_NAME": metadata["name"],
        "POD_NAMESPACE": metadata["namespace"],
        "HOSTNAME": metadata["name"],
    }
    for raw_source in raw_container.get("envFrom") or []:
        prefix = raw_source.get("prefix", "")
        for kind in ("configMapRef", "secretRef"):
            if kind in raw_source:
                data = await sources.data(kind.removesuffix("Ref"), raw_source[kind])
                environment |= {prefix + key: value for key, value in data.items()}
    for raw_variable in raw_container.get("env") or []:
        value = await _value(sources, identity, raw_container, raw_variable)
        if value is not None:
            environment[raw_variable["name"]] = expand(value, environment)
    return environment


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Replace $(NAME) by the variable's value; $$ is a plain $, and unknown names stay as they are."""
    return _REFERENCE.sub(lambda match: environment.get(match[1], match[0]) if match[1] else "$", text)


def container_command(raw_container: Raw, entrypoint: tuple[str, ...], environment: Mapping[str, str]) -> list[str]:
    """The command line; empty means the image's own program. As with real images `command` replaces the entrypoint."""
    command = raw_container.get("command") or list(entrypoint)
    if not command:
        return []
    return [expand(word, environment) for word in [*command, *(raw_container.get("args") or [])]]


class _Sources:
    """ConfigMaps and Secrets of one namespace, each read once."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._seen: dict[tuple[str, str], dict[str, str] | None] = {}

    async def data(self, kind: str, raw_reference: Raw) -> dict[str, str]:
        """All keys; nothing when the object is missing and the reference says that it may be."""
        name = raw_reference["name"]
        if (kind, name) not in self._seen:
            self._seen[kind, name] = await self._read(kind, name)
        data = self._seen[kind, name]
        if data is None and not raw_reference.get("optional"):
            raise ConfigError(f'{kind.lower()} "{name}" not found')
        return data or {}

    async def key(self, kind: str, raw_reference: Raw) -> str | None:
        value = (await self.data(kind, raw_reference)).get(raw_reference["key"])
        if value is None and not raw_reference.get("optional"):
            where = f"{'ConfigMap' if kind == 'configMap' else 'Secret'} {self._namespace}/{raw_reference['name']}"
            raise ConfigError(f"couldn't find key {raw_reference['key']} in {where}")
        return value

    async def _read(self, kind: str, name: str) -> dict[str, str] | None:
        try:
            raw = await self._api.call("GET", f"/api/v1/namespaces/{self._namespace}/{kind.lower()}s/{name}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise ConfigError(f'cannot read {kind.lower()} "{name}": {error}') from error
        data = raw.get("data") or {}
        if kind == "secret":
            return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        return dict(data)


async def _value(sources: _Sources, identity: PodIdentity, raw_container: Raw, raw_variable: Raw) -> str | None:
    raw_from = raw_variable.get("valueFrom")
    if not raw_from:
        return str(raw_variable.get("value") or "")
    if "fieldRef" in raw_from:
        return _field(identity, raw_from["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in raw_from:
        return _resource(raw_container, raw_from["resourceFieldRef"])
    for kind in ("configMap", "secret"):
        if f"{kind}KeyRef" in raw_from:
            return await sources.key(kind, raw_from[f"{kind}KeyRef"])
    raise ConfigError(f"env {raw_variable['name']}: valueFrom {', '.join(raw_from)} is not supported by the sandbox")


def _field(identity: PodIdentity, path: str) -> str:
    metadata, spec = identity.raw_pod["metadata"], identity.raw_pod["spec"]
    fields = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": identity.pod_ip,
        "status.podIPs": identity.pod_ip,
        "status.hostIP": identity.host_ip,
        "status.hostIPs": identity.host_ip,
    }
    if path in fields:
        return str(fields[path])
    key = _MAP_KEY.fullmatch(path)
    if key is None:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str((metadata.get(key[1]) or {}).get(key[2], ""))


def _resource(raw_container: Raw, raw_reference: Raw) -> str:
    kind, _, name = raw_reference["resource"].partition(".")
    quantity = ((raw_container.get("resources") or {}).get(kind) or {}).get(name)
    if quantity is None:
        return "0"
    divisor = parse_quantity(raw_reference.get("divisor") or "1") or 1
    return str(-int(-parse_quantity(quantity) // divisor))


def _first_port(raw_container: Raw) -> int:
    ports = raw_container.get("ports") or []
    return int(ports[0]["containerPort"]) if ports else DEFAULT_PORT
