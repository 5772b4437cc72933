"""The Deployment controller, as far as promotion and its traps need it to be the real one.

Written from the rules of field/promotion.md and of Kubernetes' documented behaviour: a paused Deployment still scales,
with one ReplicaSet to its size, with several in proportion; a saturated newest one ends the others; an orphan whose
labels match is adopted; a rolling update keeps within maxSurge and maxUnavailable.
"""

from msgspec.structs import replace

from tests.sim.cluster import Cluster
from tests.sim.objects import DEPLOYMENT, REPLICASET, Deployment, ReplicaSet


def sync(cluster: Cluster, deployment: Deployment, adopts: bool) -> None:
    """One look of the controller at one Deployment. `adopts`: its selector matches any orphan there may be."""
    sets = cluster.objects[REPLICASET]
    if adopts:
        for orphan in [each for each in sets.values() if each.owner is None]:
            cluster.put(REPLICASET, replace(orphan, owner=deployment.uid))
    owned = [each for each in sets.values() if each.owner == deployment.uid]
    newest = next((each for each in owned if each.template == deployment.template), None)
    if newest is not None and newest.revision < max(each.revision for each in owned):
        newest = _put(cluster, replace(newest, revision=max(each.revision for each in owned) + 1))
        owned = [newest if each.name == newest.name else each for each in owned]
    resized = any(each.replicas > 0 and each.desired != deployment.replicas for each in owned)
    if deployment.paused or resized:
        _scale(cluster, deployment, owned, newest)
    else:
        _roll(cluster, deployment, owned, newest)
    ready = sum(_available(cluster, each) for each in sets.values() if each.owner == deployment.uid)
    status = replace(deployment, observed=deployment.generation, ready=ready)
    if status != deployment:
        cluster.put(DEPLOYMENT, status)


def _put(cluster: Cluster, replicaset: ReplicaSet) -> ReplicaSet:
    cluster.put(REPLICASET, replicaset)
    return replicaset


def _available(cluster: Cluster, replicaset: ReplicaSet) -> int:
    return sum(pod.ready for pod in cluster.pods_of(replicaset))


def _resize(cluster: Cluster, deployment: Deployment, replicaset: ReplicaSet, size: int) -> ReplicaSet:
    """A new size, and the annotations that say for which size of the Deployment."""
    desired, maximum = deployment.replicas, deployment.replicas + deployment.surge
    changed = replace(replicaset, replicas=max(0, size), desired=desired, maximum=maximum)
    return changed if changed == replicaset else _put(cluster, changed)


def _scale(cluster: Cluster, deployment: Deployment, owned: list[ReplicaSet], newest: ReplicaSet | None) -> None:
    active = [each for each in owned if each.replicas > 0]
    if len(active) <= 1:
        only = active[0] if active else newest or max(owned, key=lambda each: each.revision, default=None)
        if only is not None:
            _resize(cluster, deployment, only, deployment.replicas)
        return
    if newest is not None and newest.replicas == deployment.replicas == newest.desired == _available(cluster, newest):
        for each in active:
            if each.name != newest.name:
                _resize(cluster, deployment, each, 0)
        return
    _scale_in_proportion(cluster, deployment, active)


def _scale_in_proportion(cluster: Cluster, deployment: Deployment, active: list[ReplicaSet]) -> None:
    total = sum(each.replicas for each in active)
    allowed = deployment.replicas + deployment.surge if deployment.replicas > 0 else 0
    to_add = allowed - total
    active = sorted(active, key=lambda each: (each.replicas, each.revision), reverse=True)
    added, sizes = 0, {}
    for each in active:
        part = 0
        if to_add:
            before = each.maximum or total
            fraction = (
                round(each.replicas * allowed / before) - each.replicas if deployment.replicas else -each.replicas
            )
            left = to_add - added
            part = min(fraction, left) if to_add > 0 else max(fraction, left)
        sizes[each.name] = each.replicas + part
        added += part
    sizes[active[0].name] += to_add - added
    for each in active:
        _resize(cluster, deployment, each, sizes[each.name])


def _roll(cluster: Cluster, deployment: Deployment, owned: list[ReplicaSet], newest: ReplicaSet | None) -> None:
    if newest is None:
        revision = max((each.revision for each in owned), default=0) + 1
        name = f"{deployment.name}-{deployment.template}"
        newest = ReplicaSet(name, deployment.template, deployment.uid, 0, revision)
        size = _room_for_new(deployment, owned, newest)
        _resize(cluster, deployment, newest, size)
        return
    olds = [each for each in owned if each.name != newest.name]
    size = newest.replicas
    if size > deployment.replicas:
        size = deployment.replicas
    elif size < deployment.replicas:
        size = _room_for_new(deployment, owned, newest)
    if size != newest.replicas:
        _resize(cluster, deployment, newest, size)
        return
    _reduce_old(cluster, deployment, newest, [each for each in olds if each.replicas > 0])


def _room_for_new(deployment: Deployment, owned: list[ReplicaSet], newest: ReplicaSet) -> int:
    total = sum(each.replicas for each in owned)
    room = max(0, deployment.replicas + deployment.surge - total)
    return newest.replicas + min(room, deployment.replicas - newest.replicas)


def _reduce_old(cluster: Cluster, deployment: Deployment, newest: ReplicaSet, olds: list[ReplicaSet]) -> None:
    if not olds:
        return
    least = deployment.replicas - deployment.unavailable
    new_ready = _available(cluster, newest)
    spare = newest.replicas + sum(each.replicas for each in olds) - least - (newest.replicas - new_ready)
    sizes = {each.name: each.replicas for each in olds}
    for each in sorted(olds, key=lambda one: one.revision):  # first those that are of no use
        useless = min(max(0, spare), each.replicas - _available(cluster, each))
        sizes[each.name] -= useless
        spare -= useless
    ready = new_ready + sum(_available(cluster, each) for each in olds)
    for each in sorted(olds, key=lambda one: one.revision):
        gone = min(sizes[each.name], max(0, min(spare, ready - least)))
        sizes[each.name] -= gone
        ready -= gone
        spare -= gone
    for each in olds:
        if sizes[each.name] != each.replicas:
            _resize(cluster, deployment, each, sizes[each.name])
