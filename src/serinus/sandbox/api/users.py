"""Who may ask what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A caller's name and groups. The group `system:masters` may do everything."""

    name: str
    groups: tuple[str, ...] = ()
