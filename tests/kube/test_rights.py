"""The documented Role: it suffices for a release and for its way back, and each of its verbs is needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from serinus.cli.exits import Exit
from serinus.cli.run import release
from serinus.cli.words import ask
from serinus.core.gates import Gate, Job
from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.progress import Progress
from serinus.core.spec import Config, Naming, Smoke, Spec, StepSpec
from serinus.kube.errors import Forbidden
from serinus.kube.resources import DEPLOYMENTS, PODS, REPLICASETS, SERVICES
from serinus.kube.rights import Access, Right, rights_needed
from serinus.kube.target import open_target
from serinus.sandbox.controllers import run_controllers
from serinus.sandbox.rest import Api, Server
from serinus.system import SystemClock, SystemDice
from serinus.wiring import Session
from tests.core.samples import plan_of
from tests.kube.preflight_world import ADMIN, NAMESPACE, PIPELINE, SPEC, Grant, World, documented_grants, running_world
from tests.sandbox.controllers.cluster import Cluster, Marker, deployment

SECONDS_MAX = 20.0
SURVEYED = ("services", "deployments", "configmaps", "replicasets", "horizontalpodautoscalers")
"""What is read to make a plan: without these there is nothing to look at, and the API's own refusal is shown."""
LOAD = Gate("load", Job("image:1"))
IN_PLACE = msgspec.structs.replace(SPEC, naming=Naming.IN_PLACE, steps=(StepSpec(25), StepSpec(50)))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running_world() as running:
        yield running


class Heard:
    """A writer that keeps what it hears."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.baking = asyncio.Event()

    def report(self, progress: Progress) -> None:
        self.codes.append(progress.code)
        if "watching for" in progress.sentence:
            self.baking.set()

    def say(self, sentence: str) -> None:
        self.codes.append(sentence)


def test_the_documented_verbs_are_those_that_a_full_plan_needs() -> None:
    plan = plan_of(
        Promotion.ADOPT, smoke=Smoke("/healthz"), autoscaler=AutoscalerRef("web", 2, None), mark_version=True
    )
    assert documented_grants() == {(right.verb, right.resource.group, right.plural) for right in rights_needed(plan)}


def test_a_gate_that_is_a_job_needs_rights_on_jobs_and_no_other() -> None:
    plan = plan_of(Promotion.ADOPT)
    more = set(rights_needed(msgspec.structs.replace(plan, gates=(LOAD,)))) - set(rights_needed(plan))
    assert {(right.verb, right.plural) for right in more} == {
        (verb, "jobs") for verb in ("list", "watch", "create", "delete")
    }


@pytest.mark.parametrize(
    ("plan", "right", "needed"),
    [
        (plan_of(Promotion.ADOPT), Right("patch", SERVICES), False),
        (plan_of(), Right("patch", SERVICES), True),
        (plan_of(), Right("get", PODS, "proxy"), False),
        (plan_of(smoke=Smoke("/", None)), Right("get", PODS, "proxy"), True),
        (plan_of(smoke=Smoke(None, "true")), Right("get", PODS, "proxy"), False),
        (plan_of(smoke=Smoke(None, "true")), Right("create", PODS), True),
        (plan_of(Promotion.FIRST, smoke=Smoke(None, "true")), Right("create", PODS), False),
        (plan_of(Promotion.ADOPT), Right("watch", REPLICASETS), True),
        (plan_of(), Right("watch", REPLICASETS), False),
    ],
)
def test_only_rights_that_the_plan_may_use_are_asked_for(plan: Plan, right: Right, needed: bool) -> None:
    assert (right in rights_needed(plan)) is needed


async def test_all_missing_rights_are_told_together(world: World) -> None:
    world.production()
    world.grant({("list", group, plural) for verb, group, plural in documented_grants() if plural in SURVEYED})
    said = await _said(world)
    assert "no right to create deployments (apps)" in said
    assert "no right to patch services" in said
    assert len(said) > 15


@pytest.mark.parametrize("taken", sorted(documented_grants()), ids="-".join)
async def test_without_any_one_verb_nothing_begins_and_it_is_named(world: World, taken: Grant) -> None:
    world.production()
    world.autoscaler()
    world.grant(documented_grants() - {taken})
    before = world.versions()
    assert await _said(world) == _refusal(*taken)
    assert world.versions() == before


CONFIG_GRANTS = {
    *(("get", "", plural) for plural in ("configmaps", "secrets")),
    *(("delete", "", plural) for plural in ("configmaps", "secrets")),
    *((verb, "", "secrets") for verb in ("list", "watch", "create")),
}
"""What README.md says of `config: versioned`, beside the table."""
WITH_CONFIG = msgspec.structs.replace(IN_PLACE, config=Config.VERSIONED)


@pytest.mark.parametrize("taken", sorted(CONFIG_GRANTS), ids="-".join)
async def test_with_versioned_config_each_of_its_verbs_is_needed_too(world: World, taken: Grant) -> None:
    _production_with_config(world)
    world.autoscaler()
    world.grant((documented_grants() | CONFIG_GRANTS) - {taken})
    assert await _said(world, WITH_CONFIG) == _refusal(*taken)
    world.grant({taken}, "more")
    assert await _said(world, WITH_CONFIG) == []


async def test_no_right_on_secrets_is_asked_for_where_no_secret_is_named(world: World) -> None:
    world.production()
    world.autoscaler()
    world.grant(documented_grants())
    assert await _said(world, WITH_CONFIG) == []


def _production_with_config(world: World) -> None:
    world.production(envFrom=[{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}])
    for kind, name in (("ConfigMap", "settings"), ("Secret", "keys")):
        world.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})


async def _said(world: World, spec: Spec = IN_PLACE) -> list[str]:
    """What keeps the pipeline's user from releasing."""
    try:
        report = await world.looked_at(spec, PIPELINE)
    except Forbidden as error:
        return [error.why.partition(": ")[2]]
    return [problem.what for problem in report.problems]


def _refusal(verb: str, group: str, plural: str) -> list[str]:
    if verb == "list" and plural in SURVEYED:
        where = f'in API group "{group}" in the namespace "{NAMESPACE}"'
        return [f'User "pipeline" cannot list resource "{plural}" {where}']
    return [f"no right to {verb} {plural}{f' ({group})' if group else ''}"]


async def test_the_documented_role_suffices_for_a_release(world: World) -> None:
    world.grant(documented_grants())
    async with _running(world), _session(world) as session:
        spec = msgspec.structs.replace(IN_PLACE, bake_seconds=0.1, smoke=Smoke(command="true"))
        heard = Heard()
        assert await release(session, spec, heard) is Exit.DONE, heard.codes


async def test_the_documented_role_suffices_for_the_way_back(world: World) -> None:
    world.grant(documented_grants())
    async with _running(world), _session(world) as session:
        heard = Heard()
        running = asyncio.create_task(
            release(session, msgspec.structs.replace(IN_PLACE, bake_seconds=60.0, smoke=None), heard)
        )
        async with asyncio.timeout(SECONDS_MAX):
            await heard.baking.wait()
        async with open_target(session.client, NAMESPACE, "checkout") as target:
            await ask(session, target, "abort", "someone")
        assert await running is Exit.ABORTED, heard.codes


@contextlib.asynccontextmanager
async def _running(world: World) -> AsyncIterator[None]:
    """Controllers at work, and production whole."""
    server = Server(world.server.url, ADMIN)
    async with Api(server) as api, Api(server) as controllers_api:
        marker = Marker(api, NAMESPACE)
        cluster = Cluster(api, NAMESPACE, marker)
        tasks = [asyncio.create_task(part) for part in (run_controllers(controllers_api), marker.run())]
        try:
            await marker.pods.synced.wait()
            raw = deployment("checkout", 4, "demo/checkout:v1")
            await cluster.create("deployments", raw)
            service = {"selector": {"app": "checkout"}, "ports": [{"port": 80, "targetPort": 8080}]}
            metadata = {"name": "checkout", "labels": {"version": "v1"}}
            await cluster.create("services", {"metadata": metadata, "spec": service}, group="v1")
            world.autoscaler()
            await cluster.rolled_out("checkout", 4)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def _session(world: World) -> AsyncIterator[Session]:
    async with world.client(PIPELINE) as client:
        yield Session(client, SystemClock(), SystemDice(), "the test")


async def test_what_the_rules_do_not_show_is_asked_for_by_itself(world: World) -> None:
    world.grant({("list", "", "pods")})
    async with world.client(PIPELINE) as client:
        access = await Access.ask(client, NAMESPACE)
        shown, hidden = Right("list", PODS), Right("delete", DEPLOYMENTS)
        assert access.shows(shown)
        assert not access.shows(hidden)
        world.sent.clear()
        assert await access.missing([shown, hidden]) == (hidden,)
        assert [request.path.rsplit("/", 1)[1] for request in world.sent] == ["selfsubjectaccessreviews"]


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, True),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}, True),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]}, True),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, False),
        ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["pods/log"]}, False),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"], "resourceNames": ["one"]}, False),
    ],
)
async def test_a_rule_shows_a_right(world: World, rule: dict[str, list[str]], granted: bool) -> None:
    async with world.client(PIPELINE) as client:
        access = Access(client, NAMESPACE, [rule], complete=True)
        assert access.shows(Right("get", PODS, "log")) is granted
        assert access.may_be_tried(Right("get", PODS, "log")) is granted
        assert Access(client, NAMESPACE, [rule], complete=False).may_be_tried(Right("get", PODS, "log"))
