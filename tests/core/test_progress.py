"""Every change of state and every action has its sentence."""

from typing import get_args

import pytest

from serinus.core.config import ConfigCopy, ConfigKind
from serinus.core.plan import Promotion
from serinus.core.progress import finished_progress, progress_of_action, progress_of_state
from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Baking, Evidence, Finished, Leaving, Preparing, Promoting, Shifting, State
from serinus.core.turn import (
    Action,
    CreateCanary,
    MakeCopy,
    MarkVersion,
    RemoveCopy,
    RestoreAutoscaler,
    RunSmoke,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
)
from tests.core.samples import START, after, plan_of

PLAN = plan_of()
BECAUSE = Evidence("container app ended 3 times", ("log: boom",))
WITH_FIELDS = {
    CreateCanary: CreateCanary(1),
    ScaleCanary: ScaleCanary(1, 2),
    ScaleStable: ScaleStable(4, 3),
    MarkVersion: MarkVersion("v2"),
    RestoreAutoscaler: RestoreAutoscaler("checkout"),
    MakeCopy: MakeCopy(ConfigCopy(ConfigKind.SECRET, "keys", "keys", "keys-0123456789")),
    RemoveCopy: RemoveCopy(ConfigKind.SECRET, "keys-0123456789"),
    RunSmoke: RunSmoke("step 1", 25.0),
    SizeAdopted: SizeAdopted(4, 1),
}


@pytest.mark.parametrize("kind", get_args(Action), ids=lambda kind: kind.__name__)
def test_every_action_has_a_sentence_and_a_code_of_its_own(kind: type[Action]) -> None:
    progress = progress_of_action(PLAN, WITH_FIELDS.get(kind) or kind())
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).split()
    assert progress.code == "_".join(words)
    assert len(progress.sentence) > 10


def test_actions_say_one_pod_and_two_pods() -> None:
    assert progress_of_action(PLAN, ScaleCanary(0, 1)).sentence == "canary checkout-v2: from 0 to 1 pod"
    assert progress_of_action(PLAN, ScaleStable(4, 3)).sentence == "production checkout-v1: from 4 to 3 pods"


def test_a_first_deployment_is_not_called_a_canary() -> None:
    sentence = progress_of_action(plan_of(Promotion.FIRST), CreateCanary(4)).sentence
    assert sentence == "creating Deployment checkout-v2 with 4 pods"


def test_no_change_of_state_is_no_progress() -> None:
    assert progress_of_state(PLAN, Preparing(START), Preparing(START)) == ()


@pytest.mark.parametrize("state", [Shifting(0, START, START), Preparing(START)])
def test_entering_a_share_is_told_by_its_actions_alone(state: State) -> None:
    assert progress_of_state(PLAN, Preparing(after(-5)), state) == ()


def test_a_share_that_holds_is_told_in_percent_and_pods() -> None:
    (progress,) = progress_of_state(PLAN, Shifting(0, START, START), Baking(0, after(5), START))
    assert progress.code == "step_holds"
    assert progress.sentence == "step 1 of 3: version v2 has 25 % of traffic (1 of 4 pods); watching for 10 s"
    assert progress.data == {
        "step": 1,
        "share_percent": 25.0,
        "canary_replicas": 1,
        "stable_replicas": 3,
        "bake_seconds": 10.0,
    }


def test_a_share_that_is_lost_is_told() -> None:
    (progress,) = progress_of_state(PLAN, Baking(1, START, START), Shifting(1, after(5), START))
    assert (progress.code, progress.data) == ("share_lost", {"step": 2})


def test_the_way_back_is_told_with_its_grounds() -> None:
    leaving = Leaving(after(5), Reason.CRASH_LOOP, BECAUSE, 25.0)
    (progress,) = progress_of_state(PLAN, Baking(0, START, START), leaving)
    assert progress.sentence == "taking everything back to version v1: container app ended 3 times"
    assert progress.data == {"reason": "CRASH_LOOP", "sentence": BECAUSE.sentence, "lines": ["log: boom"]}
    (first,) = progress_of_state(plan_of(Promotion.FIRST), Baking(0, START, START), leaving)
    assert first.sentence == "taking everything back: container app ended 3 times"


def test_the_promotion_is_told() -> None:
    (progress,) = progress_of_state(PLAN, Baking(2, START, START), Promoting(after(5)))
    assert (progress.code, "v2 becomes production" in progress.sentence) == ("promoting", True)


@pytest.mark.parametrize(
    ("outcome", "promotion", "sentence"),
    [
        (Outcome.PROMOTED, Promotion.RENAME, "version v2 is production"),
        (Outcome.PROMOTED, Promotion.FIRST, "version v2 is deployed: the first one, so plainly, without a canary"),
        (Outcome.ROLLED_BACK, Promotion.ADOPT, "rolled back; version v1 serves everyone: container app ended 3 times"),
        (Outcome.ABORTED, Promotion.FIRST, "aborted; nothing is deployed: container app ended 3 times"),
        (Outcome.STUCK, Promotion.RENAME, "not seen to end well: container app ended 3 times"),
    ],
)
def test_every_end_is_told(outcome: Outcome, promotion: Promotion, sentence: str) -> None:
    state = Finished(after(5), outcome, Reason.CRASH_LOOP, BECAUSE, 33.333)
    (progress,) = progress_of_state(plan_of(promotion), Promoting(START), state)
    assert progress == finished_progress(plan_of(promotion), state)
    assert progress.sentence == sentence
    assert progress.data["outcome"] == outcome.value
    assert progress.data["share_percent"] == 33.33
