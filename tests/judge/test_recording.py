"""A recording keeps what the judge needs within its bound: totals, order, and a text that gives everything back."""

import math
import random
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serinus.judge.counters import pod_first_seen, restarts_since, served_since
from serinus.judge.packing import BYTES_MAX, NotARecording, pack, unpack
from serinus.judge.readings import Histogram, PodReading, Reading, Track
from serinus.judge.recording import (
    READINGS_MAX,
    Recording,
    append,
    as_kept,
    is_too_large,
    json_lines,
    needed_indices,
    thin,
)
from tests.report.rollouts import BAD, long_rollout, rollout

floats = st.one_of(
    st.integers(0, 10**6).map(float),
    st.sampled_from([2.0**53, -1.0, 0.5, 1e300, math.nan, math.inf, 1 / 3]),
)
numbers = st.none() | floats
tables = st.lists(st.floats(0.001, 100), min_size=1, max_size=4, unique=True).map(lambda found: tuple(sorted(found)))


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    edges = draw(tables)
    counts = draw(st.lists(floats, min_size=len(edges), max_size=len(edges)))
    return Histogram(edges, tuple(counts), draw(st.integers(0, 500).map(float)))


pods = st.builds(
    PodReading,
    name=st.sampled_from(["c-1", "c-2", "s-1", "<b>"]),
    track=st.sampled_from(Track),
    started=numbers,
    requests=numbers,
    errors=numbers,
    restarts=st.one_of(st.none(), st.integers(-1, 2**60)),
    latency=st.one_of(st.none(), histograms()),
    gauges=st.dictionaries(st.sampled_from(["cpu", "memory"]), st.floats(allow_nan=True), max_size=2),
)
readings = st.builds(
    Reading,
    t=st.floats(-100, 1e13),
    pods=st.lists(pods, max_size=3).map(tuple),
    weight_percent=numbers,
    run=st.sampled_from(["", "r1"]),
)


def recorded(made: Iterable[Reading]) -> Recording:
    recording = Recording([])
    for reading in made:
        append(recording, reading)
    return recording


def totals(made: Iterable[Reading]) -> dict[str, tuple[float, float, int]]:
    """By pod: requests, failures and restarts, as the judge itself counts them."""
    states = {}
    last = None
    for reading in made:
        for pod in reading.pods:
            state = states.setdefault(pod.name, pod_first_seen(pod, reading.t, last))
            served_since(state, pod, reading.t)
            restarts_since(state, pod)
        last = reading.t
    return {name: (pod.total_requests, pod.total_errors, pod.total_restarts) for name, pod in states.items()}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(readings, max_size=5))
def test_the_text_gives_every_reading_back_as_it_was_kept(made: list[Reading]) -> None:
    recording = recorded(made)
    assert unpack(pack(recording)) == recording


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(readings, max_size=5))
def test_what_is_kept_stays_as_it_is_when_it_is_kept_again(made: list[Reading]) -> None:
    for kept in recorded(made).readings:
        assert as_kept(kept) == kept


def counting_rollout(seed: int) -> list[Reading]:
    """Pods that come, restart and go, with counters that only a restart sets back."""
    dice = random.Random(seed)
    counters: dict[str, list[int]] = {}
    made = []
    restart_part = dice.choice([0.0, 0.02, 0.3])
    for number in range(dice.randrange(80)):
        here = []
        for name in dice.sample(["c-1", "c-2", "s-1"], dice.choice([3, 3, 3, 2, 0])):
            requests, errors, restarts = counters.get(name, [0, 0, 0])
            if dice.random() < restart_part:
                requests, errors, restarts = 0, 0, restarts + 1
            failed = dice.randrange(4)
            requests, errors = requests + failed + dice.randrange(10), errors + failed
            counters[name] = [requests, errors, restarts]
            track = Track.CANARY if name.startswith("c") else Track.STABLE
            here.append(PodReading(name, track, 0.0, requests, errors, restarts))
        made.append(Reading(float(number), tuple(here), dice.choice([10.0, 10.0, 10.0, 25.0])))
    return made


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_thinning_takes_no_request_no_failure_and_no_restart_with_it(seed: int, times: int) -> None:
    recording = recorded(counting_rollout(seed))
    before = totals(recording.readings)
    for _ in range(times):
        thin(recording)
        if recording.is_whole:
            assert totals(recording.readings) == before
    assert [reading.t for reading in recording.readings] == sorted({reading.t for reading in recording.readings})


@given(st.integers(0, 2**32))
def test_the_first_and_the_last_reading_are_never_thinned_away(seed: int) -> None:
    recording = recorded(counting_rollout(seed))
    ends = recording.readings[:1], recording.readings[-1:]
    for _ in range(3):
        thin(recording)
    assert (recording.readings[:1], recording.readings[-1:]) == ends


def test_a_change_of_weight_keeps_both_its_sides() -> None:
    made = [Reading(float(t), (), 10.0 if t < 7 else 25.0) for t in range(20)]
    assert {6, 7} <= needed_indices(made)


def test_a_restart_keeps_both_its_sides() -> None:
    counts = [5.0, 9.0, 14.0, 2.0, 30.0, 40.0]
    made = [Reading(float(t), (PodReading("c-1", Track.CANARY, 0.0, n, 0.0),)) for t, n in enumerate(counts)]
    assert {2, 3} <= needed_indices(made)


def test_hours_of_ten_pods_with_histograms_fit_and_their_totals_stay() -> None:
    made = list(long_rollout(hours=4, pods=10))
    recording = recorded(made)
    assert not is_too_large(recording)
    text = pack(recording)
    assert len(text) <= BYTES_MAX
    assert len(recording.readings) > 100
    assert recording.seen == len(made)
    assert recording.is_whole
    assert totals(recording.readings) == totals(made)
    assert unpack(text) == recording


def test_a_recording_of_restarts_only_is_bounded_all_the_same_and_says_that_it_is_not_whole() -> None:
    recording = Recording([])
    for t in range(3 * READINGS_MAX):
        append(recording, Reading(float(t), (PodReading("c-1", Track.CANARY, 0.0, float(t % 2), 0.0, t),)))
        assert len(recording.readings) <= READINGS_MAX
    assert not recording.is_whole


def test_a_reading_from_before_the_last_one_is_left_out() -> None:
    recording = recorded([Reading(5.0, ()), Reading(4.0, ()), Reading(5.0, ()), Reading(6.0, ())])
    assert [reading.t for reading in recording.readings] == [5.0, 6.0]
    assert recording.seen == 4


def test_the_exported_lines_are_the_readings_with_the_rollouts_name() -> None:
    recording = recorded(rollout(BAD))
    lines = list(json_lines(recording, "r1"))
    back = [msgspec.json.decode(line, type=Reading) for line in lines]
    assert back == [msgspec.structs.replace(reading, run="r1") for reading in recording.readings]


@pytest.mark.parametrize("text", ["", "spoilt", "AAAA", pack(Recording([]))[:-8], "eJyrVspPykpNLlGyUqhWAgAkxQTl"])
def test_a_text_that_is_no_recording_is_told_in_words(text: str) -> None:
    with pytest.raises(NotARecording):
        unpack(text)
