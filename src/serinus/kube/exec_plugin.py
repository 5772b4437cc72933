"""Credentials from a command, by the client.authentication.k8s.io protocol, v1 and v1beta1.

Not here: keeping what the command printed; that is `credentials.py`.
"""

import asyncio
import base64
import contextlib
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from .config import ClientCertificate, Cluster, ExecPlugin
from .errors import BODY_CHARACTERS_MAX, PluginError

RUN_SECONDS_MAX = 60.0
DIALOGUE_SECONDS_MAX = 600.0  # a person may be looking for a second factor


@dataclass(frozen=True, slots=True)
class PluginAnswer:
    """What the plugin printed; `expires` None means: good until the server refuses it."""

    token: str | None
    certificate: ClientCertificate | None
    expires: datetime | None


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: str | None = None


class _Credential(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


async def run_plugin(plugin: ExecPlugin, cluster: Cluster) -> PluginAnswer:
    """Run the command once. Raises PluginError, with the install hint when the command is not there."""
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not has_terminal:
        raise _failed(plugin, "it wants to ask a person (interactiveMode: Always), and standard input is no terminal")
    is_interactive = plugin.interactive_mode != "Never" and has_terminal
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": _info(plugin, cluster, is_interactive)}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            env=environment,
            stdin=None if is_interactive else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if is_interactive else asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise _failed(plugin, "there is no such command", plugin.install_hint) from None
    except OSError as error:
        raise _failed(plugin, error.strerror or "it cannot be started", plugin.install_hint) from None
    output, complaint = await _finish(process, plugin, DIALOGUE_SECONDS_MAX if is_interactive else RUN_SECONDS_MAX)
    if process.returncode:
        said = " ".join((complaint or b"").decode(errors="replace").split())[-BODY_CHARACTERS_MAX:]
        why = f"it ended with exit code {process.returncode}" + (f" and said: {said}" if said else "")
        raise _failed(plugin, why, plugin.install_hint)
    return _parse(plugin, output)


async def _finish(
    process: asyncio.subprocess.Process, plugin: ExecPlugin, seconds: float
) -> tuple[bytes, bytes | None]:
    try:
        async with asyncio.timeout(seconds):
            return await process.communicate()
    except TimeoutError:
        raise _failed(plugin, f"it did not end within {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _info(plugin: ExecPlugin, cluster: Cluster, is_interactive: bool) -> str:
    spec: dict[str, Any] = {"interactive": is_interactive}
    if plugin.provide_cluster_info:
        spec["cluster"] = _cluster_info(cluster)
    info = {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}
    return msgspec.json.encode(info).decode()


def _cluster_info(cluster: Cluster) -> dict[str, Any]:
    pem = cluster.ca_file.read_bytes() if cluster.ca_file is not None else cluster.ca_pem
    info = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure or None,
        "certificate-authority-data": base64.b64encode(pem).decode() if pem else None,
        "proxy-url": cluster.proxy_url,
        "config": cluster.exec_extension,
    }
    return {key: value for key, value in info.items() if value is not None}


def _parse(plugin: ExecPlugin, output: bytes) -> PluginAnswer:
    try:
        credential = msgspec.json.decode(output, type=_Credential)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The decoder's own message might quote a part of a token.
        raise _failed(plugin, "what it printed is not an ExecCredential in JSON") from None
    if credential.kind != "ExecCredential" or credential.api_version != plugin.api_version:
        met = f"{credential.kind or 'nothing'} of {credential.api_version or 'no version'}"
        raise _failed(plugin, f"it printed {met} where ExecCredential of {plugin.api_version} was asked for")
    status = credential.status or _Status()
    has_certificate, has_key = bool(status.client_certificate_data), bool(status.client_key_data)
    if has_certificate != has_key:
        raise _failed(plugin, "it printed a client certificate without a key, or a key without a certificate")
    if not status.token and not has_certificate:
        raise _failed(plugin, "it printed neither a token nor a client certificate")
    certificate = None
    if status.client_certificate_data and status.client_key_data:
        certificate = ClientCertificate(status.client_certificate_data.encode(), status.client_key_data.encode())
    return PluginAnswer(status.token or None, certificate, _expiry(plugin, status.expiration_timestamp))


def _expiry(plugin: ExecPlugin, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        expires = datetime.fromisoformat(text)
    except ValueError:
        raise _failed(plugin, f"its expirationTimestamp {text[:40]!r} is not a time") from None
    return expires if expires.tzinfo else expires.replace(tzinfo=UTC)


def _failed(plugin: ExecPlugin, why: str, install_hint: str = "") -> PluginError:
    hint = install_hint.strip() or "Run the command by hand to see what it needs, then try again"
    return PluginError(f"the exec plugin {plugin.command!r} gave no credentials", file=plugin.file, why=why, hint=hint)
