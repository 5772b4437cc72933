"""A recording as short text, and back: columns of differences as JSON, deflated, in base64.

A whole number becomes its difference to the pod's last one, written as an integer; any other is written as it is, with
a point or an exponent. So the text gives back every number exactly as `recording.as_kept` left it, and a calm counter
costs about a bit. The text is never longer than BYTES_MAX: a recording that would be is thinned first.
"""

import base64
import zlib
from collections.abc import Iterator

import msgspec

from serinus.judge.readings import Histogram, PodReading, Reading, Track
from serinus.judge.recording import COUNT_MAX, MILLIS, READINGS_MIN, Recording, numbers_in, thin

BYTES_MAX = 60 * 1024
FORMAT = 1
UNPACKED_BYTES_MAX = 32 * 1024 * 1024

Number = int | float | None


class NotARecording(ValueError):
    """The text is not what `pack` wrote; the message says why."""


class _Pod(msgspec.Struct, array_like=True):
    """One pod's columns, an entry for each reading that has the pod. Times are in milliseconds."""

    name: str
    track: Track
    started: list[Number] = []
    requests: list[Number] = []
    errors: list[Number] = []
    restarts: list[Number] = []
    edges: list[int] = []  # which of the body's tables of edges; -1: no histogram
    buckets: list[list[Number]] = []
    gauges: list[dict[str, float]] = []


class _Body(msgspec.Struct):
    """The whole. `pods_of`: the pods of each reading by number; None: those of the reading before."""

    t: list[Number]
    weights: list[Number]
    runs: list[str]
    pods_of: list[list[int] | None]
    pods: list[_Pod]
    edges: list[tuple[float, ...]]
    seen: int
    is_whole: bool
    format: int = FORMAT


def pack(recording: Recording) -> str:
    """As text of at most BYTES_MAX characters. Thins the recording, in place, until it fits."""
    while True:
        raw = msgspec.json.encode(_body_of(recording))
        text = base64.b64encode(zlib.compress(raw, 9)).decode()
        if len(text) <= BYTES_MAX or len(recording.readings) <= READINGS_MIN:
            return text
        thin(recording)


def unpack(text: str) -> Recording:
    """The recording of a text. Raises NotARecording."""
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(base64.b64decode(text, validate=True), UNPACKED_BYTES_MAX)
        body = msgspec.json.decode(raw, type=_Body)
        if body.format > FORMAT:
            raise NotARecording(f"written in format {body.format}, and this version of Serinus reads up to {FORMAT}")
        readings = list(_readings_of(body))
        return Recording(readings, body.seen, body.is_whole, sum(map(numbers_in, readings)))
    except (ValueError, zlib.error, IndexError) as error:
        raise NotARecording(str(error)) from error


class _Column:
    """Numbers one after the other: a whole one as its difference to the last whole one, the others as they are."""

    def __init__(self) -> None:
        self._last = 0

    def written(self, value: float | None) -> Number:
        if value is None:
            return None
        if not float(value).is_integer() or abs(value) >= COUNT_MAX:
            return float(value)
        difference, self._last = int(value) - self._last, int(value)
        return difference

    def read(self, number: Number) -> float | None:
        if number is None or isinstance(number, float):
            return number
        self._last += number
        return float(self._last)


class _PodColumns:
    """The columns of one pod; those of the buckets begin anew when the edges change."""

    def __init__(self, pod: _Pod) -> None:
        self.pod = pod
        self.at = 0
        self._started, self._requests, self._errors, self._restarts = (_Column() for _ in range(4))
        self._edges = -1
        self._buckets: list[_Column] = []

    def write(self, reading: PodReading, edges: int) -> None:
        """One entry in each column."""
        pod = self.pod
        pod.started.append(self._started.written(None if reading.started is None else round(reading.started * MILLIS)))
        pod.requests.append(self._requests.written(reading.requests))
        pod.errors.append(self._errors.written(reading.errors))
        pod.restarts.append(self._restarts.written(reading.restarts))
        pod.edges.append(edges)
        pod.gauges.append(reading.gauges)
        if reading.latency is not None:
            cumulative = (*reading.latency.counts, reading.latency.count)
            columns = self._columns_for(edges, len(cumulative))
            found = [column.written(value) for column, value in zip(columns, cumulative, strict=True)]
            pod.buckets.append(_apart(found))

    def next(self, edges: list[tuple[float, ...]]) -> PodReading:
        """The next entry of each column. Raises IndexError, ValueError."""
        pod, at = self.pod, self.at
        self.at += 1
        started, restarts = self._started.read(pod.started[at]), self._restarts.read(pod.restarts[at])
        return PodReading(
            name=pod.name,
            track=pod.track,
            started=None if started is None else started / MILLIS,
            requests=self._requests.read(pod.requests[at]),
            errors=self._errors.read(pod.errors[at]),
            restarts=None if restarts is None else int(restarts),
            latency=self._histogram(edges, pod.edges[at]),
            gauges=pod.gauges[at],
        )

    def _histogram(self, edges: list[tuple[float, ...]], table: int) -> Histogram | None:
        if table < 0:
            return None
        found = _joined(self.pod.buckets.pop(0))
        columns = self._columns_for(table, len(found))
        values = [column.read(number) or 0.0 for column, number in zip(columns, found, strict=True)]
        return Histogram(edges[table], tuple(values[:-1]), values[-1])

    def _columns_for(self, edges: int, count: int) -> list[_Column]:
        if edges != self._edges:
            self._edges, self._buckets = edges, [_Column() for _ in range(count)]
        return self._buckets


def _apart(cumulative: list[Number]) -> list[Number]:
    """Whole numbers, cumulative over the buckets, as each bucket's own: most are 0 then. Others stay as they are."""
    found: list[Number] = []
    below = 0
    for number in cumulative:
        if not isinstance(number, int):
            return cumulative
        found.append(number - below)
        below = number
    return found


def _joined(found: list[Number]) -> list[Number]:
    """The inverse of `_apart`."""
    cumulative: list[Number] = []
    below = 0
    for number in found:
        if not isinstance(number, int):
            return found
        below += number
        cumulative.append(below)
    return cumulative


def _body_of(recording: Recording) -> _Body:
    tables: dict[tuple[float, ...], int] = {}
    columns: dict[tuple[str, Track], _PodColumns] = {}
    numbers: dict[tuple[str, Track], int] = {}
    t, weight = _Column(), _Column()
    body = _Body([], [], [], [], [], [], recording.seen, recording.is_whole)
    pods_before: list[int] | None = None
    for reading in recording.readings:
        body.t.append(t.written(round(reading.t * MILLIS)))
        body.weights.append(weight.written(reading.weight_percent))
        body.runs.append(reading.run)
        pods = []
        for pod in reading.pods:
            key = (pod.name, pod.track)
            if key not in columns:
                columns[key], numbers[key] = _PodColumns(_Pod(*key)), len(numbers)
            edges = -1 if pod.latency is None else tables.setdefault(pod.latency.le, len(tables))
            columns[key].write(pod, edges)
            pods.append(numbers[key])
        body.pods_of.append(None if pods == pods_before else pods)
        pods_before = pods
    body.pods = [one.pod for one in columns.values()]
    body.edges = list(tables)
    return body


def _readings_of(body: _Body) -> Iterator[Reading]:
    columns = [_PodColumns(pod) for pod in body.pods]
    t, weight = _Column(), _Column()
    pods: list[int] = []
    for index, number in enumerate(body.t):
        listed = body.pods_of[index]
        pods = pods if listed is None else listed
        yield Reading(
            t=(t.read(number) or 0.0) / MILLIS,
            pods=tuple(columns[one].next(body.edges) for one in pods),
            weight_percent=weight.read(body.weights[index]),
            run=body.runs[index],
        )
