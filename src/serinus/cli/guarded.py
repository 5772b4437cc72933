"""A guard beside a release: put up once the release has begun, taken down when it has finished (`deploy --guard`)."""

import contextlib
from collections.abc import AsyncIterator

from serinus.cli.output import Writer
from serinus.core.config import ConfigKind
from serinus.core.plan import Plan
from serinus.core.state import Finished
from serinus.core.survey import Problem
from serinus.kube.errors import KubeError
from serinus.kube.guard import ACCOUNT, Guard, job_manifest, job_name, may_remove_secrets, put_up, rehearse, take_down
from serinus.kube.resources import Raw
from serinus.kube.target import Target


async def guard_problems(target: Target, plan: Plan, guard: Guard | None) -> tuple[Problem, ...]:
    """What keeps a guard from being put up. Raises KubeError when the cluster refuses the Job itself."""
    if guard is None:
        return ()
    where, set_up = f"namespace {plan.namespace}", f"serinus guard {plan.service} -n {plan.namespace}"
    secrets = plan.config is not None and ConfigKind.SECRET in plan.config.kinds
    set_up += f" --image {guard.image}{' --secrets' if secrets else ''}"
    if not await rehearse(target.client, _job(target, plan, guard)):
        why = "the guard acts as it, and its Role says what it may do"
        return (Problem(f"no ServiceAccount {ACCOUNT}", where, why, f"make both once: {set_up} --apply"),)
    if secrets and not await may_remove_secrets(target.client, target.namespace):
        why = "copies of Secrets go with the release, and its way back could not remove them"
        hint = f"give it that right: {set_up} | kubectl apply -f -"
        return (Problem(f"Role {ACCOUNT} may not remove Secrets", where, why, hint),)
    return ()


@contextlib.asynccontextmanager
async def standing_guard(target: Target, plan: Plan, guard: Guard | None, writer: Writer) -> AsyncIterator[None]:
    """The guard stands while the block runs, and stays where the rollout has not finished by its end."""
    if guard is None:
        yield
        return
    try:
        await put_up(target.client, _job(target, plan, guard))
        writer.say(f"a guard stands by: Job {job_name(plan.rollout)}, after {guard.after_seconds:g} s without a runner")
    except KubeError as error:
        writer.say(f"no guard stands by: {error}")
    yield
    saved = target.store.load()
    if saved is not None and not isinstance(saved.record.state, Finished):
        return
    try:
        await take_down(target.client, target.namespace, job_name(plan.rollout))
    except KubeError as error:
        writer.say(f"the guard is left to go by itself: {error}")


def _job(target: Target, plan: Plan, guard: Guard) -> Raw:
    return job_manifest(target.namespace, plan.service, job_name(plan.rollout), guard)
