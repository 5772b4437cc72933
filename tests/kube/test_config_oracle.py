"""The same kubeconfigs, read by us, by the official Python client and by kubectl: the answers must agree.

kubectl is the arbiter. Where the official client differs from it, the case says so and only kubectl is asked.
"""

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serinus.kube.client import connect
from serinus.kube.config import Config
from serinus.kube.credentials import credentials_for
from serinus.kube.kubeconfig import Choice, load_config
from serinus.kube.resources import CONFIGMAPS
from tests.fakes.clock import FakeClock, FakeDice
from tests.fakes.server import answer, scripted_server

KUBECTL = Path(sys.executable).parent / "kubectl"
CERTIFICATES = Path(__file__).parent / "certificates"


def data(name: str) -> str:
    return base64.b64encode((CERTIFICATES / name).read_bytes()).decode()


def kubeconfig(
    cluster: str = "server: https://a.test", user: str = "{}", context: str = "", current: str = "one"
) -> str:
    return f"""
apiVersion: v1
kind: Config
current-context: {current}
clusters:
- name: c
  cluster: {{{cluster}}}
users:
- name: u
  user: {user}
contexts:
- name: one
  context: {{cluster: c, user: u{context}}}
- name: two
  context: {{cluster: c, user: u, namespace: second}}
"""


@dataclass(frozen=True)
class Case:
    """`files` by relative path; `listed`: the KUBECONFIG; `official` False: the official client is known to differ."""

    files: dict[str, str]
    listed: tuple[str, ...] = ("config",)
    context: str | None = None
    official: bool = True


CA, CERTIFICATE, KEY = data("authority.pem"), data("client.pem"), data("client.key")
SECOND_FILE = """
apiVersion: v1
kind: Config
current-context: three
clusters:
- name: c
  cluster: {server: https://shadowed.test}
- name: d
  cluster: {server: https://d.test}
users:
- name: v
  user: {token: second}
- name: u
  user: {token: shadowed}
contexts:
- name: three
  context: {cluster: d, user: v, namespace: third}
"""

JSON_FILE = json.dumps(
    {
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": "https://j.test"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
)

CASES = {
    "plain": Case({"config": kubeconfig()}),
    "namespace": Case({"config": kubeconfig(context=", namespace: shop")}),
    "other context": Case({"config": kubeconfig()}, context="two"),
    "port and path": Case({"config": kubeconfig("server: https://a.test:6443/k8s/clusters/c-1")}),
    "IPv6": Case({"config": kubeconfig('server: "https://[::1]:6443"')}),
    "token": Case({"config": kubeconfig(user="{token: abc}")}),
    "quoted number as token": Case({"config": kubeconfig(user='{token: "0123"}')}),
    "basic": Case({"config": kubeconfig(user="{username: anna, password: 'pa:ss'}")}),
    "basic beyond ASCII": Case(
        {"config": kubeconfig(user="{username: anna, password: 'pä:ss'}")},
        official=False,  # it sends Latin-1 where kubectl sends UTF-8
    ),
    "token file": Case({"config": kubeconfig(user="{tokenFile: secret/token}"), "secret/token": "from-file"}),
    "token beside its file": Case(
        {"config": kubeconfig(user="{token: old, tokenFile: token}"), "token": "new"},
        official=False,  # it takes the file where kubectl shows both; both send the file's
    ),
    "authority as data": Case({"config": kubeconfig(f"server: https://a.test, certificate-authority-data: {CA}")}),
    "authority as file": Case(
        {
            "config": kubeconfig("server: https://a.test, certificate-authority: pki/ca.pem"),
            "pki/ca.pem": (CERTIFICATES / "authority.pem").read_text(),
        }
    ),
    "client certificate as data": Case(
        {"config": kubeconfig(user=f"{{client-certificate-data: {CERTIFICATE}, client-key-data: {KEY}}}")}
    ),
    "client certificate as files": Case(
        {
            "config": kubeconfig(user="{client-certificate: pki/me.pem, client-key: pki/me.key}"),
            "pki/me.pem": (CERTIFICATES / "client.pem").read_text(),
            "pki/me.key": (CERTIFICATES / "client.key").read_text(),
        }
    ),
    "insecure": Case({"config": kubeconfig("server: https://a.test, insecure-skip-tls-verify: true")}),
    "insecure in words of YAML 1.1": Case(
        {"config": kubeconfig("server: https://a.test, insecure-skip-tls-verify: y")},
        official=False,  # it takes y for text, and text for true
    ),
    "server name": Case({"config": kubeconfig("server: https://10.0.0.1, tls-server-name: api.test")}),
    "proxy": Case({"config": kubeconfig("server: https://a.test, proxy-url: http://proxy.test:3128")}),
    "two files": Case(
        {"config": kubeconfig(), "more": SECOND_FILE},
        listed=("config", "more"),
        official=False,  # it takes the last current-context
    ),
    "two files, context of the second": Case(
        {"config": kubeconfig(), "more": SECOND_FILE}, listed=("config", "more"), context="three"
    ),
    "two files, first has no current context": Case(
        {"config": kubeconfig(current='""'), "more": SECOND_FILE},
        listed=("config", "more"),
        official=False,  # it takes the empty one
    ),
    "the first of a name wins": Case(
        {"more": SECOND_FILE, "config": kubeconfig(user="{token: abc}")}, listed=("more", "config"), context="one"
    ),
    "missing file in the list": Case({"config": kubeconfig()}, listed=("absent", "config")),
    "files in folders of their own": Case(
        {
            "a/config": kubeconfig(user="{tokenFile: token}"),
            "a/token": "of-a",
            "b/config": SECOND_FILE,
            "b/token": "of-b",
        },
        listed=("b/config", "a/config"),
        context="one",
    ),
    "nulls": Case(
        {"config": kubeconfig(user="null", context=", namespace: null")},
        official=False,  # it needs a user that is a mapping
    ),
    "unknown fields": Case({"config": kubeconfig(user="{token: abc, colour: red}") + "preferences: {}\nother: [1]\n"}),
    "JSON": Case({"config": JSON_FILE}),
}


EXEC = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"
CREDENTIAL = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"of-plugin"}}'

TOKEN_USERS = {
    "file": "{tokenFile: token}",
    "file beside a token": "{token: old, tokenFile: token}",
    "missing file beside a token": "{token: old, tokenFile: absent}",
    "token": "{token: abc}",
    "basic": "{username: anna, password: pw}",
    "username without a password": "{username: anna}",
    "impersonation": '{token: abc, as: bob, as-uid: "7", as-groups: [dev], as-user-extra: {"acme.com/scope": [a]}}',
    "exec": f"{{exec: {{{EXEC}, command: sh, args: [-c, 'cat $0', credential]}}}}",
    "exec beside a token": f"{{token: abc, exec: {{{EXEC}, command: 'false'}}}}",
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


async def test_the_official_client_reads_the_same(case: Case, tmp_path: Path) -> None:
    if not case.official:
        return
    listed = _write(case, tmp_path)
    ours = await _ours(load_config(Choice(context=case.context), {"KUBECONFIG": listed}))
    assert ours == _official(listed, case.context)


async def test_kubectl_reads_the_same(case: Case, tmp_path: Path) -> None:
    if any("tokenFile" in text for text in case.files.values()):
        return  # kubectl shows the file's name; the test below sees what it sends
    listed = _write(case, tmp_path)
    ours = await _ours(load_config(Choice(context=case.context), {"KUBECONFIG": listed}))
    assert ours == _kubectl(listed, case.context)


@pytest.mark.parametrize("user", TOKEN_USERS.values(), ids=TOKEN_USERS.keys())
async def test_kubectl_sends_the_same_token(user: str, tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "credential").write_text(CREDENTIAL)
    async with scripted_server(tls) as server:
        cluster = f'server: "{server.url}", certificate-authority-data: {CA}'
        (tmp_path / "config").write_text(kubeconfig(cluster, user.replace("credential]", f"{tmp_path}/credential]")))
        environment = {"KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        server.then(answer({"kind": "ConfigMap", "metadata": {}})).then(answer({"kind": "ConfigMap", "metadata": {}}))
        command = [str(KUBECTL), "get", "--raw", "/api/v1/namespaces/shop/configmaps/c"]
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0
        config = load_config(Choice(), environment)
        async with connect(config, clock=FakeClock(), dice=FakeDice(), user_agent="x") as client:
            await client.get(CONFIGMAPS, "c", "shop")
    theirs, ours = server.seen
    names = [
        "Authorization",
        "Impersonate-User",
        "Impersonate-Uid",
        "Impersonate-Group",
        "Impersonate-Extra-Acme.com%2fscope",
    ]
    assert _only(ours.headers, names) == _only(theirs.headers, names)
    assert ours.path == theirs.path


def _only(headers: dict[str, str], names: list[str]) -> dict[str, str | None]:
    found = {key.title(): text for key, text in headers.items()}
    return {name: found.get(name.title()) for name in names}


def _write(case: Case, folder: Path) -> str:
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return os.pathsep.join(str(folder / name) for name in case.listed)


async def _ours(config: Config) -> dict[str, Any]:
    identity = await credentials_for(config, FakeClock()).identity()
    cluster = config.cluster
    return {
        "server": cluster.server,
        "namespace": config.namespace,
        "authorization": identity.authorization,
        "certificate": identity.certificate.certificate_pem if identity.certificate else None,
        "key": identity.certificate.key_pem if identity.certificate else None,
        "authority": cluster.ca_pem or (cluster.ca_file.read_bytes() if cluster.ca_file else None),
        "insecure": cluster.insecure,
        "server name": cluster.tls_server_name,
        "proxy": cluster.proxy_url,
    }


def _official(listed: str, context: str | None) -> dict[str, Any]:
    from kubernetes.client import Configuration
    from kubernetes.config import list_kube_config_contexts, load_kube_config

    settings = Configuration()
    load_kube_config(listed, context=context, client_configuration=settings, persist_config=False)
    contexts, active = list_kube_config_contexts(listed)
    chosen = next(each for each in contexts if each["name"] == context) if context else active
    shown = settings.auth_settings()
    return {
        "server": settings.host,
        "namespace": chosen["context"].get("namespace", "default"),
        "authorization": shown["BearerToken"]["value"] if shown else None,
        "certificate": _content(settings.cert_file),
        "key": _content(settings.key_file),
        "authority": _content(settings.ssl_ca_cert),
        "insecure": not settings.verify_ssl,
        "server name": settings.tls_server_name,
        "proxy": settings.proxy,
    }


def _kubectl(listed: str, context: str | None) -> dict[str, Any]:
    command = [str(KUBECTL), "config", "view", "--minify", "--flatten", "--raw", "-o", "json"]
    if context:
        command.append(f"--context={context}")
    done = subprocess.run(command, env={"KUBECONFIG": listed, "HOME": "/none"}, capture_output=True, check=True)
    view = json.loads(done.stdout)
    cluster = view["clusters"][0]["cluster"]
    user = view["users"][0]["user"] if view["users"] else {}
    authorization = f"Bearer {user['token']}" if "token" in user else None
    if "username" in user:
        authorization = "Basic " + base64.b64encode(f"{user['username']}:{user['password']}".encode()).decode()
    return {
        "server": cluster["server"],
        "namespace": view["contexts"][0]["context"].get("namespace", "default"),
        "authorization": authorization,
        "certificate": _decoded(user.get("client-certificate-data")),
        "key": _decoded(user.get("client-key-data")),
        "authority": _decoded(cluster.get("certificate-authority-data")),
        "insecure": cluster.get("insecure-skip-tls-verify", False),
        "server name": cluster.get("tls-server-name"),
        "proxy": cluster.get("proxy-url"),
    }


def _content(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None


def _decoded(text: str | None) -> bytes | None:
    return base64.b64decode(text) if text else None
