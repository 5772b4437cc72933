"""How often each client asked what: the embedded API's own count, for demos, budgets and tests."""

from collections import Counter

from serinus.sandbox.api.users import Wish

PATH = "/debug/requests"


class Census:
    """Counts requests by client, verb and resource. A watch counts once, whatever comes through it."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, bool]] = Counter()

    def note(self, user_agent: str, wish: Wish, dry_run: bool = False) -> None:
        """Count one request, whatever becomes of it. The client is the user agent's first word, without its version."""
        self._counts[user_agent.partition("/")[0] or "unknown", wish.verb, wish.resource, dry_run] += 1

    def document(self) -> list[dict[str, object]]:
        """All counts since the start, in order of client, verb and resource (`deployments/scale`)."""
        return [
            {"client": client, "verb": verb, "resource": resource, "dry_run": dry_run, "count": count}
            for (client, verb, resource, dry_run), count in sorted(self._counts.items())
        ]
