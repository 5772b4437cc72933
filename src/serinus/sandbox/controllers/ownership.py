"""Who controls what: a controller adopts orphans that its selector takes, and lets go of those it no longer takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from serinus.sandbox.controllers.objects import (
    controller_of,
    controller_reference,
    is_deleting,
    labels_of,
    owners_of,
    path_of,
    selector_matches,
    uid_of,
)
from serinus.sandbox.controllers.writes import Write, Writer, set_owners
from serinus.sandbox.rest import ApiError, Raw


@dataclass(frozen=True, slots=True)
class Claims:
    """The objects that are the owner's already, and the writes that adopt and let go of others.

    An object just adopted is not in `owned`: its new copy arrives through the watch, and the owner is looked at again.
    """

    owned: list[Raw]
    adoptions: list[Write]
    releases: list[Write]


def claim(owner: Raw, candidates: Iterable[Raw]) -> Claims:
    """Sort the objects of the owner's namespace. An owner that is being deleted adopts and releases nothing."""
    claims = Claims([], [], [])
    selector, leaving = owner["spec"].get("selector"), is_deleting(owner)
    for item in candidates:
        controller, matches = controller_of(item), selector_matches(selector, labels_of(item))
        if controller is None:
            if matches and not leaving and not is_deleting(item):
                claims.adoptions.append(set_owners(item, [*owners_of(item), controller_reference(owner)]))
        elif controller["uid"] == uid_of(owner):
            if matches:
                claims.owned.append(item)
            elif not leaving:
                others = [other for other in owners_of(item) if other["uid"] != uid_of(owner)]
                claims.releases.append(set_owners(item, others))
    return claims


async def settle(claims: Claims, owner: Raw, writer: Writer) -> bool:
    """Carry out adoptions and releases. True when there was any: the owner is then looked at again with new copies.

    Before an adoption the owner is asked for once more: one that is being deleted must not take back what was
    orphaned, even when the news of its deletion has not come through the watch yet.
    """
    if claims.adoptions:
        await _require_alive(owner, writer)
    for wanted in [*claims.releases, *claims.adoptions]:
        await writer.write(wanted)
    return bool(claims.adoptions or claims.releases)


async def _require_alive(owner: Raw, writer: Writer) -> None:
    fresh = await writer.api.call("GET", path_of(owner))
    if uid_of(fresh) != uid_of(owner) or is_deleting(fresh):
        raise ApiError(409, "Conflict", f"{owner['kind']} {owner['metadata']['name']} is being deleted: adopts nothing")
