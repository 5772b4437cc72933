"""Records as earlier versions of Serinus saved them: each format has a file under `golden/`, written by that version.

The files are never written again: what a newer version makes of the old words is the point.
"""

import enum
import json
from pathlib import Path

import pytest

from serinus.core.plan import Approval, AutoscalerRef, Plan, Promotion, StableRef, Step
from serinus.core.reasons import Outcome, Reason
from serinus.core.record import Command, Past, Record, Seen, decode, decode_command
from serinus.core.spec import CronWindow, DateWindow, Image, Interrupt, Naming, OnFailure, Smoke, Spec, StepSpec
from serinus.core.state import (
    Baking,
    Evidence,
    Finished,
    Leaving,
    Paused,
    PauseEnd,
    Preparing,
    Promoting,
    Shifting,
    State,
)
from tests.core.samples import START, after

GOLDEN = Path(__file__).parent / "golden"
EVIDENCE = Evidence("container app ended 3 times", ("exit code 1", "Zürich: «boom»"))
STATES: tuple[State, ...] = (
    Preparing(START),
    Shifting(1, after(10), after(5), 2, True),
    Baking(0, after(20), after(15), 1, False),
    Paused(None, after(30), after(90), PauseEnd.GO_ON, Reason.PAUSE_ENDED, Evidence("paused by anna")),
    Promoting(after(40)),
    Leaving(after(50), Reason.CRASH_LOOP, EVIDENCE, 25.0),
    Finished(after(60), Outcome.ROLLED_BACK, Reason.CRASH_LOOP, EVIDENCE, 25.0),
)
SPEC = Spec(
    "shop",
    "checkout",
    version="v2",
    images=(Image("registry/checkout:v2", "app"),),
    steps=(StepSpec(25, 30.0, 90.0), StepSpec(50)),
    smoke=Smoke(http_path="/healthz"),
    on_failure=OnFailure.HOLD,
    interrupt=Interrupt.PARK,
    freeze=(
        CronWindow("0 18 * * 5", 3600.0, "weekend", "Europe/Zurich"),
        DateWindow("2026-12-24", "2026-12-26", "holidays"),
    ),
)
PLAN = Plan(
    rollout="0000aaaa",
    namespace="shop",
    service="checkout",
    release="v2",
    version="v2",
    images={"app": "registry/checkout:v2"},
    naming=Naming.IN_PLACE,
    promotion=Promotion.ADOPT,
    stable=StableRef("checkout", "uid-stable", "v1", 4, {"app": "registry/checkout:v1"}, "25%", "v1"),
    canary_name="checkout-v2",
    replicas=4,
    steps=(
        Step(25.0, 1, 3, 30.0, 90.0, Approval(600.0, PauseEnd.REVERT)),
        Step(100.0, 4, 1, 60.0, 360.0),
    ),
    ready_deadline_seconds=300.0,
    smoke=Smoke(http_path="/healthz"),
    smoke_before_traffic=True,
    autoscaler=AutoscalerRef("checkout", None, {"scaleUp": {"selectPolicy": "Max"}}),
    hold_seconds=3600.0,
    freeze_override="urgent (freeze: weekend)",
    spec=SPEC,
)
PAST = Past(
    rollout="1111bbbb",
    version_before="v0",
    version="v1",
    started=after(-600),
    ended=after(-300),
    outcome=Outcome.PROMOTED,
    reason=Reason.COMPLETE,
    evidence=Evidence("every step passed"),
    share_percent=100.0,
    kept="checkout-v0",
    images_before={"app": "registry/checkout:v0"},
)
COMMAND = Command("pause", "0000aaaa", "anna", after(25), "word-1", 600.0, PauseEnd.GO_ON)


def record_in(state: State) -> Record:
    """A record with something in every field."""
    seen = Seen("1111", "2222", "3333")
    return Record(PLAN, state, START, {"checkout-a": 2}, seen, "host-1-abc", "word-0", (PAST,))


@pytest.mark.parametrize("number", range(len(STATES)), ids=[type(state).__name__ for state in STATES])
def test_a_record_of_format_1_is_read_whole_in_every_state(number: int) -> None:
    line = (GOLDEN / "records-format-1.jsonl").read_text().splitlines()[number]
    assert decode(line) == record_in(STATES[number])


def test_a_command_of_format_1_is_read_whole() -> None:
    assert decode_command((GOLDEN / "command-format-1.json").read_text()) == COMMAND


WORDS: tuple[type[enum.Enum], ...] = (Reason, Outcome, Promotion, Naming, PauseEnd, Interrupt, OnFailure)


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_every_word_of_format_1_still_means_the_same(kind: type[enum.Enum]) -> None:
    """What is saved of a reason is its sentence. Whoever rewords one lets the class's `_missing_` know the old one."""
    words = json.loads((GOLDEN / "words-format-1.json").read_text())[kind.__name__]
    assert {name: kind(sentence).name for name, sentence in words.items()} == {name: name for name in words}
