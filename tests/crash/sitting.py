"""One sitting of the crash exam: production under load, a runner struck down at one call, another one after it."""

import asyncio
import contextlib
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from serinus.sandbox.certificate import Certificate
from serinus.sandbox.rest import Api, Raw, Server
from tests.crash.observer import PATHS, Observer, at_rest, outcome, rules_broken
from tests.crash.proxy import Call, Drop, Fault, Hold, Kind, Moment, Proxy
from tests.stories import manifests
from tests.stories.cluster import ADMIN, Cluster
from tests.stories.manifests import PORT, SERVICE
from tests.stories.session import Result, Session, start_serinus
from tests.stories.traffic import Traffic, users

REPLICAS = 3
RATE = 5
READY_SECONDS = 90
RUN_SECONDS = 120
REST_SECONDS = 20
RELEASE = ("--image", "demo/checkout:v2", "--bake", "0.3", "--steps", "33,67", "--adapt", "--smoke-http", "/")


@dataclass(frozen=True, slots=True)
class Paper:
    """What is asked: at which call, when, and what comes after. `then`: resume, abort, or a rival who wakes up again.

    `wake`: the first runner is not killed but stopped, and goes on when the second one is `mid`-way, or at its `end`.
    """

    naming: str
    number: int
    moment: Moment
    then: str
    wake: str = ""

    @property
    def title(self) -> str:
        return f"{self.then} {self.wake}".strip()


@dataclass(frozen=True, slots=True)
class Mark:
    """What came of it. `struck`: the call that was really hit, if the run came so far."""

    paper: Paper
    struck: Call | None
    outcome: str
    seconds: float
    broken: list[str]
    story: str


class Room:
    """A namespace with production in it, watched by the observer."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, home: Path, certificate: Certificate) -> None:
        self.cluster = cluster
        self.home = home
        self.seen = Observer(api, namespace)
        self.namespace = namespace
        self._api = api
        self._certificate = certificate
        self._sessions: list[Session] = []

    async def furnish(self, naming: str) -> None:
        """Production that is whole, with an HPA (which has no metrics, so it changes nothing by itself)."""
        raws = {"in-place": manifests.in_place, "versioned": manifests.versioned}[naming](REPLICAS)
        target = SERVICE if naming == "in-place" else f"{SERVICE}-v1"
        behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
        for raw in (*raws, manifests.autoscaler(target, REPLICAS, REPLICAS + 2, behavior)):
            await self._create(raw)
        assert await self.seen.until(lambda: at_rest(self.seen, REPLICAS), READY_SECONDS), "production never got ready"
        self.seen.begin()

    async def _create(self, raw: Raw) -> None:
        version = raw["apiVersion"]
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        await self._api.call("POST", f"{root}/namespaces/{self.namespace}/{raw['kind'].lower()}s", raw)

    def users(self) -> contextlib.AbstractAsyncContextManager[Traffic]:
        service = self.seen.find("services", SERVICE)
        assert service is not None
        return users(f"http://{service['spec']['clusterIP']}:{PORT}/", RATE, "new", self.home)

    def proxy(self) -> Proxy:
        return Proxy(self.cluster.servers[ADMIN], self._certificate)

    async def serinus(self, *arguments: str, by: Server | None = None) -> Session:
        """Start a command, talking to the API directly or by a proxy."""
        kubeconfig = self.kubeconfig(by or self.cluster.servers[ADMIN])
        session = await start_serinus(list(arguments), kubeconfig, self.home, {})
        self._sessions.append(session)
        return session

    def kubeconfig(self, server: Server) -> Path:
        folder = self.home / uuid.uuid4().hex
        folder.mkdir()
        return Cluster({ADMIN: server}, folder).kubeconfig(ADMIN, self.namespace)

    async def close(self) -> None:
        """End what still runs, and take the workload away, so that no controller writes into an ending namespace."""
        for session in self._sessions:
            await session.close()
        for plural in ("deployments", "services"):
            for raw in self.seen.now(plural):
                path = f"{PATHS[plural]}/namespaces/{self.namespace}/{plural}/{raw['metadata']['name']}"
                await self._api.call("DELETE", path)
        await self.seen.until(lambda: not self.seen.now("pods") and not self.seen.now("endpointslices"), REST_SECONDS)


@contextlib.asynccontextmanager
async def open_room(cluster: Cluster, certificate: Certificate, naming: str) -> AsyncIterator[Room]:
    """A fresh namespace with production in it, until the block ends."""
    namespace = f"crash-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="serinus-crash-") as home:
        async with Api(cluster.servers[ADMIN]) as api:
            await api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            room = Room(cluster, api, namespace, Path(home), certificate)
            try:
                async with room.seen.watching():
                    try:
                        await room.furnish(naming)
                        yield room
                    finally:
                        await room.close()
            finally:
                await api.call("DELETE", f"/api/v1/namespaces/{namespace}")


async def plain_calls(cluster: Cluster, certificate: Certificate, naming: str) -> list[Call]:
    """The calls of a rollout that nothing happens to."""
    async with open_room(cluster, certificate, naming) as room, room.proxy().running() as proxy:
        result = await (await room.serinus("deploy", SERVICE, *RELEASE, by=proxy.server)).ended(RUN_SECONDS)
        assert result.code == 0, f"{result.output}\n{result.errors}"
        return [call for call in proxy.calls if call.kind is Kind.CALL]


async def sit(cluster: Cluster, certificate: Certificate, paper: Paper) -> Mark:
    """One sitting, from an empty namespace to the marks."""
    began = time.monotonic()
    async with open_room(cluster, certificate, paper.naming) as room, room.proxy().running() as proxy:
        async with room.users() as traffic:
            results = await (_rivals(room, proxy, paper) if paper.then == "rivals" else _killed(room, proxy, paper))
            await room.seen.until(lambda: at_rest(room.seen, REPLICAS), REST_SECONDS)
        broken = rules_broken(room.seen, traffic, paper.naming, REPLICAS)
        end = outcome(room.seen)
        struck = proxy.struck[0][0] if proxy.struck else None
    wanted = ("promoted", "back") if paper.then == "abort" and struck else ("promoted",)
    if end not in wanted:
        broken.append(f"the end is {end}")
    if not any(result.code == 0 for result in results):
        broken.append(f"exit codes {[result.code for result in results]}")
    return Mark(paper, struck, end, time.monotonic() - began, broken, "\n".join(map(_story, results)))


async def _killed(room: Room, proxy: Proxy, paper: Paper) -> list[Result]:
    first = await _struck_at(room, proxy, paper, None)
    results = [await first.ended(RUN_SECONDS)]
    if not proxy.struck:
        return results
    command = ("abort", SERVICE) if paper.then == "abort" else ("deploy", SERVICE, *RELEASE)
    second = await room.serinus(*command)
    return [*results, await second.ended(RUN_SECONDS)]


async def _rivals(room: Room, proxy: Proxy, paper: Paper) -> list[Result]:
    wake, passed = asyncio.Event(), asyncio.Event()
    first = await _struck_at(room, proxy, paper, lambda stop: Hold(paper.moment, wake, passed, stop))
    ended = asyncio.create_task(first.ended(RUN_SECONDS))
    if not await room.seen.until(lambda: bool(proxy.struck) or ended.done(), RUN_SECONDS) or not proxy.struck:
        return [await ended]
    known = len(room.seen.changes["leases"]), len(room.seen.changes["configmaps"])
    second = await room.serinus("deploy", SERVICE, *RELEASE)
    other = asyncio.create_task(second.ended(RUN_SECONDS))

    def has_begun() -> bool:
        now = len(room.seen.changes["leases"]), len(room.seen.changes["configmaps"])
        return now != known or other.done()

    if paper.wake == "mid":
        await room.seen.until(has_begun, RUN_SECONDS)
    else:
        await asyncio.wait([other])
    # What the network held comes through first: awake again, the runner would take it back at once.
    wake.set()
    await passed.wait()
    first.signal(signal.SIGCONT)
    return [await ended, await other]


async def _struck_at(
    room: Room, proxy: Proxy, paper: Paper, hold: Callable[[Callable[[], None]], Fault] | None
) -> Session:
    """Start the first runner, that will be killed at its call, or stopped there when the call is to be held."""
    runner: list[Session] = []

    def script(call: Call) -> Fault | None:
        if call.kind is not Kind.CALL or call.number != paper.number:
            return None
        if hold is not None:
            return hold(lambda: _stop(room, runner[0]))
        return Drop(paper.moment, lambda: runner[0].signal(signal.SIGKILL))

    proxy.script = script
    runner.append(await room.serinus("deploy", SERVICE, *RELEASE, by=proxy.server))
    return runner[0]


def _stop(room: Room, runner: Session) -> None:
    runner.signal(signal.SIGSTOP)
    room.seen.news.set()


def _story(result: Result) -> str:
    return f"exit {result.code}\n{result.output}\n{result.errors}".strip()
