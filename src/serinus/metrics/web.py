"""Readings from any JSON document on the web: a GET per track, a JSONPath per number."""

import asyncio
from collections.abc import Sequence

import msgspec

from serinus.judge.answers import Answer, Empty, Failed
from serinus.judge.scrapes import Scrape, ScrapedTrack
from serinus.metrics.config import WebPage
from serinus.metrics.findings import Finding
from serinus.metrics.http import Ask, Http
from serinus.metrics.jsonpath import Json, Path, parse_path
from serinus.metrics.queries import filled, values_for
from serinus.metrics.tracks import Numbers, counted, missing_for_production, scrape_of
from serinus.ports import Trouble


class WebSource:
    """Reads tracks. Raises BadPath for a path that is not understood."""

    def __init__(self, http: Http, config: WebPage) -> None:
        self._http = http
        self._config = config
        self._paths = {name: parse_path(path) for name, path in config.paths().items()}

    async def read(self, tracks: Sequence[ScrapedTrack], t: float, weight_percent: float | None) -> Scrape:
        """One round. Never raises."""
        numbers = await asyncio.gather(*(self._numbers(track) for track in tracks))
        return scrape_of(tracks, numbers, t, weight_percent)

    async def check(self, stable: ScrapedTrack) -> tuple[Finding, ...]:
        """Ask once for production, which must have every number."""
        return missing_for_production(await self._numbers(stable))

    async def _numbers(self, track: ScrapedTrack) -> Numbers:
        document = await self._document(track)
        if isinstance(document, Failed):
            return dict.fromkeys(self._paths, document)
        return {name: number_at(path, document.value) for name, path in self._paths.items()}

    async def _document(self, track: ScrapedTrack) -> "_Document | Failed":
        values = values_for(track, self._config.variables.get(track.track.value, {}))
        try:
            url = filled(self._config.url, values)
            reply = await self._http.send(Ask("GET", url), self._config.timeout_seconds)
        except KeyError as error:
            return Failed(f"variable {error.args[0]} is not known")
        except Trouble as trouble:
            return Failed(str(trouble))
        if reply.status != 200:
            return Failed(f"status {reply.status} in place of 200: {reply.excerpt()}")
        try:
            return _Document(msgspec.json.decode(reply.body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Failed(f"the answer is no JSON ({error}): {reply.excerpt()}")


class _Document(msgspec.Struct):
    value: Json


def number_at(path: Path, document: Json) -> Answer[float]:
    """The number that a path leads to. Nothing there, or null, is Empty; several, or no number, is a mistake."""
    found = path.find(document)
    if not found or found == [None]:
        return Empty(f"{path.text} leads to {'null' if found else 'nothing'}")
    if len(found) > 1:
        return Failed(f"{path.text} leads to {len(found)} places, where one number is wanted")
    [value] = found
    if isinstance(value, str):
        try:
            return counted(float(value), path.text)
        except ValueError:
            return Failed(f"{path.text} leads to the text {value[:40]!r}, where a number is wanted")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Failed(f"{path.text} leads to {type(value).__name__}, where a number is wanted")
    return counted(float(value), path.text)
