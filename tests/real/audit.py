"""What the API server's audit log says was asked of it: the honest count of API calls.

Watches are left out: one lasts for minutes and costs once.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One finished request. `resource` includes the subresource (`pods/status`); without a resource it is the path."""

    user_agent: str
    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    status: int


def requests(log: Path) -> Iterator[Request]:
    """The requests of a log in the order they ended, watches excluded."""
    with log.open() as lines:
        # The server may be in the midst of writing the last line.
        events = (json.loads(line) for line in lines if line.endswith("\n"))
        for event in events:
            if event["verb"] != "watch":
                yield _request(event)


def count(found: Iterable[Request]) -> Counter[tuple[str, str, str]]:
    """How often each (user agent, verb, resource) was asked."""
    return Counter((request.user_agent, request.verb, request.resource) for request in found)


def _request(event: dict[str, Any]) -> Request:
    target = event.get("objectRef", {})
    resource = "/".join(target[key] for key in ("resource", "subresource") if key in target)
    return Request(
        user_agent=event.get("userAgent", ""),
        user=event["user"]["username"],
        verb=event["verb"],
        resource=resource or event["requestURI"],
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        status=event.get("responseStatus", {}).get("code", 0),
    )
