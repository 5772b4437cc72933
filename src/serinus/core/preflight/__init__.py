"""The preflight: every reason not to begin, found before the first write. Pure.

`facts.py` has what is looked at, `room.py`, `pods.py` and `owners.py` the checks: each from all inputs to its findings.
docs/reference/preflight.md has a line for each. What the plan itself cannot be (selectors, shares) is `resolve.py`'s.
"""

from collections.abc import Callable, Iterator, Mapping

from serinus.core.preflight import owners, pods, room
from serinus.core.preflight.facts import Inputs, Note, Report
from serinus.core.survey import Problem

Check = Callable[[Inputs], Iterator[Problem | Note]]

CHECKS: Mapping[str, Check] = {
    "rights": pods.rights,
    "dry-run": pods.dry_run,
    "admission": pods.admission,
    "neighbours": owners.neighbours,
    "readiness-probe": pods.readiness_probe,
    "single-replica": pods.single_replica,
    "config": pods.config,
    "volumes": pods.volumes,
    "host-ports": room.host_ports,
    "quota": room.quota,
    "limit-range": room.limit_range,
    "node-room": room.node_room,
    "disruption-budget": owners.disruption_budget,
    "autoscaler": owners.autoscaler,
    "scaled-object": owners.scaled_object,
    "vertical-autoscaler": owners.vertical_autoscaler,
    "leader-election": pods.leader_election,
    "gitops": owners.gitops,
    "unread": pods.unread,
}
"""All checks by their identifiers, in the order in which people read what they found."""


def report_on(inputs: Inputs) -> Report:
    """Run all checks."""
    findings = [finding for check in CHECKS.values() for finding in check(inputs)]
    return Report(
        tuple(finding for finding in findings if isinstance(finding, Problem)),
        tuple(finding for finding in findings if isinstance(finding, Note)),
        owners.budgets_want(inputs),
    )
