"""A spec and today's workload, turned into a flat list of steps: shares, pod counts, bake times, deadlines.

Shares by pod count: with no mesh, a share is the canary's part of all ready pods behind the Service, so only
some shares can be had. This module knows which, and refuses a step that would not mean what it says.
Finding the workload in the cluster is `kube/read.py`'s job; moving a rollout is `transition.py`'s.
"""

import enum
from collections.abc import Iterator
from typing import assert_never

import msgspec

from serinus.core.config import ConfigPlan
from serinus.core.spec import ApprovalDefault, Capacity, Naming, Smoke, Spec, StepSpec
from serinus.core.state import PauseEnd

TOLERANCE_POINTS = 5.0
"""A share may differ from the asked one by this many percentage points..."""
TOLERANCE_RATIO = 1.25
"""...and expose at most this many times the users that were meant to be exposed."""
DEFAULT_STEPS_PERCENT = (25, 50, 75)
PROMOTION_DEADLINE_SECONDS = 600.0
LEAVING_DEADLINE_SECONDS = 900.0
PATIENCE_SECONDS = 2.0
"""On the way back: how long production's pods may take before the canary makes way for them, as maxUnavailable allows.
"""


class Promotion(enum.Enum):
    """How the canary becomes production once every step has passed."""

    RENAME = "the canary's Deployment becomes production"
    ADOPT = "production adopts the canary's ReplicaSet; no pod restarts"
    FIRST = "nothing to replace: the first version"


class Approval(msgspec.Struct, frozen=True):
    """A person's word is needed to leave a step forwards; without it, `end` happens at the deadline."""

    deadline_seconds: float
    end: PauseEnd


class Step(msgspec.Struct, frozen=True):
    """One share held for a time. `deadline_seconds` bounds the whole step: pods ready, gates passed, bake over."""

    asked_percent: float
    canary_replicas: int
    stable_replicas: int
    bake_seconds: float
    deadline_seconds: float
    approval: Approval | None = None

    @property
    def share_percent(self) -> float:
        """The share of requests by pod count, in percent."""
        return share_of(self.canary_replicas, self.stable_replicas)


class StableRef(msgspec.Struct, frozen=True):
    """Production as it was at the start: what a rollback restores, to the letter.

    `max_surge` is the raw field of the Deployment's strategy (a number or a percentage), None where the strategy has
    none.
    """

    name: str
    uid: str
    version: str
    replicas: int
    images: dict[str, str]
    max_surge: int | str | None = None
    label: str | None = None  # the Service's `version` label as it was; None: it had none
    max_unavailable: int = 0  # pods that may be missing for a while: by its strategy, and by every PodDisruptionBudget


class AutoscalerKind(enum.Enum):
    """What can scale production; the value is the API's kind."""

    HPA = "HorizontalPodAutoscaler"
    SCALED_OBJECT = "ScaledObject"  # KEDA's, which makes an HPA of its own


class AutoscalerRef(msgspec.Struct, frozen=True):
    """Production's autoscaler: its name, and what pinning replaces, as it was.

    Of a HorizontalPodAutoscaler the raw fields (None: absent); of a ScaledObject the annotations that pause it.
    """

    name: str
    min_replicas: int | None = None
    behavior: dict[str, object] | None = None
    kind: AutoscalerKind = AutoscalerKind.HPA
    paused: dict[str, str] = {}


class Plan(msgspec.Struct, frozen=True):
    """What a rollout will do, complete: a runner that finds only this and the state can go on."""

    rollout: str  # the run's own identifier
    namespace: str
    service: str
    release: str  # the value of RELEASE_LABEL on the canary
    version: str
    images: dict[str, str]  # of the containers that change, by name
    naming: Naming
    promotion: Promotion
    stable: StableRef | None  # None: nothing was deployed yet
    canary_name: str
    replicas: int  # the size production has, and the canary will have
    steps: tuple[Step, ...]
    ready_deadline_seconds: float
    smoke: Smoke | None = None
    smoke_before_traffic: bool = False
    mark_version: bool = True  # the Service's `version` label is kept up to date
    keep_previous: bool = False
    autoscaler: AutoscalerRef | None = msgspec.field(default=None, name="hpa")  # "hpa": as saved since format 1
    hold_seconds: float | None = None  # harm holds the rollout for so long, for a person to decide; None: it reverts
    freeze_override: str | None = None  # why it began inside a freeze window
    promotion_deadline_seconds: float = PROMOTION_DEADLINE_SECONDS
    leaving_deadline_seconds: float = LEAVING_DEADLINE_SECONDS
    revives: bool = False  # the canary's Deployment was kept before: it is scaled up, and on the way back to 0 again
    config: ConfigPlan | None = None  # the release's own ConfigMaps and Secrets; None: it shares production's
    spec: Spec | None = None  # what was asked for: `serinus retry` asks for it again


class Unreachable(msgspec.Struct, frozen=True):
    """A step that pod counts cannot give: the share asked for, and the nearest that can be had."""

    asked_percent: float
    nearest_percent: float


class Timing(msgspec.Struct, frozen=True):
    """How long each step holds its share, and how long pods may take to be ready."""

    bake_seconds: float
    ready_deadline_seconds: float
    smoke_timeout_seconds: float = 0.0

    @property
    def waiting_seconds(self) -> float:
        """The longest a step may wait for what comes beside its bake: pods and smoke tests, one after the other."""
        return self.ready_deadline_seconds + self.smoke_timeout_seconds


def share_of(canary_replicas: int, stable_replicas: int) -> float:
    """The canary's part of all pods, in percent; 0 when there are none."""
    total = canary_replicas + stable_replicas
    return 100.0 * canary_replicas / total if total else 0.0


def reachable_splits(replicas: int, surge: int, capacity: Capacity = Capacity.SWAP) -> Iterator[tuple[int, int]]:
    """Every (canary, stable) count with both at work.

    SWAP: no less than `replicas` in all and at most `surge` more. KEEP: production stays at `replicas`.
    """
    match capacity:
        case Capacity.SWAP:
            for total in range(max(replicas, 2), replicas + max(surge, 1) + 1):
                for canary in range(1, min(total, replicas + 1)):
                    yield canary, total - canary
        case Capacity.KEEP:
            for canary in range(1, replicas + 1):
                yield canary, replicas
        case _:
            assert_never(capacity)


def nearest_split(
    asked_percent: float, replicas: int, surge: int, capacity: Capacity = Capacity.SWAP
) -> tuple[int, int]:
    """The split whose share is nearest to the asked one; of equals, the one with fewest pods."""
    return min(
        reachable_splits(replicas, surge, capacity),
        key=lambda split: (round(abs(share_of(*split) - asked_percent), 6), sum(split)),
    )


def is_near(asked_percent: float, share_percent: float) -> bool:
    """Whether a share may stand for the asked one."""
    close = abs(share_percent - asked_percent) <= TOLERANCE_POINTS
    return close and share_percent <= TOLERANCE_RATIO * asked_percent


def unreachable_steps(
    asked: tuple[StepSpec, ...], replicas: int, surge: int, capacity: Capacity = Capacity.SWAP
) -> tuple[Unreachable, ...]:
    """The asked shares that no split comes near enough to."""
    found = []
    for percent in (step.weight_percent for step in asked):
        if percent >= 100:
            continue  # the last step: everybody
        nearest = share_of(*nearest_split(percent, replicas, surge, capacity))
        if not is_near(percent, nearest):
            found.append(Unreachable(percent, nearest))
    return tuple(found)


def replicas_needed(asked_percent: float, capacity: Capacity = Capacity.SWAP, limit: int = 1000) -> int | None:
    """The smallest production size at which a share is reachable with one pod more: whatever the surge, it is then."""
    for replicas in range(1, limit + 1):
        if is_near(asked_percent, share_of(*nearest_split(asked_percent, replicas, 1, capacity))):
            return replicas
    return None


def make_steps(
    asked: tuple[StepSpec, ...] | None,
    replicas: int,
    surge: int,
    promotion: Promotion,
    timing: Timing,
    capacity: Capacity = Capacity.SWAP,
) -> tuple[Step, ...]:
    """The steps for asked shares (None: the default ones), strictly growing, the last with everybody.

    Two asked shares that mean the same split become one step, with the longer times of the two. Under ADOPT one stable
    pod stays until the adoption, which would otherwise scale the adopted ReplicaSet to nothing (field/promotion.md).
    """
    if promotion is Promotion.FIRST:
        return (_step(StepSpec(100), replicas, 0, timing),)
    steps: list[Step] = []
    everybody = StepSpec(100)
    for wish in asked or tuple(StepSpec(percent) for percent in DEFAULT_STEPS_PERCENT):
        if wish.weight_percent >= 100:
            everybody = wish
            break
        _add(steps, _step(wish, *nearest_split(wish.weight_percent, replicas, surge, capacity), timing))
    last_stable = 1 if promotion is Promotion.ADOPT else 0
    _add(steps, _step(everybody, replicas, last_stable, timing))
    return tuple(steps)


def _add(steps: list[Step], step: Step) -> None:
    """Add a step that grows; one that does not lends its longer times and its approval to the step before."""
    if not steps or _grows(steps[-1], step):
        steps.append(step)
        return
    last = steps[-1]
    bake_seconds = max(last.bake_seconds, step.bake_seconds)
    waiting_seconds = max(last.deadline_seconds - last.bake_seconds, step.deadline_seconds - step.bake_seconds)
    steps[-1] = msgspec.structs.replace(
        last,
        bake_seconds=bake_seconds,
        deadline_seconds=bake_seconds + waiting_seconds,
        approval=last.approval or step.approval,
    )


def _grows(last: Step, step: Step) -> bool:
    """A later step has a greater share, no fewer canary pods and no more stable ones: nothing is taken back."""
    fewer = step.canary_replicas < last.canary_replicas or step.stable_replicas > last.stable_replicas
    return step.share_percent > last.share_percent and not fewer


def _step(wish: StepSpec, canary: int, stable: int, timing: Timing) -> Step:
    bake_seconds = timing.bake_seconds if wish.bake_seconds is None else wish.bake_seconds
    deadline_seconds = wish.deadline_seconds
    if deadline_seconds is None:
        deadline_seconds = bake_seconds + timing.waiting_seconds
    approval = None
    if wish.approval is not None:
        end = PauseEnd.GO_ON if wish.approval.default is ApprovalDefault.PROMOTE else PauseEnd.REVERT
        approval = Approval(wish.approval.deadline_seconds, end)
    return Step(wish.weight_percent, canary, stable, bake_seconds, deadline_seconds, approval)
