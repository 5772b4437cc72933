"""ConfigMaps and Secrets that go with the release: production keeps its own, and nothing is left over."""

import asyncio
import base64
import json
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.cluster import ADMIN
from tests.stories.manifests import SERVICE
from tests.stories.observer import image_of, uids
from tests.stories.place import Place, story

V1, V2, V5 = "demo/checkout:v1", "demo/checkout:v2", "demo/checkout:v5"
VERSIONED = ("--config", "versioned", "--steps", "50")
NAMINGS = ["in-place", "versioned"]
SETTINGS, KEYS = "settings", "keys"


def config_map(greeting: str) -> Raw:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SETTINGS}, "data": {"greeting": greeting}}


def secret(word: str) -> Raw:
    data = {"WORD": base64.b64encode(word.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEYS}, "type": "Opaque", "data": data}


def production(naming: str, replicas: int = 2) -> list[Raw]:
    """Production whose answers carry, in place of a version, the greeting it was started with."""
    greeting = {"name": "SERINUS_VERSION", "valueFrom": {"configMapKeyRef": {"name": SETTINGS, "key": "greeting"}}}
    make = {"in-place": manifests.in_place, "versioned": manifests.versioned}[naming]
    return make(replicas, env=[greeting], envFrom=[{"secretRef": {"name": KEYS}}])


async def in_production(place: Place, naming: str, replicas: int = 2) -> None:
    await place.apply(config_map("one"), secret("one"))
    await place.in_production(production(naming, replicas))


async def change(place: Place, greeting: str) -> None:
    await place.patch(f"/api/v1/namespaces/{{}}/configmaps/{SETTINGS}", {"data": {"greeting": greeting}})


async def greetings(place: Place, image: str) -> set[str]:
    """What the pods of an image say."""
    addresses = [pod["status"]["podIP"] for pod in place.pods() if image_of(pod) == image]
    return {await asyncio.to_thread(_greeting, address) for address in addresses}


def _greeting(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=10) as answer:
        return str(json.load(answer)["version"])


async def copies(place: Place, plural: str = "configmaps") -> dict[str, str]:
    """The copies that are there: their uids by name."""
    query = {"labelSelector": f"serinus.dev/config-of={SERVICE}"}
    answer = await place.api.call("GET", f"/api/v1/namespaces/{place.namespace}/{plural}", **query)
    return {raw["metadata"]["name"]: raw["metadata"]["uid"] for raw in answer["items"]}


def named(place: Place) -> set[str]:
    """The ConfigMaps that the Deployments name."""
    containers = [raw["spec"]["template"]["spec"]["containers"][0] for raw in place.seen.now("deployments")]
    return {container["env"][0]["valueFrom"]["configMapKeyRef"]["name"] for container in containers}


@pytest.mark.parametrize("naming", NAMINGS)
async def test_production_keeps_its_own_config_until_the_new_version_is_promoted(place: Place, naming: str) -> None:
    await in_production(place, naming)
    first = await place.deploy(V2, *VERSIONED)
    assert first.code == 0, story(place, first)
    await change(place, "two")
    session = await place.start("deploy", SERVICE, "--image", V5, "--bake", "4", *VERSIONED)
    await session.says("step 1 of 2")
    [old, *_] = [pod for pod in place.pods() if image_of(pod) == V2]
    await place.api.call("DELETE", f"/api/v1/namespaces/{place.namespace}/pods/{old['metadata']['name']}")
    await place.until("production has a new pod", lambda: _replaced(place, old))
    assert await greetings(place, V2) == {"one"}
    assert await greetings(place, V5) == {"two"}
    result = await session.ended()
    assert result.code == 0, story(place, result)
    assert await greetings(place, V5) == {"two"}
    await place.until("the Deployment is alone", lambda: len(place.deployments()) == 1)
    assert named(place) <= set(await copies(place))


def _replaced(place: Place, old: Raw) -> bool:
    pods = [pod for pod in place.pods() if image_of(pod) == V2]
    return bool(pods) and not uids([old]) & uids(pods)


async def test_by_version_the_copies_go_with_the_version_that_named_them(place: Place) -> None:
    await in_production(place, "versioned")
    assert (await place.deploy(V2, *VERSIONED)).code == 0
    before = await copies(place), await copies(place, "secrets")
    await change(place, "two")
    result = await place.deploy(V5, *VERSIONED)
    assert result.code == 0, story(place, result)
    after = await copies(place), await copies(place, "secrets")
    assert set(after[0]) == named(place)
    assert not set(after[0]) & set(before[0])
    assert after[1] == before[1]  # the Secret was not changed: the same copy serves both


async def test_in_place_the_copies_stay_that_rollout_undo_would_need(place: Place) -> None:
    await in_production(place, "in-place")
    assert (await place.deploy(V2, *VERSIONED)).code == 0
    first = await copies(place)
    await change(place, "two")
    assert (await place.deploy(V5, *VERSIONED)).code == 0
    assert set(await copies(place)) == {*first, *named(place)}
    assert len(await copies(place)) == 2


@pytest.mark.parametrize("naming", NAMINGS)
async def test_a_release_that_is_taken_back_leaves_none_of_its_copies(place: Place, naming: str) -> None:
    await in_production(place, naming)
    await place.begin()
    await change(place, "two")
    result = await place.deploy("demo/checkout:v2-unpullable", *VERSIONED)
    assert result.code == 1, story(place, result)
    assert await place.left_behind() == []
    assert named(place) == {SETTINGS}


@pytest.mark.parametrize(("verb", "naming"), [("deploy", "in-place"), ("abort", "versioned")])
async def test_what_a_killed_run_had_copied_is_used_or_removed_by_the_next(
    place: Place, naming: str, verb: str
) -> None:
    await in_production(place, naming)
    await place.begin()
    killed = await place.start("deploy", SERVICE, "--image", V2, "--bake", "0.2", *VERSIONED)
    await killed.says("copying Secret")
    await killed.close()
    again = await (place.deploy(V2, *VERSIONED) if verb == "deploy" else place.serinus("abort", SERVICE))
    assert again.code == 0, story(place, again)
    there = {*await copies(place), *await copies(place, "secrets")}
    if verb == "abort":
        assert await place.left_behind() == []
        return
    assert len(there) == 2
    assert {image_of(pod) for pod in place.pods()} == {V2}
    assert named(place) <= there


async def test_the_copy_of_content_that_is_there_already_is_used_again(place: Place) -> None:
    await in_production(place, "versioned")
    assert (await place.deploy(V2, *VERSIONED)).code == 0
    before = await copies(place), await copies(place, "secrets")
    result = await place.deploy(V5, *VERSIONED)
    assert result.code == 0, story(place, result)
    assert (await copies(place), await copies(place, "secrets")) == before
    assert "copying" not in result.output


async def test_applying_the_manifest_with_the_original_names_is_fine_and_so_is_the_release_after_it(
    place: Place,
) -> None:
    await place.apply(config_map("one"), secret("one"))
    service, deployment = production("in-place", 1)
    await place.in_production([service])
    await kubectl_apply(place, deployment)
    await place.until("a pod serves", lambda: len(place.pods()) == 1)
    assert (await place.deploy(V2, *VERSIONED)).code == 0
    assert named(place) <= set(await copies(place))
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = V2
    await kubectl_apply(place, deployment)
    assert named(place) == {SETTINGS}
    await place.until("its pod is the only one", lambda: _rolled_out(place))
    await change(place, "two")
    result = await place.deploy(V5, *VERSIONED)
    assert result.code == 0, story(place, result)
    assert await greetings(place, V5) == {"two"}


def _rolled_out(place: Place) -> bool:
    [raw] = place.seen.now("deployments")
    status = raw.get("status") or {}
    counts = [status.get(key) for key in ("replicas", "updatedReplicas", "readyReplicas")]
    return status.get("observedGeneration") == raw["metadata"]["generation"] and counts == [1, 1, 1]


async def kubectl_apply(place: Place, raw: Raw) -> None:
    kubeconfig = place.cluster.kubeconfig(ADMIN, place.namespace)
    program = shutil.which("kubectl", path=Path(sys.executable).parent) or shutil.which("kubectl")
    assert program, "no kubectl beside Python, nor on PATH"
    environment = {"KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(place.home / "kubectl-cache")}
    process = await asyncio.create_subprocess_exec(
        program, "apply", "-f", "-", env=environment, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate(json.dumps(raw).encode())
    assert process.returncode == 0, errors.decode()


async def test_what_the_template_names_and_is_not_there_is_said_all_at_once(place: Place) -> None:
    await in_production(place, "in-place")
    for plural, name in (("configmaps", SETTINGS), ("secrets", KEYS)):
        await place.api.call("DELETE", f"/api/v1/namespaces/{place.namespace}/{plural}/{name}")
    await place.begin()
    result = await place.deploy(V2, *VERSIONED)
    assert result.code == 2
    assert f"ConfigMap {SETTINGS} does not exist" in result.errors
    assert f"Secret {KEYS} does not exist" in result.errors
    assert await place.traces() == []
