"""Plans, workloads and facts that the core's tests share: small, whole, and each field settable."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from serinus.core.plan import AutoscalerRef, Plan, Promotion, StableRef, Timing, make_steps
from serinus.core.reasons import Reason
from serinus.core.spec import Naming, Smoke, StepSpec
from serinus.core.state import Evidence
from serinus.core.turn import Facts, Judgement, Verdict, Workload

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BAKE_SECONDS = 10.0
READY_SECONDS = 100.0
SMOKE_SECONDS = 20.0
PASS = Judgement(Verdict.PASS)
UNSURE = Judgement(Verdict.UNSURE)
CRASH = Judgement(Verdict.FAIL, Reason.CRASH_LOOP, Evidence("container app ended 3 times"))
NOT_READY = Judgement(Verdict.FAIL, Reason.NEVER_READY, Evidence("1 of 1 canary pods not ready by the deadline"))
ABORT = Judgement(Verdict.FAIL, Reason.ABORT_ASKED, Evidence("a person asked for the way back (anna)"))


def shares(*percents: int) -> tuple[StepSpec, ...]:
    """Steps that ask for these shares and nothing more."""
    return tuple(StepSpec(percent) for percent in percents)


def after(seconds: float) -> datetime:
    """So long after the start."""
    return START + timedelta(seconds=seconds)


def plan_of(
    promotion: Promotion = Promotion.RENAME,
    replicas: int = 4,
    asked: Sequence[int] = (25, 50),
    surge: int = 1,
    smoke: Smoke | None = None,
    autoscaler: AutoscalerRef | None = None,
    keep_previous: bool = False,
    mark_version: bool | None = None,
) -> Plan:
    """A plan from v1 to v2 of Service checkout."""
    first = promotion is Promotion.FIRST
    timing = Timing(BAKE_SECONDS, READY_SECONDS, smoke.timeout_seconds if smoke is not None else 0.0)
    by_name = promotion is Promotion.RENAME
    stable_name = "checkout-v1" if by_name else "checkout"
    return Plan(
        rollout="0000aaaa",
        namespace="shop",
        service="checkout",
        release="v2",
        version="v2",
        images={"app": "registry/checkout:v2"},
        naming=Naming.VERSIONED if by_name else Naming.IN_PLACE,
        promotion=promotion,
        stable=None
        if first
        else StableRef(stable_name, "uid-stable", "v1", replicas, {"app": "checkout:v1"}, "25%", label="v1"),
        canary_name="checkout-v2",
        replicas=replicas,
        steps=make_steps(shares(*asked), replicas, surge, promotion, timing),
        ready_deadline_seconds=READY_SECONDS,
        smoke=smoke,
        smoke_before_traffic=smoke is not None and not first,
        mark_version=by_name if mark_version is None else mark_version,
        keep_previous=keep_previous,
        autoscaler=autoscaler,
    )


def workload(wanted: int, serving: int | None = None, **fields: object) -> Workload:
    """A Deployment; all its pods serve unless said otherwise."""
    serving = wanted if serving is None else serving
    whole: dict[str, object] = {"uid": "uid-stable", "pods": max(wanted, serving), "settled": True, "max_surge": "25%"}
    return Workload(wanted=wanted, serving=serving, **(whole | fields))  # type: ignore[arg-type]


def canary(wanted: int, serving: int | None = None, **fields: object) -> Workload:
    """The canary's Deployment."""
    return workload(wanted, serving, **({"uid": "uid-canary", "release": "v2"} | fields))


def facts_at(seconds: float, **fields: object) -> Facts:
    """A calm world of four production pods and no canary, changed by `fields`."""
    calm: dict[str, object] = {
        "stable": workload(4),
        "canary": None,
        "pods": UNSURE,
        "not_ready": NOT_READY,
        "service_version": "v1",
    }
    return Facts(now=after(seconds), **(calm | fields))  # type: ignore[arg-type]
