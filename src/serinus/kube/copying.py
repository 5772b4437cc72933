"""Reading and making the copies of ConfigMaps and Secrets that go with a release. What a copy is: `copies.py`.

No content is kept anywhere but in the copies themselves: the plan has names and a hash, and what a copy is made of is
read again at that moment. What does not match its name then is not copied.
"""

import asyncio

from serinus.core.config import ConfigCopy, NamedConfig, copy_name
from serinus.core.plan import Plan
from serinus.core.preflight.facts import Refusal
from serinus.kube.client import Client
from serinus.kube.copies import (
    RESOURCES,
    TOKEN_TYPES,
    Reference,
    content_digest,
    copy_manifest,
    original_of,
    references,
)
from serinus.kube.errors import AlreadyExists, ApiError, Forbidden, NotFound
from serinus.kube.resources import Raw
from serinus.kube.rights import Right


class ConfigLost(Exception):
    """What a copy is named for is no longer to be had. The text says of which object, and why."""


async def read_config(client: Client, namespace: str, service: str, raw_pod_spec: Raw) -> tuple[NamedConfig, ...]:
    """What a pod spec names and could be copied: a request for each name, two where it is a copy. Raises KubeError."""
    found = await asyncio.gather(
        *(_read(client, namespace, service, reference) for reference in references(raw_pod_spec))
    )
    return tuple(each for each in found if each is not None)


async def _read(client: Client, namespace: str, service: str, reference: Reference) -> NamedConfig | None:
    """None: a Secret that the cluster fills itself."""
    kind, name, original = reference.kind, reference.name, reference.name
    try:
        raw = await client.get(RESOURCES[kind], name, namespace)
        if raw.get("type") in TOKEN_TYPES:
            return None
        original = original_of(raw, service) or name
        if original != name:
            raw = await client.get(RESOURCES[kind], original, namespace)
    except NotFound:
        return NamedConfig(kind, name, original, reference.optional, missing=original)
    except Forbidden:
        return NamedConfig(kind, name, original, reference.optional)
    return NamedConfig(kind, name, original, reference.optional, content_digest(raw, service))


async def make_copy(client: Client, plan: Plan, one: ConfigCopy) -> Raw:
    """Make the copy, or find that it is there. Raises ConfigLost, KubeError."""
    resource, what = RESOURCES[one.kind], f"{one.kind.value} {one.original}"
    try:
        raw = await client.get(resource, one.original, plan.namespace)
    except NotFound as error:
        raise ConfigLost(f"{what} is gone") from error
    if copy_name(one.original, content_digest(raw, plan.service)) != one.name:
        raise ConfigLost(f"{what} does not hold any more what {one.name} is named for")
    try:
        return await client.create(resource, copy_manifest(raw, one, plan), plan.namespace)
    except AlreadyExists:
        there = await client.get(resource, one.name, plan.namespace)
        if original_of(there, plan.service) != one.original:
            raise ConfigLost(f"{one.kind.value} {one.name} is there, and is no copy of {one.original}") from None
        return there


async def rehearse_copies(client: Client, plan: Plan, missing: frozenset[Right]) -> tuple[Refusal, ...]:
    """A dry run of every copy: quota, webhooks, and names that are taken. Raises KubeError without an answer."""
    copies = dict.fromkeys(plan.config.copies) if plan.config is not None else {}
    made = [one for one in copies if not {Right(verb, RESOURCES[one.kind]) for verb in ("get", "create")} & missing]
    found = await asyncio.gather(*(_rehearse(client, plan, one) for one in made))
    return tuple(refusal for refusal in found if refusal is not None)


async def _rehearse(client: Client, plan: Plan, one: ConfigCopy) -> Refusal | None:
    resource, name = RESOURCES[one.kind], f"{one.kind.value} {one.name}"
    try:
        raw = await client.get(resource, one.original, plan.namespace)
        await client.create(resource, copy_manifest(raw, one, plan), plan.namespace, dry_run=True)
    except AlreadyExists:
        there = await client.get(resource, one.name, plan.namespace)
        if original_of(there, plan.service) == one.original:
            return None
        why = f"the release's copy of {one.original} would have that name, and this is none of Serinus's"
        hint = "remove or rename it, if nobody needs it; or share the original: --config shared"
        return Refusal(f"{name} is in the way", f"namespace {plan.namespace}", why, hint)
    except ApiError as error:
        if error.status in (401, 429) or error.status >= 500:
            raise
        return Refusal(
            f"the cluster refuses {name}", error.where, error.why, "correct what it names; nothing was changed"
        )
    return None
