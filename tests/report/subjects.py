"""Subjects of reports: the made-up rollouts as if they had been run."""

from datetime import timedelta

from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Evidence
from serinus.judge.judge import step
from serinus.judge.kept import Kept, Moment, note
from serinus.judge.policy import Policy
from serinus.judge.recording import append
from serinus.judge.state import State
from serinus.report.subject import Subject
from tests.core.samples import START
from tests.report.rollouts import Shape, rollout


def subject_from(shape: Shape, policy: Policy | None = None, moments: tuple[Moment, ...] = ()) -> Subject:
    """A rollout that ends when the judge fails it, or is promoted at its end."""
    policy = policy or Policy()
    kept = Kept("0000aaaa", START, policy, [])
    state, sentence, t = State(), "", 0.0
    for reading in rollout(shape):
        t = reading.t
        append(kept.recording, reading)
        state, finding = step(policy, state, reading)
        sentence = finding.reason
        if sentence:
            break
    begun = [Moment(float(max(at, 1)), "step_holds", f"the new version has {weight:g} % of traffic")
             for at, weight in shape.steps if at <= t]  # fmt: skip
    last = Moment(t + 0.2, "leaving", f"taking everything back: {sentence}") if sentence else Moment(
        t + 0.2, "promoting", "every step passed; version v2 becomes production")  # fmt: skip
    for moment in (Moment(0.0, "create_canary", "creating canary Deployment checkout-v2"), *begun, *moments, last):
        note(kept, moment)
    return Subject(
        namespace="shop",
        service="checkout",
        rollout=kept.rollout,
        version_before="v1",
        version="v2",
        started=START,
        ended=START + timedelta(seconds=t + 6.0),
        outcome=Outcome.ROLLED_BACK if sentence else Outcome.PROMOTED,
        reason=Reason.METRICS_WORSE if sentence else Reason.COMPLETE,
        evidence=Evidence(sentence or Reason.COMPLETE.value, ("kubelet: <script>alert(1)</script>",)),
        share_percent=max(weight for at, weight in shape.steps if at <= t),
        kept=kept,
    )
