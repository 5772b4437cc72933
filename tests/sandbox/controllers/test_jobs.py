"""Jobs of one pod over HTTP: made, made again when it is lost, noted as complete, and gone when their time is over."""

from typing import Any

from serinus.sandbox.rest import Raw
from tests.sandbox.controllers.cluster import Cluster, condition, names

BATCH = "batch/v1"


def job(**spec: Any) -> Raw:
    container = {"name": "work", "image": "v1"}
    template = {"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"apiVersion": BATCH, "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": template, **spec}}


async def _running(cluster: Cluster) -> Raw:
    async def one() -> Raw | None:
        alive = [pod for pod in await cluster.pods() if (pod.get("status") or {}).get("phase") == "Running"]
        return alive[0] if len(alive) == 1 else None

    pod: Raw = await cluster.until("one pod runs", one)
    return pod


async def _ends(cluster: Cluster, pod: Raw, phase: str) -> None:
    path = f"{cluster.path('pods', pod['metadata']['name'], group='v1')}/status"
    await cluster.api.call("PATCH", path, {"status": {"phase": phase}}, "application/merge-patch+json")


async def test_a_job_makes_one_pod_and_is_complete_when_that_has_succeeded(cluster: Cluster) -> None:
    await cluster.create("jobs", job(), group=BATCH)
    pod = await _running(cluster)
    assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "once"
    await _ends(cluster, pod, "Succeeded")

    async def complete() -> bool:
        return condition(await cluster.get("jobs", "once", group=BATCH), "Complete").get("status") == "True"

    await cluster.until("complete", complete)
    assert names(await cluster.pods()) == names([pod])


async def test_a_pod_that_failed_is_made_again_until_the_limit(cluster: Cluster) -> None:
    await cluster.create("jobs", job(backoffLimit=1), group=BATCH)
    first = await _running(cluster)
    await _ends(cluster, first, "Failed")
    second = await _running(cluster)
    assert names([first]) != names([second])
    await _ends(cluster, second, "Failed")

    async def failed() -> bool:
        return condition(await cluster.get("jobs", "once", group=BATCH), "Failed").get("status") == "True"

    await cluster.until("failed", failed)


async def test_a_job_that_runs_too_long_fails_and_its_pod_ends(cluster: Cluster) -> None:
    await cluster.create("jobs", job(activeDeadlineSeconds=1), group=BATCH)
    await _running(cluster)

    async def failed() -> bool:
        found = condition(await cluster.get("jobs", "once", group=BATCH), "Failed")
        return (found.get("status"), found.get("reason")) == ("True", "DeadlineExceeded")

    async def no_pod() -> bool:
        return not await cluster.pods()

    await cluster.until("failed", failed)
    await cluster.until("its pod is gone", no_pod)


async def test_a_finished_job_that_may_not_stay_goes_with_its_pod(cluster: Cluster) -> None:
    await cluster.create("jobs", job(ttlSecondsAfterFinished=0), group=BATCH)
    await _ends(cluster, await _running(cluster), "Succeeded")

    async def nothing() -> bool:
        return not (await cluster.listed("jobs", group=BATCH) + await cluster.pods())

    await cluster.until("nothing is left", nothing)
