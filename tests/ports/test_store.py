"""The exam of the Store port, taken by the fake and by the ConfigMap of the cluster."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import msgspec
import pytest

from serinus.core.record import FORMAT, Command, Record
from serinus.core.state import Baking, Preparing
from serinus.kube.client import Client, PatchKind
from serinus.kube.informer import Informer
from serinus.kube.resources import CONFIGMAPS
from serinus.kube.store import KubeStore, store_name
from serinus.ports import LostRace, Saved, Store, Trouble
from tests.core.samples import START, plan_of
from tests.fakes.store import FakeStore
from tests.kube.embedded import embedded

RECORD = Record(plan_of(), Preparing(START), START, {"pod-1": 3})
NEXT = msgspec.structs.replace(RECORD, state=Baking(0, START, START))
COMMAND = Command("abort", "0000aaaa", "anna", START)


@dataclass
class Examinee:
    """Two runners' stores over one saved object, a person who commands, and one who writes what should not be there."""

    one: Store
    two: Store
    command: Callable[[Command], Awaitable[None]]
    write: Callable[[str], Awaitable[None]]
    seen: Callable[[], Awaitable[None]]  # until both runners know the latest


@contextlib.asynccontextmanager
async def fake() -> AsyncIterator[Examinee]:
    store = FakeStore()

    async def command(command: Command) -> None:
        store.command(command)

    async def write(text: str) -> None:
        store.put(text)

    async def seen() -> None:
        return

    yield Examinee(store, store, command, write, seen)


@contextlib.asynccontextmanager
async def in_the_cluster() -> AsyncIterator[Examinee]:
    name = store_name("checkout")
    async with embedded() as (client, _), _copy(client) as first, _copy(client) as second, _copy(client) as third:
        stores = [KubeStore(client, copy, "shop", "checkout") for copy in (first, second, third)]

        async def write(text: str) -> None:
            patch = {"data": {"state": text}}
            await client.patch(CONFIGMAPS, name, "shop", patch, kind=PatchKind.MERGE)

        async def seen() -> None:
            latest = (await client.get(CONFIGMAPS, name, "shop"))["metadata"]["resourceVersion"]
            for copy in (first, second, third):
                await _until(copy, lambda copy=copy: _version(copy, name) == latest)

        async def command(word: Command) -> None:
            await seen()
            saved = stores[2].load()
            assert saved is not None
            await stores[2].command(word, saved.version)

        yield Examinee(stores[0], stores[1], command, write, seen)


def _copy(client: Client) -> Informer:
    return Informer(client, CONFIGMAPS, "shop")


def _version(copy: Informer, name: str) -> str:
    return str(copy.objects.get(name, {}).get("metadata", {}).get("resourceVersion"))


async def _until(copy: Informer, holds: Callable[[], bool]) -> None:
    changed = asyncio.Event()
    undo = copy.subscribe(changed.set)
    try:
        async with asyncio.timeout(10):
            while not holds():
                changed.clear()
                await changed.wait()
    finally:
        undo()


def loaded_by(store: Store) -> Saved:
    saved = store.load()
    assert saved is not None
    return saved


@pytest.fixture(params=[fake, in_the_cluster], ids=["fake", "cluster"])
async def examinee(request: pytest.FixtureRequest) -> AsyncIterator[Examinee]:
    async with request.param() as made:
        yield made


async def test_nothing_is_loaded_before_the_first_save(examinee: Examinee) -> None:
    assert examinee.one.load() is None


async def test_what_was_saved_is_loaded_by_whoever_saved_it_at_once(examinee: Examinee) -> None:
    saved = await examinee.one.save(RECORD, None)
    assert (saved.record, saved.command) == (RECORD, None)
    assert examinee.one.load() == saved


async def test_what_was_saved_is_loaded_by_another(examinee: Examinee) -> None:
    await examinee.one.save(RECORD, None)
    await examinee.seen()
    loaded = examinee.two.load()
    assert loaded is not None
    assert loaded.record == RECORD


async def test_only_one_saves_first(examinee: Examinee) -> None:
    await examinee.one.save(RECORD, None)
    with pytest.raises(LostRace):
        await examinee.two.save(NEXT, None)
    await examinee.seen()
    assert loaded_by(examinee.one).record == RECORD


async def test_of_two_who_save_over_one_version_one_loses(examinee: Examinee) -> None:
    saved = await examinee.one.save(RECORD, None)
    await examinee.seen()
    after = await examinee.two.save(NEXT, saved.version)
    assert after.version != saved.version
    with pytest.raises(LostRace):
        await examinee.one.save(RECORD, saved.version)
    await examinee.seen()
    assert loaded_by(examinee.one).record == NEXT


async def test_saves_follow_one_another(examinee: Examinee) -> None:
    saved = await examinee.one.save(RECORD, None)
    for record in (NEXT, RECORD, NEXT):
        saved = await examinee.one.save(record, saved.version)
    assert saved.record == NEXT


async def test_a_persons_word_is_loaded_with_the_record(examinee: Examinee) -> None:
    await examinee.one.save(RECORD, None)
    await examinee.command(COMMAND)
    await examinee.seen()
    loaded = examinee.one.load()
    assert loaded is not None
    assert (loaded.record, loaded.command) == (RECORD, COMMAND)


async def test_a_word_that_comes_between_load_and_save_is_not_overwritten(examinee: Examinee) -> None:
    saved = await examinee.one.save(RECORD, None)
    await examinee.command(COMMAND)
    with pytest.raises(LostRace):
        await examinee.one.save(NEXT, saved.version)
    await examinee.seen()
    loaded = examinee.one.load()
    assert loaded is not None
    assert loaded.command == COMMAND
    again = await examinee.one.save(NEXT, loaded.version)
    assert (again.record, again.command) == (NEXT, COMMAND)


async def test_a_record_of_a_newer_serinus_is_trouble_in_words(examinee: Examinee) -> None:
    await examinee.one.save(RECORD, None)
    await examinee.write(f'{{"format": {FORMAT + 1}, "more": true}}')
    await examinee.seen()
    with pytest.raises(Trouble, match="saved in format 2, and this version of Serinus reads up to 1"):
        examinee.one.load()


async def test_a_record_that_nobody_can_read_is_trouble(examinee: Examinee) -> None:
    await examinee.one.save(RECORD, None)
    await examinee.write("spoilt")
    await examinee.seen()
    with pytest.raises(Trouble):
        examinee.one.load()
