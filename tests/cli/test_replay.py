"""`serinus judge replay`: recordings in, one line a run out; or an answer to every line as it comes."""

import json
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from serinus.cli.judge import judge
from serinus.judge.readings import Reading
from tests.judge.traffic import Traffic

PODS = ("c-1", "c-2", "s-1", "s-2", "s-3", "s-4")
ANSWER_SECONDS = 30.0


def lines(run: str, readings: Iterable[Reading]) -> list[bytes]:
    return [msgspec.json.encode(msgspec.structs.replace(reading, run=run)) + b"\n" for reading in readings]


def good(scrapes: int = 60) -> list[Reading]:
    traffic = Traffic(PODS)
    return [traffic.scrape() for _ in range(scrapes)]


def bad(scrapes: int = 60) -> list[Reading]:
    traffic = Traffic(PODS)
    return [traffic.scrape(), *(traffic.scrape({"c-1": 10, "c-2": 10}) for _ in range(scrapes - 1))]


def replayed(recording: bytes, *options: str) -> Result:
    return CliRunner().invoke(judge, ["replay", *options, "-"], input=recording, standalone_mode=False)


def answers(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_interleaved_runs_get_one_line_each_with_the_time_of_their_first_verdict() -> None:
    both = zip(lines("r1", good()), lines("r2", bad()), strict=True)
    found = answers(replayed(b"".join(line for pair in both for line in pair)))
    assert [(one["run"], one["verdict"]) for one in found] == [("r1", "pass"), ("r2", "fail")]
    assert 60.0 <= float(str(found[0]["t"])) <= 120.0
    assert found[1]["t"] == 5.0
    assert found[1]["metric"] == "errors"
    assert float(str(found[1]["evidence"])) > 2.0
    assert "errors in" in str(found[1]["reason"])


def test_harm_after_a_time_of_safety_is_a_failure_all_the_same() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape() for _ in range(60)] + [traffic.scrape({"c-1": 10, "c-2": 10}) for _ in range(6)]
    (found,) = answers(replayed(b"".join(lines("r1", readings))))
    assert found["verdict"] == "fail"
    assert float(str(found["t"])) > 295.0


def test_too_little_traffic_is_unsure_and_says_what_is_missing() -> None:
    traffic = Traffic(PODS)
    (found,) = answers(replayed(b"".join(lines("r1", [traffic.scrape(requests=1) for _ in range(30)]))))
    assert found["verdict"] == "unsure"
    assert str(found["reason"]).startswith("not enough traffic: about ")


def test_every_line_is_answered_and_the_bad_pod_named() -> None:
    traffic = Traffic(PODS)
    readings = [traffic.scrape(), *(traffic.scrape({"c-1": 10}) for _ in range(9))]
    found = answers(replayed(b"".join(lines("r1", readings)), "--each"))
    assert len(found) == 10
    assert found[-1]["replace"] == "c-1"
    assert "replace" not in found[0]


def test_metrics_margins_and_alpha_can_be_chosen() -> None:
    recording = b"".join(lines("r1", bad()))
    assert answers(replayed(recording, "--metrics", "restarts"))[0]["verdict"] != "fail"
    assert answers(replayed(recording, "--margins", "errors=0+0.5"))[0]["verdict"] != "fail"
    assert answers(replayed(recording, "--alpha", "0.001"))[0]["evidence_needed"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"run": "r1", "t": 5.0\n', "line 2"),
        (b'{"run": "r1", "t": "x", "pods": []}\n', "Expected `float`, got `str`"),
        (b'{"run": "r1", "t": 5.0, "pods": [{"name": "c", "track": "green"}]}\n', "green"),
        (b'{"run": "r1", "pods": []}\n', "missing required field `t`"),
        (b"\xff\xfe\n", "line 2"),
    ],
)
def test_a_line_that_cannot_be_understood_is_told_with_its_number_and_what_is_wanted(line: bytes, told: str) -> None:
    result = replayed(lines("r1", good(1))[0] + line)
    assert result.exception is not None
    message = getattr(result.exception, "message", "")
    assert getattr(result.exception, "exit_code", None) == 2
    assert "line 2" in message
    assert told in message
    assert "wanted one reading as a JSON object" in message


@pytest.mark.parametrize("options", [("--metrics", "speed"), ("--margins", "errors"), ("--alpha", "2")])
def test_options_that_cannot_be_understood_are_refused(options: tuple[str, str]) -> None:
    assert getattr(replayed(b"", *options).exception, "exit_code", None) == 2


def test_a_file_is_read_and_nothing_in_it_is_no_run(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(b"\n")
    result = CliRunner().invoke(judge, ["replay", str(path)], standalone_mode=False)
    assert (result.stdout, result.return_value) == ("", 0)


def test_a_closed_loop_gets_its_answer_before_the_next_line_is_written() -> None:
    command = [sys.executable, "-m", "serinus", "judge", "replay", "--each", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for line in lines("r1", good(5)):
                process.stdin.write(line)
                process.stdin.flush()
                ready, _, _ = select.select([process.stdout], [], [], ANSWER_SECONDS)
                assert ready, "no answer while the next line is not yet there"
                assert json.loads(process.stdout.readline())["run"] == "r1"
            process.stdin.close()
            assert process.wait(ANSWER_SECONDS) == 0
        finally:
            process.kill()
