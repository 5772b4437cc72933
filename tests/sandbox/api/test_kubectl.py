"""Real kubectl against the API: what its commands print and leave behind."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from serinus.sandbox.api import serve
from serinus.sandbox.certificate import make_certificate
from tests.sandbox.api.conftest import ADMIN_TOKEN, GUEST_TOKEN, TOKENS

KUBECTL = Path(sys.executable).parent / "kubectl"
COMMAND_SECONDS = 30
LOG = b"first\nsecond\nthird\n"

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: demo/app:v1
        ports: [{containerPort: 8080, name: http}]
        env: [{name: A, value: "1"}]
        readinessProbe: {httpGet: {path: /ready, port: http}}
      - {name: side, image: "demo/side:v1"}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {version: v1}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"""


class Kubectl:
    """kubectl with a kubeconfig and a namespace of its own."""

    def __init__(self, kubeconfig: Path, home: Path, namespace: str) -> None:
        self.namespace = namespace
        self.folder = home
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(kubeconfig)}

    async def __call__(self, *arguments: str, expect: int = 0) -> str:
        """Runs one command; its output, or a failed test when it ends with another code than expected."""
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            "--namespace",
            self.namespace,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                output, _ = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        text = output.decode()
        assert process.returncode == expect, f"kubectl {' '.join(arguments)} ended with {process.returncode}:\n{text}"
        return text

    async def read(self, *arguments: str) -> dict[str, object]:
        """An object as JSON."""
        answer: dict[str, object] = json.loads(await self("get", *arguments, "--output", "json"))
        return answer


def _kubeconfig(path: Path, url: str, authority: Path) -> Path:
    config = {
        "clusters": [{"name": "api", "cluster": {"server": url, "certificate-authority": str(authority)}}],
        "users": [
            {"name": "admin", "user": {"token": ADMIN_TOKEN}},
            {"name": "guest", "user": {"token": GUEST_TOKEN}},
        ],
        "contexts": [{"name": name, "context": {"cluster": "api", "user": name}} for name in ("admin", "guest")],
        "current-context": "admin",
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    """kubectl in a fresh namespace of the embedded API, or of a real one: see conftest.py."""
    namespace = f"kubectl-{uuid4().hex[:8]}"
    if os.environ.get("SERINUS_TEST_CLUSTER") == "real":
        command = Kubectl(Path(os.environ["SERINUS_REAL_KUBECONFIG"]), tmp_path, namespace)
        await command("create", "namespace", namespace)
        yield command
        await command("delete", "namespace", namespace, "--wait=false")
        return
    certificate = make_certificate(tmp_path, "127.0.0.1")
    tls = certificate.server_context()

    def read_log(_namespace: str, _pod: str, _container: str, previous: bool) -> bytes | None:
        return None if previous else LOG

    async with serve(tokens=TOKENS, tls=tls, read_log=read_log) as server:
        config = _kubeconfig(tmp_path / "kubeconfig", server.url, certificate.certificate_file)
        command = Kubectl(config, tmp_path, namespace)
        await command("create", "namespace", namespace)
        yield command


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    return _write(tmp_path, MANIFEST)


def _write(folder: Path, text: str) -> str:
    path = folder / "web.yaml"
    path.write_text(text)
    return str(path)


embedded_only = pytest.mark.skipif(
    os.environ.get("SERINUS_TEST_CLUSTER") == "real", reason="the real plane under test has no kubelet and no guest"
)


async def test_create_get_describe_and_delete(kubectl: Kubectl, manifest: str) -> None:
    assert await kubectl("create", "-f", manifest) == "deployment.apps/web created\nservice/web created\n"
    listed = await kubectl("get", "deployments,services", "--output", "wide")
    assert "READY   UP-TO-DATE   AVAILABLE   AGE" in listed
    assert "demo/app:v1,demo/side:v1" in listed
    assert "AlreadyExists" in await kubectl("create", "-f", manifest, expect=1)
    described = await kubectl("describe", "deployment", "web")
    assert "25% max unavailable, 25% max surge" in described
    assert "http-get http://:http/ready delay=0s timeout=1s period=10s" in described
    assert 'deployment.apps "web" deleted' in await kubectl("delete", "-f", manifest)
    assert "NotFound" in await kubectl("get", "service", "web", expect=1)


async def test_client_side_apply_merges_and_removes_what_the_file_no_longer_has(
    kubectl: Kubectl, manifest: str
) -> None:
    await kubectl("apply", "-f", manifest)
    assert "deployment.apps/web unchanged" in await kubectl("apply", "-f", manifest)
    await kubectl("scale", "deployment/web", "--replicas", "1", "--current-replicas", "0")
    changed = MANIFEST.replace('        env: [{name: A, value: "1"}]\n', "").replace("  replicas: 0\n", "")
    _write(kubectl.folder, changed)
    await kubectl("apply", "-f", manifest)
    container = "{.spec.replicas} {.spec.template.spec.containers[0].env} {.spec.template.spec.containers[*].name}"
    # The file had replicas before: leaving it out now takes it away, and the default comes back.
    assert await kubectl("get", "deployment", "web", "--output", f"jsonpath={container}") == "1  app side"


async def test_server_side_apply_conflicts_with_another_manager(kubectl: Kubectl, manifest: str) -> None:
    assert "serverside-applied" in await kubectl("apply", "--server-side", "-f", manifest)
    await kubectl("set", "image", "deployment/web", "app=demo/app:v2")
    refused = await kubectl("apply", "--server-side", "-f", manifest, expect=1)
    assert 'conflict with "kubectl-set"' in refused
    await kubectl("apply", "--server-side", "--force-conflicts", "-f", manifest)
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert await kubectl("get", "deployment", "web", "--output", image) == "demo/app:v1"


async def test_client_side_apply_hands_over_to_server_side_apply(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("apply", "-f", manifest)
    assert "serverside-applied" in await kubectl("apply", "--server-side", "-f", manifest)


async def test_diff_shows_what_apply_would_change(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("apply", "-f", manifest)
    assert await kubectl("diff", "-f", manifest) == ""
    _write(kubectl.folder, MANIFEST.replace("demo/side:v1", "demo/side:v2"))
    shown = await kubectl("diff", "-f", manifest, expect=1)
    assert "-      - image: demo/side:v1" in shown
    assert "+      - image: demo/side:v2" in shown


async def test_set_image_leaves_the_other_container_alone(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("create", "-f", manifest)
    assert await kubectl("set", "image", "deployment/web", "app=demo/app:v2") == "deployment.apps/web image updated\n"
    images = "jsonpath={.spec.template.spec.containers[*].image} {.metadata.generation}"
    assert await kubectl("get", "deployment", "web", "--output", images) == "demo/app:v2 demo/side:v1 2"


async def test_the_three_kinds_of_patch(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("create", "-f", manifest)
    strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"demo/side:v9"}]}}}}'
    await kubectl("patch", "deployment", "web", "--patch", strategic)
    await kubectl("patch", "deployment", "web", "--type", "merge", "--patch", '{"spec":{"paused":true}}')
    await kubectl("patch", "deployment", "web", "--type", "json", "--patch", '[{"op":"remove","path":"/spec/paused"}]')
    shown = "jsonpath={.spec.template.spec.containers[*].image} {.spec.paused} {.metadata.generation}"
    assert await kubectl("get", "deployment", "web", "--output", shown) == "demo/app:v1 demo/side:v9  4"


async def test_label_annotate_and_select(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("create", "-f", manifest)
    await kubectl("label", "service", "web", "version=v2", "--overwrite")
    await kubectl("annotate", "service", "web", "note=kept")
    assert await kubectl("get", "services", "--selector", "version=v2", "--output", "name") == "service/web\n"
    assert await kubectl("get", "services", "--selector", "version notin (v2)", "--output", "name") == ""
    await kubectl("label", "service", "web", "version-")
    shown = "jsonpath={.metadata.labels} {.metadata.annotations.note}"
    assert await kubectl("get", "service", "web", "--output", shown) == " kept"


async def test_replace_refuses_a_stale_version(kubectl: Kubectl, tmp_path: Path) -> None:
    await kubectl("create", "configmap", "conf", "--from-literal", "a=1")
    path = tmp_path / "conf.json"
    path.write_text(json.dumps(await kubectl.read("configmap", "conf")))
    await kubectl("patch", "configmap", "conf", "--type", "merge", "--patch", '{"data":{"a":"2"}}')
    assert "the object has been modified" in await kubectl("replace", "-f", str(path), expect=1)
    path.write_text(json.dumps(await kubectl.read("configmap", "conf")).replace('"2"', '"3"'))
    assert await kubectl("replace", "-f", str(path)) == "configmap/conf replaced\n"


async def test_typed_create_commands_that_send_protobuf(kubectl: Kubectl) -> None:
    await kubectl("create", "deployment", "one", "--image", "demo/app:v1", "--replicas", "0", "--port", "8080")
    await kubectl("create", "configmap", "conf", "--from-literal", "a=b")
    await kubectl("create", "secret", "generic", "key", "--from-literal", "p=q")
    await kubectl("create", "serviceaccount", "bot")
    await kubectl("create", "service", "clusterip", "front", "--tcp", "80:8080")
    await kubectl("create", "role", "reader", "--verb", "get,list", "--resource", "pods,pods/log")
    await kubectl("create", "rolebinding", "readers", "--role", "reader", "--user", "someone")
    await kubectl("create", "poddisruptionbudget", "pdb", "--selector", "app=one", "--min-available", "1")
    shown = (
        "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort} {.metadata.labels.app}"
    )
    assert await kubectl("get", "deployment", "one", "--output", shown) == "0 8080 one"
    assert await kubectl("get", "secret", "key", "--output", "jsonpath={.data.p} {.type}") == "cQ== Opaque"
    assert await kubectl("get", "service", "front", "--output", "jsonpath={.spec.ports[0].targetPort}") == "8080"
    assert await kubectl("get", "role", "reader", "--output", "jsonpath={.rules[0].resources}") == '["pods","pods/log"]'
    assert await kubectl("get", "pdb", "pdb", "--output", "jsonpath={.spec.minAvailable}") == "1"


async def test_expose_and_run(kubectl: Kubectl) -> None:
    await kubectl("create", "deployment", "one", "--image", "demo/app:v1", "--replicas", "0")
    assert await kubectl("expose", "deployment", "one", "--port", "80") == "service/one exposed\n"
    assert await kubectl("run", "alone", "--image", "demo/app:v1") == "pod/alone created\n"
    pods = await kubectl("get", "pods")
    assert "alone   0/1     Pending   0" in pods
    assert "pod/alone" in await kubectl("get", "all")


async def test_wait_and_get_watch_end(kubectl: Kubectl, manifest: str) -> None:
    await kubectl("create", "-f", manifest)
    assert "condition met" in await kubectl("wait", "--for", "jsonpath={.metadata.name}=web", "deployment/web")
    waiting = asyncio.create_task(kubectl("wait", "--for", "delete", "service/web", "--timeout", "20s"))
    await kubectl("delete", "service", "web")
    await waiting
    watched = await kubectl("get", "deployments", "--watch", "--request-timeout", "1s")
    assert watched.splitlines()[1].startswith("web    0/0     0            0")


async def test_dry_run_changes_nothing(kubectl: Kubectl, manifest: str) -> None:
    assert "created (server dry run)" in await kubectl("create", "--dry-run=server", "-f", manifest)
    assert "NotFound" in await kubectl("get", "deployment", "web", expect=1)


async def test_namespace_deletion_takes_its_contents(kubectl: Kubectl) -> None:
    name = f"{kubectl.namespace}-2"
    await kubectl("create", "namespace", name)
    await kubectl("create", "configmap", "conf", "--namespace", name)
    assert f'namespace "{name}" deleted' in await kubectl("delete", "namespace", name)
    assert "NotFound" in await kubectl("get", "namespace", name, expect=1)


async def test_discovery(kubectl: Kubectl) -> None:
    resources = await kubectl("api-resources", "--output", "name")
    assert {"pods", "deployments.apps", "leases.coordination.k8s.io"} <= set(resources.split())
    assert "Server Version: v1." in await kubectl("version")
    assert await kubectl("get", "--raw", "/readyz") == "ok"


async def test_an_administrator_can_do_anything(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "delete", "deployments")).strip() == "yes"
    assert "*.*" in await kubectl("auth", "can-i", "--list")


@embedded_only
async def test_a_guest_can_do_what_a_binding_says(kubectl: Kubectl) -> None:
    guest = ("--context", "guest")
    assert (await kubectl(*guest, "auth", "can-i", "list", "pods", expect=1)).strip() == "no"
    refused = await kubectl(*guest, "get", "pods", expect=1)
    assert 'User "guest" cannot list resource "pods" in API group "" in the namespace' in refused
    await kubectl("create", "role", "reader", "--verb", "list", "--resource", "pods")
    await kubectl("create", "rolebinding", "readers", "--role", "reader", "--user", "guest")
    assert (await kubectl(*guest, "auth", "can-i", "list", "pods")).strip() == "yes"
    await kubectl(*guest, "get", "pods")


@embedded_only
async def test_logs(kubectl: Kubectl) -> None:
    await kubectl("run", "alone", "--image", "demo/app:v1")
    assert await kubectl("logs", "alone") == LOG.decode()
    assert await kubectl("logs", "alone", "--tail", "1", "--container", "alone") == "third\n"
    assert "previous terminated container" in await kubectl("logs", "alone", "--previous", expect=1)
    assert "is not valid for pod" in await kubectl("logs", "alone", "--container", "other", expect=1)
