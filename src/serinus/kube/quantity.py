"""Kubernetes quantities ("500m", "64Mi", "1e3") as numbers in base units, and what a pod takes of each resource."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from serinus.kube.resources import Raw

_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {
    letter: Decimal(1000) ** power for power, letter in zip((-3, -2, -1, 1, 2, 3, 4, 5, 6), "numkMGTPE", strict=True)
}
_FACTORS = {**_BINARY, **_DECIMAL}

Amounts = dict[str, float]


def parse_quantity(text: str | int | float) -> float:
    """The number that a quantity means, in base units: cores, bytes. Raises ValueError when it is none."""
    whole = str(text).strip()
    suffix = next((each for each in _FACTORS if whole.endswith(each)), "")
    try:
        return float(Decimal(whole.removesuffix(suffix)) * _FACTORS.get(suffix, 1))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a quantity") from None


def amounts_of(raw: Mapping[str, str | int | float] | None) -> Amounts:
    """A resource list as numbers; what cannot be read is left out."""
    found: Amounts = {}
    for name, text in (raw or {}).items():
        try:
            found[name] = parse_quantity(text)
        except ValueError:
            continue
    return found


def container_amounts(container: Raw) -> tuple[Amounts, Amounts]:
    """Requests and limits; a limit without a request is its own request."""
    resources = container.get("resources") or {}
    limits = amounts_of(resources.get("limits"))
    return {**limits, **amounts_of(resources.get("requests"))}, limits


def pod_amounts(pod_spec: Raw) -> tuple[Amounts, Amounts]:
    """Requests and limits of a whole pod, as scheduler and quota count them.

    Containers and restartable init containers run together; each other init container runs alone, beside those
    restartable ones that came before it. Resources of the pod as such go before sums; overhead comes on top.
    """
    whole = container_amounts(pod_spec)
    overhead = amounts_of(pod_spec.get("overhead"))
    requests = {**_effective(pod_spec, lambda container: container_amounts(container)[0]), **whole[0]}
    limits = {**_effective(pod_spec, lambda container: container_amounts(container)[1]), **whole[1]}
    return _sum(requests, overhead), {name: limits[name] + overhead.get(name, 0.0) for name in limits}


def _effective(pod_spec: Raw, amounts: Callable[[Raw], Amounts]) -> Amounts:
    beside: Amounts = {}
    most: Amounts = {}
    for container in pod_spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            beside = _sum(beside, amounts(container))
            most = _max(most, beside)
        else:
            most = _max(most, _sum(beside, amounts(container)))
    running = beside
    for container in pod_spec["containers"]:
        running = _sum(running, amounts(container))
    return _max(most, running)


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {*one, *other}}


def _max(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, 0.0), other.get(name, 0.0)) for name in {*one, *other}}
