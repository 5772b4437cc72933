"""What `serinus doctor metrics` found, as text and as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale, in_words
from serinus.judge.readings import Histogram, PodReading, Track
from serinus.judge.scrapes import Scrape
from serinus.metrics.extract import Choice
from serinus.metrics.search import Found

TO_EXPOSE = """What to expose, so that a canary is compared with production by more than its pods' state:
  - a counter of requests with their status, such as http_requests_total{code="200"}
  - a histogram of their durations, such as http_request_duration_seconds
  in Prometheus' text format, at /metrics on the port that the Service sends to, or on a container port named metrics,
  or where the pod's annotations prometheus.io/port and prometheus.io/path say. Most frameworks have a library."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Two scrapes of the pods, the family that counts per track, and where each pod's page was found."""

    service: str
    namespace: str
    scrapes: tuple[Scrape, Scrape]
    choices: Mapping[Track, Choice]
    found: Mapping[str, Found]

    @property
    def last(self) -> Scrape:
        return self.scrapes[1]

    @property
    def judges_requests(self) -> bool:
        """Whether any pod counts requests."""
        return any(pod.requests is not None for pod in self.last.reading.pods)

    def judged(self) -> dict[str, str]:
        """What would be judged, and by what; in the order of weight."""
        judged = {}
        pods = self.last.reading.pods
        choice = self.choices.get(Track.STABLE) or next(iter(self.choices.values()), None)
        if choice is not None and any(pod.errors is not None for pod in pods):
            judged["errors"] = f"{choice.family.requests}, an error by its label {choice.status_label}"
        if choice is not None and choice.latency is not None and any(pod.latency is not None for pod in pods):
            judged["latency"] = f"{choice.latency.name}, {_span(pods)}"
        if pods:
            judged["restarts"] = "what the kubelet says of the pods"
        for key in sorted({key for pod in pods for key in pod.gauges}):
            judged[key] = "a gauge of the pods"
        return judged

    def missing(self) -> tuple[str, ...]:
        """Sentences about what cannot be judged."""
        judged = self.judged()
        if not self.judges_requests:
            return ("no pod counts its requests: neither errors nor latency can be judged",)
        told = []
        if "errors" not in judged:
            told.append("requests are counted without a label that tells errors: errors cannot be judged")
        if "latency" not in judged:
            told.append("there is no latency histogram with observations: latency cannot be judged")
        return tuple(told)


def _span(pods: tuple[PodReading, ...]) -> str:
    edges = next((pod.latency.le for pod in pods if pod.latency is not None), ())
    return f"{len(edges)} edges from {edges[0]:g} s to {edges[-1]:g} s" if edges else "no edges"


def as_text(examined: Examined) -> str:
    """For people."""
    pods = examined.last.reading.pods
    lines = [f"Service {examined.service} in namespace {examined.namespace}: {len(pods)} running pods"]
    if not pods:
        return "\n".join([*lines, "  there is nothing to ask"])
    lines += [f"  {note}" for note in examined.last.notes]
    lines += ["", *(line for pod in pods for line in _pod_lines(examined, pod))]
    lines += ["", "Would be judged:", *(f"  {what:<14} {by}" for what, by in examined.judged().items())]
    lines += [f"  not: {sentence}" for sentence in examined.missing()]
    return "\n".join(lines if examined.judges_requests else [*lines, "", TO_EXPOSE])


def _pod_lines(examined: Examined, pod: PodReading) -> list[str]:
    answer, found = examined.last.answers[pod.name], examined.found.get(pod.name)
    where = ""
    if found is not None and found.candidate is not None:
        endpoint = found.candidate.endpoint
        where = f", port {endpoint.port}, {endpoint.path} (found by: {found.candidate.found_by})"
    lines = [f"  {pod.name}, {pod.track.value}{where}"]
    if trouble := in_words(answer):
        return [*lines, f"    {trouble}"]
    lines.append(f"    {_numbers(examined, pod)}")
    notes = answer.notes if isinstance(answer, Known) else ()
    return [*lines, *(f"    note: {note}" for note in notes)]


def _numbers(examined: Examined, pod: PodReading) -> str:
    parts = [] if pod.requests is None else [f"{pod.requests:g} requests{_rate(examined, pod)}"]
    if pod.errors is not None:
        parts.append(f"{pod.errors:g} errors")
    if pod.latency is not None and pod.latency.count:
        parts.append(f"half within {_quantile(pod.latency, 0.5)}, 99 % within {_quantile(pod.latency, 0.99)}")
    parts += [f"{key} {value:.6g}" for key, value in sorted(pod.gauges.items())]
    return ", ".join(parts) or "no numbers"


def _rate(examined: Examined, pod: PodReading) -> str:
    first = next((one for one in examined.scrapes[0].reading.pods if one.name == pod.name), None)
    seconds = examined.last.reading.t - examined.scrapes[0].reading.t
    if first is None or first.requests is None or pod.requests is None or seconds <= 0 or pod.requests < first.requests:
        return ""
    return f" ({(pod.requests - first.requests) / seconds:.1f}/s now)"


def _quantile(latency: Histogram, share: float) -> str:
    """The first edge that so many are within."""
    wanted = share * latency.count
    edge = next((edge for edge, count in zip(latency.le, latency.counts, strict=True) if count >= wanted), None)
    return f"{edge:g} s" if edge is not None else f"more than {latency.le[-1]:g} s" if latency.le else "no edge"


def as_json(examined: Examined) -> str:
    """For programs: one object."""
    body = {
        "service": examined.service,
        "namespace": examined.namespace,
        "pods": [_pod_json(examined, pod) for pod in examined.last.reading.pods],
        "tracks": {track.value: _choice_json(choice) for track, choice in examined.choices.items()},
        "judged": examined.judged(),
        "not_judged": examined.missing(),
        "notes": examined.last.notes,
    }
    return json.dumps(body, indent=2)


def _choice_json(choice: Choice) -> dict[str, object]:
    return {
        "requests": choice.family.requests,
        "what": choice.family.what,
        "errors_by_label": choice.status_label or None,
        "latency": choice.latency.name if choice.latency is not None else None,
    }


def _pod_json(examined: Examined, pod: PodReading) -> dict[str, object]:
    answer, found = examined.last.answers[pod.name], examined.found.get(pod.name)
    candidate = found.candidate if found is not None else None
    latency = pod.latency
    return {
        "name": pod.name,
        "track": pod.track.value,
        "answer": _kind(answer),
        "why": in_words(answer) or None,
        "port": candidate.endpoint.port if candidate is not None else None,
        "path": candidate.endpoint.path if candidate is not None else None,
        "found_by": candidate.found_by if candidate is not None else None,
        "requests": pod.requests,
        "errors": pod.errors,
        "restarts": pod.restarts,
        "latency": {"le": latency.le, "counts": latency.counts, "count": latency.count} if latency else None,
        "gauges": pod.gauges,
        "notes": answer.notes if isinstance(answer, Known) else (),
    }


def _kind(answer: Answer[PodReading]) -> str:
    match answer:
        case Known():
            return "known"
        case Empty():
            return "empty"
        case Stale():
            return "stale"
        case Failed():
            return "failed"
