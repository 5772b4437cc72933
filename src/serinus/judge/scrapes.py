"""Between whoever scrapes pods and whoever asks for it: which pods, and what came of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from serinus.judge.answers import Answer
from serinus.judge.readings import PodReading, Reading, Track


@dataclass(frozen=True, slots=True)
class ScrapedPod:
    """A pod to be scraped, with what the cluster already says of it; see `readings.PodReading` for the fields."""

    name: str
    track: Track
    started: float | None = None
    restarts: int | None = None


@dataclass(frozen=True, slots=True)
class ScrapedTrack:
    """A track, for a source that knows workloads rather than pods.

    `track_service`: the Service that only this track's pods stand behind; empty: there is none.
    """

    track: Track
    namespace: str
    service: str
    deployment: str
    pods: tuple[ScrapedPod, ...] = ()
    track_service: str = ""


@dataclass(frozen=True, slots=True)
class Scrape:
    """One round over all pods.

    `reading` has every pod that was asked for, in that order: those that gave no numbers with None in their place.
    `answers` says by pod name which of the four kinds it was; `notes` are sentences about the choice of numbers.
    """

    reading: Reading
    answers: Mapping[str, Answer[PodReading]]
    notes: tuple[str, ...] = ()
