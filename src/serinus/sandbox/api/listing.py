"""LIST: which objects, of which moment, which page. Knows nothing of HTTP."""

import base64
import json
from dataclasses import dataclass

from serinus.sandbox.api.errors import bad_request
from serinus.sandbox.api.kinds import Kind
from serinus.sandbox.api.selectors import Selection
from serinus.sandbox.api.store import Entry, Key, Store, too_large_version


@dataclass(frozen=True, slots=True)
class ListOptions:
    """`limit` 0 means everything; `continue_token` comes from the page before; `exact` asks for that very version."""

    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`remaining` counts what lies behind this page, 0 when it is the last or a selector makes it unknown."""

    entries: list[Entry]
    version: int
    continue_token: str = ""
    remaining: int = 0


def list_page(store: Store, kind: Kind, selection: Selection, options: ListOptions) -> Page:
    """One page, sorted by namespace and name; raises StatusError 400, 410 or 504 as the API does."""
    version, start = store.version, ("", "")
    if options.continue_token:
        version, start = _decode(options.continue_token)
    elif options.resource_version not in ("", "0"):
        asked = parse_version(options.resource_version)
        if asked > store.version:
            raise too_large_version(asked, store.version)
        version = asked if options.exact else version
    entries = store.collection(kind).at_version(version)
    keys = sorted(key for key, entry in entries.items() if key > start and selection.matches(entry.raw))
    if not options.limit or len(keys) <= options.limit:
        return Page([entries[key] for key in keys], version)
    chosen = keys[: options.limit]
    selected = bool(selection.label_tests or selection.field_tests)
    remaining = 0 if selected else len(keys) - len(chosen)
    return Page([entries[key] for key in chosen], version, _encode(version, chosen[-1]), remaining)


def parse_version(text: str) -> int:
    if not text.isdigit():
        raise bad_request(f'Invalid value: "{text}": resourceVersion is a number')
    return int(text)


def _encode(version: int, last: Key) -> str:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": list(last)})
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _decode(token: str) -> tuple[int, Key]:
    try:
        fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = fields["start"]
        return int(fields["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
