"""The demo application's own metrics, in Prometheus' text format: requests by code, and their durations."""

import bisect

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counters since the process started, all with the label `version`."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._requests: dict[int, int] = {}
        self._buckets = [0] * (len(BUCKETS_SECONDS) + 1)
        self._seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        """Count one request that took so long."""
        self._requests[status] = self._requests.get(status, 0) + 1
        self._buckets[bisect.bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self._seconds += seconds

    def text(self) -> str:
        version = f'version="{self._version}"'
        lines = ["# HELP http_requests_total Requests answered.", "# TYPE http_requests_total counter"]
        lines += [
            f'http_requests_total{{code="{code}",{version}}} {count}' for code, count in sorted(self._requests.items())
        ]
        name = "http_request_duration_seconds"
        lines += [f"# HELP {name} Time to answer a request.", f"# TYPE {name} histogram"]
        total = 0
        for bound, count in zip([*map(str, BUCKETS_SECONDS), "+Inf"], self._buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{version},le="{bound}"}} {total}')
        lines += [f"{name}_sum{{{version}}} {self._seconds:.6f}", f"{name}_count{{{version}}} {total}"]
        return "\n".join(lines) + "\n"
