"""HTTP faults under the real client: a rollout meets each of them, and is promoted all the same.

All rollouts run side by side, and each test looks at its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from serinus.sandbox.certificate import Certificate
from tests.crash.fast import release_in_fast_time
from tests.crash.observer import at_rest, outcome, rules_broken
from tests.crash.proxy import Call, Delay, Drop, Fault, Kind, Moment, Refuse, Script, Silence, Truncate
from tests.crash.sitting import RELEASE, REPLICAS, REST_SECONDS, RUN_SECONDS, Room, open_room
from tests.stories.cluster import Cluster
from tests.stories.manifests import SERVICE

AT_ONCE = 3
pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(slots=True)
class Once:
    """A fault for the first of each different call, once the rollout has begun; or for the first of each watch."""

    fault: Fault
    kind: Kind = Kind.CALL
    met: set[tuple[str, str]] = field(default_factory=set)

    def script(self, room: Room) -> Script:
        def strike(call: Call) -> Fault | None:
            what = call.method, call.path
            has_begun = self.kind is Kind.WATCH or bool(room.seen.state())
            if call.kind is not self.kind or what in self.met or not has_begun:
                return None
            self.met.add(what)
            return self.fault

        return strike


FAULTS: dict[str, Callable[[], Once]] = {
    "delayed": lambda: Once(Delay(0.5)),
    "dropped before": lambda: Once(Drop(Moment.BEFORE)),
    "dropped after": lambda: Once(Drop(Moment.AFTER)),
    "conflict": lambda: Once(Refuse(409, "Conflict")),
    "throttled": lambda: Once(Refuse(429, "TooManyRequests", {"Retry-After": "1"})),
    "broken server": lambda: Once(Refuse(500, "InternalError")),
    "answer breaks off": lambda: Once(Truncate(100)),
    "watch breaks off": lambda: Once(Truncate(1000), Kind.WATCH),
}
NAMINGS = ("versioned", "in-place")


@dataclass(frozen=True, slots=True)
class Met:
    """What came of a rollout: every breach in words, and how many calls were spoilt."""

    broken: list[str]
    struck: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rollouts(
    cluster: Cluster, certificate: Certificate
) -> AsyncIterator[dict[tuple[str, str], asyncio.Task[Met]]]:
    seats = asyncio.Semaphore(AT_ONCE)

    async def seated(naming: str, once: Once) -> Met:
        async with seats, open_room(cluster, certificate, naming) as room:
            return await _rollout(room, naming, once)

    tasks = {
        (fault, naming): asyncio.create_task(seated(naming, make()))
        for fault, make in FAULTS.items()
        for naming in NAMINGS
    }
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _rollout(room: Room, naming: str, once: Once) -> Met:
    async with room.proxy().running() as proxy, room.users() as traffic:
        proxy.script = once.script(room)
        result = await (await room.serinus("deploy", SERVICE, *RELEASE, by=proxy.server)).ended(RUN_SECONDS)
        await room.seen.until(lambda: at_rest(room.seen, REPLICAS), REST_SECONDS)
    broken = rules_broken(room.seen, traffic, naming, REPLICAS)
    if result.code != 0 or outcome(room.seen) != "promoted":
        broken.append(f"{outcome(room.seen)}, exit {result.code}: {result.output}\n{result.errors}")
    return Met(broken, len(proxy.struck))


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_rollout_gets_over_each_call_or_watch_that_is_spoilt_once(
    rollouts: dict[tuple[str, str], asyncio.Task[Met]], fault: str, naming: str
) -> None:
    met = await rollouts[fault, naming]
    assert met.broken == []
    assert met.struck > 3


async def test_watches_that_go_silent_without_closing_are_opened_again(
    cluster: Cluster, certificate: Certificate
) -> None:
    silent = Once(Silence(0), Kind.WATCH)
    async with open_room(cluster, certificate, "in-place") as room, room.proxy().running() as proxy:
        proxy.script = silent.script(room)
        code, output = await release_in_fast_time(
            room.kubeconfig(proxy.server), room.namespace, SERVICE, "demo/checkout:v2"
        )
        assert code == 0, output
        assert outcome(room.seen) == "promoted"
        assert len(silent.met) > 3
