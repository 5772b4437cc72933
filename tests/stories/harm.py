"""Bad releases as data, and what one looked like from outside. The stories about them are in test_bad_release.py."""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.cluster import Cluster
from tests.stories.manifests import SERVICE
from tests.stories.observer import Seen
from tests.stories.place import Place, open_place
from tests.stories.session import Result
from tests.stories.traffic import Traffic

AT_ONCE = 4
REPLICAS = 4


@dataclass(frozen=True, slots=True)
class Harm:
    """A release with something wrong: `signs` must stand in the `[CANARY HEALTH]` lines."""

    image: str
    signs: tuple[str, ...]
    options: tuple[str, ...] = ()
    production: dict[str, Raw] = field(default_factory=dict)
    kubelet_tells: bool = True  # the kubelet reports it, so nobody has to wait for a deadline
    served_first: bool = False  # users met the pod before it came to harm


SMOKE_AT_STEP_2 = 'test "$SERINUS_STAGE" != "step 2" || { echo "the till is shut"; exit 3; }'
HARMS = {
    "crash": Harm(
        "demo/checkout:v3",
        ("exit code 1 (Error)", "log: panic: checkout v3: nil price list"),
        ("--bake", "6"),
        served_first=True,
    ),
    "crash on start": Harm(
        "demo/checkout:v2-crash-on-start",
        ("exit code 1 (Error)", "log: panic: checkout v2-crash-on-start: nil price list"),
    ),
    "unpullable": Harm(
        "demo/checkout:v2-unpullable",
        ("cannot be pulled (ErrImagePull)", "kubelet: failed to pull image", "demo/checkout:v2-unpullable: not found"),
    ),
    "out of memory": Harm(
        "demo/checkout:v2-oom",
        ("exit code 137 (OOMKilled)", "log: checkout v2-oom listening on"),
        ("--bake", "6"),
        {"resources": {"limits": {"memory": "300Mi"}}},
        served_first=True,
    ),
    "never ready": Harm(
        "demo/checkout:v2-never-ready",
        ("1 of 1 canary pods not ready by the deadline", "running, but its readiness probe does not pass"),
        ("--ready-deadline", "4"),
        kubelet_tells=False,
    ),
    # Four pods of production leave no room for a fifth on the node's 16 processors.
    "no room": Harm(
        "demo/checkout:v2",
        ("cannot be scheduled", "scheduler: 0/1 nodes are available: 1 Insufficient cpu."),
        ("--ready-deadline", "4"),
        {"resources": {"requests": {"cpu": "3500m"}}},
        kubelet_tells=False,
    ),
    "smoke test by HTTP": Harm(
        "demo/checkout:v2-errors",
        ("answered 500", "answer: ", "payment provider answered with an unknown currency"),
        ("--smoke-http", "/"),
        kubelet_tells=False,
    ),
    "smoke test by command": Harm(
        "demo/checkout:v2",
        ("the smoke command ended with exit code 3", "output: the till is shut"),
        ("--smoke-command", SMOKE_AT_STEP_2),
        kubelet_tells=False,
    ),
}


@dataclass(slots=True)
class Outcome:
    """How a bad release went, as the command said it and as an independent observer saw it."""

    result: Result
    traffic: Traffic
    seen: list[Seen]
    deployments: list[Seen]
    ready_at_the_end: int
    least_ready: int
    left_behind: list[str]
    changed: list[str]
    canary: str

    def told_at(self) -> float:
        """When the kubelet's report of the harm was seen."""
        return next(pod.at for pod in self.seen if any(_is_harmed(status) for status in _statuses(pod.raw)))

    def ended_at(self) -> float:
        """When the container ended, by the kubelet's clock, in whole seconds; without end if it never ran."""
        ends = [_end_of(status) for pod in self.seen for status in _statuses(pod.raw)]
        return min((datetime.fromisoformat(end).timestamp() for end in ends if end), default=math.inf)

    def canary_gone_at(self) -> float:
        """When the canary's Deployment was seen to be deleted; without end if there never was one."""
        gone = (item.at for item in self.deployments if item.name == self.canary and item.event == "DELETED")
        return next(gone, math.inf)

    def full_size_at(self) -> float:
        """When production was last asked to have its full size."""
        sizes = [item for item in self.deployments if item.name == SERVICE]
        lowered = max((item.at for item in sizes if item.raw["spec"]["replicas"] < REPLICAS), default=0.0)
        return min(item.at for item in sizes if item.at > lowered)


def _statuses(raw_pod: Raw) -> Iterator[Raw]:
    if "release" in str(raw_pod["metadata"].get("labels")):
        yield from (raw_pod.get("status") or {}).get("containerStatuses") or []


def _end_of(status: Raw) -> str:
    states = (status.get("lastState") or {}, status.get("state") or {})
    return next((str(state["terminated"]["finishedAt"]) for state in states if "terminated" in state), "")


def _is_harmed(status: Raw) -> bool:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting = (state.get("waiting") or {}).get("reason", "")
    return "terminated" in state or "terminated" in last or "Pull" in waiting


async def suffer(cluster: Cluster, harm: Harm, turn: asyncio.Semaphore) -> Outcome:
    """Let a bad release happen to a production of its own, with users."""
    async with turn, open_place(cluster) as place:
        await place.in_production(manifests.in_place(REPLICAS, **harm.production))
        async with place.users(20) as traffic:
            result = await place.deploy(harm.image, *harm.options)
            left_behind, changed = await place.left_behind(), await place.traces()
            await _settled(place)
        return Outcome(
            result,
            traffic,
            place.seen.seen["pods"],
            place.seen.seen["deployments"],
            len(place.pods()),
            place.least_ready(),
            left_behind,
            changed,
            f"{SERVICE}-{harm.image.partition(':')[2]}",
        )


async def _settled(place: Place) -> None:
    """The observer's watches have caught up with what the command had seen when it ended."""
    await place.until("only production is left", lambda: place.deployments() == {SERVICE: REPLICAS})


async def suffer_all(cluster: Cluster) -> dict[str, Outcome]:
    """Every bad release, some at a time."""
    turn = asyncio.Semaphore(AT_ONCE)
    outcomes = await asyncio.gather(*(suffer(cluster, harm, turn) for harm in HARMS.values()))
    return dict(zip(HARMS, outcomes, strict=True))
