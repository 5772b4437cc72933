"""What is wrong with a kubeconfig is said with file, line and what to do; and where we look for one."""

from pathlib import Path

import pytest

from serinus.kube.environment_proxy import proxy_from_environment
from serinus.kube.errors import ConfigError
from serinus.kube.kubeconfig import Choice, in_cluster, load_config
from tests.kube.test_config_oracle import CA, CERTIFICATE, kubeconfig

EXEC_V1 = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"


def load(folder: Path, text: str, context: str | None = None) -> object:
    (folder / "config").write_text(text)
    return load_config(Choice(kubeconfig=folder / "config", context=context), {})


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("clusters: [\n", ":2:1", "malformed"),
        ("current-context: a\ncurrent-context: b\n", ":2:1", "'current-context' stands here twice"),
        (kubeconfig("server: 12"), ":7:21", r"clusters\[0\].cluster.server: expected text, got a number"),
        (kubeconfig(user="{token: [a]}"), ":10:17", r"users\[0\].user.token: expected text, got a list"),
        (kubeconfig("server: a, insecure-skip-tls-verify: 'yes'"), ":7:", "expected true or false, got text"),
        ("- a\n- b\n", ":1:1", "expected a mapping, got a list"),
        ("clusters:\n- cluster: {}\n", ":2:3", "missing required field `name`"),
        ("apiVersion: v2\nkind: Config\n", ":1:13", "this is a Config of v2"),
        ("clusters:\n- name: c\n- name: c\n", ":3:3", "'c' stands twice in clusters"),
    ],
)
def test_a_malformed_file_is_shown_line_and_column(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert f"{tmp_path}/config{place}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (kubeconfig(current="gone"), "there is no context 'gone'.*There are: one, two"),
        (kubeconfig(current='""'), "no context is chosen.*there are: one, two"),
        (kubeconfig().replace("cluster: c,", "cluster: zz,"), "names the cluster 'zz', and there is no such cluster"),
        (kubeconfig().replace("user: u", "user: zz"), "names the user 'zz', and there is no such user"),
        (kubeconfig("proxy-url: http://p"), "it has no server"),
        (kubeconfig("server: ftp://a"), "not an http or https address"),
        (kubeconfig("server: https://a, proxy-url: socks5://p:1"), "socks5 proxy.*http and https proxies only"),
        (
            kubeconfig(f"server: https://a, insecure-skip-tls-verify: true, certificate-authority-data: {CA}"),
            "insecure",
        ),
        (kubeconfig("server: https://a, certificate-authority-data: '?'"), "certificate-authority-data is not base64"),
        (kubeconfig("server: https://a, certificate-authority: none.pem"), "there is no file .*none.pem"),
        (kubeconfig(user="{token: a, username: b, password: c}"), "a token and a username"),
        (kubeconfig(user="{client-key: none.key, client-certificate: none.pem}"), "cannot read .*none.pem"),
        (kubeconfig(user=f"{{client-certificate-data: {CERTIFICATE}}}"), "client-key is missing"),
        (kubeconfig(user="{auth-provider: {name: gcp}}"), "auth-provider 'gcp'.*exec plugin instead"),
        (kubeconfig(user="{as-groups: [a]}"), "no `as`"),
        (kubeconfig(user=f"{{exec: {{{EXEC_V1}}}}}"), "has no command"),
        (kubeconfig(user="{exec: {command: a}}"), "apiVersion is missing"),
        (kubeconfig(user="{exec: {command: a, apiVersion: client.authentication.k8s.io/v1alpha1}}"), "v1alpha1"),
        (kubeconfig(user="{exec: {command: a, apiVersion: client.authentication.k8s.io/v1}}"), "interactiveMode"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_way_on(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "config") in str(caught.value)
    assert caught.value.hint


def test_no_secret_shows_in_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, kubeconfig(user="{token: hunter2, password: hunter2, username: [hunter2]}"))
    assert "hunter2" not in str(caught.value)


def test_the_namespace_of_the_caller_wins(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(kubeconfig(context=", namespace: shop"))
    config = load_config(Choice(namespace="mine"), {"KUBECONFIG": str(tmp_path / "config")})
    assert config.namespace == "mine"


def test_the_file_of_the_caller_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "flag").write_text(kubeconfig("server: https://flag.test"))
    (tmp_path / "environment").write_text(kubeconfig("server: https://environment.test"))
    environment = {"KUBECONFIG": str(tmp_path / "environment")}
    assert load_config(Choice(kubeconfig=tmp_path / "flag"), environment).cluster.server == "https://flag.test"
    with pytest.raises(ConfigError, match="no such file"):
        load_config(Choice(kubeconfig=tmp_path / "absent"), environment)


def test_the_home_folder_is_looked_in_last(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(kubeconfig())
    assert load_config(Choice(), {"HOME": str(tmp_path)}).context == "one"
    with pytest.raises(ConfigError, match="Name one with --kubeconfig or KUBECONFIG"):
        load_config(Choice(), {"HOME": str(tmp_path / "empty")})


def test_a_pod_talks_to_its_own_cluster_as_its_service_account(tmp_path: Path) -> None:
    for name, text in {"token": "t", "ca.crt": "pem", "namespace": "shop\n"}.items():
        (tmp_path / name).write_text(text)
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    config = in_cluster(Choice(), environment, tmp_path)
    assert config.cluster.server == "https://[fd00::1]:6443"
    assert (config.user.token_file, config.cluster.ca_file) == (tmp_path / "token", tmp_path / "ca.crt")
    assert config.namespace == "shop"
    assert in_cluster(Choice(), environment | {"POD_NAMESPACE": "other"}, tmp_path).namespace == "other"


def test_a_pod_without_a_token_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Let the pod mount its service account's token"):
        in_cluster(Choice(), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)


@pytest.mark.parametrize(
    ("server", "no_proxy", "is_direct"),
    [
        ("https://a.test", "", False),
        ("https://a.test", "b.test", False),
        ("https://a.test", "a.test", True),
        ("https://x.a.test", "a.test", True),
        ("https://x.a.test", ".a.test", True),
        ("https://xa.test", "a.test", False),
        ("https://a.test", ".a.test", False),
        ("https://a.test:6443", "a.test:443", False),
        ("https://a.test:6443", "a.test:6443", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "192.168.0.0/16, 10.1.2.3", True),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://a.test", "*", True),
        ("https://127.0.0.1:6443", "", True),
        ("https://localhost", "", True),
    ],
)
def test_the_environment_names_a_proxy_and_its_exceptions(server: str, no_proxy: str, is_direct: bool) -> None:
    proxy = proxy_from_environment(server, {"HTTPS_PROXY": "proxy.test:3128", "no_proxy": no_proxy})
    assert proxy == (None if is_direct else "http://proxy.test:3128")


def test_the_kubeconfigs_proxy_wins_over_the_environments(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(kubeconfig("server: https://a.test, proxy-url: http://mine.test"))
    environment = {"KUBECONFIG": str(tmp_path / "config"), "HTTPS_PROXY": "http://other.test"}
    assert load_config(Choice(), environment).cluster.proxy_url == "http://mine.test"
    (tmp_path / "config").write_text(kubeconfig())
    assert load_config(Choice(), environment).cluster.proxy_url == "http://other.test"
