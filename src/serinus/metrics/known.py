"""Well-known metrics, as a table: names that count a server's requests, labels that tell errors, latency histograms.

The order is the order of preference when a page has several: what the application counts itself comes before what its
sidecar counts, and exact conventions come before customs. Not in the table, on purpose: metrics about serving metrics
(`promhttp_metric_handler_requests_total`), and requests that the application sends rather than answers. What is read
off a page by this table: `extract.py`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

HTTP_ERROR = re.compile(r"5(?:\d\d|[xX]{2})?")
GRPC_ERRORS = frozenset({"unknown", "deadlineexceeded", "unimplemented", "internal", "unavailable", "dataloss"})
GRPC_ERROR_NUMBERS = frozenset({"2", "4", "12", "13", "14", "15"})
"""The codes that tell of a fault of the server, as OpenTelemetry's conventions for servers draw the line."""

PROBE_PATH = re.compile(
    r"/?(?:metrics|health|healthz|healthcheck|live|livez|liveness|ready|readyz|readiness|startupz|-/(?:healthy|ready)"
    r"|(?:health|healthz|livez|readyz)/.*|actuator(?:/.*)?|q/(?:health|metrics)(?:/.*)?)/?"
)
PATH_LABELS = ("path", "handler", "route", "uri", "url", "endpoint", "http_route", "http_target", "url_path")
STATUS_LABELS = (
    "http_response_status_code",
    "http_status_code",
    "status_code",
    "code",
    "status",
    "response_code",
    "http_status",
)


def is_http_error(value: str) -> bool:
    """500 to 599, or a class of them: 5xx, 5."""
    return HTTP_ERROR.fullmatch(value) is not None


def is_grpc_error(value: str) -> bool:
    """A gRPC code by name, in any spelling, or by number."""
    plain = value.lower().replace("_", "").replace(" ", "")
    return plain in GRPC_ERRORS or plain in GRPC_ERROR_NUMBERS


@dataclass(frozen=True, slots=True)
class Latency:
    """A histogram by its name without `_bucket`, and how long its unit is."""

    name: str
    unit_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Family:
    """One way of counting requests.

    `requests`: the sample that counts them. `status_labels`: the labels that may tell errors, the likeliest first.
    `only`: a series that has this label counts only with one of these values; `never`: not with one of these.
    `grpc_label`: a second label by which a request is an error too, where one family counts both protocols.
    """

    what: str
    requests: str
    latency: tuple[Latency, ...] = ()
    status_labels: tuple[str, ...] = STATUS_LABELS
    is_error: Callable[[str], bool] = is_http_error
    only: tuple[tuple[str, frozenset[str]], ...] = ()
    never: tuple[tuple[str, frozenset[str]], ...] = ()
    grpc_label: str = ""


def _by_duration(what: str, name: str, unit_seconds: float, labels: tuple[str, ...] = STATUS_LABELS) -> Family:
    return Family(what, f"{name}_count", (Latency(name, unit_seconds),), labels)


_CUSTOM_LATENCY = (
    Latency("http_request_duration_seconds"),
    Latency("http_server_request_duration_seconds"),
    Latency("http_requests_duration_seconds"),
    Latency("http_response_time_seconds"),
    Latency("http_request_duration_highr_seconds"),
    Latency("http_request_duration_milliseconds", 0.001),
    Latency("http_request_duration_ms", 0.001),
)
_GRPC_SERVICES = (("grpc_service", frozenset({"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"})),)
_RPC_SERVICES = (("rpc_service", frozenset({"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"})),)

FAMILIES: tuple[Family, ...] = (
    _by_duration(
        "OpenTelemetry HTTP conventions, also ASP.NET 8 and later",
        "http_server_request_duration_seconds",
        1.0,
        ("http_response_status_code",),
    ),
    _by_duration("OpenTelemetry's earlier HTTP conventions", "http_server_duration_milliseconds", 0.001),
    _by_duration("OpenTelemetry's earlier HTTP conventions, in seconds", "http_server_duration_seconds", 1.0),
    _by_duration("OpenTelemetry's earlier HTTP conventions, without a unit", "http_server_duration", 0.001),
    _by_duration("Micrometer (Spring, Quarkus)", "http_server_requests_seconds", 1.0, ("status",)),
    Family("a counter by custom", "http_requests_total", _CUSTOM_LATENCY),
    Family("prometheus-net (ASP.NET)", "http_requests_received_total", _CUSTOM_LATENCY),
    Family("a counter by custom", "http_server_requests_total", _CUSTOM_LATENCY),
    Family("a counter by custom", "http_request_total", _CUSTOM_LATENCY),
    Family("a counter by custom", "http_responses_total", _CUSTOM_LATENCY),
    Family(
        "Flask exporter",
        "flask_http_request_total",
        (Latency("flask_http_request_duration_seconds"),),
        ("status",),
    ),
    Family(
        "django-prometheus",
        "django_http_responses_total_by_status_total",
        (Latency("django_http_requests_latency_including_middlewares_seconds"),),
        ("status",),
    ),
    _by_duration("a histogram by custom", "http_request_duration_seconds", 1.0),
    _by_duration("a histogram by custom", "http_server_request_duration_seconds", 1.0),
    _by_duration("a histogram by custom", "http_request_duration_milliseconds", 0.001),
    _by_duration("a histogram by custom", "http_request_duration_ms", 0.001),
    Family(
        "gRPC server interceptor",
        "grpc_server_handled_total",
        (Latency("grpc_server_handling_seconds"),),
        ("grpc_code",),
        is_grpc_error,
        never=_GRPC_SERVICES,
    ),
    Family(
        "OpenTelemetry RPC conventions",
        "rpc_server_duration_milliseconds_count",
        (Latency("rpc_server_duration_milliseconds", 0.001),),
        ("rpc_grpc_status_code",),
        is_grpc_error,
        never=_RPC_SERVICES,
    ),
    Family(
        "Istio sidecar",
        "istio_requests_total",
        (Latency("istio_request_duration_milliseconds", 0.001),),
        ("response_code",),
        only=(("reporter", frozenset({"destination"})),),
        grpc_label="grpc_response_status",
    ),
    Family(
        "Envoy",
        "envoy_http_downstream_rq_xx",
        (Latency("envoy_http_downstream_rq_time", 0.001),),
        ("envoy_response_code_class",),
        never=(("envoy_http_conn_manager_prefix", frozenset({"admin", "agent", "stats"})),),
    ),
    Family(
        "nginx-module-vts",
        "nginx_vts_server_requests_total",
        (Latency("nginx_vts_server_request_duration_seconds"),),
        ("code",),
        never=(("code", frozenset({"total"})), ("host", frozenset({"*"}))),
    ),
    Family(
        "nginx-vts-exporter",
        "nginx_server_requests",
        (),
        ("code",),
        never=(("code", frozenset({"total"})), ("host", frozenset({"*"}))),
    ),
    Family("NGINX Plus exporter", "nginxplus_server_zone_responses", (), ("code",)),
    Family("nginx-prometheus-exporter, which knows no status", "nginx_http_requests_total", (), ()),
)


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """A sample that stands for a gauge. `is_counter`: it grows, and its rate per second is the gauge."""

    name: str
    unit: float = 1.0
    only: tuple[tuple[str, frozenset[str]], ...] = ()
    is_counter: bool = False


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge by the name it has in readings; the first source that a page has counts, its series added up."""

    key: str
    what: str
    sources: tuple[GaugeSource, ...] = field(default=())


_HEAP = (("area", frozenset({"heap"})), ("jvm_memory_type", frozenset({"heap"})))

GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "cpu",
        "CPU in cores, over the time since the last scrape",
        (
            GaugeSource("process_cpu_seconds_total", is_counter=True),
            GaugeSource("process_cpu_time_seconds_total", is_counter=True),
            GaugeSource("process_cpu_time_ns_total", 1e-9, is_counter=True),
        ),
    ),
    Gauge(
        "memory",
        "resident memory in bytes",
        (GaugeSource("process_resident_memory_bytes"), GaugeSource("process_working_set_bytes")),
    ),
    Gauge("goroutines", "goroutines", (GaugeSource("go_goroutines"),)),
    Gauge(
        "heap",
        "JVM heap in use, bytes",
        (GaugeSource("jvm_memory_used_bytes", only=_HEAP), GaugeSource("jvm_memory_bytes_used", only=_HEAP)),
    ),
    Gauge("event_loop_lag", "lag of Node's event loop in seconds", (GaugeSource("nodejs_eventloop_lag_seconds"),)),
)

_WANTED = frozenset(
    {family.requests for family in FAMILIES}
    | {f"{latency.name}{end}" for family in FAMILIES for latency in family.latency for end in ("_bucket", "_count")}
    | {source.name for gauge in GAUGES for source in gauge.sources}
)


def is_wanted(name: str) -> bool:
    """Whether the table looks at samples of this name."""
    return name in _WANTED
