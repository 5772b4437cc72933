"""`serinus sandbox`: start, status, stop; and whose process it ends."""

import ipaddress
import subprocess
from pathlib import Path

from serinus.sandbox.cluster import server_of
from serinus.sandbox.rest import Api
from tests.demo.world import assert_none_left, kill_all, marked_environment, processes, read_until, run, started


def test_a_started_cluster_answers_until_it_is_stopped(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    try:
        start = run(environment, "sandbox", "start")
        assert start.returncode == 0, start.stderr
        kubeconfig = tmp_path / "serinus" / "sandbox" / "kubeconfig"
        assert f"KUBECONFIG={kubeconfig}" in start.stdout
        again = run(environment, "sandbox", "start")
        assert (again.returncode, "runs already" in again.stdout) == (0, True)
        assert run(environment, "sandbox", "status").returncode == 0
        asked = run(environment | {"KUBECONFIG": str(kubeconfig)}, "status", "checkout")
        assert "never released by Serinus" in asked.stdout, asked.stderr
        assert "has ended" in run(environment, "sandbox", "stop").stdout
        assert_none_left(environment)
        assert run(environment, "sandbox", "status").returncode == 3
    finally:
        kill_all(environment)


def test_a_cluster_in_the_foreground_ends_with_its_command(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    with started(environment, "sandbox", "start", "--foreground") as start:
        read_until(start, "Ctrl-C ends it")
        start.kill()
        assert_none_left(environment)


async def test_two_clusters_give_their_services_addresses_of_different_networks(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    folders = [tmp_path / "one", tmp_path / "two"]
    try:
        networks = []
        for folder in folders:
            start = run(environment, "sandbox", "start", "--dir", str(folder))
            assert start.returncode == 0, start.stderr
            service = {"metadata": {"name": "shop"}, "spec": {"ports": [{"port": 8080}]}}
            async with Api(server_of(folder)) as api:
                made = await api.call("POST", "/api/v1/namespaces/default/services", service)
            networks.append(ipaddress.ip_network(f"{made['spec']['clusterIP']}/22", strict=False))
        assert networks[0] != networks[1]
    finally:
        kill_all(environment)


def test_a_strangers_process_is_not_ended(tmp_path: Path) -> None:
    environment = marked_environment(tmp_path)
    stranger = subprocess.Popen(["sleep", "60"], env=environment)
    try:
        (tmp_path / "pid").write_text(f"{stranger.pid}\n")
        stop = run(environment, "sandbox", "stop", "--dir", str(tmp_path))
        assert "no cluster runs" in stop.stdout
        assert stranger.pid in processes(environment)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    start = run(marked_environment(tmp_path), "sandbox", "start", "--dir", str(tmp_path / "file" / "below"))
    assert start.returncode == 2
    assert "no folder" in start.stderr
    assert "do:" in start.stderr
