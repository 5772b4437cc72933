"""What the shell may ask of the world, as protocols. Adapters stand elsewhere; `wiring.py` joins the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from serinus.core.gates import Gate
from serinus.core.notices import Notice
from serinus.core.plan import Plan
from serinus.core.pods import Pod
from serinus.core.progress import Progress
from serinus.core.record import Command, Record
from serinus.core.spec import Smoke
from serinus.core.turn import Action, Judgement
from serinus.core.world import World
from serinus.judge.kept import Kept
from serinus.judge.scrapes import Scrape, ScrapedPod


class Clock(Protocol):
    """Time. Nothing else in the product reads a clock or waits."""

    def now(self) -> datetime:
        """The wall clock's time, aware, in UTC. It may jump; never measure a duration with it."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds; at least one turn of the event loop."""


class Dice(Protocol):
    """Chance. Nothing else in the product is random."""

    def fraction(self) -> float:
        """Uniform in [0, 1)."""

    def token(self) -> str:
        """8 lower-case hexadecimal characters: the names of runners."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The saved record with the version to save over, and what a person has asked meanwhile."""

    record: Record
    version: str
    command: Command | None = None


class LostRace(Exception):
    """The saved object changed since it was read: another runner, or a person's command. Load it again."""


class Trouble(Exception):
    """The world did not do what was asked; the next turn asks again. The text says what, where and why.

    `may_come_late`: nobody knows whether it was done, and it may still be.
    """

    def __init__(self, sentence: str, may_come_late: bool = False) -> None:
        super().__init__(sentence)
        self.may_come_late = may_come_late


class SavedByNewer(Trouble):
    """What is saved was written by a newer Serinus, so this one understands it too little to touch anything."""


class Store(Protocol):
    """Where a rollout's record is kept. Saving is compare-and-swap."""

    def load(self) -> Saved | None:
        """The latest that is known; None: nothing was ever saved."""

    async def save(self, record: Record, version: str | None) -> Saved:
        """Save over `version` (None: as the first). Raises LostRace, or Trouble when it cannot be known to be saved."""


class Recordings(Protocol):
    """Where the last rollouts' readings are kept, for people to read. No rollout depends on them."""

    async def load(self) -> tuple[Kept, ...]:
        """All that can be read, that of the rollout which began last first. Raises Trouble."""

    async def save(self, kept: Kept) -> None:
        """Save over what was saved of this rollout, and forget the oldest. May thin it, in place. Raises Trouble."""


class Cluster(Protocol):
    """The rollout's part of the cluster."""

    def observe(self, plan: Plan) -> World:
        """What it is like now, from the live copy; costs no request."""

    async def changed(self, timeout_seconds: float) -> bool:
        """Wait until something changed, at most so long; whether it did."""

    async def refresh(self) -> None:
        """Read everything anew, so that `observe` tells of all that was done before this call. Raises Trouble."""

    async def act(self, plan: Plan, action: Action) -> None:
        """Ask for one thing. Safe twice. Raises Trouble."""

    async def log_tail(self, pod: str, container: str) -> tuple[str, ...]:
        """The last lines of the run of a container that ended last, or one line that says why they cannot be had."""

    async def job_log(self, job: str) -> tuple[str, ...]:
        """The last lines of a gate's Job, or one line that says why they cannot be had."""


@dataclass(frozen=True, slots=True)
class SmokeQuestion:
    """What a smoke test gets to know."""

    smoke: Smoke
    plan: Plan
    stage: str
    share_percent: float
    pods: tuple[Pod, ...]  # the canary's pods that are ready


class SmokeGate(Protocol):
    """Smoke tests of a canary pod."""

    async def ask(self, question: SmokeQuestion) -> Judgement:
        """PASS or FAIL, with what was seen. Ends by itself within the smoke test's time limit, and never raises."""


@dataclass(frozen=True, slots=True)
class GateQuestion:
    """What a gate gets to know. `held_seconds`: for how long the step's share has held already, in all runs of it."""

    gate: Gate
    plan: Plan
    step: int
    share_percent: float
    pods: tuple[Pod, ...]  # the canary's pods that are ready
    held_seconds: float = 0.0


class StepGate(Protocol):
    """The gates of a step, whatever their kind."""

    async def ask(self, question: GateQuestion) -> Judgement:
        """PASS or FAIL, with what was seen. Ends by itself within the gate's time limit, and never raises."""


class Metrics(Protocol):
    """The counters of both versions' pods."""

    async def read(self, pods: Sequence[ScrapedPod], t: float, weight_percent: float | None) -> Scrape:
        """One round over the pods. `t`: seconds since the rollout began. Ends within the interval, and never raises."""


class Reporter(Protocol):
    """Whoever watches."""

    def report(self, progress: Progress) -> None:
        """Something happened. Must not raise, and must not block for long."""


class Notifier(Protocol):
    """Whoever looks at the cluster, and not at the run: told of each change of state."""

    def notify(self, notice: Notice) -> None:
        """Something changed. Must not raise, and must not block: it is sent in the background, or not at all."""

    async def close(self) -> None:
        """Send what is still waiting, within two seconds, and let the rest be. Never raises."""
