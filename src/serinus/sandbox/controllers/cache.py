"""The controllers' shared view of the cluster: one live copy per kind, with the two indices they ask for.

Readers must not change what they get: the objects are shared.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from serinus.sandbox.controllers.objects import ObjectKey, collection_path, controller_of, uid_of
from serinus.sandbox.rest import Api, Mirror, Raw, key_of

Handler = Callable[[Raw | None, Raw | None], None]
"""Called with (before, after): before is None for a new object, after is None for one that is gone."""


class Cache:
    """All objects of one kind, by key, by namespace and by the uid of their controller."""

    def __init__(self, api: Api, api_version: str, kind: str) -> None:
        self.api_version = api_version
        self.kind = kind
        self.mirror = Mirror(api, collection_path(api_version, kind), self._changed)
        self._objects: dict[ObjectKey, Raw] = {}
        self._by_namespace: dict[str, dict[ObjectKey, Raw]] = defaultdict(dict)
        self._by_controller: dict[str, dict[ObjectKey, Raw]] = defaultdict(dict)
        self._handlers: list[Handler] = []

    def subscribe(self, handler: Handler) -> None:
        self._handlers.append(handler)

    def get(self, key: ObjectKey) -> Raw | None:
        return self._objects.get(key)

    def in_namespace(self, namespace: str) -> list[Raw]:
        return list(self._by_namespace.get(namespace, {}).values())

    def controlled_by(self, uid: str) -> list[Raw]:
        return list(self._by_controller.get(uid, {}).values())

    def learn(self, item: Raw) -> None:
        """Take the answer to an update of ours before the watch brings it, so that the next pass does not act on the
        old copy. Nothing is learnt about what is not here: it may be gone again."""
        present = self._objects.get(key_of(item))
        if present is not None and uid_of(present) == uid_of(item):
            self._changed("MODIFIED", item)

    def _changed(self, event: str, item: Raw) -> None:
        # Items of a list come without these two, events of a watch with them.
        item["apiVersion"], item["kind"] = self.api_version, self.kind
        key = key_of(item)
        before = self._objects.get(key)
        after = None if event == "DELETED" else item
        if before is not None and after is not None:
            if uid_of(before) != uid_of(after):
                self._store(key, before, None)  # deleted and made again while nobody watched
                before = None
            elif _version(after) <= _version(before):
                return  # learnt already
        self._store(key, before, after)

    def _store(self, key: ObjectKey, before: Raw | None, after: Raw | None) -> None:
        if before is not None:
            self._objects.pop(key, None)
            _drop(self._by_namespace, key[0], key)
            _drop(self._by_controller, _controller_uid(before), key)
        if after is not None:
            self._objects[key] = after
            self._by_namespace[key[0]][key] = after
            self._by_controller[_controller_uid(after)][key] = after
        for handler in self._handlers:
            handler(before, after)


def _controller_uid(item: Raw) -> str:
    controller = controller_of(item)
    return controller["uid"] if controller else ""


def _version(item: Raw) -> int:
    return int(item["metadata"]["resourceVersion"])


def _drop(index: dict[str, dict[ObjectKey, Raw]], value: str, key: ObjectKey) -> None:
    entries = index[value]
    entries.pop(key, None)
    if not entries:
        del index[value]


class Caches:
    """One cache per kind, made when the first controller asks for it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._caches: dict[tuple[str, str], Cache] = {}

    def of(self, api_version: str, kind: str) -> Cache:
        kind_key = (api_version, kind)
        if kind_key not in self._caches:
            self._caches[kind_key] = Cache(self._api, api_version, kind)
        return self._caches[kind_key]

    def learn(self, item: Raw) -> None:
        """See `Cache.learn`; an object of a kind that nobody follows is ignored."""
        cache = self._caches.get((item.get("apiVersion", ""), item.get("kind", "")))
        if cache is not None:
            cache.learn(item)

    def all(self) -> Iterable[Cache]:
        return self._caches.values()
