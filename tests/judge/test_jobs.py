"""What a gate's Job says by how it ended."""

from serinus.core.reasons import Reason
from serinus.core.turn import GateJob, Verdict
from serinus.judge.jobs import OUT_OF_TIME, judge_job


def test_a_job_that_succeeded_is_a_pass() -> None:
    assert judge_job(GateJob("job", "load", 0, Verdict.PASS), ()).verdict is Verdict.PASS


def test_a_job_that_failed_is_a_no_with_the_end_of_its_log() -> None:
    judgement = judge_job(GateJob("job", "load", 0, Verdict.FAIL, "BackoffLimitExceeded"), ("p99 over 300 ms",))
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.GATE_FAILED)
    assert judgement.evidence.sentence == "gate load: Job job failed (BackoffLimitExceeded)"
    assert judgement.evidence.lines == ("log: p99 over 300 ms",)


def test_a_job_that_ran_out_of_time_says_nothing_of_the_version() -> None:
    judgement = judge_job(GateJob("job", "load", 0, Verdict.FAIL, OUT_OF_TIME), ())
    assert (judgement.verdict, judgement.reason) == (Verdict.FAIL, Reason.GATE_UNANSWERED)
