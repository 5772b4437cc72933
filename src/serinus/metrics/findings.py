"""What is found wrong with a source before a rollout begins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a query. `is_error`: the rollout must not begin; else it is only to be known."""

    query: str  # what it is for: requests, errors, ...; empty: for all
    what: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"query {self.query}: {self.what}" if self.query else self.what
