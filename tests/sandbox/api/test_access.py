"""Who may do what: tokens, RBAC objects, reviews, and how refusals read."""

from typing import Any

import aiohttp
import pytest

from serinus.sandbox.api.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, NAMESPACE, ROLE, ROLE_BINDING
from serinus.sandbox.api.registry import Registry
from serinus.sandbox.api.server import Server as Running
from serinus.sandbox.api.store import Store
from serinus.sandbox.api.users import Authorizer, User, Wish
from serinus.sandbox.rest import Api, ApiError, Server
from tests.sandbox.api.conftest import ADMIN_TOKEN, GUEST_TOKEN

GUEST = User("guest", ("guests",))


@pytest.fixture
def registry() -> Registry:
    return Registry(Store())


@pytest.fixture
def authorizer(registry: Registry) -> Authorizer:
    return Authorizer(registry.store)


def _grant(registry: Registry, rule: dict[str, Any], subject: dict[str, Any], *, cluster: bool = False) -> None:
    """One rule for one subject, in the default namespace or everywhere."""
    kind, binding = (CLUSTER_ROLE, CLUSTER_ROLE_BINDING) if cluster else (ROLE, ROLE_BINDING)
    namespace = "" if cluster else "default"
    registry.create(kind, namespace, {"metadata": {"name": "r"}, "rules": [rule]})
    reference = {"kind": kind.name, "name": "r"}
    raw = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
    registry.create(binding, namespace, raw)


READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
BY_NAME = {"kind": "User", "name": "guest"}


def test_nobody_may_do_anything_without_a_binding(authorizer: Authorizer) -> None:
    assert not authorizer.allows(GUEST, Wish("get", "", "pods", "default", "p"))
    assert authorizer.allows(User("a", ("system:masters",)), Wish("delete", "", "nodes"))


def test_a_role_counts_in_its_namespace_only(registry: Registry, authorizer: Authorizer) -> None:
    _grant(registry, READ_PODS, BY_NAME)
    assert authorizer.allows(GUEST, Wish("list", "", "pods", "default"))
    assert not authorizer.allows(GUEST, Wish("list", "", "pods", "kube-system"))
    assert not authorizer.allows(GUEST, Wish("list", "", "pods"))
    assert not authorizer.allows(GUEST, Wish("delete", "", "pods", "default"))
    assert not authorizer.allows(GUEST, Wish("get", "", "pods/log", "default", "p"))
    assert not authorizer.allows(GUEST, Wish("list", "apps", "pods", "default"))


def test_a_cluster_role_counts_everywhere(registry: Registry, authorizer: Authorizer) -> None:
    _grant(registry, READ_PODS, {"kind": "Group", "name": "guests"}, cluster=True)
    assert authorizer.allows(GUEST, Wish("list", "", "pods"))
    assert authorizer.allows(GUEST, Wish("list", "", "pods", "kube-system"))


def test_a_cluster_role_bound_in_a_namespace_counts_there(registry: Registry, authorizer: Authorizer) -> None:
    registry.create(CLUSTER_ROLE, "", {"metadata": {"name": "r"}, "rules": [READ_PODS]})
    raw = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [BY_NAME]}
    registry.create(ROLE_BINDING, "default", raw)
    assert authorizer.allows(GUEST, Wish("list", "", "pods", "default"))
    assert not authorizer.allows(GUEST, Wish("list", "", "pods", "kube-system"))


@pytest.mark.parametrize(
    ("rule", "wish", "allowed"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, Wish("patch", "apps", "deployments/scale"), True),
        ({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}, Wish("get", "", "pods/log"), True),
        ({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}, Wish("get", "", "pods"), False),
        ({"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["get"]}, Wish("get", "apps", "x/scale"), True),
        (READ_PODS | {"resourceNames": ["p"]}, Wish("get", "", "pods", "", "p"), True),
        (READ_PODS | {"resourceNames": ["p"]}, Wish("get", "", "pods", "", "q"), False),
        (READ_PODS | {"resourceNames": ["p"]}, Wish("list", "", "pods"), False),
    ],
)
def test_rules(registry: Registry, authorizer: Authorizer, rule: dict[str, Any], wish: Wish, allowed: bool) -> None:
    _grant(registry, rule, BY_NAME, cluster=True)
    assert authorizer.allows(GUEST, wish) is allowed


def test_service_accounts_are_subjects(registry: Registry, authorizer: Authorizer) -> None:
    _grant(registry, READ_PODS, {"kind": "ServiceAccount", "name": "bot", "namespace": "default"})
    bot = User("system:serviceaccount:default:bot")
    assert authorizer.allows(bot, Wish("list", "", "pods", "default"))


async def _refusal(api: Api, method: str, path: str, body: Any = None) -> ApiError:
    with pytest.raises(ApiError) as refused:
        await api.call(method, path, body)
    return refused.value


async def test_without_a_known_token_nothing_is_said(running: Running) -> None:
    for token in (None, "wrong"):
        async with Api(Server(running.url, token)) as stranger:
            error = await _refusal(stranger, "GET", "/api/v1/pods")
            assert (error.status, error.reason) == (401, "Unauthorized")
            version = await stranger.call("GET", "/version")
            assert version["gitVersion"].startswith("v1.")
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/readyz") as answer:
        assert await answer.text() == "ok"


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (
            "GET",
            "/apis/apps/v1/namespaces/default/deployments",
            'deployments.apps is forbidden: User "guest" cannot list resource "deployments" in API group "apps" '
            'in the namespace "default"',
        ),
        (
            "GET",
            "/api/v1/namespaces/default/pods/p/log",
            'pods "p" is forbidden: User "guest" cannot get resource "pods/log" in API group "" '
            'in the namespace "default"',
        ),
        (
            "DELETE",
            "/api/v1/nodes/n",
            'nodes "n" is forbidden: User "guest" cannot delete resource "nodes" in API group "" at the cluster scope',
        ),
        (
            "GET",
            "/api/v1/pods?watch=true",
            'pods is forbidden: User "guest" cannot watch resource "pods" in API group "" at the cluster scope',
        ),
    ],
)
async def test_refusals_read_as_kubernetes_words_them(running: Running, method: str, path: str, message: str) -> None:
    async with Api(Server(running.url, GUEST_TOKEN)) as guest:
        error = await _refusal(guest, method, path)
    assert (error.status, error.reason) == (403, "Forbidden")
    assert message in str(error)


async def test_a_caller_may_ask_what_he_may_do(running: Running) -> None:
    _grant(running.registry, READ_PODS, BY_NAME)
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    attributes = {"namespace": "default", "verb": "list", "resource": "pods"}
    async with Api(Server(running.url, GUEST_TOKEN)) as guest:
        answer = await guest.call("POST", reviews, {"spec": {"resourceAttributes": attributes}})
        assert answer["status"]["allowed"] is True
        refused = await guest.call("POST", reviews, {"spec": {"resourceAttributes": attributes | {"verb": "delete"}}})
        assert refused["status"]["allowed"] is False
        rules = await guest.call(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}
        )
        assert rules["status"]["resourceRules"] == [READ_PODS]


async def test_a_role_may_cover_its_own_namespace_object(running: Running) -> None:
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}
    _grant(running.registry, rule, BY_NAME)
    async with Api(Server(running.url, GUEST_TOKEN)) as guest:
        assert (await guest.call("GET", "/api/v1/namespaces/default"))["kind"] == NAMESPACE.name
        assert (await _refusal(guest, "GET", "/api/v1/namespaces/kube-system")).status == 403


async def test_an_administrator_needs_no_binding(running: Running) -> None:
    async with Api(Server(running.url, ADMIN_TOKEN)) as admin:
        assert (await admin.call("GET", "/api/v1/pods"))["items"] == []
