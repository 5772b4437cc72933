"""The true world: objects with versions, a log of every change, and who is told of them. Nothing here has a will."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from serinus.core.plan import Plan
from tests.sim.objects import CONFIG, DEPLOYMENT, KINDS, POD, REPLICASET, SLICE, ConfigObject, Object, Pod, ReplicaSet

Change = tuple[int, str, Object | None]


class Cluster:
    """etcd and the API's rules. Versions only grow."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dice: random.Random, traced: bool) -> None:
        self.loop = loop
        self.dice = dice
        self.version = 0
        self.objects: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self.versions: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self.log: dict[str, list[Change]] = {kind: [] for kind in KINDS}
        self.followers: list[Callable[[str], None]] = []
        self.uids = 0
        self.trace: list[str] | None = [] if traced else None

    def note(self, text: str) -> None:
        """A line of the trace, if there is one."""
        if self.trace is not None:
            self.trace.append(f"{self.loop.time():9.2f}  {text}")

    def get(self, kind: str, name: str) -> Any:
        """An object, or None."""
        return self.objects[kind].get(name)

    def put(self, kind: str, thing: Any) -> int:
        """Create or replace; the new version."""
        return self._changed(kind, thing.name, thing)

    def remove(self, kind: str, name: str) -> None:
        """Gone."""
        if name in self.objects[kind]:
            self._changed(kind, name, None)

    def _changed(self, kind: str, name: str, thing: Object | None) -> int:
        self.version += 1
        if thing is None:
            del self.objects[kind][name]
            del self.versions[kind][name]
        else:
            self.objects[kind][name] = thing
            self.versions[kind][name] = self.version
        self.log[kind].append((self.version, name, thing))
        if self.trace is not None and kind != SLICE:
            self.note(f"    {kind} {name}: {_short(thing)}")
        for follower in self.followers:
            follower(kind)
        return self.version

    def uid(self, prefix: str) -> str:
        """A new one."""
        self.uids += 1
        return f"{prefix}-{self.uids}"

    def put_config(self, name: str) -> ConfigObject:
        """A copy of that name; the one that is there, if it is."""
        if self.get(CONFIG, name) is None:
            self.put(CONFIG, ConfigObject(name, self.uid("uid-config")))
        made: ConfigObject = self.get(CONFIG, name)
        return made

    def pods_of(self, replicaset: ReplicaSet) -> list[Pod]:
        """Its pods that count for its size: neither failed nor on their way out."""
        name = replicaset.name
        return [pod for pod in self.objects[POD].values() if pod.owner == name and not pod.deleting and not pod.failed]


def config_in_use(objects: dict[str, dict[str, Any]], plan: Plan) -> set[str]:
    """The copies that Deployments name, or ReplicaSets that are theirs or nobody's: in the world, or a copy of it."""
    deployments = objects[DEPLOYMENT].values()
    owners = {None, *(each.uid for each in deployments)}
    sets = [each for each in objects[REPLICASET].values() if each.owner in owners]
    return {name for each in (*deployments, *sets) if (name := config_of(each.template, plan))}


def config_of(template: str, plan: Plan) -> str:
    """The ConfigMap that a pod template names; empty: none."""
    if plan.config is None:
        return ""
    [copy] = plan.config.copies
    return copy.name if template.startswith("v2") else copy.named


def _short(thing: Object | None) -> str:
    if thing is None:
        return "gone"
    fields = ((name, getattr(thing, name)) for name in thing.__struct_fields__ if name not in ("name", "record"))
    return " ".join(f"{name}={value}" for name, value in fields if value not in (None, "", False, 0))
