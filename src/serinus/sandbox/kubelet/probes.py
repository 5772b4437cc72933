"""Startup, readiness and liveness probes: when to ask, and how many answers make a verdict.

What is asked is in `handlers`; what a verdict leads to is the container's business.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from serinus.sandbox.kubelet.handlers import HandlerFailed, Target, call_handler
from serinus.sandbox.rest import Raw

# A kubelet asks once more right after a start; here, where pods start in milliseconds, it asks often until the first
# success. Only attempts a whole period apart count as failures.
EAGER_STEPS_SECONDS = ((0.2, 0.02), (30.0, 0.1))


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    raw_handler: Raw
    initial_delay_seconds: int
    period_seconds: int
    timeout_seconds: int
    success_threshold: int
    failure_threshold: int


def parse_probe(raw_probe: Raw) -> ProbeSettings:
    """With the defaults that the API server would have filled in."""
    handler: Raw = {kind: raw_probe[kind] for kind in ("httpGet", "tcpSocket", "exec", "grpc") if kind in raw_probe}
    return ProbeSettings(
        handler,
        raw_probe.get("initialDelaySeconds", 0),
        raw_probe.get("periodSeconds") or 10,
        raw_probe.get("timeoutSeconds") or 1,
        raw_probe.get("successThreshold") or 1,
        raw_probe.get("failureThreshold") or 3,
    )


@dataclass(slots=True)
class Prober:
    """Asks while `run` runs; tells `on_verdict(good)` of each change, `on_failure(text)` of each counted failure."""

    settings: ProbeSettings
    target: Target
    on_verdict: Callable[[bool], None]
    on_failure: Callable[[str], None]
    verdict: bool | None = None
    _successes: int = 0
    _failures: int = 0
    _counted_at: float = field(default=float("-inf"))

    async def run(self, until_success: bool = False) -> None:
        """Until cancelled, or until the first good verdict."""
        started = time.monotonic()
        await asyncio.sleep(self.settings.initial_delay_seconds)
        while True:
            try:
                await call_handler(self.target, self.settings.raw_handler, self.settings.timeout_seconds)
            except HandlerFailed as error:
                self._failed(str(error))
            else:
                self._succeeded()
            if until_success and self.verdict:
                return
            await asyncio.sleep(self._pause_seconds(time.monotonic() - started))

    def _succeeded(self) -> None:
        self._failures = 0
        self._successes += 1
        if self._successes >= self.settings.success_threshold:
            self._decide(True)

    def _failed(self, text: str) -> None:
        self._successes = 0
        now = time.monotonic()
        if now - self._counted_at < self.settings.period_seconds * 0.9:
            return
        self._counted_at = now
        self._failures += 1
        self.on_failure(text)
        if self._failures >= self.settings.failure_threshold:
            self._decide(False)
            self._failures = 0

    def _decide(self, good: bool) -> None:
        if self.verdict is not good:
            self.verdict = good
            self.on_verdict(good)

    def _pause_seconds(self, age_seconds: float) -> float:
        if self.verdict is None and self.settings.initial_delay_seconds == 0:
            for until_seconds, pause_seconds in EAGER_STEPS_SECONDS:
                if age_seconds < until_seconds:
                    return pause_seconds
        return self.settings.period_seconds
