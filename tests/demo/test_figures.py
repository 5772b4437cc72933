"""The demo's closing figures, from records of a few requests."""

from collections import Counter
from typing import Any

from serinus.cli.demo_figures import NO_ANSWER, Figures, Release, Request, as_json, seconds_to_rollback, writes
from serinus.cli.demo_world import unexpected


def request(due: float, version: str = "v2", failed: bool = False, seconds: float = 0.01) -> Request:
    return Request(due, due + seconds, version, failed, slow=False)


def release(version: str, began: float, ended: float, outcome: str, first_end_at: float | None = None) -> Release:
    asked = Counter({("create", "deployments"): 1, ("create", "selfsubjectaccessreviews"): 9, ("dry run", "pods"): 2})
    return Release(version, began, ended, 0, {"outcome": outcome, "reason": "R"}, asked, first_end_at)


def test_the_time_to_rollback_counts_from_the_process_end_when_no_request_failed() -> None:
    bad = release("v3", 0, 10, "rolled back", first_end_at=3.0)
    assert seconds_to_rollback([request(1, "v3"), request(3.5, "v3"), request(9)], bad) == 0.5


def test_the_time_to_rollback_counts_from_the_first_failed_request_when_that_came_first() -> None:
    bad = release("v3", 0, 10, "rolled back", first_end_at=3.0)
    assert seconds_to_rollback([request(1.99, NO_ANSWER, failed=True), request(4, "v3")], bad) == 2.0


def test_a_version_that_never_failed_has_no_time_to_rollback() -> None:
    assert seconds_to_rollback([request(1, "v3")], release("v3", 0, 10, "rolled back")) is None


def test_requests_outside_a_release_are_not_counted_as_its_own() -> None:
    good, bad = release("v2", 1, 2, "promoted"), release("v3", 3, 4, "rolled back")
    figures = Figures(
        good, bad, release("v4", 5, 6, "rolled back"), (request(0.5), request(1.5), request(3.5, failed=True)), ()
    )
    closing = as_json(figures)
    assert (closing["good"]["requests"], closing["good"]["failed"], closing["bad"]["failed"]) == (1, 0, 1)


def test_a_good_release_that_lost_a_request_did_not_end_well() -> None:
    good, bad = release("v2", 1, 2, "promoted"), release("v3", 3, 4, "rolled back")
    subtle = release("v4", 5, 6, "rolled back")
    assert Figures(good, bad, subtle, (request(1.5),), ()).ended_well
    assert not Figures(good, bad, subtle, (request(1.5, failed=True),), ()).ended_well
    assert not Figures(good, bad, release("v4", 5, 6, "promoted"), (request(1.5),), ()).ended_well


def test_questions_about_rights_and_dry_runs_are_no_writes() -> None:
    assert writes(release("v2", 0, 1, "promoted").asked) == {"create deployments": 1}


def raw(name: str, owner: str | None = None, **more: Any) -> dict[str, Any]:
    owners = [{"uid": owner}] if owner else []
    return {"metadata": {"name": name, "uid": name, "ownerReferences": owners}} | more


def test_only_what_production_does_not_own_is_left_behind() -> None:
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    after = {("deployments", "checkout-v2"): raw("checkout-v2"), ("replicasets", "r"): raw("r", "checkout-v2")}
    after |= {("pods", f"p{number}"): raw(f"p{number}", "r", **ready) for number in range(4)}
    assert unexpected({}, after, "checkout-v2") == []
    stray = {("deployments", "checkout-v3"): raw("checkout-v3"), ("leases", "serinus-checkout"): raw("l")}
    assert unexpected({}, after | stray, "checkout-v2") == ["deployments/checkout-v3", "leases/serinus-checkout"]
