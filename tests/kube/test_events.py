"""Events over the embedded API: what is written, and that none that fails is in the way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from serinus.core.notices import Notice, NoticeReason
from serinus.kube.client import Client
from serinus.kube.config import User
from serinus.kube.events import MESSAGE_BYTES_MAX, KubeNotifier, bounded
from serinus.kube.resources import EVENTS, ROLE_BINDINGS, ROLES
from serinus.kube.target import open_target
from tests.fakes.reporter import FakeReporter
from tests.kube.embedded import RUNNER, deployment, embedded, furnish
from tests.kube.support import client_for

NOTICE = Notice(NoticeReason.LEAVING, "taking everything back", "checkout-v1", "0000aaaa")


@pytest_asyncio.fixture
async def furnished() -> AsyncIterator[tuple[Client, str]]:
    async with embedded() as (client, url):
        await furnish(client, deployment())
        yield client, url


async def _notify(client: Client, *notices: Notice) -> FakeReporter:
    reporter = FakeReporter()
    async with open_target(client, "shop", "checkout") as target:
        notifier = KubeNotifier(target, "runner-1", reporter)
        for notice in notices:
            notifier.notify(notice)
        async with asyncio.timeout(10):
            await notifier.close()
    return reporter


async def _events(client: Client) -> list[dict[str, Any]]:
    return (await client.list(EVENTS, "shop")).items


async def test_a_notice_becomes_one_event_on_the_deployment_and_one_on_the_service(
    furnished: tuple[Client, str],
) -> None:
    client, _ = furnished
    reporter = await _notify(client, NOTICE)
    events = await _events(client)
    about = {(raw["involvedObject"]["kind"], raw["involvedObject"]["name"]) for raw in events}
    assert about == {("Deployment", "checkout-v1"), ("Service", "checkout")}
    assert {(raw["type"], raw["reason"], raw["count"]) for raw in events} == {("Warning", "CanaryLeaving", 1)}
    assert reporter.heard == []


async def test_of_a_deployment_that_is_gone_only_the_service_is_told(furnished: tuple[Client, str]) -> None:
    client, _ = furnished
    await _notify(client, Notice(NoticeReason.STARTED, "releasing", "checkout-v0", "0000aaaa"))
    assert [raw["involvedObject"]["kind"] for raw in await _events(client)] == ["Service"]


async def test_without_the_right_it_is_said_once_and_asked_for_no_more(furnished: tuple[Client, str]) -> None:
    client, url = furnished
    rules = [
        {"apiGroups": ["", "apps"], "resources": ["services", "deployments", "configmaps"], "verbs": ["list", "watch"]}
    ]
    await _grant(client, rules)
    async with client_for(url, None, User(token=RUNNER)) as runner:
        reporter = await _notify(runner, NOTICE, NOTICE, NOTICE)
    assert reporter.sentences("events_lost") == [
        "6 of 6 Kubernetes Events could not be written: there is no right to create events"
    ]
    assert await _events(client) == []


async def _grant(client: Client, rules: list[dict[str, Any]]) -> None:
    role = {"apiVersion": ROLES.api_version, "kind": "Role", "metadata": {"name": "runner"}, "rules": rules}
    await client.create(ROLES, role, "shop")
    reference = {"apiGroup": ROLES.group, "kind": "Role", "name": "runner"}
    subjects = [{"kind": "User", "name": "runner", "apiGroup": ROLES.group}]
    binding = {"apiVersion": ROLES.api_version, "kind": "RoleBinding", "metadata": {"name": "runner"}}
    await client.create(ROLE_BINDINGS, binding | {"roleRef": reference, "subjects": subjects}, "shop")


def test_a_message_is_cut_to_what_an_event_holds_at_a_whole_character() -> None:
    message = bounded("é" * MESSAGE_BYTES_MAX)
    assert len(message.encode()) <= MESSAGE_BYTES_MAX
    assert set(message) == {"é"}
    assert bounded("short") == "short"
