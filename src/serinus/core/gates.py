"""Gates of a step, as asked for and as planned: questions that must be answered PASS before the step is left.

How each kind is asked stands in `gates/`; what an answer does to a rollout, in `transition.py`.
"""

import enum

import msgspec


class NoAnswer(enum.Enum):
    """What it means that a webhook has not answered by its deadline: the user's declared word."""

    FAIL = "fail"
    PASS = "pass"


class Webhook(msgspec.Struct, frozen=True, tag="webhook"):
    """A POST to `url`, signed with a secret that is found in an environment variable or a file, never in the spec."""

    url: str
    secret_variable: str | None = None
    secret_file: str | None = None
    default: NoAnswer = NoAnswer.FAIL


class Command(msgspec.Struct, frozen=True, tag="command"):
    """A command that runs where Serinus runs, by the shell; its exit code is the verdict."""

    command: str


class Job(msgspec.Struct, frozen=True, tag="job"):
    """A Kubernetes Job in the namespace of the release: whether its pod succeeds is the verdict.

    `file`: a Job's manifest whose pod is to be taken in place of all the other fields; `pod`: that pod's raw spec.
    """

    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    service_account: str | None = None
    file: str | None = None
    pod: dict[str, object] | None = None


GateKind = Webhook | Command | Job


class Gate(msgspec.Struct, frozen=True):
    """One question. `name` is its own in a spec; `timeout_seconds` bounds the whole of it, every try included."""

    name: str
    kind: GateKind
    timeout_seconds: float = 300.0


def distinct(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """Each gate once, by its name, in the order in which they come."""
    first: dict[str, Gate] = {}
    for gate in gates:
        first.setdefault(gate.name, gate)
    return tuple(first.values())


def longest_seconds(gates: tuple[Gate, ...]) -> float:
    """How long all of them may take: they are asked side by side."""
    return max((gate.timeout_seconds for gate in gates), default=0.0)
