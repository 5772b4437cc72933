"""One bad node is not a bad release: evidence must survive leaving out any one canary pod (2.6, two tiers).

FAIL needs E >= 1/alpha and, for every canary pod j, E without j >= 1/alpha_node. Guarantee: at most alpha if pods are
alike; at most alpha_node given that one canary pod is arbitrarily bad. When E has stood above 1/alpha for
SUSPECT_SECONDS and the second condition still fails, the pod without which the least remains is named, to be replaced:
once in a rollout. When it has gone and a new pod has come, all evidence is what it is without it.
"""

from collections.abc import Iterable, Mapping

import msgspec

from serinus.judge.counters import PodState

SUSPECT_SECONDS = 30.0


class Suspicion(msgspec.Struct, omit_defaults=True):
    """`above_since`: when E rose above 1/alpha while the second condition did not hold, seconds.

    `pod`: who is suspected, named at `named_at`; `is_replaced` once it was. `excused`: its name, if it is not to be
    looked at any more (a pod that began anew under its old name is).
    """

    above_since: float | None = None
    pod: str | None = None
    named_at: float = 0.0
    is_replaced: bool = False
    excused: str | None = None


def weakest(log_without: Mapping[str, float]) -> tuple[str | None, float]:
    """The pod without which the least evidence remains, and log E without it; (None, 0) if there is none."""
    if not log_without:
        return None, 0.0
    pod = min(log_without, key=log_without.__getitem__)
    return pod, log_without[pod]


def suspect(suspicion: Suspicion, now: float, is_above: bool, pod: str | None) -> None:
    """Take in whether E is above 1/alpha without the second condition, and which pod is to blame."""
    if not is_above:
        suspicion.above_since = None
        return
    if suspicion.above_since is None:
        suspicion.above_since = now
    if now - suspicion.above_since >= SUSPECT_SECONDS and suspicion.pod is None and pod is not None:
        suspicion.pod, suspicion.named_at = pod, now


def was_replaced(suspicion: Suspicion, canary: Iterable[tuple[PodState, str]]) -> bool:
    """Whether the suspected pod has just been replaced: it is gone and a new one is here, or it began anew.

    That a pod is missing in one scrape is not enough. `canary`: the pods of this reading with their names. Remembers
    the answer.
    """
    if suspicion.pod is None or suspicion.is_replaced:
        return False
    present = {name: known for known, name in canary}
    suspected = present.get(suspicion.pod)
    if suspected is not None:
        suspicion.is_replaced = suspected.started is not None and suspected.started > suspicion.named_at
    else:
        suspicion.is_replaced = any(known.first_seen > suspicion.named_at for known in present.values())
        suspicion.excused = suspicion.pod if suspicion.is_replaced else None
    return suspicion.is_replaced
