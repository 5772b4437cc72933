"""What is in the namespace before a rollout: facts that a plan is made from. Gathered by `kube/survey.py`."""

from dataclasses import dataclass, field

from serinus.core.config import NamedConfig
from serinus.core.plan import AutoscalerRef


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """The Service as it is. `ports`: (name, targetPort) as the Service has them."""

    name: str
    selector: dict[str, str]
    version: str | None  # its metadata label `version`
    ports: tuple[tuple[str, int | str], ...] = ()
    type: str = "ClusterIP"


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """A Deployment whose pods the Service selects. `surge` is its maxSurge in pods, None under Recreate."""

    name: str
    uid: str
    wanted: int
    ready: int
    settled: bool
    paused: bool
    images: dict[str, str]  # of the containers that are no init containers, by name
    selector: dict[str, str]
    labels: dict[str, str]
    template_labels: dict[str, str]
    surge: int | None = 1
    max_surge: int | str | None = None
    max_unavailable: int = 0  # in pods
    kept: bool = False  # a previous version that an earlier rollout of ours kept


@dataclass(frozen=True, slots=True)
class Survey:
    """The namespace, as far as a plan needs it."""

    namespace: str
    service: ServiceFacts | None
    behind: tuple[DeploymentFacts, ...] = ()  # those whose pods the Service selects
    deployment_names: frozenset[str] = frozenset()  # all in the namespace
    service_names: tuple[str, ...] = ()
    releases: frozenset[str] = frozenset()  # values of RELEASE_LABEL on ReplicaSets there
    autoscalers: dict[str, AutoscalerRef] = field(default_factory=dict)  # by the name of the Deployment they scale
    config: dict[str, tuple[NamedConfig, ...]] = field(default_factory=dict)  # by Deployment; empty: not asked for
    cluster: str = "the cluster"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a rollout from starting: what, where, why, and what to do about it."""

    what: str
    where: str
    why: str
    hint: str
