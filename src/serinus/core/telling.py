"""What commands and Jobs of the user's are told of a rollout, as environment variables."""

from serinus.core.plan import Plan
from serinus.core.pods import Pod


def environment_of(plan: Plan, stage: str, share_percent: float, pods: tuple[Pod, ...]) -> dict[str, str]:
    """The variables. `pods`: the canary's that are ready."""
    return {
        "SERINUS_NAMESPACE": plan.namespace,
        "SERINUS_SERVICE": plan.service,
        "SERINUS_STAGE": stage,
        "SERINUS_SHARE_PERCENT": f"{share_percent:g}",
        "SERINUS_CANARY_DEPLOYMENT": plan.canary_name,
        "SERINUS_CANARY_VERSION": plan.version,
        "SERINUS_CANARY_PODS": " ".join(pod.name for pod in pods),
        "SERINUS_CANARY_POD_IPS": " ".join(pod.ip for pod in pods),
        "SERINUS_STABLE_DEPLOYMENT": plan.stable.name if plan.stable is not None else "",
        "SERINUS_STABLE_VERSION": plan.stable.version if plan.stable is not None else "",
    }
