"""What a gate's Job that has ended says: its pod's exit is the verdict, and its own deadline is no verdict at all."""

from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import GateJob, Judgement, Verdict

OUT_OF_TIME = "DeadlineExceeded"
"""The reason that Kubernetes gives where a Job's `activeDeadlineSeconds` has passed."""


def judge_job(job: GateJob, log: tuple[str, ...]) -> Judgement:
    """PASS or FAIL of a Job that has ended; `log`: the end of what its pod said.

    One that ran out of time has said nothing: its pod may never have started.
    """
    if job.verdict is Verdict.PASS:
        return Judgement(Verdict.PASS, None, Evidence(f"gate {job.gate} passed: Job {job.name} has succeeded"))
    lines = tuple(f"log: {line}" for line in log)
    if job.why == OUT_OF_TIME:
        sentence = f"gate {job.gate} gave no answer: Job {job.name} did not end in its time"
        return Judgement(Verdict.FAIL, Reason.GATE_UNANSWERED, Evidence(sentence, lines))
    why = f" ({job.why})" if job.why else ""
    return Judgement(Verdict.FAIL, Reason.GATE_FAILED, Evidence(f"gate {job.gate}: Job {job.name} failed{why}", lines))
