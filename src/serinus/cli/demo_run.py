"""The demo from start to end: cluster, application, traffic, three releases, figures. What it shows, and
where, is the screen's business."""

import asyncio
import contextlib
import json
import shlex
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from serinus.cli.demo_figures import SLOW_MS, Figures, Release, read_requests
from serinus.cli.demo_processes import Traffic, run_cluster, run_load, run_serinus
from serinus.cli.demo_world import IMAGE, REPLICAS, SERVICE, World
from serinus.cli.sandbox_process import SandboxFailed
from serinus.sandbox.cluster import server_of
from serinus.sandbox.rest import Api, ApiError
from serinus.system import SystemClock

FIRST, GOOD, BAD, SUBTLE = "v1", "v2", "v3", "v4"
RATE = 100.0
BAKE_SECONDS = 4
SUBTLE_STEPS = ("--steps", "50", "--bake", "60")
"""Young pods may fail a little more often, so harm of this size is seen once they are more than 20 s old."""
CALM_SECONDS = 2.0  # traffic alone, before and after each release
REFRESH_SECONDS = 0.2
SECONDS_MAX = 200.0


@dataclass(slots=True)
class Scene:
    """What there is to be seen at a moment."""

    world: World
    traffic: Traffic
    url: str
    releases: list[Release] = field(default_factory=list)
    running: str | None = None  # the version that is being released


class Screen(Protocol):
    """Where the demo is watched."""

    def say(self, sentence: str) -> None:
        """Something happened."""

    def command(self, text: str) -> None:
        """This command is run now."""

    def show(self, scene: Scene) -> None:
        """How things stand; called several times a second."""


def arguments_of(version: str) -> list[str]:
    """What follows the word `serinus` on the command line of a release."""
    often = ("--metrics-interval", "1")
    steps = SUBTLE_STEPS if version == SUBTLE else ("--bake", str(BAKE_SECONDS))
    return ["deploy", SERVICE, "--image", f"{IMAGE}:{version}", *steps, *often, "--output", "json"]


async def perform(folder: Path, reports: Path, keeps: bool, screen: Screen) -> Figures:
    """Play the whole demo, each release's page going to folder `reports`. Raises SandboxFailed.

    `keeps`: the cluster stays up, if all went as far as the end.
    """
    try:
        async with asyncio.timeout(SECONDS_MAX), run_cluster(folder, keeps) as cluster:
            figures = await _perform(folder, reports, screen)
            if keeps:
                cluster.keep()
            return figures
    except TimeoutError as error:
        raise _not_played("something took too long", "try again when the machine has less to do") from error
    except (ApiError, aiohttp.ClientError) as error:
        raise _not_played(
            f"the embedded cluster did not answer: {error}", "try again; if that does not help, report it"
        ) from error


def _not_played(why: str, hint: str) -> SandboxFailed:
    return SandboxFailed("the demo did not come to its end", "this machine", why, hint)


async def _perform(folder: Path, reports: Path, screen: Screen) -> Figures:
    requests = folder / "requests.jsonl"
    async with contextlib.AsyncExitStack() as stack:
        world = World(await stack.enter_async_context(Api(server_of(folder))))
        await stack.enter_async_context(_beside(world.run()))
        screen.say(f"the embedded cluster is up, in {folder}")
        url = await world.install(FIRST)
        screen.say(f"{SERVICE} {FIRST} runs: {REPLICAS} pods behind Service {SERVICE}, {url}")
        async with run_load(url, RATE, SECONDS_MAX, SLOW_MS, requests) as traffic:
            screen.say(f"traffic: {RATE:g} requests/s, half of them on kept connections, half on new ones")
            scene = Scene(world, traffic, url)
            async with _beside(_refresh(scene, screen)):
                await _release_each(scene, folder, reports, screen)
        screen.show(scene)
        left = await world.left_behind(GOOD)
    good, bad, subtle = scene.releases
    return Figures(good, bad, subtle, read_requests(requests), tuple(left))


async def _release_each(scene: Scene, folder: Path, reports: Path, screen: Screen) -> None:
    clock = SystemClock()
    await clock.sleep(CALM_SECONDS)
    for version in (GOOD, BAD, SUBTLE):
        scene.running = version
        release = await _release(version, folder, scene.world, screen)
        scene.running = None
        page = reports / f"{SERVICE}-{version}.html"
        written = await _write_page(page, folder, screen)
        scene.releases.append(replace(release, page=str(page) if written else None))
        await clock.sleep(CALM_SECONDS)


async def _write_page(page: Path, folder: Path, screen: Screen) -> bool:
    """The page of the last rollout; whether it could be had."""
    arguments = ["explain", SERVICE, "--html", str(page)]
    screen.command("serinus " + shlex.join(arguments))
    async with run_serinus(arguments, folder / "kubeconfig") as child:
        lines = [line async for line in child.lines()]
        is_written = await child.process.wait() == 0
    screen.say(f"its report: {page}" if is_written else "; ".join(lines))
    return is_written


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block, and end it with the block; its own failure is told when the block has ended."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()


async def _refresh(scene: Scene, screen: Screen) -> None:
    clock = SystemClock()
    while True:
        screen.show(scene)
        await clock.sleep(REFRESH_SECONDS)


async def _release(version: str, folder: Path, world: World, screen: Screen) -> Release:
    """Run the real command; every line of it is shown."""
    clock = SystemClock()
    arguments = arguments_of(version)
    asked_before = await world.requests()
    screen.command("serinus " + shlex.join(arguments))
    began = clock.now().timestamp()
    last: dict[str, Any] = {}
    async with run_serinus(arguments, folder / "kubeconfig") as child:
        async for line in child.lines():
            said = _parsed(line)
            screen.say(said.get("sentence", line))
            evidence = said.get("lines", ()) if said.get("code") == "leaving" else ()
            for seen in evidence:
                screen.say(f"  {seen}")
            last = said if said.get("code") == "finished" else last
        exit_code = await child.process.wait()
    asked = await world.requests() - asked_before
    ended = clock.now().timestamp()
    return Release(version, began, ended, exit_code, last, asked, world.first_end_at.get(version))


def _parsed(line: str) -> dict[str, Any]:
    """A JSON line of the command; empty for any other line, such as an error's."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
