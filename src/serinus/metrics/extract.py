"""From a page to the numbers of one pod, by the table of well-known metrics (`known.py`).

Which family counts is a choice, made once for a track and told; a page is then always read by the same choice, as a
counter that changed its meaning would look like traffic.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from serinus.judge.answers import Empty, Known
from serinus.judge.readings import Histogram
from serinus.metrics.exposition import Page, Sample, is_count
from serinus.metrics.known import FAMILIES, GAUGES, PATH_LABELS, PROBE_PATH, Family, GaugeSource, Latency, is_grpc_error


@dataclass(frozen=True, slots=True)
class Choice:
    """What counts. `status_label`: tells errors; empty: nothing does. `latency`: None, where there is no histogram."""

    family: Family
    status_label: str
    latency: Latency | None

    def sentence(self) -> str:
        """The choice in words, for people."""
        errors = f"errors by label {self.status_label}" if self.status_label else "no label tells errors"
        latency = f"latency from {self.latency.name}" if self.latency else "no latency histogram"
        return f"{self.family.requests} ({self.family.what}), {errors}, {latency}"


@dataclass(frozen=True, slots=True)
class Numbers:
    """One pod's counters. None: the page does not have it.

    `newest`: the newest timestamp among what was counted, in seconds since 1970; None: the page gives none.
    """

    requests: float
    errors: float | None
    latency: Histogram | None
    newest: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """A family on some pages: how much it has counted there, and how it would be read."""

    choice: Choice
    counted: float


def families_on(pages: Iterable[Page]) -> tuple[Found, ...]:
    """The families that these pages have, the preferred first.

    First those that have counted a request and tell errors, then those that only count, then those that are declared
    and have counted nothing yet; in each, the order of the table.
    """
    pages = tuple(pages)
    found = [_found(family, pages) for family in FAMILIES if any(_has(page, family) for page in pages)]
    return tuple(sorted(found, key=lambda one: (one.counted <= 0, not one.choice.status_label)))


def _has(page: Page, family: Family) -> bool:
    """A family that shares its name with another one is told by its status label, as soon as it has a sample."""
    samples = page.samples.get(family.requests)
    if samples is None:
        return page.declares(family.requests)
    is_exact = len(family.status_labels) == 1
    return not is_exact or any(family.status_labels[0] in sample.labels for sample in samples)


def _found(family: Family, pages: tuple[Page, ...]) -> Found:
    samples = [sample for page in pages for sample in _users(page, family)]
    label = next((name for name in family.status_labels if any(name in sample.labels for sample in samples)), "")
    latency = next((one for one in family.latency if any(_has_buckets(page, one) for page in pages)), None)
    counted = sum(sample.value for sample in samples if is_count(sample.value))
    return Found(Choice(family, label, latency), counted)


def _has_buckets(page: Page, latency: Latency) -> bool:
    return f"{latency.name}_bucket" in page.samples or page.types.get(latency.name) == "histogram"


def numbers_of(page: Page, choice: Choice) -> Known[Numbers] | Empty:
    """The pod's numbers by this choice; Empty when the page does not have the family.

    A family that is declared and has no series yet has counted nothing: that is 0, not Empty.
    """
    family = choice.family
    if not _has(page, family):
        return Empty(f"the page has no {family.requests}")
    samples = _users(page, family)
    broken = [sample.value for sample in samples if not is_count(sample.value)]
    if broken:
        return Empty(f"{family.requests} has the value {broken[0]}, which no counter can have")
    errors = sum(sample.value for sample in samples if _is_error(family, choice.status_label, sample))
    latency, why_not = _latency(page, choice)
    requests = sum(sample.value for sample in samples)
    newest = max((sample.timestamp for sample in samples if sample.timestamp is not None), default=None)
    numbers = Numbers(requests, errors if choice.status_label else None, latency, newest)
    return Known(numbers, (why_not,) if why_not else ())


def _is_error(family: Family, status_label: str, sample: Sample) -> bool:
    if family.is_error(sample.labels.get(status_label, "")):
        return True
    return bool(family.grpc_label) and is_grpc_error(sample.labels.get(family.grpc_label, ""))


def _users(page: Page, family: Family) -> list[Sample]:
    """The family's samples that count users' requests."""
    return [sample for sample in page.samples.get(family.requests, ()) if is_of_users(family, sample.labels)]


def is_of_users(family: Family, labels: Mapping[str, str]) -> bool:
    """Whether a series counts users' requests, and not probes, scrapes or what another series counts as well."""
    if any(name in labels and labels[name] not in values for name, values in family.only):
        return False
    if any(labels.get(name) in values for name, values in family.never):
        return False
    return not any(name in labels and PROBE_PATH.fullmatch(labels[name]) for name in PATH_LABELS)


def _latency(page: Page, choice: Choice) -> tuple[Histogram | None, str]:
    """The histogram, its series added up at the edges that all of them have; or None and, if it is broken, why."""
    if choice.latency is None:
        return None, ""
    name = f"{choice.latency.name}_bucket"
    series: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for sample in page.samples.get(name, ()):
        labels = dict(sample.labels)
        edge = _edge(labels.pop("le", ""))
        if edge is None or not is_count(sample.value):
            return None, f"{name} has a series that is no bucket"
        if is_of_users(choice.family, labels):
            series.setdefault(tuple(sorted(labels.items())), {})[edge] = sample.value
    if not series:
        return None, ""
    return _added_up(list(series.values()), name, choice.latency.unit_seconds)


def _edge(text: str) -> float | None:
    try:
        edge = float(text)
    except ValueError:
        return None
    return None if edge != edge else edge


def _added_up(series: list[dict[float, float]], name: str, unit_seconds: float) -> tuple[Histogram | None, str]:
    edges = sorted(set.intersection(*(set(one) for one in series)))
    if not edges or edges[-1] != float("inf"):
        return None, f"{name} has a series without +Inf"
    counts = [sum(one[edge] for one in series) for edge in edges]
    if any(after < before for before, after in pairwise(counts)):
        return None, f"{name} has counts that fall towards larger edges"
    le = tuple(edge * unit_seconds for edge in edges[:-1])
    return Histogram(le=le, counts=tuple(counts[:-1]), count=counts[-1]), ""


def gauges_of(page: Page) -> tuple[dict[str, float], dict[str, float]]:
    """The gauges, and the counters whose rate is one; what is not finite is left out."""
    gauges: dict[str, float] = {}
    totals: dict[str, float] = {}
    for gauge in GAUGES:
        source = next((one for one in gauge.sources if one.name in page.samples), None)
        if source is not None and (value := _sum(page, source)) is not None:
            (totals if source.is_counter else gauges)[gauge.key] = value
    return gauges, totals


def _sum(page: Page, source: GaugeSource) -> float | None:
    values = [
        sample.value * source.unit
        for sample in page.samples[source.name]
        if all(name not in sample.labels or sample.labels[name] in allowed for name, allowed in source.only)
    ]
    return sum(values) if values and all(is_count(value) for value in values) else None
