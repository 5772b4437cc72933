"""`./run real [pytest arguments]`: the tests on a real control plane, inside a network namespace of their own.

Runs twice: outside it finds or builds the binary and makes the namespace; inside it gives the namespace its addresses
and runs pytest.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.real import binary

INSIDE = "--inside-namespace"
TESTS = ("tests/stories", "tests/real")
# Each address of these ranges (pods, services) can then be bound and reached at once; nothing leaves the namespace.
NETWORK = """
ip link set lo up &&
ip route add local 10.244.0.0/16 dev lo &&
ip route add local 10.96.0.0/12 dev lo
"""


def main(arguments: list[str]) -> int:
    if arguments[:1] == [INSIDE]:
        return _inside(arguments[1:])
    return in_namespace("tests.real", [INSIDE, *arguments])


def in_namespace(module: str, arguments: list[str]) -> int:
    """Become `python -m module arguments` in a namespace of its own, the control plane's binary at hand."""
    unshare = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if problem := _namespace_problem(unshare):
        return _skipped(problem)
    try:
        binary.find_or_build()
    except binary.BuildError as error:
        print(f"real: {error}", file=sys.stderr)
        return 1
    return _enter([*unshare, sys.executable, "-m", module, *arguments])


def make_network() -> None:
    """Give the namespace its addresses, and say which cluster the tests and benches are to run on."""
    subprocess.run(["sh", "-c", NETWORK], check=True)
    os.environ["SERINUS_TEST_CLUSTER"] = "real"


def _enter(command: list[str]) -> NoReturn:
    """Become the command: one process, so that a signal to the run reaches pytest itself."""
    os.execvp(command[0], command)


def _namespace_problem(unshare: list[str]) -> str:
    """Why a network namespace cannot be made here; empty if it can."""
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            return f"{tool} is not on PATH (packages util-linux and iproute2, Linux only)"
    attempt = subprocess.run([*unshare, "sh", "-c", NETWORK], capture_output=True, text=True, check=False)
    if attempt.returncode == 0:
        return ""
    said = " ".join(attempt.stderr.split())
    return (
        f"{' '.join(unshare)} cannot make a network namespace: {said} (in a container it needs CAP_SYS_ADMIN and "
        "CAP_NET_ADMIN; Ubuntu lets ordinary users with kernel.apparmor_restrict_unprivileged_userns=0)"
    )


def _skipped(problem: str) -> int:
    """On a developer's machine these tests may be left out, in CI never unseen."""
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        print(f"real: skipped: {problem}", file=sys.stderr)
        return 0
    print(f"real: failed, because CI is set and nothing was tested: {problem}", file=sys.stderr)
    return 1


def _inside(arguments: list[str]) -> int:
    make_network()
    # A cancelled CI job says SIGTERM: then, as after Ctrl-C, pytest stops all it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    named = any(Path(argument.split("::")[0]).exists() for argument in arguments if not argument.startswith("-"))
    result = pytest.main([*arguments, *(() if named else TESTS)])
    if result == pytest.ExitCode.NO_TESTS_COLLECTED:
        print("real: failed: no test was collected, so nothing was tested", file=sys.stderr)
    return int(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
