"""The pure parts of the kubelet: status, placement, back-off, addresses, quantities, logs."""

from pathlib import Path
from typing import Any

import pytest

from serinus.sandbox.kubelet.addresses import Addresses, AddressesExhausted
from serinus.sandbox.kubelet.backoff import BackOff
from serinus.sandbox.kubelet.environment import container_command, expand
from serinus.sandbox.kubelet.logs import LOG_BYTES_MAX, ContainerLog
from serinus.sandbox.kubelet.quantity import parse_quantity
from serinus.sandbox.kubelet.scheduler import choose_node, requested
from serinus.sandbox.kubelet.settings import Settings
from serinus.sandbox.kubelet.states import ContainerStatus, Running, State, Terminated, Waiting
from serinus.sandbox.kubelet.status import PodFacts, pod_status
from serinus.sandbox.rest import Raw

RUNNING = Running(0.0)
WAITING = Waiting("ContainerCreating")


def ended(exit_code: int) -> Terminated:
    return Terminated("Completed" if exit_code == 0 else "Error", exit_code, 0.0, 1.0, "sandbox://1")


def status(
    states: list[State], policy: str = "Always", init: tuple[ContainerStatus, ...] = (), previous: Any = ()
) -> Raw:
    app = [ContainerStatus(f"c{i}", "x", state, ready=isinstance(state, Running)) for i, state in enumerate(states)]
    pod = {"metadata": {"name": "p"}, "spec": {"restartPolicy": policy}, "status": {}}
    return pod_status(PodFacts(pod, init, app, "10.0.0.1", "127.0.0.1", "then", previous), "now")


@pytest.mark.parametrize(
    ("states", "policy", "phase"),
    [
        ([WAITING], "Always", "Pending"),
        ([RUNNING, WAITING], "Always", "Pending"),
        ([RUNNING, RUNNING], "Always", "Running"),
        ([ended(1)], "Always", "Running"),
        ([ended(0)], "Always", "Running"),
        ([ended(0), RUNNING], "Never", "Running"),
        ([ended(0), ended(0)], "Never", "Succeeded"),
        ([ended(0), ended(1)], "Never", "Failed"),
        ([ended(1)], "OnFailure", "Running"),
        ([ended(0)], "OnFailure", "Succeeded"),
    ],
)
def test_the_phase_follows_from_states_and_restart_policy(states: list[State], policy: str, phase: str) -> None:
    assert status(states, policy)["phase"] == phase


def test_an_init_container_that_failed_for_good_fails_the_pod() -> None:
    assert status([WAITING], "Never", (ContainerStatus("i", "x", ended(1)),))["phase"] == "Failed"


def test_a_transition_time_moves_only_with_its_status() -> None:
    first = status([RUNNING])["conditions"]
    before = [known | {"lastTransitionTime": "before"} for known in first]
    again = {known["type"]: known for known in status([ended(1)], previous=before)["conditions"]}
    assert again["PodScheduled"]["lastTransitionTime"] == "before"
    assert again["Ready"]["lastTransitionTime"] == "now"


def test_a_reason_that_no_longer_holds_is_taken_back() -> None:
    unready = status([ended(1)])["conditions"]
    ready = {known["type"]: known for known in status([RUNNING], previous=unready)["conditions"]}["Ready"]
    assert ready["status"] == "True"
    assert ready["reason"] is None


def node(name: str, memory: str = "1Gi", **spec: Any) -> Raw:
    room = {"cpu": "2", "memory": memory, "pods": "3"}
    return {"metadata": {"name": name, "labels": {"zone": name}}, "spec": spec, "status": {"allocatable": room}}


def pod(memory: str = "0", **spec: Any) -> Raw:
    return {"spec": {"containers": [{"name": "app", "resources": {"requests": {"memory": memory}}}]} | spec}


def test_the_emptier_node_is_chosen() -> None:
    placed = [("a", pod()), ("a", pod()), ("b", pod())]
    assert choose_node(pod(), [node("a"), node("b")], placed)[0] == "b"


def test_a_node_selector_is_obeyed() -> None:
    assert choose_node(pod(nodeSelector={"zone": "b"}), [node("a"), node("b")], [])[0] == "b"


def test_all_reasons_of_all_nodes_are_told() -> None:
    nodes = [node("a"), node("b", memory="4Gi", unschedulable=True), node("c")]
    found, why = choose_node(pod("2Gi"), nodes, [])
    assert found is None
    assert why == "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory."


def test_the_number_of_pods_is_limited() -> None:
    assert choose_node(pod(), [node("a")], [("a", pod())] * 3)[1] == "0/1 nodes are available: 1 Too many pods."


def test_a_large_init_container_counts_instead_of_the_sum() -> None:
    init = [{"name": "i", "resources": {"requests": {"memory": "512Mi"}}}]
    assert requested(pod("64Mi", initContainers=init))["memory"] == 512 * 1024 * 1024


def test_limits_count_where_no_request_is_made() -> None:
    limited = {"spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "500m"}}}]}}
    assert requested(limited)["cpu"] == 0.5


def test_back_off_starts_at_once_doubles_and_is_capped() -> None:
    back_off = BackOff(Settings(back_off_seconds=1, back_off_seconds_max=5))
    assert [back_off.next_seconds(0) for _ in range(6)] == [0, 1, 2, 4, 5, 5]


def test_back_off_begins_afresh_after_a_long_run() -> None:
    back_off = BackOff(Settings(back_off_reset_seconds=600))
    back_off.next_seconds(0)
    back_off.next_seconds(0)
    assert back_off.next_seconds(601) == 0


def test_an_address_is_used_again_as_late_as_possible() -> None:
    addresses = Addresses("10.0.0.0/29")
    first = [addresses.take() for _ in range(2)]
    addresses.release(first[0])
    assert [*first, *(addresses.take() for _ in range(5))] == [f"10.0.0.{number}" for number in (1, 2, 3, 4, 5, 6, 1)]
    with pytest.raises(AddressesExhausted, match="all 6 addresses"):
        addresses.take()


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("2", 2), ("64Mi", 2**26), ("1.5Gi", 1.5 * 2**30), ("1k", 1e3)]
)
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert parse_quantity(text) == number


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(ValueError):
        parse_quantity("12 apples")


def test_variables_are_expanded_as_kubernetes_does() -> None:
    assert expand("$(A) $$(A) $(B) $A", {"A": "1"}) == "1 $(A) $(B) $A"


def test_a_containers_command_replaces_the_images() -> None:
    assert container_command({"args": ["x"]}, ("run", "it"), {}) == ["run", "it", "x"]
    assert container_command({"command": ["other"], "args": ["$(A)"]}, ("run",), {"A": "1"}) == ["other", "1"]
    assert container_command({"args": ["ignored"]}, (), {}) == []


def test_a_log_that_grows_too_long_keeps_its_later_part(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "app")
    with log.next_run().open("ab") as stream:
        for number in range(150_000):
            stream.write(b"line %07d\n" % number)
        stream.flush()
        log.trim()
        stream.write(b"after the cut\n")
    text = log.read(previous=False) or b""
    assert len(text) <= LOG_BYTES_MAX // 2 + 20
    assert text.splitlines()[-2:] == [b"line 0149999", b"after the cut"]
    assert text.startswith(b"line ")


def test_only_the_log_before_the_current_one_is_kept(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "app")
    for number in range(3):
        log.next_run().write_text(f"run {number}")
    assert (log.read(previous=True), log.read(previous=False)) == (b"run 1", b"run 2")
    assert len(list((tmp_path / "app").iterdir())) == 2
