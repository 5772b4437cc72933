"""A rollout's readings, kept within a bound: what `serinus judge replay` and the report read afterwards.

When there are too many, the older ones are thinned to even distances in time, and the newest quarter stays as it is.
Counters are cumulative, so what goes takes no request with it: the totals stay, and only the times become coarser.

Kept as long as there is room: the first and last reading of every pod, the one before its first (which tells whether it
is new), both sides of a restart (a counter that falls or is not known), and both sides of a change of weight. Only when
those alone are too many do some of them go as well, and `is_whole` says so.

How it becomes text is `packing.py`'s job; where it is kept, `kube/recordings.py`'s.
"""

from collections.abc import Iterator
from math import isfinite

import msgspec

from serinus.judge.readings import Histogram, PodReading, Reading

READINGS_MAX = 480
NUMBERS_MAX = 42_000
"""All counters, buckets and gauges of all readings together."""
READINGS_MIN = 4
THINNED_PART = 8
PODS_MAX = 64
"""Of one reading: the canary's first, then production's; a row per pod is no use beyond this."""
MILLIS = 1000
SECONDS_MAX = 1e12
COUNT_MAX = 2**53
GAUGE_DIGITS = 5


class Recording(msgspec.Struct):
    """`seen`: how many readings were taken in altogether; `is_whole`: no counted request was lost by thinning.

    `numbers`: how many numbers the readings hold.
    """

    readings: list[Reading] = []
    seen: int = 0
    is_whole: bool = True
    numbers: int = 0


def append(recording: Recording, reading: Reading) -> None:
    """Take in one more reading, in place; one that is not from after the last one is left out, as by the judge."""
    kept = as_kept(reading)
    recording.seen += 1
    if kept is None or (recording.readings and kept.t <= recording.readings[-1].t):
        return
    if len(reading.pods) > PODS_MAX:
        recording.is_whole = False
    recording.readings.append(kept)
    recording.numbers += numbers_in(kept)
    while is_too_large(recording):
        thin(recording)


def as_kept(reading: Reading) -> Reading | None:
    """The reading as it is recorded: times to the millisecond, gauges to five digits, unknown numbers as None.

    None: its time is no time.
    """
    t = _moment(reading.t)
    if t is None:
        return None
    pods = sorted(reading.pods, key=lambda pod: pod.track.value) if len(reading.pods) > PODS_MAX else reading.pods
    return Reading(
        t=t,
        pods=tuple(_pod_as_kept(pod) for pod in pods[:PODS_MAX]),
        weight_percent=_known(reading.weight_percent),
        run=reading.run,
    )


def _pod_as_kept(pod: PodReading) -> PodReading:
    restarts = pod.restarts
    gauges = {name: kept for name, value in pod.gauges.items() if isfinite(kept := _digits(value))}
    return msgspec.structs.replace(
        pod,
        started=_moment(pod.started),
        requests=_known(pod.requests),
        errors=_known(pod.errors),
        restarts=restarts if restarts is not None and abs(restarts) < COUNT_MAX else None,
        latency=_histogram_as_kept(pod.latency),
        gauges=gauges,
    )


def _moment(seconds: float | None) -> float | None:
    if seconds is None or not abs(seconds) < SECONDS_MAX:
        return None
    return round(seconds * MILLIS) / MILLIS


def _known(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _digits(value: float) -> float:
    return float(f"{value:.{GAUGE_DIGITS}g}")


def _histogram_as_kept(histogram: Histogram | None) -> Histogram | None:
    """None for one that is no histogram: the judge could not use it either."""
    if histogram is None or len(histogram.le) != len(histogram.counts):
        return None
    numbers = (*histogram.le, *histogram.counts, histogram.count)
    return histogram if all(isfinite(number) for number in numbers) else None


def numbers_in(reading: Reading) -> int:
    """How many numbers a reading holds, about: what its text will cost."""
    total = 2
    for pod in reading.pods:
        total += 4 + len(pod.gauges) + (0 if pod.latency is None else len(pod.latency.counts) + 1)
    return total


def is_too_large(recording: Recording) -> bool:
    """Whether it has to be thinned."""
    readings = recording.readings
    if len(readings) <= READINGS_MIN:
        return False
    return len(readings) > READINGS_MAX or recording.numbers > NUMBERS_MAX


def thin(recording: Recording) -> None:
    """Drop an eighth of the readings, all older than the newest quarter if possible, those first that leave the
    smallest gap; of those that must stay only if nothing else can go, and then every second one of the older half.
    """
    readings = recording.readings
    needed = needed_indices(readings)
    for end in (3 * len(readings) // 4, len(readings)):
        gone = _closest([index for index in range(1, end) if index not in needed], readings)
        if gone:
            break
    else:
        gone = set(range(1, min(max(2, len(readings) // 2), len(readings) - 1), 2))
        recording.is_whole = recording.is_whole and not gone
    recording.readings = [reading for index, reading in enumerate(readings) if index not in gone]
    recording.numbers = sum(map(numbers_in, recording.readings))


def _closest(free: list[int], readings: list[Reading]) -> set[int]:
    """Of the readings that may go, those with the nearest neighbours; never two neighbours at once."""
    free.sort(key=lambda index: (readings[index + 1].t - readings[index - 1].t, index))
    gone: set[int] = set()
    for index in free:
        if len(gone) >= max(1, len(readings) // THINNED_PART):
            break
        if not {index - 1, index + 1} & gone:
            gone.add(index)
    return gone


def needed_indices(readings: list[Reading]) -> set[int]:
    """Which readings cannot go without a loss: see the module's text."""
    needed = {0, len(readings) - 1}
    last_of: dict[str, tuple[int, PodReading]] = {}
    for index, reading in enumerate(readings):
        if index and reading.weight_percent != readings[index - 1].weight_percent:
            needed |= {index - 1, index}
        for pod in reading.pods:
            before = last_of.get(pod.name)
            if before is None or not goes_on(before[1], pod):
                needed |= {index, max(0, index - 1) if before is None else before[0]}
            last_of[pod.name] = (index, pod)
    needed |= {index for index, _ in last_of.values()}
    return needed


def goes_on(before: PodReading, after: PodReading) -> bool:
    """Whether the pod's later counters hold all that the earlier ones did."""
    return (
        before.track is after.track
        and before.started == after.started
        and _grew(before.requests, after.requests)
        and _grew(before.errors, after.errors)
        and before.restarts == after.restarts
        and _histogram_grew(before.latency, after.latency)
    )


def _grew(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is after
    return after >= before


def _histogram_grew(before: Histogram | None, after: Histogram | None) -> bool:
    if before is None or after is None:
        return before is after
    if before.le != after.le or after.count < before.count:
        return False
    return all(late >= early for early, late in zip(before.counts, after.counts, strict=True))


def json_lines(recording: Recording, run: str) -> Iterator[bytes]:
    """One JSON object a line, as `serinus judge replay` reads them; `run` names the rollout in each."""
    encode = msgspec.json.Encoder().encode
    for reading in recording.readings:
        yield encode(msgspec.structs.replace(reading, run=run)) + b"\n"
