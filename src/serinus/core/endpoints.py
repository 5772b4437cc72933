"""Where a pod may show its metrics: what it offers, and the order in which that is tried. Pure.

The annotations are those that many Prometheus installations look at (`prometheus.io/...`): a custom, not a standard.
"""

from dataclasses import dataclass

DEFAULT_PATH = "/metrics"
OTHER_PATHS = ("/actuator/prometheus", "/q/metrics", "/stats/prometheus")
"""Where Spring, Quarkus and Envoy show theirs unless told otherwise; tried when nothing else led to a page."""
METRICS_PORT_NAMES = ("metrics", "http-metrics", "prometheus", "http-prometheus", "prom")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One page of a pod: `scheme` is http or https, `path` begins with a slash and may have a query."""

    port: int
    path: str = DEFAULT_PATH
    scheme: str = "http"

    def __str__(self) -> str:
        return f"{self.scheme}://POD:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a pod says of itself, and where its Service sends requests.

    `scrape`: the annotation `prometheus.io/scrape`; None: not there. `port`, `path`, `scheme`: the annotations beside
    it, as they stand. `named_ports`: container ports with their names (empty: none). `service_port`: the container
    port behind the Service's first port.
    """

    scrape: bool | None = None
    port: str = ""
    path: str = ""
    scheme: str = ""
    named_ports: tuple[tuple[str, int], ...] = ()
    service_port: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint that may be it, and what led to it, in words."""

    endpoint: Endpoint
    found_by: str


def candidates(offer: Offer) -> tuple[Candidate, ...]:
    """Every endpoint worth a try, the likeliest first, none twice.

    With an annotated port nothing else is tried: the pod has said where. A pod that is annotated not to be scraped has
    no candidates.
    """
    if offer.scrape is False:
        return ()
    path = _rooted(offer.path) or DEFAULT_PATH
    scheme = offer.scheme if offer.scheme in ("http", "https") else "http"
    if offer.port.isdecimal() and 0 < int(offer.port) < 65536:
        return (Candidate(Endpoint(int(offer.port), path, scheme), "annotation prometheus.io/port"),)
    found = [
        Candidate(Endpoint(port, path, scheme), f"container port named {name}")
        for wanted in METRICS_PORT_NAMES
        for name, port in offer.named_ports
        if name == wanted
    ]
    if offer.service_port is not None:
        found.append(Candidate(Endpoint(offer.service_port, path, scheme), "the Service's port"))
    if offer.scrape:  # it is to be scraped, and does not say where: any port that is declared
        found += [Candidate(Endpoint(port, path, scheme), "a declared container port") for _, port in offer.named_ports]
    return _each_once(found)


def further_candidates(offer: Offer) -> tuple[Candidate, ...]:
    """The same ports with other well-known paths, unless the pod itself names a path."""
    if offer.path:
        return ()
    return tuple(
        Candidate(Endpoint(first.endpoint.port, path, first.endpoint.scheme), f"{first.found_by}, path {path}")
        for first in candidates(offer)
        for path in OTHER_PATHS
    )


def _rooted(path: str) -> str:
    return path if not path or path.startswith("/") else f"/{path}"


def _each_once(found: list[Candidate]) -> tuple[Candidate, ...]:
    first: dict[Endpoint, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.endpoint, candidate)
    return tuple(first.values())
