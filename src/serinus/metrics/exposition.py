"""Reads a page of metrics: Prometheus' text format (0.0.4, 1.0.0) and OpenMetrics, plain or gzipped.

Only the samples that are asked for are taken apart, which is what makes scraping ten large pages a second cheap; the
first line that is no comment is always read, to tell metrics from other text. Not its job: what a name means
(`known.py`); protobuf, which nobody asks pods for.
"""

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from serinus.judge.answers import Answer, Empty, Failed, Known

PAGE_BYTES_MAX = 4 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
TEXT_TYPES = ("", "text/plain", "application/openmetrics-text")
_SAMPLE_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*+)"[ \t]*')
_LABELS_END = re.compile(r"[ \t]*\}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|infinity|nan)", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample. `timestamp`: seconds since 1970, where the page gives one."""

    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None


@dataclass(slots=True)
class Page:
    """The samples that were asked for, by name, and every family that the page declares with its type."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def declares(self, name: str) -> bool:
        """Whether the family of this sample name is declared, be it without a sample so far."""
        bases = {name, *(name.removesuffix(end) for end in ("_total", "_count", "_bucket", "_sum"))}
        return not bases.isdisjoint(self.types)


@dataclass(frozen=True, slots=True)
class Body:
    """A page as it came in. `content_type` as in its header."""

    status: int
    content_type: str
    content: bytes


class _Malformed(Exception):
    """A line is not in the format."""


def read_page(body: Body, is_wanted: Callable[[str], bool]) -> Answer[Page]:
    """The samples with wanted names; Empty for a page without any sample; Failed, with the reason, for no such page."""
    if body.status != 200:
        return Failed(f"status {body.status} in place of 200")
    content = _unpacked(body.content)
    if isinstance(content, Failed):
        return content
    kind = body.content_type.partition(";")[0].strip().lower()
    if kind == "text/html" or content.lstrip()[:1] == b"<":
        return Failed("HTML in place of metrics")
    if kind not in TEXT_TYPES:
        return Failed(f"content type {kind} in place of text/plain or application/openmetrics-text")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return Failed(f"not UTF-8 at byte {error.start}")
    if not text.strip():
        return Empty("the page is empty")
    is_open = kind == "application/openmetrics-text"
    if is_open and not text.rstrip("\n").endswith("# EOF"):
        return Failed("the page is cut off: it does not end with # EOF")
    if not is_open and not text.endswith("\n"):
        return Failed("the page is cut off: its last line has no end")
    return _read(text, is_wanted, 1.0 if is_open else 0.001)


def _unpacked(content: bytes) -> bytes | Failed:
    if content[:2] == GZIP_MAGIC:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            content = unpacker.decompress(content, PAGE_BYTES_MAX + 1)
        except zlib.error as error:
            return Failed(f"the gzipped page cannot be unpacked: {error}")
        if not unpacker.eof and len(content) <= PAGE_BYTES_MAX:
            return Failed("the page is cut off: its gzip stream has no end")
    if len(content) > PAGE_BYTES_MAX:
        return Failed(f"the page is larger than {PAGE_BYTES_MAX // 1024 // 1024} MiB")
    return content


def _read(text: str, is_wanted: Callable[[str], bool], timestamp_unit: float) -> Answer[Page]:
    page, seen, notes = Page(), set[tuple[str, tuple[tuple[str, str], ...]]](), list[str]()
    first, wanted = True, dict[str, bool]()
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] == "#":
            _declare(line, page)
            continue
        name = line[: _name_end(line)]
        if not first and not wanted.setdefault(name, is_wanted(name)):
            continue
        if not line.strip():
            continue
        try:
            name, sample = parse_line(line, timestamp_unit)
        except _Malformed as error:
            return Failed(f"not a page of metrics: line {number} {error}: {line[:80]!r}")
        first = False
        if not is_wanted(name):
            continue
        series = (name, tuple(sorted(sample.labels.items())))
        if series in seen:
            notes.append(f"line {number} gives a series of {name} a second time; the first one counts")
            continue
        seen.add(series)
        page.samples.setdefault(name, []).append(sample)
    if first:
        return Empty("the page has no sample")
    return Known(page, tuple(notes[:3]))


def _name_end(line: str) -> int:
    brace, space = line.find("{"), line.find(" ")
    if brace < 0:
        return space if space >= 0 else len(line)
    return brace if space < 0 else min(brace, space)


def _declare(line: str, page: Page) -> None:
    parts = line.split(None, 3)
    if len(parts) == 4 and parts[0] == "#" and parts[1] == "TYPE":
        page.types[parts[2]] = parts[3].strip()


def parse_line(line: str, timestamp_unit: float) -> tuple[str, Sample]:
    """Name and sample of one line; a timestamp counts in `timestamp_unit` seconds. Raises _Malformed."""
    found = _SAMPLE_NAME.match(line.lstrip(" \t"))
    if found is None:
        raise _Malformed("has no metric name")
    rest = line.lstrip(" \t")[found.end() :]
    labels: dict[str, str] = {}
    if rest.lstrip(" \t").startswith("{"):
        labels, rest = _labels(rest.lstrip(" \t")[1:])
    elif rest[:1] not in (" ", "\t"):
        raise _Malformed("has no value")
    numbers = rest.partition(" # ")[0].split()  # an exemplar may follow
    if not 1 <= len(numbers) <= 2:
        raise _Malformed("has no value" if not numbers else "has more than a value and a timestamp")
    timestamp = number_of(numbers[1]) * timestamp_unit if len(numbers) == 2 else None
    return found.group(), Sample(labels, number_of(numbers[0]), timestamp)


def _labels(rest: str) -> tuple[dict[str, str], str]:
    """The labels, and what follows the brace."""
    labels: dict[str, str] = {}
    at = 0
    while True:
        found = _LABEL.match(rest, at)
        if found is None:
            break
        name, value = found.groups()
        if name in labels:
            raise _Malformed(f"has label {name} twice")
        labels[name] = _ESCAPE.sub(_unescaped, value) if "\\" in value else value
        at = found.end()
        if rest[at : at + 1] != ",":
            break
        at += 1
    end = _LABELS_END.match(rest, at)
    if end is None:
        raise _Malformed("has labels that do not end")
    return labels, rest[end.end() :]


def _unescaped(found: re.Match[str]) -> str:
    """An unknown escape stays as it is, as Prometheus reads it."""
    return _ESCAPED.get(found.group(1), found.group())


def number_of(text: str) -> float:
    """A number as the format writes it, NaN and infinities among them. Raises _Malformed."""
    if _NUMBER.fullmatch(text) is None:
        raise _Malformed(f"has {text[:20]!r} where a number belongs")
    return float(text)


def is_count(value: float) -> bool:
    """Whether a value can be a counter's: finite and not below zero."""
    return math.isfinite(value) and value >= 0
