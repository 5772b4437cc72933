"""`serinus demo` as a user has it: played to its end, interrupted, killed, watched on a terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.demo.world import assert_none_left, command, kill_all, marked_environment, read_until, run, started


@pytest.mark.timeout(200)
def test_json_is_one_object_with_the_figures_of_both_releases(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    done = run(environment, "demo", "--json", seconds=180)
    figures = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    good, bad = figures["good"], figures["bad"]
    assert (good["outcome"], good["failed"], good["share_percent"]) == ("promoted", 0, 100.0)
    assert good["requests"] > 1000
    assert good["writes"]["create deployments"] == 1
    assert (bad["outcome"], bad["version"], bad["share_percent"]) == ("rolled_back", "v3", 25.0)
    assert bad["reason"] in ("CRASHED", "CRASH_LOOP")
    assert bad["seconds_to_rollback"] < 3
    subtle = figures["subtle"]
    assert (subtle["outcome"], subtle["reason"], subtle["version"]) == ("rolled_back", "METRICS_WORSE", "v4")
    assert 0 < subtle["failed"] < subtle["requests"] / 10
    for release in (good, bad, subtle):
        page = Path(release["report"]).read_text()
        assert release["version"] in page
        assert page.startswith("<!DOCTYPE html>")
    assert bad["requests"] == sum(counts["requests"] for counts in bad["by_version"].values())
    assert figures["left_behind"] == []
    assert_none_left(environment)


@pytest.mark.timeout(240)
def test_a_kept_cluster_stays_up_for_the_lines_that_are_printed(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    try:
        done = run(environment, "demo", "--keep", seconds=180)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "$ serinus deploy checkout --image demo/checkout:v3" in done.stdout
        assert "\x1b" not in done.stdout
        assert "left behind: nothing" in done.stdout
        folder = tmp_path / "serinus" / "sandbox"
        assert f"KUBECONFIG={folder}/kubeconfig" in done.stdout
        there = environment | {"KUBECONFIG": str(folder / "kubeconfig")}
        status = run(there, "status", "checkout")
        assert "rolled back" in status.stdout, status.stderr
        assert run(environment, "demo", "--keep").returncode == 2
        assert "has ended" in run(environment, "sandbox", "stop").stdout
        assert_none_left(environment)
    finally:
        kill_all(environment)


@pytest.mark.parametrize("keep", [(), ("--keep",)], ids=["plain", "keep"])
@pytest.mark.parametrize("moment", ["cluster is up", "traffic: 100", "step 1 of 4"])
def test_an_interrupted_demo_leaves_no_process(tmp_path: Path, moment: str, keep: tuple[str, ...]) -> None:
    environment = marked_environment(tmp_path)
    with started(environment, "demo", *keep) as demo:
        read_until(demo, moment)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 130
        assert_none_left(environment)


def test_a_demo_interrupted_while_the_cluster_starts_leaves_no_process(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    with started(environment, "demo") as demo:
        while not list(tmp_path.glob("serinus-demo-*/cluster.log")):
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 130
        assert_none_left(environment)


@pytest.mark.parametrize("moment", ["traffic: 100", "step 1 of 4"])
def test_the_children_of_a_killed_demo_die_with_it(tmp_path: Path, moment: str) -> None:
    environment = marked_environment(tmp_path)
    with started(environment, "demo") as demo:
        read_until(demo, moment)
        demo.kill()
        assert_none_left(environment)


def test_a_terminal_shows_pods_and_traffic_and_gets_its_cursor_back(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path) | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    ours, theirs = pty.openpty()
    demo = subprocess.Popen(command("demo"), env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        seen = _read_until(ours, "step 1 of 4")
        assert all(text in seen for text in ("checkout-v1", "traffic now", "●", "25 %"))
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 130
        assert "\x1b[?25h" in _read_until(ours, "\x1b[?25h")
        assert_none_left(environment)
    finally:
        kill_all(environment)
        demo.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> str:
    deadline = time.monotonic() + 60
    seen = ""
    while text not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen
