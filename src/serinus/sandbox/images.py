"""The sandbox's image registry: which names can be pulled, and what each tag does.

An image here is a name only. `demo/checkout:vN` is the demo application (`serinus.sandbox.checkout`); what is wrong
with a version is told by its tag and becomes environment variables, which the pod template's `env` may override.
`process://CMD` runs a command of the user's own. How a process is started is not decided here.

| tag                         | what it does                                                            |
|-----------------------------|-------------------------------------------------------------------------|
| `v1`, `v2`, `v5`, `v6`, ... | good                                                                    |
| `v3`                        | gets ready, dies 3 s after each start                                   |
| `v4`                        | healthy pods, 5 % of the answers are errors                             |
| `vN-errors`, `vN-errors5`   | 100 % (or the given percentage) of the answers are errors               |
| `vN-slow`                   | three times the usual latency                                           |
| `vN-crash`, `vN-crash10`    | dies 3 (or the given number of) seconds after each start                |
| `vN-crash-on-start`         | exits with 1 at once, never ready                                       |
| `vN-never-ready`            | readiness answers 503 for ever                                          |
| `vN-oom`                    | grows past any sensible memory limit, one second after its start        |
| `vN-leak`                   | keeps 64 KiB of each request                                            |
| `vN-slow-start`             | ready only after 5 s                                                    |
| `vN-late`                   | another fault begins after 20 s only; alone: all answers are errors then |
| `vN-unpullable`             | is not in the registry, as is every name that is not in this table      |

Suffixes may be combined: `v7-slow-errors5`.
"""

import re
import shlex
from dataclasses import dataclass, field

REPOSITORY = "demo/checkout"
PROCESS_SCHEME = "process://"

ERROR_RATE = "SERINUS_ERROR_RATE"
LATENCY_MS = "SERINUS_LATENCY_MS"
CRASH_AFTER_SECONDS = "SERINUS_CRASH_AFTER_SECONDS"
CRASH_ON_START = "SERINUS_CRASH_ON_START"
NEVER_READY = "SERINUS_NEVER_READY"
MEMORY_BYTES = "SERINUS_MEMORY_BYTES"
LEAK_BYTES_PER_REQUEST = "SERINUS_LEAK_BYTES_PER_REQUEST"
START_SECONDS = "SERINUS_START_SECONDS"
HARM_AFTER_SECONDS = "SERINUS_HARM_AFTER_SECONDS"
VERSION = "SERINUS_VERSION"

USUAL_LATENCY_MS = 5
CRASH_SECONDS = "3"

_VERSIONS: dict[str, dict[str, str]] = {
    "v3": {CRASH_AFTER_SECONDS: CRASH_SECONDS},
    "v4": {ERROR_RATE: "0.05"},
}
_FAULTS: dict[str, dict[str, str]] = {
    "errors": {ERROR_RATE: "1.0"},
    "slow": {LATENCY_MS: str(3 * USUAL_LATENCY_MS)},
    "crash": {CRASH_AFTER_SECONDS: CRASH_SECONDS},
    "crash-on-start": {CRASH_ON_START: "true"},
    "never-ready": {NEVER_READY: "true"},
    "oom": {MEMORY_BYTES: str(512 * 1024 * 1024)},
    "leak": {LEAK_BYTES_PER_REQUEST: str(64 * 1024)},
    "slow-start": {START_SECONDS: "5"},
    "late": {HARM_AFTER_SECONDS: "20"},
}
_UNPULLABLE = "unpullable"

# Longest first, so that "crash-on-start" is not read as "crash" and a rest.
_SUFFIX = re.compile(
    "-(?:errors(?P<percent>[0-9]{1,3})|crash(?P<seconds>[0-9]+)|(?P<name>"
    + "|".join(sorted([*_FAULTS, _UNPULLABLE], key=len, reverse=True))
    + "))(?=-|$)"
)
_TAG = re.compile(r"(?P<version>v[0-9]+(?:\.[0-9]+)*)(?P<suffixes>(?:-[a-z0-9]+)*)")

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?)"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?(?P<digest>@sha256:[0-9a-f]{{64}})?"
)


class InvalidImageName(Exception):
    """The name is not an image reference at all; trying again cannot help."""


class ImageNotFound(Exception):
    """The name is well-formed, but the registry has no such image."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is started: the demo application when `command` is empty, else that command; `environment` are defaults."""

    name: str
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def is_process(self) -> bool:
        """True for a command of the user's own, which sees the environment of the sandbox's own process as well."""
        return self.name.startswith(PROCESS_SCHEME)


def pull(name: str) -> Image:
    """The image of that name. Raises InvalidImageName or ImageNotFound, worded as a container runtime words them."""
    if name.startswith(PROCESS_SCHEME):
        return Image(name, _split(name))
    reference = _REFERENCE.fullmatch(name)
    if reference is None:
        raise InvalidImageName(f'couldn\'t parse image name "{name}": invalid reference format')
    if reference["repository"] != REPOSITORY or reference["digest"]:
        raise _not_found(name)
    tag = reference["tag"] or "latest"
    environment = _faults(tag)
    if environment is None:
        raise _not_found(name)
    return Image(name, environment=environment | {VERSION: tag})


def _faults(tag: str) -> dict[str, str] | None:
    """The environment that makes a tag's faults; None when there is no such tag."""
    parts = _TAG.fullmatch(tag)
    if parts is None:
        return None
    environment = dict(_VERSIONS.get(parts["version"], {}))
    rest = parts["suffixes"]
    while rest:
        suffix = _SUFFIX.match(rest)
        if suffix is None or suffix["name"] == _UNPULLABLE:
            return None
        if suffix["percent"]:
            environment[ERROR_RATE] = str(min(int(suffix["percent"]), 100) / 100)
        elif suffix["seconds"]:
            environment[CRASH_AFTER_SECONDS] = suffix["seconds"]
        else:
            environment |= _FAULTS[suffix["name"]]
        rest = rest[suffix.end() :]
    if set(environment) == {HARM_AFTER_SECONDS}:
        environment |= _FAULTS["errors"]
    return environment


def _split(name: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(name.removeprefix(PROCESS_SCHEME)))
    except ValueError as error:
        raise InvalidImageName(f'couldn\'t parse image name "{name}": the command after process://: {error}') from error


def _not_found(name: str) -> ImageNotFound:
    return ImageNotFound(f'failed to pull image "{name}": failed to resolve reference "{name}": {name}: not found')
