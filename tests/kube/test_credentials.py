"""Exec plugins, token files, and what happens when the server refuses who we are."""

import asyncio
import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serinus.kube import errors
from serinus.kube.config import Cluster, Config, ExecPlugin, User
from serinus.kube.credentials import Credentials, credentials_for
from serinus.kube.resources import PODS
from tests.fakes.clock import FakeClock
from tests.fakes.server import answer, failure, scripted_server
from tests.kube.support import client_for, pod

PLUGIN = Path(__file__).with_name("plugin.py")
V1 = "client.authentication.k8s.io/v1"


def credential(version: str = V1, **status: str) -> str:
    return json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": status})


def plugin(log: Path, text: str, **more: Any) -> ExecPlugin:
    environment = {"PLUGIN_LOG": str(log), "PLUGIN_ANSWER": text} | more.pop("environment", {})
    made = ExecPlugin(
        sys.executable, (str(PLUGIN),), environment, V1, "Install it from the moon", False, "Never", "config"
    )
    return replace(made, **more)


def credentials(made: ExecPlugin, clock: FakeClock | None = None, **cluster: Any) -> Credentials:
    config = Config(Cluster("https://a.test", **cluster), User(plugin=made), "shop", "test")
    return credentials_for(config, clock or FakeClock())


def runs(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_a_plugins_token_is_kept_until_it_expires(tmp_path: Path) -> None:
    clock, log = FakeClock(), tmp_path / "log"
    text = credential(token="t%RUN%", expirationTimestamp="2026-01-01T12:10:00Z")
    source = credentials(plugin(log, text), clock)
    assert (await source.identity()).authorization == "Bearer t1"
    clock.advance(599)
    assert (await source.identity()).authorization == "Bearer t1"
    clock.advance(1)
    assert (await source.identity()).authorization == "Bearer t2"


async def test_a_plugin_runs_once_for_many_who_wait(tmp_path: Path) -> None:
    source = credentials(plugin(tmp_path / "log", credential(token="t%RUN%")))
    identities = await asyncio.gather(*[source.identity() for _ in range(5)])
    assert {identity.authorization for identity in identities} == {"Bearer t1"}
    await asyncio.gather(*[source.renew(identities[0]) for _ in range(5)])
    assert len(runs(tmp_path / "log")) == 2


async def test_a_plugin_is_told_the_cluster_if_it_asks(tmp_path: Path) -> None:
    made = plugin(tmp_path / "log", credential(token="t"), provide_cluster_info=True)
    extension = {"audience": "a"}
    await credentials(made, ca_pem=b"pem", tls_server_name="name", exec_extension=extension).identity()
    cluster = {
        "server": "https://a.test",
        "tls-server-name": "name",
        "certificate-authority-data": base64.b64encode(b"pem").decode(),
        "config": extension,
    }
    spec = {"interactive": False, "cluster": cluster}
    assert runs(tmp_path / "log") == [{"kind": "ExecCredential", "apiVersion": V1, "spec": spec}]


async def test_a_plugin_is_not_told_the_cluster_unasked(tmp_path: Path) -> None:
    await credentials(plugin(tmp_path / "log", credential(token="t"))).identity()
    assert runs(tmp_path / "log")[0]["spec"] == {"interactive": False}


async def test_the_older_protocol_is_spoken_too(tmp_path: Path) -> None:
    older = "client.authentication.k8s.io/v1beta1"
    made = plugin(tmp_path / "log", credential(older, token="t"), api_version=older)
    assert (await credentials(made).identity()).authorization == "Bearer t"


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("", {"command": "/no/such/plugin"}, "there is no such command.*Install it from the moon"),
        ("", {"environment": {"PLUGIN_EXIT": "3", "PLUGIN_COMPLAINT": "session\nexpired"}}, "code 3.*session expired"),
        ("secret", {}, "not an ExecCredential in JSON"),
        (
            credential("client.authentication.k8s.io/v1beta1", token="secret"),
            {},
            "v1beta1 where .*/v1",
        ),
        (credential(), {}, "neither a token nor a client certificate"),
        (credential(clientCertificateData="secret"), {}, "without a key"),
        (credential(token="secret", expirationTimestamp="tomorrow"), {}, "'tomorrow' is not a time"),
        ("", {"interactive_mode": "Always"}, "standard input is no terminal"),
    ],
)
async def test_a_plugin_that_fails_is_explained(tmp_path: Path, text: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.PluginError, match=message) as caught:
        await credentials(plugin(tmp_path / "log", text, **more)).identity()
    assert "secret" not in str(caught.value)


async def test_a_refused_plugin_token_is_renewed_once(tmp_path: Path) -> None:
    made = plugin(tmp_path / "log", credential(token="t%RUN%"))
    async with scripted_server() as server, client_for(server.url, user=User(plugin=made)) as client:
        server.then(failure(401)).then(answer(pod("a", 1))).then(failure(401)).then(failure(401))
        await client.get(PODS, "a", "shop")
        with pytest.raises(errors.Unauthorized):
            await client.create(PODS, pod("a", 1), "shop")
    shown = [seen.headers["Authorization"] for seen in server.seen]
    assert shown == ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]


async def test_a_token_file_is_read_again_each_minute(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "token"
    path.write_text("one\n")
    source = credentials_for(Config(Cluster("https://a.test"), User(token_file=path), "shop", ""), clock)
    assert (await source.identity()).authorization == "Bearer one"
    path.write_text("two\n")
    clock.advance(59)
    assert (await source.identity()).authorization == "Bearer one"
    clock.advance(1)
    assert (await source.identity()).authorization == "Bearer two"


async def test_a_refused_token_file_is_read_again_at_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    async with scripted_server() as server, client_for(server.url, user=User(token_file=path)) as client:
        server.then(answer(pod("a", 1))).then(failure(401)).then(answer(pod("a", 1))).then(failure(401))
        await client.get(PODS, "a", "shop")
        path.write_text("two")
        await client.get(PODS, "a", "shop")
        with pytest.raises(errors.Unauthorized):  # the file still says the same: asking again would be no use
            await client.get(PODS, "a", "shop")
    shown = [seen.headers["Authorization"] for seen in server.seen]
    assert shown == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = Config(Cluster("https://a.test"), User(token_file=tmp_path / "none"), "shop", "")
    with pytest.raises(errors.ConfigError, match=r"cannot read the token.*none.*No such file"):
        await credentials_for(config, FakeClock()).identity()


async def test_nothing_secret_is_sent_in_the_clear_to_another_machine() -> None:
    config = Config(Cluster("http://10.0.0.1:8080"), User(token="secret"), "shop", "")
    assert (await credentials_for(config, FakeClock()).identity()).authorization is None
