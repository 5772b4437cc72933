"""Who owns whom, by uid, over all kinds that are followed."""

from collections import defaultdict

from serinus.sandbox.controllers.objects import owners_of, uid_of
from serinus.sandbox.rest import Raw


class Graph:
    """Objects by uid, and dependents by their owner's uid. An owner need not exist to have dependents."""

    def __init__(self) -> None:
        self._objects: dict[str, Raw] = {}
        self._dependents: dict[str, set[str]] = defaultdict(set)

    def get(self, uid: str) -> Raw | None:
        return self._objects.get(uid)

    def dependents_of(self, uid: str) -> list[Raw]:
        return [self._objects[dependent] for dependent in self._dependents.get(uid, ())]

    def change(self, before: Raw | None, after: Raw | None) -> None:
        if before is not None:
            self._objects.pop(uid_of(before), None)
            for owner in owners_of(before):
                self._forget(owner["uid"], uid_of(before))
        if after is not None:
            self._objects[uid_of(after)] = after
            for owner in owners_of(after):
                self._dependents[owner["uid"]].add(uid_of(after))

    def _forget(self, owner: str, dependent: str) -> None:
        self._dependents[owner].discard(dependent)
        if not self._dependents[owner]:
            del self._dependents[owner]
