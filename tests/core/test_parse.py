"""The parser of spec files: what it makes of a right document, and what it says of each kind of mistake."""

from typing import Any

import pytest

from serinus.core.canary import Canary
from serinus.core.description import Code, Mistake
from serinus.core.gates import Command, Gate, NoAnswer, Webhook
from serinus.core.parse import parse
from serinus.core.spec import (
    Approval,
    ApprovalDefault,
    Capacity,
    CronWindow,
    DateWindow,
    Image,
    Interrupt,
    Naming,
    OnFailure,
    Smoke,
    Spec,
    StepSpec,
)
from serinus.kube.yamldoc import read_yaml

WHOLE = """
apiVersion: serinus.dev/v1alpha1
kind: Canary
metadata: {name: checkout, namespace: shop, labels: {team: a}}
spec:
  service: checkout
  target: {deployment: checkout, naming: in-place}
  version: v2
  images: [{container: app, image: repo/app:v2}, {image: "repo/side:1"}]
  capacity: keep
  readyDeadline: 5m30s
  bake: 1.5s
  steps:
    - weight: 10
      bake: 2m
      deadline: 10m
      approval: {deadline: 1h, default: promote}
    - weight: 50
      gates: [{name: e2e, command: ./e2e.sh}]
  adapt: true
  smoke: {httpPath: /healthz, command: ./smoke.sh, timeout: 500ms}
  gates:
    - name: board
      webhook: {url: "https://board.example.com/ask?team=a", secret: {env: BOARD_KEY}, default: pass}
      timeout: 9m
  onFailure: hold
  holdDeadline: 2h
  interrupt: park
  keepPrevious: true
  freeze:
    - {cron: "0 18 * * 5", duration: 62h, timeZone: Europe/Berlin, reason: weekend}
    - {from: 2026-12-20, to: 2027-01-02T12:00, reason: holidays}
  initialReplicas: 3
"""


JOURNEYS = Gate("e2e", Command("./e2e.sh"))
BOARD_URL = "https://board.example.com/ask?team=a"
BOARD = Gate("board", Webhook(BOARD_URL, "BOARD_KEY", None, NoAnswer.PASS), 540.0)


def document(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serinus.dev/v1alpha1",
        "kind": "Canary",
        "metadata": {"name": "checkout"},
        "spec": {"service": "checkout", **spec},
    }


def mistakes(value: Any) -> tuple[Mistake, ...]:
    parsed = parse(value)
    assert not isinstance(parsed, Canary)
    return parsed


def test_every_field_reaches_the_spec() -> None:
    canary = parse(read_yaml(WHOLE).value)
    assert isinstance(canary, Canary)
    assert (canary.name, canary.namespace) == ("checkout", "shop")
    assert canary.spec("shop") == Spec(
        namespace="shop",
        service="checkout",
        version="v2",
        images=(Image("repo/app:v2", "app"), Image("repo/side:1")),
        deployment="checkout",
        naming=Naming.IN_PLACE,
        capacity=Capacity.KEEP,
        steps=(StepSpec(10, 120.0, 600.0, Approval(3600.0, ApprovalDefault.PROMOTE)), StepSpec(50, gates=(JOURNEYS,))),
        adapt=True,
        bake_seconds=1.5,
        ready_deadline_seconds=330.0,
        smoke=Smoke("/healthz", "./smoke.sh", 0.5),
        gates=(BOARD,),
        on_failure=OnFailure.HOLD,
        hold_deadline_seconds=7200.0,
        interrupt=Interrupt.PARK,
        keep_previous=True,
        freeze=(
            CronWindow("0 18 * * 5", 62 * 3600.0, "weekend", "Europe/Berlin"),
            DateWindow("2026-12-20", "2027-01-02T12:00", "holidays"),
        ),
        replicas_when_new=3,
    )


def test_what_is_left_out_is_the_default() -> None:
    canary = parse(document())
    assert isinstance(canary, Canary)
    assert canary.namespace is None
    assert canary.spec("shop") == Spec("shop", "checkout")


def test_defaults_that_are_written_out_change_nothing() -> None:
    written = {
        "capacity": "swap",
        "readyDeadline": "5m",
        "bake": "1m",
        "adapt": False,
        "onFailure": "revert",
        "holdDeadline": "1h",
        "interrupt": "revert",
        "keepPrevious": False,
        "initialReplicas": 1,
    }
    canary = parse(document(**written))
    assert isinstance(canary, Canary)
    assert canary.spec("shop") == Spec("shop", "checkout")


CRON = {"cron": "0 18 * * 5", "duration": "2h", "reason": "weekend"}
DATES = {"from": "2026-12-20", "to": "2027-01-02", "reason": "holidays"}

MISTAKES: list[tuple[dict[str, Any], str, Code, str]] = [
    ({"servce": "x"}, "spec.servce", Code.UNKNOWN_FIELD, "did you mean 'service'?"),
    ({"ready_deadline": "5m"}, "spec.ready_deadline", Code.UNKNOWN_FIELD, "did you mean 'readyDeadline'?"),
    ({"deployment": "x"}, "spec.deployment", Code.UNKNOWN_FIELD, "it belongs in spec.target"),
    ({"zzz": 1}, "spec.zzz", Code.UNKNOWN_FIELD, "take it out"),
    ({"service": "Checkout"}, "spec.service", Code.BAD_FORMAT, "write 'checkout'"),
    ({"service": ""}, "spec.service", Code.BAD_LENGTH, "give it a value"),
    ({"service": "a\n"}, "spec.service", Code.BAD_FORMAT, "correct it"),
    ({"service": "a" * 64}, "spec.service", Code.BAD_LENGTH, "shorter"),
    ({"service": None}, "spec.service", Code.WRONG_TYPE, "give it a value"),
    ({"version": 1.1}, "spec.version", Code.WRONG_TYPE, "in quotes"),
    ({"bake": 120}, "spec.bake", Code.WRONG_TYPE, "give it a unit: 120s"),
    ({"bake": "2 m"}, "spec.bake", Code.BAD_FORMAT, "no spaces"),
    ({"bake": "9999h"}, "spec.bake", Code.BAD_DURATION, "less time"),
    ({"readyDeadline": "0s"}, "spec.readyDeadline", Code.BAD_DURATION, "more time"),
    ({"capacity": "sawp"}, "spec.capacity", Code.NOT_A_CHOICE, "did you mean 'swap'?"),
    ({"capacity": "none"}, "spec.capacity", Code.NOT_A_CHOICE, "keep: production stays"),
    ({"adapt": "yes"}, "spec.adapt", Code.WRONG_TYPE, "write true or false"),
    ({"initialReplicas": True}, "spec.initialReplicas", Code.WRONG_TYPE, "whole number"),
    ({"initialReplicas": 1.5}, "spec.initialReplicas", Code.WRONG_TYPE, "whole number"),
    ({"initialReplicas": 0}, "spec.initialReplicas", Code.OUT_OF_RANGE, "limits"),
    ({"steps": []}, "spec.steps", Code.BAD_LENGTH, "leave the field out"),
    ({"steps": {"weight": 5}}, "spec.steps", Code.WRONG_TYPE, "begin each entry with"),
    ({"steps": [{"bake": "1m"}]}, "spec.steps[0].weight", Code.MISSING_FIELD, "add it: the canary's share"),
    ({"steps": [{"weight": 5}, {"weight": 5}]}, "spec.steps[1].weight", Code.NOT_GROWING, "smallest first"),
    ({"steps": [{"weight": 5, "deadline": "1m"}]}, "spec.steps[0].deadline", Code.NO_TIME_FOR_BAKE, "leave it out"),
    ({"images": [{"image": "a:1"}, {"image": "b:1"}]}, "spec.images[1]", Code.REPEATED, "name the container"),
    ({"smoke": {"timeout": "1s"}}, "spec.smoke", Code.MISSING_FIELD, "leave spec.smoke out"),
    ({"smoke": {"httpPath": "healthz"}}, "spec.smoke.httpPath", Code.BAD_FORMAT, "write '/healthz'"),
    ({"freeze": [CRON | {"cron": "0 18 * * 8"}]}, "spec.freeze[0].cron", Code.BAD_CRON, "Fridays"),
    ({"freeze": [CRON | {"cron": "0 18 * *"}]}, "spec.freeze[0].cron", Code.BAD_CRON, "Fridays"),
    ({"freeze": [CRON | {"cron": "0 0 31 2 *"}]}, "spec.freeze[0].cron", Code.BAD_CRON, "Fridays"),
    ({"freeze": [CRON | {"timeZone": "europe/berln"}]}, "spec.freeze[0].timeZone", Code.NO_SUCH_ZONE, "Europe/Berlin"),
    ({"freeze": [CRON | {"timeZone": "Europe"}]}, "spec.freeze[0].timeZone", Code.NO_SUCH_ZONE, ""),
    ({"freeze": [DATES | {"to": "2026-02-30"}]}, "spec.freeze[0].to", Code.BAD_DATE, "correct it"),
    ({"freeze": [DATES | {"to": "2026-12-19"}]}, "spec.freeze[0].to", Code.BAD_DATE, "the later one"),
    ({"freeze": [DATES | {"to": "tomorrow"}]}, "spec.freeze[0].to", Code.BAD_FORMAT, "correct it"),
    ({"freeze": [CRON | DATES]}, "spec.freeze[0]", Code.CONFLICT, "two entries"),
    ({"gates": [{"name": "A", "command": "x"}]}, "spec.gates[0].name", Code.BAD_FORMAT, "write 'a'"),
    ({"gates": [{"name": "a"}]}, "spec.gates[0]", Code.MISSING_FIELD, "add one of them"),
    (
        {"gates": [{"name": "a", "command": "x"}, {"name": "a", "command": "x"}]},
        "spec.gates[1].name",
        Code.REPEATED,
        "a name of its own",
    ),
    (
        {"gates": [{"name": "a", "command": "x"}], "steps": [{"weight": 5, "gates": [{"name": "a", "command": "y"}]}]},
        "spec.steps[0].gates[0].name",
        Code.REPEATED,
        "own",
    ),
    (
        {"gates": [{"name": "a", "command": "x"}], "steps": [{"weight": 5, "bake": "1s", "deadline": "5m"}]},
        "spec.steps[0].deadline",
        Code.NO_TIME_FOR_GATE,
        "more time",
    ),
    (
        {"gates": [{"name": "a", "webhook": {"url": "https://me:word@host/"}}]},
        "spec.gates[0].webhook.url",
        Code.BAD_FORMAT,
        "correct it",
    ),
    (
        {"gates": [{"name": "a", "webhook": {"url": "https://host/", "secret": {"env": "A", "file": "b"}}}]},
        "spec.gates[0].webhook.secret",
        Code.CONFLICT,
        "keep one form",
    ),
    (
        {"gates": [{"name": "a", "job": {"file": "job.yaml", "args": ["x"]}}]},
        "spec.gates[0].job.args",
        Code.NOT_WITH_FILE,
        "in that file",
    ),
    ({"freeze": [{"reason": "x"}]}, "spec.freeze[0]", Code.MISSING_FIELD, "add one of them"),
    ({"freeze": [{"reason": "x", "from": "2026-12-20"}]}, "spec.freeze[0].to", Code.MISSING_FIELD, "add it"),
]


@pytest.mark.parametrize(("spec", "field", "code", "hint"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_told_with_its_place_and_a_way_on(spec: dict[str, Any], field: str, code: Code, hint: str) -> None:
    (mistake,) = mistakes(document(**spec))
    assert (mistake.field, mistake.code) == (field, code)
    assert hint in mistake.hint
    assert mistake.met
    assert mistake.wanted


def test_labels_are_texts() -> None:
    value = document()
    value["metadata"]["labels"] = {"team": 1}
    (mistake,) = mistakes(value)
    assert (mistake.field, mistake.code) == ("metadata.labels.team", Code.WRONG_TYPE)


def test_all_mistakes_are_told_at_once() -> None:
    value = document(
        capacity="sawp",
        adapt="yes",
        steps=[{"weight": 50, "bake": 5}, {"weight": 20}, {"weight": 10}],
        freeze=[CRON | {"cron": "x", "timeZone": "Mars"}],
    )
    value["metadata"] = {}
    del value["spec"]["service"]
    found = {(mistake.field, mistake.code) for mistake in mistakes(value)}
    assert found == {
        ("metadata.name", Code.MISSING_FIELD),
        ("spec.service", Code.MISSING_FIELD),
        ("spec.capacity", Code.NOT_A_CHOICE),
        ("spec.adapt", Code.WRONG_TYPE),
        ("spec.steps[0].bake", Code.WRONG_TYPE),
        ("spec.steps[2].weight", Code.NOT_GROWING),
        ("spec.freeze[0].cron", Code.BAD_CRON),
        ("spec.freeze[0].timeZone", Code.NO_SUCH_ZONE),
    }


def test_a_newer_format_is_refused_in_words_and_not_judged() -> None:
    (mistake,) = mistakes(document(fieldOfTheFuture=1) | {"apiVersion": "serinus.dev/v1beta1"})
    assert mistake.code is Code.NEWER_VERSION
    assert "a Serinus that reads serinus.dev/v1beta1" in mistake.hint


def test_another_kind_of_object_is_not_judged_by_its_fields() -> None:
    found = mistakes({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}})
    assert [(mistake.field, mistake.code) for mistake in found] == [
        ("apiVersion", Code.WRONG_KIND),
        ("kind", Code.WRONG_KIND),
    ]


@pytest.mark.parametrize(("value", "met"), [(None, "an empty document"), ([], "a list"), ("text", "'text'")])
def test_a_document_that_is_no_mapping_is_told_so(value: Any, met: str) -> None:
    (mistake,) = mistakes(value)
    assert (mistake.code, mistake.met) == (Code.WRONG_TYPE, met)


def test_a_long_value_is_shown_shortened() -> None:
    (mistake,) = mistakes(document(capacity="x" * 500))
    assert len(mistake.met) < 100
