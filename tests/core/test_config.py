"""Config that goes with the release, in the machine: copies first, an end for what nothing names, and never a fight."""

import msgspec

from serinus.core.config import ConfigCopy, ConfigKind, ConfigPlan, Copies, NamedConfig, SeenCopy, copy_name
from serinus.core.guard import guarded_turn
from serinus.core.invariants import Rule, check
from serinus.core.plan import Plan, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.resolve import Objections, resolve
from serinus.core.spec import Config, Image, Smoke, Spec
from serinus.core.state import Evidence, Finished, Leaving, Preparing, Promoting, Shifting
from serinus.core.survey import DeploymentFacts, ServiceFacts, Survey
from serinus.core.transition import take_turn
from serinus.core.turn import (
    CreateCanary,
    CreateProbe,
    Judgement,
    MakeCopy,
    RemoveCanary,
    RemoveCopy,
    Request,
    Verb,
    Verdict,
)
from tests.core.samples import ABORT, START, canary, facts_at, plan_of, workload

COPY = ConfigCopy(ConfigKind.CONFIG_MAP, "settings", "settings", "settings-0123456789")
OLD = SeenCopy(ConfigKind.SECRET, "keys-9876543210")
LOST = Judgement(Verdict.FAIL, Reason.CONFIG_CHANGED, Evidence("ConfigMap settings is gone"))
LEAVING = Leaving(START, Reason.ABORT_ASKED, Evidence("no more"), 25.0)
MISSING, UNUSED = Copies(missing=(COPY,)), Copies(unused=(OLD,))
FACTS = DeploymentFacts("checkout-v1", "uid-1", 4, 4, True, False, {"app": "checkout:v1"}, {}, {}, {})


def planned(promotion: Promotion = Promotion.RENAME, smoke: Smoke | None = None) -> Plan:
    plan = plan_of(promotion, smoke=smoke)
    return msgspec.structs.replace(plan, config=ConfigPlan((COPY,), tuple(ConfigKind)))


def test_copies_come_before_any_pod_that_names_them() -> None:
    smoke = Smoke("/")
    assert take_turn(planned(), Shifting(0, START, START), facts_at(1, copies=MISSING))[1] == (MakeCopy(COPY),)
    assert take_turn(planned(smoke=smoke), Preparing(START), facts_at(1, copies=MISSING))[1] == (MakeCopy(COPY),)
    assert take_turn(planned(smoke=smoke), Preparing(START), facts_at(1, copies=Copies()))[1] == (CreateProbe(),)
    assert take_turn(planned(), Shifting(0, START, START), facts_at(1, copies=Copies()))[1] == (CreateCanary(1),)


def test_not_even_a_person_in_a_hurry_gets_a_canary_without_its_config() -> None:
    facts = facts_at(1, copies=MISSING, request=Request(Verb.PROMOTE_FULL, "ada"))
    assert take_turn(planned(smoke=Smoke("/")), Preparing(START), facts)[1] == (MakeCopy(COPY),)


def test_a_copy_that_someone_deletes_is_made_again() -> None:
    facts = facts_at(1, canary=canary(1), stable=workload(3), copies=MISSING)
    state = Shifting(0, START, START)
    assert take_turn(planned(), state, facts) == (state, (MakeCopy(COPY),))


def test_what_can_no_longer_be_copied_ends_the_release() -> None:
    for state in (Shifting(0, START, START), Promoting(START)):
        facts = facts_at(1, canary=canary(4), copies=MISSING, foreign=LOST)
        after, _ = take_turn(planned(), state, facts)
        assert isinstance(after, Leaving)
        assert after.reason is Reason.CONFIG_CHANGED


def test_the_way_back_ends_with_the_copies_that_nothing_names() -> None:
    assert take_turn(planned(), LEAVING, facts_at(1, canary=canary(1, 0), copies=UNUSED))[1] == (RemoveCanary(),)
    assert take_turn(planned(), LEAVING, facts_at(1, copies=UNUSED)) == (LEAVING, (RemoveCopy(OLD.kind, OLD.name),))
    going = Copies(unused=(SeenCopy(OLD.kind, OLD.name, deleting=True),))
    assert take_turn(planned(), LEAVING, facts_at(1, copies=going)) == (LEAVING, ())
    assert isinstance(take_turn(planned(), LEAVING, facts_at(1, copies=Copies()))[0], Finished)


def test_a_copy_stays_while_a_call_on_its_way_may_make_a_canary_that_names_it() -> None:
    assert take_turn(planned(), LEAVING, facts_at(1, copies=UNUSED, calls_pending=True)) == (LEAVING, ())


def test_a_promotion_ends_with_the_copies_of_the_version_that_is_gone() -> None:
    facts = facts_at(1, stable=None, canary=canary(4), service_version="v2", copies=UNUSED)
    assert take_turn(planned(), Promoting(START), facts) == (Promoting(START), (RemoveCopy(OLD.kind, OLD.name),))
    facts = facts_at(1, stable=None, canary=canary(4), service_version="v2", copies=Copies())
    after, _ = take_turn(planned(), Promoting(START), facts)
    assert isinstance(after, Finished)
    assert after.outcome is Outcome.PROMOTED


def test_no_copy_goes_while_the_previous_version_is_still_there() -> None:
    facts = facts_at(1, stable=workload(0), canary=canary(4), service_version="v2", copies=UNUSED)
    assert not any(isinstance(wish, RemoveCopy) for wish in take_turn(planned(), Promoting(START), facts)[1])


def test_an_end_that_leaves_a_copy_breaks_the_rule_of_nothing_left() -> None:
    finished = Finished(START, Outcome.ABORTED, Reason.ABORT_ASKED, Evidence("no more"), 0.0)
    broken = check(planned(), LEAVING, finished, facts_at(1, copies=UNUSED), ())
    assert [breach.rule for breach in broken] == [Rule.NOTHING_LEFT]


def test_making_a_copy_does_not_lead_back_and_removing_one_does() -> None:
    facts = facts_at(1, copies=UNUSED)
    assert check(planned(), LEAVING, LEAVING, facts, (RemoveCopy(OLD.kind, OLD.name),)) == ()
    assert [each.rule for each in check(planned(), LEAVING, LEAVING, facts, (MakeCopy(COPY),))] == [Rule.ONLY_BACK]


def test_an_abort_makes_no_copy() -> None:
    (after, wishes), broken = guarded_turn(
        planned(), Shifting(0, START, START), facts_at(1, copies=MISSING, abort=ABORT)
    )
    assert isinstance(after, Leaving)
    assert (wishes, broken) == ((), ())


# The plan


def survey(*named: NamedConfig) -> Survey:
    service = ServiceFacts("checkout", {"app": "checkout"}, "v1")
    return Survey("shop", service, (FACTS,), config={"checkout-v1": named})


def asked(config: Config) -> Spec:
    return Spec("shop", "checkout", images=(Image("checkout:v2"),), config=config)


def test_the_plan_has_a_copy_of_each_object_by_its_content_and_only_when_asked_for() -> None:
    found = NamedConfig(ConfigKind.SECRET, "keys-9876543210", "keys", digest="ab" * 32)
    plan = resolve(asked(Config.VERSIONED), survey(found), "0000aaaa")
    assert isinstance(plan, Plan)
    copy = ConfigCopy(ConfigKind.SECRET, "keys-9876543210", "keys", copy_name("keys", "ab" * 32))
    assert plan.config == ConfigPlan((copy,), (ConfigKind.SECRET,))
    shared = resolve(asked(Config.SHARED), survey(), "0000aaaa")
    assert isinstance(shared, Plan)
    assert shared.config is None


def test_what_is_missing_is_a_problem_unless_it_is_optional() -> None:
    gone = NamedConfig(ConfigKind.SECRET, "keys-9876543210", "keys", missing="keys")
    optional = NamedConfig(ConfigKind.CONFIG_MAP, "extra", "extra", optional=True, missing="extra")
    found = resolve(asked(Config.VERSIONED), survey(gone, optional), "0000aaaa")
    assert isinstance(found, Objections)
    [problem] = found.problems
    assert problem.what == "Secret keys does not exist"
    assert "names keys-9876543210, a copy of it" in problem.why
