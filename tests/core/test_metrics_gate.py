"""The metrics gate in the machine: harm, evidence of safety, and answers that say nothing."""

import msgspec
import pytest

from serinus.cli.exits import Exit, exit_of
from serinus.core.invariants import Rule, check
from serinus.core.plan import MetricsPlan
from serinus.core.reasons import COULD_NOT_TELL, Outcome, Reason
from serinus.core.spec import Gating, Metrics
from serinus.core.state import Baking, Evidence, Finished, Leaving, Paused, Shifting
from serinus.core.transition import take_turn
from serinus.core.turn import Judgement, Request, Verb, Verdict
from tests.core.samples import PASS, READY_SECONDS, START, UNSURE, after, canary, facts_at, plan_of, workload

METRICS = MetricsPlan(Gating.EVIDENCE, Metrics(), ("errors",), "port 8080, /metrics")
PLAN = msgspec.structs.replace(plan_of(), metrics=METRICS)
HELD = msgspec.structs.replace(PLAN, hold_seconds=600.0)
HOLDS = {"stable": workload(3), "canary": canary(1), "pods": PASS}
BAKING = Baking(0, START, START)
WORSE = Judgement(Verdict.FAIL, Reason.METRICS_WORSE, Evidence("22 errors in 569 requests against 10 in 7865"))
FEW = Judgement(Verdict.UNSURE, Reason.NOT_ENOUGH_TRAFFIC, Evidence("830 more requests are needed"))
DEADLINE_SECONDS = PLAN.steps[0].deadline_seconds


@pytest.mark.parametrize("state", [BAKING, Shifting(0, START, START)])
def test_metrics_that_are_worse_take_the_canary_back_at_once(state: Baking | Shifting) -> None:
    left, _ = take_turn(PLAN, state, facts_at(1, **HOLDS, metrics=WORSE))
    assert isinstance(left, Leaving)
    assert (left.reason, left.evidence) == (Reason.METRICS_WORSE, WORSE.evidence)


def test_metrics_that_are_worse_hold_the_rollout_where_that_is_the_policy() -> None:
    assert isinstance(take_turn(HELD, BAKING, facts_at(1, **HOLDS, metrics=WORSE))[0], Paused)


@pytest.mark.parametrize("metrics", [None, UNSURE, FEW])
def test_a_step_is_not_left_without_a_pass_of_its_metrics(metrics: Judgement | None) -> None:
    assert take_turn(PLAN, BAKING, facts_at(11, **HOLDS, metrics=metrics))[0] == BAKING


def test_a_step_whose_metrics_pass_is_left_after_its_bake() -> None:
    assert take_turn(PLAN, BAKING, facts_at(9, **HOLDS, metrics=PASS))[0] == BAKING
    assert take_turn(PLAN, BAKING, facts_at(10, **HOLDS, metrics=PASS))[0] == Shifting(1, after(10), after(10))


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [(FEW, Reason.NOT_ENOUGH_TRAFFIC), (None, Reason.METRICS_UNKNOWN), (UNSURE, Reason.METRICS_UNKNOWN)],
)
def test_a_step_that_waited_for_evidence_alone_says_what_was_missing(metrics: Judgement | None, reason: Reason) -> None:
    left, _ = take_turn(PLAN, BAKING, facts_at(DEADLINE_SECONDS, **HOLDS, metrics=metrics))
    assert isinstance(left, Leaving)
    assert left.reason is reason


def test_a_step_whose_share_never_held_is_late_for_that_reason_and_not_for_its_metrics() -> None:
    late = facts_at(DEADLINE_SECONDS, **(HOLDS | {"canary": canary(1, 0)}), metrics=FEW)
    left, _ = take_turn(PLAN, Shifting(0, after(READY_SECONDS), START), late)
    assert isinstance(left, Leaving)
    assert left.reason is Reason.STEP_TOO_LATE


def test_a_persons_word_goes_past_a_lack_of_evidence_but_not_past_harm() -> None:
    word = Request(Verb.PROMOTE, "anna")
    assert take_turn(PLAN, BAKING, facts_at(1, **HOLDS, metrics=FEW, request=word))[0] == Shifting(
        1, after(1), after(1)
    )
    assert isinstance(take_turn(PLAN, BAKING, facts_at(1, **HOLDS, metrics=WORSE, request=word))[0], Leaving)


@pytest.mark.parametrize("metrics", [None, UNSURE, FEW, WORSE])
def test_the_rules_forbid_to_go_on_without_a_pass(metrics: Judgement | None) -> None:
    facts = facts_at(10, **HOLDS, metrics=metrics)
    broken = check(PLAN, BAKING, Shifting(1, after(10), after(10)), facts, ())
    assert {breach.rule for breach in broken} == {Rule.PASS_ONLY}


@pytest.mark.parametrize("reason", sorted(COULD_NOT_TELL, key=lambda reason: reason.name))
def test_a_rollout_that_could_not_tell_has_an_exit_code_of_its_own(reason: Reason) -> None:
    finished = Finished(START, Outcome.ROLLED_BACK, reason, Evidence("it could not tell"), 25.0)
    assert exit_of(finished) is Exit.UNDECIDED
