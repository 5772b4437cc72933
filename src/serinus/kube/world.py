"""The Cluster port over live copies: looking costs nothing, acting is one request each (`act.py`)."""

import asyncio

from serinus.core.config import Copies, SeenCopy
from serinus.core.plan import Plan
from serinus.core.pods import Pod, Track
from serinus.core.spec import PROBE_LABEL, RELEASE_LABEL
from serinus.core.turn import Action, Adoption, Autoscaler, ProbePod, Workload
from serinus.core.world import World
from serinus.kube.act import Actor
from serinus.kube.copies import named_by
from serinus.kube.errors import BadRequest, KubeError, NotFound
from serinus.kube.gate_jobs import JOB_NAME_LABEL, gate_job, newest_pod
from serinus.kube.informer import Informer
from serinus.kube.read import (
    autoscaler_of,
    creation_refused,
    labels_of,
    last_writer,
    owner_uid,
    pod_of,
    same_template,
    selector_hash,
    service_facts,
    serving_pods,
    template_hash,
    track_of,
    veto_of,
    workload_of,
)
from serinus.kube.resources import PODS, Raw
from serinus.kube.target import Target
from serinus.ports import Trouble

LOG_LINES = 10
LOG_SECONDS_MAX = 2.0
"""A log that cannot be had in this time does not hold up the way back."""


class KubeCluster:
    """See `ports.Cluster`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._actor = Actor(target)

    def observe(self, plan: Plan) -> World:
        """What the live copies say now."""
        target = self._target
        stable_raw = self._stable(plan)
        canary_raw = target.deployments.objects.get(plan.canary_name)
        adopted = stable_raw is not None and self._canary_replicaset_owner(plan) == stable_raw["metadata"]["uid"]
        pods = self._pods(plan, adopted, stable_raw, canary_raw if plan.revives else None)
        return World(
            pods=pods,
            stable=self._workload(stable_raw, pods, Track.STABLE),
            canary=self._workload(canary_raw, pods, Track.CANARY),
            probe=self._probe(pods),
            service_version=service_facts(target.raw_service).version if target.raw_service is not None else None,
            autoscaler=self._hpa(plan),
            adoption=self._adoption(plan, stable_raw, canary_raw),
            canary_pods_left=sum(pod.track.is_canary for pod in pods),
            jobs=tuple(gate_job(raw) for raw in _objects(target.jobs)),
            copies=self._copies(plan),
            creation_refused=creation_refused(canary_raw),
            config_lost=self._actor.config_lost,
            stable_template=template_hash(stable_raw),
            canary_template=template_hash(canary_raw),
            selector=selector_hash(target.raw_service),
            veto=self._veto(plan, stable_raw, canary_raw),
            last_writer=last_writer([stable_raw, canary_raw]),
            stale_seconds=target.stale_seconds(),
        )

    async def changed(self, timeout_seconds: float) -> bool:
        """Wait for any change of the live copies; False: there was none in that time."""
        target = self._target
        try:
            async with asyncio.timeout(timeout_seconds):
                await target.changed.wait()
                return True
        except TimeoutError:
            return False
        finally:
            target.changed.clear()

    async def refresh(self) -> None:
        """List every kind that is followed once more, and watch on from there."""
        try:
            await self._target.refresh()
        except KubeError as error:
            raise Trouble(str(error)) from error

    async def act(self, plan: Plan, action: Action) -> None:
        """See `act.py`."""
        await self._actor.act(plan, action)

    async def log_tail(self, pod: str, container: str) -> tuple[str, ...]:
        """The last lines, quickly or not at all.

        The previous run is asked for first: by now the kubelet may have started the container again, and a run that has
        only begun says nothing of the one that ended.
        """
        try:
            async with asyncio.timeout(LOG_SECONDS_MAX):
                try:
                    text = await self._log(pod, container, previous=True)
                except (BadRequest, NotFound):  # not started again yet: the run that ended is the latest
                    text = await self._log(pod, container, previous=False)
        except TimeoutError:
            return (f"(the log could not be read within {LOG_SECONDS_MAX:g} s)",)
        except KubeError as error:
            return (f"(the log cannot be read: {error.why})",)
        return tuple(line for line in text.splitlines() if line.strip())

    async def job_log(self, job: str) -> tuple[str, ...]:
        """The last lines of the Job's newest pod, quickly or not at all."""
        client, namespace = self._target.client, self._target.namespace
        try:
            async with asyncio.timeout(LOG_SECONDS_MAX):
                pods = (await client.list(PODS, namespace, label_selector=f"{JOB_NAME_LABEL}={job}")).items
                pod = newest_pod(pods)
                if pod is None:
                    return ("(it has no pod)",)
                texts = [
                    await self._log(pod["metadata"]["name"], container["name"], previous=False)
                    for container in pod["spec"]["containers"]
                ]
        except TimeoutError:
            return (f"(the log could not be read within {LOG_SECONDS_MAX:g} s)",)
        except KubeError as error:
            return (f"(the log cannot be read: {error.why})",)
        return tuple(line for text in texts for line in text.splitlines() if line.strip())

    async def _log(self, pod: str, container: str, previous: bool) -> str:
        client, namespace = self._target.client, self._target.namespace
        return await client.logs(pod, namespace, container=container, tail_lines=LOG_LINES, previous=previous)

    def _stable(self, plan: Plan) -> Raw | None:
        if plan.stable is None:
            return None
        raw = self._target.deployments.objects.get(plan.stable.name)
        return raw if raw is not None and raw["metadata"]["uid"] == plan.stable.uid else None

    def _pods(self, plan: Plan, adopted: bool, stable_raw: Raw | None, kept_raw: Raw | None) -> tuple[Pod, ...]:
        target = self._target
        serving = serving_pods(_objects(target.slices))
        selector = stable_raw["spec"]["selector"] if stable_raw is not None else None
        kept_selector = kept_raw["spec"]["selector"] if kept_raw is not None else None
        raws = [*_objects(target.pods), *_objects(target.probes)]
        tracked = ((raw, track_of(raw, plan, adopted, selector, kept_selector)) for raw in raws)
        return tuple(pod_of(raw, track, serving) for raw, track in tracked if track is not None)

    def _workload(self, raw: Raw | None, pods: tuple[Pod, ...], track: Track) -> Workload | None:
        if raw is None:
            return None
        asked_to_go = raw["metadata"]["uid"] in self._actor.deleted_uids
        return workload_of(raw, (pod for pod in pods if pod.track is track), asked_to_go)

    def _veto(self, plan: Plan, stable_raw: Raw | None, canary_raw: Raw | None) -> str:
        """A veto on the Deployments, or on a pod of the canary."""
        target = self._target
        marked = (plan.release, RELEASE_LABEL), (plan.release, PROBE_LABEL)
        pods = [
            raw
            for raw in (*_objects(target.pods), *_objects(target.probes))
            if any(labels_of(raw).get(label) == release for release, label in marked)
        ]
        raws = [raw for raw in (canary_raw, stable_raw, *pods) if raw is not None]
        return next((word for word in map(veto_of, raws) if word), "")

    def _probe(self, pods: tuple[Pod, ...]) -> ProbePod | None:
        for pod in pods:
            if pod.track is Track.PROBE:
                return ProbePod(pod.ready, pod.deleting or pod.uid in self._actor.deleted_uids)
        return None

    def _hpa(self, plan: Plan) -> Autoscaler | None:
        if plan.autoscaler is None or self._target.autoscalers is None:
            return None
        raw = self._target.autoscalers.objects.get(plan.autoscaler.name)
        return autoscaler_of(raw, plan.autoscaler) if raw is not None else None

    def _copies(self, plan: Plan) -> Copies | None:
        """The release's copies, and what names any: Deployments, and the ReplicaSets that are theirs or nobody's."""
        if plan.config is None:
            return None
        deployments = _objects(self._target.deployments)
        uids = {None, *(raw["metadata"]["uid"] for raw in deployments)}
        sets = [raw for raw in _objects(self._target.replicasets) if owner_uid(raw) in uids]
        named = named_by(raw["spec"]["template"]["spec"] for raw in (*deployments, *sets))
        there = [
            (SeenCopy(kind, name, raw["metadata"]["uid"] in self._actor.deleted_uids), kind, name)
            for kind, informer in self._target.copies.items()
            for name, raw in informer.objects.items()
        ]
        known = {(kind, name) for _, kind, name in there}
        return Copies(
            missing=tuple(copy for copy in plan.config.copies if (copy.kind, copy.name) not in known),
            unused=tuple(seen for seen, kind, name in there if (kind, name) not in named),
        )

    def _canary_replicaset_owner(self, plan: Plan) -> str | None:
        for raw in _objects(self._target.replicasets):
            if labels_of(raw).get(RELEASE_LABEL) == plan.release:
                return owner_uid(raw)
        return None

    def _adoption(self, plan: Plan, stable_raw: Raw | None, canary_raw: Raw | None) -> Adoption | None:
        if self._target.replicasets is None or stable_raw is None:
            return None
        equal = canary_raw is not None and same_template(stable_raw, canary_raw)
        return Adoption(self._canary_replicaset_owner(plan), equal)


def _objects(informer: Informer | None) -> list[Raw]:
    return list(informer.objects.values()) if informer is not None else []
