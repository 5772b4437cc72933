"""The machine's two ways out, turn by turn: promotion in its three kinds, and the way back."""

from dataclasses import replace

import msgspec
import pytest

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.record import LINE_BYTES_MAX
from serinus.core.state import Baking, Evidence, Finished, Leaving, Promoting
from serinus.core.transition import take_turn
from serinus.core.turn import (
    Adoption,
    Autoscaler,
    HandTemplate,
    MarkVersion,
    OrphanCanary,
    ProbePod,
    ReleaseStable,
    RemoveCanary,
    RemoveProbe,
    RemoveStable,
    RestoreAutoscaler,
    ScaleCanary,
    ScaleStable,
    SizeAdopted,
    TakeBackTemplate,
)
from tests.core.samples import ABORT, CRASH, PASS, START, after, canary, facts_at, plan_of, workload

HPA = AutoscalerRef("checkout", 2, None)
RENAME = plan_of(autoscaler=HPA)
ADOPT = plan_of(Promotion.ADOPT, autoscaler=HPA)
FIRST = plan_of(Promotion.FIRST)
PROMOTING = Promoting(START)
PINNED = Autoscaler(pinned=True, as_before=False, target="checkout-v1")
GIVEN = Autoscaler(pinned=False, as_before=True, target="checkout-v2")
MARKED = {"stable": workload(0), "canary": canary(4), "service_version": "v2", "autoscaler": GIVEN}
HANDED = workload(1, paused=True, release="v2", max_surge=4)
ADOPTING = {"stable": HANDED, "canary": canary(4), "adoption": Adoption("uid-canary", templates_equal=True)}
ADOPTED = {"canary": None, "adoption": Adoption("uid-stable", templates_equal=False)}


def wishes_of(plan: Plan, **facts: object) -> object:
    state, wishes = take_turn(plan, PROMOTING, facts_at(5, **facts))
    assert state == PROMOTING
    return wishes


# By name


def test_the_last_step_passed_begins_the_promotion_at_once() -> None:
    facts = facts_at(10, stable=workload(0), canary=canary(4), pods=PASS, autoscaler=PINNED)
    state, wishes = take_turn(RENAME, Baking(2, START, START), facts)
    assert (state, wishes) == (Promoting(after(10)), (MarkVersion("v2"),))


@pytest.mark.parametrize(
    ("changed", "wishes"),
    [
        ({"service_version": "v1"}, (MarkVersion("v2"),)),
        ({"autoscaler": PINNED}, (RestoreAutoscaler("checkout-v2"),)),
        ({"autoscaler": replace(GIVEN, target="checkout-v1")}, (RestoreAutoscaler("checkout-v2"),)),
        ({}, (RemoveStable(),)),
        ({"stable": workload(0, deleting=True)}, ()),
    ],
)
def test_promotion_by_name_goes_label_then_autoscaler_then_the_previous_version(
    changed: dict[str, object], wishes: object
) -> None:
    assert wishes_of(RENAME, **(MARKED | changed)) == wishes


def test_promotion_by_name_is_complete_when_the_previous_version_is_gone() -> None:
    state, wishes = take_turn(RENAME, PROMOTING, facts_at(5, **(MARKED | {"stable": None})))
    assert state == Finished(after(5), Outcome.PROMOTED, Reason.COMPLETE, Evidence(Reason.COMPLETE.value), 100.0)
    assert wishes == ()


def test_a_previous_version_that_is_kept_is_not_removed_and_its_last_pods_are_waited_for() -> None:
    plan = plan_of(keep_previous=True)
    assert wishes_of(plan, stable=workload(0, pods=1), canary=canary(4), service_version="v2") == ()
    facts = facts_at(5, stable=workload(0), canary=canary(4), service_version="v2")
    assert isinstance(take_turn(plan, PROMOTING, facts)[0], Finished)


# By adoption


@pytest.mark.parametrize(
    ("changed", "wishes"),
    [
        ({"stable": workload(1)}, (HandTemplate(),)),
        ({"stable": replace(HANDED, settled=False)}, ()),
        ({"adoption": Adoption("uid-canary", templates_equal=False)}, ()),
        ({}, (OrphanCanary(),)),
        ({"canary": canary(4, deleting=True)}, ()),
        ({"canary": None, "canary_pods_left": 4, "adoption": Adoption(None, templates_equal=False)}, ()),
        (ADOPTED, (SizeAdopted(4, 1),)),
        (ADOPTED | {"stable": replace(HANDED, wanted=4, settled=False)}, ()),
        (ADOPTED | {"stable": replace(HANDED, wanted=4)}, (ReleaseStable(),)),
        (ADOPTED | {"stable": workload(4, 5, release="v2")}, ()),
        (ADOPTED | {"stable": workload(4, release="v2"), "autoscaler": PINNED}, (RestoreAutoscaler("checkout"),)),
    ],
)
def test_promotion_by_adoption_asks_for_each_step_once_the_one_before_is_seen(
    changed: dict[str, object], wishes: object
) -> None:
    assert wishes_of(ADOPT, **(ADOPTING | {"autoscaler": PINNED} | changed)) == wishes


def test_promotion_by_adoption_is_complete_when_only_adopted_pods_are_left() -> None:
    hpa = Autoscaler(pinned=False, as_before=True, target="checkout")
    facts = facts_at(5, **(ADOPTED | {"stable": workload(4, release="v2"), "autoscaler": hpa}))
    assert isinstance(take_turn(ADOPT, PROMOTING, facts)[0], Finished)


@pytest.mark.parametrize("version", ["v1", None])
def test_a_label_that_production_had_is_kept_up_to_date_by_adoption_too(version: str | None) -> None:
    plan = plan_of(Promotion.ADOPT, mark_version=True)
    facts = ADOPTED | {"stable": workload(4, release="v2"), "service_version": version}
    assert wishes_of(plan, **facts) == (MarkVersion("v2"),)


# Of a first version


def test_a_first_version_is_deployed_plainly() -> None:
    state, _ = take_turn(FIRST, PROMOTING, facts_at(5, stable=None, canary=canary(4)))
    assert isinstance(state, Finished)
    assert (state.outcome, state.reason) == (Outcome.PROMOTED, Reason.FIRST_DEPLOYED)


# Abort and time during a promotion


def test_an_abort_before_the_previous_version_is_removed_goes_back() -> None:
    state, wishes = take_turn(RENAME, PROMOTING, facts_at(5, abort=ABORT, **MARKED))
    assert state == Leaving(after(5), Reason.ABORT_ASKED, ABORT.evidence, 100.0)
    assert wishes == (ScaleStable(0, 4), MarkVersion("v1"))


@pytest.mark.parametrize("gone", [None, workload(0, deleting=True)])
def test_an_abort_after_the_previous_version_is_removed_is_too_late(gone: object) -> None:
    assert not isinstance(
        take_turn(RENAME, PROMOTING, facts_at(5, abort=ABORT, **(MARKED | {"stable": gone})))[0], Leaving
    )


def test_an_abort_between_the_template_and_the_orphan_gives_production_its_template_back_first() -> None:
    state, wishes = take_turn(ADOPT, PROMOTING, facts_at(5, abort=ABORT, autoscaler=PINNED, **ADOPTING))
    assert isinstance(state, Leaving)
    assert wishes == (TakeBackTemplate(), ScaleStable(1, 4), ScaleCanary(4, 3))


@pytest.mark.parametrize(
    "facts", [ADOPTED, ADOPTED | {"adoption": Adoption(None, templates_equal=False), "canary_pods_left": 4}]
)
def test_an_abort_after_the_orphan_is_too_late(facts: dict[str, object]) -> None:
    turned, _ = take_turn(
        ADOPT, PROMOTING, facts_at(5, **({"abort": ABORT, "stable": HANDED, "autoscaler": PINNED} | facts))
    )
    assert turned == PROMOTING


@pytest.mark.parametrize("plan", [RENAME, ADOPT, FIRST])
def test_a_canary_removed_by_someone_during_the_promotion_is_no_promotion(plan: Plan) -> None:
    stable = None if plan is FIRST else workload(1)
    gone = Adoption(None, templates_equal=False) if plan is ADOPT else None
    state, _ = take_turn(plan, PROMOTING, facts_at(5, stable=stable, adoption=gone, autoscaler=PINNED))
    assert isinstance(state, Leaving)
    assert state.reason is Reason.CANARY_GONE


def test_a_promotion_that_takes_too_long_goes_back_while_it_can() -> None:
    state, _ = take_turn(RENAME, PROMOTING, facts_at(600, **(MARKED | {"service_version": "v1"})))
    assert isinstance(state, Leaving)
    assert state.reason is Reason.PROMOTION_TOO_LATE


def test_a_promotion_that_takes_too_long_past_its_point_of_no_return_is_stuck() -> None:
    facts = facts_at(600, autoscaler=PINNED, **(ADOPTED | {"stable": HANDED}))
    state, _ = take_turn(ADOPT, PROMOTING, facts)
    assert isinstance(state, Finished)
    assert (state.outcome, state.reason) == (Outcome.STUCK, Reason.PROMOTION_TOO_LATE)


# The way back

LEAVING = Leaving(START, Reason.CRASH_LOOP, CRASH.evidence, 50.0)


@pytest.mark.parametrize(
    ("facts", "wishes"),
    [
        ({"stable": workload(2), "canary": canary(2)}, (ScaleStable(2, 4),)),
        ({"stable": workload(4, 2), "canary": canary(2)}, ()),
        ({"stable": workload(4, 3), "canary": canary(2)}, (ScaleCanary(2, 1),)),
        ({"stable": workload(4), "canary": canary(2)}, (RemoveCanary(),)),
        ({"stable": workload(2), "canary": canary(2, 0)}, (ScaleStable(2, 4), RemoveCanary())),
        ({"canary": canary(2, deleting=True)}, ()),
        ({"canary_pods_left": 1}, ()),
        ({"probe": ProbePod(ready=True)}, (RemoveProbe(),)),
        ({"service_version": "v2"}, (MarkVersion("v1"),)),
    ],
)
def test_leaving_brings_production_to_its_size_before_the_canary_shrinks(
    facts: dict[str, object], wishes: object
) -> None:
    assert take_turn(plan_of(), LEAVING, facts_at(5, **facts)) == (LEAVING, wishes)


def test_a_service_without_a_version_label_has_none_again() -> None:
    plan = plan_of()
    assert plan.stable is not None
    plan = msgspec.structs.replace(plan, stable=msgspec.structs.replace(plan.stable, label=None))
    assert take_turn(plan, LEAVING, facts_at(5, service_version="v2"))[1] == (MarkVersion(None),)


def test_the_previous_version_is_not_removed_while_the_new_one_does_not_serve() -> None:
    facts = facts_at(5, stable=workload(0), canary=canary(4, 3), service_version="v2")
    assert take_turn(plan_of(), Promoting(START), facts) == (Promoting(START), ())


def test_the_autoscaler_is_given_back_last() -> None:
    assert take_turn(RENAME, LEAVING, facts_at(5, autoscaler=PINNED)) == (LEAVING, (RestoreAutoscaler("checkout-v1"),))
    assert take_turn(RENAME, LEAVING, facts_at(5, autoscaler=PINNED, canary_pods_left=1)) == (LEAVING, ())


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.CRASH_LOOP, Outcome.ROLLED_BACK),
        (Reason.ABORT_ASKED, Outcome.ABORTED),
        (Reason.INTERRUPTED, Outcome.ABORTED),
    ],
)
def test_the_way_back_ends_with_the_reason_it_began_with(reason: Reason, outcome: Outcome) -> None:
    state, wishes = take_turn(plan_of(), Leaving(START, reason, CRASH.evidence, 50.0), facts_at(5))
    assert (state, wishes) == (Finished(after(5), outcome, reason, CRASH.evidence, 50.0), ())


def test_a_way_back_that_production_cannot_go_is_stuck_by_its_deadline_and_keeps_the_canary_that_serves() -> None:
    facts = {"stable": workload(4, 1), "canary": canary(3)}
    assert take_turn(plan_of(), LEAVING, facts_at(899, **facts)) == (LEAVING, ())
    state, wishes = take_turn(plan_of(), LEAVING, facts_at(900, **facts))
    assert isinstance(state, Finished)
    assert (state.outcome, state.reason, wishes) == (Outcome.STUCK, Reason.CRASH_LOOP, ())
    assert state.evidence.lines[-1] == "the way back was not seen to complete by its deadline"


def test_a_canary_that_alone_serves_users_is_not_removed_when_production_is_gone() -> None:
    assert take_turn(plan_of(), LEAVING, facts_at(5, stable=None, canary=canary(2))) == (LEAVING, ())


def test_a_canary_that_serves_nobody_is_removed_when_production_is_gone() -> None:
    assert take_turn(plan_of(), LEAVING, facts_at(5, stable=None, canary=canary(2, 0)))[1] == (RemoveCanary(),)


def test_a_failed_first_version_is_removed_though_there_is_nothing_to_go_back_to() -> None:
    assert take_turn(FIRST, LEAVING, facts_at(5, stable=None, canary=canary(2)))[1] == (RemoveCanary(),)


def test_evidence_that_the_cluster_would_not_save_is_cut_before_it_is_remembered() -> None:
    loud = replace(CRASH, evidence=Evidence("ended once", ("log: " + "x" * 2**20,)))
    state, _ = take_turn(plan_of(), Baking(0, START, START), facts_at(5, pods=loud))
    assert isinstance(state, Leaving)
    assert len(state.evidence.lines[0]) == LINE_BYTES_MAX


def test_on_the_way_back_a_canary_that_someone_scaled_to_nothing_stays_while_it_alone_serves() -> None:
    facts = facts_at(1, stable=workload(0), canary=canary(0, 2), abort=ABORT)
    _, wishes = take_turn(plan_of(), Baking(2, START, START), facts)
    assert wishes == (ScaleStable(0, 4),)


def test_a_way_back_to_production_that_is_gone_is_never_said_to_be_done() -> None:
    state = Leaving(START, Reason.ABORT_ASKED, ABORT.evidence, 100.0)
    assert take_turn(plan_of(), state, facts_at(1, stable=None, canary=None)) == (state, ())
