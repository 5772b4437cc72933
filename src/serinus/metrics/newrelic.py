"""New Relic: NRQL through NerdGraph, its GraphQL API. The service counts; the window goes into the query."""

import re

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known
from serinus.metrics.config import Access, NewRelicConfig, Windows
from serinus.metrics.findings import Finding
from serinus.metrics.http import Ask, Http
from serinus.metrics.windows import EMPTY_WINDOW, Point, refusal
from serinus.ports import Trouble

_NOT_IN_QUERIES = re.compile(r"\b(?:since|until|facet|timeseries)\b", re.IGNORECASE)
URLS = {"us": "https://api.newrelic.com/graphql", "eu": "https://api.eu.newrelic.com/graphql"}
GRAPHQL = "query($account: Int!, $nrql: Nrql!) { actor { account(id: $account) { nrql(query: $nrql) { results } } } }"


class _Nrql(msgspec.Struct):
    results: list[dict[str, object]] | None = None


class _Account(msgspec.Struct):
    nrql: _Nrql | None = None


class _Actor(msgspec.Struct):
    account: _Account | None = None


class _Data(msgspec.Struct):
    actor: _Actor | None = None


class _Error(msgspec.Struct):
    message: str = ""


class _Body(msgspec.Struct):
    data: _Data | None = None
    errors: list[_Error] | None = None


def new_relic_access(config: NewRelicConfig) -> Access:
    """The key, as a header."""
    return Access(headers={"API-Key": config.api_key})


def lint_new_relic(windows: Windows) -> tuple[Finding, ...]:
    """What can be said of the queries without asking."""
    return tuple(
        Finding(
            name, f"it has {found.group().upper()}: the window is added to it, and one row with one number is wanted"
        )
        for name, query in windows.all().items()
        if (found := _NOT_IN_QUERIES.search(query)) is not None
    )


class NewRelic:
    """See `windows.Backend`. A query has one row with one number: `SELECT count(*) FROM Transaction WHERE ...`."""

    def __init__(self, http: Http, config: NewRelicConfig) -> None:
        self._http = http
        self._account = config.account
        self._timeout_seconds = config.windows.timeout_seconds
        self._url = URLS.get(config.region, config.region)

    async def points(self, query: str, since: float, until: float) -> Answer[tuple[Point, ...]]:
        """One request."""
        nrql = f"{query} SINCE {int(since * 1000)} UNTIL {int(until * 1000)}"
        body = msgspec.json.encode({"query": GRAPHQL, "variables": {"account": self._account, "nrql": nrql}})
        ask = Ask("POST", self._url, {"Content-Type": "application/json"}, body)
        try:
            reply = await self._http.send(ask, self._timeout_seconds)
        except Trouble as trouble:
            return Failed(str(trouble))
        if reply.status != 200:
            return refusal(reply, "New Relic")
        try:
            return _points(msgspec.json.decode(reply.body, type=_Body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Failed(f"New Relic's answer cannot be read: {error}")


def _points(body: _Body) -> Answer[tuple[Point, ...]]:
    if body.errors:
        return Failed(f"New Relic answers: {'; '.join(error.message for error in body.errors[:3])}")
    account = body.data.actor.account if body.data is not None and body.data.actor is not None else None
    if account is None or account.nrql is None or account.nrql.results is None:
        return Failed("New Relic answers without results: check the account's number and what the key may read")
    rows = account.nrql.results
    if not rows:
        return Empty(EMPTY_WINDOW)
    if len(rows) > 1:
        return Failed(f"NRQL answers with {len(rows)} rows where one is wanted: leave out FACET and TIMESERIES")
    values = list(rows[0].values())
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == 1:
        return Known((Point(None, numbers[0]),))
    if values == [None]:
        return Empty(EMPTY_WINDOW)
    return Failed(f"NRQL answers with {len(numbers)} numbers where one is wanted: {', '.join(sorted(rows[0]))}")
