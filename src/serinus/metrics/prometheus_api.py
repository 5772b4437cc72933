"""One instant query to a Prometheus-compatible API, and what its answer means: every answer is one of four kinds."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known, Stale
from serinus.metrics.http import Ask, Http, Reply
from serinus.ports import Clock, Trouble

NOTES_MAX = 3
CLOCK_SECONDS_MAX = 2.0
"""Clocks that differ by less are the same: the header counts whole seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer; `at`: the time of its sample, seconds since 1970."""

    labels: Mapping[str, str]
    value: float
    at: float


class _Row(msgspec.Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct, rename="camel"):
    result_type: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Body(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error_type: str = ""
    error: str = ""
    warnings: list[str] | None = None
    infos: list[str] | None = None


class PrometheusApi:
    """Asks one server. `url` ends before `/api/v1`.

    The queries of one round name one moment, so that their counters fit together. It is the server's: its clock is
    learned from its answers, as ours may be minutes away from it.
    """

    def __init__(self, http: Http, clock: Clock, url: str, timeout_seconds: float, stale_seconds: float) -> None:
        self._clock = clock
        self._ahead_seconds = 0.0  # how far the server's clock is ahead of ours
        self._http = http
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._timeout_seconds = timeout_seconds
        self._stale_seconds = stale_seconds

    def now(self) -> float:
        """The server's present, as well as it is known; seconds since 1970."""
        return self._clock.now().timestamp() + self._ahead_seconds

    async def query(self, promql: str, at: float) -> Answer[tuple[Series, ...]]:
        """The series at a time (seconds since 1970). Never raises.

        The server is asked to look back no further than `stale_seconds`; one that knows no such wish ignores it, and an
        old sample then shows by its time.
        """
        form = {
            "query": promql,
            "time": f"{at:.3f}",
            "timeout": f"{self._timeout_seconds:g}s",
            "lookback_delta": f"{self._stale_seconds:g}s",
        }
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            reply = await self._http.send(
                Ask("POST", self._url, content_type, urlencode(form).encode()), self._timeout_seconds
            )
        except Trouble as trouble:
            return Failed(str(trouble))
        self._learn_clock(reply)
        return self._read(reply, at)

    def _learn_clock(self, reply: Reply) -> None:
        with contextlib.suppress(ValueError, TypeError):
            told = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
            ahead = told - self._clock.now().timestamp()
            self._ahead_seconds = ahead if abs(ahead) > CLOCK_SECONDS_MAX else 0.0

    def _read(self, reply: Reply, at: float) -> Answer[tuple[Series, ...]]:
        try:
            body = msgspec.json.decode(reply.body, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Failed(_not_from_prometheus(reply))
        if body.status != "success" or body.data is None:
            return Failed(
                f"the server answers {reply.status}, {body.error_type or 'error'}: {body.error or 'no reason given'}"
            )
        notes = tuple((body.warnings or [])[:NOTES_MAX])
        try:
            series = _series(body.data)
        except (msgspec.DecodeError, ValueError) as error:
            return Failed(f"the answer cannot be read: {error}")
        if isinstance(series, Failed):
            return series
        if not series:
            return Empty("; ".join(("the query has no result", *notes)))
        oldest = at - min(one.at for one in series)
        if oldest > self._stale_seconds:
            return Stale(series, oldest)
        return Known(series, notes)


def _series(data: _Data) -> tuple[Series, ...] | Failed:
    match data.result_type:
        case "vector":
            rows = msgspec.json.decode(data.result, type=list[_Row])
            if any(row.value is None for row in rows):
                return Failed("the result is a native histogram; ask for a counter, or for its buckets by le")
            return tuple(Series(row.metric, float(row.value[1]), row.value[0]) for row in rows if row.value is not None)
        case "scalar":
            at, text = msgspec.json.decode(data.result, type=tuple[float, str])
            return (Series({}, float(text), at),)
        case other:
            return Failed(f"the result is a {other or 'nothing'}, where a vector is wanted")


def _not_from_prometheus(reply: Reply) -> str:
    """In words, for an answer that is not the API's: a proxy's page, a login, a wrong address."""
    if reply.status in (401, 403):
        return (
            f"the server refuses ({reply.status}): check the credentials and who may query; it says: {reply.excerpt()}"
        )
    if 300 <= reply.status < 400:
        return f"the server redirects ({reply.status}) to {reply.headers.get('Location', 'nowhere')}; give that address"
    if reply.status == 404:
        return (
            "there is no /api/v1/query at this address (404); some servers have it behind a path, such as /prometheus"
        )
    return f"the answer ({reply.status}) is not what a Prometheus API sends: {reply.excerpt()}"
