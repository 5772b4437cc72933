"""The live copy, against streams that end, break, lie and fall silent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from serinus.kube import errors
from serinus.kube.informer import Informer
from serinus.kube.resources import PODS
from tests.fakes.clock import FakeClock
from tests.fakes.server import ScriptedServer, answer, failure, hang_up, scripted_server, stream
from tests.kube.support import bookmark, client_for, event, pod, pod_list

GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Expired",
    "code": 410,
    "message": "too old",
}


class Follower:
    """An informer over a scripted server, and ways to wait for what it shows."""

    def __init__(self, server: ScriptedServer, clock: FakeClock, informer: Informer) -> None:
        self.server = server
        self.clock = clock
        self.informer = informer
        self._changed = asyncio.Event()
        informer.subscribe(self._changed.set)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_names(self, *names: str) -> None:
        await self.until(lambda: sorted(self.informer.objects) == sorted(names))

    async def pass_backoff(self) -> None:
        """Let the pause before the next attempt go by, and nothing else."""
        await self.clock.until_asleep(seconds_max=5)
        self.clock.advance(self.clock.sleepers()[0])


@contextlib.asynccontextmanager
async def following(*script: object, all_namespaces: bool = False) -> AsyncIterator[Follower]:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        for handler in script:
            server.then(handler)  # type: ignore[arg-type]
        async with Informer(client, PODS, None if all_namespaces else "shop", label_selector="app=a") as informer:
            yield Follower(server, clock, informer)


async def test_it_lists_then_watches_from_the_version_of_the_list() -> None:
    async with following(answer(pod_list(7, pod("a", 3))), stream(event("ADDED", pod("b", 8)), end="hang")) as it:
        await it.informer.synced()
        assert it.informer.objects == {"a": pod("a", 3)}
        await it.until_names("a", "b")
        query = it.server.seen[1].query
    assert query["resourceVersion"] == "7"
    assert query["allowWatchBookmarks"] == "true"
    assert query["labelSelector"] == "app=a"
    assert 300 <= int(query["timeoutSeconds"]) <= 600


async def test_changes_and_deletions_are_followed() -> None:
    events = [event("MODIFIED", pod("a", 8, color="red")), event("DELETED", pod("b", 9))]
    async with following(answer(pod_list(7, pod("a", 3), pod("b", 4))), stream(*events, end="hang")) as it:
        await it.until_names("a")
        assert it.informer.objects["a"]["metadata"]["labels"] == {"color": "red"}


async def test_all_namespaces_are_keyed_by_namespace_and_name() -> None:
    async with following(answer(pod_list(7, pod("a", 3))), stream(end="hang"), all_namespaces=True) as it:
        await it.informer.synced()
        assert list(it.informer.objects) == ["shop/a"]


async def test_a_stream_cut_in_the_middle_of_a_line_goes_on_where_it_was() -> None:
    whole, cut = event("ADDED", pod("b", 8)), b'{"type":"ADDED","object":{"metadata":{"na'
    rest = stream(event("ADDED", pod("c", 9)), end="hang")
    async with following(answer(pod_list(7)), stream(whole, cut, end="break"), rest) as it:
        await it.until(lambda: it.informer.stale_since is not None)
        assert isinstance(it.informer.last_error, errors.Unreachable)
        await it.pass_backoff()
        await it.until_names("b", "c")
        assert it.informer.stale_since is None
        assert it.informer.last_error is None
        assert it.server.seen[2].query["resourceVersion"] == "8"


async def test_bookmarks_move_the_version() -> None:
    async with following(answer(pod_list(7)), stream(bookmark(50), end="break"), stream(end="hang")) as it:
        await it.pass_backoff()
        await it.server.until_seen(3)
        assert it.server.seen[2].query["resourceVersion"] == "50"


@pytest.mark.parametrize(
    "gone", [failure(410, "Expired", "too old"), stream({"type": "ERROR", "object": GONE}, end="hang")]
)
async def test_a_version_that_is_gone_means_a_new_list_and_found_deletions(gone: object) -> None:
    second = answer(pod_list(90, pod("b", 80)))
    async with following(answer(pod_list(7, pod("a", 3), pod("b", 4))), gone, second, stream(end="hang")) as it:
        await it.informer.synced()
        await it.pass_backoff()
        await it.until_names("b")
        assert it.informer.objects["b"]["metadata"]["resourceVersion"] == "80"
        await it.server.until_seen(4)
        assert it.server.seen[3].query["resourceVersion"] == "90"


async def test_a_line_that_is_not_an_event_means_a_new_list() -> None:
    garbage = stream(event("ADDED", pod("b", 8)), b"<html>bad gateway</html>\n", end="hang")
    async with following(answer(pod_list(7)), garbage, answer(pod_list(9, pod("c", 9))), stream(end="hang")) as it:
        await it.until(lambda: isinstance(it.informer.last_error, errors.ServerError))
        await it.pass_backoff()
        await it.until_names("c")


@pytest.mark.parametrize("raw", [{}, {"metadata": {}}, {"metadata": {"resourceVersion": "8"}}, {"metadata": []}])
async def test_an_event_without_name_or_version_ends_nothing(raw: dict[str, object]) -> None:
    odd = stream({"type": "ADDED", "object": raw}, end="hang")
    async with following(answer(pod_list(7)), odd, answer(pod_list(9, pod("c", 9))), stream(end="hang")) as it:
        await it.until(lambda: it.informer.last_error is not None)
        await it.pass_backoff()
        await it.until_names("c")


async def test_a_silent_stream_is_opened_again_after_70_seconds() -> None:
    silent = stream(bookmark(12), end="hang")
    async with following(answer(pod_list(7)), silent, stream(event("ADDED", pod("b", 13)), end="hang")) as it:
        await it.informer.synced()
        await it.until(lambda: it.informer.resource_version == "12")
        it.clock.advance(69.9)
        await asyncio.sleep(0)
        assert it.informer.stale_since is None
        it.clock.advance(0.2)
        await it.until(lambda: it.informer.stale_since is not None)
        assert "silent for 70 s" in str(it.informer.last_error)
        await it.pass_backoff()
        await it.until_names("b")
        assert it.server.seen[2].query["resourceVersion"] == "12"


async def test_a_stream_that_speaks_now_and_then_is_left_alone() -> None:
    more = asyncio.Event()

    async def slow(request: object) -> object:
        from aiohttp import web

        assert isinstance(request, web.Request)
        response = web.StreamResponse()
        await response.prepare(request)
        for version in (8, 9, 10):
            await more.wait()
            more.clear()
            await response.write(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"%d"}}}\n' % version)
        await asyncio.Event().wait()
        return response

    async with following(answer(pod_list(7)), slow) as it:
        await it.informer.synced()
        await it.clock.until_asleep()
        for version in ("8", "9", "10"):
            more.set()
            await it.until(lambda version=version: it.informer.resource_version == version)  # type: ignore[misc]
            it.clock.advance(60)
            await it.clock.until_asleep()
        assert len(it.server.seen) == 2
        assert it.informer.stale_since is None


async def test_streams_that_end_at_once_are_reopened_ever_more_slowly() -> None:
    async with following(answer(pod_list(7)), *[stream() for _ in range(6)]) as it:
        await it.informer.synced()
        for _ in range(6):
            await it.pass_backoff()
        waits = [seconds for seconds in it.clock.slept if seconds <= 5]
    assert waits[:6] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]


async def test_a_stream_that_ends_after_minutes_is_reopened_at_once() -> None:
    async with following(answer(pod_list(7)), _until(ended := asyncio.Event()), stream(end="hang")) as it:
        await it.informer.synced()
        await it.server.until_seen(2)
        await it.clock.until_asleep()
        it.clock.advance(60)
        ended.set()
        await it.server.until_seen(3)
        assert it.informer.stale_since is None


async def test_a_server_that_is_away_is_waited_for() -> None:
    async with following(
        answer(pod_list(7)), hang_up(), hang_up(), stream(event("ADDED", pod("b", 8)), end="hang")
    ) as it:
        await it.pass_backoff()
        await it.pass_backoff()
        await it.until_names("b")
        assert [seen.query.get("resourceVersion") for seen in it.server.seen] == [None, "7", "7", "7"]


@pytest.mark.parametrize(
    ("status", "kind"), [(401, errors.Unauthorized), (403, errors.Forbidden), (404, errors.NotFound)]
)
async def test_a_refused_first_list_is_raised_to_whoever_waits(status: int, kind: type[errors.ApiError]) -> None:
    with pytest.raises(kind):
        async with following(failure(status, "", "no")) as it:
            await it.informer.synced()


async def test_a_right_that_is_taken_away_later_does_not_end_it() -> None:
    script = [
        answer(pod_list(7, pod("a", 3))),
        failure(403, "Forbidden", "no"),
        stream(event("ADDED", pod("b", 8)), end="hang"),
    ]
    async with following(*script) as it:
        await it.until(lambda: isinstance(it.informer.last_error, errors.Forbidden))
        it.informer.check()
        assert list(it.informer.objects) == ["a"]
        await it.pass_backoff()
        await it.until_names("a", "b")


async def test_a_write_of_ours_shows_at_once_and_old_events_do_not_undo_it() -> None:
    go = asyncio.Event()
    old = [event("MODIFIED", pod("a", 8)), event("ADDED", pod("b", 12))]
    async with following(answer(pod_list(7, pod("a", 3))), _later(go, *old)) as it:
        await it.informer.synced()
        it.informer.put(pod("a", 10, color="new"))
        go.set()
        await it.until_names("a", "b")
        assert it.informer.objects["a"] == pod("a", 10, color="new")


async def test_a_late_answer_does_not_raise_the_dead() -> None:
    async with following(answer(pod_list(7, pod("a", 3))), stream(event("DELETED", pod("a", 9)), end="hang")) as it:
        await it.informer.synced()
        await it.until_names()
        it.informer.put(pod("a", 8))
        assert it.informer.objects == {}


async def test_an_object_made_again_under_its_name_is_the_new_one() -> None:
    go = asyncio.Event()
    async with following(
        answer(pod_list(7, pod("a", 3, uid="old"))), _later(go, event("DELETED", pod("a", 9, uid="old")), bookmark(10))
    ) as it:
        await it.informer.synced()
        it.informer.put(pod("a", 11, uid="new"))
        go.set()
        await it.until(lambda: it.informer.resource_version == "10")
        assert it.informer.objects["a"]["metadata"]["uid"] == "new"


async def test_a_write_newer_than_a_second_list_is_kept() -> None:
    go = asyncio.Event()
    gone = _later(go, {"type": "ERROR", "object": GONE})
    async with following(
        answer(pod_list(7, pod("a", 3))), gone, answer(pod_list(20, pod("a", 15))), stream(end="hang")
    ) as it:
        await it.informer.synced()
        it.informer.put(pod("new", 21))
        it.informer.put(pod("a", 10))
        go.set()
        await it.pass_backoff()
        await it.server.until_seen(4)
        assert sorted(it.informer.objects) == ["a", "new"]
        assert it.informer.objects["a"]["metadata"]["resourceVersion"] == "15"


async def test_a_copy_whose_watch_is_silent_is_read_anew_when_asked() -> None:
    silent, again = stream(end="hang"), stream(event("ADDED", pod("c", 21)), end="hang")
    async with following(answer(pod_list(7, pod("a", 3))), silent, answer(pod_list(20, pod("b", 15))), again) as it:
        await it.informer.synced()
        await it.server.until_seen(2)
        await it.informer.refresh()
        assert list(it.informer.objects) == ["b"]
        await it.until_names("b", "c")
        assert it.server.seen[3].query["resourceVersion"] == "20"


async def test_a_copy_that_cannot_be_read_anew_stays_as_it_was_and_lists_again_by_itself() -> None:
    refused, second = failure(403, "Forbidden", "no"), answer(pod_list(20, pod("b", 15)))
    script = [answer(pod_list(7, pod("a", 3))), stream(end="hang"), refused, second, stream(end="hang")]
    async with following(*script) as it:
        await it.informer.synced()
        await it.server.until_seen(2)
        with pytest.raises(errors.Forbidden):
            await it.informer.refresh()
        assert list(it.informer.objects) == ["a"]
        await it.until_names("b")


def _later(go: asyncio.Event, *parts: object) -> object:
    async def handle(request: object) -> object:
        await go.wait()
        return await stream(*parts, end="hang")(request)  # type: ignore[arg-type]

    return handle


def _until(ended: asyncio.Event) -> object:
    async def handle(request: object) -> object:
        from aiohttp import web

        assert isinstance(request, web.Request)
        response = web.StreamResponse()
        await response.prepare(request)
        await ended.wait()
        return response

    return handle
