"""The keyed work queue."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

from serinus.sandbox.controllers.expectations import Expectations
from serinus.sandbox.controllers.queue import KeyedQueue
from serinus.sandbox.rest import ApiError

DEADLINE_SECONDS = 5.0


@contextlib.asynccontextmanager
async def running(sync: Callable[[str], Awaitable[None]]) -> AsyncIterator[KeyedQueue[str]]:
    queue = KeyedQueue("test", sync)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_key_added_many_times_is_handled_once() -> None:
    handled: list[str] = []
    done = asyncio.Event()

    async def sync(key: str) -> None:
        handled.append(key)
        if key == "last":
            done.set()

    async with running(sync) as queue:
        for key in ("a", "a", "b", "a", "last"):
            queue.add(key)
        await asyncio.wait_for(done.wait(), DEADLINE_SECONDS)
    assert handled == ["a", "b", "last"]


async def test_a_key_is_never_handled_twice_at_a_time_and_again_when_added_meanwhile() -> None:
    inside, runs = 0, 0
    started, release, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def sync(_key: str) -> None:
        nonlocal inside, runs
        inside += 1
        assert inside == 1
        started.set()
        await release.wait()
        inside, runs = inside - 1, runs + 1
        if runs == 2:
            done.set()

    async with running(sync) as queue:
        queue.add("a")
        await asyncio.wait_for(started.wait(), DEADLINE_SECONDS)
        queue.add("a")
        queue.add("a")
        release.set()
        await asyncio.wait_for(done.wait(), DEADLINE_SECONDS)
    assert runs == 2


async def test_a_failed_key_comes_back_ever_later_until_it_works() -> None:
    times: list[float] = []
    done = asyncio.Event()

    async def sync(_key: str) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 5:
            raise ApiError(409, "Conflict", "try again")
        done.set()

    async with running(sync) as queue:
        queue.add("a")
        await asyncio.wait_for(done.wait(), DEADLINE_SECONDS)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[0] >= 0.004
    assert gaps[3] >= 0.03


async def test_of_several_delays_the_earliest_counts() -> None:
    done = asyncio.Event()

    async def sync(_key: str) -> None:
        done.set()

    async with running(sync) as queue:
        queue.add_after("a", 60.0)
        queue.add_after("a", 0.01)
        queue.add_after("a", 30.0)
        await asyncio.wait_for(done.wait(), DEADLINE_SECONDS)


async def test_expectations_hold_until_everything_was_seen() -> None:
    owner = ("default", "shop")
    expected = Expectations()
    expected.expect(owner, "one")
    expected.expect(owner, "two")
    assert not expected.satisfied(owner)
    expected.seen(owner, "one")
    expected.seen(owner, "a stranger")
    assert not expected.satisfied(owner)
    expected.seen(owner, "two")
    assert expected.satisfied(owner)
