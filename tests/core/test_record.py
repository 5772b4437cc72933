"""What is saved, written and read again: the same; bounded; and nothing else is believed."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.plan import AutoscalerRef, Plan, Promotion
from serinus.core.reasons import Outcome, Reason
from serinus.core.record import (
    EVIDENCE_LINES_MAX,
    FORMAT,
    HISTORY_MAX,
    LINE_BYTES_MAX,
    STATE_BYTES_MAX,
    Command,
    NewerFormat,
    Past,
    Record,
    Unreadable,
    bounded,
    decode,
    decode_command,
    encode,
    with_past,
)
from serinus.core.spec import Smoke
from serinus.core.state import Baking, Evidence, Finished, Leaving, Preparing, Promoting, Shifting
from tests.core.samples import START, after, plan_of

MOMENTS = st.integers(0, 10**6).map(after)
EVIDENCE = st.builds(Evidence, st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3).map(tuple))
PERCENT = st.floats(0, 100)
STATES = st.one_of(
    st.builds(Preparing, MOMENTS),
    st.builds(Shifting, st.integers(0, 9), MOMENTS, MOMENTS),
    st.builds(Baking, st.integers(0, 9), MOMENTS, MOMENTS),
    st.builds(Promoting, MOMENTS),
    st.builds(Leaving, MOMENTS, st.sampled_from(Reason), EVIDENCE, PERCENT),
    st.builds(Finished, MOMENTS, st.sampled_from(Outcome), st.sampled_from(Reason), EVIDENCE, PERCENT),
)
NAMES = st.none() | st.text(min_size=1, max_size=10)
PASTS = st.builds(
    Past,
    rollout=st.text(max_size=8),
    version_before=NAMES,
    version=st.text(max_size=8),
    started=MOMENTS,
    ended=MOMENTS,
    outcome=st.sampled_from(Outcome),
    reason=st.sampled_from(Reason),
    evidence=EVIDENCE,
    share_percent=PERCENT,
    kept=NAMES,
)
PLANS = st.builds(
    plan_of,
    promotion=st.sampled_from(Promotion),
    replicas=st.integers(1, 20),
    smoke=st.none() | st.builds(Smoke, NAMES, NAMES, st.floats(0.1, 100)),
    autoscaler=st.none()
    | st.builds(AutoscalerRef, st.just("hpa"), st.none() | st.integers(1, 5), st.none() | st.just({"scaleUp": {}})),
    keep_previous=st.booleans(),
)
RECORDS = st.builds(
    Record,
    plan=PLANS,
    state=STATES,
    started=MOMENTS,
    ended_before=st.dictionaries(st.text(max_size=10), st.integers(1, 99), max_size=3),
    history=st.lists(PASTS, max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=150)
@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert decode(encode(record)) == record


@settings(deadline=None, max_examples=50)
@given(st.builds(Command, verb=st.text(), rollout=st.text(), by=st.text(), at=MOMENTS))
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert decode_command(encode(command)) == command


def test_a_newer_format_is_refused_in_words_whatever_else_it_holds() -> None:
    with pytest.raises(NewerFormat) as caught:
        decode(f'{{"format": {FORMAT + 1}, "shape": ["unknown"]}}')
    assert caught.value.found == FORMAT + 1
    assert str(caught.value) == "saved in format 2, and this version of Serinus reads up to 1"


@pytest.mark.parametrize(
    "text", ["", "not JSON", "[]", "{}", '{"format": 1}', '{"format": "1"}', '{"format": 1, "plan": 3}']
)
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        decode(text)


@pytest.mark.parametrize("text", ["", "{}", '{"verb": 1}'])
def test_an_unreadable_command_is_told_apart(text: str) -> None:
    with pytest.raises(Unreadable):
        decode_command(text)


def finished(seconds: float = 60, outcome: Outcome = Outcome.PROMOTED, evidence: Evidence | None = None) -> Finished:
    return Finished(after(seconds), outcome, Reason.COMPLETE, evidence or Evidence("fine"), 100.0)


def record_of(plan: Plan) -> Record:
    return Record(plan, Preparing(START), START)


def test_a_finished_rollout_is_the_newest_of_the_history() -> None:
    record = with_past(with_past(record_of(plan_of()), finished(60)), finished(120))
    assert [past.ended for past in record.history] == [after(120), after(60)]
    newest = record.history[0]
    assert (newest.version_before, newest.version, newest.started) == ("v1", "v2", START)
    assert record.state == finished(120)


def test_a_first_version_had_none_before_it() -> None:
    assert with_past(record_of(plan_of(Promotion.FIRST)), finished()).history[0].version_before is None


@pytest.mark.parametrize(
    ("keep", "outcome", "kept"),
    [
        (True, Outcome.PROMOTED, "checkout-v1"),
        (False, Outcome.PROMOTED, None),
        (True, Outcome.ROLLED_BACK, None),
    ],
)
def test_only_a_promotion_that_was_to_keep_the_previous_version_has_kept_it(
    keep: bool, outcome: Outcome, kept: str | None
) -> None:
    assert with_past(record_of(plan_of(keep_previous=keep)), finished(outcome=outcome)).history[0].kept == kept


def test_the_history_is_bounded() -> None:
    record = record_of(plan_of())
    for number in range(HISTORY_MAX + 5):
        record = with_past(record, finished(number))
    assert len(record.history) == HISTORY_MAX
    assert record.history[-1].ended == after(5)


def test_evidence_is_bounded_at_its_end_and_in_its_lines() -> None:
    evidence = bounded(Evidence("s" * 9999, tuple(f"{number} " + "x" * 9999 for number in range(99))))
    assert len(evidence.sentence) == LINE_BYTES_MAX
    assert len(evidence.lines) == EVIDENCE_LINES_MAX
    assert evidence.lines[-1].startswith("98 ")
    assert all(len(line) == LINE_BYTES_MAX for line in evidence.lines)


@pytest.mark.parametrize("letter", ["x", "é", "語", "\x01", "🙂"])
def test_evidence_is_bounded_by_what_it_takes_to_save_it(letter: str) -> None:
    evidence = bounded(Evidence(letter * 9999))
    saved = len(msgspec.json.encode(evidence.sentence)) - 2
    assert LINE_BYTES_MAX - 6 < saved <= LINE_BYTES_MAX


def test_a_full_record_stays_far_below_what_the_cluster_stores() -> None:
    record = record_of(plan_of())
    loud = Evidence("s" * 9999, tuple("語" * 9999 for _ in range(99)))
    for number in range(HISTORY_MAX):
        record = with_past(record, finished(number, evidence=loud))
    assert len(encode(record)) < 256 * 1024


def test_where_a_record_would_be_too_large_its_oldest_history_goes_first() -> None:
    images = {f"container-{number}": "registry/" + "x" * 250 for number in range(200)}
    plan = msgspec.structs.replace(plan_of(), images=images)
    assert plan.stable is not None
    plan = msgspec.structs.replace(plan, stable=msgspec.structs.replace(plan.stable, images=images))
    record = record_of(plan)
    loud = Evidence("loud", tuple("x" * 500 for _ in range(20)))
    for number in range(HISTORY_MAX):
        record = with_past(record, finished(number, evidence=loud))
    text = encode(record)
    read = decode(text)
    assert len(text) <= STATE_BYTES_MAX
    assert (read.plan, read.state) == (plan, record.state)
    assert 0 < len(read.history) < HISTORY_MAX
    assert [past.ended for past in read.history] == [past.ended for past in record.history[: len(read.history)]]
