"""The API's exam: requests with the answers that a Kubernetes API server gives, as data, and the examiner.

The same papers are put to the embedded API and to a real one. Every paper gets a namespace of its own. In paths, bodies
and expectations `$NS` is that namespace, and `$name` what an earlier step kept under that name.
"""

import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from serinus.sandbox.rest import Server

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


class Anything:
    """Expects a field to be there, whatever it holds."""

    def __repr__(self) -> str:
        return "anything"


class Nothing:
    """Expects a field to be absent."""

    def __repr__(self) -> str:
        return "nothing"


@dataclass(frozen=True)
class Containing:
    """Expects a text with this part in it."""

    part: str


ANYTHING, NOTHING = Anything(), Nothing()


@dataclass(frozen=True)
class Step:
    """One request and what is expected of its answer.

    `fields` maps dotted paths (list items by number) to expected values; `keep` stores answer fields for later steps.
    """

    method: str
    path: str
    status: int
    body: Any = None
    reason: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


def get(path: str, status: int = 200, **options: Any) -> Step:
    return Step("GET", path, status, **options)


def post(path: str, body: Any, status: int = 201, **options: Any) -> Step:
    return Step("POST", path, status, body, **options)


def put(path: str, body: Any, status: int = 200, **options: Any) -> Step:
    return Step("PUT", path, status, body, **options)


def patch(path: str, body: Any, content_type: str = MERGE, status: int = 200, **options: Any) -> Step:
    return Step("PATCH", path, status, body, content_type=content_type, **options)


def delete(path: str, status: int = 200, body: Any = None, **options: Any) -> Step:
    return Step("DELETE", path, status, body, **options)


@asynccontextmanager
async def exam_namespace(session: aiohttp.ClientSession, url: str) -> AsyncIterator[str]:
    """A namespace for one paper, marked for deletion afterwards."""
    name = f"exam-{uuid4().hex[:8]}"
    async with session.post(f"{url}/api/v1/namespaces", json={"metadata": {"name": name}}) as answer:
        assert answer.status == 201, await answer.text()
    try:
        yield name
    finally:
        async with session.delete(f"{url}/api/v1/namespaces/{name}"):
            pass


async def sit(server: Server, session: aiohttp.ClientSession, paper: list[Step]) -> list[str]:
    """Puts a paper to a server; every difference from what is expected, as one line each."""
    differences: list[str] = []
    async with exam_namespace(session, server.url) as namespace:
        kept = {"NS": namespace}
        for number, step in enumerate(paper, start=1):
            status, answer = await _ask(server, session, step, kept)
            where = f"step {number}: {step.method} {step.path}"
            differences += [f"{where}: {each}" for each in _differences(step, status, answer, kept)]
            kept |= {name: str(look_up(answer, path)) for name, path in step.keep.items()}
    return differences


async def _ask(server: Server, session: aiohttp.ClientSession, step: Step, kept: dict[str, str]) -> tuple[int, Any]:
    data = None
    if step.body is not None:
        data = step.body if isinstance(step.body, bytes) else json.dumps(_filled(step.body, kept)).encode()
    headers = {"Content-Type": step.content_type} if data is not None else {}
    url = server.url + _filled(step.path, kept)
    async with session.request(step.method, url, data=io.BytesIO(data) if data else None, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


def _differences(step: Step, status: int, answer: Any, kept: dict[str, str]) -> list[str]:
    found = []
    if status != step.status:
        said = answer.get("message", "") if isinstance(answer, dict) else answer
        found.append(f"status {status} instead of {step.status} ({said})")
    wanted = dict(step.fields) | ({"reason": step.reason} if step.reason else {})
    for path, expected in wanted.items():
        value = look_up(answer, path)
        if not _agrees(value, _filled(expected, kept)):
            found.append(f"{path} is {value!r} instead of {expected!r}")
    return found


def _agrees(value: Any, expected: Any) -> bool:
    if expected is NOTHING:
        return value is NOTHING
    if expected is ANYTHING:
        return value is not NOTHING and value is not None
    if isinstance(expected, Containing):
        return isinstance(value, str) and expected.part in value
    return bool(value == expected)


def look_up(value: Any, path: str) -> Any:
    """The value at a dotted path, NOTHING where there is none; a step `a~b` stands for the key `a.b`."""
    for step in path.split("."):
        if isinstance(value, list):
            if not step.isdigit() or int(step) >= len(value):
                return NOTHING
            value = value[int(step)]
        elif isinstance(value, dict) and step.replace("~", ".") in value:
            value = value[step.replace("~", ".")]
        else:
            return NOTHING
    return value


def _filled(value: Any, kept: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\$(\w+)", lambda found: kept.get(found[1], found[0]), value)
    if isinstance(value, Containing):
        return Containing(_filled(value.part, kept))
    if isinstance(value, dict):
        return {key: _filled(each, kept) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, kept) for each in value]
    return value
