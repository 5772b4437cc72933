"""The format of `serinus.yaml` and of the Canary resource, said once: fields, meanings, limits, defaults.

Parser, JSON Schema, CRD and reference page all come from `CANARY`. What the values do is told in `spec.py`.
"""

import difflib
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from serinus.core.description import (
    Choice,
    Code,
    Duration,
    Field,
    Group,
    Labels,
    Many,
    Mistake,
    Switch,
    Text,
    Whole,
)
from serinus.core.freeze import cron_problem, moment_of, span_of, zone_of
from serinus.core.spec import (
    Approval,
    ApprovalDefault,
    Capacity,
    Config,
    CronWindow,
    DateWindow,
    Image,
    Interrupt,
    Naming,
    OnFailure,
    Smoke,
    Spec,
    StepSpec,
    Window,
)

GROUP = "serinus.dev"
API_VERSION = f"{GROUP}/v1alpha1"
KIND = "Canary"


@dataclass(frozen=True, slots=True)
class Canary:
    """A document that was read. `wish` holds what makes a Spec, but for the namespace."""

    name: str
    namespace: str | None
    wish: dict[str, Any]

    def spec(self, namespace: str) -> Spec:
        """The spec, for a release in `namespace`."""
        return Spec(namespace=namespace, **self.wish)


# Builders and checks


def _canary(metadata: dict[str, Any], spec: dict[str, Any], **_head: str) -> Canary:
    target = spec.pop("target", {})
    return Canary(metadata["name"], metadata.get("namespace"), {**spec, **target})


def _window(**values: Any) -> Window:
    return CronWindow(**values) if "cron" in values else DateWindow(**values)


def _check_steps(steps: list[tuple[int, StepSpec]]) -> Iterator[Mistake]:
    for (_, before), (index, step) in itertools.pairwise(steps):
        if step.weight_percent <= before.weight_percent:
            wanted = f"more than {before.weight_percent}, the weight of the step before"
            hint = "order the steps by weight, the smallest first"
            yield Mistake((index, "weight"), Code.NOT_GROWING, f"{step.weight_percent}", wanted, hint)


def _check_images(images: list[tuple[int, Image]]) -> Iterator[Mistake]:
    seen: set[str | None] = set()
    for index, image in images:
        if image.container in seen:
            who = f"container {image.container!r}" if image.container is not None else "no container"
            hint = "give each container one image; where there are several images, name the container of each"
            yield Mistake((index,), Code.REPEATED, f"{who}, as in an image before", "another container", hint)
        seen.add(image.container)


def _check_release(values: dict[str, Any]) -> Iterator[Mistake]:
    default_seconds = values.get("bake_seconds", Spec("", "").bake_seconds)
    for index, step in enumerate(values.get("steps") or ()):
        bake_seconds = default_seconds if step.bake_seconds is None else step.bake_seconds
        if step.deadline_seconds is not None and step.deadline_seconds <= bake_seconds:
            wanted = f"more than the bake of the step, which is {bake_seconds:g} s"
            hint = "a deadline bounds the whole step: pods ready, smoke test, bake; give it more, or leave it out"
            path = ("steps", index, "deadline")
            yield Mistake(path, Code.NO_TIME_FOR_BAKE, f"{step.deadline_seconds:g} s", wanted, hint)


def _check_cron(expression: str) -> Iterator[Mistake]:
    if problem := cron_problem(expression):
        wanted = "five fields: minute, hour, day of month, month, day of week"
        yield Mistake(
            (), Code.BAD_CRON, f"{expression!r}: {problem}", wanted, 'for example "0 18 * * 5": Fridays at 18:00'
        )


def _check_zone(name: str) -> Iterator[Mistake]:
    try:
        zone_of(name)
    except LookupError:
        known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {known[near[0]]!r}?" if near else "take a name such as Europe/Berlin, or UTC"
        yield Mistake((), Code.NO_SUCH_ZONE, repr(name), "a time zone of the IANA database", hint)


def _check_date(text: str) -> Iterator[Mistake]:
    try:
        moment_of(text, zone_of("UTC"))
    except ValueError as error:
        yield Mistake((), Code.BAD_DATE, f"{text!r}: {error}", "a day and a time that exist", "correct it")


def _check_window(values: dict[str, Any]) -> Iterator[Mistake]:
    if not {"begins", "ends"} <= values.keys():
        return
    window = DateWindow(values["begins"], values["ends"], "", values.get("time_zone", "UTC"))
    begins, ends = span_of(window)
    if ends <= begins:
        hint = "give the later one as `to`; a day there is included"
        yield Mistake(("to",), Code.BAD_DATE, window.ends, f"later than `from`, {window.begins}", hint)


# The format

LABEL_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
LABEL = Text("a name of lower-case letters, digits and '-'", LABEL_PATTERN, 63)
NAME = Text("a name of lower-case letters, digits, '-' and '.'", NAME_PATTERN, 253)
DATE = Text("a date such as 2026-12-20, or a time such as 2026-12-20T18:00", DATE_PATTERN, 19, _check_date)
WORDS = Text("text that is not empty")

METADATA = Group(
    "metadata",
    (
        Field("name", NAME, "The name of this Canary.", required=True),
        Field(
            "namespace", LABEL, "The namespace of Service and Deployment. Otherwise: `--namespace`, or the context's."
        ),
        Field("labels", Labels(), "Labels, for other tools; Serinus does not read them."),
        Field("annotations", Labels(), "Annotations, for other tools; Serinus does not read them."),
    ),
    dict,
)

TARGET = Group(
    "target",
    (
        Field("deployment", NAME, "Production's Deployment. Otherwise: found behind the Service."),
        Field(
            "naming",
            Choice(
                {
                    "versioned": "production is Deployment APP-VERSION, and the canary becomes production",
                    "in-place": "Deployment APP keeps its name, and adopts the canary's ReplicaSet",
                },
                Naming,
            ),
            "Which Deployment is production after a release. Otherwise: as found.",
        ),
    ),
    dict,
)

IMAGE = Group(
    "image",
    (
        Field(
            "container",
            LABEL,
            "The container. Otherwise: the only one, or the one whose image has the same repository.",
        ),
        Field(
            "image",
            Text("an image with a tag or a digest, such as repo/app:v2", "^[!-~]+$", 1024),
            "Its new image.",
            required=True,
        ),
    ),
    Image,
)

APPROVAL = Group(
    "approval",
    (
        Field("deadline", Duration(1), "How long to wait for a person.", "deadline_seconds", default="1h"),
        Field(
            "default",
            Choice({"abort": "take the canary back", "promote": "go on"}, ApprovalDefault),
            "What becomes of a step that nobody approved in time.",
            default="abort",
        ),
    ),
    Approval,
)

STEP = Group(
    "step",
    (
        Field("weight", Whole(1, 100), "The canary's share of requests, in percent.", "weight_percent", required=True),
        Field(
            "bake",
            Duration(),
            "How long the share must hold, from when it is seen to be reached. Otherwise: `spec.bake`.",
            "bake_seconds",
        ),
        Field(
            "deadline",
            Duration(1),
            "The longest the whole step may take. Otherwise: time for pods, smoke test and bake, one after the other.",
            "deadline_seconds",
        ),
        Field("approval", APPROVAL, "A person must agree before the rollout goes past this step."),
    ),
    StepSpec,
)

SMOKE = Group(
    "smoke",
    (
        Field(
            "httpPath",
            Text("a path that begins with '/'", "^/[!-~]*$", 2048),
            "This path of a canary pod must answer 2xx or 3xx.",
            "http_path",
        ),
        Field("command", WORDS, "A command; exit code 0 is a pass."),
        Field("timeout", Duration(0.1), "How long a smoke test may take.", "timeout_seconds", default="30s"),
    ),
    Smoke,
    any_of=("httpPath", "command"),
)

FREEZE = Group(
    "freeze window",
    (
        Field(
            "cron",
            Text("a cron expression of five fields", "", 200, _check_cron),
            "When the freeze begins, again and again: minute, hour, day of month, month, day of week.",
        ),
        Field(
            "duration",
            Duration(1),
            "How long it lasts, in time that passes, also where clocks change meanwhile.",
            "duration_seconds",
        ),
        Field("from", DATE, "The day or time at which the freeze begins.", "begins"),
        Field("to", DATE, "The day or time at which it ends; a day is included.", "ends"),
        Field(
            "timeZone",
            Text("a time zone such as Europe/Berlin", "^[A-Za-z0-9_+/-]+$", 64, _check_zone),
            "The time zone of all of it.",
            "time_zone",
            default="UTC",
        ),
        Field("reason", WORDS, "Why; shown to whoever is refused.", required=True),
    ),
    _window,
    forms=(("cron", "duration"), ("from", "to")),
    check=_check_window,
)

RELEASE = Group(
    "spec",
    (
        Field("service", LABEL, "The Service whose users get the new version.", required=True),
        Field("target", TARGET, "What stands behind the Service, where it cannot be found out."),
        Field("version", WORDS, "The new version, usually given by `--version`. Otherwise: the image's tag."),
        Field("images", Many(IMAGE, 50, _check_images), "The new images, usually given by `--image`."),
        Field(
            "capacity",
            Choice(
                {
                    "keep": "production stays at its full size, and the canary's pods come on top",
                    "swap": "pods are swapped, within maxSurge",
                },
                Capacity,
            ),
            "Where the canary's pods come from.",
            default="swap",
        ),
        Field(
            "readyDeadline",
            Duration(1),
            "How long pods may take to be ready.",
            "ready_deadline_seconds",
            default="5m",
        ),
        Field(
            "bake", Duration(), "How long a share must hold, where its step does not say.", "bake_seconds", default="1m"
        ),
        Field(
            "steps",
            Many(STEP, 100, _check_steps),
            "The shares, growing. Otherwise: the nearest that pods allow to 25, 50 and 75.",
        ),
        Field("adapt", Switch(), "Take the nearest shares that can be had instead of refusing.", default=False),
        Field("smoke", SMOKE, "Smoke tests: of a pod that no user meets, before the first step; then at each step."),
        Field(
            "onFailure",
            Choice(
                {
                    "revert": "the canary is taken back at once",
                    "hold": "the rollout stays where it is until a person says, or `holdDeadline` passes",
                    "ask": "whoever sits at the terminal is asked; where there is nobody, revert",
                },
                OnFailure,
            ),
            "What a failed rollout does.",
            "on_failure",
            default="revert",
        ),
        Field(
            "holdDeadline",
            Duration(1),
            "How long a held rollout waits for a person before it reverts.",
            "hold_deadline_seconds",
            default="1h",
        ),
        Field(
            "interrupt",
            Choice(
                {"revert": "the canary is taken back", "park": "the rollout stays as it is; any run can go on with it"},
                Interrupt,
            ),
            "What SIGINT and SIGTERM mean to the run that drives the rollout.",
            default="revert",
        ),
        Field("keepPrevious", Switch(), "Keep the previous Deployment at 0 pods.", "keep_previous", default=False),
        Field(
            "config",
            Choice(
                {
                    "shared": "both versions read the same ones",
                    "versioned": "the new version gets copies of them as they are now, and production keeps its own",
                },
                Config,
            ),
            "Whose the ConfigMaps and Secrets are that the pod template names.",
            default="shared",
        ),
        Field("freeze", Many(FREEZE, 100), "When no release may begin."),
        Field(
            "initialReplicas",
            Whole(1, 10000),
            "Pods of a first deployment, when nothing stands behind the Service yet.",
            "replicas_when_new",
            default=1,
        ),
    ),
    dict,
    check=_check_release,
)

CANARY = Group(
    "canary",
    (
        Field("apiVersion", Choice({API_VERSION: "this format"}), "The format's version.", required=True),
        Field("kind", Choice({KIND: "one canary release"}), "What the document is.", required=True),
        Field("metadata", METADATA, "Name and namespace.", required=True),
        Field("spec", RELEASE, "How versions of this Service are released.", required=True),
    ),
    _canary,
)
