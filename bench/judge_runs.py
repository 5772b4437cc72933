"""Simulated rollouts through the very judge that decides real ones, until it has decided."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.judge_report import FIRST_SEED
from bench.traffic_model import Service, World
from serinus.core.turn import Verdict
from serinus.judge.judge import step
from serinus.judge.policy import Metric, Policy
from serinus.judge.state import State


@dataclass(frozen=True)
class Outcome:
    """How one run ended. `seconds`: when; None if it never did. `lost`: canary requests that had failed by then."""

    verdict: Verdict
    seconds: float | None
    requests: int
    lost: int


def policy_for(*metrics: Metric, alpha: float = 0.01, **margins: object) -> Policy:
    """The default policy, judging these metrics only."""
    return Policy(alpha=alpha, metrics=metrics, **margins)  # type: ignore[arg-type]


def run_once(
    policy: Policy,
    world: World,
    seed: int,
    seconds: float,
    ends: Sequence[Verdict] = (Verdict.FAIL,),
    history_seconds: float = 0.0,
) -> Outcome:
    """One rollout through the judge, until one of these verdicts or the time's end."""
    service = Service(world, random.Random(seed), seconds)
    state = State()
    for reading in service.history(history_seconds):
        state, _ = step(policy, state, reading)
    while service.t < seconds:
        state, finding = step(policy, state, service.next())
        if finding.verdict in ends:
            return Outcome(finding.verdict, service.t, service.canary_requests, service.canary_errors)
    return Outcome(Verdict.UNSURE, None, service.canary_requests, service.canary_errors)


def run_many(policy: Policy, world: World, runs: int, seconds: float, **options: object) -> list[Outcome]:
    """Runs with the seeds FIRST_SEED, FIRST_SEED + 1, ..."""
    return [run_once(policy, world, FIRST_SEED + i, seconds, **options) for i in range(runs)]  # type: ignore[arg-type]
