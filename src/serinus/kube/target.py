"""A rollout's part of the cluster as live copies: what is watched, and for how long. No request is made by polling.

`open_target` follows the Service, the Deployments and the saved record, which is enough for a survey; `follow` adds
what a plan needs: pods, EndpointSlices, and, where they matter, ReplicaSets and the HPA.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from serinus.core.config import ConfigKind, NamedConfig
from serinus.core.plan import AutoscalerKind, AutoscalerRef, Plan, Promotion, has_jobs
from serinus.core.pods import Pod, Track
from serinus.core.spec import GATE_LABEL, PROBE_LABEL, RELEASE_LABEL, Config
from serinus.core.state import Finished
from serinus.core.survey import Survey
from serinus.kube.client import Client
from serinus.kube.copies import COPY_LABEL, RESOURCES
from serinus.kube.copying import read_config
from serinus.kube.errors import ApiError, Forbidden, KubeError, NotFound
from serinus.kube.informer import Informer
from serinus.kube.keda import owner_of_hpa, scaled_object_ref, scales
from serinus.kube.lease import Holder, holder_of
from serinus.kube.read import deployment_facts, hpa_ref, labels_of, matches, pod_of, service_facts
from serinus.kube.recordings import KubeRecordings
from serinus.kube.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    HPAS,
    JOBS,
    LEASES,
    PODS,
    REPLICASETS,
    SCALED_OBJECTS,
    SERVICES,
    Raw,
)
from serinus.kube.store import KubeStore, store_name

AUTOSCALERS = {AutoscalerKind.HPA: HPAS, AutoscalerKind.SCALED_OBJECT: SCALED_OBJECTS}
SERVICE_NAME_LABEL = "kubernetes.io/service-name"


@dataclass(slots=True)
class Target:
    """The live copies. Those of `follow` are None before it."""

    client: Client
    namespace: str
    service: str
    services: Informer
    deployments: Informer
    records: Informer
    stack: contextlib.AsyncExitStack
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    pods: Informer | None = None
    slices: Informer | None = None
    probes: Informer | None = None
    replicasets: Informer | None = None
    autoscalers: Informer | None = None
    leases: Informer | None = None
    jobs: Informer | None = None
    copies: dict[ConfigKind, Informer] = field(default_factory=dict)
    served: frozenset[str] | None = None  # the API groups; None: not asked for yet

    @property
    def store(self) -> KubeStore:
        """Where this target's record is kept."""
        return KubeStore(self.client, self.records, self.namespace, self.service)

    @property
    def recordings(self) -> KubeRecordings:
        """Where the readings of this target's last rollouts are kept."""
        return KubeRecordings(self.client, self.namespace, self.service)

    @property
    def raw_service(self) -> Raw | None:
        """The Service as it is now."""
        return self.services.objects.get(self.service)

    def raw_pod(self, name: str) -> Raw | None:
        """One of the pods that are followed."""
        copies = [informer.objects for informer in (self.pods, self.probes) if informer is not None]
        return next((objects[name] for objects in copies if name in objects), None)

    def informers(self) -> list[Informer]:
        """All that are running."""
        every = (
            self.services,
            self.deployments,
            self.records,
            self.pods,
            self.slices,
            self.probes,
            self.replicasets,
            self.autoscalers,
            self.leases,
            self.jobs,
        )
        return [*(informer for informer in every if informer is not None), *self.copies.values()]

    async def refresh(self) -> None:
        """List every kind that is followed once more, and watch on from there. Raises KubeError."""
        try:
            async with asyncio.TaskGroup() as group:
                for informer in self.informers():
                    group.create_task(informer.refresh())
        except* KubeError as errors:
            raise errors.exceptions[0] from None

    def stale_seconds(self) -> float:
        """For how long the oldest of the copies has not been known to be current; 0 while all watches are alive."""
        now = self.client.transport.clock.now()
        ages = (now - informer.stale_since for informer in self.informers() if informer.stale_since is not None)
        return max((age.total_seconds() for age in ages), default=0.0)

    async def start(self, informer: Informer) -> Informer:
        """Run one more live copy until the target is closed."""
        await self.stack.enter_async_context(informer)
        informer.subscribe(self.changed.set)
        return informer


@contextlib.asynccontextmanager
async def open_target(client: Client, namespace: str, service: str) -> AsyncIterator[Target]:
    """Follow what a survey needs. Raises KubeError when the cluster does not answer, or refuses."""
    async with contextlib.AsyncExitStack() as stack:
        target = Target(
            client,
            namespace,
            service,
            services=Informer(client, SERVICES, namespace, field_selector=f"metadata.name={service}"),
            deployments=Informer(client, DEPLOYMENTS, namespace),
            records=Informer(client, CONFIGMAPS, namespace, field_selector=f"metadata.name={store_name(service)}"),
            stack=stack,
        )
        for informer in target.informers():
            await target.start(informer)
        await asyncio.gather(*(informer.synced() for informer in target.informers()))
        yield target


async def survey(target: Target, config: Config = Config.SHARED) -> Survey:
    """What a plan is made from. Three requests, two when there is no such Service; one more where there is KEDA.

    With versioned config also one for each ConfigMap and Secret that a Deployment behind the Service names.
    """
    raw_service = target.raw_service
    where = target.client.transport.where
    if raw_service is None:
        listing = await target.client.list(SERVICES, target.namespace)
        names = tuple(raw["metadata"]["name"] for raw in listing.items)
        return Survey(target.namespace, None, service_names=names, cluster=where)
    replicasets, hpas, scaled_objects = await asyncio.gather(
        target.client.list(REPLICASETS, target.namespace, label_selector=RELEASE_LABEL),
        target.client.list(HPAS, target.namespace),
        _scaled_objects(target),
    )
    facts = service_facts(raw_service)
    kept = kept_name(target)
    behind = [
        raw
        for raw in target.deployments.objects.values()
        if facts.selector and matches({"matchLabels": facts.selector}, _template_labels(raw))
    ]
    return Survey(
        namespace=target.namespace,
        service=facts,
        behind=tuple(deployment_facts(raw, raw["metadata"]["name"] == kept) for raw in behind),
        deployment_names=frozenset(target.deployments.objects),
        releases=frozenset(labels_of(raw)[RELEASE_LABEL] for raw in replicasets.items),
        autoscalers=autoscalers_of(hpas.items, scaled_objects),
        cluster=where,
        config=await _config(target, behind) if config is Config.VERSIONED else {},
    )


async def group_names(target: Target) -> frozenset[str]:
    """The API groups of the cluster, asked for once; none where discovery is closed to this user."""
    if target.served is None:
        try:
            target.served = await target.client.group_names()
        except ApiError:
            target.served = frozenset()
    return target.served


async def _scaled_objects(target: Target) -> list[Raw]:
    """KEDA's, where there are any that this user may list; the preflight says of those that may not be."""
    if SCALED_OBJECTS.group not in await group_names(target):
        return []
    try:
        return (await target.client.list(SCALED_OBJECTS, target.namespace)).items
    except (Forbidden, NotFound):
        return []


def autoscalers_of(raw_hpas: list[Raw], raw_scaled_objects: list[Raw]) -> dict[str, AutoscalerRef]:
    """By the Deployment that is scaled. An HPA of KEDA's stands for its ScaledObject, which may not be listed."""
    found: dict[str, AutoscalerRef] = {}
    for raw in raw_hpas:
        reference, owner = raw["spec"]["scaleTargetRef"], owner_of_hpa(raw)
        if reference.get("kind") == "Deployment":
            kind = AutoscalerKind.SCALED_OBJECT
            found[reference["name"]] = hpa_ref(raw) if owner is None else AutoscalerRef(owner, kind=kind)
    return found | {name: scaled_object_ref(raw) for raw in raw_scaled_objects if (name := scales(raw)) is not None}


async def _config(target: Target, behind: list[Raw]) -> dict[str, tuple[NamedConfig, ...]]:
    client, namespace, service = target.client, target.namespace, target.service
    read = [read_config(client, namespace, service, raw["spec"]["template"]["spec"]) for raw in behind]
    names = [raw["metadata"]["name"] for raw in behind]
    return dict(zip(names, await asyncio.gather(*read), strict=True))


def is_as_planned(target: Target, plan: Plan) -> bool:
    """Whether production still is what the plan was made for: a run that stood still may have looked long ago."""
    if plan.stable is None:
        return plan.canary_name not in target.deployments.objects
    raw = target.deployments.objects.get(plan.stable.name)
    if raw is None or raw["metadata"]["uid"] != plan.stable.uid:
        return False
    facts = deployment_facts(raw, kept=False)
    return facts.images == plan.stable.images and facts.wanted == plan.stable.replicas


def kept_name(target: Target) -> str | None:
    """The previous version's Deployment that the last rollout kept at 0 pods, if it is still so."""
    saved = target.store.load()
    if saved is None or not saved.record.history:
        return None
    name = saved.record.history[0].kept
    raw = target.deployments.objects.get(name or "")
    return name if raw is not None and raw["spec"].get("replicas") == 0 else None


def _template_labels(raw: Raw) -> dict[str, str]:
    return raw["spec"]["template"]["metadata"].get("labels") or {}


async def follow_pods(target: Target) -> None:
    """Follow the pods behind the Service, without any plan."""
    target.pods = Informer(target.client, PODS, target.namespace, label_selector=_selected(target))
    await (await target.start(target.pods)).synced()


def pods_now(target: Target) -> tuple[Pod, ...]:
    """The pods that are followed: a rollout's that has not finished are the canary's, all others production's."""
    saved = target.store.load()
    is_over = saved is None or isinstance(saved.record.state, Finished)
    release = saved.record.plan.release if saved is not None and not is_over else None
    raws = target.pods.objects if target.pods is not None else {}

    def track(raw: Raw) -> Track:
        return Track.CANARY if release and labels_of(raw).get(RELEASE_LABEL) == release else Track.STABLE

    return tuple(pod_of(raw, track(raw), frozenset()) for _, raw in sorted(raws.items()))


def _selected(target: Target) -> str:
    raw_service = target.raw_service
    selector = service_facts(raw_service).selector if raw_service is not None else {}
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


async def follow(target: Target, plan: Plan) -> None:
    """Follow what this plan's turns look at."""
    selected = _selected(target)
    client, namespace = target.client, target.namespace
    started = []
    if target.pods is None:  # else they are followed already, by `follow_pods`
        target.pods = Informer(client, PODS, namespace, label_selector=selected)
        started.append(target.pods)
    by_service = f"{SERVICE_NAME_LABEL}={target.service}"
    target.slices = Informer(client, ENDPOINTSLICES, namespace, label_selector=by_service)
    started.append(target.slices)
    if plan.smoke_before_traffic:
        target.probes = Informer(client, PODS, namespace, label_selector=f"{PROBE_LABEL}={plan.release}")
        started.append(target.probes)
    if plan.promotion is Promotion.ADOPT or plan.config is not None:
        target.replicasets = Informer(client, REPLICASETS, namespace, label_selector=selected)
        started.append(target.replicasets)
    if plan.autoscaler is not None:
        resource = AUTOSCALERS[plan.autoscaler.kind]
        by_name = f"metadata.name={plan.autoscaler.name}"
        target.autoscalers = Informer(client, resource, namespace, field_selector=by_name)
        started.append(target.autoscalers)
    for kind in plan.config.kinds if plan.config is not None else ():
        selector_of_ours = f"{COPY_LABEL}={target.service}"
        target.copies[kind] = Informer(client, RESOURCES[kind], namespace, label_selector=selector_of_ours)
        started.append(target.copies[kind])
    if has_jobs(plan):
        target.jobs = Informer(client, JOBS, namespace, label_selector=f"{GATE_LABEL}={plan.rollout}")
        started.append(target.jobs)
    for informer in started:
        await target.start(informer)
    await asyncio.gather(*(informer.synced() for informer in started))


async def follow_lease(target: Target) -> None:
    """Follow who drives the target's rollout."""
    by_name = f"metadata.name={store_name(target.service)}"
    target.leases = Informer(target.client, LEASES, target.namespace, field_selector=by_name)
    await (await target.start(target.leases)).synced()


def holder(target: Target) -> Holder | None:
    """Who drives the rollout, by the live copy of the Lease; None: nobody."""
    raw = target.leases.objects.get(store_name(target.service)) if target.leases is not None else None
    return holder_of(raw) if raw is not None else None


async def sweep(target: Target, kept: str) -> None:
    """Remove the previous version that the last rollout kept at 0 pods. Raises KubeError."""
    uid = target.deployments.objects[kept]["metadata"]["uid"]
    await target.client.delete(DEPLOYMENTS, kept, target.namespace, uid=uid)
