"""One kubeconfig file: read, checked, and with its relative paths made whole; several merged as kubectl merges them.

Every complaint names the file, the line and what to do. Not here: what a context means; that is `kubeconfig.py`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from .errors import ConfigError
from .yamldoc import Document, YamlError, read_yaml

Part = TypeVar("Part")
_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class ClusterEntry(msgspec.Struct, rename="kebab"):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    extensions: list[dict[str, Any]] = []


class ExecVariable(msgspec.Struct):
    name: str
    value: str = ""


class ExecEntry(msgspec.Struct, rename="camel"):
    command: str = ""
    args: list[str] = []
    env: list[ExecVariable] = []
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class UserEntry(msgspec.Struct, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    impersonate: str = msgspec.field(name="as", default="")
    impersonate_uid: str = msgspec.field(name="as-uid", default="")
    impersonate_groups: list[str] = msgspec.field(name="as-groups", default_factory=list)
    impersonate_extra: dict[str, list[str]] = msgspec.field(name="as-user-extra", default_factory=dict)
    username: str = ""
    password: str = ""
    auth_provider: dict[str, Any] | None = None
    exec: ExecEntry | None = None


class ContextEntry(msgspec.Struct, rename="kebab"):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class NamedCluster(msgspec.Struct):
    name: str
    cluster: ClusterEntry = msgspec.field(default_factory=ClusterEntry)


class NamedUser(msgspec.Struct):
    name: str
    user: UserEntry = msgspec.field(default_factory=UserEntry)


class NamedContext(msgspec.Struct):
    name: str
    context: ContextEntry = msgspec.field(default_factory=ContextEntry)


class KubeconfigFile(msgspec.Struct, rename="kebab"):
    """The part of a kubeconfig that is read. Unknown fields are passed over, as kubectl does."""

    api_version: str = msgspec.field(name="apiVersion", default="")
    kind: str = ""
    current_context: str = ""
    clusters: list[NamedCluster] = []
    users: list[NamedUser] = []
    contexts: list[NamedContext] = []


@dataclass(frozen=True, slots=True)
class Entry(Generic[Part]):
    """A named part of a kubeconfig, and the file that it came from."""

    value: Part
    file: str


@dataclass(slots=True)
class Merged:
    """All files together: the first file that has a name wins, whole."""

    current_context: str = ""
    clusters: dict[str, Entry[ClusterEntry]] = field(default_factory=dict)
    users: dict[str, Entry[UserEntry]] = field(default_factory=dict)
    contexts: dict[str, Entry[ContextEntry]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.current_context or self.clusters or self.users or self.contexts)


def merge(paths: Iterable[Path]) -> Merged:
    """Read the files and merge them; those that do not exist are passed over. Raises ConfigError."""
    merged = Merged()
    for path in paths:
        content = read_file(path)
        if content is None:
            continue
        merged.current_context = merged.current_context or content.current_context
        for cluster in content.clusters:
            merged.clusters.setdefault(cluster.name, Entry(cluster.cluster, str(path)))
        for user in content.users:
            merged.users.setdefault(user.name, Entry(user.user, str(path)))
        for context in content.contexts:
            merged.contexts.setdefault(context.name, Entry(context.context, str(path)))
    return merged


def read_file(path: Path) -> KubeconfigFile | None:
    """One file, checked, with paths relative to it made absolute; None when there is no such file."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError("cannot read the kubeconfig", file=str(path), why=why, hint="Check the path") from None
    content = _convert(text, path)
    _resolve_paths(content, path.absolute().parent)
    return content


def _convert(text: str, path: Path) -> KubeconfigFile:
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise _malformed(path, error.line, error.column, error.problem) from None
    if document.value is None:
        return KubeconfigFile()
    try:
        content = msgspec.convert(_without_nulls(document.value), KubeconfigFile)
    except msgspec.ValidationError as error:
        line, column = _place_of(str(error), document)
        raise _malformed(path, line, column, _in_words(str(error))) from None
    if content.api_version not in ("", "v1") or content.kind not in ("", "Config"):
        line, column = document.position(("apiVersion",))
        met = f"{content.kind or 'Config'} of {content.api_version or 'v1'}"
        raise _malformed(path, line, column, f"this is a {met}, and a kubeconfig is a Config of v1")
    for part in ("clusters", "users", "contexts"):
        _refuse_equal_names(part, getattr(content, part), document, path)
    return content


def _refuse_equal_names(
    part: str, entries: list[NamedCluster | NamedUser | NamedContext], document: Document, path: Path
) -> None:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.name in seen:
            line, column = document.position((part, index))
            raise _malformed(path, line, column, f"the name {entry.name!r} stands twice in {part}")
        seen.add(entry.name)


def _without_nulls(value: Any) -> Any:
    """kubectl takes `users: null` for no users."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value


def _place_of(message: str, document: Document) -> tuple[int, int]:
    _, _, spot = message.partition("`$")
    found = _PATH_PART.findall(spot.rstrip("`"))
    return document.position(tuple(int(index) if index else name for name, index in found))


def _in_words(message: str) -> str:
    problem, _, spot = message.partition(" - at `$.")
    names = {
        "`str`": "text",
        "`bool`": "true or false",
        "`array`": "a list",
        "`object`": "a mapping",
        "`int`": "a number",
    }
    for name, word in names.items():
        problem = problem.replace(name, word)
    problem = problem[:1].lower() + problem[1:]
    return f"{spot.rstrip('`')}: {problem}" if spot else problem


def _malformed(path: Path, line: int, column: int, why: str) -> ConfigError:
    hint = "Correct the file; `kubectl config view` shows how kubectl reads it"
    return ConfigError("the kubeconfig is malformed", file=str(path), line=line, column=column, why=why, hint=hint)


def _resolve_paths(content: KubeconfigFile, folder: Path) -> None:
    for cluster in content.clusters:
        cluster.cluster.certificate_authority = _absolute(cluster.cluster.certificate_authority, folder)
    for named in content.users:
        user = named.user
        user.client_certificate = _absolute(user.client_certificate, folder)
        user.client_key = _absolute(user.client_key, folder)
        user.token_file = _absolute(user.token_file, folder)
        if user.exec is not None and os.sep in user.exec.command:
            user.exec.command = _absolute(user.exec.command, folder)


def _absolute(path: str, folder: Path) -> str:
    return str(folder / path) if path else ""
