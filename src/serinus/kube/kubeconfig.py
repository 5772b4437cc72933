"""Which cluster, as whom, in which namespace: the answer that kubectl would give in the same place.

Looked at in this order: the file named by the caller, the files of KUBECONFIG, ~/.kube/config, the service account of
the pod that we run in. Not here: talking to anyone, running plugins.

Where we differ from kubectl, each time to fail early instead of asking the wrong server or as the wrong user: a
context must be chosen (kubectl would try localhost:8080); a user that a context names must exist (kubectl would go on
as nobody); equal keys in one mapping are an error (kubectl takes the last); nobody is asked for a password; SOCKS
proxies are refused. To a server on this machine, tokens are sent over plain http too (kubectl sends none over http).
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from .config import ClientCertificate, Cluster, Config, ExecPlugin, Impersonation, User
from .environment_proxy import proxy_from_environment
from .errors import ConfigError
from .kubeconfig_file import ClusterEntry, Entry, ExecEntry, Merged, Part, UserEntry, merge

EXEC_EXTENSION = "client.authentication.k8s.io/exec"
EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user of Serinus chose on the command line; None means: as the kubeconfig says."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


def load_config(choice: Choice, environment: Mapping[str, str]) -> Config:
    """The configuration to connect with. `environment` is the process's. Raises ConfigError."""
    paths = _paths(choice, environment)
    if choice.kubeconfig is not None and not choice.kubeconfig.exists():
        hint = "Check the path given with --kubeconfig"
        raise ConfigError(
            "cannot read the kubeconfig", file=str(choice.kubeconfig), why="there is no such file", hint=hint
        )
    merged = merge(paths)
    if not merged.is_empty:
        return _from_kubeconfig(merged, choice, paths, environment)
    if choice.context is None and environment.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(choice, environment, SERVICE_ACCOUNT_FOLDER)
    raise ConfigError(
        "there is no cluster to talk to",
        file=", ".join(str(path) for path in paths),
        why="no kubeconfig is there, and this is not a pod in a cluster",
        hint="Name one with --kubeconfig or KUBECONFIG",
    )


def _paths(choice: Choice, environment: Mapping[str, str]) -> list[Path]:
    if choice.kubeconfig is not None:
        return [choice.kubeconfig]
    listed = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    home = environment.get("HOME") or os.path.expanduser("~")
    return [Path(part) for part in dict.fromkeys(listed)] or [Path(home) / ".kube" / "config"]


def _from_kubeconfig(merged: Merged, choice: Choice, paths: list[Path], environment: Mapping[str, str]) -> Config:
    files = ", ".join(str(path) for path in paths)
    name = choice.context or merged.current_context
    known = ", ".join(sorted(merged.contexts)) or "none"
    if not name:
        hint = f"Choose one with --context, or `kubectl config use-context NAME`; there are: {known}"
        raise ConfigError("no context is chosen", file=files, why="the kubeconfig has no current-context", hint=hint)
    if name not in merged.contexts:
        why = "the kubeconfig does not have it"
        raise ConfigError(f"there is no context {name!r}", file=files, why=why, hint=f"There are: {known}")
    context = merged.contexts[name]
    cluster = _entry("cluster", context.value.cluster, merged.clusters, name, context.file)
    user = _entry("user", context.value.user, merged.users, name, context.file) if context.value.user else None
    return Config(
        cluster=_cluster(context.value.cluster, cluster, environment, is_tls_client=_has_certificate(user)),
        user=_user(context.value.user, user) if user else User(),
        namespace=choice.namespace or context.value.namespace or "default",
        context=name,
    )


def _entry(kind: str, name: str, entries: Mapping[str, Entry[Part]], context: str, file: str) -> Entry[Part]:
    if name in entries:
        return entries[name]
    known = ", ".join(sorted(entries)) or "none"
    why = f"the context names the {kind} {name!r}, and there is no such {kind}" if name else f"it names no {kind}"
    raise ConfigError(f"the context {context!r} is incomplete", file=file, why=why, hint=f"There are: {known}")


def _has_certificate(user: Entry[UserEntry] | None) -> bool:
    return user is not None and bool(user.value.client_certificate or user.value.client_certificate_data)


def _cluster(name: str, entry: Entry[ClusterEntry], environment: Mapping[str, str], *, is_tls_client: bool) -> Cluster:
    raw, what, file = entry.value, f"the cluster {name!r} cannot be used", entry.file
    if not raw.server:
        _refuse(what, file, "it has no server", "Set it: `kubectl config set-cluster NAME --server=https://…`")
    ca_pem = _decoded(raw.certificate_authority_data, "certificate-authority-data", what, file)
    has_ca = ca_pem is not None or bool(raw.certificate_authority)
    if ca_pem is not None and raw.certificate_authority:
        _refuse(what, file, "certificate-authority and certificate-authority-data are both there", "Leave one of them")
    if has_ca and raw.insecure_skip_tls_verify:
        _refuse(what, file, "it has a certificate authority and insecure-skip-tls-verify", "Leave one of them")
    if raw.certificate_authority and not Path(raw.certificate_authority).is_file():
        _refuse(what, file, f"there is no file {raw.certificate_authority} (certificate-authority)", "Check the path")
    server = raw.server
    if "://" not in server:
        server = f"{'https' if has_ca or is_tls_client or raw.insecure_skip_tls_verify else 'http'}://{server}"
    if urlsplit(server).scheme not in ("http", "https") or not urlsplit(server).hostname:
        _refuse(what, file, f"its server {raw.server!r} is not an http or https address", "Correct it")
    extensions = {part.get("name"): part.get("extension") for part in raw.extensions}
    return Cluster(
        server=server.rstrip("/"),
        ca_pem=ca_pem,
        ca_file=Path(raw.certificate_authority) if raw.certificate_authority else None,
        insecure=raw.insecure_skip_tls_verify,
        tls_server_name=raw.tls_server_name or None,
        proxy_url=_proxy(raw.proxy_url or proxy_from_environment(server, environment), what, file),
        exec_extension=extensions.get(EXEC_EXTENSION),
    )


def _proxy(url: str | None, what: str, file: str) -> str | None:
    if not url:
        return None
    scheme = urlsplit(url).scheme
    if scheme.startswith("socks"):
        _refuse(what, file, f"its proxy is a {scheme} proxy", "Serinus speaks to http and https proxies only")
    if scheme not in ("http", "https") or not urlsplit(url).hostname:
        _refuse(what, file, "its proxy is not an http or https address", "Correct it")
    return url


def _user(name: str, entry: Entry[UserEntry]) -> User:
    raw, what, file = entry.value, f"the user {name!r} cannot be used", entry.file
    if raw.auth_provider is not None:
        provider = raw.auth_provider.get("name", "?")
        hint = "Use the provider's exec plugin instead (gke-gcloud-auth-plugin, kubelogin, ...)"
        _refuse(what, file, f"it uses the auth-provider {provider!r}; Kubernetes has removed auth-providers", hint)
    if raw.token and (raw.username or raw.password):
        _refuse(what, file, "it has a token and a username with password", "Leave one of them")
    return User(
        certificate=_certificate(raw, what, file),
        token=raw.token or None,
        token_file=Path(raw.token_file) if raw.token_file else None,
        username=raw.username or None,
        password=raw.password or None,
        plugin=_plugin(raw.exec, what, file) if raw.exec is not None else None,
        impersonation=_impersonation(raw, what, file),
    )


def _impersonation(raw: UserEntry, what: str, file: str) -> Impersonation | None:
    if raw.impersonate:
        extra = {key: tuple(values) for key, values in raw.impersonate_extra.items()}
        return Impersonation(raw.impersonate, raw.impersonate_uid, tuple(raw.impersonate_groups), extra)
    if raw.impersonate_uid or raw.impersonate_groups or raw.impersonate_extra:
        _refuse(what, file, "it has as-uid, as-groups or as-user-extra and no `as`", "Say whom to impersonate in `as`")
    return None


def _certificate(raw: UserEntry, what: str, file: str) -> ClientCertificate | None:
    certificate = _pem("client-certificate", raw.client_certificate, raw.client_certificate_data, what, file)
    key = _pem("client-key", raw.client_key, raw.client_key_data, what, file)
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "client-certificate" if certificate is None else "client-key"
        _refuse(what, file, f"{missing} is missing; certificate and key go together", "Add it")
    return ClientCertificate(certificate, key)


def _pem(field: str, path: str, data: str, what: str, file: str) -> bytes | None:
    if path and data:
        _refuse(what, file, f"{field} and {field}-data are both there", "Leave one of them")
    if not path:
        return _decoded(data, f"{field}-data", what, file)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        _refuse(what, file, f"cannot read {path} ({field}): {error.strerror}", "Check the path")


def _decoded(data: str, field: str, what: str, file: str) -> bytes | None:
    if not data:
        return None
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        _refuse(what, file, f"its {field} is not base64", "Encode the PEM file with base64")


def _plugin(raw: ExecEntry, what: str, file: str) -> ExecPlugin:
    if not raw.command:
        _refuse(what, file, "its exec plugin has no command", "Add it")
    if raw.api_version not in EXEC_VERSIONS:
        why = f"its exec plugin's apiVersion is {raw.api_version or 'missing'}"
        _refuse(what, file, why, f"Use {' or '.join(EXEC_VERSIONS)}")
    mode = raw.interactive_mode or ("IfAvailable" if raw.api_version == EXEC_VERSIONS[1] else "")
    if mode not in ("Never", "IfAvailable", "Always"):
        why = f"its exec plugin's interactiveMode is {mode or 'missing'}"
        _refuse(what, file, why, "Set it to Never, IfAvailable or Always")
    return ExecPlugin(
        command=raw.command,
        arguments=tuple(raw.args),
        environment={variable.name: variable.value for variable in raw.env},
        api_version=raw.api_version,
        install_hint=raw.install_hint,
        provide_cluster_info=raw.provide_cluster_info,
        interactive_mode=mode,
        file=file,
    )


def in_cluster(choice: Choice, environment: Mapping[str, str], folder: Path) -> Config:
    """The configuration of a pod that talks to its own cluster, as the service account mounted in `folder`."""
    host = environment["KUBERNETES_SERVICE_HOST"]
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    for name in ("token", "ca.crt"):
        if not (folder / name).is_file():
            hint = "Let the pod mount its service account's token, or name a kubeconfig"
            _refuse("cannot act as the pod's service account", str(folder / name), "there is no such file", hint)
    namespace = choice.namespace or environment.get("POD_NAMESPACE", "") or _text(folder / "namespace") or "default"
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return Config(Cluster(server, ca_file=folder / "ca.crt"), User(token_file=folder / "token"), namespace, context="")


def _text(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def _refuse(what: str, file: str, why: str, hint: str) -> NoReturn:
    raise ConfigError(what, file=file, why=why, hint=hint)
