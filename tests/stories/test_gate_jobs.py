"""Gates that are Jobs, on the embedded cluster: made for a step, found again after a crash, and gone at the end."""

import json
import os
import signal
import sys

import pytest

from serinus.sandbox.rest import Raw
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place, story
from tests.stories.test_spec_file import V2, written

pytestmark = pytest.mark.skipif(
    os.environ.get("SERINUS_TEST_CLUSTER") == "real",
    reason="the real control plane of ./run real runs no Job controller yet",
)


def gate(code: str, timeout: str = "30s") -> Raw:
    """A gate whose Job runs this Python code."""
    image = f"process://{sys.executable}"
    return {"name": "load", "job": {"image": image, "args": ["-c", code]}, "timeout": timeout}


async def jobs(place: Place) -> list[str]:
    answer = await place.api.call("GET", f"/apis/batch/v1/namespaces/{place.namespace}/jobs")
    return [raw["metadata"]["name"] for raw in answer["items"]]


async def test_a_job_that_succeeds_lets_the_version_through_and_serves_nobody(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    code = "import os; assert os.environ['SERINUS_CANARY_VERSION'] == 'v2' and os.environ['SERINUS_CANARY_POD_IPS']"
    file = written(place, steps=[{"weight": 50, "gates": [gate(code)]}])
    async with place.users() as traffic:
        result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 0, story(place, result)
    assert "step 1: gate load passed: Job serinus-gate-" in result.output
    assert traffic.failed == []
    assert await jobs(place) == []


async def test_a_job_that_fails_takes_the_canary_back_with_its_log(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    file = written(place, gates=[gate("print('p99 is 812 ms, wanted 300', flush=True); raise SystemExit(1)")])
    result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 1, story(place, result)
    assert "log: p99 is 812 ms, wanted 300" in "\n".join(result.health)
    assert await jobs(place) == []
    assert await place.left_behind() == []


async def test_a_job_that_does_not_end_takes_the_canary_back_as_undecided_and_goes(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    file = written(place, gates=[gate("import time; time.sleep(600)", "2s")])
    result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 3, story(place, result)
    assert "did not end in its time" in result.output
    assert await jobs(place) == []
    assert await place.left_behind() == []


async def test_a_job_outlives_a_runner_that_dies_and_goes_with_the_way_back(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    file = written(place, gates=[gate("import time; time.sleep(600)", "10m")])
    session = await place.start("deploy", "-f", file, "--image", V2)
    await session.says("asking gate load about step 1, by a Job")
    await place.until("the Job's pod", lambda: any("serinus-gate" in raw["metadata"]["name"] for raw in _pods(place)))
    session.signal(signal.SIGKILL)
    await session.ended()
    (before,) = await jobs(place)
    second = await place.start("deploy", "-f", file, "--image", V2)
    await second.says("going on with the unfinished rollout")
    assert await jobs(place) == [before]
    abort = await place.serinus("abort", SERVICE)
    assert (abort.code, (await second.ended()).code) == (0, 4)
    assert await jobs(place) == []
    assert await place.left_behind() == []


def _pods(place: Place) -> list[Raw]:
    return place.seen.now("pods")


async def test_a_job_that_the_cluster_would_refuse_is_told_before_anything_is_touched(place: Place) -> None:
    await place.in_production(manifests.in_place(2))
    pod = {"containers": [{"name": "load", "image": " "}], "restartPolicy": "Never"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"template": {"spec": pod}}}
    (place.home / "job.yaml").write_text(json.dumps(job))
    file = written(place, gates=[{"name": "load", "job": {"file": "job.yaml"}}])
    result = await place.serinus("deploy", "-f", file, "--image", V2)
    assert result.code == 2
    assert "the cluster refuses the Job of gate load" in result.errors
    assert await place.traces() == []
