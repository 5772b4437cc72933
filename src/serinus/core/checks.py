"""What the checks of a step say together: its pods, its smoke test, its gates, the metrics.

It combines answers and names the questions that are still to be put; what follows from them is `transition.py`'s.
"""

from serinus.core.gates import Job
from serinus.core.plan import Plan, gates_of
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import AskGate, Facts, Judgement, RunSmoke, StartJob, Verdict, Wishes


def step_stage(step: int) -> str:
    """The name of a step's smoke test, and of what its gates are asked about."""
    return f"step {step + 1}"


def harm(facts: Facts) -> Judgement | None:
    """The first check that found harm."""
    if facts.pods.verdict is Verdict.FAIL:
        return facts.pods
    for answer in (facts.smoke, *(one.judgement for one in facts.gates), facts.metrics):
        if answer is not None and answer.verdict is Verdict.FAIL:
            return answer
    return None


def all_passed(plan: Plan, step: int, facts: Facts) -> bool:
    """Whether every check of the step has answered PASS; neither UNSURE nor silence is one."""
    if facts.pods.verdict is not Verdict.PASS or (plan.smoke is not None and not _is_pass(facts.smoke)):
        return False
    return not open_gates(plan, step, facts) and _metrics_passed(plan, facts)


def open_gates(plan: Plan, step: int, facts: Facts) -> tuple[str, ...]:
    """The gates of a step that have not answered PASS."""
    passed = {one.gate for one in facts.gates if _is_pass(one.judgement)}
    return tuple(gate.name for gate in gates_of(plan, step) if gate.name not in passed)


def questions(plan: Plan, step: int, facts: Facts) -> Wishes:
    """The questions about a step that have no answer yet. Whoever puts them knows which are on their way."""
    share, stage = plan.steps[step].share_percent, step_stage(step)
    smoke = (RunSmoke(stage, share),) if plan.smoke is not None and facts.smoke is None else ()
    settled = {one.gate for one in facts.gates} | {job.gate for job in facts.jobs if job.step == step}
    gates = (gate for gate in gates_of(plan, step) if gate.name not in settled)
    asking = (
        StartJob(gate.name, step) if isinstance(gate.kind, Job) else AskGate(gate.name, step, share) for gate in gates
    )
    return (*smoke, *asking)


def what_was_missing(plan: Plan, step: int, facts: Facts) -> Judgement:
    """Why a step whose share held ran out of time: a check that says nothing, or time itself."""
    if names := open_gates(plan, step, facts):
        said = next((one.judgement for one in facts.gates if one.gate in names and one.judgement.reason), None)
        sentence = f"no answer of gate {', '.join(names)} by the end of step {step + 1}"
        return Judgement(
            Verdict.FAIL,
            Reason.GATE_UNANSWERED,
            Evidence(sentence, said.evidence.lines if said is not None else ()),
        )
    if not _metrics_passed(plan, facts):
        unsure = facts.metrics
        if unsure is None or unsure.reason is None:
            return Judgement(Verdict.FAIL, Reason.METRICS_UNKNOWN, Evidence(Reason.METRICS_UNKNOWN.value))
        return Judgement(Verdict.FAIL, unsure.reason, unsure.evidence)
    return Judgement(Verdict.FAIL, Reason.STEP_TOO_LATE, Evidence(Reason.STEP_TOO_LATE.value))


def _metrics_passed(plan: Plan, facts: Facts) -> bool:
    return plan.metrics is None or _is_pass(facts.metrics)


def _is_pass(answer: Judgement | None) -> bool:
    return answer is not None and answer.verdict is Verdict.PASS
