"""What a connection needs to know, once every kubeconfig question is answered. Data only; `kubeconfig.py` fills it."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Cluster:
    """One API server. Certificates are PEM; `ca_file` is read at each new set of connections, `ca_pem` is fixed."""

    server: str
    ca_pem: bytes | None = None
    ca_file: Path | None = None
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = field(default=None, repr=False)  # may hold a password
    exec_extension: Any = None  # passed on to the exec plugin, never read by us

    @property
    def is_tls(self) -> bool:
        return self.server.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine."""
        host = urlsplit(self.server).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Ask to be treated as somebody else (`kubectl --as`)."""

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client's certificate chain and key, both PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A command that prints credentials. `environment` is added to ours; `file` is the kubeconfig that names it."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    api_version: str
    install_hint: str
    provide_cluster_info: bool
    interactive_mode: str  # Never, IfAvailable or Always
    file: str


@dataclass(frozen=True, slots=True)
class User:
    """How to say who is asking. All parts may be absent: then nobody in particular is asking."""

    certificate: ClientCertificate | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    plugin: ExecPlugin | None = None
    impersonation: Impersonation | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Where to connect, as whom, and in which namespace to work. `context` is empty inside a pod."""

    cluster: Cluster
    user: User
    namespace: str
    context: str

    @property
    def where(self) -> str:
        """For messages: the context and the server."""
        return f"context {self.context}, {self.cluster.server}" if self.context else self.cluster.server
