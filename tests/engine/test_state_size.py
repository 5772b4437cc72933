"""What is saved after 1,000 rollouts, most of them failures with much to say, of a plan as large as plans get."""

import itertools

import msgspec

from serinus.core.plan import Plan, Step
from serinus.core.reasons import Outcome
from serinus.core.record import HISTORY_MAX
from serinus.core.spec import CronWindow, Image, Smoke, Spec, StepSpec
from serinus.core.turn import Action, CreateCanary
from tests.core.samples import plan_of
from tests.core.toy import Health
from tests.engine.support import Bench, bench

ROLLOUTS = 1000
STATE_BYTES_MAX = 256 * 1024
CONTAINERS = {f"container-{number:02}": f"registry.example.com/{'team/' * 20}app-{number}:v2" for number in range(30)}
LOUD_LOG = tuple(f"{number}: 語\x01" + "é" * 5000 for number in range(100))
WINDOWS = tuple(CronWindow(f"0 {hour} * * *", 3600.0, "r" * 200, "Europe/Zurich") for hour in range(24))


def large_plan(rollout: str) -> Plan:
    """30 steps for 30 containers, and the whole of a long spec. None of them gets past its first step."""
    shares = tuple(StepSpec(percent) for percent in range(1, 31))
    images = tuple(Image(image, name) for name, image in CONTAINERS.items())
    spec = Spec(
        "shop", "checkout", "v2", images, steps=shares, smoke=Smoke("/" + "p" * 500, "c" * 2000), freeze=WINDOWS
    )
    plan = plan_of()
    assert plan.stable is not None
    return msgspec.structs.replace(
        plan,
        rollout=rollout,
        images=CONTAINERS,
        stable=msgspec.structs.replace(plan.stable, images=CONTAINERS),
        steps=tuple(Step(number, 1, 4, 1.0, 5.0) for number in range(1, 31)),
        ready_deadline_seconds=4.0,
        spec=spec,
    )


async def _one_rollout(whole: Bench, health: Health) -> tuple[Outcome, int]:
    """Begin it and see it end; the outcome, and the largest text that was saved meanwhile."""
    largest = 0

    def look() -> None:
        nonlocal largest
        largest = max(largest, len((whole.store.text or "").encode()))

    def call_off(action: Action) -> None:
        if isinstance(action, CreateCanary):
            whole.ask("abort")

    whole.store.before_save = look
    whole.cluster.after_act = call_off if health is Health.GOOD else None
    await whole.begin()
    finished = await whole.finish()
    look()
    return finished.outcome, largest


async def test_after_a_thousand_rollouts_with_failures_what_is_saved_is_below_256_kib() -> None:
    store, largest, outcomes = None, 0, set()
    healths = itertools.cycle((Health.CRASHES, Health.NEVER_READY, Health.GOOD))
    for number, health in zip(range(ROLLOUTS), healths, strict=False):
        whole = bench(large_plan(f"{number:08}"), health)
        whole.cluster.log = LOUD_LOG
        whole.store = store or whole.store
        store = whole.store
        outcome, size = await _one_rollout(whole, health)
        outcomes.add(outcome)
        largest = max(largest, size)
    saved = store.load() if store is not None else None
    assert saved is not None
    assert len(saved.record.history) == HISTORY_MAX
    assert outcomes == {Outcome.ROLLED_BACK, Outcome.ABORTED}
    assert largest < STATE_BYTES_MAX
