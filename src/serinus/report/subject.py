"""Which rollout a report is of, and how it ended: read from the record and its history."""

from dataclasses import dataclass
from datetime import datetime

from serinus.core.reasons import Outcome, Reason
from serinus.core.record import Past, Record
from serinus.core.state import Evidence, Finished, Leaving, Paused
from serinus.judge.kept import Kept


@dataclass(frozen=True, slots=True)
class Subject:
    """One rollout. `outcome` and `ended` are None while it is under way; `reason` is None where it has none yet."""

    namespace: str
    service: str
    rollout: str
    version_before: str | None
    version: str
    started: datetime
    ended: datetime | None
    outcome: Outcome | None
    reason: Reason | None
    evidence: Evidence
    share_percent: float | None
    kept: Kept | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it is under way."""
        return None if self.ended is None else (self.ended - self.started).total_seconds()


def rollouts_of(record: Record) -> tuple[str, ...]:
    """The rollouts that can be told of, the newest first."""
    current = () if _is_in_history(record) else (record.plan.rollout,)
    return (*current, *(past.rollout for past in record.history))


def subject_of(record: Record, rollout: str | None, kept: tuple[Kept, ...], now_sentence: str) -> Subject | None:
    """This rollout, or the newest. None: there is none of that name. `now_sentence`: where one under way is."""
    wanted = rollout or rollouts_of(record)[0]
    recorded = next((one for one in kept if one.rollout == wanted), None)
    for past in record.history:
        if past.rollout == wanted:
            return _of_past(record, past, recorded)
    return _of_now(record, recorded, now_sentence) if wanted == record.plan.rollout else None


def _is_in_history(record: Record) -> bool:
    return isinstance(record.state, Finished) and any(past.rollout == record.plan.rollout for past in record.history)


def _of_past(record: Record, past: Past, kept: Kept | None) -> Subject:
    return Subject(
        namespace=record.plan.namespace,
        service=record.plan.service,
        rollout=past.rollout,
        version_before=past.version_before,
        version=past.version,
        started=past.started,
        ended=past.ended,
        outcome=past.outcome,
        reason=past.reason,
        evidence=past.evidence,
        share_percent=past.share_percent,
        kept=kept,
    )


def _of_now(record: Record, kept: Kept | None, now_sentence: str) -> Subject:
    plan, state = record.plan, record.state
    lines = state.evidence.lines if isinstance(state, Leaving | Finished | Paused) else ()
    return Subject(
        namespace=plan.namespace,
        service=plan.service,
        rollout=plan.rollout,
        version_before=plan.stable.version if plan.stable is not None else None,
        version=plan.version,
        started=record.started,
        ended=state.at if isinstance(state, Finished) else None,
        outcome=state.outcome if isinstance(state, Finished) else None,
        reason=state.reason if isinstance(state, Leaving | Finished | Paused) else None,
        evidence=Evidence(now_sentence, lines),
        share_percent=state.share_percent if isinstance(state, Leaving | Finished) else None,
        kept=kept,
    )
