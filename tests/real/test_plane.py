"""The control plane itself: it starts, tells who asked for what, keeps strangers out, and leaves nothing."""

import json
import os
from pathlib import Path

import pytest

from serinus.sandbox.rest import Api, ApiError, Mirror, Raw
from tests.real import audit
from tests.real.kubectl import kubectl
from tests.real.marker import Marker
from tests.real.plane import ControlPlane, PlaneError
from tests.real.waiting import following, until

PODS = "/api/v1/namespaces/{}/pods"


def a_pod(name: str) -> Raw:
    container = {"name": "app", "image": "app:1"}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [container]}}


async def test_kubectl_meets_kubernetes_1_36_3(plane: ControlPlane) -> None:
    answer = json.loads(await kubectl(plane, "version", "--output=json"))
    assert answer["serverVersion"]["gitVersion"] == "v1.36.3"


async def test_the_audit_log_counts_requests_by_agent_verb_and_resource(
    plane: ControlPlane, api: Api, namespace: str
) -> None:
    await kubectl(plane, "get", "pods", f"--namespace={namespace}")
    await kubectl(plane, "get", "pods", f"--namespace={namespace}")
    for _ in range(3):
        with pytest.raises(ApiError):
            await api.call("GET", PODS.format(namespace) + "/missing/status")

    async def counted() -> bool:
        found = audit.count(request for request in audit.requests(plane.audit_log) if request.namespace == namespace)
        asked = {(agent.split("/")[0], verb, resource): n for (agent, verb, resource), n in found.items()}
        return asked.get(("kubectl", "list", "pods")) == 2 and asked.get(("Python", "get", "pods/status")) == 3

    await until("two lists by kubectl and three reads by aiohttp", counted)


async def test_the_audit_log_leaves_watches_out(plane: ControlPlane, api: Api, namespace: str) -> None:
    async def watching() -> bool:
        return f"/namespaces/{namespace}/pods?watch=true" in plane.audit_log.read_text()

    async with following(Mirror(api, PODS.format(namespace))):
        await until("the watch is in the log", watching)
    verbs = {request.verb for request in audit.requests(plane.audit_log) if request.namespace == namespace}
    assert "list" in verbs
    assert "watch" not in verbs


async def test_a_user_without_rights_is_known_but_refused(plane: ControlPlane, namespace: str) -> None:
    async with Api(plane.server("nobody-special")) as api:
        with pytest.raises(ApiError, match="nobody-special") as refused:
            await api.call("GET", PODS.format(namespace))
    assert refused.value.status == 403


async def test_a_users_kubeconfig_names_that_user(plane: ControlPlane) -> None:
    answer = json.loads(await kubectl(plane, "auth", "whoami", "--output=json", user="nobody-special"))
    assert answer["status"]["userInfo"]["username"] == "nobody-special"


async def test_a_marked_pod_becomes_an_endpoint_and_goes_when_deleted(api: Api, namespace: str) -> None:
    service = {"metadata": {"name": "one"}, "spec": {"selector": {"app": "one"}, "ports": [{"port": 80}]}}

    async def endpoints() -> list[str]:
        found = (await api.call("GET", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"))["items"]
        return [address for item in found for endpoint in item["endpoints"] or [] for address in endpoint["addresses"]]

    async def one_endpoint() -> bool:
        return [address.startswith("10.244.") for address in await endpoints()] == [True]

    async def no_endpoint() -> bool:
        return await endpoints() == []

    async with Marker(api):
        await api.call("POST", f"/api/v1/namespaces/{namespace}/services", service)
        await api.call("POST", PODS.format(namespace), a_pod("one"))
        await until("the pod's address is the one endpoint", one_endpoint)
        await api.call("DELETE", PODS.format(namespace) + "/one")
        await until("no endpoint is left", no_endpoint)


async def test_stopping_leaves_no_process_and_no_file() -> None:
    async with ControlPlane() as plane:
        pids = plane.pids
        folder = plane.kubeconfig().parent
        assert sorted(pids) == ["etcd", "kube-apiserver", "kube-controller-manager"]
        assert all(_runs(pid) for pid in pids.values())
    assert not any(_runs(pid) for pid in pids.values())
    assert not folder.exists()


async def test_a_control_plane_that_cannot_start_says_why_and_leaves_no_process() -> None:
    plane = ControlPlane(controllers=("no-such-controller",))
    before = _children()
    with pytest.raises(PlaneError, match="no-such-controller"):
        await plane.__aenter__()
    assert plane.pids == {}
    assert _children() == before


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
