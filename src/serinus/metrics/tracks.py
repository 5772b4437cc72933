"""What sources that know tracks, and not pods, share: single numbers by name become readings of pseudo pods."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale, in_words
from serinus.judge.readings import PodReading, Reading
from serinus.judge.scrapes import Scrape, ScrapedTrack
from serinus.metrics.findings import Finding

COUNTERS = ("requests", "errors")
Numbers = Mapping[str, Answer[float]]
"""Answers by what was asked for: `requests`, `errors`, and gauges by their names."""


def scrape_of(
    tracks: Sequence[ScrapedTrack], numbers: Sequence[Numbers], t: float, weight_percent: float | None
) -> Scrape:
    """A pseudo pod per track, with its pods beside it for what the cluster says of them."""
    readings: list[PodReading] = []
    answers: dict[str, Answer[PodReading]] = {}
    for track, given in zip(tracks, numbers, strict=True):
        name = track.track.value
        answer = answers[name] = reading_of(track, given)
        readings.append(answer.value if isinstance(answer, Known) else PodReading(name, track.track))
        readings += [PodReading(pod.name, pod.track, started=pod.started, restarts=pod.restarts) for pod in track.pods]
    return Scrape(Reading(t=t, pods=tuple(readings), weight_percent=weight_percent), answers)


def reading_of(track: ScrapedTrack, numbers: Numbers) -> Answer[PodReading]:
    """The track's reading. The first question decides, which is the one for requests where it is asked at all: without
    a number for it there is no reading. Another one without a number is left out, which is None and never zero.
    """
    reading = PodReading(track.track.value, track.track)
    first = next(iter(numbers.values()), Empty("nothing is asked for"))
    if not isinstance(first, Known):
        return _as_reading(first, reading)
    known = {name: answer.value for name, answer in numbers.items() if isinstance(answer, Known)}
    gauges = {name: value for name, value in known.items() if name not in COUNTERS}
    reading = msgspec.structs.replace(
        reading, requests=known.get("requests"), errors=known.get("errors"), gauges=gauges
    )
    notes = [f"{name}: {words}" for name, answer in numbers.items() if (words := in_words(answer))]
    notes += [note for answer in numbers.values() if isinstance(answer, Known) for note in answer.notes]
    return Known(reading, tuple(dict.fromkeys(notes)))


def missing_for_production(numbers: Numbers) -> tuple[Finding, ...]:
    """What has no data for production: what never answers cannot be compared with."""
    told = [(name, in_words(answer)) for name, answer in numbers.items()]
    return tuple(Finding(name, f"for production, {words}") for name, words in told if words)


def _as_reading(answer: Answer[float], reading: PodReading) -> Answer[PodReading]:
    match answer:
        case Stale(_, age_seconds):
            return Stale(reading, age_seconds)
        case Known():
            return Known(reading)
        case Empty() | Failed():
            return answer


def counted(value: float, what: str) -> Answer[float]:
    """A number that a counter or a gauge can be."""
    return Known(value) if math.isfinite(value) and value >= 0 else Empty(f"{what} is {value}, which nothing can count")
