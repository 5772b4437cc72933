"""What is said of a source: where it is, who asks, and the queries. Plain values; a spec file maps to them.

Not its job: reading the spec; sending anything (`http.py`). A secret is a place to read it from, or itself; its text
is never part of a message or a representation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class FromFile:
    """A secret in a file, read anew for each request, as such files are rotated; without the end of its line."""

    path: Path


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A secret in an environment variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A secret itself."""

    text: str = field(repr=False)


Secret: TypeAlias = FromFile | FromEnvironment | Literal


class NoSecret(Exception):
    """A secret cannot be had; the text says where it was looked for."""


def text_of(secret: Secret, environment: Mapping[str, str]) -> str:
    """The secret's text. Raises NoSecret."""
    match secret:
        case Literal(text):
            return text
        case FromEnvironment(name):
            if name not in environment:
                raise NoSecret(f"environment variable {name} is not set")
            return environment[name]
        case FromFile(path):
            try:
                return path.read_text().rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not text"
                raise NoSecret(f"file {path} cannot be read: {why}") from error


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Authorization: Bearer TOKEN`."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Basic:
    """User and password."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class SigV4:
    """AWS signatures; credentials from the environment or the shared file. `service`: aps for managed Prometheus."""

    region: str
    service: str = "aps"
    profile: str = "default"


Auth: TypeAlias = Bearer | Basic | SigV4


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca_file`: an authority of its own. `certificate_file`, `key_file`: who we are (mTLS); both or neither."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in. `headers`: sent with each request; their values may be secrets, such as an API key."""

    auth: Auth | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class Queries:
    """Counters of one track, as templates: `{{deployment}}` and the other variables are filled in for each track.

    `requests`, `errors`: counters, cumulative, never rates. `latency`: bucket counters by `le`. `gauges`: by name.
    A result has one series, for the track as a whole, or series with a label `pod`, one for each pod. `age`: seconds
    since the newest sample that `requests` looks at. `latency_unit_seconds`: what `le` counts in.
    """

    requests: str
    errors: str = ""
    latency: str = ""
    latency_unit_seconds: float = 1.0
    gauges: Mapping[str, str] = field(default_factory=dict)
    age: str = ""

    def all(self) -> dict[str, str]:
        """Every query that is given, by what it is for."""
        named = {"requests": self.requests, "errors": self.errors, "latency": self.latency, "age": self.age}
        return {name: query for name, query in (named | dict(self.gauges)).items() if query}


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """A Prometheus-compatible API: `url` without `/api/v1`, which Mimir and others have behind a path of their own.

    `variables`: more variables, by track (canary, stable, baseline). `stale_seconds`: an older sample is not today's.
    """

    url: str
    queries: Queries
    access: Access = Access()
    timeout_seconds: float = 10.0
    stale_seconds: float = 60.0
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebPage:
    """A JSON document of any service, by GET, once per track: `url` is a template as queries are.

    `requests`, `errors`: JSONPaths of counters, cumulative; `gauges`: of gauges by name. Each leads to one number.
    """

    url: str
    requests: str = ""
    errors: str = ""
    gauges: Mapping[str, str] = field(default_factory=dict)
    access: Access = Access()
    timeout_seconds: float = 10.0
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def paths(self) -> dict[str, str]:
        """Every path that is given, by what it is for."""
        named = {"requests": self.requests, "errors": self.errors} | dict(self.gauges)
        return {name: path for name, path in named.items() if path}


@dataclass(frozen=True, slots=True)
class Windows:
    """Queries to a service that counts events in a window of time; templates, filled in for each track.

    `requests`, `errors` count; each is asked for the whole time since the rollout's history began, so the answer is a
    counter. `gauges` by name: the latest value counts. `stale_seconds`: such services are minutes behind.
    """

    requests: str
    errors: str = ""
    gauges: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 20.0
    stale_seconds: float = 600.0
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def all(self) -> dict[str, str]:
        """Every query that is given, by what it is for."""
        named = {"requests": self.requests, "errors": self.errors} | dict(self.gauges)
        return {name: query for name, query in named.items() if query}


@dataclass(frozen=True, slots=True)
class DatadogConfig:
    """Datadog's metrics; `site` as in its addresses (datadoghq.eu, us5.datadoghq.com), or a whole URL."""

    api_key: Secret
    application_key: Secret
    windows: Windows
    site: str = "datadoghq.com"


@dataclass(frozen=True, slots=True)
class NewRelicConfig:
    """New Relic by NRQL, without SINCE and UNTIL, which are added. `region`: us or eu, or a whole URL."""

    account: int
    api_key: Secret
    windows: Windows
    region: str = "us"


@dataclass(frozen=True, slots=True)
class CloudWatchConfig:
    """CloudWatch's metrics. A query is a metric: `NAMESPACE|METRIC|STAT|DIMENSION=VALUE|...`, STAT empty for Sum.

    `url`: another address than the region's own.
    """

    region: str
    windows: Windows
    profile: str = "default"
    period_seconds: int = 60
    url: str = ""
