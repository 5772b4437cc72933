"""What production's metrics say before a release: which there are, today's traffic, what the plan can tell by them."""

from dataclasses import dataclass

import msgspec

from serinus.core.plan import MetricsPlan, Plan, evidence_step, with_metrics
from serinus.core.preflight.facts import Note
from serinus.core.spec import Gating, Metrics, Spec
from serinus.core.survey import Problem
from serinus.engine.judging import policy_of_rules, scraped_pod
from serinus.judge.forecast import Forecast, Stretch, forecast
from serinus.judge.policy import Metric, Policy, PolicyError, parse_metrics
from serinus.judge.readings import PodReading
from serinus.judge.scrapes import Scrape
from serinus.kube.target import Target, follow_pods, pods_now
from serinus.wiring import Session, scraper_for

CHECK = "metrics"
AGE_SECONDS_MIN = 5.0
"""A pod's counters over less than this are no rate."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The plan with its metrics, what is to be known of them, and what stands against it."""

    plan: Plan
    forecast: Forecast | None = None
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()


async def measure(session: Session, target: Target, plan: Plan, spec: Spec) -> Measured:
    """One look at production's metrics. Raises KubeError."""
    rules = spec.metrics
    if rules.gating is Gating.OFF or plan.stable is None:
        return Measured(plan)
    try:
        wanted = parse_metrics(rules.kinds) if rules.kinds is not None else tuple(Metric)
        policy = policy_of_rules(rules, wanted)
    except PolicyError as error:
        problem = Problem("the metrics cannot be judged so", "spec.metrics", str(error), "correct it")
        return Measured(plan, problems=(problem,))
    await follow_pods(target)
    now = session.clock.now()
    pods = [scraped_pod(pod, now) for pod in pods_now(target) if pod.phase == "Running" and not pod.deleting]
    scrape = await scraper_for(session, target, rules.interval_seconds).read(pods, 0.0, None)
    kinds = tuple(kind for kind in kinds_of(scrape) if kind in wanted)
    if not {Metric.ERRORS, Metric.LATENCY} & set(kinds):
        return _nothing_found(plan, rules, scrape, target)
    return _planned(plan, rules, msgspec.structs.replace(policy, metrics=kinds), scrape)


def kinds_of(scrape: Scrape) -> tuple[Metric, ...]:
    """What production's pods let be judged."""
    pods = scrape.reading.pods
    found = {
        Metric.ERRORS: any(pod.requests is not None and pod.errors is not None for pod in pods),
        Metric.LATENCY: any(pod.latency is not None for pod in pods),
        Metric.RESTARTS: any(pod.restarts is not None for pod in pods),
        Metric.GAUGES: any(pod.gauges for pod in pods),
    }
    return tuple(kind for kind, is_there in found.items() if is_there)


def _nothing_found(plan: Plan, rules: Metrics, scrape: Scrape, target: Target) -> Measured:
    if rules.gating is None:
        return Measured(plan)
    where = f"the pods behind Service {plan.service} in namespace {plan.namespace}"
    why = scrape.notes[0] if scrape.notes else "no pod shows a count of its requests, or of their time"
    hint = f"see what was tried: serinus doctor metrics {target.service} -n {target.namespace}; or --metrics off"
    return Measured(plan, problems=(Problem("production's metrics cannot be had", where, why, hint),))


def _planned(plan: Plan, rules: Metrics, policy: Policy, scrape: Scrape) -> Measured:
    rate, error_rate = _traffic(scrape.reading.pods)
    seen = forecast(policy, _stretches(plan), rate, error_rate)
    in_time = seen.seconds_missing is not None and seen.seconds_missing <= rules.wait_seconds
    gating = rules.gating or (Gating.EVIDENCE if seen.seconds_missing == 0.0 else Gating.HARM)
    kinds = tuple(kind.value for kind in policy.metrics)
    metrics = MetricsPlan(gating, rules, kinds, "the pods' own /metrics, through the API server")
    if gating is Gating.EVIDENCE and not in_time:
        return Measured(plan, seen, problems=(_impossible(plan, rules, seen),))
    wait_seconds = rules.wait_seconds if gating is Gating.EVIDENCE else 0.0
    notes = () if gating is Gating.EVIDENCE else (_only_harm(seen),)
    return Measured(with_metrics(plan, metrics, wait_seconds), seen, notes)


def _stretches(plan: Plan) -> list[Stretch]:
    return [Stretch(step.share_percent, step.bake_seconds) for step in plan.steps[: evidence_step(plan) + 1]]


def _traffic(pods: tuple[PodReading, ...]) -> tuple[float, float]:
    """Requests a second, and the share of them that failed, since the pods began."""
    rate = requests = errors = 0.0
    for pod in pods:
        if pod.requests is None or pod.started is None:
            continue
        requests += pod.requests
        errors += pod.errors or 0.0
        rate += pod.requests / max(AGE_SECONDS_MIN, -pod.started)
    return rate, errors / requests if requests else 0.0


def _impossible(plan: Plan, rules: Metrics, seen: Forecast) -> Problem:
    needed = (
        "more requests than can be told" if seen.requests_needed is None else f"{seen.requests_needed:.0f} requests"
    )
    wait = "" if seen.seconds_missing is None else f", {seen.seconds_missing:.0f} s more than they hold"
    why = (
        f"to call the canary safe takes {needed} of it, and its steps bring {seen.requests_expected:.0f} at "
        f"today's {seen.requests_per_second:.3g} requests/s{wait}"
    )
    hint = "hold the steps longer (--bake), let the last one wait (metrics.wait), widen the margins, or --metrics harm"
    where = f"Service {plan.service}, the steps and {rules.wait_seconds:g} s of waiting"
    return Problem("this plan cannot show that the canary is safe", where, why, hint)


def _only_harm(seen: Forecast) -> Note:
    needed = "" if seen.requests_needed is None else f" of about {seen.requests_needed:.0f}"
    why = f"the steps bring {seen.requests_expected:.0f} requests{needed} that evidence of safety takes"
    hint = "longer bakes, or --metrics evidence to wait for it"
    return Note(CHECK, "metrics end this rollout on harm, and do not hold it up", why, hint)
