"""Copies of ConfigMaps and Secrets: found by structure, named by content, made once, and never of something else."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from serinus.core.config import ConfigCopy, ConfigKind, ConfigPlan, NamedConfig, copy_name
from serinus.kube.build import canary_deployment, probe_pod
from serinus.kube.client import Client
from serinus.kube.copies import COPY_ANNOTATION, COPY_LABEL, Reference, content_digest, references, rename_config
from serinus.kube.copying import ConfigLost, make_copy, read_config, rehearse_copies
from serinus.kube.resources import CONFIGMAPS, SECRETS
from tests.core.samples import plan_of
from tests.kube.embedded import deployment, embedded

MAP, SECRET = ConfigKind.CONFIG_MAP, ConfigKind.SECRET
POD: dict[str, Any] = {
    "initContainers": [{"name": "setup", "envFrom": [{"configMapRef": {"name": "init"}}]}],
    "containers": [
        {
            "name": "app",
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}},
                {"name": "C", "value": "settings"},
                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "envFrom": [{"secretRef": {"name": "more", "optional": True}}],
        }
    ],
    "volumes": [
        {"name": "settings", "configMap": {"name": "settings", "optional": True}},
        {"name": "tls", "secret": {"secretName": "certificate"}},
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"configMap": {"name": "settings"}},
                    {"secret": {"name": "keys"}},
                    {"serviceAccountToken": {"path": "token"}},
                ]
            },
        },
        {"name": "scratch", "emptyDir": {}},
    ],
    "imagePullSecrets": [{"name": "registry"}],
}
COPY = ConfigCopy(MAP, "settings", "settings", "settings-0123456789")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with embedded() as (opened, _):
        yield opened


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def planned(*copies: ConfigCopy) -> Any:
    return msgspec.structs.replace(plan_of(), config=ConfigPlan(copies, (MAP, SECRET)))


def test_every_place_that_names_config_is_found_once_and_pull_secrets_and_tokens_are_not() -> None:
    assert set(references(POD)) == {
        Reference(MAP, "init", False),
        Reference(MAP, "settings", False),  # one of its places is not optional
        Reference(SECRET, "keys", False),
        Reference(SECRET, "more", True),
        Reference(SECRET, "certificate", False),
    }


def test_only_names_of_that_kind_are_replaced_and_nothing_else() -> None:
    pod = copy.deepcopy(POD)
    rename_config(pod, ConfigPlan((COPY, ConfigCopy(SECRET, "certificate", "certificate", "certificate-9"))))
    assert {each.name for each in references(pod)} == {"init", COPY.name, "keys", "more", "certificate-9"}
    rename_config(
        pod,
        ConfigPlan(
            (ConfigCopy(MAP, COPY.name, "", "settings"), ConfigCopy(SECRET, "certificate-9", "", "certificate"))
        ),
    )
    assert pod == POD


def test_the_canary_and_the_smoke_tests_pod_name_the_copies_and_production_is_as_it_was() -> None:
    raw = deployment()
    raw["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    before = copy.deepcopy(raw)
    canary = canary_deployment(raw, planned(COPY), 1)["spec"]["template"]["spec"]
    probe = probe_pod(raw, planned(COPY))["spec"]
    assert [each.name for each in (*references(canary), *references(probe))] == [COPY.name, COPY.name]
    assert raw == before


def test_a_name_keeps_within_its_limit_and_names_that_were_cut_stay_apart() -> None:
    long = "a" * 242 + ".b" * 5
    assert len(copy_name(long, "f" * 64)) <= 253
    one, other = ({**config_map(a="1"), "metadata": {"name": name}} for name in (long, long + "c"))
    assert content_digest(one, "shop") != content_digest(other, "shop")


def test_the_hash_is_of_content_and_service_alone() -> None:
    plain, labelled = config_map(a="1"), config_map(a="1")
    labelled["metadata"]["labels"] = {"team": "payments"}
    assert content_digest(plain, "shop") == content_digest(labelled, "shop")
    different = [{**plain, "binaryData": {"a": "MQ=="}}, {**plain, "immutable": True}, {**plain, "type": "Opaque"}]
    digests = {content_digest(raw, "shop") for raw in (plain, config_map(a="2"), *different)}
    assert len(digests | {content_digest(plain, "cart")}) == 6


async def test_what_a_template_names_is_read_with_what_is_missing_or_left_alone(client: Client) -> None:
    stored = await client.create(CONFIGMAPS, config_map(a="1"), "shop")
    token = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys"},
        "type": "bootstrap.kubernetes.io/token",
    }
    await client.create(SECRETS, token, "shop")
    found = await read_config(client, "shop", "checkout", POD)
    assert NamedConfig(MAP, "settings", "settings", digest=content_digest(stored, "checkout")) in found
    assert {(each.missing, each.optional) for each in found if each.missing} == {
        ("init", False), ("more", True), ("certificate", False),
    }  # fmt: skip
    assert "keys" not in {each.named for each in found}


async def test_a_copy_is_immutable_and_ours_and_the_next_one_is_made_of_the_original_again(client: Client) -> None:
    stored = await client.create(CONFIGMAPS, config_map(a="1"), "shop")
    one = ConfigCopy(MAP, "settings", "settings", copy_name("settings", content_digest(stored, "checkout")))
    made = await make_copy(client, planned(one), one)
    assert (made["data"], made["immutable"]) == ({"a": "1"}, True)
    assert made["metadata"]["labels"] == {COPY_LABEL: "checkout", "serinus.dev/release": "v2"}
    assert made["metadata"]["annotations"][COPY_ANNOTATION] == "settings"
    await client.replace(CONFIGMAPS, {**stored, "data": {"a": "2"}}, "shop")
    pod = {"containers": [{"name": "app", "envFrom": [{"configMapRef": {"name": one.name}}]}]}
    [found] = await read_config(client, "shop", "checkout", pod)
    assert (found.named, found.original) == (one.name, "settings")
    assert found.digest == content_digest(config_map(a="2"), "checkout")


async def test_making_a_copy_twice_makes_it_once(client: Client) -> None:
    stored = await client.create(CONFIGMAPS, config_map(a="1"), "shop")
    one = ConfigCopy(MAP, "settings", "settings", copy_name("settings", content_digest(stored, "checkout")))
    first, second = await make_copy(client, planned(one), one), await make_copy(client, planned(one), one)
    assert first["metadata"]["uid"] == second["metadata"]["uid"]


@pytest.mark.parametrize("now", [None, {"a": "2"}], ids=["deleted", "changed"])
async def test_what_is_not_any_more_what_was_planned_is_not_copied(client: Client, now: dict[str, str] | None) -> None:
    one = ConfigCopy(MAP, "settings", "settings", copy_name("settings", content_digest(config_map(a="1"), "checkout")))
    if now is not None:
        await client.create(CONFIGMAPS, config_map(**now), "shop")
    with pytest.raises(ConfigLost, match="ConfigMap settings"):
        await make_copy(client, planned(one), one)
    assert [
        raw["metadata"]["name"] for raw in (await client.list(CONFIGMAPS, "shop", label_selector=COPY_LABEL)).items
    ] == []


async def test_a_name_that_someone_elses_object_has_is_found_before_anything_begins(client: Client) -> None:
    await client.create(CONFIGMAPS, config_map(a="1"), "shop")
    await client.create(CONFIGMAPS, {**config_map(), "metadata": {"name": COPY.name}}, "shop")
    [refusal] = await rehearse_copies(client, planned(COPY), frozenset())
    assert refusal.what == f"ConfigMap {COPY.name} is in the way"
