"""Finds the page of metrics that a pod shows: all likely endpoints at once, then those under other well-known paths."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from serinus.core.endpoints import Candidate, Endpoint, Offer, candidates, further_candidates
from serinus.judge.answers import Answer, Empty, Failed, Known, in_words
from serinus.metrics.exposition import PAGE_BYTES_MAX, Body, Page, read_page
from serinus.metrics.extract import families_on
from serinus.metrics.known import is_wanted
from serinus.ports import Trouble


class PodPages(Protocol):
    """A way to the pages of pods."""

    def offer(self, pod: str) -> Offer | None:
        """What the pod says of its metrics; None: it is not there (any more)."""

    async def page(
        self, pod: str, endpoint: Endpoint, timeout_seconds: float, bytes_max: int
    ) -> tuple[int, str, bytes]:
        """GET it: status, content type, body. Raises Trouble: no answer, or larger than that."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate and what came of it. `reached`: there was an answer, be it a page of metrics or not."""

    candidate: Candidate
    answer: Answer[Page]
    reached: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Where the metrics are (None: nowhere), and everything that was tried on the way."""

    candidate: Candidate | None
    tried: tuple[Tried, ...]

    @property
    def reached(self) -> bool:
        """Whether all that was asked has answered, with metrics or not."""
        return all(one.reached for one in self.tried)

    def answer(self) -> Answer[Page]:
        """What a pod without a page answers: Empty when all that was asked has answered otherwise, else Failed."""
        return Empty(self.sentence()) if self.reached else Failed(self.sentence())

    def sentence(self) -> str:
        """What was tried and what came of it, for a search that found nothing."""
        if not self.tried:
            return "the pod has no port to ask: no annotation, no port named metrics, and no port of the Service"
        return "; ".join(
            f"port {one.candidate.endpoint.port}, {one.candidate.endpoint.path}: {in_words(one.answer)}"
            for one in self.tried
        )


async def fetch(pages: PodPages, pod: str, endpoint: Endpoint, timeout_seconds: float) -> Answer[Page]:
    """One page, read; Failed when there is no answer in time."""
    body = await _body(pages, pod, endpoint, timeout_seconds)
    return body if isinstance(body, Failed) else read_page(body, is_wanted)


async def _body(pages: PodPages, pod: str, endpoint: Endpoint, timeout_seconds: float) -> Body | Failed:
    try:
        async with asyncio.timeout(timeout_seconds):
            return Body(*await pages.page(pod, endpoint, timeout_seconds, PAGE_BYTES_MAX))
    except Trouble as trouble:
        return Failed(str(trouble))
    except TimeoutError:
        return Failed(f"no answer within {timeout_seconds:g} s")


async def search(pages: PodPages, pod: str, offer: Offer, timeout_seconds: float) -> Found:
    """Look for the page within this time. The first one with well-known metrics wins, else the first page at all."""
    tried = await _try(pages, pod, candidates(offer), timeout_seconds / 2)
    best = _best(tried)
    if best is None or not _is_known(best):
        tried += await _try(pages, pod, further_candidates(offer), timeout_seconds / 2)
        best = _best(tried)
    return Found(best.candidate if best is not None else None, tuple(tried))


async def _try(pages: PodPages, pod: str, wanted: Sequence[Candidate], timeout_seconds: float) -> list[Tried]:
    bodies = await asyncio.gather(*(_body(pages, pod, one.endpoint, timeout_seconds) for one in wanted))
    return [
        Tried(one, body, False) if isinstance(body, Failed) else Tried(one, read_page(body, is_wanted), True)
        for one, body in zip(wanted, bodies, strict=True)
    ]


def _best(tried: list[Tried]) -> Tried | None:
    known = next((one for one in tried if _is_known(one)), None)
    if known is not None:
        return known
    return next((one for one in tried if isinstance(one.answer, Known)), None)


def _is_known(one: Tried) -> bool:
    return isinstance(one.answer, Known) and bool(families_on([one.answer.value]))


def nowhere(offer: Offer | None) -> Answer[Page] | None:
    """Why a pod need not be asked at all; None: it is to be asked."""
    if offer is None:
        return Failed("the pod is gone")
    if offer.scrape is False:
        return Empty("the pod asks not to be scraped (annotation prometheus.io/scrape)")
    return None
