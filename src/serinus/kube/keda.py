"""KEDA's ScaledObject, as far as a release has to know it: paused or not, whom it scales, and its HPA. Pure.

KEDA keeps an HPA of its own for each ScaledObject, so only the ScaledObject is ever changed. While it is paused (the
annotation alone) KEDA takes that HPA away and leaves every size as it is. Paused *at a number* is something else: KEDA
goes on setting that number, so it is not still, and a release takes that annotation off meanwhile.
"""

from collections.abc import Mapping

from serinus.core.plan import AutoscalerKind, AutoscalerRef
from serinus.core.turn import Autoscaler
from serinus.kube.resources import Raw

PAUSED = "autoscaling.keda.sh/paused"
PAUSED_AT = "autoscaling.keda.sh/paused-replicas"
PAUSE_KEYS = (PAUSED, PAUSED_AT)
NOT_PAUSED = frozenset({"0", "f", "F", "false", "False", "FALSE"})
"""Values that KEDA reads as false; any other, also one that is no boolean, pauses."""


def is_still(annotations: Mapping[str, str]) -> bool:
    """Whether KEDA changes no size, whatever it measures."""
    return annotations.get(PAUSED, "false") not in NOT_PAUSED and PAUSED_AT not in annotations


def scales(raw: Raw) -> str | None:
    """The Deployment that a ScaledObject scales; None: something else."""
    reference = raw["spec"].get("scaleTargetRef") or {}
    name: str | None = reference.get("name")
    return name if reference.get("kind", "Deployment") == "Deployment" else None


def scaled_object_ref(raw: Raw) -> AutoscalerRef:
    """What pinning will replace."""
    annotations = _annotations(raw)
    paused = {key: annotations[key] for key in PAUSE_KEYS if key in annotations}
    return AutoscalerRef(raw["metadata"]["name"], kind=AutoscalerKind.SCALED_OBJECT, paused=paused)


def owner_of_hpa(raw_hpa: Raw) -> str | None:
    """The ScaledObject whose HPA this is; None: it is somebody's own."""
    owners = raw_hpa["metadata"].get("ownerReferences") or []
    return next((owner["name"] for owner in owners if owner.get("kind") == AutoscalerKind.SCALED_OBJECT.value), None)


def scaled_object_of(raw: Raw, before: AutoscalerRef) -> Autoscaler:
    """A ScaledObject, compared with what pinning makes of it and with what it was."""
    return Autoscaler(
        pinned=is_still(_annotations(raw)),
        as_before=scaled_object_ref(raw).paused == before.paused,
        target=scales(raw) or "",
    )


def pause_patch() -> Raw:
    """A merge patch: paused, and not at a number."""
    return {"metadata": {"annotations": {PAUSED: "true", PAUSED_AT: None}}}


def resume_patch(before: AutoscalerRef, target: str) -> Raw:
    """A merge patch: both annotations as they were, absent where they were, and the Deployment it is to scale."""
    annotations = {key: before.paused.get(key) for key in PAUSE_KEYS}
    return {"metadata": {"annotations": annotations}, "spec": {"scaleTargetRef": {"name": target}}}


def _annotations(raw: Raw) -> Mapping[str, str]:
    return raw["metadata"].get("annotations") or {}
