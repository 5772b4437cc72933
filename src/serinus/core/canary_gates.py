"""The part of the format (`canary.py`) that tells of gates: their fields, and what cannot be said of them together."""

from collections.abc import Iterator
from typing import Any

from serinus.core.description import Choice, Code, Duration, Field, Group, Labels, Many, Mistake, Path, Text
from serinus.core.gates import Command, Gate, Job, NoAnswer, Webhook

GATES_MAX = 20
NAME_WANTED = "a name of lower-case letters, digits and '-'"
NAME_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


def _gate(name: str, timeout_seconds: float | None = None, **kind: Any) -> Gate:
    (asked,) = kind.values()
    made = Command(asked) if "command" in kind else asked
    return Gate(name, made) if timeout_seconds is None else Gate(name, made, timeout_seconds)


def _webhook(secret: dict[str, str] | None = None, **values: Any) -> Webhook:
    return Webhook(**{**values, **(secret or {})})


def _check_job(values: dict[str, Any]) -> Iterator[Mistake]:
    for name, field_name in (
        ("command", "command"),
        ("args", "args"),
        ("env", "env"),
        ("service_account", "serviceAccount"),
    ):
        if "file" in values and name in values:
            hint = "write it in that file"
            yield Mistake((field_name,), Code.NOT_WITH_FILE, f"{field_name} beside file", "image, or file alone", hint)


def check_names(gates: list[tuple[int, Gate]]) -> Iterator[Mistake]:
    """No two gates of a list have one name."""
    seen: set[str] = set()
    for index, gate in gates:
        if gate.name in seen:
            hint = "give each gate a name of its own"
            yield Mistake((index, "name"), Code.REPEATED, f"{gate.name!r}, as a gate before", "another name", hint)
        seen.add(gate.name)


def check_gates(values: dict[str, Any]) -> Iterator[Mistake]:
    """A name means one gate in the whole of a `spec`, and a step's deadline leaves each of its gates its time."""
    known = {gate.name: gate for gate in values.get("gates") or ()}
    for index, step in enumerate(values.get("steps") or ()):
        for place, gate in enumerate(step.gates):
            path: Path = ("steps", index, "gates", place)
            if known.setdefault(gate.name, gate) != gate:
                hint = "give it a name of its own, or write it as it is written before"
                met = f"{gate.name!r}, another gate than the one of that name before"
                yield Mistake((*path, "name"), Code.REPEATED, met, "another name", hint)
        for gate in (*(values.get("gates") or ()), *step.gates):
            if step.deadline_seconds is not None and step.deadline_seconds <= gate.timeout_seconds:
                met = f"{step.deadline_seconds:g} s"
                wanted = f"more than the timeout of gate {gate.name}, which is {gate.timeout_seconds:g} s"
                hint = "give the step more time or the gate less, or leave the deadline out"
                yield Mistake(("steps", index, "deadline"), Code.NO_TIME_FOR_GATE, met, wanted, hint)


SECRET = Group(
    "secret",
    (
        Field(
            "env",
            Text("the name of an environment variable", "^[A-Za-z_][A-Za-z0-9_]*$", 255),
            "The environment variable of the command that holds it.",
            "secret_variable",
        ),
        Field("file", Text("a path", "", 1024), "The file that holds it, where the command runs.", "secret_file"),
    ),
    dict,
    forms=(("env",), ("file",)),
)

WEBHOOK = Group(
    "webhook",
    (
        Field(
            "url",
            Text(
                "an address such as https://host/path, with no password in it",
                "^https?://[A-Za-z0-9._:\\[\\]-]+([/?][!-~]*)?$",
                2048,
            ),
            "Where the question is posted to, as JSON.",
            required=True,
        ),
        Field("secret", SECRET, "Where the secret is found that the request is signed with. Otherwise: not signed."),
        Field(
            "default",
            Choice({"fail": "the canary is taken back", "pass": "it counts as a pass"}, NoAnswer),
            "What it means that there is no answer within `timeout`.",
            default="fail",
        ),
    ),
    _webhook,
)

WORDS = Many(Text("text that is not empty", "", 4096), 100)

JOB = Group(
    "job",
    (
        Field("image", Text("an image", "^[!-~]+$", 1024), "The image of its only container."),
        Field("command", WORDS, "The container's command. Otherwise: the image's."),
        Field("args", WORDS, "Its arguments. Otherwise: the image's."),
        Field("env", Labels(), "Environment variables, besides those that tell of the rollout."),
        Field("file", Text("a path", "", 1024), "A Job's manifest, beside this file; its pod template is taken."),
        Field("serviceAccount", Text(NAME_WANTED, NAME_PATTERN, 253), "What its pod acts as.", "service_account"),
    ),
    Job,
    forms=(("image",), ("file",)),
    check=_check_job,
)

GATE = Group(
    "gate",
    (
        Field("name", Text(NAME_WANTED, NAME_PATTERN, 30), "Its name.", required=True),
        Field(
            "command",
            Text("text that is not empty"),
            "A command that runs where Serinus runs; exit code 0 is a pass.",
        ),
        Field("webhook", WEBHOOK, "A service of yours that is asked."),
        Field("job", JOB, "A Kubernetes Job in the namespace of the release; that its pod succeeds is a pass."),
        Field(
            "timeout",
            Duration(0.1),
            "How long it may take in all; a webhook is asked again until then.",
            "timeout_seconds",
            default="5m",
        ),
    ),
    _gate,
    forms=(("command",), ("webhook",), ("job",)),
)

GATES = Many(GATE, GATES_MAX, check_names)
