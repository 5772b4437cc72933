"""Errors, time limits and retries, over real HTTP against scripted answers."""

import asyncio

import pytest

from serinus.kube import errors
from serinus.kube.client import Client, PatchKind
from serinus.kube.config import User
from serinus.kube.resources import CONFIGMAPS, PODS
from tests.fakes.clock import FakeClock
from tests.fakes.server import answer, failure, hang_up, never, scripted_server
from tests.kube.support import client_for, pod, pod_list


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Gone),
        (422, "Invalid", errors.Invalid),
    ],
)
async def test_each_refusal_has_its_own_error(status: int, reason: str, kind: type[errors.ApiError]) -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(failure(status, reason, "the server's own words"))
        with pytest.raises(kind) as caught:
            await client.create(PODS, pod("a", 1), "shop")
    assert caught.value.what == "create Pod shop/a"
    assert caught.value.why == "the server's own words"
    assert caught.value.where == f"context test, {server.url}"
    assert caught.value.status == status
    assert type(caught.value) is kind


async def test_an_unknown_body_is_cut_short() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer("<html>" + "x" * 5000, 404))
        with pytest.raises(errors.NotFound) as caught:
            await client.get(PODS, "a", "shop")
    assert len(caught.value.why) < 320


async def test_a_page_of_another_server_is_named_as_such() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer("<html>Welcome</html>"))
        with pytest.raises(errors.ServerError, match="Is this the address of a Kubernetes API server"):
            await client.get(PODS, "a", "shop")


async def test_a_redirect_is_not_followed() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer("", 302, Location="/login"))
        with pytest.raises(errors.BadRequest, match="sends clients elsewhere"):
            await client.get(PODS, "a", "shop")
    assert len(server.seen) == 1


@pytest.mark.parametrize("first", [failure(429), failure(500), failure(503), hang_up()])
async def test_a_read_is_tried_again(first: object) -> None:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        server.then(first).then(answer(pod("a", 1)))  # type: ignore[arg-type]
        reading = asyncio.create_task(client.get(PODS, "a", "shop"))
        await clock.jump()
        assert (await reading)["metadata"]["name"] == "a"


async def test_a_read_is_given_up_after_half_a_minute() -> None:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        for _ in range(20):
            server.then(failure(503, "ServiceUnavailable", "starting"))
        reading = asyncio.create_task(client.get(PODS, "a", "shop"))
        with pytest.raises(errors.ServerError, match="starting"):
            await _run_out(reading, clock)
    assert 8 <= len(server.seen) <= 10
    assert clock.monotonic() <= 30


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (failure(429, **{"Retry-After": "7"}), 7.05),
        (failure(429, details={"retryAfterSeconds": 3}), 3.05),
        (failure(503, **{"Retry-After": "Thu, 01 Jan 2026 12:00:04 GMT"}), 4.05),
        (failure(503, **{"Retry-After": "soon"}), 0.25),
    ],
)
async def test_the_server_says_how_long_to_wait(first: object, seconds: float) -> None:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        server.then(first).then(answer(pod("a", 1)))  # type: ignore[arg-type]
        reading = asyncio.create_task(client.get(PODS, "a", "shop"))
        await clock.jump()
        await reading
    assert clock.monotonic() == pytest.approx(seconds)


async def test_a_wait_longer_than_the_deadline_is_not_begun() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(failure(429, **{"Retry-After": "3600"}))
        with pytest.raises(errors.Throttled) as caught:
            await client.get(PODS, "a", "shop")
    assert caught.value.retry_after_seconds == 3600


async def test_a_throttled_write_is_tried_again() -> None:
    clock = FakeClock()
    async with scripted_server() as server, client_for(server.url, clock) as client:
        server.then(failure(429)).then(answer(pod("a", 1)))
        writing = asyncio.create_task(client.create(PODS, pod("a", 0), "shop"))
        await clock.jump()
        await writing
    assert len(server.seen) == 2


async def test_a_write_that_met_a_broken_server_is_not_repeated() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(failure(500, "InternalError", "etcd has no leader"))
        with pytest.raises(errors.ServerError, match="etcd has no leader"):
            await client.create(PODS, pod("a", 0), "shop")
    assert len(server.seen) == 1


@pytest.mark.parametrize("verb", ["create", "patch", "replace", "delete"])
async def test_a_write_that_lost_its_connection_is_not_repeated(verb: str) -> None:
    """On a kept connection too, where the HTTP library would send a PUT or DELETE again by itself."""
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer(pod("a", 1))).then(hang_up())
        await client.get(PODS, "a", "shop")
        with pytest.raises(errors.Unreachable, match="may have happened") as caught:
            await _write(client, verb)
    assert caught.value.may_have_happened
    assert len(server.seen) == 2


async def test_a_write_to_a_server_that_is_not_there_did_not_happen() -> None:
    async with scripted_server() as server:
        url = server.url
    async with client_for(url) as client:
        with pytest.raises(errors.Unreachable, match=r"cannot connect to 127.*: Connection refused") as caught:
            await client.create(PODS, pod("a", 0), "shop")
    assert not caught.value.may_have_happened


async def test_a_server_that_is_away_is_found_out_at_once_by_its_version() -> None:
    async with scripted_server() as server:
        url = server.url
    async with client_for(url) as client:
        with pytest.raises(errors.Unreachable, match="cannot connect"):
            await client.server_version()


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(never())
        with pytest.raises(errors.Unreachable, match=r"no complete answer within 0\.05 s"):
            await client.pod_proxy("a", "shop", 80, "/", seconds_max=0.05)


async def test_an_answer_cut_off_in_the_middle_is_no_answer() -> None:
    async with scripted_server() as server, client_for(server.url, clock := FakeClock()) as client:

        async def cut(request: object) -> object:
            from aiohttp import web

            assert isinstance(request, web.Request)
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"metadata":')
            assert request.transport is not None
            request.transport.abort()
            return response

        server.then(cut).then(answer(pod("a", 1)))  # type: ignore[arg-type]
        reading = asyncio.create_task(client.get(PODS, "a", "shop"))
        await clock.jump()
        assert (await reading)["metadata"]["name"] == "a"


async def test_a_list_is_read_page_by_page_and_its_items_get_their_kind() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        page = {"continue": "token"}
        server.then(answer(pod_list(7, pod("a", 1), **page))).then(answer(pod_list(7, pod("b", 2))))
        listing = await client.list(PODS, "shop", label_selector="app=checkout")
    assert listing.items == [pod("a", 1), pod("b", 2)]
    assert listing.resource_version == "7"
    assert [seen.query.get("continue") for seen in server.seen] == [None, "token"]
    assert all(seen.query["labelSelector"] == "app=checkout" for seen in server.seen)


async def test_a_list_whose_next_page_is_gone_is_read_in_one_piece() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer(pod_list(7, pod("a", 1), **{"continue": "t"}))).then(failure(410, "Expired"))
        server.then(answer(pod_list(9, pod("a", 1), pod("b", 2))))
        listing = await client.list(PODS, "shop")
    assert len(listing.items) == 2
    assert "limit" not in server.seen[2].query


async def test_requests_carry_who_asks_and_what_for() -> None:
    user = User(token="secret")
    async with scripted_server() as server, client_for(server.url, user=user) as client:
        server.then(answer(pod("a", 1)))
        await client.patch(
            CONFIGMAPS, "c", "shop", {"data": {"a": "1"}}, kind=PatchKind.APPLY, force=True, dry_run=True
        )
    (seen,) = server.seen
    assert seen.headers["Authorization"] == "Bearer secret"
    assert seen.headers["User-Agent"] == "serinus/test"
    assert seen.headers["Content-Type"] == "application/apply-patch+yaml"
    assert seen.query == {"fieldManager": "serinus", "dryRun": "All", "force": "true"}
    assert seen.path == "/api/v1/namespaces/shop/configmaps/c"


async def test_a_pod_that_answers_with_an_error_has_answered() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer("oh no", 503))
        got = await client.pod_proxy("a", "shop", 8080, "/healthz?full=1")
    assert (got.status, got.body) == (503, b"oh no")
    assert server.seen[0].path == "/api/v1/namespaces/shop/pods/a:8080/proxy/healthz"
    assert server.seen[0].query == {"full": "1"}


async def test_a_pod_that_cannot_be_connected_to_is_told_from_a_broken_server() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        message = "error trying to reach service: dial tcp 10.0.0.1:8080: connect: connection refused"
        server.then(failure(503, "ServiceUnavailable", message))
        with pytest.raises(errors.PodUnreachable, match="connection refused"):
            await client.pod_proxy("a", "shop", 8080, "/")
    assert len(server.seen) == 1


async def test_a_pod_cannot_fill_our_memory() -> None:
    async with scripted_server() as server, client_for(server.url) as client:
        server.then(answer("x" * (2 * 1024 * 1024)))
        with pytest.raises(errors.ServerError, match="larger than"):
            await client.pod_proxy("a", "shop", 8080, "/")


async def test_no_message_shows_the_token() -> None:
    async with scripted_server() as server, client_for(server.url, user=User(token="secret-token")) as client:
        server.then(failure(403, "Forbidden", "no"))
        with pytest.raises(errors.Forbidden) as caught:
            await client.get(PODS, "a", "shop")
    assert "secret-token" not in str(caught.value)
    assert "secret-token" not in repr(User(token="secret-token", password="secret-token"))


async def _write(client: Client, verb: str) -> None:
    match verb:
        case "create":
            await client.create(PODS, pod("a", 0), "shop")
        case "patch":
            await client.patch(PODS, "a", "shop", {}, kind=PatchKind.MERGE)
        case "replace":
            await client.replace(CONFIGMAPS, pod("a", 1), "shop")
        case _:
            await client.delete(PODS, "a", "shop")


async def _run_out(task: "asyncio.Task[object]", clock: FakeClock) -> None:
    while not task.done():
        jumping = asyncio.create_task(clock.jump())
        await asyncio.wait([task, jumping], return_when=asyncio.FIRST_COMPLETED)
        jumping.cancel()
    await task
