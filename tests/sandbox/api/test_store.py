"""Storage: versions, the log of changes, looking back."""

import asyncio

import pytest

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.kinds import CONFIG_MAP, SECRET, Raw
from serinus.sandbox.api.store import Store, Watch


def _raw(name: str) -> Raw:
    return {"metadata": {"namespace": "n", "name": name}}


def test_every_write_gets_the_next_version_whatever_its_kind() -> None:
    store = Store()
    first = store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    second = store.put(SECRET, ("n", "b"), _raw("b"))
    assert (first.version, second.version) == (1, 2)
    assert second.raw["metadata"]["resourceVersion"] == "2"


def test_a_collection_can_be_seen_as_it_was() -> None:
    store = Store()
    store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    store.put(CONFIG_MAP, ("n", "b"), _raw("b"))
    store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    store.remove(CONFIG_MAP, ("n", "b"), _raw("b"))
    store.put(CONFIG_MAP, ("n", "c"), _raw("c"))
    then = store.collection(CONFIG_MAP).at_version(2)
    assert {key[1]: entry.version for key, entry in then.items()} == {"a": 1, "b": 2}
    assert {key[1] for key in store.collection(CONFIG_MAP).entries} == {"a", "c"}


async def test_a_watch_gets_what_came_after_its_version() -> None:
    store = Store()
    store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    with Watch(store, CONFIG_MAP, 1) as watch:
        store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
        store.remove(CONFIG_MAP, ("n", "a"), _raw("a"))
        changes = await watch.next_changes(1.0)
        assert [(change.kind, change.version) for change in changes] == [("MODIFIED", 2), ("DELETED", 3)]
        assert await watch.next_changes(0.01) == []


async def test_a_waiting_watch_is_woken_by_a_write() -> None:
    store = Store()
    with Watch(store, CONFIG_MAP, 0) as watch:
        waiting = asyncio.create_task(watch.next_changes(30.0))
        await asyncio.sleep(0)
        store.put(SECRET, ("n", "other"), _raw("other"))
        store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
        assert [change.entry.raw["metadata"]["name"] for change in await waiting] == ["a"]


async def test_a_watch_that_falls_behind_the_log_is_told_so() -> None:
    store = Store(log_size=2)
    with Watch(store, CONFIG_MAP, 0) as watch:
        for _ in range(3):
            store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
        with pytest.raises(StatusError, match="too old resource version") as refused:
            await watch.next_changes(1.0)
    assert refused.value.code == 410


def test_a_watch_from_before_the_log_cannot_begin() -> None:
    store = Store(log_size=1)
    store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    store.put(CONFIG_MAP, ("n", "a"), _raw("a"))
    with pytest.raises(StatusError, match="too old"):
        Watch(store, CONFIG_MAP, 0)
    Watch(store, CONFIG_MAP, 1)


async def test_closing_the_store_ends_waiting() -> None:
    store = Store()
    with Watch(store, CONFIG_MAP, 0) as watch:
        waiting = asyncio.create_task(watch.next_changes(30.0))
        await asyncio.sleep(0)
        store.close()
        assert await waiting == []
