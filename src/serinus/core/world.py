"""One look at the cluster, before anything is judged: what `kube/` reads and `engine/observe.py` turns into facts."""

from dataclasses import dataclass

from serinus.core.config import Copies
from serinus.core.pods import Pod
from serinus.core.turn import Adoption, Autoscaler, ProbePod, Workload


@dataclass(frozen=True, slots=True)
class World:
    """The rollout's part of the cluster at one moment.

    `stale_seconds` is for how long the copy has not been known to be current; 0 while the watches are alive.
    `creation_refused` is what the cluster said when it refused to create the canary's pods.
    """

    pods: tuple[Pod, ...]
    stable: Workload | None
    canary: Workload | None
    probe: ProbePod | None
    service_version: str | None
    autoscaler: Autoscaler | None
    adoption: Adoption | None
    canary_pods_left: int
    copies: Copies | None = None
    creation_refused: str = ""
    config_lost: str = ""  # which ConfigMap or Secret can no longer be copied as planned, and why
    stable_template: str = ""  # hashes, empty where there is no such object
    canary_template: str = ""
    selector: str = ""
    veto: str = ""  # the reason on a veto that someone put on a pod or a Deployment, and where
    last_writer: str = ""
    stale_seconds: float = 0.0
