"""What the pod template, and the cluster's answers to it, say against running two versions at once."""

from collections.abc import Iterator

from serinus.core.preflight.facts import Inputs, Note, Unread
from serinus.core.preflight.room import quota
from serinus.core.survey import Problem

PATHS_SHOWN = 8


def rights(inputs: Inputs) -> Iterator[Problem | Note]:
    """Every verb of the rollout and of its way back is granted."""
    for right in inputs.missing_rights:
        yield Problem(
            f"no right to {right}",
            inputs.namespace,
            "the rollout or its way back needs it, and what cannot be undone is not begun",
            "grant it in a Role; README.md has all the verbs that are needed",
        )


def dry_run(inputs: Inputs) -> Iterator[Problem | Note]:
    """The cluster takes the canary, one pod of it, and the adoption, when it is asked to rehearse them.

    A webhook that refuses the rehearsed pod may do so because nothing owns that pod: that is no reason to refuse. A
    quota that is full is said once, with what it lacks.
    """
    quota_is_told = next(quota(inputs), None) is not None
    for refusal in inputs.rehearsal.refusals:
        if quota_is_told and "exceeded quota" in refusal.why:
            continue
        if refusal.by_webhook and not inputs.plan.smoke_before_traffic:
            yield Note("dry-run", refusal.what, refusal.why, "look whether it would refuse the canary's own pods too")
        else:
            yield Problem(refusal.what, refusal.where, refusal.why, refusal.hint)


def admission(inputs: Inputs) -> Iterator[Problem | Note]:
    """What comes back from the dry runs is what was sent, and what production has: else a webhook rewrites it."""
    altered = inputs.rehearsal.altered
    if altered:
        more = f" and {len(altered) - PATHS_SHOWN} more" if len(altered) > PATHS_SHOWN else ""
        yield Note(
            "admission",
            f"the cluster changes Deployment {inputs.plan.canary_name} as it takes it in",
            f"{', '.join(altered[:PATHS_SHOWN])}{more}; so an admission webhook may treat it otherwise than production",
            "look whether both versions should get that",
        )
    if inputs.rehearsal.injected:
        yield Note(
            "admission",
            f"new pods are given containers that production's pods lack: {', '.join(inputs.rehearsal.injected)}",
            "an admission webhook adds them now, and did not when production's pods were made",
            "restart production first, or the canary is compared with pods that are made otherwise",
        )


def readiness_probe(inputs: Inputs) -> Iterator[Problem | Note]:
    """Pods say when they are ready."""
    if not inputs.pod.has_readiness_probe:
        yield Note(
            "readiness-probe",
            f"{inputs.production} has a container without a readiness probe",
            "its pods count as ready, and get users, as soon as they have started",
            "add a readinessProbe to the pod template",
        )


def config(inputs: Inputs) -> Iterator[Problem | Note]:
    """The first release with config of its own protects the new version only."""
    copies = inputs.plan.config.copies if inputs.plan.config is not None else ()
    shared = dict.fromkeys(f"{copy.kind.value} {copy.original}" for copy in copies if copy.named == copy.original)
    if shared:
        yield Note(
            "config",
            f"production itself reads {', '.join(shared)}, and not a copy",
            "a pod of its that starts meanwhile, or on the way back, gets what is in there today",
            "nothing: once this release is promoted, production has copies of its own",
        )


def single_replica(inputs: Inputs) -> Iterator[Problem | Note]:
    """Whether there is a share below one half."""
    if inputs.plan.stable is not None and inputs.plan.replicas == 1:
        yield Note(
            "single-replica",
            "production is a single pod",
            "by pod count the smallest share of a canary is 50 %",
            "run more pods for smaller shares",
        )


def volumes(inputs: Inputs) -> Iterator[Problem | Note]:
    """Both versions' pods can have the volumes."""
    if isinstance(inputs.claims, Unread):
        return
    several_nodes = isinstance(inputs.nodes, Unread) or len(inputs.nodes) > 1
    for claim in inputs.claims:
        where = f"PersistentVolumeClaim {claim.name}, {inputs.namespace}"
        if "ReadWriteMany" in claim.modes or "ReadOnlyMany" in claim.modes:
            continue
        if claim.modes == ("ReadWriteOncePod",):
            why = "it is ReadWriteOncePod: one pod at a time, so the canary's pods would wait for production's to end"
        elif "ReadWriteOnce" in claim.modes and several_nodes:
            why = (
                "it is ReadWriteOnce: one node at a time, and the canary's pods may be put on another node, where "
                "they would wait for it until their deadline"
            )
        else:
            continue
        yield Problem(
            "the two versions cannot share a volume",
            where,
            why,
            "use ReadWriteMany, or no claim; or keep all pods on one node with a nodeSelector",
        )


def leader_election(inputs: Inputs) -> Iterator[Problem | Note]:
    """Whether pods elect a leader among themselves: then the share of requests is not the share of work."""
    locks = () if isinstance(inputs.lock_names, Unread) else inputs.lock_names
    hints = [*inputs.pod.leader_hints, *(f"Lease {name}" for name in locks)]
    if hints:
        yield Note(
            "leader-election",
            f"{inputs.production} seems to elect a leader",
            f"seen: {', '.join(hints[:PATHS_SHOWN])}; a canary pod may become the leader, or none of them ever be it",
            "make sure that work of the leader is safe in either version",
        )


def unread(inputs: Inputs) -> Iterator[Problem | Note]:
    """What could not be looked at, said once."""
    kinds = {
        "resourcequotas": inputs.quotas,
        "limitranges": inputs.limits,
        "poddisruptionbudgets": inputs.budgets,
        "scaledobjects.keda.sh": inputs.scaled_objects,
        "verticalpodautoscalers": inputs.vertical_autoscalers,
        "persistentvolumeclaims": inputs.claims,
        "leases": inputs.lock_names,
    }
    missed = {name: seen.why for name, seen in kinds.items() if isinstance(seen, Unread) and seen.why}
    if not inputs.rehearsal.pod:
        missed["a pod's dry run"] = "no right to create pods"
    if missed:
        yield Note(
            "unread",
            f"could not look at {', '.join(missed)}",
            ", ".join(dict.fromkeys(missed.values())),
            "grant that to have it checked; nothing else depends on it",
        )
