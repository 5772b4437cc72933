"""What the tests of services share: a way to a server, and tracks."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from serinus.judge.readings import Track
from serinus.judge.scrapes import ScrapedPod, ScrapedTrack
from serinus.metrics.config import Access
from serinus.metrics.http import Http, open_http
from tests.fakes.clock import FakeClock

STABLE = ScrapedTrack(
    Track.STABLE,
    "shop",
    "checkout",
    "checkout-v1",
    (ScrapedPod("s-1", Track.STABLE, -60.0, 1), ScrapedPod("s-2", Track.STABLE, -50.0, 0)),
)
CANARY = ScrapedTrack(Track.CANARY, "shop", "checkout", "checkout-v2", (ScrapedPod("c-1", Track.CANARY, 2.0, 0),))


@contextlib.asynccontextmanager
async def way(access: Access | None = None, environment: Mapping[str, str] | None = None) -> AsyncIterator[Http]:
    async with open_http(access or Access(), FakeClock(), environment or {}, "serinus/test") as http:
        yield http
