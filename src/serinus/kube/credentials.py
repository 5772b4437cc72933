"""Who is asking: the identity that a request carries, and how to get a fresh one when the server refuses it."""

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from serinus.ports import Clock

from .config import ClientCertificate, Cluster, Config, ExecPlugin, Impersonation, User
from .errors import ConfigError
from .exec_plugin import PluginAnswer, run_plugin

TOKEN_FILE_SECONDS = 60.0  # kubelets replace a mounted token long before it expires


@dataclass(frozen=True, slots=True)
class Identity:
    """What one request shows: the Authorization header and the client certificate, as far as there are any."""

    authorization: str | None = field(default=None, repr=False)
    certificate: ClientCertificate | None = None


class Credentials(Protocol):
    """A source of identities."""

    async def identity(self) -> Identity:
        """The identity to use now. Raises ConfigError when there is none to be had."""

    async def renew(self, refused: Identity) -> bool:
        """The server refused this one: True when `identity` has another one to try."""


def credentials_for(config: Config, clock: Clock) -> Credentials:
    """The source that the kubeconfig asks for. Nothing secret is ever sent over plain http to another machine."""
    user = config.user
    if not (config.cluster.is_tls or config.cluster.is_loopback):
        return _Fixed(Identity())
    if user.token_file is not None:
        return _TokenFile(user.token_file, user, clock)
    if user.token is not None:
        return _Fixed(Identity(f"Bearer {user.token}", user.certificate))
    if user.username is not None:
        pair = base64.b64encode(f"{user.username}:{user.password or ''}".encode()).decode()
        return _Fixed(Identity(f"Basic {pair}", user.certificate))
    if user.plugin is not None:
        return _Plugin(user.plugin, config.cluster, user.certificate, clock)
    return _Fixed(Identity(certificate=user.certificate))


def impersonation_headers(impersonation: Impersonation | None) -> list[tuple[str, str]]:
    """The headers that ask to be treated as somebody else."""
    if impersonation is None:
        return []
    headers = [("Impersonate-User", impersonation.user)]
    if impersonation.uid:
        headers.append(("Impersonate-Uid", impersonation.uid))
    headers += [("Impersonate-Group", group) for group in impersonation.groups]
    for key, values in impersonation.extra.items():
        headers += [(f"Impersonate-Extra-{_header_key(key)}", value) for value in values]
    return headers


def _header_key(key: str) -> str:
    """Characters that no header name may hold are percent-encoded, as the API expects them."""
    allowed = "!#$&'*+-.^_`|~"
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in allowed) else _percent(letter) for letter in key
    )


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())


class _Fixed:
    """Nothing here ever changes."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def identity(self) -> Identity:
        return self._identity

    async def renew(self, refused: Identity) -> bool:
        return refused != self._identity


class _TokenFile:
    """A token in a file that somebody else replaces; a token in the kubeconfig stands in while it cannot be read."""

    def __init__(self, path: Path, user: User, clock: Clock) -> None:
        self._path = path
        self._certificate = user.certificate
        self._clock = clock
        self._token = user.token
        self._read_at: float | None = None

    async def identity(self) -> Identity:
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at >= TOKEN_FILE_SECONDS:
            self._read()
            self._read_at = now
        return Identity(f"Bearer {self._token}", self._certificate)

    async def renew(self, refused: Identity) -> bool:
        self._read_at = None
        return await self.identity() != refused

    def _read(self) -> None:
        try:
            token = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            token, why = "", getattr(error, "strerror", None) or "it is not text"
        else:
            why = "it is empty"
        self._token = token or self._token
        if not self._token:
            raise ConfigError("cannot read the token", file=str(self._path), why=why, hint="Check the user's tokenFile")


class _Plugin:
    """Credentials of an exec plugin, kept until they expire or are refused. One run at a time."""

    def __init__(
        self, plugin: ExecPlugin, cluster: Cluster, certificate: ClientCertificate | None, clock: Clock
    ) -> None:
        self._plugin = plugin
        self._cluster = cluster
        self._certificate = certificate
        self._clock = clock
        self._lock = asyncio.Lock()
        self._answer: PluginAnswer | None = None

    async def identity(self) -> Identity:
        async with self._lock:
            answer = self._answer
            if answer is None or (answer.expires is not None and answer.expires <= self._clock.now()):
                answer = await self._run()
            return self._identity(answer)

    async def renew(self, refused: Identity) -> bool:
        async with self._lock:
            if self._answer is None or self._identity(self._answer) == refused:
                await self._run()
            return True

    async def _run(self) -> PluginAnswer:
        self._answer = await run_plugin(self._plugin, self._cluster)
        return self._answer

    def _identity(self, answer: PluginAnswer) -> Identity:
        authorization = f"Bearer {answer.token}" if answer.token else None
        return Identity(authorization, answer.certificate or self._certificate)
