"""A namespace of the embedded API for the preflight's tests: production behind a Service, and who asks."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serinus.core.plan import Plan
from serinus.core.preflight.facts import Report
from serinus.core.resolve import Objections, resolve
from serinus.core.spec import Image, Smoke, Spec
from serinus.kube.client import Client
from serinus.kube.config import Cluster, Config, User
from serinus.kube.preflight import preflight
from serinus.kube.target import open_target, survey
from serinus.kube.transport import Answer, Request, Transport
from serinus.sandbox import api as embedded
from serinus.sandbox.api.kinds import KINDS, ROLE, ROLE_BINDING, Kind, kind_named
from serinus.sandbox.api.store import Key
from serinus.system import SystemClock
from tests.fakes.clock import FakeDice

Raw = dict[str, Any]
Grant = tuple[str, str, str]
"""A verb, an API group and a plural with its subresource: what the README's table has."""

NAMESPACE = "shop"
ADMIN, PIPELINE = "admin-token", "pipeline-token"
TOKENS = {ADMIN: embedded.User("admin", ("system:masters",)), PIPELINE: embedded.User("pipeline")}
README = Path(__file__).parents[2] / "README.md"
SPEC = Spec(NAMESPACE, "checkout", images=(Image("demo/checkout:v2"),), smoke=Smoke("/healthz"))
READINESS = {"httpGet": {"path": "/healthz", "port": 8080}}


class CountingTransport(Transport):
    """The product's transport; `sent` is what it was asked to send, without watches."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[Request] = []

    async def exchange(self, request: Request) -> Answer:
        self.sent.append(request)
        return await super().exchange(request)


@dataclass
class World:
    """A running API with the namespace in it. `container`, `pod` are merged into production's template."""

    server: embedded.Server
    sent: list[Request] = field(default_factory=list)

    def create(self, raw: Raw, *, status: Raw | None = None) -> None:
        """Put an object into the namespace, with a status of its own if given."""
        kind = kind_named(raw["apiVersion"], raw["kind"])
        assert kind is not None
        namespace = NAMESPACE if kind.namespaced else ""
        self.server.registry.create(kind, namespace, raw)
        if status is not None:
            name = raw["metadata"]["name"]
            self.server.registry.update(kind, namespace, name, lambda old: old | {"status": status}, "status")

    def production(
        self, replicas: int = 4, *, pod: Raw | None = None, labels: Raw | None = None, **container: Any
    ) -> None:
        """Deployment checkout of v1, whole, behind Service checkout, with its pods."""
        app = {"name": "app", "image": "demo/checkout:v1", "readinessProbe": READINESS} | container
        app = {key: value for key, value in app.items() if value is not None}
        template = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [app]} | (pod or {})}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "checkout"}}, "template": template}
        metadata = {"name": "checkout", "labels": labels or {}}
        counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), replicas)
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
        self.create(deployment, status=counts | {"observedGeneration": 1})
        service = {"selector": {"app": "checkout"}, "ports": [{"port": 80, "targetPort": 8080}]}
        metadata = {"name": "checkout", "labels": {"version": "v1"}}
        self.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
        for number in range(replicas):
            self.pod(f"checkout-1-{number}", "ReplicaSet", "checkout-1")

    def pod(self, name: str, owner_kind: str, owner: str, node: str = "n1", **container: Any) -> None:
        """A running pod behind the Service."""
        owners = [{"apiVersion": "apps/v1", "kind": owner_kind, "name": owner, "uid": owner, "controller": True}]
        metadata = {"name": name, "labels": {"app": "checkout"}, "ownerReferences": owners}
        app = {"name": "app", "image": "demo/checkout:v1"} | container
        spec = {"containers": [app], "nodeName": node}
        raw = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        self.create(raw, status={"phase": "Running"})

    def node(self, name: str, cpu: str = "64", **spec: Any) -> None:
        """A node with room for 110 pods."""
        room = {"cpu": cpu, "memory": "64Gi", "pods": "110"}
        self.create(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec},
            status={"allocatable": room, "capacity": room},
        )

    def autoscaler(self) -> None:
        """A HorizontalPodAutoscaler of production."""
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
        spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 9}
        metadata = {"name": "checkout"}
        self.create(
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}
        )

    def grant(self, grants: set[Grant], name: str = "release") -> None:
        """Give the pipeline's user a Role with just these, beside those of other names."""
        rules = [{"verbs": [verb], "apiGroups": [group], "resources": [plural]} for verb, group, plural in grants]
        self.server.registry.create(ROLE, NAMESPACE, {"metadata": {"name": name}, "rules": rules})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "name": "pipeline"}],
        }
        self.server.registry.create(ROLE_BINDING, NAMESPACE, binding)

    def versions(self) -> dict[tuple[Kind, Key], int]:
        """The version of every object there is: equal before and after means that nothing was touched."""
        collections = ((kind, self.server.registry.store.collection(kind)) for kind in KINDS)
        return {(kind, key): entry.version for kind, found in collections for key, entry in found.entries.items()}

    @contextlib.asynccontextmanager
    async def client(self, token: str) -> AsyncIterator[Client]:
        """The product's client as one of the users."""
        config = Config(Cluster(self.server.url), User(token=token), NAMESPACE, "test")
        async with CountingTransport(config, SystemClock(), FakeDice(), "serinus/test") as transport:
            self.sent = transport.sent
            yield Client(transport, NAMESPACE)

    async def looked_at(self, spec: Spec = SPEC, token: str = ADMIN) -> Report:
        """What the preflight says; the plan must be one that could be made. It must have touched nothing."""
        before = self.versions()
        async with self.client(token) as client, open_target(client, NAMESPACE, spec.service) as target:
            found = resolve(spec, await survey(target, spec.config), "0000aaaa")
            plan = found.plan if isinstance(found, Objections) else found
            assert isinstance(plan, Plan), found
            self.sent.clear()
            report = await preflight(target, plan)
        assert self.versions() == before, "the preflight touched something"
        return report


@contextlib.asynccontextmanager
async def running_world() -> AsyncIterator[World]:
    """An API of its own."""
    async with embedded.serve(tokens=TOKENS) as server:
        world = World(server)
        world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield world


def documented_grants() -> set[Grant]:
    """The table of the README under "What it needs"."""
    section = README.read_text().split("### What it needs", 1)[1].split("\n## ", 1)[0]
    return set(_grants(line for line in section.splitlines() if line.startswith("|")))


def _grants(rows: Iterator[str]) -> Iterator[Grant]:
    for row in list(rows)[2:]:
        verbs, resource = (cell.strip() for cell in row.strip("|").split("|"))
        name, _, subresource = resource.partition("/")
        plural, _, group = name.partition(".")
        for verb in verbs.split(", "):
            yield verb, group, f"{plural}/{subresource}" if subresource else plural
