"""What a rollout and its way back may have to do, and whether this user may: one question where one is enough.

A SelfSubjectRulesReview lists the user's rules. Where it does not show a right, that right is asked for by itself,
since some authorizers cannot list what they would grant.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from serinus.core.plan import AutoscalerKind, Plan, Promotion
from serinus.kube.client import Client
from serinus.kube.copies import RESOURCES
from serinus.kube.errors import ApiError, ServerError, Unauthorized
from serinus.kube.resources import (
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    HPAS,
    LEASES,
    PODS,
    REPLICASETS,
    SCALED_OBJECTS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
    SERVICES,
    Raw,
    Resource,
)


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a kind, or on a subresource of it."""

    verb: str
    resource: Resource
    subresource: str = ""

    @property
    def plural(self) -> str:
        """As rules name it: pods/log."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural

    def __str__(self) -> str:
        return f"{self.verb} {self.plural}{f' ({self.resource.group})' if self.resource.group else ''}"


def rights_needed(plan: Plan) -> tuple[Right, ...]:
    """Every verb that this plan's rollout may use, or its way back, or whoever takes it over from a dead run."""
    rights = [
        *_verbs(DEPLOYMENTS, "list", "watch", "create", "patch", "delete"),
        *_verbs(REPLICASETS, "list", *(["watch"] if plan.promotion is Promotion.ADOPT else [])),
        *_verbs(PODS, "list", "watch"),
        *_verbs(SERVICES, "list", "watch"),
        *_verbs(ENDPOINTSLICES, "list", "watch"),
        *_verbs(HPAS, "list"),
        *_verbs(CONFIGMAPS, "list", "watch", "create", "update", "patch"),
        *_verbs(LEASES, "get", "list", "watch", "create", "update", "delete"),
        Right("get", PODS, "log"),
    ]
    if plan.mark_version:
        rights += _verbs(SERVICES, "patch")
    if plan.smoke is not None and plan.smoke.http_path is not None:
        rights.append(Right("get", PODS, "proxy"))
    if plan.smoke_before_traffic:
        rights += _verbs(PODS, "create", "delete")
    if plan.config is not None:
        rights += _verbs(REPLICASETS, "watch")
    for kind in plan.config.kinds if plan.config is not None else ():
        rights += _verbs(RESOURCES[kind], "get", "list", "watch", "create", "delete")
    if plan.autoscaler is not None and plan.autoscaler.kind is AutoscalerKind.HPA:
        rights += _verbs(HPAS, "watch", "patch")
    elif plan.autoscaler is not None:
        rights += _verbs(SCALED_OBJECTS, "list", "watch", "patch")
    return tuple(rights)


def _verbs(resource: Resource, *verbs: str) -> list[Right]:
    return [Right(verb, resource) for verb in verbs]


class Access:
    """What this user may do in one namespace."""

    def __init__(self, client: Client, namespace: str, raw_rules: list[Raw], complete: bool) -> None:
        self._client = client
        self._namespace = namespace
        self._rules = raw_rules
        self._complete = complete

    @classmethod
    async def ask(cls, client: Client, namespace: str) -> Self:
        """One request. A server that does not answer the question leaves every right to be asked for by itself."""
        question = _question(SELF_SUBJECT_RULES_REVIEWS, {"namespace": namespace})
        try:
            status = (await client.review(SELF_SUBJECT_RULES_REVIEWS, question)).get("status") or {}
        except (ServerError, Unauthorized):
            raise
        except ApiError:
            return cls(client, namespace, [], complete=False)
        return cls(client, namespace, status.get("resourceRules") or [], not status.get("incomplete"))

    def shows(self, right: Right) -> bool:
        """Whether the rules grant it for every name."""
        return any(_grants(rule, right) for rule in self._rules)

    def may_be_tried(self, right: Right) -> bool:
        """Whether it is worth a request that may be forbidden: no, if the rules are complete and do not have it."""
        return not self._complete or self.shows(right)

    async def missing(self, rights: Iterable[Right]) -> tuple[Right, ...]:
        """Those that are not granted; one request for each that the rules do not show."""
        doubtful = [right for right in rights if not self.shows(right)]
        granted = await asyncio.gather(*(self._is_granted(right) for right in doubtful))
        return tuple(right for right, good in zip(doubtful, granted, strict=True) if not good)

    async def _is_granted(self, right: Right) -> bool:
        resource = right.resource
        attributes = {
            "namespace": self._namespace,
            "verb": right.verb,
            "group": resource.group,
            "resource": resource.plural,
        }
        if right.subresource:
            attributes["subresource"] = right.subresource
        question = _question(SELF_SUBJECT_ACCESS_REVIEWS, {"resourceAttributes": attributes})
        answer = await self._client.review(SELF_SUBJECT_ACCESS_REVIEWS, question)
        return bool((answer.get("status") or {}).get("allowed"))


def _question(review: Resource, spec: Raw) -> Raw:
    return {"apiVersion": review.api_version, "kind": review.kind, "spec": spec}


def _grants(rule: Raw, right: Right) -> bool:
    if rule.get("resourceNames"):  # for some names only, and a rollout makes new ones
        return False
    resources = rule.get("resources") or []
    anywhere = f"*/{right.subresource}" if right.subresource else ""
    named = "*" in resources or right.plural in resources or (anywhere != "" and anywhere in resources)
    return named and _has(rule, "verbs", right.verb) and _has(rule, "apiGroups", right.resource.group)


def _has(rule: Raw, key: str, wanted: str) -> bool:
    values = rule.get(key) or []
    return wanted in values or "*" in values
