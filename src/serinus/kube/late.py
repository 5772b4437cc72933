"""What a runner made too late: a call that was under way when it was cut off, and came through after the end.

The server cannot refuse such a create, as it could a patch that tests what was seen. So a runner that lost its lease
looks once more, and removes what bears its rollout's mark although that rollout has ended.
"""

import contextlib

from serinus.core.plan import Plan, Promotion
from serinus.core.reasons import Outcome
from serinus.core.record import NewerFormat, Unreadable
from serinus.core.spec import ROLLOUT_ANNOTATION
from serinus.core.state import Finished
from serinus.kube.build import probe_name
from serinus.kube.copies import RESOURCES
from serinus.kube.errors import NotFound
from serinus.kube.resources import CONFIGMAPS, DEPLOYMENTS, PODS, Resource
from serinus.kube.store import saved_of, store_name
from serinus.kube.target import Target


async def remove_what_came_late(target: Target, plan: Plan) -> tuple[str, ...]:
    """Remove it; the names of what was removed. Asks the server, not the live copies. Raises KubeError."""
    raw = await target.client.get(CONFIGMAPS, store_name(target.service), target.namespace)
    try:
        record = saved_of(raw).record
    except (NewerFormat, Unreadable):
        return ()  # whoever wrote that drives it
    if record.plan.rollout != plan.rollout or not isinstance(record.state, Finished):
        return ()  # whoever drives it sees all there is, and deals with it
    wrong: list[tuple[Resource, str]] = [(PODS, probe_name(plan))]
    is_production = record.state.outcome is Outcome.PROMOTED and plan.promotion is not Promotion.ADOPT
    if not is_production and record.state.outcome is not Outcome.STUCK:
        wrong.append((DEPLOYMENTS, plan.canary_name))
    promoted = record.state.outcome in (Outcome.PROMOTED, Outcome.STUCK)
    copies = plan.config.copies if plan.config is not None and not promoted else ()
    wrong += [(RESOURCES[one.kind], one.name) for one in copies if one.name != one.named]  # that is production's own
    removed = [name for resource, name in wrong if await _remove(target, plan, resource, name)]
    return tuple(removed)


async def _remove(target: Target, plan: Plan, resource: Resource, name: str) -> bool:
    with contextlib.suppress(NotFound):
        raw = await target.client.get(resource, name, target.namespace)
        metadata = raw["metadata"]
        if (metadata.get("annotations") or {}).get(ROLLOUT_ANNOTATION) == plan.rollout:
            await target.client.delete(resource, name, target.namespace, uid=metadata["uid"])
            return True
    return False
