"""A rollout whose metrics are read and judged, with every port a fake: time passes only as the toy cluster lets it."""

from collections.abc import Callable

import msgspec
import pytest

from serinus.core.plan import MetricsPlan, Plan
from serinus.core.reasons import Outcome, Reason
from serinus.core.spec import Gating, Metrics
from serinus.core.state import Finished, Shifting
from serinus.core.turn import Action
from serinus.engine.cycle import Memory
from serinus.engine.judging import Judged
from serinus.judge.readings import PodReading, Track
from serinus.judge.scrapes import ScrapedPod
from tests.core.samples import plan_of
from tests.engine.support import Bench, bench

REQUESTS_PER_SECOND = 100.0
RULES = Metrics(interval_seconds=1.0, watch_seconds=5.0, margins="safe_errors=0.25+0.05")


def judged_plan(gating: Gating) -> Plan:
    return msgspec.structs.replace(plan_of(), metrics=MetricsPlan(gating, RULES, ("errors",), "fake pages"))


def failing(canary_part: float) -> Callable[[ScrapedPod, float], PodReading]:
    """Every pod serves the same traffic from the start; of the canary's requests this part fails."""

    def page(pod: ScrapedPod, t: float) -> PodReading:
        requests = max(0.0, t + 100.0) * REQUESTS_PER_SECOND
        errors = requests * canary_part if pod.track is Track.CANARY else 0.0
        return PodReading(pod.name, pod.track, started=-100.0, requests=float(int(requests)), errors=float(int(errors)))

    return page


async def rollout(gating: Gating, page: Callable[[ScrapedPod, float], PodReading] | None) -> tuple[Bench, Finished]:
    made = bench(judged_plan(gating))
    if page is not None:
        made.metrics.counters = page
    await made.begin()
    return made, await made.finish()


async def test_a_version_that_fails_no_more_than_production_is_promoted_on_evidence() -> None:
    made, finished = await rollout(Gating.EVIDENCE, failing(0.0))
    assert finished.outcome is Outcome.PROMOTED
    assert len(made.metrics.rounds) > 3


@pytest.mark.parametrize("gating", [Gating.EVIDENCE, Gating.HARM])
async def test_a_version_whose_requests_fail_is_taken_back_for_its_metrics(gating: Gating) -> None:
    _, finished = await rollout(gating, failing(0.5))
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.METRICS_WORSE)
    assert "error rate" in finished.evidence.sentence


async def test_metrics_that_cannot_be_read_never_promote_a_version_that_needs_evidence() -> None:
    _, finished = await rollout(Gating.EVIDENCE, None)
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.METRICS_UNKNOWN)


async def test_metrics_that_cannot_be_read_do_not_hold_up_a_version_watched_for_harm() -> None:
    _, finished = await rollout(Gating.HARM, None)
    assert finished.outcome is Outcome.PROMOTED


async def test_too_little_traffic_is_a_reason_of_its_own() -> None:
    def quiet(pod: ScrapedPod, t: float) -> PodReading:
        return PodReading(pod.name, pod.track, started=-100.0, requests=float(int(t + 100.0) // 10), errors=0.0)

    _, finished = await rollout(Gating.EVIDENCE, quiet)
    assert (finished.outcome, finished.reason) == (Outcome.ROLLED_BACK, Reason.NOT_ENOUGH_TRAFFIC)


async def test_the_evidence_of_a_runner_that_died_is_what_the_next_one_goes_on_with() -> None:
    made = bench(judged_plan(Gating.EVIDENCE))
    made.metrics.counters = failing(0.0)
    await made.begin()

    def die_at_the_second_step(action: Action) -> None:
        saved = made.store.load()
        if saved is not None and isinstance(saved.record.state, Shifting) and saved.record.state.step == 1:
            raise RuntimeError("killed")

    made.cluster.before_act = die_at_the_second_step
    with pytest.raises(RuntimeError, match="killed"):
        await made.finish()
    made.cluster.before_act = None
    before = made.store.load()
    assert before is not None
    known = msgspec.json.decode(before.record.judged, type=Judged)
    assert known.state.now is not None
    await made.turns(1, Memory())
    after = made.store.load()
    assert after is not None
    assert bytes(after.record.judged) == bytes(before.record.judged)
    assert (await made.finish()).outcome is Outcome.PROMOTED
