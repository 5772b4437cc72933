"""The exam of the Reporter port, taken by the fake and by what writes a pipeline's log."""

import io
from collections.abc import Callable

import pytest

from serinus.cli.output import JsonWriter, PlainWriter
from serinus.core.progress import Progress
from serinus.ports import Reporter
from tests.fakes.clock import FakeClock
from tests.fakes.reporter import FakeReporter

Made = Callable[[io.StringIO], Reporter]
REPORTERS = [
    pytest.param(lambda _: FakeReporter(), id="fake"),
    pytest.param(lambda stream: PlainWriter(FakeClock(), stream), id="plain"),
    pytest.param(lambda stream: JsonWriter(FakeClock(), stream), id="json"),
]
PROGRESS = [
    Progress("promoting", "every step passed"),
    Progress("leaving", "taking everything back", {"lines": ["log: boom"], "reason": "CRASHED"}),
    Progress("odd", "words in other alphabets: żółć, 測試", {"share_percent": 33.33}),
]


@pytest.mark.parametrize("made", REPORTERS)
@pytest.mark.parametrize("progress", PROGRESS, ids=lambda progress: progress.code)
def test_every_progress_can_be_reported(made: Made, progress: Progress) -> None:
    made(io.StringIO()).report(progress)


@pytest.mark.parametrize("made", REPORTERS)
def test_a_reader_that_has_gone_does_not_end_the_rollout(made: Made) -> None:
    closed = io.StringIO()
    closed.close()
    made(closed).report(PROGRESS[0])


@pytest.mark.parametrize("made", REPORTERS[1:])
def test_what_happened_is_readable_where_it_is_written(made: Made) -> None:
    stream = io.StringIO()
    for progress in PROGRESS:
        made(stream).report(progress)
    text = stream.getvalue()
    assert text.endswith("\n")
    assert "every step passed" in text
    assert "log: boom" in text
