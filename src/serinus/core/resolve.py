"""From a spec and a survey to a plan, to "nothing to do", or to every problem that stands in the way, all at once."""

from dataclasses import dataclass

import msgspec

from serinus.core.config_problems import config_problems, with_config
from serinus.core.images import choose_images, label_value, name_part, short_hash, version_of
from serinus.core.plan import (
    Plan,
    Promotion,
    StableRef,
    Timing,
    make_steps,
    nearest_split,
    replicas_needed,
    share_of,
    unreachable_steps,
)
from serinus.core.spec import RELEASE_LABEL, VERSION_LABEL, Capacity, Naming, OnFailure, Spec, StepSpec
from serinus.core.survey import DeploymentFacts, Problem, ServiceFacts, Survey

NAME_LENGTH_MAX = 52
"""A Deployment's name: its pods' names add 17 characters, and 63 is what labels and hosts allow; a few are spare."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The version asked for is in production already."""

    version: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Objections:
    """Problems that forbid a rollout; with the plan where one could be made, so that it can be looked at further."""

    problems: tuple[Problem, ...]
    plan: Plan | None = None


Resolution = Plan | NothingToDo | Objections


@dataclass(frozen=True, slots=True)
class Production:
    """Which Deployment users have now, and how its kind is named."""

    deployment: DeploymentFacts
    naming: Naming
    base_name: str  # APP of APP-VERSION
    version: str | None


def resolve(spec: Spec, survey: Survey, rollout: str) -> Resolution:
    """Make the plan of rollout `rollout` (an identifier of its own)."""
    if survey.service is None:
        return Objections((_no_such_service(spec, survey),))
    if problem := _selector_problem(survey.service, survey.namespace):
        return Objections((problem,))
    production = find_production(spec, survey, survey.service)
    if isinstance(production, Problem):
        return Objections((production,))
    if production is None:
        return _first_deployment(spec, survey.service, survey, rollout)
    return _release(spec, survey.service, survey, production, rollout)


def find_production(spec: Spec, survey: Survey, service: ServiceFacts) -> Production | Problem | None:
    """The Deployment in production; None: nothing is deployed yet."""
    where = f"Service {service.name} in namespace {survey.namespace}"
    behind = [deployment for deployment in survey.behind if not deployment.kept]
    if spec.deployment is not None:
        return _named_production(spec.deployment, behind, survey, service, spec.naming)
    if service.version is not None:
        named = [deployment for deployment in behind if deployment.name.endswith(f"-{name_part(service.version)}")]
        if len(named) == 1:
            return _production(named[0], service, spec.naming)
    running = [deployment for deployment in behind if deployment.wanted > 0]
    if len(running) == 1:
        return _production(running[0], service, spec.naming)
    if len(running) > 1:
        names = ", ".join(f"{deployment.name} ({deployment.wanted} pods)" for deployment in running)
        return Problem(
            "cannot tell which Deployment is production",
            where,
            f"{len(running)} Deployments stand behind it: {names}",
            f"name one: --deployment NAME, or say its version in the Service's metadata label {VERSION_LABEL!r}",
        )
    if behind:
        names = ", ".join(deployment.name for deployment in behind)
        hint = f"scale it up first: kubectl -n {survey.namespace} scale deployment {behind[0].name} --replicas=N"
        return Problem("production has no pods", where, f"{names} is scaled to 0", hint)
    return _nothing_behind(survey, service, where)


def _named_production(
    name: str, behind: list[DeploymentFacts], survey: Survey, service: ServiceFacts, naming: Naming | None
) -> Production | Problem | None:
    versioned = f"{name}-{name_part(service.version)}" if service.version else None
    for deployment in behind:
        if deployment.name in (name, versioned):
            return _production(deployment, service, naming)
    where = f"Service {service.name} in namespace {survey.namespace}"
    for existing in (name, versioned):
        if existing in survey.deployment_names:
            return Problem(
                f"Deployment {existing} is not behind the Service",
                where,
                f"its pods lack the labels that the Service selects: {_written(service.selector)}",
                "correct the Service's selector or the labels of the Deployment's pod template",
            )
    if survey.behind or service.version is not None:
        found = ", ".join(sorted(deployment.name for deployment in survey.behind)) or "none"
        tried = name if versioned is None else f"{name} and {versioned}"
        why = f"there is no {tried}; behind the Service: {found}"
        return Problem(f"no Deployment {name}", where, why, "name one that is there: --deployment NAME")
    return None


def _nothing_behind(survey: Survey, service: ServiceFacts, where: str) -> Problem | None:
    akin = [
        name for name in sorted(survey.deployment_names) if name == service.name or name.startswith(f"{service.name}-")
    ]
    if not akin and service.version is None:
        return None
    said = f"its label says version {service.version}; " if service.version is not None else ""
    seen = f"Deployment {akin[0]} does not carry those labels" if akin else "no Deployment carries those labels"
    return Problem(
        "the Service's selector matches no Deployment's pods",
        where,
        f"{said}it selects {_written(service.selector)}, and {seen}",
        "correct the selector or the pod template's labels; for a first deployment remove the Service's version label",
    )


def _production(deployment: DeploymentFacts, service: ServiceFacts, wish: Naming | None) -> Production:
    version = service.version
    suffix = f"-{name_part(version)}" if version is not None else ""
    by_version = bool(suffix) and deployment.name.endswith(suffix)
    naming = wish or (Naming.VERSIONED if by_version else Naming.IN_PLACE)
    base = deployment.name.removesuffix(suffix) if by_version else deployment.name
    return Production(deployment, naming, base, version)


def _release(spec: Spec, service: ServiceFacts, survey: Survey, production: Production, rollout: str) -> Resolution:
    stable = production.deployment
    current = production.version or _version_of_images(stable)
    images = choose_images(spec, stable, current)
    if isinstance(images, Problem):
        return Objections((images,))
    version = spec.version or version_of(next(iter(images.values()))) or ""
    unchanged = all(stable.images.get(name) == image for name, image in images.items())
    if unchanged and (production.version is None or production.version == label_value(version)):
        return NothingToDo(version, stable.name)
    if production.version is not None and production.version == label_value(version):
        if not spec.images:
            return NothingToDo(version, stable.name)
        version = f"{version}-{short_hash(','.join(sorted(images.values())), 5)}"  # the same tag, another image
    plan = with_config(spec, survey, _plan(spec, survey, production, images, version, rollout))
    problems = (
        *_workload_problems(stable, survey.namespace),
        *_release_problems(service, survey, production, plan),
        *_step_problems(spec, stable),
        *config_problems(survey, plan),
    )
    return Objections(problems, plan) if problems else plan


def _plan(
    spec: Spec, survey: Survey, production: Production, images: dict[str, str], version: str, rollout: str
) -> Plan:
    stable = production.deployment
    promotion = Promotion.RENAME if production.naming is Naming.VERSIONED else Promotion.ADOPT
    release = label_value(version)
    if release in survey.releases:  # an older ReplicaSet of this release would be taken for the newest (promotion.md)
        release = f"{release[:54]}-{rollout}"
    steps = make_steps(spec.steps, stable.wanted, stable.surge or 1, promotion, _timing(spec), spec.capacity)
    plan = Plan(
        rollout=rollout,
        namespace=survey.namespace,
        service=spec.service,
        release=release,
        version=label_value(version),
        images=images,
        naming=production.naming,
        promotion=promotion,
        stable=_stable_ref(production),
        canary_name=canary_name(production.base_name, version),
        replicas=stable.wanted,
        steps=steps,
        ready_deadline_seconds=spec.ready_deadline_seconds,
        smoke=spec.smoke,
        smoke_before_traffic=spec.smoke is not None,
        mark_version=production.naming is Naming.VERSIONED or production.version is not None,
        keep_previous=spec.keep_previous and promotion is Promotion.RENAME,
        autoscaler=survey.autoscalers.get(stable.name),
        hold_seconds=None if spec.on_failure is OnFailure.REVERT else spec.hold_deadline_seconds,
        spec=spec,
    )
    return _revived(plan, survey) if spec.revive else plan


def _stable_ref(production: Production) -> StableRef:
    stable = production.deployment
    return StableRef(
        name=stable.name,
        uid=stable.uid,
        version=production.version or label_value(_version_of_images(stable) or "unknown"),
        replicas=stable.wanted,
        images=stable.images,
        max_surge=stable.max_surge,
        max_unavailable=stable.max_unavailable,
        label=production.version,
    )


def _revived(plan: Plan, survey: Survey) -> Plan:
    """The plan with a kept Deployment in the canary's place; as it was where none of these images was kept."""
    for kept in survey.behind:
        if kept.kept and all(kept.images.get(name) == image for name, image in plan.images.items()):
            release = kept.template_labels.get(RELEASE_LABEL, plan.release)
            return msgspec.structs.replace(plan, canary_name=kept.name, release=release, revives=True)
    return plan


def canary_name(base_name: str, version: str) -> str:
    """APP-VERSION; a hash in place of the version where the name would not be valid, or too long."""
    name = f"{base_name}-{name_part(version)}"
    return name if len(name) <= NAME_LENGTH_MAX else f"{base_name[: NAME_LENGTH_MAX - 9]}-{short_hash(version)}"


def _timing(spec: Spec) -> Timing:
    smoke_seconds = spec.smoke.timeout_seconds if spec.smoke is not None else 0.0
    return Timing(spec.bake_seconds, spec.ready_deadline_seconds, smoke_seconds)


def _version_of_images(deployment: DeploymentFacts) -> str | None:
    versions = {version_of(image) for image in deployment.images.values()}
    return versions.pop() if len(versions) == 1 else None


def _first_deployment(spec: Spec, service: ServiceFacts, survey: Survey, rollout: str) -> Resolution:
    where = f"Service {service.name} in namespace {survey.namespace}"
    if len(spec.images) != 1 or version_of(spec.images[0].image) is None:
        why = "nothing is deployed behind it yet, and a first deployment needs exactly one image, with a tag"
        return Objections((Problem("cannot deploy a first version", where, why, "give --image IMAGE:TAG"),))
    image = spec.images[0]
    version = spec.version or version_of(image.image) or ""
    base = spec.deployment or service.name
    versioned = spec.naming is Naming.VERSIONED
    name = canary_name(base, version) if versioned else base
    if name in survey.deployment_names:
        why = "it exists, but the Service does not select its pods"
        in_the_way = Problem(f"Deployment {name} is in the way", where, why, "remove it, or give --deployment NAME")
        return Objections((in_the_way,))
    timing = _timing(spec)
    return Plan(
        rollout=rollout,
        namespace=survey.namespace,
        service=service.name,
        release=label_value(version),
        version=label_value(version),
        images={image.container or base: image.image},
        naming=Naming.VERSIONED if versioned else Naming.IN_PLACE,
        promotion=Promotion.FIRST,
        stable=None,
        canary_name=name,
        replicas=spec.replicas_when_new,
        steps=make_steps(None, spec.replicas_when_new, 0, Promotion.FIRST, timing),
        ready_deadline_seconds=spec.ready_deadline_seconds,
        smoke=spec.smoke,
        smoke_before_traffic=False,
        mark_version=versioned,
        spec=spec,
    )


# Problems


def _no_such_service(spec: Spec, survey: Survey) -> Problem:
    known = ", ".join(survey.service_names[:8]) or "none"
    return Problem(
        f"no Service {spec.service!r}",
        f"namespace {survey.namespace} of {survey.cluster}",
        f"the Services there: {known}",
        "correct the name, or the namespace (--namespace), or the context (--context)",
    )


def _selector_problem(service: ServiceFacts, namespace: str) -> Problem | None:
    if service.selector and service.type != "ExternalName":
        return None
    kind = "it is an ExternalName" if service.type == "ExternalName" else "it has no selector"
    return Problem(
        f"Service {service.name} selects no pods",
        f"namespace {namespace}",
        f"{kind}, so no Deployment can stand behind it",
        "name a Service that selects the Deployment's pods",
    )


def _workload_problems(stable: DeploymentFacts, namespace: str) -> tuple[Problem, ...]:
    where = f"Deployment {stable.name} in namespace {namespace}"
    found = []
    if stable.surge is None:
        why = "strategy Recreate says that two versions may not run at once, and a canary is just that"
        found.append(
            Problem("no canary for a Recreate Deployment", where, why, "use strategy RollingUpdate, if it may")
        )
    if stable.paused:
        why = "it is paused, so someone is in the middle of something"
        found.append(
            Problem(
                "production is paused", where, why, f"kubectl -n {namespace} rollout resume deployment {stable.name}"
            )
        )
    elif not stable.settled or stable.ready < stable.wanted:
        why = f"{stable.ready} of {stable.wanted} pods are ready, or a rollout of it is under way"
        hint = f"wait for it: kubectl -n {namespace} rollout status deployment {stable.name}"
        found.append(Problem("production is not whole", where, why, hint))
    return tuple(found)


def _release_problems(service: ServiceFacts, survey: Survey, production: Production, plan: Plan) -> tuple[Problem, ...]:
    found = []
    if plan.canary_name in survey.deployment_names and not plan.revives:
        found.append(
            Problem(
                f"Deployment {plan.canary_name} exists already",
                f"namespace {survey.namespace}",
                "the canary would have that name, and no unfinished rollout of ours knows it",
                f"remove it if nobody needs it: kubectl -n {survey.namespace} delete deployment {plan.canary_name}",
            )
        )
    if plan.promotion is Promotion.ADOPT and RELEASE_LABEL in production.deployment.selector:
        name, bound_to = production.deployment.name, production.deployment.selector[RELEASE_LABEL]
        found.append(
            Problem(
                f"{name} cannot adopt another release",
                f"Deployment {name}, spec.selector",
                f"it selects pods of release {bound_to!r} only, and a selector cannot be changed",
                "it came from a release by version, so go on that way: leave --naming out, or --naming versioned",
            )
        )
    bound = service.selector.get(VERSION_LABEL)
    if bound is not None and production.naming is Naming.VERSIONED:
        found.append(
            Problem(
                "the canary would get no traffic",
                f"Service {service.name}, spec.selector.{VERSION_LABEL}",
                f"it selects version {bound!r} only, so pods of {plan.version} would never serve",
                f"take {VERSION_LABEL!r} out of the Service's selector; the metadata label is enough",
            )
        )
    return tuple(found)


def _step_problems(spec: Spec, stable: DeploymentFacts) -> tuple[Problem, ...]:
    if spec.adapt or spec.steps is None:
        return ()
    surge = stable.surge or 1
    asked = ",".join(str(step.weight_percent) for step in spec.steps)
    return tuple(
        Problem(
            f"{step.asked_percent:g} % of {stable.wanted} pods cannot be had",
            f"--steps {asked}",
            f"a share by pod count is canary pods / all pods; the nearest here is {step.nearest_percent:.1f} %",
            _nearest_plans(spec.steps, step.asked_percent, stable.wanted, surge, spec.capacity),
        )
        for step in unreachable_steps(spec.steps, stable.wanted, surge, spec.capacity)
    )


def _nearest_plans(asked: tuple[StepSpec, ...], percent: float, replicas: int, surge: int, capacity: Capacity) -> str:
    steps = make_steps(asked, replicas, surge, Promotion.RENAME, Timing(0.0, 0.0), capacity)
    nearest = ",".join(f"{round(step.share_percent)}" for step in steps if step.stable_replicas)
    needed = replicas_needed(percent, capacity)
    other = ""
    if needed is not None and needed > replicas:
        share = share_of(*nearest_split(percent, needed, 1, capacity))
        other = f"; or run {needed} pods, which gives {share:.1f} %"
    elif capacity is Capacity.KEEP and needed is None:
        other = "; or capacity swap, since with production at its full size no share is above 50 %"
    return f"take --steps {nearest} (or --adapt, which means the same){other}; or split by requests with a router"


def _written(selector: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
