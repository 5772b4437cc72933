"""Debian's `prometheus`, the examiner of the Prometheus source: found, or fetched once into the cache and unpacked.

It is not installed: only its binary is taken out of the package. `python -m tests.metrics.debian` prints its path.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS_MAX = 60


class Missing(Exception):
    """It cannot be had here; the message says why."""


def find_or_fetch() -> Path:
    """The binary's path. Raises Missing."""
    installed = shutil.which("prometheus")
    if installed is not None:
        return Path(installed)
    binary = _cache() / "prometheus"
    if not binary.exists():
        for tool in ("apt-get", "dpkg"):
            if shutil.which(tool) is None:
                raise Missing(f"no prometheus on PATH, and no {tool} to get Debian's package with")
        _fetch(binary)
    return binary


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "serinus" / "prometheus"


def _fetch(binary: Path) -> None:
    """Unpack beside the final place and move, so that whoever finds the binary finds a whole one."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
        _run(["apt-get", "download", "prometheus"], folder)
        packages = list(Path(folder).glob("prometheus_*.deb"))
        if not packages:
            raise Missing("apt-get download left no package")
        _run(["dpkg", "-x", str(packages[0]), "unpacked"], folder)
        unpacked = Path(folder) / "unpacked" / "usr" / "bin" / "prometheus"
        if not unpacked.exists():
            raise Missing("Debian's package has no /usr/bin/prometheus any more")
        unpacked.rename(binary)


def _run(command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{command[0]} took more than {SECONDS_MAX} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Missing(f"{' '.join(command[:3])} failed: {last}; is Debian's package list there (apt-get update)?")


if __name__ == "__main__":
    try:
        print(find_or_fetch())
    except Missing as error:
        sys.exit(f"prometheus: {error}")
