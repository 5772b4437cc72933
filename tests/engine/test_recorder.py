"""The recorder notes what is reported and read, saves now and then, and never stands in a rollout's way."""

from serinus.core.progress import Progress
from serinus.core.record import Record
from serinus.core.state import Preparing
from serinus.engine.recorder import SAVE_SECONDS, Recorder
from serinus.judge.policy import Policy
from serinus.judge.readings import Reading
from serinus.ports import Trouble
from tests.core.samples import START, plan_of
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import FakeRecordings
from tests.fakes.reporter import FakeReporter

RECORD = Record(plan_of(), Preparing(START), START)


def recorder() -> tuple[Recorder, FakeRecordings, FakeClock, FakeReporter]:
    recordings, clock, reporter = FakeRecordings(), FakeClock(), FakeReporter()
    return Recorder(recordings, clock, reporter), recordings, clock, reporter


async def test_what_is_reported_is_handed_on_and_noted_with_its_time() -> None:
    noting, recordings, clock, reporter = recorder()
    noting.begin(RECORD, None)
    progress = Progress("create_canary", "creating canary Deployment checkout-v2 with 1 pod")
    noting.report(progress)
    await noting.save(is_last=True)
    (kept,) = await recordings.load()
    expected = (clock.now() - START).total_seconds()
    assert [(m.t, m.code, m.sentence) for m in kept.moments] == [(expected, progress.code, progress.sentence)]
    assert reporter.heard == [progress]


async def test_it_saves_once_a_minute_and_at_the_end() -> None:
    noting, recordings, clock, _ = recorder()
    noting.begin(RECORD, Policy())
    for t in range(1, int(2 * SAVE_SECONDS)):
        noting.take(Reading(float(t), ()))
        await noting.save(is_last=False)
        clock.advance(1.0)
    assert recordings.saves == 2
    await noting.save(is_last=True)
    await noting.save(is_last=True)
    assert recordings.saves == 3
    (kept,) = await recordings.load()
    assert len(kept.recording.readings) == int(2 * SAVE_SECONDS) - 1


async def test_a_run_that_takes_over_goes_on_with_what_was_kept() -> None:
    noting, recordings, clock, reporter = recorder()
    noting.begin(RECORD, Policy())
    noting.take(Reading(1.0, ()))
    await noting.save(is_last=False)
    second = Recorder(recordings, clock, reporter)
    await second.resume(RECORD, Policy())
    second.take(Reading(2.0, ()))
    await second.save(is_last=True)
    (kept,) = await recordings.load()
    assert [reading.t for reading in kept.recording.readings] == [1.0, 2.0]


async def test_readings_that_cannot_be_saved_are_told_once_and_stop_nothing() -> None:
    noting, recordings, _, reporter = recorder()
    recordings.trouble = Trouble("forbidden")
    await noting.resume(RECORD, Policy())
    for t in (1.0, 2.0):
        noting.take(Reading(t, ()))
        await noting.save(is_last=True)
    assert [progress.sentence for progress in reporter.heard] == [
        "the readings of this rollout are not kept: forbidden"
    ]
