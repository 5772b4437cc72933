"""Which family counts for which track: production chooses, and the others follow where they can.

A choice that has counted a request is kept for good: to change the family in the middle of a rollout would turn one
counter into another one, and the difference would look like traffic.
"""

from collections.abc import Sequence

from serinus.judge.readings import Track
from serinus.metrics.exposition import Page
from serinus.metrics.extract import Choice, Found, families_on

OWN_FAMILY_REQUESTS = 20
"""A canary without production's family is read by its own once that has counted so many. Until then its library may
only not have registered the family yet, which many do at the first request."""


class Choices:
    """The choice per track, and the sentences that tell it. Feed it with `look`, production first."""

    def __init__(self) -> None:
        self._choices: dict[Track, Choice] = {}
        self._kept: set[Track] = set()
        self._notes: dict[Track, str] = {}

    def of(self, track: Track) -> Choice | None:
        """The family that counts for a track; None: its pages have none that is known."""
        return self._choices.get(track)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen, and what was passed over."""
        return tuple(self._notes.values())

    def look(self, track: Track, pages: Sequence[Page]) -> None:
        """Choose for a track by its pods' pages of this round, unless that is settled."""
        if track in self._kept or not pages:
            return
        found = families_on(pages)
        production = self._choices.get(Track.STABLE) if track is not Track.STABLE else None
        if production is None:
            self._first_of(track, found)
        else:
            self._follow(track, found, production)

    def _first_of(self, track: Track, found: Sequence[Found]) -> None:
        if not found:
            return
        best = found[0]
        own = f"{best.choice.latency.name}_count" if best.choice.latency is not None else ""
        counting = (one.choice.family.requests for one in found[1:] if one.counted > 0)
        others = dict.fromkeys(name for name in counting if name != own)
        passed_over = f"; passed over: {', '.join(others)}" if others else ""
        note = f"{track.value}: {best.choice.sentence()}{passed_over}"
        self._settle(track, best.choice, best.counted > 0, note)

    def _follow(self, track: Track, found: Sequence[Found], production: Choice) -> None:
        same = next((one for one in found if one.choice.family is production.family), None)
        other = next((one for one in found if one.counted >= OWN_FAMILY_REQUESTS), None)
        if same is not None:
            label = same.choice.status_label or production.status_label
            own = Choice(production.family, label, same.choice.latency or production.latency)
            note = "" if own == production else f"{track.value}, unlike production: {own.sentence()}"
            self._settle(track, own, same.counted > 0 and Track.STABLE in self._kept, note)
        elif other is not None:
            missing = f"{track.value} has no {production.family.requests}, by which production is read; it is read by"
            self._settle(track, other.choice, True, f"{missing} {other.choice.sentence()}")
        else:
            self._settle(track, production, False, "")

    def _settle(self, track: Track, choice: Choice, is_kept: bool, note: str) -> None:
        self._choices[track] = choice
        self._notes.pop(track, None)
        if note:
            self._notes[track] = note
        if is_kept:
            self._kept.add(track)
