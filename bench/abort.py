"""How long until production serves all traffic after `serinus abort`, in worlds that stand in its way.

    ./run bench abort [--only WORDS]

Each situation is met twice: by `serinus abort` beside the `serinus deploy` that drives it, and by a bare script
that sends the two patches and nothing else, the rollout's driver dead. Both go through a proxy of their own that
spoils their calls alike. Prints, per situation: seconds until no canary pod is in the Service's EndpointSlices, from
the command's start and from its first call to the API; the same of the script, and the ratio of the two; how many
pods of production serve then, and the fewest pods that served. Exits with 1 when one of ours took more than 5 s.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from serinus.core.canary import API_VERSION, KIND
from serinus.sandbox.certificate import Certificate, make_certificate
from serinus.sandbox.rest import MERGE, Api, ApiError, Server
from tests.crash.proxy import Call, Kind, Proxy, Refuse, Script
from tests.stories import manifests
from tests.stories.cluster import ADMIN, Cluster, running_cluster
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of
from tests.stories.place import Place, open_place
from tests.stories.session import Session

SECONDS_MAX = 5.0
PODS = 4
V1, V2 = "demo/checkout:v1", "demo/checkout:v2"
PATIENCE_SECONDS = 60.0
RETRY_AFTER_SECONDS = 1


async def nothing(place: Place, session: Session) -> None:
    """A calm world."""


async def quota_full(place: Place, session: Session) -> None:
    """Not one pod more than there are."""
    pods = str(len(place.seen.now("pods")))
    raw = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": pods}}}
    await place.api.call("POST", f"/api/v1/namespaces/{place.namespace}/resourcequotas", raw)


async def never_gone(place: Place, session: Session) -> None:
    """The canary's pods will stay Terminating: something holds them back."""
    for raw in place.seen.now("pods"):
        if image_of(raw) != V1:
            body = {"metadata": {"finalizers": ["example.com/never"]}}
            await place.patch("/api/v1/namespaces/{}/pods/" + raw["metadata"]["name"], body)


async def runner_stopped(place: Place, session: Session) -> None:
    """It holds its Lease, and does nothing."""
    session.signal(signal.SIGSTOP)


async def runner_killed(place: Place, session: Session) -> None:
    """It left its Lease behind."""
    session.signal(signal.SIGKILL)
    await session.ended()


def each_call_once() -> Script:
    """429 with Retry-After for the first of each two equal calls: no wish is granted at its first asking."""
    asked: dict[tuple[str, str], int] = {}

    def strike(call: Call) -> Refuse | None:
        what = call.method, call.path
        asked[what] = asked.get(what, 0) + 1
        return _refusal() if call.kind is not Kind.WATCH and asked[what] % 2 == 1 else None

    return strike


def every_third() -> Script:
    """429 with Retry-After for a third of all calls."""
    numbers = itertools.count()
    return lambda call: _refusal() if call.kind is not Kind.WATCH and next(numbers) % 3 == 0 else None


def calm() -> Script:
    return lambda call: None


def _refusal() -> Refuse:
    return Refuse(429, "TooManyRequests", {"Retry-After": str(RETRY_AFTER_SECONDS)})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is in the way of the way back. `says`: what the rollout has said when it is called off."""

    name: str
    naming: str
    says: str
    before: Callable[[Place, Session], Awaitable[None]] = nothing
    script: Callable[[], Script] = calm
    image: str = V2
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}, {self.naming}, {self.says.removesuffix(' of')}"


GATE_HANGS = ("--smoke-command", "if test -e asked; then sleep 20; fi; touch asked", "--smoke-timeout", "600")


def situations() -> list[Situation]:
    """All of them."""
    found = [Situation("calm", naming, f"step {step} of") for naming in ("in-place", "versioned") for step in (1, 2, 3)]
    for naming in ("in-place", "versioned"):
        found += [
            Situation("each call refused once", naming, "step 1 of", script=each_call_once),
            Situation("each call refused once", naming, "step 3 of", script=each_call_once),
            Situation("a third of the calls refused", naming, "step 2 of", script=every_third),
            Situation("the gate never answers", naming, "step 1", options=GATE_HANGS),
            Situation("canary never ready", naming, "creating canary", image="demo/checkout:v2-never-ready"),
            Situation("canary unpullable", naming, "creating canary", image="demo/checkout:v2-unpullable"),
            Situation("canary pods never gone", naming, "step 1 of", never_gone),
            Situation("quota full", naming, "step 1 of", quota_full),
            Situation("quota full", naming, "step 2 of", quota_full),
            Situation("quota full, calls refused once", naming, "step 1 of", quota_full, each_call_once),
            Situation("runner stopped", naming, "step 1 of", runner_stopped),
            Situation("runner killed", naming, "step 1 of", runner_killed),
        ]
    return found


@dataclass(slots=True)
class Measured:
    """Seconds until all traffic was production's: from the start, and from the first call; and what served."""

    from_start: float
    from_first_call: float
    production: int
    least_ready: int
    whole_seconds: float | None = None


@dataclass(slots=True)
class Stage:
    """A rollout under way in a situation."""

    place: Place
    session: Session
    proxy: Proxy
    certificate: Certificate
    situation: Situation
    first_call_at: float = field(default=0.0)

    def noted(self, script: Script) -> Script:
        """The script; when its first call came is noted."""

        def strike(call: Call) -> Refuse | None:
            self.first_call_at = self.first_call_at or time.time()
            return script(call)  # type: ignore[return-value]

        return strike

    @contextlib.asynccontextmanager
    async def spoilt(self) -> AsyncIterator[Server]:
        """Another way to the API, spoilt like the rollout's own."""
        proxy = Proxy(self.place.cluster.servers[ADMIN], self.certificate, self.noted(self.situation.script()))
        async with proxy.running():
            yield proxy.server

    async def served(self, began: float) -> Measured:
        """Wait until no canary pod serves; and a while longer until production is whole, if it can be."""
        place = self.place
        try:
            await place.seen.until("all traffic is production's", lambda: _canary(place) == 0, PATIENCE_SECONDS)
            at = time.time()
        except AssertionError:
            at = math.inf
        production = _production(place)
        whole = None
        with contextlib.suppress(AssertionError):
            await place.seen.until("production is whole", lambda: _production(place) == PODS, 8)
            now = time.time()
            whole = now - min(self.first_call_at or now, now)
        least = place.seen.least_ready(began)
        since = self.first_call_at or at  # all was well already: nobody had met the canary
        return Measured(at - began, at - since, production, least, whole)


def _images(place: Place) -> list[str]:
    """Of the pods that the EndpointSlices list as ready."""
    names = [
        endpoint["targetRef"]["name"]
        for raw in place.seen.now("endpointslices")
        for endpoint in raw.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
    ]
    pods = [place.seen.find("pods", name) for name in names]
    return [image_of(raw) for raw in pods if raw is not None]


def _canary(place: Place) -> int:
    return sum(image != V1 for image in _images(place))


def _production(place: Place) -> int:
    return sum(image == V1 for image in _images(place))


@contextlib.asynccontextmanager
async def staged(cluster: Cluster, certificate: Certificate, situation: Situation) -> AsyncIterator[Stage]:
    """The rollout stands where it is to be called off, and what is in the way is there."""
    async with open_place(cluster) as place:
        proxy = Proxy(cluster.servers[ADMIN], certificate)
        async with proxy.running():
            make = {"in-place": manifests.in_place, "versioned": manifests.versioned}[situation.naming]
            await place.in_production(make(PODS))
            kubeconfig = _kubeconfig(place, proxy.server, "deploy")
            words = ("-f", str(_spec(place, situation)), "--image", situation.image, *situation.options)
            session = await place.start("deploy", SERVICE, *words, "--kubeconfig", str(kubeconfig))
            try:
                await session.says(situation.says)
                await situation.before(place, session)
                proxy.script = situation.script()
                yield Stage(place, session, proxy, certificate, situation)
            finally:
                await _let_go(place)


def _spec(place: Place, situation: Situation) -> Path:
    """A spec file whose rollout stays in the step that the situation is about."""
    last = int(situation.says.split()[1]) if situation.says.startswith("step") else 1
    steps = [
        {"weight": weight, "bake": "600s" if number >= last else "1s"} for number, weight in enumerate((25, 50, 75), 1)
    ]
    head = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": SERVICE}}
    file = place.home / "serinus.yaml"
    file.write_text(json.dumps(head | {"spec": {"service": SERVICE, "steps": steps}}))
    return file


async def _let_go(place: Place) -> None:
    """What was held back may go, so that the namespace can."""
    for raw in place.seen.now("pods"):
        if raw["metadata"].get("finalizers"):
            with contextlib.suppress(ApiError):
                await place.patch(
                    "/api/v1/namespaces/{}/pods/" + raw["metadata"]["name"], {"metadata": {"finalizers": None}}
                )


def _kubeconfig(place: Place, server: Server, name: str) -> Path:
    folder = place.home / name
    folder.mkdir()
    return Cluster({ADMIN: server}, folder).kubeconfig(ADMIN, place.namespace)


async def by_serinus(stage: Stage) -> Measured:
    """`serinus abort`, from another terminal."""
    async with stage.spoilt() as server:
        kubeconfig = _kubeconfig(stage.place, server, "abort")
        began = time.time()
        await stage.place.start("abort", SERVICE, "--kubeconfig", str(kubeconfig))
        return await stage.served(began)


async def by_script(stage: Stage) -> Measured:
    """The two patches: production to its size, and the canary deleted at once."""
    stage.session.signal(signal.SIGKILL)
    await stage.session.ended()
    async with stage.spoilt() as server, Api(server) as api:
        began = time.time()
        root = f"/apis/apps/v1/namespaces/{stage.place.namespace}/deployments"
        stable = SERVICE if stage.situation.naming == "in-place" else f"{SERVICE}-v1"
        tag = stage.situation.image.partition(":")[2]
        await _insist(lambda: api.call("PATCH", f"{root}/{stable}", {"spec": {"replicas": PODS}}, MERGE))
        await _insist(lambda: api.call("DELETE", f"{root}/{SERVICE}-{tag}", {"propagationPolicy": "Background"}))
        return await stage.served(began)


async def _insist(call: Callable[[], Awaitable[object]]) -> None:
    """Ask until it is not refused as too much, waiting as told."""
    while True:
        try:
            await call()
            return
        except ApiError as error:
            if error.status != 429:
                raise
        await asyncio.sleep(RETRY_AFTER_SECONDS)


async def measure(cluster: Cluster, certificate: Certificate, situation: Situation) -> bool:
    """Both ways; one line of the table."""
    async with staged(cluster, certificate, situation) as stage:
        ours = await by_serinus(stage)
    async with staged(cluster, certificate, situation) as stage:
        bare = await by_script(stage)
    met = ours.from_first_call <= SECONDS_MAX
    ratio = ours.from_first_call / max(bare.from_first_call, 0.001)
    whole = f"{ours.whole_seconds:.1f} s" if ours.whole_seconds is not None else "not yet"
    print(
        f"| {situation} | {ours.from_start:.1f} s | {ours.from_first_call:.1f} s | {bare.from_first_call:.1f} s "
        f"| {ratio:.1f} | {ours.production} | {whole} | {ours.least_ready} | {bare.least_ready} "
        f"| {'yes' if met else 'NO'} |",
        flush=True,
    )
    return met


async def _main(only: str) -> int:
    chosen = [each for each in situations() if only in str(each)]
    print(
        "| situation | from start | ours | script | ratio | production serves | whole | least | script's least | ok |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="serinus-bench-") as text:
        folder = Path(text)
        (folder / "cluster").mkdir()
        certificate = make_certificate(folder, "127.0.0.1")
        async with running_cluster(folder / "cluster") as cluster:
            met = [await measure(cluster, certificate, situation) for situation in chosen]
    print(f"abort: {sum(met)} of {len(met)} situations within {SECONDS_MAX:g} s of the command's first call")
    return 0 if met and all(met) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench abort", description="The way back, and what is in its way.")
    parser.add_argument("--only", default="", help="situations with these words in their name")
    return asyncio.run(_main(parser.parse_args().only))


if __name__ == "__main__":
    sys.exit(main())
