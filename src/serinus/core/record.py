"""What is saved in the cluster: the plan, the state, and the last rollouts, as JSON with a format number.

One object per rollout target. It is saved by compare-and-swap before any action (`kube/store.py`), so that any runner
can go on from it. Bounded: `HISTORY_MAX` past rollouts, `EVIDENCE_LINES_MAX` lines of evidence each, long lines cut;
and where that is too much still, the oldest of the history goes first.
"""

from datetime import datetime

import msgspec

from serinus.core.plan import Plan
from serinus.core.reasons import Outcome, Reason
from serinus.core.state import Evidence, Finished, PauseEnd, State

FORMAT = 1
HISTORY_MAX = 10
EVIDENCE_LINES_MAX = 20
LINE_BYTES_MAX = 500
"""As JSON text: a line of Chinese, or of control characters, is a multiple of its length."""
STATE_BYTES_MAX = 240 * 1024
"""Of a record as it is saved; with a command beside it the object stays below 256 KiB, and etcd takes 1 MiB."""


class NewerFormat(Exception):
    """The saved object was written by a newer Serinus than this one; `found` is its format number."""

    def __init__(self, found: int) -> None:
        super().__init__(f"saved in format {found}, and this version of Serinus reads up to {FORMAT}")
        self.found = found


class Unreadable(Exception):
    """The saved object is not what Serinus writes."""


class Past(msgspec.Struct, frozen=True):
    """A finished rollout."""

    rollout: str
    version_before: str | None
    version: str
    started: datetime
    ended: datetime
    outcome: Outcome
    reason: Reason
    evidence: Evidence
    share_percent: float
    kept: str | None = None  # the Deployment of a version out of use that was kept at 0 pods
    images_before: dict[str, str] = {}  # of production's containers before it, by name
    freeze_override: str | None = None  # why it began inside a freeze window


class Seen(msgspec.Struct, frozen=True):
    """What others must leave alone while a rollout runs, as it was first seen: hashes; empty: not seen yet."""

    stable_template: str = ""
    canary_template: str = ""
    selector: str = ""


class Record(msgspec.Struct, frozen=True):
    """The saved object. `ended_before`: by pod of production, how often its containers had ended at the start."""

    plan: Plan
    state: State
    started: datetime
    ended_before: dict[str, int] = {}
    seen: Seen = Seen()
    driver: str = ""  # the runner that took it over last: only that one acts
    answered: str = ""  # the identifier of the last word of a person that was answered
    history: tuple[Past, ...] = ()
    format: int = FORMAT
    judged: msgspec.Raw = msgspec.Raw(b"null")  # the judge's own state (`judge/state.py`), as it wrote it


class Command(msgspec.Struct, frozen=True):
    """What a person asked of a rollout that another process may be driving. `id`: to tell one word from the next."""

    verb: str
    rollout: str
    by: str
    at: datetime
    id: str = ""
    seconds: float = 0.0
    end: PauseEnd = PauseEnd.REVERT


class _Head(msgspec.Struct):
    format: int


def encode(record: Record | Command) -> str:
    """As JSON text; a record without so much of its oldest history that it would be larger than STATE_BYTES_MAX."""
    text = msgspec.json.encode(record)
    while isinstance(record, Record) and len(text) > STATE_BYTES_MAX and record.history:
        record = msgspec.structs.replace(record, history=_less(record.history))
        text = msgspec.json.encode(record)
    return text.decode()


def _less(history: tuple[Past, ...]) -> tuple[Past, ...]:
    """Without the lines of the oldest rollout that has any; else without the oldest."""
    for place in range(len(history) - 1, -1, -1):
        past = history[place]
        if past.evidence.lines:
            bare = msgspec.structs.replace(past, evidence=Evidence(past.evidence.sentence))
            return (*history[:place], bare, *history[place + 1 :])
    return history[:-1]


def decode(text: str) -> Record:
    """From JSON text. Raises NewerFormat, or Unreadable."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format > FORMAT:
            raise NewerFormat(head.format)
        return msgspec.json.decode(text, type=Record)
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from error


def decode_command(text: str) -> Command:
    """From JSON text. Raises Unreadable."""
    try:
        return msgspec.json.decode(text, type=Command)
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from error


def bounded(evidence: Evidence) -> Evidence:
    """The evidence, cut to what may be kept."""
    lines = tuple(_cut(line) for line in evidence.lines[-EVIDENCE_LINES_MAX:])
    return Evidence(_cut(evidence.sentence), lines)


def _cut(line: str) -> str:
    """As much of the line, from its beginning, as is LINE_BYTES_MAX when it is written as JSON."""
    line = line[:LINE_BYTES_MAX]
    while (too_many := len(msgspec.json.encode(line)) - 2 - LINE_BYTES_MAX) > 0:
        line = line[: len(line) - max(1, too_many // 6)]  # no character takes more than six bytes
    return line


def with_past(record: Record, finished: Finished) -> Record:
    """The record of a finished rollout, itself the newest entry of its history."""
    plan = record.plan
    evidence = bounded(finished.evidence)
    past = Past(
        rollout=plan.rollout,
        version_before=plan.stable.version if plan.stable is not None else None,
        version=plan.version,
        started=record.started,
        ended=finished.at,
        outcome=finished.outcome,
        reason=finished.reason,
        evidence=evidence,
        share_percent=finished.share_percent,
        kept=_kept(plan, finished),
        images_before=plan.stable.images if plan.stable is not None else {},
        freeze_override=plan.freeze_override,
    )
    history = (past, *record.history)[:HISTORY_MAX]
    state = msgspec.structs.replace(finished, evidence=evidence)
    return msgspec.structs.replace(record, state=state, history=history)


def _kept(plan: Plan, finished: Finished) -> str | None:
    if finished.outcome is not Outcome.PROMOTED:
        return plan.canary_name if plan.revives else None
    return plan.stable.name if plan.keep_previous and plan.stable is not None else None
