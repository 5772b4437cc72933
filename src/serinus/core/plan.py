"""A spec and today's workload, turned into a flat list of steps: shares, pod counts, bake times, deadlines.

Shares by pod count: with no mesh, a share is the canary's part of all ready pods behind the Service, so only
some shares can be had. This module knows which, and refuses a step that would not mean what it says.
Finding the workload in the cluster is `kube/read.py`'s job; moving a rollout is `transition.py`'s.
"""

import enum
from collections.abc import Iterator

import msgspec

from serinus.core.spec import Naming, Smoke, Spec
from serinus.core.state import PauseEnd

TOLERANCE_POINTS = 5.0
"""A share may differ from the asked one by this many percentage points..."""
TOLERANCE_RATIO = 1.25
"""...and expose at most this many times the users that were meant to be exposed."""
DEFAULT_STEPS_PERCENT = (25, 50, 75)
PROMOTION_DEADLINE_SECONDS = 600.0
LEAVING_DEADLINE_SECONDS = 900.0


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


class HpaRef(msgspec.Struct, frozen=True):
    """A HorizontalPodAutoscaler of production: its name, and the raw fields that pinning replaces (None: absent)."""

    name: str
    min_replicas: int | None
    behavior: dict[str, object] | None


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
    hpa: HpaRef | None = None
    hold_seconds: float | None = None  # harm holds the rollout for so long, for a person to decide; None: it reverts
    promotion_deadline_seconds: float = PROMOTION_DEADLINE_SECONDS
    leaving_deadline_seconds: float = LEAVING_DEADLINE_SECONDS
    revives: bool = False  # the canary's Deployment was kept before: it is scaled up, and on the way back to 0 again
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
    def step_deadline_seconds(self) -> float:
        """The longest a step may take: everything that it waits for, one after the other."""
        return self.ready_deadline_seconds + self.smoke_timeout_seconds + self.bake_seconds


def share_of(canary_replicas: int, stable_replicas: int) -> float:
    """The canary's part of all pods, in percent; 0 when there are none."""
    total = canary_replicas + stable_replicas
    return 100.0 * canary_replicas / total if total else 0.0


def reachable_splits(replicas: int, surge: int) -> Iterator[tuple[int, int]]:
    """Every (canary, stable) count with both at work, no less than `replicas` in all and at most `surge` more."""
    for total in range(max(replicas, 2), replicas + max(surge, 1) + 1):
        for canary in range(1, min(total, replicas + 1)):
            yield canary, total - canary


def nearest_split(asked_percent: float, replicas: int, surge: int) -> tuple[int, int]:
    """The split whose share is nearest to the asked one; of equals, the one with fewest pods."""
    return min(
        reachable_splits(replicas, surge),
        key=lambda split: (round(abs(share_of(*split) - asked_percent), 6), sum(split)),
    )


def is_near(asked_percent: float, share_percent: float) -> bool:
    """Whether a share may stand for the asked one."""
    close = abs(share_percent - asked_percent) <= TOLERANCE_POINTS
    return close and share_percent <= TOLERANCE_RATIO * asked_percent


def unreachable_steps(asked: tuple[int, ...], replicas: int, surge: int) -> tuple[Unreachable, ...]:
    """The asked shares that no split comes near enough to."""
    found = []
    for percent in asked:
        if percent >= 100:
            continue  # the last step: everybody
        nearest = share_of(*nearest_split(percent, replicas, surge))
        if not is_near(percent, nearest):
            found.append(Unreachable(percent, nearest))
    return tuple(found)


def replicas_needed(asked_percent: float, limit: int = 1000) -> int | None:
    """The smallest production size at which a share is reachable with one pod more: whatever the surge, it is then."""
    for replicas in range(1, limit + 1):
        if is_near(asked_percent, share_of(*nearest_split(asked_percent, replicas, 1))):
            return replicas
    return None


def make_steps(
    asked: tuple[int, ...] | None, replicas: int, surge: int, promotion: Promotion, timing: Timing
) -> tuple[Step, ...]:
    """The steps for asked shares in percent (None: the default ones), strictly growing, the last with everybody.

    Two asked shares that mean the same split become one step. Under ADOPT one stable pod stays until the adoption,
    which would otherwise scale the adopted ReplicaSet to nothing (field/promotion.md).
    """
    if promotion is Promotion.FIRST:
        return (_step(100, replicas, 0, timing),)
    steps: list[Step] = []
    for percent in asked or DEFAULT_STEPS_PERCENT:
        if percent >= 100:
            break
        canary, stable = nearest_split(percent, replicas, surge)
        if not steps or _grows(steps[-1], canary, stable):
            steps.append(_step(percent, canary, stable, timing))
    last_stable = 1 if promotion is Promotion.ADOPT else 0
    if not steps or _grows(steps[-1], replicas, last_stable):
        steps.append(_step(100, replicas, last_stable, timing))
    return tuple(steps)


def _grows(last: Step, canary: int, stable: int) -> bool:
    """A later step has a greater share, no fewer canary pods and no more stable ones: nothing is taken back."""
    greater = share_of(canary, stable) > last.share_percent
    return greater and canary >= last.canary_replicas and stable <= last.stable_replicas


def _step(percent: float, canary: int, stable: int, timing: Timing) -> Step:
    return Step(percent, canary, stable, timing.bake_seconds, timing.step_deadline_seconds)
