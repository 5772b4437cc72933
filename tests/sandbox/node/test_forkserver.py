"""Processes through the fork server: results, signals, and that nothing outlives its owner."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serinus.sandbox.processes import Processes, StartError
from tests.sandbox.node.world import until

ENVIRONMENT = {"PATH": os.environ["PATH"]}
OWNER = """
import asyncio, os, sys
from pathlib import Path
from serinus.sandbox.processes import Processes

async def main():
    async with Processes() as processes:
        log = Path(sys.argv[1])
        fork = await processes.start([], {"POD_IP": "127.0.0.1", "PORT": "0"}, Path(sys.argv[1] + ".fork"))
        stubborn = "trap '' TERM HUP INT; sleep 1000 & echo $!; wait"
        command = await processes.start(["sh", "-c", stubborn], dict(os.environ), log)
        while not log.read_text().strip()[-1:].isdigit():
            await asyncio.sleep(0.01)
        print(fork.pid, command.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_command_reports_its_output_and_exit_code(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(["sh", "-c", "echo hello; echo oops >&2; exit 3"], ENVIRONMENT, tmp_path / "log")
    assert (await process.wait()).exit_code == 3
    assert (tmp_path / "log").read_text() == "hello\noops\n"


async def test_a_process_has_its_own_session_directory_and_environment(processes: Processes, tmp_path: Path) -> None:
    script = "ps -o sid= -p $$ | tr -d ' '; echo $$; pwd; env | grep -c ."
    (tmp_path / "here").mkdir()
    process = await processes.start(["sh", "-c", script], ENVIRONMENT, tmp_path / "log", str(tmp_path / "here"))
    await process.wait()
    session, pid, directory, _ = (tmp_path / "log").read_text().split()
    assert session == pid == str(process.pid)
    assert directory == str(tmp_path / "here")


async def test_a_signal_that_killed_a_process_is_reported(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(["sleep", "1000"], ENVIRONMENT, tmp_path / "log")
    process.terminate()
    ended = await process.wait()
    assert (ended.exit_code, ended.signal) == (143, signal.SIGTERM)


async def test_the_end_of_a_process_is_told_at_once(processes: Processes, tmp_path: Path) -> None:
    delays = []
    for _ in range(5):
        process = await processes.start(["sleep", "1000"], ENVIRONMENT, tmp_path / "log")
        killed_at = time.monotonic()
        process.kill()
        await process.wait()
        delays.append(time.monotonic() - killed_at)
    assert min(delays) < 0.1  # no polling lies between


@pytest.mark.parametrize(
    ("command", "directory", "why"),
    [
        (["no-such-command"], "", "No such file"),
        (["/etc/passwd"], "", "Permission denied"),
        (["true"], "/nope", "No such"),
    ],
)
async def test_what_cannot_be_started_says_why(
    processes: Processes, tmp_path: Path, command: list[str], directory: str, why: str
) -> None:
    with pytest.raises(StartError, match=why):
        await processes.start(command, ENVIRONMENT, tmp_path / "log", directory)


async def test_children_left_by_a_process_end_with_it(processes: Processes, tmp_path: Path) -> None:
    process = await processes.start(["sh", "-c", "sleep 1000 & echo $!"], ENVIRONMENT, tmp_path / "log")
    await process.wait()
    child = int((tmp_path / "log").read_text())
    await until(lambda: not is_alive(child))


@pytest.mark.parametrize("victim", ["owner", "fork server"])
def test_no_process_survives_a_kill_of_the_owner_or_the_fork_server(tmp_path: Path, victim: str) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        pods = [int(pid) for pid in owner.stdout.readline().split()]
        server = int(Path(f"/proc/{pods[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert all(map(is_alive, pods))
        os.kill(owner.pid if victim == "owner" else server, signal.SIGKILL)
        asyncio.run(until(lambda: not any(map(is_alive, pods))))
        child = int((tmp_path / "log").read_text().splitlines()[-1])
        asyncio.run(until(lambda: not is_alive(child)))
    finally:
        owner.kill()
        owner.communicate()
