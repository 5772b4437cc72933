"""Queries as templates, and the built-in sets for what usually counts requests in front of pods."""

import re
from collections.abc import Mapping

from serinus.judge.scrapes import ScrapedTrack
from serinus.metrics.config import Queries

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
NO_POD = "serinus-no-pod"
"""Stands in a pattern of pods while there is none: an empty pattern would match what has no such label."""


def variables_of(query: str) -> frozenset[str]:
    """The names of the variables in a template."""
    return frozenset(_VARIABLE.findall(query))


def values_for(track: ScrapedTrack, more: Mapping[str, str]) -> dict[str, str]:
    """What the variables are for a track; `more` comes from the user, and wins.

    `service` is the Service that users call, `track_service` the one that only this track's pods stand behind, where
    there is one. `pods` is a regular expression that matches the names of the track's pods.
    """
    pods = "|".join(re.escape(pod.name) for pod in track.pods) or NO_POD
    values = {
        "track": track.track.value,
        "namespace": track.namespace,
        "service": track.service,
        "track_service": track.track_service or track.service,
        "deployment": track.deployment,
        "pods": pods.replace("\\", "\\\\"),
    }
    return values | dict(more)


def filled(query: str, values: Mapping[str, str]) -> str:
    """The query for one track. Raises KeyError with the name of a variable that is not known."""
    return _VARIABLE.sub(lambda found: values[found.group(1)], query)


def _counters(
    total: str, error: str, buckets: str, unit_seconds: float, *selectors: str, by_pod: bool = False
) -> Queries:
    """A set of three counters with the same selectors; several selectors are alternatives, of which one has data."""
    by, by_le = (" by (pod) ", " by (le, pod) ") if by_pod else ("", " by (le) ")

    def summed(name: str, by: str, more: str = "") -> str:
        return " or ".join(f"sum{by}({name}{{{selector}{more}}})" for selector in selectors)

    newest = " or ".join(f"max(timestamp({total}{{{selector}}}))" for selector in selectors)
    requests = summed(total, by)
    # where no error was counted yet there is no such series: that is 0 wherever there are requests
    errors = f"({summed(total, by, f',{error}')}) or ({requests}) * 0"
    return Queries(requests, errors, summed(buckets, by_le), unit_seconds, age=f"time() - ({newest})")


SETS: dict[str, Queries] = {
    "istio": _counters(
        "istio_requests_total",
        'response_code=~"5.."',
        "istio_request_duration_milliseconds_bucket",
        0.001,
        'reporter="destination",destination_workload_namespace="{{namespace}}",destination_workload="{{deployment}}"',
        by_pod=True,
    ),
    "linkerd": _counters(
        "response_total",
        'classification="failure"',
        "response_latency_ms_bucket",
        0.001,
        'direction="inbound",namespace="{{namespace}}",pod=~"{{pods}}"',
        by_pod=True,
    ),
    "envoy-gateway": _counters(
        "envoy_cluster_upstream_rq_xx",
        'envoy_response_code_class="5"',
        "envoy_cluster_upstream_rq_time_bucket",
        0.001,
        'envoy_cluster_name=~"{{cluster}}"',
    ),
    "traefik": _counters(
        "traefik_service_requests_total",
        'code=~"5.."',
        "traefik_service_request_duration_seconds_bucket",
        1.0,
        'service=~"{{namespace}}-{{track_service}}-[0-9a-z]+@kubernetes.*"',
        'exported_service=~"{{namespace}}-{{track_service}}-[0-9a-z]+@kubernetes.*"',
    ),
    "ingress-nginx": _counters(
        "nginx_ingress_controller_requests",
        'status=~"5.."',
        "nginx_ingress_controller_request_duration_seconds_bucket",
        1.0,
        'namespace="{{namespace}}",service="{{track_service}}"',
        'exported_namespace="{{namespace}}",exported_service="{{track_service}}"',
    ),
}
"""`envoy-gateway` needs a variable `cluster` per track: Envoy Gateway names a cluster per rule of a route, not per
backend, so only tracks on rules of their own can be told apart, and which rule that is nobody but the user knows."""
