"""The annotations by which a Deployment keeps its history and its sizes on its ReplicaSets. Pure: they change the
working copies they are given."""

from serinus.sandbox.controllers.deployment.arithmetic import max_surge
from serinus.sandbox.controllers.objects import annotations_of, replicas_of
from serinus.sandbox.rest import Raw

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
    }
)
_HISTORY_LENGTH_MAX = 2000


def revision_of(item: Raw) -> int:
    """The revision an object carries; 0 for none, and for one that is not a number."""
    text = annotations_of(item).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def number(item: Raw, annotation: str) -> int | None:
    text = annotations_of(item).get(annotation, "")
    return int(text) if text.isdecimal() else None


def mark_newest(deployment: Raw, replica_set: Raw, revision: int) -> None:
    """Copy the Deployment's annotations to its newest ReplicaSet and raise that one's revision.

    A revision that the ReplicaSet had before goes into its history: it is how a rollback is remembered.
    """
    annotations = replica_set["metadata"].setdefault("annotations", {})
    annotations.update({name: text for name, text in annotations_of(deployment).items() if name not in _NOT_COPIED})
    before = annotations.get(REVISION, "")
    if (before and not before.isdecimal()) or revision_of(replica_set) >= revision:
        return
    annotations[REVISION] = str(revision)
    if before:
        past = [entry for entry in annotations.get(HISTORY, "").split(",") if entry]
        while past and len(",".join([*past, before])) > _HISTORY_LENGTH_MAX:
            past.pop(0)
        annotations[HISTORY] = ",".join([*past, before])


def mark_sizes(deployment: Raw, replica_set: Raw) -> None:
    """Write on a ReplicaSet which size the Deployment had when it was last scaled: proportions are reckoned from it."""
    wanted = replicas_of(deployment)
    annotations = replica_set["metadata"].setdefault("annotations", {})
    annotations[DESIRED] = str(wanted)
    annotations[MAXIMUM] = str(wanted + max_surge(deployment))
