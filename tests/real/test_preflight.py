"""The preflight on the real API server: its RBAC, and what its admission says of one rehearsed pod."""

from typing import Any

import msgspec
import pytest

from serinus.core.plan import Plan
from serinus.core.preflight.facts import Report
from serinus.core.resolve import Objections, resolve
from serinus.core.spec import Image, Naming, Smoke, Spec
from serinus.kube.client import Client
from serinus.kube.config import Cluster, Config, User
from serinus.kube.errors import Forbidden
from serinus.kube.preflight import preflight
from serinus.kube.resources import PODS
from serinus.kube.rights import Access, Right
from serinus.kube.target import open_target, survey
from serinus.sandbox.rest import MERGE, Api
from serinus.system import SystemClock, SystemDice
from tests.kube.preflight_world import CountingTransport, Grant, documented_grants
from tests.real.plane import ADMIN, ControlPlane
from tests.real.tracks import World
from tests.real.waiting import until

PIPELINE = "nobody-special"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
SPEC = Spec("", "app", images=(Image("app:2"),), naming=Naming.IN_PLACE, smoke=Smoke("/healthz"))


class Production:
    """Three pods of version 1 with an autoscaler, behind a Service that names the version."""

    def __init__(self, plane: ControlPlane, world: World, api: Api) -> None:
        self.plane = plane
        self.world = world
        self.api = api
        self.namespace = world.namespace
        self.requests = 0

    async def arrange(self) -> None:
        await self.world.deploy("app", "1", 3)
        service = {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}
        metadata = {"name": "app", "labels": {"version": "1"}}
        await self.put("/api/v1/namespaces/{}/services", {"metadata": metadata, "spec": service})
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
        hpa = {"metadata": {"name": "app"}, "spec": {"scaleTargetRef": reference, "maxReplicas": 9}}
        await self.put("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", hpa)

    async def put(self, path: str, body: dict[str, Any]) -> None:
        await self.api.call("POST", path.format(self.namespace), body)

    async def grant(self, grants: set[Grant]) -> None:
        """Let the pipeline's user have just these, and wait until the API server acts on it."""
        rules = [{"verbs": [verb], "apiGroups": [group], "resources": [plural]} for verb, group, plural in grants]
        path = f"{ROLES.format(self.namespace)}/roles"
        if (await self.api.call("GET", path))["items"]:
            await self.api.call("PATCH", f"{path}/release", {"rules": rules}, MERGE)
        else:
            await self.api.call("POST", path, {"metadata": {"name": "release"}, "rules": rules})
            subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": PIPELINE}]
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "release"}
            binding = {"metadata": {"name": "release"}, "roleRef": role, "subjects": subjects}
            await self.put(f"{ROLES}/rolebindings", binding)

        async def is_seen() -> bool:
            review = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
            async with Api(self.plane.server(PIPELINE)) as pipeline:
                answer = await pipeline.call("POST", review, {"spec": {"namespace": self.namespace}})
            shown = {(rule["verbs"][0], rule["apiGroups"][0], rule["resources"][0])
                     for rule in answer["status"]["resourceRules"]}  # fmt: skip
            return grants <= shown and not (documented_grants() - grants) & shown

        await until("the Role", is_seen)

    async def looked_at(self, user: str) -> Report:
        """What the preflight says to a user."""
        server = self.plane.server(user)
        config = Config(
            Cluster(server.url, ca_file=self.plane.ca_file), User(token=server.token), self.namespace, "real"
        )
        async with CountingTransport(config, SystemClock(), SystemDice(), "serinus/test") as transport:
            client = Client(transport, self.namespace)
            async with open_target(client, self.namespace, "app") as target:
                spec = msgspec.structs.replace(SPEC, namespace=self.namespace)
                found = resolve(spec, await survey(target), "0000aaaa")
                plan = found.plan if isinstance(found, Objections) else found
                assert isinstance(plan, Plan)
                transport.sent.clear()
                report = await preflight(target, plan)
                self.requests = len(transport.sent)
                return report


@pytest.fixture
async def production(plane: ControlPlane, world: World, api: Api) -> Production:
    made = Production(plane, world, api)
    await made.arrange()
    return made


async def test_the_documented_role_passes(production: Production) -> None:
    await production.grant(documented_grants())
    report = await production.looked_at(PIPELINE)
    assert report.problems == ()
    assert production.requests <= 12


async def test_each_verb_taken_away_is_refused_by_name(production: Production) -> None:
    for taken in sorted(documented_grants()):
        verb, group, plural = taken
        await production.grant(documented_grants() - {taken})
        named = f"no right to {verb} {plural}{f' ({group})' if group else ''}"
        try:
            said = [problem.what for problem in (await production.looked_at(PIPELINE)).problems]
        except Forbidden as error:  # what a plan is made from cannot even be read
            named = f'cannot list resource "{plural}" in API group "{group}"'
            said = [named] if named in error.why and verb == "list" else [error.why]
        assert said == [named], taken


async def test_pod_security_is_told_by_the_rehearsed_pod(production: Production) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    await production.api.call("PATCH", f"/api/v1/namespaces/{production.namespace}", labels, MERGE)
    await _refused(production, 'violates PodSecurity "restricted:latest"')


async def test_a_quota_that_demands_requests_is_told_by_the_rehearsed_pod(production: Production) -> None:
    quota = {"metadata": {"name": "cpu"}, "spec": {"hard": {"requests.cpu": "4"}}}
    path = f"/api/v1/namespaces/{production.namespace}/resourcequotas"
    await production.api.call("POST", path, quota)
    status = {"status": {"hard": {"requests.cpu": "4"}, "used": {"requests.cpu": "0"}}}
    await production.api.call("PATCH", f"{path}/cpu/status", status, MERGE)
    await _refused(production, "must specify requests.cpu for: app")


async def test_defaults_of_a_limit_range_count_in_a_quota(production: Production) -> None:
    limits = {"limits": [{"type": "Container", "defaultRequest": {"cpu": "500m"}, "default": {"cpu": "1"}}]}
    await production.put("/api/v1/namespaces/{}/limitranges", {"metadata": {"name": "bounds"}, "spec": limits})
    path = f"/api/v1/namespaces/{production.namespace}/resourcequotas"
    await production.api.call("POST", path, {"metadata": {"name": "cpu"}, "spec": {"hard": {"requests.cpu": "2"}}})
    status = {"status": {"hard": {"requests.cpu": "2"}, "used": {"requests.cpu": "1500m"}}}
    await production.api.call("PATCH", f"{path}/cpu/status", status, MERGE)

    async def is_counted() -> bool:
        found = (await production.looked_at(ADMIN)).problems
        return ["leaves too few requests.cpu" in problem.what for problem in found] == [True]

    await until("the quota's problem alone", is_counted)


async def test_what_no_rule_shows_is_asked_for_by_itself(production: Production) -> None:
    await production.grant(documented_grants())
    server = production.plane.server(PIPELINE)
    config = Config(Cluster(server.url, ca_file=production.plane.ca_file), User(token=server.token), "default", "real")
    async with CountingTransport(config, SystemClock(), SystemDice(), "serinus/test") as transport:
        client = Client(transport, production.namespace)
        access = await Access.ask(client, production.namespace)
        assert await access.missing([Right("list", PODS), Right("update", PODS)]) == (Right("update", PODS),)
        assert len(transport.sent) == 2


async def _refused(production: Production, words: str) -> None:
    """Wait until the API server's admission acts on what was just put there."""

    async def is_refused() -> bool:
        found = (await production.looked_at(ADMIN)).problems
        return any(
            problem.what == "the cluster refuses pods of Deployment app-2" and words in problem.why for problem in found
        )

    await until(f"a refusal: {words}", is_refused)
