"""What ends a run from outside: signals, a lost terminal, a full disk, a closed pipe; it reverts, or it parks.

SIGINT and SIGTERM with the policy `revert` are in `test_people.py`.
"""

import asyncio
import contextlib
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

import serinus
from tests.stories import manifests
from tests.stories.cluster import ADMIN
from tests.stories.manifests import SERVICE
from tests.stories.place import Place
from tests.stories.session import Session

V2 = "demo/checkout:v2"
RELEASE = ("deploy", SERVICE, "--image", V2, "--steps", "50")
LONG, PARK = ("--bake", "600"), ("--interrupt", "park")
HOW_TO_GO_ON = f"go on with: serinus deploy {SERVICE}"
ENDED_SECONDS = 60
FULL = Path("/dev/full")


def command(*arguments: str) -> str:
    """A `serinus` command for a shell."""
    return " ".join([sys.executable, "-m", "serinus", *arguments])


def environment_of(place: Place) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(serinus.__file__).parents[1]),
        "HOME": str(place.home),
        "KUBECONFIG": str(place.cluster.kubeconfig(ADMIN, place.namespace)),
    }


@contextlib.asynccontextmanager
async def running(
    words: Sequence[str], place: Place, stdin: int, stdout: int, stderr: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process in a session of its own, with these for its files; it is gone when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *words, env=environment_of(place), cwd=place.home, stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


@contextlib.contextmanager
def full_disk() -> Iterator[int]:
    """A file on a disk without room for another byte."""
    with FULL.open("wb") as full:
        yield full.fileno()


async def half_way(place: Place, *options: str) -> Session:
    await place.in_production(manifests.in_place(2))
    session = await place.start(*RELEASE, *LONG, *options)
    await session.says("step 1 of")
    return session


async def holds(place: Place) -> None:
    """Wait until the rollout of a process whose output nobody reads holds its first share."""
    await place.until("half of production", lambda: place.deployments() == {SERVICE: 1, f"{SERVICE}-v2": 1})
    await place.until("the share is served", lambda: place.seen.endpoints() == 2)


async def is_back(place: Place) -> None:
    await place.until("all is as before", lambda: place.deployments() == {SERVICE: 2})


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_a_run_that_parks_leaves_the_rollout_as_it_is_and_says_how_to_go_on(
    place: Place, number: signal.Signals
) -> None:
    session = await half_way(place, *PARK)
    session.signal(number)
    result = await session.ended()
    assert result.code == 130
    assert "parked where it is" in result.output
    assert HOW_TO_GO_ON in result.output
    assert place.deployments() == {SERVICE: 1, f"{SERVICE}-v2": 1}
    aborted = await place.serinus("abort", SERVICE)
    assert aborted.code == 0, aborted.errors
    assert place.deployments() == {SERVICE: 2}


@pytest.mark.parametrize("options", [(), PARK], ids=["revert", "park"])
async def test_a_second_signal_leaves_at_once_and_says_how_to_go_on(place: Place, options: tuple[str, ...]) -> None:
    session = await half_way(place, *options)
    session.signal(signal.SIGINT)
    session.signal(signal.SIGTERM)
    result = await session.ended()
    assert result.code == 130
    assert HOW_TO_GO_ON in result.output
    aborted = await place.serinus("abort", SERVICE)
    assert aborted.code == 0, aborted.errors
    assert place.deployments() == {SERVICE: 2}


# A lost terminal


@pytest.mark.parametrize("options", [(), PARK], ids=["revert", "park"])
async def test_a_lost_terminal_is_an_interruption(place: Place, options: tuple[str, ...]) -> None:
    await place.in_production(manifests.in_place(2))
    ours, theirs = pty.openpty()
    shell = ["setsid", "--ctty", "--wait", *command(*RELEASE, *LONG, *options).split()]
    try:
        async with running(shell, place, theirs, theirs, theirs) as process:
            os.close(theirs)
            await holds(place)
            os.close(ours)
            ours = -1
            async with asyncio.timeout(ENDED_SECONDS):
                assert await process.wait() == 130
    finally:
        if ours >= 0:
            os.close(ours)
    if options:
        assert place.deployments() == {SERVICE: 1, f"{SERVICE}-v2": 1}
        assert (await place.serinus("abort", SERVICE)).code == 0
    await is_back(place)


# A full disk


async def test_a_full_disk_does_not_keep_a_rollout_from_its_end(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    with full_disk() as full:
        words = command(*RELEASE, "--bake", "0.2").split()
        async with running(words, place, asyncio.subprocess.DEVNULL, full, full) as process:
            async with asyncio.timeout(ENDED_SECONDS):
                assert await process.wait() == 0
    assert place.deployments() == {SERVICE: 2}
    assert {raw["spec"]["containers"][0]["image"] for raw in place.pods()} == {V2}


@pytest.mark.parametrize("words", [("status", SERVICE), ("explain",), ("explain", SERVICE), ("schema",)])
async def test_a_full_disk_is_told_by_the_exit_code_of_what_only_prints(place: Place, words: tuple[str, ...]) -> None:
    """What was asked for has not been given, so it must not look like success; and there is no Traceback to see."""
    with full_disk() as full:
        arguments = command(*words).split()
        async with running(arguments, place, asyncio.subprocess.DEVNULL, full, asyncio.subprocess.PIPE) as process:
            _, errors = await process.communicate()
    assert process.returncode == 3, errors
    assert b"No space left on device" in errors
    assert b"Traceback" not in errors


# A closed pipe


async def test_a_reader_that_goes_does_not_end_a_rollout(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    line = f"set -o pipefail; {command(*RELEASE, '--bake', '0.2')} | head -1"
    pipe = asyncio.subprocess.PIPE
    async with running(["bash", "-c", line], place, asyncio.subprocess.DEVNULL, pipe, pipe) as process:
        async with asyncio.timeout(ENDED_SECONDS):
            output, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert output.count(b"\n") == 1
    assert errors == b""
    assert {raw["spec"]["containers"][0]["image"] for raw in place.pods()} == {V2}


@pytest.mark.parametrize("words", [("status", SERVICE), ("explain",), ("schema",), ("--help",)])
async def test_a_reader_that_goes_is_no_error_of_what_only_prints(place: Place, words: tuple[str, ...]) -> None:
    line = f"{command(*words)} | true; echo ${{PIPESTATUS[0]}}"
    pipe = asyncio.subprocess.PIPE
    async with running(["bash", "-c", line], place, asyncio.subprocess.DEVNULL, pipe, pipe) as process:
        output, errors = await process.communicate()
    assert errors == b""
    assert output.strip() == b"0"
