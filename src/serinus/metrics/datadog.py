"""Datadog's metrics: `GET /api/v1/query`, whose series of points are added up (counts) or whose last point counts."""

from urllib.parse import urlencode

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known
from serinus.metrics.config import Access, DatadogConfig, Windows
from serinus.metrics.findings import Finding
from serinus.metrics.http import Ask, Http
from serinus.metrics.tracks import COUNTERS
from serinus.metrics.windows import EMPTY_WINDOW, Point, refusal
from serinus.ports import Trouble


class _Series(msgspec.Struct):
    pointlist: list[tuple[float, float | None]] = []


class _Body(msgspec.Struct):
    status: str = ""
    series: list[_Series] = []
    error: str = ""


def datadog_access(config: DatadogConfig) -> Access:
    """The two keys, as headers."""
    return Access(headers={"DD-API-KEY": config.api_key, "DD-APPLICATION-KEY": config.application_key})


def lint_datadog(windows: Windows) -> tuple[Finding, ...]:
    """What can be said of the queries without asking."""
    what = "its points are added up, so they must be counts: end it with .as_count()"
    counts = {name: query for name, query in windows.all().items() if name in COUNTERS}
    return tuple(Finding(name, what) for name, query in counts.items() if ".as_count()" not in query)


class Datadog:
    """See `windows.Backend`. A count must say so (`.as_count()`), as a rate's points cannot be added up."""

    def __init__(self, http: Http, config: DatadogConfig) -> None:
        self._http = http
        self._timeout_seconds = config.windows.timeout_seconds
        self._url = config.site if "://" in config.site else f"https://api.{config.site}"

    async def points(self, query: str, since: float, until: float) -> Answer[tuple[Point, ...]]:
        """One request."""
        asked = urlencode({"from": int(since), "to": int(until), "query": query})
        try:
            reply = await self._http.send(Ask("GET", f"{self._url}/api/v1/query?{asked}"), self._timeout_seconds)
        except Trouble as trouble:
            return Failed(str(trouble))
        if reply.status != 200:
            return refusal(reply, "Datadog")
        try:
            body = msgspec.json.decode(reply.body, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Failed(f"Datadog's answer cannot be read: {error}")
        if body.status == "error" or body.error:
            return Failed(f"Datadog answers: {body.error or 'error'}")
        if len(body.series) > 1:
            return Failed(f"Datadog answers with {len(body.series)} series where one is wanted: leave out `by`")
        points = [Point(at / 1000, value) for one in body.series for at, value in one.pointlist if value is not None]
        return Known(tuple(points)) if points else Empty(EMPTY_WINDOW)
