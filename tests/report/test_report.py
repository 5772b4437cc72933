"""The numbers of a report are those of the readings and of the judge, and the commands it gives repeat it."""

import re
import shlex
from itertools import pairwise

import msgspec
import pytest
from click.testing import CliRunner

from serinus.cli.replay import replay as replay_command
from serinus.core.reasons import Reason
from serinus.judge.policy import Margin, Metric, Policy, policy_of
from serinus.judge.readings import Histogram, PodReading, Reading, Track
from serinus.judge.recording import Recording, json_lines
from serinus.report.changes import altered
from serinus.report.counted import common_histograms, count, merged, quantile
from serinus.report.data import json_of
from serinus.report.replayed import fails, replay
from serinus.report.report import report_of
from serinus.report.text import text_of, time_rows
from serinus.report.words import CHANGES
from serinus.report.words import replay_command as command_of
from tests.meta.source import ROOT
from tests.report.rollouts import BAD, GOOD, SLOW, Shape, rollout
from tests.report.subjects import subject_from


def test_every_reason_says_what_would_have_changed_it() -> None:
    assert set(CHANGES) == set(Reason)


def test_counts_are_those_of_the_last_readings() -> None:
    readings = list(rollout(GOOD))
    counted = count(readings)
    first = next(reading for reading in readings if any(pod.track is Track.CANARY for pod in reading.pods))
    before = readings[readings.index(first) - 1]
    last = readings[-1]
    canary = [pod for pod in last.pods if pod.track is Track.CANARY]
    assert counted.tracks[Track.CANARY].requests == sum(pod.requests or 0 for pod in canary)
    stable = sum(pod.requests or 0 for pod in last.pods if pod.track is Track.STABLE)
    stable -= sum(pod.requests or 0 for pod in before.pods)
    assert counted.tracks[Track.STABLE].requests == stable


def test_windows_and_merged_windows_hold_every_request_once() -> None:
    counted = count(rollout(GOOD))
    for windows in (counted.windows, merged(counted.windows, 10)):
        total = sum(window.tracks[Track.CANARY].requests for window in windows if Track.CANARY in window.tracks)
        assert total == counted.tracks[Track.CANARY].requests
        assert all(one.end == other.begin for one, other in pairwise(windows))


def test_histograms_with_different_edges_are_laid_over_those_they_share() -> None:
    def pod(name: str, track: Track, le: tuple[float, ...], counts: tuple[float, ...]) -> PodReading:
        return PodReading(name, track, 0.0, counts[-1], 0.0, None, Histogram(le, counts[:-1], counts[-1]))

    reading = Reading(
        1.0, (pod("c", Track.CANARY, (0.1, 0.5, 1.0), (1, 3, 6, 10)), pod("s", Track.STABLE, (0.5,), (2, 7)))
    )
    edges, found = common_histograms(count([Reading(0.0, ()), reading]).tracks)
    assert edges == (0.5,)
    assert found == {Track.CANARY: [3.0, 7.0], Track.STABLE: [2.0, 5.0]}


def test_quantiles_lie_inside_their_bucket() -> None:
    assert quantile((1.0, 2.0), [50.0, 50.0, 0.0], 0.75) == 1.5
    assert quantile((1.0, 2.0), [0.0, 0.0, 5.0], 0.5) is None
    assert quantile((1.0,), [0.0, 0.0], 0.5) is None


def test_the_replay_is_the_judges_own() -> None:
    subject = subject_from(BAD)
    assert subject.kept is not None
    replayed = replay(Policy(), subject.kept.recording.readings)
    assert replayed.decided is not None
    assert replayed.decided.reason == subject.evidence.sentence
    assert replayed.looks[-1].total == pytest.approx(replayed.decided.evidence)


def test_so_many_failed_requests_fewer_would_indeed_have_been_no_fail() -> None:
    subject = subject_from(BAD)
    sentence = next(change for change in report_of(subject).changes if "failed requests" in change)
    fewer, instead = (int(found) for found in re.findall(r"\d+", sentence)[:2])
    assert subject.kept is not None

    def scaled(pod: PodReading, part: float) -> PodReading:
        return msgspec.structs.replace(pod, errors=(pod.errors or 0.0) * part)

    readings = subject.kept.recording.readings
    assert not fails(Policy(), altered(readings, scaled, fewer / instead))
    assert fails(Policy(), altered(readings, scaled, (fewer + 2) / instead))


@pytest.mark.parametrize(("shape", "metric"), [(BAD, Metric.ERRORS), (SLOW, Metric.LATENCY)])
def test_a_fail_names_how_much_less_would_have_been_none(shape: Shape, metric: Metric) -> None:
    report = report_of(subject_from(shape))
    assert report.replayed is not None
    assert report.replayed.decided is not None
    assert report.replayed.decided.metric == metric.value
    word = "failed requests of the canary or fewer" if metric is Metric.ERRORS else "slow requests answered as fast"
    assert any(word in change for change in report.changes)


def test_altering_nothing_alters_nothing() -> None:
    readings = list(rollout(BAD))
    assert altered(readings, lambda pod, part: pod, 0.5) == readings
    assert fails(Policy(), readings)


def test_too_little_traffic_says_how_many_requests_are_missing() -> None:
    shape = Shape(seconds=60, requests_per_second=20.0)
    report = report_of(subject_from(shape))
    assert any("more requests to the canary" in change for change in report.changes)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        policy_of(0.01, tuple(Metric), {}),
        policy_of(0.001, (Metric.ERRORS, Metric.LATENCY), {"errors": Margin(0.5, 0.01)}),
    ],
)
def test_the_command_given_repeats_the_verdict(policy: Policy) -> None:
    subject = subject_from(BAD, policy)
    report = report_of(subject)
    assert subject.kept is not None
    lines = b"".join(json_lines(subject.kept.recording, "r1"))
    arguments = shlex.split(command_of(policy, "-"))[3:]
    result = CliRunner().invoke(replay_command, arguments, input=lines, standalone_mode=False)
    answer = msgspec.json.decode(result.stdout)
    assert report.replayed is not None
    decided = report.replayed.decided
    assert decided is not None
    assert answer["verdict"] == decided.verdict.name.lower()
    assert answer["t"] == decided.t
    assert answer["evidence"] == pytest.approx(decided.evidence, abs=1e-3)


def test_the_text_has_the_sentence_the_tables_and_the_commands() -> None:
    text = text_of(report_of(subject_from(BAD)))
    assert text.startswith("v1 -> v2: rolled back after ")
    for part in (
        "canary ",
        "stable ",
        "errors ",
        "all together",
        "checkout-v2-0",
        "What would have changed",
        "judge replay",
    ):
        assert part in text


def test_over_time_has_no_more_rows_than_asked_for_and_ends_with_the_last_reading() -> None:
    rows = time_rows(report_of(subject_from(GOOD)), 12)
    assert len(rows) <= 12
    assert rows[-1][0] == "300 s"


def test_the_line_shown_in_the_docs_is_what_is_exported() -> None:
    text = (ROOT / "docs" / "reference" / "report.md").read_text()
    shown = text.split("```json\n")[1].split("```")[0]
    reading = msgspec.json.decode(shown, type=Reading)
    recording = Recording([reading])
    assert next(json_lines(recording, reading.run)).decode() == shown


def test_the_json_is_one_object_with_plain_numbers() -> None:
    found = msgspec.json.decode(msgspec.json.encode(json_of(report_of(subject_from(BAD)))))
    assert found["verdict"] == "fail"
    assert found["tracks"][0]["track"] == "canary"
    assert found["evidence"] >= found["evidence_needed"] == 2.0
    assert found["reason"] == "METRICS_WORSE"
