"""What a survey says of the ConfigMaps and Secrets that production's pod template names: a plan, or problems. Pure."""

from collections.abc import Iterator

import msgspec

from serinus.core.config import NamedConfig, plan_config
from serinus.core.plan import Plan
from serinus.core.spec import Config, Spec
from serinus.core.survey import Problem, Survey


def with_config(spec: Spec, survey: Survey, plan: Plan) -> Plan:
    """The plan with the copies that go with it; as it was where it shares what production has.

    A version that was kept has its own already.
    """
    if spec.config is Config.SHARED or plan.stable is None:
        return plan
    kinds = (named.kind for every in survey.config.values() for named in every)
    named = survey.config.get(plan.stable.name, ()) if not plan.revives else ()
    return msgspec.structs.replace(plan, config=plan_config(named, kinds))


def config_problems(survey: Survey, plan: Plan) -> Iterator[Problem]:
    """What the template names and the cluster does not have, if the canary is to get a copy of it."""
    if plan.config is None or plan.stable is None or plan.revives:
        return
    for named in survey.config.get(plan.stable.name, ()):
        if named.missing and not named.optional:
            yield _missing(named, plan, plan.stable.name)


def _missing(named: NamedConfig, plan: Plan, deployment: str) -> Problem:
    kind = named.kind.value
    why = f"Deployment {deployment} names it, and the release is to have its own copy"
    if named.missing != named.named:
        why = f"Deployment {deployment} names {named.named}, a copy of it, and the release is to have a new one"
    return Problem(
        f"{kind} {named.missing} does not exist",
        f"namespace {plan.namespace}",
        why,
        "create it, or take it out of the pod template; or share what is there: --config shared",
    )
