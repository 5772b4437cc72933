"""What a change of state is called for those who look at the cluster."""

from serinus.core.notices import NoticeReason, notice_of_start, notice_of_state
from serinus.core.plan import Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Baking, Evidence, Finished, Leaving, Preparing, Promoting, Shifting
from tests.core.samples import after, plan_of

PLAN = plan_of()
HARM = Evidence("container app ended 3 times")
PROMOTED = Finished(after(9), Outcome.PROMOTED, Reason.COMPLETE, HARM, 100.0)


def test_every_outcome_has_a_notice_of_its_own() -> None:
    ends = [Finished(after(9), outcome, Reason.CRASH_LOOP, HARM, 25.0) for outcome in Outcome]
    notices = [notice_of_state(PLAN, Leaving(after(5), Reason.CRASH_LOOP, HARM, 25.0), end) for end in ends]
    assert len({notice.reason for notice in notices if notice is not None}) == len(Outcome)


def test_a_state_that_stays_or_only_begins_to_shift_is_no_news() -> None:
    baking = Baking(0, after(1), after(0))
    assert notice_of_state(PLAN, baking, baking) is None
    assert notice_of_state(PLAN, Preparing(after(0)), Shifting(0, after(1), after(1))) is None
    assert notice_of_state(PLAN, baking, Shifting(1, after(1), after(1))) is None


def test_a_share_that_falls_out_is_a_warning() -> None:
    notice = notice_of_state(PLAN, Baking(0, after(1), after(0)), Shifting(0, after(2), after(0)))
    assert notice is not None
    assert (notice.reason, notice.is_warning) == (NoticeReason.SHARE_LOST, True)


def test_the_way_back_is_told_on_production_with_its_sentence() -> None:
    leaving = Leaving(after(5), Reason.CRASH_LOOP, HARM, 25.0)
    notice = notice_of_state(PLAN, Baking(0, after(1), after(0)), leaving)
    assert notice is not None
    assert (notice.reason, notice.deployment) == (NoticeReason.LEAVING, "checkout-v1")
    assert HARM.sentence in notice.sentence


def test_a_promotion_by_name_is_told_on_the_deployment_that_is_production_now() -> None:
    promoting = Promoting(after(8))
    renamed = notice_of_state(PLAN, promoting, PROMOTED)
    adopted = notice_of_state(plan_of(Promotion.ADOPT), promoting, PROMOTED)
    assert renamed is not None
    assert adopted is not None
    assert (renamed.deployment, adopted.deployment) == ("checkout-v2", "checkout")


def test_a_first_deployment_is_told_on_the_one_that_is_made() -> None:
    assert notice_of_start(plan_of(Promotion.FIRST)).deployment == "checkout-v2"
