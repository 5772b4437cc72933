"""The Canary resource's definition on a real API server: it is structural, and refuses what the parser refuses."""

import copy
from typing import Any

import pytest

from serinus.core.schema import custom_resource_definition
from serinus.kube.yamldoc import read_yaml
from serinus.sandbox.rest import Api, ApiError
from tests.core.test_parse import WHOLE
from tests.real.waiting import until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WRONG: list[dict[str, Any]] = [
    {"servce": "checkout"},
    {"capacity": "none"},
    {"bake": 5},
    {"steps": []},
    {"smoke": {"timeout": "1s"}},
    {"freeze": [{"reason": "x", "cron": "0 18 * * 5", "duration": "1h", "from": "2026-12-20"}]},
]


async def test_the_definition_is_structural_and_refuses_what_the_parser_refuses(api: Api, namespace: str) -> None:
    definition = custom_resource_definition()
    await api.call("POST", DEFINITIONS, definition)
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    await until("the definition is established", lambda: is_established(api, path))
    assert "NonStructuralSchema" not in await conditions(api, path)
    resources = f"/apis/serinus.dev/v1alpha1/namespaces/{namespace}/canaries"
    whole = read_yaml(WHOLE).value
    whole["metadata"] = {"name": "checkout"}
    await until("the resource is served", lambda: is_created(api, resources, whole))
    for number, fields in enumerate(WRONG):
        wrong = copy.deepcopy(whole)
        wrong["metadata"]["name"] = f"wrong-{number}"
        wrong["spec"].update(fields)
        with pytest.raises(ApiError) as caught:
            await api.call("POST", resources, wrong, fieldValidation="Strict")
        assert caught.value.status in (400, 422)


async def conditions(api: Api, path: str) -> dict[str, str]:
    definition = await api.call("GET", path)
    return {condition["type"]: condition["status"] for condition in definition["status"].get("conditions") or ()}


async def is_established(api: Api, path: str) -> bool:
    return (await conditions(api, path)).get("Established") == "True"


async def is_created(api: Api, resources: str, body: Any) -> bool:
    try:
        await api.call("POST", resources, body, fieldValidation="Strict")
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True
