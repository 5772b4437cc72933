"""One function per action: what the machine wishes for, as one request. Each is safe twice.

A patch tests what was seen, so a late or repeated one changes nothing; the server's answer goes into the live copy at
once, so the next turn does not ask again. A refusal is Trouble: said once, and asked for again by the next turn.
"""

import contextlib
from typing import assert_never

from serinus.core.config import ConfigCopy, ConfigKind
from serinus.core.gates import Job
from serinus.core.plan import AutoscalerKind, Plan, gates_of
from serinus.core.pods import Track
from serinus.core.spec import RELEASE_LABEL, VERSION_LABEL
from serinus.core.turn import (
    Action,
    AskGate,
    CreateCanary,
    CreateProbe,
    HandTemplate,
    MakeCopy,
    MarkVersion,
    OrphanCanary,
    PinAutoscaler,
    ReleaseStable,
    RemoveCanary,
    RemoveCopy,
    RemoveJob,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    StartJob,
    TakeBackTemplate,
)
from serinus.kube.build import (
    Patch,
    canary_deployment,
    first_deployment,
    merge_as_seen,
    pin_patch,
    probe_name,
    probe_pod,
    release_patch,
    scale_patch,
    size_patch,
    template_patch,
    test_as_seen,
    unpin_patch,
)
from serinus.kube.client import PatchKind, Propagation
from serinus.kube.copies import RESOURCES
from serinus.kube.copying import ConfigLost, make_copy
from serinus.kube.errors import AlreadyExists, Conflict, Invalid, KubeError, NotFound, Unreachable
from serinus.kube.gate_jobs import job_manifest
from serinus.kube.informer import Informer
from serinus.kube.keda import pause_patch, resume_patch
from serinus.kube.read import labels_of, owner_uid, pod_of, revision_of
from serinus.kube.resources import DEPLOYMENTS, JOBS, PODS, SERVICES, Raw, Resource
from serinus.kube.target import AUTOSCALERS, Target
from serinus.ports import Trouble


class Actor:
    """Carries out actions on one target. `deleted_uids`: what it deleted and the live copy may still show.

    `config_lost`: what it could not copy for the release any more, and why; empty: nothing.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.deleted_uids: set[str] = set()
        self.config_lost = ""

    async def act(self, plan: Plan, action: Action) -> None:
        """Ask the cluster for one thing. Raises Trouble."""
        try:
            await self._act(plan, action)
        except Unreachable as error:
            raise Trouble(str(error), may_come_late=error.may_have_happened) from error
        except (Conflict, Invalid) as error:  # the copy is out of date; perhaps by this very call, sent twice
            raise Trouble(str(error), may_come_late=True) from error
        except KubeError as error:
            raise Trouble(str(error)) from error

    async def _act(self, plan: Plan, action: Action) -> None:
        match action:
            case CreateCanary(replicas):
                await self._create_canary(plan, replicas)
            case ScaleCanary(seen, replicas):
                await self._scale(plan.canary_name, seen, replicas)
            case ScaleStable(seen, replicas):
                await self._scale(_stable_name(plan), seen, replicas)
            case RemoveCanary():
                await self._delete_deployment(plan.canary_name, Propagation.BACKGROUND)
            case RemoveStable():
                await self._remove_stable(plan)
            case MarkVersion(version):
                await self._mark_version(version)
            case CreateProbe():
                await self._create_probe(plan)
            case RemoveProbe():
                await self._remove_probe(plan)
            case StartJob(gate, step):
                await self._start_job(plan, gate, step)
            case RemoveJob(name):
                await self._remove_job(name)
            case MakeCopy(copy):
                await self._make_copy(plan, copy)
            case RemoveCopy(kind, name):
                await self._remove_copy(kind, name)
            case PinAutoscaler() | RestoreAutoscaler():
                await self._patch_autoscaler(plan, action)
            case HandTemplate() | OrphanCanary() | SizeAdopted() | ReleaseStable() | TakeBackTemplate():
                await self._adopt(plan, action)
            case RunSmoke() | AskGate():
                raise AssertionError("questions are the gates' business, not the cluster's")
            case _:
                assert_never(action)

    async def _adopt(
        self, plan: Plan, action: HandTemplate | OrphanCanary | SizeAdopted | ReleaseStable | TakeBackTemplate
    ) -> None:
        name = _stable_name(plan)
        surge = plan.stable.max_surge if plan.stable is not None else None
        raw = self._deployment(name)
        match action:
            case HandTemplate():
                template = self._deployment(plan.canary_name)["spec"]["template"]
                await self._patch_deployment(name, template_patch(raw, template, paused=True, surge=plan.replicas))
            case OrphanCanary():
                await self._delete_deployment(plan.canary_name, Propagation.ORPHAN)
            case SizeAdopted(replicas, left):
                await self._patch_deployment(name, size_patch(raw, replicas, left))
            case ReleaseStable():
                await self._patch_deployment(name, release_patch(raw, surge))
            case TakeBackTemplate():
                template = self._own_template(plan, raw["metadata"]["uid"])
                await self._patch_deployment(name, template_patch(raw, template, paused=False, surge=surge))
            case _:
                assert_never(action)

    def _own_template(self, plan: Plan, stable_uid: str) -> Raw:
        """Production's template before it took over the canary's: that of its newest ReplicaSet of another release."""
        informer = self._target.replicasets
        raws = informer.objects.values() if informer is not None else ()
        own = [
            raw for raw in raws if owner_uid(raw) == stable_uid and labels_of(raw).get(RELEASE_LABEL) != plan.release
        ]
        if not own:
            raise Trouble(f"Deployment {_stable_name(plan)} has no ReplicaSet of its own to take the pod template from")
        template: Raw = max(own, key=revision_of)["spec"]["template"]
        return template

    # Requests

    async def _create_canary(self, plan: Plan, replicas: int) -> None:
        if plan.stable is None:
            raw = first_deployment(self._service(), plan, replicas)
        else:
            raw = canary_deployment(self._deployment(plan.stable.name), plan, replicas)
        await self._create(DEPLOYMENTS, raw, self._target.deployments)

    async def _create_probe(self, plan: Plan) -> None:
        raw = probe_pod(self._deployment(_stable_name(plan)), plan)
        await self._create(PODS, raw, self._target.probes)

    async def _start_job(self, plan: Plan, name: str, step: int) -> None:
        gate = next(gate for gate in gates_of(plan, step) if gate.name == name)
        if not isinstance(gate.kind, Job):
            raise AssertionError(f"gate {name} is no Job")
        pods = self._target.pods.objects.values() if self._target.pods is not None else ()
        canary = (raw for raw in pods if labels_of(raw).get(RELEASE_LABEL) == plan.release)
        ready = tuple(pod for raw in canary if (pod := pod_of(raw, Track.CANARY, frozenset())).ready)
        await self._create(JOBS, job_manifest(plan, gate, gate.kind, step, ready), self._target.jobs)

    async def _remove_job(self, name: str) -> None:
        """In the foreground: it is seen to be gone only when its pod is."""
        raw = self._target.jobs.objects.get(name) if self._target.jobs is not None else None
        if raw is not None:
            await self._delete(JOBS, name, raw["metadata"]["uid"], Propagation.FOREGROUND)

    async def _create(self, resource: Resource, raw: Raw, informer: Informer | None) -> None:
        try:
            answer = await self._target.client.create(resource, raw, self._target.namespace)
        except AlreadyExists:
            return  # an earlier try of ours arrived after all: the watch brings it
        if informer is not None:
            informer.put(answer)

    async def _scale(self, name: str, seen: int, replicas: int) -> None:
        await self._patch_deployment(name, scale_patch(self._deployment(name), seen, replicas))

    async def _patch_deployment(self, name: str, patch: Patch) -> None:
        target = self._target
        answer = await target.client.patch(DEPLOYMENTS, name, target.namespace, patch, kind=PatchKind.JSON)
        target.deployments.put(answer)

    async def _remove_stable(self, plan: Plan) -> None:
        """Only as it was seen, at no pods: the way back scales it up, and a call that comes late must not undo that."""
        name = _stable_name(plan)
        raw, target = self._deployment(name), self._target
        uid, version = raw["metadata"]["uid"], raw["metadata"]["resourceVersion"]
        with contextlib.suppress(NotFound):  # gone already: as wished
            await target.client.delete(DEPLOYMENTS, name, target.namespace, uid=uid, resource_version=version)
        self.deleted_uids.add(uid)

    async def _delete_deployment(self, name: str, propagation: Propagation) -> None:
        await self._delete(DEPLOYMENTS, name, self._uid(name), propagation)

    async def _remove_probe(self, plan: Plan) -> None:
        name = probe_name(plan)
        raw = self._target.probes.objects.get(name) if self._target.probes is not None else None
        if raw is not None:
            await self._delete(PODS, name, raw["metadata"]["uid"], Propagation.BACKGROUND)

    async def _delete(self, resource: Resource, name: str, uid: str, propagation: Propagation) -> None:
        target = self._target
        with contextlib.suppress(NotFound):  # gone already: as wished
            await target.client.delete(resource, name, target.namespace, propagation=propagation, uid=uid)
        self.deleted_uids.add(uid)

    async def _make_copy(self, plan: Plan, copy: ConfigCopy) -> None:
        try:
            answer = await make_copy(self._target.client, plan, copy)
        except ConfigLost as lost:
            self.config_lost = str(lost)
            raise Trouble(str(lost)) from lost
        self._target.copies[copy.kind].put(answer)

    async def _remove_copy(self, kind: ConfigKind, name: str) -> None:
        raw = self._target.copies[kind].objects.get(name)
        if raw is not None:
            await self._delete(RESOURCES[kind], name, raw["metadata"]["uid"], Propagation.BACKGROUND)

    async def _mark_version(self, version: str | None) -> None:
        target = self._target
        patch = merge_as_seen(self._service(), {"metadata": {"labels": {VERSION_LABEL: version}}})
        answer = await target.client.patch(SERVICES, target.service, target.namespace, patch, kind=PatchKind.MERGE)
        target.services.put(answer)

    async def _patch_autoscaler(self, plan: Plan, action: PinAutoscaler | RestoreAutoscaler) -> None:
        informer, before = self._target.autoscalers, plan.autoscaler
        raw = informer.objects.get(before.name) if before is not None and informer is not None else None
        if before is None or informer is None or raw is None:
            return  # removed by someone meanwhile: nothing to hold, nothing to give back
        target = action.target if isinstance(action, RestoreAutoscaler) else None
        body: Raw | Patch
        match before.kind:
            case AutoscalerKind.HPA:
                has_behavior, kind = "behavior" in raw["spec"], PatchKind.JSON
                patch = pin_patch() if target is None else unpin_patch(before, target, has_behavior)
                body = [test_as_seen(raw), *patch]
            case AutoscalerKind.SCALED_OBJECT:
                merge, kind = pause_patch() if target is None else resume_patch(before, target), PatchKind.MERGE
                body = merge_as_seen(raw, merge)
            case _:
                assert_never(before.kind)
        resource, namespace = AUTOSCALERS[before.kind], self._target.namespace
        informer.put(await self._target.client.patch(resource, before.name, namespace, body, kind=kind))

    # The live copies

    def _service(self) -> Raw:
        raw = self._target.raw_service
        if raw is None:
            raise Trouble(f"Service {self._target.service} is gone")
        return raw

    def _deployment(self, name: str) -> Raw:
        raw = self._target.deployments.objects.get(name)
        if raw is None:
            raise Trouble(f"Deployment {name} is gone")
        return raw

    def _uid(self, name: str) -> str:
        uid: str = self._deployment(name)["metadata"]["uid"]
        return uid


def _stable_name(plan: Plan) -> str:
    if plan.stable is None:
        raise AssertionError("a first deployment has no production to act on")
    return plan.stable.name
