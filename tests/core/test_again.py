"""What `retry` and `undo` ask for, or refuse; and a kept version in the canary's place."""

import msgspec
import pytest

from serinus.core.again import retry_spec, undo_spec
from serinus.core.reasons import Outcome, Reason
from serinus.core.record import Record, decode, encode, with_past
from serinus.core.spec import CronWindow, DateWindow, Image, Spec, StepSpec
from serinus.core.state import Evidence, Finished, Shifting
from serinus.core.survey import Problem, ServiceFacts
from serinus.core.turn import ScaleCanary
from serinus.core.wishes import is_back, wishes_to_leave
from tests.core.samples import START, after, canary, facts_at, plan_of, workload

SPEC = Spec("shop", "checkout", version="v2", steps=(StepSpec(25), StepSpec(50)), during_freeze="a hotfix")
PLAN = msgspec.structs.replace(plan_of(keep_previous=True), spec=SPEC)
UNDERWAY = Record(PLAN, Shifting(0, START, START), START)


def ended(outcome: Outcome, record: Record = UNDERWAY) -> Record:
    return with_past(record, Finished(after(9), outcome, Reason.COMPLETE, Evidence("so it ended"), 25.0))


def service(version: str | None) -> ServiceFacts:
    return ServiceFacts("checkout", {"app": "checkout"}, version)


def test_retry_asks_for_the_same_again_but_not_in_a_freeze_for_last_times_reason() -> None:
    assert retry_spec(ended(Outcome.ROLLED_BACK)) == msgspec.structs.replace(SPEC, during_freeze=None)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (UNDERWAY, "has not finished"),
        (ended(Outcome.PROMOTED), "was promoted"),
        (ended(Outcome.ABORTED, msgspec.structs.replace(UNDERWAY, plan=plan_of())), "did not note down how"),
    ],
)
def test_retry_is_refused(record: Record, why: str) -> None:
    problem = retry_spec(record)
    assert isinstance(problem, Problem)
    assert why in problem.why


def test_undo_asks_for_the_images_before_the_last_promoted_release_all_at_once() -> None:
    spec = undo_spec(ended(Outcome.ROLLED_BACK, ended(Outcome.PROMOTED)), service("v2"))
    assert isinstance(spec, Spec)
    assert (spec.version, spec.images) == ("v1", (Image("checkout:v1", "app"),))
    assert (spec.steps, spec.bake_seconds, spec.revive) == ((StepSpec(100),), 0.0, True)


@pytest.mark.parametrize(
    ("record", "version", "why"),
    [
        (UNDERWAY, "v2", "has not finished"),
        (ended(Outcome.ABORTED), "v1", "none of the last 1 releases was promoted"),
        (ended(Outcome.PROMOTED), "v7", "production is v7 by now"),
    ],
)
def test_undo_is_refused(record: Record, version: str, why: str) -> None:
    problem = undo_spec(record, service(version))
    assert isinstance(problem, Problem)
    assert why in problem.why


def test_a_spec_with_freeze_windows_is_saved_and_read_again() -> None:
    freeze = (CronWindow("0 0 * * 5", 3600.0, "weekend"), DateWindow("2026-12-24", "2026-12-26", "holidays"))
    plan = msgspec.structs.replace(PLAN, spec=msgspec.structs.replace(SPEC, freeze=freeze))
    record = msgspec.structs.replace(UNDERWAY, plan=plan)
    assert decode(encode(record)) == record


def test_on_the_way_back_a_revived_version_is_scaled_to_nothing_and_stays() -> None:
    plan = msgspec.structs.replace(PLAN, revives=True)
    assert wishes_to_leave(plan, facts_at(1, canary=canary(4, 4))) == (ScaleCanary(4, 0),)
    back = facts_at(2, stable=workload(4), canary=canary(0, 0))
    assert wishes_to_leave(plan, back) == ()
    assert is_back(plan, back)
    assert not is_back(PLAN, back)


def test_a_revived_version_that_was_called_off_is_still_known_as_kept() -> None:
    revives = msgspec.structs.replace(UNDERWAY, plan=msgspec.structs.replace(PLAN, revives=True))
    assert ended(Outcome.ABORTED, revives).history[0].kept == "checkout-v2"
    assert ended(Outcome.PROMOTED, revives).history[0].kept == "checkout-v1"
    assert ended(Outcome.ABORTED).history[0].kept is None
