"""The sixteen defects of the canary step that this began with, each a test by name.

The numbers are those of the list that was made from reading the step's script; the words are ours.
"""

import asyncio
import json
import signal
import urllib.request
from typing import Any

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.cluster import ADMIN
from tests.stories.manifests import SERVICE, autoscaler, container, deployment
from tests.stories.observer import image_of, is_ready, restarts
from tests.stories.place import Place, story
from tests.stories.session import Result

V1, V2 = "demo/checkout:v1", "demo/checkout:v2"


async def codefresh(place: Place, increment: int, version: str = "v2") -> Result:
    """The step as its users call it."""
    return await place.serinus(
        "codefresh",
        SERVICE_NAME=SERVICE,
        DEPLOYMENT_NAME=SERVICE,
        NAMESPACE=place.namespace,
        NEW_VERSION=version,
        TRAFFIC_INCREMENT=str(increment),
        SLEEP_SECONDS="0",
        WORKING_VOLUME="/codefresh/volume",
    )


def production_sizes(place: Place, name: str = SERVICE) -> list[int]:
    """All sizes that production was asked to have, in order."""
    return [seen.raw["spec"]["replicas"] for seen in place.seen.changes("deployments", name)]


@pytest.mark.parametrize(("pods", "increment"), [(3, 10), (5, 35), (1, 20), (2, 100)])
async def test_defect_01_small_increments_on_few_pods_never_collapse_capacity(
    place: Place, pods: int, increment: int
) -> None:
    """The pods of a wave were rounded down: 10 % of 3 moved none, and at the end one pod stood where three had."""
    await place.in_production(manifests.versioned(pods))
    result = await codefresh(place, increment)
    assert result.code == 0, story(place, result)
    assert place.deployments() == {f"{SERVICE}-v2": pods}
    assert [image_of(pod) for pod in place.pods()] == [V2] * pods
    assert place.least_ready() == pods


@pytest.mark.parametrize("harm", ["never-ready", "unpullable"])
async def test_defect_02_a_pod_that_never_gets_ready_is_no_healthy_pod(place: Place, harm: str) -> None:
    """Health was the number of restarts, and a pod that never starts has none: production went away under it."""
    await place.in_production(manifests.in_place(2))
    result = await place.deploy(f"demo/checkout:v2-{harm}", "--ready-deadline", "2")
    assert result.code == 1, story(place, result)
    assert set(production_sizes(place)) == {2}
    assert place.least_ready() == 2


async def test_defect_03_production_is_not_lowered_before_the_canary_is_ready(place: Place) -> None:
    """Only production's pods were waited for; the canary got its share whether it was ready or not."""
    await place.in_production(manifests.versioned(1))
    result = await place.deploy("demo/checkout:v2-slow-start", "--steps", "50")
    assert result.code == 0, story(place, result)
    canary = (seen for seen in place.seen.seen["pods"] if image_of(seen.raw) != V1)
    ready_at = next(seen.at for seen in canary if is_ready(seen.raw))
    lowered_at = next(s.at for s in place.seen.changes("deployments", f"{SERVICE}-v1") if s.raw["spec"]["replicas"] < 1)
    assert ready_at < lowered_at
    assert place.least_ready() == 1


async def test_defect_04_restarts_of_production_are_not_held_against_the_canary(place: Place) -> None:
    """Restarts were summed over all pods of the app, so an old restart of production failed a healthy canary."""
    await place.in_production(manifests.in_place(2))
    await _crash(place, times=1)
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)


async def test_defect_04_restarts_beyond_those_of_production_fail_the_canary(place: Place) -> None:
    """Two restarts were allowed, whatever production did; here one more than production's is too many."""
    await place.in_production(manifests.in_place(2))
    await _crash(place, times=1)
    result = await place.deploy("demo/checkout:v2-crash1", "--bake", "10")
    assert result.code == 1, story(place, result)
    assert "ended once" in "\n".join(result.health)


async def _crash(place: Place, times: int) -> None:
    """Have each pod of production die, and wait until it serves again."""
    for pod in place.pods():
        await asyncio.to_thread(_put_fault, pod["status"]["podIP"], {"crash_after_seconds": 0.05})
    wanted = len(place.pods())

    def back() -> bool:
        pods = place.pods()
        return len(pods) == wanted == place.seen.endpoints() and all(restarts(pod) == times for pod in pods)

    await place.until("production is back after its crash", back)


def _put_fault(address: str, faults: dict[str, Any]) -> None:
    body = json.dumps(faults).encode()
    request = urllib.request.Request(f"http://{address}:8080/_fault", body, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


async def test_defect_05_pods_are_found_by_the_services_own_selector(place: Place) -> None:
    """Pods were looked for by a label that its own example did not carry, and waited for without end."""
    labels = {"tier": "web", "part-of": "till"}
    await place.apply(manifests.service(selector=labels), deployment(SERVICE, 2, **labels))
    await place.until("it is in production", lambda: place.seen.endpoints() == 2)
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)
    assert [image_of(pod) for pod in place.ready_pods()] == [V2, V2]


async def test_defect_06_the_way_back_goes_through_the_right_namespace(place: Place) -> None:
    """The canary was deleted in the context's namespace, whichever it ran in, and so stayed where it was."""
    await place.in_production(manifests.in_place(2))
    elsewhere = place.cluster.kubeconfig(ADMIN, "default")
    options = ("--namespace", place.namespace, "--kubeconfig", str(elsewhere))
    result = await place.deploy("demo/checkout:v2-unpullable", *options)
    assert result.code == 1, story(place, result)
    assert await place.left_behind() == []


async def test_defect_07_the_version_in_other_words_is_not_replaced(place: Place) -> None:
    """The old version was replaced by the new one all over the file: in variables, annotations, other images."""
    sidecar = container("proxy", V1, env=[{"name": "PORT", "value": "8081"}], ports=None, readinessProbe=None)
    app = container(env=[{"name": "PRICES", "value": "http://prices/v1/v1.json"}])
    raw = deployment(f"{SERVICE}-v1", 1, app, sidecar)
    raw["spec"]["template"]["metadata"]["annotations"] = {"example.com/since": "v1"}
    await place.in_production([manifests.service("v1"), raw])
    result = await place.deploy(f"{SERVICE}={V2}")
    assert result.code == 0, story(place, result)
    after = _deployment(place, f"{SERVICE}-v2")["spec"]["template"]
    assert after["metadata"]["annotations"] == {"example.com/since": "v1"}
    found = {each["name"]: (each["image"], each["env"][0]["value"]) for each in after["spec"]["containers"]}
    assert found == {SERVICE: (V2, "http://prices/v1/v1.json"), "proxy": (V1, "8081")}


async def test_defect_08_sidecars_and_init_containers_are_no_hindrance(place: Place) -> None:
    """The image was whatever stood behind every `image:`; with more than one container it was nonsense."""
    raw = deployment(f"{SERVICE}-v1", 1, container(), {"name": "logs", "image": "process://sleep 1000"})
    raw["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": "process://true"}]
    await place.in_production([manifests.service("v1"), raw])
    result = await codefresh(place, 50)
    assert result.code == 0, story(place, result)
    after = _deployment(place, f"{SERVICE}-v2")["spec"]["template"]["spec"]
    images = [each["image"] for each in (*after["initContainers"], *after["containers"])]
    assert images == ["process://true", V2, "process://sleep 1000"]


async def test_defect_09_production_stays_the_object_it_was(place: Place) -> None:
    """Production was restored from an exported file with uid, resourceVersion, status and all."""
    raw = deployment(SERVICE, 2)
    tracking = {"argocd.argoproj.io/tracking-id": "shop", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    raw["metadata"]["annotations"] = tracking
    await place.in_production([manifests.service(), raw])
    before = _deployment(place)
    result = await place.deploy("demo/checkout:v2-unpullable")
    assert result.code == 1, story(place, result)
    after = _deployment(place)
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    [canary, *_] = place.seen.changes("deployments", f"{SERVICE}-v2-unpullable")
    assert canary.raw["metadata"]["uid"] != before["metadata"]["uid"]
    assert tracking.keys().isdisjoint(canary.raw["metadata"]["annotations"])


@pytest.mark.parametrize(("increment", "pods"), [(25, "1 of 4"), (50, "2 of 4"), (75, "3 of 4")])
async def test_defect_10_the_first_share_is_the_one_that_was_asked_for(place: Place, increment: int, pods: str) -> None:
    """The first wave was one pod beside all of production, whatever share had been asked for."""
    await place.in_production(manifests.versioned(4))
    result = await codefresh(place, increment)
    assert result.code == 0, story(place, result)
    first = next(line for line in result.output.splitlines() if "step 1 of" in line)
    assert f"version v2 has {increment} % of traffic ({pods} pods)" in first


async def test_defect_11_the_autoscaler_is_kept_and_does_not_interfere(place: Place) -> None:
    """The autoscaler went on scaling production during the waves, and was deleted with it at the end."""
    await place.in_production([*manifests.versioned(4), autoscaler(f"{SERVICE}-v1", 4, 8)])
    plural, name = "horizontalpodautoscalers", f"{SERVICE}-v1"
    [before, *_] = place.seen.changes(plural, name)
    result = await codefresh(place, 50)
    assert result.code == 0, story(place, result)
    assert 2 in production_sizes(place, f"{SERVICE}-v1")  # below its minimum, and left alone there
    after = place.seen.find(plural, name)
    assert after is not None
    assert after["metadata"]["uid"] == before.raw["metadata"]["uid"]


async def test_defect_12_what_a_killed_runner_left_can_be_seen_and_taken_back(place: Place) -> None:
    """A runner that was killed left two Deployments, and nothing could go on or clean up."""
    await place.in_production(manifests.in_place(2))
    session = await place.start("deploy", SERVICE, "--image", V2, "--bake", "600")
    await session.says("step 1 of")
    session.signal(signal.SIGKILL)
    await session.ended()
    assert "holding" in (await place.serinus("status", SERVICE)).output
    result = await place.serinus("abort", SERVICE)
    assert result.code == 0, story(place, result)
    assert await place.left_behind() == []
    assert _deployment(place)["spec"]["replicas"] == 2


async def test_defect_13_of_two_pipelines_at_once_one_is_refused(place: Place) -> None:
    """Nothing kept two pipelines from releasing the same service at once."""
    await place.in_production(manifests.in_place(2))
    results = await asyncio.gather(place.deploy(V2, "--bake", "3"), place.deploy("demo/checkout:v5", "--bake", "3"))
    assert sorted(result.code for result in results) == [0, 2], [story(place, result) for result in results]
    [refused] = [result for result in results if result.code == 2]
    assert "serinus:" in refused.errors
    assert place.deployments() == {SERVICE: 2}


async def test_defect_14_the_previous_version_can_be_kept_at_hand(place: Place) -> None:
    """The previous Deployment was deleted with success, so there was no quick way back."""
    await place.in_production(manifests.versioned(2))
    result = await place.deploy(V2, "--keep-previous")
    assert result.code == 0, story(place, result)
    assert place.deployments() == {f"{SERVICE}-v1": 0, f"{SERVICE}-v2": 2}


async def test_defect_15_the_canarys_deployment_claims_its_own_pods_only(place: Place) -> None:
    """Both Deployments had the same selector, since the Service's could not name a version."""
    await place.in_production(manifests.versioned(2))
    result = await place.deploy(V2)
    assert result.code == 0, story(place, result)
    wanted = _deployment(place, f"{SERVICE}-v2")["spec"]["selector"]["matchLabels"]
    assert wanted == {"app": SERVICE, "serinus.dev/release": "v2"}


async def test_defect_15_a_service_that_selects_one_version_is_refused_with_the_reason(place: Place) -> None:
    """A Service whose selector names the version sends the canary nobody, and the step did not notice."""
    labels = {"app": SERVICE, "version": "v1"}
    await place.in_production([manifests.service("v1", labels), deployment(f"{SERVICE}-v1", 2, **labels)])
    result = await codefresh(place, 50)
    assert result.code == 2
    assert "the canary would get no traffic" in result.errors
    assert await place.traces() == []


async def test_defect_16_nobody_is_moved_before_the_first_pod_was_judged(place: Place) -> None:
    """With a pipeline as judge the first wave was moved before that pipeline had run at all."""
    await place.in_production(manifests.in_place(4))
    result = await place.deploy(V2, "--smoke-command", "exit 7")
    assert result.code == 1, story(place, result)
    assert "exit code 7" in "\n".join(result.health)
    assert set(production_sizes(place)) == {4}
    assert list(place.deployments()) == [SERVICE]


def _deployment(place: Place, name: str = SERVICE) -> Raw:
    found = place.seen.find("deployments", name)
    assert found is not None
    return found
