"""ScaledObjects: what pauses one, what is put back, and which autoscaler a Deployment has."""

from typing import Any

import pytest

from serinus.core.plan import AutoscalerKind, AutoscalerRef
from serinus.kube.keda import PAUSED, PAUSED_AT, is_still, owner_of_hpa, pause_patch, resume_patch, scales
from serinus.kube.read import autoscaler_of
from serinus.kube.resources import HPAS, SCALED_OBJECTS
from serinus.kube.rights import Right, rights_needed
from serinus.kube.target import autoscalers_of
from tests.core.samples import plan_of

REF = AutoscalerRef("queue", kind=AutoscalerKind.SCALED_OBJECT, paused={PAUSED_AT: "2"})


def scaled_object(target: dict[str, str], **annotations: str) -> dict[str, Any]:
    keys = {"paused": PAUSED, "paused_at": PAUSED_AT}
    named = {keys.get(key, key): value for key, value in annotations.items()}
    return {"metadata": {"name": "queue", "annotations": named}, "spec": {"scaleTargetRef": target}}


def hpa(*owners: dict[str, str]) -> dict[str, Any]:
    reference = {"kind": "Deployment", "name": "checkout"}
    metadata = {"name": "keda-hpa-queue", "ownerReferences": list(owners)}
    return {"metadata": metadata, "spec": {"scaleTargetRef": reference, "minReplicas": 3}}


@pytest.mark.parametrize(
    ("annotations", "still"),
    [
        ({}, False),
        ({PAUSED: "true"}, True),
        ({PAUSED: "yes"}, True),  # no boolean: KEDA takes it for a wish to pause
        ({PAUSED: "False"}, False),
        ({PAUSED: "true", PAUSED_AT: "2"}, False),  # KEDA goes on setting that number
        ({PAUSED_AT: "2"}, False),
    ],
)
def test_only_a_pause_without_a_number_keeps_keda_still(annotations: dict[str, str], still: bool) -> None:
    assert is_still(annotations) is still


def test_a_pause_takes_the_number_off_and_its_end_puts_back_what_there_was() -> None:
    assert pause_patch() == {"metadata": {"annotations": {PAUSED: "true", PAUSED_AT: None}}}
    back = resume_patch(REF, "checkout-v2")
    assert back["metadata"]["annotations"] == {PAUSED: None, PAUSED_AT: "2"}
    assert back["spec"] == {"scaleTargetRef": {"name": "checkout-v2"}}


def test_it_is_compared_with_what_it_was() -> None:
    target = {"name": "checkout"}
    assert autoscaler_of(scaled_object(target, paused_at="2"), REF).as_before
    held = autoscaler_of(scaled_object(target, paused="true"), REF)
    assert (held.pinned, held.as_before, held.target) == (True, False, "checkout")


def test_whom_it_scales_is_a_deployment_unless_it_says_otherwise() -> None:
    assert scales(scaled_object({"name": "checkout"})) == "checkout"
    assert scales(scaled_object({"name": "checkout", "kind": "StatefulSet"})) is None


def test_an_hpa_of_kedas_stands_for_its_scaled_object_and_is_never_pinned_itself() -> None:
    owned = hpa({"kind": "ScaledObject", "name": "queue"})
    assert owner_of_hpa(owned) == "queue"
    assert owner_of_hpa(hpa()) is None
    unlisted = AutoscalerRef("queue", kind=AutoscalerKind.SCALED_OBJECT)
    assert autoscalers_of([owned], []) == {"checkout": unlisted}
    listed = autoscalers_of([owned], [scaled_object({"name": "checkout"}, paused_at="2")])
    assert listed == {"checkout": REF}
    assert autoscalers_of([hpa()], []) == {"checkout": AutoscalerRef("keda-hpa-queue", 3, None)}


def test_rights_on_scaled_objects_are_asked_for_where_one_scales_production_and_none_to_change_hpas() -> None:
    rights = rights_needed(plan_of(autoscaler=REF))
    assert {Right(verb, SCALED_OBJECTS) for verb in ("list", "watch", "patch")} <= {*rights}
    assert Right("patch", HPAS) not in rights
    assert SCALED_OBJECTS not in {right.resource for right in rights_needed(plan_of(autoscaler=AutoscalerRef("web")))}
