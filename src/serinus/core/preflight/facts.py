"""What a preflight looks at, gathered once: frozen facts, no raw objects. `kube/preflight.py` gathers them.

Amounts are in base units by resource name: cores, bytes, pieces. A kind that could not be read is `Unread`, a value
like any other: what nobody looked at must neither refuse a rollout nor pass for looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from serinus.core.plan import Plan
from serinus.core.survey import Problem

Amounts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know before a rollout that does not refuse it. `check`: which check says so."""

    check: str
    what: str
    why: str
    hint: str

    @property
    def sentence(self) -> str:
        """All of it on one line."""
        return f"{self.what}: {self.why}; {self.hint}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a preflight found: problems refuse the rollout, notes are told.

    `budgets_want`: how many pods of production every PodDisruptionBudget together would keep; all where none was read.
    """

    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()
    budgets_want: int = 0


@dataclass(frozen=True, slots=True)
class Unread:
    """A kind that was not looked at. `why` may be empty: then nothing needs to be said about it."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class PodShape:
    """One pod of the new version, as the cluster would store it where it let us rehearse that.

    `containers`: (name, requests, limits) of each. `requests`, `limits`: of the whole pod, init containers and overhead
    included. `leader_hints`: words of the template that speak of leader election.
    """

    requests: Amounts = field(default_factory=dict)
    limits: Amounts = field(default_factory=dict)
    containers: tuple[tuple[str, Amounts, Amounts], ...] = ()
    host_ports: tuple[int, ...] = ()
    claims: tuple[str, ...] = ()
    leader_hints: tuple[str, ...] = ()
    has_readiness_probe: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A dry run that the cluster refused. `by_webhook`: an admission webhook did, and not the cluster itself."""

    what: str
    where: str
    why: str
    hint: str
    by_webhook: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the dry runs came to. `altered`: paths of the canary's Deployment that came back other than they were sent.

    `injected`: containers that the rehearsed pod was given and no pod of production has. `pod`: whether one was
    rehearsed at all, which asks more of the cluster: pod security, limits, quota.
    """

    refusals: tuple[Refusal, ...] = ()
    altered: tuple[str, ...] = ()
    injected: tuple[str, ...] = ()
    pod: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota that counts such pods."""

    name: str
    hard: Amounts
    used: Amounts


@dataclass(frozen=True, slots=True)
class Limit:
    """One entry of a LimitRange; `kind` is Container or Pod."""

    name: str
    kind: str
    minimum: Amounts
    maximum: Amounts


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget that counts production's pods. Numbers or percentages, as they stand there."""

    name: str
    min_available: int | str | None
    max_unavailable: int | str | None
    counts_canary: bool


@dataclass(frozen=True, slots=True)
class Scaler:
    """A ScaledObject (KEDA) or VerticalPodAutoscaler of production. `active`: it would act while the rollout runs."""

    name: str
    active: bool
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that such pods may be put on, and what the pods on it leave; None: not counted."""

    name: str
    free: Amounts | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim that the template names."""

    name: str
    modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keeper:
    """A GitOps tool that keeps an object as Git has it. `tool`: one of the names in `owners.py`."""

    tool: str
    application: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Others whose pods stand behind the Service too. `kind` and `name` of their owner; empty: pods of their own."""

    kind: str
    name: str
    pods: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the checks see."""

    plan: Plan
    cluster: str
    pod: PodShape = PodShape()
    missing_rights: tuple[str, ...] = ()
    rehearsal: Rehearsal = Rehearsal()
    quotas: tuple[Quota, ...] | Unread = ()
    limits: tuple[Limit, ...] | Unread = ()
    budgets: tuple[Budget, ...] | Unread = ()
    scaled_objects: tuple[Scaler, ...] | Unread = ()
    vertical_autoscalers: tuple[Scaler, ...] | Unread = ()
    nodes: tuple[Node, ...] | Unread = Unread()
    claims: tuple[Claim, ...] | Unread = ()
    lock_names: tuple[str, ...] | Unread = ()  # Leases that pods of production hold, or that are named like it
    keepers: tuple[Keeper, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def namespace(self) -> str:
        return f"namespace {self.plan.namespace} of {self.cluster}"

    @property
    def production(self) -> str:
        """Production's Deployment, in words; the one to be made where there is none."""
        plan = self.plan
        return f"Deployment {plan.stable.name if plan.stable is not None else plan.canary_name}"
