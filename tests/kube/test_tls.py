"""Trust, names and client certificates, over real TLS."""

import asyncio
import contextlib
import json
import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from serinus.kube import errors
from serinus.kube.client import Client, connect
from serinus.kube.config import ClientCertificate, Cluster, Config, ExecPlugin, User
from serinus.kube.resources import PODS
from tests.fakes.clock import FakeClock, FakeDice
from tests.fakes.server import ScriptedServer, answer, scripted_server
from tests.kube.support import pod

FOLDER = Path(__file__).parent / "certificates"
AUTHORITY = (FOLDER / "authority.pem").read_bytes()


def certificate(name: str) -> ClientCertificate:
    return ClientCertificate((FOLDER / f"{name}.pem").read_bytes(), (FOLDER / f"{name}.key").read_bytes())


@contextlib.asynccontextmanager
async def secure_server(name: str = "server", asks_for_certificate: bool = False) -> AsyncIterator[ScriptedServer]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(FOLDER / "authority.pem"))
    tls.load_cert_chain(FOLDER / f"{name}.pem", FOLDER / f"{name}.key")
    if asks_for_certificate:
        tls.verify_mode = ssl.CERT_REQUIRED
    async with scripted_server(tls) as server:
        yield server


@contextlib.asynccontextmanager
async def client_of(url: str, user: User | None = None, **cluster: Any) -> AsyncIterator[Client]:
    config = Config(Cluster(url, **cluster), user or User(), "shop", "test")
    async with connect(config, clock=FakeClock(), dice=FakeDice(), user_agent="x") as client:
        yield client


async def ask(client: Client) -> str:
    """One attempt, without the retries."""
    await client.pod_proxy("a", "shop", 80, "/")
    return "answered"


async def test_the_kubeconfigs_authority_is_trusted() -> None:
    async with secure_server() as server, client_of(server.url, ca_pem=b"# comment \xc3\xa9\n" + AUTHORITY) as client:
        server.then(answer(""))
        assert await ask(client) == "answered"


async def test_a_servers_own_certificate_can_be_the_authority() -> None:
    own = (FOLDER / "server.pem").read_bytes()
    async with secure_server() as server, client_of(server.url, ca_pem=own) as client:
        server.then(answer(""))
        assert await ask(client) == "answered"


async def test_an_unknown_authority_is_not_trusted() -> None:
    async with secure_server() as server, client_of(server.url) as client:
        with pytest.raises(errors.Unreachable, match=r"certificate is not trusted.*certificate-authority"):
            await ask(client)
        with pytest.raises(errors.Untrusted):  # at once: the fake clock stands still
            await client.get(PODS, "a", "shop")
    assert server.seen == []


async def test_insecure_means_no_questions() -> None:
    async with secure_server() as server, client_of(server.url, insecure=True) as client:
        server.then(answer(""))
        assert await ask(client) == "answered"


async def test_a_certificate_for_another_name_is_refused() -> None:
    async with secure_server("named") as server, client_of(server.url, ca_pem=AUTHORITY) as client:
        with pytest.raises(errors.Unreachable, match="not trusted: IP address mismatch"):
            await ask(client)


async def test_the_kubeconfig_may_say_which_name_to_expect() -> None:
    async with (
        secure_server("named") as server,
        client_of(server.url, ca_pem=AUTHORITY, tls_server_name="api.test") as client,
    ):
        server.then(answer(""))
        assert await ask(client) == "answered"


async def test_a_client_certificate_is_shown_and_nothing_is_left_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    user = User(certificate=certificate("client"))
    async with (
        secure_server(asks_for_certificate=True) as server,
        client_of(server.url, user, ca_pem=AUTHORITY) as client,
    ):
        server.then(answer(""))
        assert await ask(client) == "answered"
    assert os.listdir(tmp_path) == []


async def test_a_key_that_does_not_fit_is_refused_before_anything_is_sent() -> None:
    user = User(certificate=ClientCertificate(certificate("client").certificate_pem, certificate("other").key_pem))
    async with client_of("https://127.0.0.1:1", user, ca_pem=AUTHORITY) as client:
        with pytest.raises(errors.ConfigError, match="do not fit together"):
            await ask(client)


async def test_an_authority_that_is_no_certificate_is_refused() -> None:
    async with client_of("https://127.0.0.1:1", ca_pem=b"nonsense") as client:
        with pytest.raises(errors.ConfigError, match="not a PEM certificate"):
            await ask(client)


async def test_a_replaced_authority_file_is_read_again_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    shutil.copy(FOLDER / "other.pem", path)
    async with secure_server() as server, client_of(server.url, ca_file=path) as client:
        with pytest.raises(errors.Unreachable):
            await ask(client)
        shutil.copy(FOLDER / "authority.pem", path)
        server.then(answer(""))
        assert await ask(client) == "answered"


async def test_a_plugins_client_certificate_is_shown() -> None:
    pair = certificate("client")
    data = {"clientCertificateData": pair.certificate_pem.decode(), "clientKeyData": pair.key_pem.decode()}
    version = "client.authentication.k8s.io/v1"
    text = json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": data})
    arguments = ("-c", "import sys; sys.stdout.write(sys.argv[1])", text)
    user = User(plugin=ExecPlugin(sys.executable, arguments, {}, version, "", False, "Never", "config"))
    async with (
        secure_server(asks_for_certificate=True) as server,
        client_of(server.url, user, ca_pem=AUTHORITY) as client,
    ):
        server.then(answer(pod("a", 1)))
        assert (await client.get(PODS, "a", "shop"))["kind"] == "Pod"


async def test_a_proxy_is_asked_for_a_tunnel_and_the_expected_name_still_holds() -> None:
    async with (
        secure_server("named") as server,
        _tunnel() as (proxy, asked),
        client_of(server.url, ca_pem=AUTHORITY, tls_server_name="api.test", proxy_url=proxy) as client,
    ):
        server.then(answer(""))
        assert await ask(client) == "answered"
    assert asked == [server.url.removeprefix("https://")]


@contextlib.asynccontextmanager
async def _tunnel() -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP proxy that knows CONNECT and nothing else."""
    asked: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split(" ")[1]
        asked.append(target)
        host, _, port = target.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        tasks.update({asyncio.create_task(pump(reader, far_writer)), asyncio.create_task(pump(far_reader, writer))})

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", asked
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
