"""CloudWatch: `GetMetricData` in AWS's JSON protocol, signed; the points of one metric in a window, page by page."""

from dataclasses import dataclass

import msgspec

from serinus.judge.answers import Answer, Empty, Failed, Known
from serinus.metrics.config import Access, CloudWatchConfig, SigV4, Windows
from serinus.metrics.findings import Finding
from serinus.metrics.http import Ask, Http
from serinus.metrics.tracks import COUNTERS
from serinus.metrics.windows import EMPTY_WINDOW, Point, refusal
from serinus.ports import Trouble

PAGES_MAX = 10
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData",
}


class _Message(msgspec.Struct, rename="pascal"):
    code: str = ""
    value: str = ""


class _Result(msgspec.Struct, rename="pascal"):
    timestamps: list[float] = []
    values: list[float] = []
    status_code: str = "Complete"
    messages: list[_Message] | None = None


class _Body(msgspec.Struct, rename="pascal"):
    metric_data_results: list[_Result] = []
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of CloudWatch."""

    namespace: str
    name: str
    stat: str
    dimensions: tuple[tuple[str, str], ...]


class BadMetric(Exception):
    """A query that names no metric; the text says what is wrong."""


def parse_metric(text: str) -> Metric:
    """`NAMESPACE|METRIC|STAT|DIMENSION=VALUE|...`. Raises BadMetric."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) < 2 or not parts[0] or not parts[1]:
        raise BadMetric(f"{text!r} names no metric: it is NAMESPACE|METRIC|STAT|DIMENSION=VALUE|...")
    dimensions = [part.partition("=") for part in parts[3:]]
    if any(not name or not is_pair for name, is_pair, _ in dimensions):
        raise BadMetric(f"{text!r} has a dimension that is not DIMENSION=VALUE")
    stat = parts[2] if len(parts) > 2 and parts[2] else "Sum"
    return Metric(parts[0], parts[1], stat, tuple((name, value) for name, _, value in dimensions))


def cloudwatch_access(config: CloudWatchConfig) -> Access:
    """Signatures for the service `monitoring`."""
    return Access(SigV4(config.region, "monitoring", config.profile))


def lint_cloudwatch(windows: Windows) -> tuple[Finding, ...]:
    """What can be said of the queries without asking."""
    findings = []
    for name, query in windows.all().items():
        try:
            stat = parse_metric(query).stat
        except BadMetric as error:
            findings.append(Finding(name, str(error)))
            continue
        if name in COUNTERS and stat not in ("Sum", "SampleCount"):
            findings.append(Finding(name, f"its points are added up, which {stat} does not allow: Sum or SampleCount"))
    return tuple(findings)


class CloudWatch:
    """See `windows.Backend`."""

    def __init__(self, http: Http, config: CloudWatchConfig) -> None:
        self._http = http
        self._period_seconds = config.period_seconds
        self._timeout_seconds = config.windows.timeout_seconds
        self._url = config.url or f"https://monitoring.{config.region}.amazonaws.com/"

    async def points(self, query: str, since: float, until: float) -> Answer[tuple[Point, ...]]:
        """One request a page."""
        try:
            metric = parse_metric(query)
        except BadMetric as error:
            return Failed(str(error))
        wanted = self._wanted(metric, since, until)
        points: list[Point] = []
        token: str | None = None
        for _ in range(PAGES_MAX):
            page = await self._page(wanted | ({"NextToken": token} if token else {}))
            if isinstance(page, Failed):
                return page
            points += [
                Point(at, value)
                for one in page.metric_data_results
                for at, value in zip(one.timestamps, one.values, strict=False)
            ]
            token = page.next_token
            if not token:
                return Known(tuple(points)) if points else Empty(EMPTY_WINDOW)
        return Failed(f"CloudWatch answers with more than {PAGES_MAX} pages: use a longer period")

    def _wanted(self, metric: Metric, since: float, until: float) -> dict[str, object]:
        """A window that begins where a period does, so that what is counted does not change from round to round."""
        period = self._period_seconds
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
        named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
        stat = {"Metric": named, "Period": period, "Stat": metric.stat}
        return {
            "MetricDataQueries": [{"Id": "q", "MetricStat": stat, "ReturnData": True}],
            "StartTime": int(since // period * period),
            "EndTime": int(until),
            "ScanBy": "TimestampAscending",
        }

    async def _page(self, wanted: dict[str, object]) -> _Body | Failed:
        try:
            ask = Ask("POST", self._url, HEADERS, msgspec.json.encode(wanted))
            reply = await self._http.send(ask, self._timeout_seconds)
        except Trouble as trouble:
            return Failed(str(trouble))
        if reply.status != 200:
            return refusal(reply, "CloudWatch")
        try:
            body = msgspec.json.decode(reply.body, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Failed(f"CloudWatch's answer cannot be read: {error}")
        for result in body.metric_data_results:
            if result.status_code not in ("Complete", "PartialData"):
                told = "; ".join(f"{message.code}: {message.value}" for message in result.messages or [])
                return Failed(f"CloudWatch answers {result.status_code}: {told or 'no reason given'}")
        return body
