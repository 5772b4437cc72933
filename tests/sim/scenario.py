"""One world, drawn from a seed: the plan, the canary's health, the faults, what people will say and when.

A world that could not exist is refused by `check_world` before it runs.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

import msgspec

from serinus.core.config import ConfigCopy, ConfigKind, ConfigPlan
from serinus.core.plan import Approval, AutoscalerRef, Plan, Promotion, StableRef, Timing, make_steps
from serinus.core.spec import Capacity, Naming, Smoke, StepSpec
from serinus.core.state import PauseEnd
from tests.sim.faults import Fault, Faults

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SKEW_SECONDS = 30.0
ORIGINAL = "settings"
"""The user's ConfigMap."""


class Health(Enum):
    """What the release's pods do."""

    GOOD = "good"
    NEVER_READY = "never ready"
    CRASHES = "crashes at once"
    CRASHES_LATER = "crashes under traffic"
    OOM = "killed for its memory"
    IMAGE = "image cannot be pulled"
    UNSCHEDULABLE = "cannot be scheduled"
    REFUSED = "refused by the quota"
    SMOKE = "fails its smoke test"


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says, and when, in seconds from the start."""

    seconds: float
    verb: str
    for_seconds: float = 60.0
    end: PauseEnd = PauseEnd.REVERT


@dataclass(slots=True)
class Scenario:
    """Everything that the seed decides beforehand."""

    seed: int
    plan: Plan
    health: Health
    faults: Faults
    start_seconds: float
    grace_seconds: float
    words: tuple[Word, ...]
    runners: int
    skews: tuple[float, ...]
    horizon_seconds: float  # until about when faults strike
    dice: random.Random = field(repr=False)


VERBS = ("abort", "pause", "resume", "promote", "promote --full", "veto", "supersede", "interrupt", "abandoned")


def draw(seed: int) -> Scenario:
    """The world of this seed."""
    dice = random.Random(seed)
    apart = random.Random(f"apart {seed}")
    faults = Faults(dice, apart)
    plan = _with_config(_plan(dice), random.Random(f"config {seed}"))
    health = Health.GOOD if dice.random() < 0.6 else dice.choice(list(Health)[1:])
    if health is Health.SMOKE and plan.smoke is None:
        health = Health.CRASHES_LATER
    runners = 1 + (faults.armed(Fault.RIVAL) or faults.armed(Fault.THIRD)) + faults.armed(Fault.THIRD)
    skewed = SKEW_SECONDS if faults.armed(Fault.SKEW) else 0.0
    expected = 30.0 + sum(step.bake_seconds + 10.0 for step in plan.steps)
    scenario = Scenario(
        seed=seed,
        plan=plan,
        health=health,
        faults=faults,
        start_seconds=dice.uniform(0.5, 6.0),
        grace_seconds=dice.choice((0.5, 2.0, 10.0)),
        words=_words(dice, expected, apart),
        runners=runners,
        skews=tuple(round(dice.uniform(-skewed, skewed), 1) for _ in range(8)),
        horizon_seconds=expected * 1.5,
        dice=dice,
    )
    check_world(scenario)
    return scenario


def check_world(scenario: Scenario) -> None:
    """Refuse a world that could not exist. Raises AssertionError, with what is impossible in it."""
    plan = scenario.plan
    first = plan.promotion is Promotion.FIRST
    assert (plan.stable is None) == first, "a first version replaces nothing, and any other something"
    assert plan.stable is None or plan.stable.replicas == plan.replicas >= 1, "production has pods"
    assert plan.steps, "a plan has steps"
    assert plan.steps[-1].canary_replicas == plan.replicas, "the last step has everybody"
    for earlier, later in zip(plan.steps, plan.steps[1:], strict=False):
        assert later.canary_replicas >= earlier.canary_replicas, "no step takes back"
        assert later.stable_replicas <= earlier.stable_replicas, "no step gives back"
    for step in plan.steps:
        assert step.canary_replicas + step.stable_replicas >= plan.replicas, "every step has full capacity"
    if plan.promotion is Promotion.ADOPT:
        assert plan.steps[-1].stable_replicas == 1, "adoption needs one pod of production"
        assert plan.stable is not None
        assert plan.stable.name != plan.canary_name, "two Deployments have two names"
    assert plan.smoke is not None or scenario.health is not Health.SMOKE, "only a smoke test that is there can fail"
    assert plan.autoscaler is None or plan.stable is not None, "an autoscaler has something to scale"
    assert all(abs(skew) <= SKEW_SECONDS for skew in scenario.skews), "clocks within their bounds"


def _plan(dice: random.Random) -> Plan:
    promotion = dice.choices((Promotion.RENAME, Promotion.ADOPT, Promotion.FIRST), (5, 5, 1))[0]
    first, by_name = promotion is Promotion.FIRST, promotion is Promotion.RENAME
    replicas = dice.choices((1, 2, 3, 4, 5, 8), (2, 2, 3, 3, 2, 1))[0]
    smoke = Smoke(http_path="/healthz", timeout_seconds=15.0) if dice.random() < 0.35 else None
    timing = Timing(dice.choice((0.0, 5.0, 20.0, 60.0)), dice.choice((40.0, 90.0)), 15.0 if smoke else 0.0)
    surge = dice.choice(("25%", 1, 2, "25%"))
    pods = surge if isinstance(surge, int) else -(-replicas // 4)
    steps = make_steps(_shares(dice), replicas, pods, promotion, timing, dice.choice(list(Capacity)))
    if dice.random() < 0.15:
        approval = Approval(dice.choice((20.0, 120.0)), dice.choice(list(PauseEnd)))
        steps = (msgspec.structs.replace(steps[0], approval=approval), *steps[1:])
    stable_name = "checkout-v1" if by_name else "checkout"
    mark_version = by_name or dice.random() < 0.3
    label = dice.choice(("v1", "v1", None)) if mark_version else None
    stable = StableRef(stable_name, "uid-stable", "v1", replicas, {"app": "checkout:v1"}, surge, label, replicas // 4)
    hpa = AutoscalerRef(
        "checkout", dice.choice((None, 1, 2)), dice.choice((None, {"scaleUp": {"selectPolicy": "Max"}}))
    )
    return Plan(
        rollout="0000aaaa",
        namespace="shop",
        service="checkout",
        release="v2",
        version="v2",
        images={"app": "registry/checkout:v2"},
        naming=Naming.VERSIONED if by_name else Naming.IN_PLACE,
        promotion=promotion,
        stable=None if first else stable,
        canary_name="checkout-v2" if not first or dice.random() < 0.5 else "checkout",
        replicas=replicas,
        steps=steps,
        ready_deadline_seconds=timing.ready_deadline_seconds,
        smoke=smoke,
        smoke_before_traffic=smoke is not None and not first,
        mark_version=mark_version,
        keep_previous=by_name and dice.random() < 0.3,
        autoscaler=hpa if not first and dice.random() < 0.3 else None,
        hold_seconds=dice.choice((None, None, None, 45.0)),
    )


def _with_config(plan: Plan, dice: random.Random) -> Plan:
    """With versioned config or without; production names the original, or the copy of the release before."""
    if plan.stable is None or dice.random() < 0.6:
        return plan
    named = dice.choice((ORIGINAL, f"{ORIGINAL}-v1"))
    copy = ConfigCopy(ConfigKind.CONFIG_MAP, named, ORIGINAL, f"{ORIGINAL}-v2")
    return msgspec.structs.replace(plan, config=ConfigPlan((copy,), (ConfigKind.CONFIG_MAP,)))


def _shares(dice: random.Random) -> tuple[StepSpec, ...] | None:
    percents = dice.choice((None, (50,), (25, 50), (10, 20, 50), (100,)))
    return tuple(StepSpec(float(percent)) for percent in percents) if percents is not None else None


def _words(dice: random.Random, expected_seconds: float, apart: random.Random) -> tuple[Word, ...]:
    """`apart`: draws what came later, so that a seed still means what it meant."""
    count = dice.choices((0, 1, 2, 3), (9, 6, 2, 1))[0]
    words = [
        Word(
            seconds=dice.uniform(0.5, expected_seconds * 1.2),
            verb=dice.choice(VERBS),
            for_seconds=dice.choice((10.0, 60.0, 300.0)),
            end=dice.choice(list(PauseEnd)),
        )
        for _ in range(count)
    ]
    if apart.random() < 0.03:  # before anything has been done
        words.append(Word(apart.uniform(0.02, 0.3), "pause", 60.0, PauseEnd.GO_ON))
    return tuple(sorted(words, key=lambda word: word.seconds))
